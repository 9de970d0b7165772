#include "base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

void child_init(struct child *c) {
    posix_spawn_file_actions_init(&c->files);
    posix_spawn_file_actions_addopen(&c->files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
}

void child_give(struct child *c, int fd, int as) {
    /* Onto itself: that takes close-on-exec away, in the child alone. */
    if (fd >= 0) posix_spawn_file_actions_adddup2(&c->files, fd, as);
}

int child_start(struct child *c, const char *program, char *const argv[], pid_t *ret_pid) {
    posix_spawnattr_t attributes;
    sigset_t none, all;
    extern char **environ;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    int rc = posix_spawn(ret_pid, program, &c->files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&c->files);
    posix_spawnattr_destroy(&attributes);
    return rc;
}
