/* version.c: asking a program which version it is, before it is trusted with anything. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "ipc_proc.h"
#include "supervisor.h"

#define ANSWER_NS 5000000000u
#define LOOK_NS 1000000

static int launch(const char *program, int out, pid_t *ret_pid) {
    char *argv[] = {(char *)program, "--version", NULL};
    struct child c;
    child_init(&c);
    child_give(&c, out, STDOUT_FILENO);
    return child_start(&c, program, argv, ret_pid);
}

/* Whoever does not answer in time is killed, and has not answered. */
static bool wait_for_end(struct supervisor *s, pid_t pid) {
    uint64_t begin = clock_mono_ns();
    int how = 0;
    bool late = false;
    while (waitpid(pid, &how, WNOHANG) == 0) {
        if (!late && clock_mono_ns() - begin > ANSWER_NS) {
            late = true;
            kill(pid, SIGKILL);
        }
        daemon_sleep(&s->d, LOOK_NS);
    }
    return !late && WIFEXITED(how) && WEXITSTATUS(how) == 0;
}

status version_ask(struct supervisor *s, const char *folder, const char *name,
                   struct version *ret_version, struct error *e) {
    char program[CONTROL_PATH_BYTES + 32], line[VERSION_LINE_BYTES];
    int ends[2];
    pid_t pid;
    snprintf(program, sizeof program, "%s/%s", folder, name);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        return error_set(e, ST_IO_ERROR, "pipe: %s", strerror(errno));
    }
    int rc = launch(program, ends[1], &pid);
    close(ends[1]);
    bool answered = rc == 0 && wait_for_end(s, pid);
    ssize_t n = read(ends[0], line, sizeof line - 1); /* a line fits into any pipe */
    close(ends[0]);
    if (rc != 0) return error_set(e, ST_IO_ERROR, "%s: %s", program, strerror(rc));
    line[n > 0 ? n : 0] = '\0';
    if (!answered || !ok(version_parse(line, ret_version))) {
        return error_set(e, ST_INVALID, "%s --version does not say what it is", program);
    }
    return OK;
}
