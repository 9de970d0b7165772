/* restore.h: logd --restore. */
#ifndef LOGD_RESTORE_H
#define LOGD_RESTORE_H

int restore_main(int argc, char **argv); /* the exit status */

#endif
