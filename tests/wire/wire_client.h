/* wire_client.h: a client that speaks the protocol by hand and writes down what it hears. */
#ifndef TESTS_WIRE_CLIENT_H
#define TESTS_WIRE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEARD_BYTES (1 << 16)

struct wire_client {
    int fd;
    uint32_t pid, secret;
    char heard[HEARD_BYTES]; /* one word a message */
    size_t heard_len;
    unsigned readies; /* ReadyForQuery among them */
    bool in_data;     /* the last message was CopyData */
    bool ended;       /* the server has closed */
};

/* Only the connection, to a port of this machine or to a socket's path; -1: refused. */
int wire_connect(const char *address);
/* The connection and start-up as `postgres`. False: refused; heard says what came. */
bool wire_open(struct wire_client *c, const char *address);
void wire_close(struct wire_client *c);
bool wire_send(struct wire_client *c, const void *bytes, size_t n);
bool wire_message(struct wire_client *c, char type, const void *body, size_t n);
bool wire_query(struct wire_client *c, const char *sql);
/* A line of a case file (see cases.txt) as a message. False: it is none. */
bool wire_line(struct wire_client *c, const char *line);
/* Reads until `readies` ReadyForQuery have come, or the server closes, or seconds have passed
 * without a byte. Words are added to heard. */
bool wire_hear(struct wire_client *c, unsigned readies, int seconds);
/* Reads one message. False: none within the seconds, or the server has closed. */
bool wire_hear_message(struct wire_client *c, int seconds);
void wire_forget(struct wire_client *c); /* what was heard */
/* Query, and all that is heard until it is ready again. */
const char *wire_ask(struct wire_client *c, const char *sql);

#endif
