/* renew.c: the guardian goes on as another program: the same process, with all that it holds.
 *
 * What it knows goes over in a memory file, what it holds as descriptors under the same numbers.
 * The programs have compared the versions of their shared memory before; the magic tells the rest.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guardian.h"

#define MAGIC 0x31444c454847584cu /* "LXGHELD1" */

struct luggage {
    uint64_t magic;
    uint32_t sessions;
    int32_t supervisor, channel;
    uint64_t started_ns;
    bool on_trial;
    char program[CONTROL_PATH_BYTES + 32], before[CONTROL_PATH_BYTES + 32];
    bool kept[NUMBERS_MAX];
    /* then: struct held, one a session */
};

/* on: they survive the next exec. */
static void descriptors_survive(const struct guardian *g, uint32_t sessions, bool on) {
    int flags = on ? 0 : FD_CLOEXEC;
    for (int n = 0; n < NUMBERS_MAX; n++)
        if (g->kept[n]) fcntl(n, F_SETFD, flags);
    for (uint32_t i = 0; i < sessions; i++)
        if (g->sessions[i].fd >= 0) fcntl(g->sessions[i].fd, F_SETFD, flags);
    fcntl(g->channel, F_SETFD, flags);
}

static bool write_all(int fd, const void *bytes, size_t n) {
    for (const char *at = bytes; n;) {
        ssize_t done = write(fd, at, n);
        if (done <= 0) return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

static bool read_all(int fd, void *bytes, size_t n) {
    for (char *at = bytes; n;) {
        ssize_t done = read(fd, at, n);
        if (done <= 0) return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

static int pack(const struct guardian *g) {
    static struct luggage l;
    l = (struct luggage){.magic = MAGIC,
                         .sessions = g->shm.sizes.sessions,
                         .supervisor = g->supervisor,
                         .channel = g->channel,
                         .started_ns = g->started_ns,
                         .on_trial = g->on_trial};
    memcpy(l.program, g->program, sizeof l.program);
    memcpy(l.before, g->before, sizeof l.before);
    memcpy(l.kept, g->kept, sizeof l.kept);
    int fd = memfd_create("guardian", 0);
    if (fd < 0) return -1;
    if (write_all(fd, &l, sizeof l) &&
        write_all(fd, g->sessions, l.sessions * sizeof *g->sessions) && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

void renew(struct guardian *g, const char *program) {
    char number[16];
    char *argv[ARGUMENTS_MAX + 4] = {(char *)program, "--held", number};
    int fd = g->shm.control ? pack(g) : -1;
    if (fd < 0) {
        say("could not go on as %s: %s", program, strerror(errno));
        return;
    }
    snprintf(number, sizeof number, "%d", fd);
    memcpy(argv + 3, g->arguments, (size_t)g->narguments * sizeof *argv);
    descriptors_survive(g, g->shm.sizes.sessions, true);
    execv(program, argv);
    say("%s: %s", program, strerror(errno));
    descriptors_survive(g, g->shm.sizes.sessions, false);
    close(fd);
}

status renewed(struct guardian *g, int fd) {
    static struct luggage l;
    if (!read_all(fd, &l, sizeof l) || l.magic != MAGIC) return STATUS(INVALID);
    memcpy(g->program, l.program, sizeof l.program);
    memcpy(g->before, l.before, sizeof l.before);
    memcpy(g->kept, l.kept, sizeof l.kept);
    g->on_trial = l.on_trial;
    g->sessions = calloc(l.sessions, sizeof *g->sessions);
    if (!g->sessions) return STATUS(OUT_OF_MEMORY);
    if (!read_all(fd, g->sessions, l.sessions * sizeof *g->sessions)) return STATUS(INVALID);
    close(fd);
    g->channel = l.channel;
    descriptors_survive(g, l.sessions, false);
    TRY(supervisor_watch(g, l.supervisor, l.channel));
    g->started_ns = l.started_ns;
    hold_again(g, l.sessions);
    return g->shm.control ? OK : STATUS(NOT_FOUND);
}
