#include "ipc_priority.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define VARIABLE "AXOLOTL_NICE" /* what it was; set: it is raised */
#define RAISED_BY 10

void priority_raise(void) {
    char text[16];
    if (getenv(VARIABLE)) return;
    errno = 0;
    int nice = getpriority(PRIO_PROCESS, 0);
    if (errno || setpriority(PRIO_PROCESS, 0, nice - RAISED_BY) != 0) return;
    snprintf(text, sizeof text, "%d", nice);
    setenv(VARIABLE, text, 1);
}

void priority_restore(void) {
    const char *nice = getenv(VARIABLE);
    if (!nice) return;
    (void)setpriority(PRIO_PROCESS, 0, (int)strtol(nice, NULL, 10)); /* downwards: may be done */
    unsetenv(VARIABLE);
}
