/* What clients hear when their worker dies: the steps of deaths.txt, each case on a connection of
 * its own.
 *
 *     wire_deaths PORT|SOCKET CASES COMMAND      COMMAND kill|hand does that to all workers */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire_client.h"

#define LINE_BYTES 4096
#define HEAR_SECONDS 3
#define SILENCE_MS 30

static struct wire_client client;
static const char *address, *command;
static char name[256];
static unsigned cases, failures;
static bool failed; /* the present case: the rest of it is passed over */

static void fail(const char *what, const char *expected) {
    printf("FAILED: %s\n  %s    %s\n  expected %s\n", name, what, client.heard, expected);
    failures++;
    failed = true;
}

static void pause_ms(long ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void act(const char *what) {
    char line[LINE_BYTES];
    if (strncmp(what, "pause ", 6) == 0) {
        pause_ms(strtol(what + 6, NULL, 10));
        return;
    }
    snprintf(line, sizeof line, "%s %s", command, what);
    if (system(line) != 0) fail("could not", what);
}

/* Everything that is expected, and nothing behind it. */
static void expect(const char *expected) {
    size_t n = strlen(expected);
    while (client.heard_len < n && wire_hear_message(&client, HEAR_SECONDS)) continue;
    struct pollfd p = {.fd = client.fd, .events = POLLIN};
    while (!client.ended && poll(&p, 1, SILENCE_MS) > 0 && wire_hear_message(&client, 1)) continue;
    if (client.heard_len) client.heard[client.heard_len - 1] = '\0';
    if (client.ended) fail("the server has closed, after", expected);
    if (!client.ended && strcmp(client.heard, expected) != 0) fail("heard", expected);
    wire_forget(&client);
}

static void send_bytes(const char *hex) {
    char bytes[LINE_BYTES / 2], *end;
    size_t n = 0;
    for (unsigned long v = strtoul(hex, &end, 16); end != hex; v = strtoul(hex, &end, 16)) {
        bytes[n++] = (char)v;
        hex = end;
    }
    if (!wire_send(&client, bytes, n)) fail("could not send", "bytes");
}

static void begin(const char *line) {
    if (cases++) wire_close(&client);
    snprintf(name, sizeof name, "%.250s", line);
    failed = false;
    if (wire_open(&client, address))
        wire_forget(&client);
    else
        fail("no connection", "one");
}

int main(int argc, char **argv) {
    char line[LINE_BYTES];
    if (argc < 4) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    address = argv[1];
    command = argv[3];
    FILE *in = fopen(argv[2], "r");
    if (!in) return perror(argv[2]), 2;
    while (fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        const char *rest = line[0] && line[1] ? line + 2 : "";
        if (line[0] == '#') begin(rest);
        if (failed) continue;
        if (line[0] == '!') act(rest);
        if (line[0] == '>' && !wire_line(&client, rest)) fail("could not send", rest);
        if (line[0] == '=') send_bytes(rest);
        if (line[0] == '<') expect(rest);
    }
    fclose(in);
    printf("%u cases, %u failed\n", cases, failures);
    return failures || !cases;
}
