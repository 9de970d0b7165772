/* start.c: supervisors, one after the other. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guardian.h"
#include "ipc_proc.h"

#define CHANNEL_NUMBER (NUMBERS_MAX - 1) /* of its end, in the supervisor */

static void inherit(const struct guardian *g, posix_spawn_file_actions_t *files, int channel) {
    posix_spawn_file_actions_init(files);
    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    for (int n = 0; n < CHANNEL_NUMBER; n++)
        if (g->kept[n]) posix_spawn_file_actions_adddup2(files, n, n); /* no close-on-exec there */
    posix_spawn_file_actions_adddup2(files, channel, CHANNEL_NUMBER);
}

static int launch(const struct guardian *g, int channel, pid_t *ret_pid) {
    char number[16], copy[sizeof g->program], *programs;
    char *argv[ARGUMENTS_MAX + 6];
    int n = 0;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    extern char **environ;
    snprintf(number, sizeof number, "%d", CHANNEL_NUMBER);
    memcpy(copy, g->program, sizeof copy);
    programs = dirname(copy);
    argv[n++] = (char *)g->program;
    argv[n++] = "--guardian";
    argv[n++] = number;
    argv[n++] = "--programs";
    argv[n++] = programs;
    memcpy(argv + n, g->arguments, (size_t)g->narguments * sizeof *argv);
    argv[n + g->narguments] = NULL;
    sigemptyset(&none);
    inherit(g, &files, channel);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setpgroup(&attributes, 0);
    int rc = posix_spawn(ret_pid, g->program, &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return rc;
}

status supervisor_watch(struct guardian *g, pid_t pid, int channel) {
    if (g->pidfd >= 0) close(g->pidfd);
    if (g->channel >= 0 && g->channel != channel) close(g->channel);
    g->supervisor = pid;
    g->how = 0;
    g->channel = channel;
    g->started_ns = clock_mono_ns();
    g->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    return g->pidfd >= 0 ? OK : STATUS(IO_ERROR);
}

status supervisor_start(struct guardian *g) {
    int pair[2];
    pid_t pid = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
        say("socketpair: %s", strerror(errno));
        return STATUS(IO_ERROR);
    }
    g->on_trial = *g->before;
    int rc = launch(g, pair[1], &pid);
    close(pair[1]);
    if (rc != 0) {
        say("could not start %s: %s", g->program, strerror(rc));
        close(pair[0]);
        return STATUS(IO_ERROR);
    }
    return supervisor_watch(g, pid, pair[0]);
}
