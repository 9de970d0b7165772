/* bench_commit: the COMMIT of one client, of each server by turns, and a write of 4 KB with
 * O_DIRECT and O_DSYNC into a file whose blocks are there, as a log segment's are.
 *
 *     bench_commit FILE SECONDS CONNINFO...
 *
 * Prints their medians as JSON, in microseconds: the write's first, then the servers' in the order
 * given. The turns are short (TURN of each), so that a slow moment of the device meets all alike.
 * Each server has a table `one` with keys 1 to ROWS. */
#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define FILE_BLOCKS 4096
#define TURN 25
#define ROWS 1000
#define SERVERS_MAX 4
#define SAMPLES_MAX (1 << 20)

struct samples {
    double *us;
    size_t n;
};

static void die(const char *what, const char *why) {
    fprintf(stderr, "bench_commit: %s: %s\n", what, why);
    exit(2);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void samples_add(struct samples *s, double us) {
    if (s->n < SAMPLES_MAX) s->us[s->n++] = us;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(struct samples *s) {
    qsort(s->us, s->n, sizeof *s->us, by_size);
    return s->n ? s->us[s->n / 2] : 0;
}

static int file_open(const char *path, void *block) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_DSYNC, 0600);
    if (fd < 0) die(path, strerror(errno));
    for (off_t i = 0; i < FILE_BLOCKS; i += 256)
        if (pwrite(fd, block, 256 * BLOCK_BYTES, i * BLOCK_BYTES) < 0) die(path, strerror(errno));
    return fd;
}

static void turn_of_writes(int fd, const void *block, unsigned *next, struct samples *s) {
    for (int i = 0; i < TURN; i++) {
        off_t at = (off_t)(*next)++ % FILE_BLOCKS * BLOCK_BYTES;
        double begun = now_us();
        if (pwrite(fd, block, BLOCK_BYTES, at) != BLOCK_BYTES) die("write", strerror(errno));
        samples_add(s, now_us() - begun);
    }
}

static void ask(PGconn *c, const char *statement) {
    PGresult *r = PQexec(c, statement);
    if (PQresultStatus(r) != PGRES_COMMAND_OK) die(statement, PQerrorMessage(c));
    PQclear(r);
}

static void turn_of_commits(PGconn *c, unsigned *next, struct samples *s) {
    for (int i = 0; i < TURN; i++) {
        char update[64];
        snprintf(update, sizeof update, "update one set n = n + 1 where k = %u",
                 (*next)++ % ROWS + 1);
        ask(c, "begin");
        ask(c, update);
        double begun = now_us();
        ask(c, "commit");
        samples_add(s, now_us() - begun);
    }
}

int main(int argc, char **argv) {
    int servers = argc - 3;
    if (servers < 0 || servers > SERVERS_MAX) die("usage", "FILE SECONDS CONNINFO...");
    void *block = aligned_alloc(BLOCK_BYTES, 256 * BLOCK_BYTES);
    struct samples found[SERVERS_MAX + 1];
    for (int i = 0; i <= servers; i++)
        found[i] = (struct samples){malloc(SAMPLES_MAX * sizeof(double)), 0};
    memset(block, 1, 256 * BLOCK_BYTES);
    int fd = file_open(argv[1], block);
    PGconn *of[SERVERS_MAX];
    for (int i = 0; i < servers; i++) {
        of[i] = PQconnectdb(argv[i + 3]);
        if (PQstatus(of[i]) != CONNECTION_OK) die(argv[i + 3], PQerrorMessage(of[i]));
    }
    unsigned writes = 0, updates = 0;
    double until = now_us() + atof(argv[2]) * 1e6;
    while (now_us() < until) {
        turn_of_writes(fd, block, &writes, &found[0]);
        for (int i = 0; i < servers; i++) turn_of_commits(of[i], &updates, &found[i + 1]);
    }
    for (int i = 0; i <= servers; i++) printf("%s%.1f", i ? ", " : "[", median(&found[i]));
    printf("]\n");
    for (int i = 0; i < servers; i++) PQfinish(of[i]);
    return 0;
}
