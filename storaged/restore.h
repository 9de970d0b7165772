/* restore.h: storaged --restore. */
#ifndef STORAGED_RESTORE_H
#define STORAGED_RESTORE_H

#define RESTORE_BACKUPS_MAX 64

int restore_main(int argc, char **argv); /* the exit status */

#endif
