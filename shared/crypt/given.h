/* given.h: the keys that this process was given by the one that started it.
 *
 * Only storaged and logd have them, in their own memory; they come by an inherited descriptor of a
 * file in memory (memfd) that nobody else has, and that is wiped when it has been read. */
#ifndef CRYPT_GIVEN_H
#define CRYPT_GIVEN_H

#include "crypt/crypt.h"

#define GIVEN_OPTION "--keys"               /* of a program: the descriptor's number */
#define GIVEN_BACKUP_OPTION "--backup-keys" /* likewise, of keys that open a backup */

/* For a child: its keys, and with them those that open a backup (NULL: none); *ret_fd is
 * close-on-exec. IO_ERROR. */
status given_make(const struct crypt_keys *keys, const struct crypt_keys *backup, int *ret_fd);
/* In the child: takes what the descriptor holds, wipes and closes it. INVALID. */
status given_read(int fd);
/* Of main's arguments: the same, for each of the options that is among them. INVALID. */
status given_read_arguments(int argc, char **argv);
/* What is given, without a descriptor: for tests. NULL: nothing from now on. */
void given_put(const struct crypt_keys *keys);
/* Made ready for use; *ret is NULL when none were given. Each time is a life of its own. */
status given_take(struct crypt **ret);
/* Those that open a backup. */
status given_take_backup(struct crypt **ret);
void given_forget(void); /* wipes it: all who need it have taken it */

#endif
