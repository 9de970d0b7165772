/* Runs the cases of a file against the server at a port, each on a connection of its own, and
 * compares what is heard with what PostgreSQL 15 said; --record writes down what is heard instead
 * (to standard output), for a run against PostgreSQL itself.
 *
 *     wire_cases PORT cases.txt [--record] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire_client.h"

#define LINE_BYTES 8192
#define LINES_MAX 64

struct wire_case {
    char name[200];
    char *lines[LINES_MAX];
    unsigned nlines, readies;
    char *expected;
};

static void case_clear(struct wire_case *k) {
    for (unsigned i = 0; i < k->nlines; i++) free(k->lines[i]);
    free(k->expected);
    memset(k, 0, sizeof *k);
}

/* All messages at once, as a pipelining client sends them. */
static bool run(const struct wire_case *k, const char *port, bool record) {
    static struct wire_client c;
    if (!wire_open(&c, port)) {
        fprintf(stderr, "no connection: %s\n", c.heard);
        exit(2);
    }
    wire_forget(&c);
    for (unsigned i = 0; i < k->nlines; i++)
        if (!wire_line(&c, k->lines[i])) break; /* it has hung up already */
    if (!wire_hear(&c, k->readies, 20)) {
        size_t n = c.heard_len;
        snprintf(c.heard + n, sizeof c.heard - n, "%s", c.ended ? "(end) " : "(silence) ");
        c.heard_len = strlen(c.heard);
    }
    wire_close(&c);
    if (c.heard_len) c.heard[c.heard_len - 1] = '\0';
    if (record) {
        printf("# %s\n", k->name);
        for (unsigned i = 0; i < k->nlines; i++) printf("> %s\n", k->lines[i]);
        printf("< %s\n\n", c.heard);
        return true;
    }
    if (k->expected && strcmp(k->expected, c.heard) == 0) return true;
    printf("%s\n", k->name);
    for (unsigned i = 0; i < k->nlines; i++) printf("    %s\n", k->lines[i]);
    printf("  heard    %s\n  expected %s\n", c.heard,
           k->expected ? k->expected : "(nothing known)");
    return false;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    bool record = argc > 3 && strcmp(argv[3], "--record") == 0;
    FILE *in = fopen(argv[2], "r");
    if (!in) return perror(argv[2]), 2;
    char line[LINE_BYTES];
    struct wire_case k = {0};
    unsigned cases = 0, failed = 0;
    for (bool more = true; more;) {
        more = fgets(line, sizeof line, in);
        if (more) line[strcspn(line, "\n")] = '\0';
        if ((!more || line[0] == '#') && k.nlines) {
            cases++;
            failed += !run(&k, argv[1], record);
            case_clear(&k);
        }
        if (!more) break;
        if (line[0] == '#') {
            snprintf(k.name, sizeof k.name, "%.190s", line + 2);
        } else if (line[0] == '>' && k.nlines < LINES_MAX) {
            k.lines[k.nlines++] = strdup(line + 2);
            k.readies += line[2] == 'Q' || line[2] == 'S';
        } else if (line[0] == '<') {
            k.expected = strdup(line + 2);
        } else if (line[0] == '%' && record && !k.nlines) {
            puts(line);
        }
    }
    fclose(in);
    if (!record) printf("%u cases, %u failed\n", cases, failed);
    return failed || !cases;
}
