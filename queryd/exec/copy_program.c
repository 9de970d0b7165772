/* COPY from and to a program that the server's machine runs. The worker never waits for it alone:
 * env->wait_ready lets its other sessions run.
 *
 * The program may not outlive its statement, also when the worker dies. So a second shell, the
 * watcher, leads the program's process group. It reads from a pipe, the lifeline, whose other end
 * the worker alone has; when that is gone, it ends the group. While the watcher is there the
 * group's number cannot become another's. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/copy_private.h"

#define PIECE_BYTES ((size_t)64 << 10)
#define GRACE_NS 1000000000u /* what a program whose statement has failed gets to end by itself */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNALLED 128 /* plus the signal that ended what the shell ran */

#define WATCH "trap '' TERM; read -r word; kill -s TERM 0; sleep 1; kill -s KILL 0"

struct child_process {
    pid_t pid;
    int pidfd; /* becomes readable when it has ended; -1: no more */
};

struct child_program {
    const char *command;
    bool from;
    int fd;       /* our end of the pipe; -1: closed */
    int lifeline; /* our end */
    struct child_process watcher, program;
};

/* ---- beginning ------------------------------------------------------------------------------- */

static status could_not_execute(struct sql_env *env, const char *command, int error) {
    return error_set(env->eval.error, ST_INTERNAL_ERROR, "could not execute command \"%s\": %s",
                     command, strerrordesc_np(error));
}

/* What the worker ignores or blocks is nothing that a program should inherit. */
static int prepare(posix_spawnattr_t *attr, posix_spawn_file_actions_t *files, pid_t group, int in,
                   int out) {
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    int error = posix_spawnattr_setsigmask(attr, &none);
    if (!error) error = posix_spawnattr_setsigdefault(attr, &usual);
    if (!error) error = posix_spawnattr_setpgroup(attr, group);
    if (!error)
        error = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                   POSIX_SPAWN_SETPGROUP);
    if (!error && in >= 0) error = posix_spawn_file_actions_adddup2(files, in, STDIN_FILENO);
    if (!error && in < 0)
        error = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
    return error;
}

/* By the shell, as PostgreSQL does, in a process group (0: one of its own). in < 0: nothing to
 * read. 0, or what failed. */
static int spawn(const char *command, pid_t group, int in, int out, struct child_process *ret) {
    extern char **environ;
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t files;
    char *const argv[] = {"sh", "-c", (char *)command, NULL};
    int error = posix_spawnattr_init(&attr);
    if (error) return error;
    error = posix_spawn_file_actions_init(&files);
    if (!error) {
        error = prepare(&attr, &files, group, in, out);
        if (!error) error = posix_spawn(&ret->pid, "/bin/sh", &files, &attr, argv, environ);
        posix_spawn_file_actions_destroy(&files);
    }
    posix_spawnattr_destroy(&attr);
    if (error) return error;
    ret->pidfd = pidfd_open(ret->pid, 0);
    if (ret->pidfd >= 0) return 0;
    error = errno;
    kill(ret->pid, SIGKILL);
    waitpid(ret->pid, NULL, 0);
    return error;
}

static int begin_watcher(struct child_program *p) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    int error = spawn(WATCH, 0, ends[0], STDOUT_FILENO, &p->watcher);
    close(ends[0]);
    p->lifeline = ends[1];
    if (error) close(p->lifeline);
    return error;
}

