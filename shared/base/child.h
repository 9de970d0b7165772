/* child.h: another program is started: with the descriptors that it is given, an empty standard
 * input, no signal blocked or ignored, in a process group of its own. Our environment is its, too.
 * By posix_spawn: a fork would copy what other threads hold. */
#ifndef BASE_CHILD_H
#define BASE_CHILD_H

#include <spawn.h>
#include <sys/types.h>

struct child {
    posix_spawn_file_actions_t files;
};

/* Ended by child_start, which must follow. */
void child_init(struct child *c);
/* It has our descriptor fd under the number `as`, whether ours is close-on-exec or not; fd < 0: it
 * does not. Standard output and error are ours when nothing else is said. */
void child_give(struct child *c, int fd, int as);
/* Ends c, too. 0, or an errno. */
int child_start(struct child *c, const char *program, char *const argv[], pid_t *ret_pid);

#endif