static int begin_program(struct child_program *p) {
    int ends[2];
    pid_t group = p->watcher.pid;
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    int child = p->from ? ends[1] : ends[0];
    p->fd = p->from ? ends[0] : ends[1];
    int error = fcntl(p->fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
    if (!error)
        error = p->from ? spawn(p->command, group, -1, child, &p->program)
                        : spawn(p->command, group, child, STDOUT_FILENO, &p->program);
    close(child);
    if (error) close(p->fd);
    return error;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void close_pipe(struct child_program *p) {
    if (p->fd >= 0) close(p->fd);
    p->fd = -1;
}

static bool has_ended(const struct child_process *c, siginfo_t *ret) {
    *ret = (siginfo_t){0};
    return waitid((idtype_t)P_PIDFD, (id_t)c->pidfd, ret, WEXITED | WNOHANG) != 0 || ret->si_pid;
}

/* Whoever does not end within the grace, even though killed, is the system's, and then that of its
 * next parent. */
static void let_end(struct sql_env *env, const struct child_process *c) {
    struct proc *proc = env->proc;
    siginfo_t how;
    uint64_t end = proc->env->mono_ns(proc) + GRACE_NS;
    while (!has_ended(c, &how) && proc->env->mono_ns(proc) < end) proc->env->pause(proc);
}

static void end_watcher(struct sql_env *env, struct child_program *p) {
    kill(p->watcher.pid, SIGKILL);
    let_end(env, &p->watcher);
    close(p->watcher.pidfd);
    close(p->lifeline);
}

static status begin(struct sql_env *env, struct child_program *p) {
    int error = begin_watcher(p);
    if (error) return could_not_execute(env, p->command, error);
    error = begin_program(p);
    if (!error) return OK;
    end_watcher(env, p);
    return could_not_execute(env, p->command, error);
}

/* The statement has failed, so nobody asks what becomes of the program. */
static void abandon(struct sql_env *env, struct child_program *p) {
    close_pipe(p);
    kill(-p->watcher.pid, SIGTERM); /* which the watcher ignores */
    let_end(env, &p->program);
    kill(-p->watcher.pid, SIGKILL);
    let_end(env, &p->program);
    close(p->program.pidfd);
}

static status how_it_failed(struct sql_env *env, const struct child_program *p,
                            const siginfo_t *how) {
    struct error *e = env->eval.error;
    status s = error_set(e, ST_EXTERNAL_ROUTINE_EXCEPTION, "program \"%s\" failed", p->command);
    if (how->si_code != CLD_EXITED)
        error_detail(e, "child process was terminated by signal %d: %s", how->si_status,
                     strsignal(how->si_status));
    else if (how->si_status == EXIT_NOT_EXECUTABLE)
        error_detail(e, "command not executable");
    else if (how->si_status == EXIT_NOT_FOUND)
        error_detail(e, "command not found");
    else
        error_detail(e, "child process exited with exit code %d", how->si_status);
    return s;
}

/* `early`: not all that it wrote was read, so it may have been told to stop by SIGPIPE. */
static status finish(struct sql_env *env, struct child_program *p, bool early) {
    siginfo_t how;
    close_pipe(p);
    while (!has_ended(&p->program, &how)) TRY(env->wait_ready(env, p->program.pidfd, false));
    close(p->program.pidfd);
    p->program.pidfd = -1;
    if (how.si_code == CLD_EXITED && how.si_status == 0) return OK;
    int by_shell = how.si_code == CLD_EXITED ? EXIT_SIGNALLED : 0;
    if (early && how.si_status == by_shell + SIGPIPE) return OK;
    return how_it_failed(env, p, &how);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static status read_from(struct copy *c, struct child_program *p, bool *ret_early) {
    struct sql_env *env = c->env;
    char *piece = arena_alloc(env->eval.arena, PIECE_BYTES);
    if (!piece) return STATUS(OUT_OF_MEMORY);
    while (!c->ended) {
        TRY(sql_env_breathe(env));
        ssize_t n = read(p->fd, piece, PIECE_BYTES);
        if (n == 0) return OK;
        if (n > 0)
            TRY(copy_in_data(c, piece, (size_t)n));
        else if (errno == EAGAIN)
            TRY(env->wait_ready(env, p->fd, false));
        else if (errno != EINTR)
            return error_set(env->eval.error, ST_INTERNAL_ERROR,
                             "could not read from COPY program: %s", strerrordesc_np(errno));
    }
    *ret_early = true;
    return OK;
}

static status copy_from(struct copy *c, struct child_program *p, uint64_t *ret_rows) {
    bool early = false;
    TRY(read_from(c, p, &early));
    TRY(finish(c->env, p, early));
    return copy_in_done(c, ret_rows);
}

/* A program that reads no more: how it ended matters more than that. */
static status refused(struct sql_env *env, struct child_program *p, int error) {
    if (error == EPIPE) TRY(finish(env, p, false));
    return error_set(env->eval.error, ST_INTERNAL_ERROR, "could not write to COPY program: %s",
                     strerrordesc_np(error));
}

static status write_out(struct copy *c, struct child_program *p, struct buf *out) {
    struct sql_env *env = c->env;
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(p->fd, out->data + at, out->len - at);
        if (n >= 0)
            at += (size_t)n;
        else if (errno == EAGAIN)
            TRY(env->wait_ready(env, p->fd, true));
        else if (errno != EINTR)
            return refused(env, p, errno);
    }
    out->len = 0;
    return sql_env_breathe(env);
}

static status copy_to(struct copy *c, struct child_program *p, uint64_t *ret_rows) {
    struct buf out = {0};
    status s;
    while (ok(s = copy_out_row(c, &out)))
        if (out.len >= PIECE_BYTES) TRY_OUT(s, write_out(c, p, &out));
    if (status_is(s, ST_END)) s = write_out(c, p, &out);
    if (ok(s)) s = finish(c->env, p, false);
    *ret_rows = c->rows;
out:
    buf_free(&out);
    return s;
}

status copy_program(struct copy *c, const struct ast_copy *stmt, uint64_t *ret_rows) {
    struct sql_env *env = c->env;
    struct child_program p = {.command = stmt->file, .from = stmt->from};
    if (!env->wait_ready)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "COPY to or from an external program needs a session");
    TRY(begin(env, &p));
    status s = p.from ? copy_from(c, &p, ret_rows) : copy_to(c, &p, ret_rows);
    if (!ok(s) && p.program.pidfd >= 0) abandon(env, &p);
    end_watcher(env, &p);
    return s;
}
