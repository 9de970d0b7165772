#include "wire_client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_unix(const char *path) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

int wire_connect(const char *address) {
    if (*address == '/') return connect_unix(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(address)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

bool wire_send(struct wire_client *c, const void *bytes, size_t n) {
    for (const char *at = bytes; n;) {
        ssize_t k = send(c->fd, at, n, MSG_NOSIGNAL);
        if (k <= 0) return false;
        at += k;
        n -= (size_t)k;
    }
    return true;
}

bool wire_message(struct wire_client *c, char type, const void *body, size_t n) {
    char *m = malloc(n + 5);
    uint32_t len = htonl((uint32_t)n + 4);
    m[0] = type;
    memcpy(m + 1, &len, 4);
    if (n) memcpy(m + 5, body, n);
    bool sent = wire_send(c, m, n + 5);
    free(m);
    return sent;
}

bool wire_query(struct wire_client *c, const char *sql) {
    return wire_message(c, 'Q', sql, strlen(sql) + 1);
}

bool wire_open(struct wire_client *c, const char *address) {
    static const char body[] = "\0\0\0\0\0\3\0\0user\0postgres\0database\0postgres\0";
    char m[sizeof body];
    memset(c, 0, sizeof *c);
    c->fd = wire_connect(address);
    if (c->fd < 0) return false;
    memcpy(m, body, sizeof body);
    m[3] = (char)sizeof body;
    return wire_send(c, m, sizeof m) && wire_hear(c, 1, 20) && c->readies == 1;
}

void wire_close(struct wire_client *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

void wire_forget(struct wire_client *c) {
    c->heard_len = 0;
    c->heard[0] = '\0';
    c->readies = 0;
}

/* ---- hearing --------------------------------------------------------------------------------- */

[[gnu::format(printf, 2, 3)]] static void say(struct wire_client *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = sizeof c->heard - c->heard_len;
    int n = vsnprintf(c->heard + c->heard_len, room, format, args);
    va_end(args);
    c->heard_len += (size_t)n < room ? (size_t)n : room - 1;
}

struct reader {
    const char *at, *end;
};

static uint32_t get(struct reader *r, unsigned bytes) {
    uint32_t v = 0;
    for (unsigned i = 0; i < bytes && r->at < r->end; i++) v = v << 8 | (unsigned char)*r->at++;
    return v;
}

static const char *get_text(struct reader *r) {
    const char *text = r->at;
    size_t n = strnlen(text, (size_t)(r->end - r->at));
    if (r->at + n >= r->end) return r->at = r->end, "(no end)";
    r->at += n + 1;
    return text;
}

static void say_bytes(struct wire_client *c, const char *at, size_t n) {
    if (n > 200) {
        unsigned sum = 0;
        for (size_t i = 0; i < n; i++) sum = sum * 31 + (unsigned char)at[i];
        say(c, "%zu bytes %08x", n, sum);
        return;
    }
    for (size_t i = 0; i < n; i++)
        if (at[i] == '\n')
            say(c, "\\n");
        else if (isprint((unsigned char)at[i]))
            say(c, "%c", at[i]);
        else
            say(c, "\\%02x", (unsigned char)at[i]);
}

static void say_row(struct wire_client *c, struct reader *r) {
    unsigned n = get(r, 2);
    say(c, "D(");
    for (unsigned i = 0; i < n; i++) {
        uint32_t len = get(r, 4);
        if (i) say(c, ",");
        if (len == UINT32_MAX) {
            say(c, "NULL");
            continue;
        }
        if (len > (size_t)(r->end - r->at)) len = (uint32_t)(r->end - r->at);
        say_bytes(c, r->at, len);
        r->at += len;
    }
    say(c, ") ");
}

static void say_columns(struct wire_client *c, struct reader *r) {
    unsigned n = get(r, 2);
    say(c, "T(");
    for (unsigned i = 0; i < n; i++) {
        const char *name = get_text(r);
        get(r, 4); /* table, whose OID differs from server to server */
        get(r, 2);
        uint32_t type = get(r, 4);
        get(r, 2);
        int32_t typmod = (int32_t)get(r, 4);
        say(c, "%s%s:%u", i ? "," : "", name, type);
        if (typmod != -1) say(c, "[%d]", typmod);
        if (get(r, 2)) say(c, ":b");
    }
    say(c, ") ");
}

static void say_report(struct wire_client *c, char type, struct reader *r) {
    char severity[16] = "", code[16] = "", position[16] = "";
    for (int field; r->at < r->end && (field = (int)get(r, 1));) {
        const char *text = get_text(r);
        if (field == 'V') snprintf(severity, sizeof severity, "%s", text);
        if (field == 'C') snprintf(code, sizeof code, "%s", text);
        if (field == 'P') snprintf(position, sizeof position, "@%s", text);
    }
    bool plain = strcmp(severity, type == 'E' ? "ERROR" : "NOTICE") == 0;
    say(c, "%c(%s%s%s%s) ", type, plain ? "" : severity, plain ? "" : " ", code, position);
}

static void hear_one(struct wire_client *c, char type, struct reader r) {
    c->in_data &= type == 'd';
    switch (type) {
    case 'S': break; /* ParameterStatus comes when it likes */
    case 'K':
        c->pid = get(&r, 4);
        c->secret = get(&r, 4);
        break;
    case 'T': say_columns(c, &r); break;
    case 'D': say_row(c, &r); break;
    case 'E':
    case 'N': say_report(c, type, &r); break;
    case 'C': say(c, "C(%s) ", get_text(&r)); break;
    case 'R': say(c, "R(%u) ", get(&r, 4)); break;
    case 'Z':
        say(c, "Z(%c) ", (int)get(&r, 1));
        c->readies++;
        break;
    case 't':
        say(c, "t(");
        for (unsigned n = get(&r, 2), i = 0; i < n; i++) say(c, "%s%u", i ? "," : "", get(&r, 4));
        say(c, ") ");
        break;
    case 'd': /* how a stream is cut into messages is the server's affair */
        if (c->heard_len > 2 && c->in_data && c->heard[c->heard_len - 2] == ')')
            c->heard_len -= 2;
        else
            say(c, "d(");
        say_bytes(c, r.at, (size_t)(r.end - r.at));
        say(c, ") ");
        c->in_data = true;
        break;
    case 'G':
    case 'H': {
        unsigned format = get(&r, 1);
        say(c, "%c(%u,%u) ", type, format, get(&r, 2));
        break;
    }
    default: say(c, "%c ", type);
    }
}

static bool receive(struct wire_client *c, char *at, size_t n, int seconds) {
    while (n) {
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (poll(&p, 1, seconds * 1000) <= 0) return false;
        ssize_t k = recv(c->fd, at, n, 0);
        if (k <= 0) {
            c->ended = true;
            return false;
        }
        at += k;
        n -= (size_t)k;
    }
    return true;
}

bool wire_hear_message(struct wire_client *c, int seconds) {
    char head[5];
    if (!receive(c, head, 5, seconds)) return false;
    uint32_t len;
    memcpy(&len, head + 1, 4);
    len = ntohl(len) - 4;
    if (len > 1 << 30) return false;
    char *body = malloc(len + 1);
    bool whole = receive(c, body, len, seconds);
    if (whole) hear_one(c, head[0], (struct reader){body, body + len});
    free(body);
    return whole;
}

bool wire_hear(struct wire_client *c, unsigned readies, int seconds) {
    for (unsigned begin = c->readies; c->readies < begin + readies;)
        if (!wire_hear_message(c, seconds)) return false;
    return true;
}

const char *wire_ask(struct wire_client *c, const char *sql) {
    wire_forget(c);
    if (!wire_query(c, sql) || !wire_hear(c, 1, 30)) say(c, "(silence)");
    return c->heard;
}

/* ---- lines ----------------------------------------------------------------------------------- */

struct body {
    char bytes[8192];
    size_t n;
};

static void add(struct body *b, uint32_t v, unsigned bytes) {
    while (bytes--) b->bytes[b->n++] = (char)(v >> 8 * bytes);
}

static void add_text(struct body *b, const char *text, size_t n) {
    memcpy(b->bytes + b->n, text, n);
    b->n += n;
    b->bytes[b->n++] = '\0';
}

/* The next of the parts between bars. */
static const char *part(const char **rest, size_t *ret_n) {
    const char *at = *rest;
    *ret_n = strcspn(at, "|");
    *rest = at + *ret_n + (at[*ret_n] == '|');
    return at;
}

static unsigned count(const char *list, size_t n) {
    unsigned commas = 0;
    for (size_t i = 0; i < n; i++) commas += list[i] == ',';
    return n ? commas + 1 : 0;
}

static void add_parameters(struct body *b, const char *at, size_t n) {
    const char *end = at + n;
    unsigned values = count(at, n);
    add(b, values, 2);
    for (const char *p = at; p < end; p += strcspn(p, ",|") + 1) add(b, *p == 'b', 2);
    add(b, values, 2);
    for (const char *p = at; p < end; p += strcspn(p, ",|") + 1) {
        size_t len = strcspn(p, ",|") - 1;
        if (*p == 'n') {
            add(b, UINT32_MAX, 4);
        } else if (*p == 't') {
            add(b, (uint32_t)len, 4);
            memcpy(b->bytes + b->n, p + 1, len);
            b->n += len;
        } else {
            add(b, (uint32_t)len / 2, 4);
            for (size_t i = 0; i + 1 < len; i += 2) {
                char hex[3] = {p[1 + i], p[2 + i], 0};
                add(b, (uint32_t)strtoul(hex, NULL, 16), 1);
            }
        }
    }
}

bool wire_line(struct wire_client *c, const char *line) {
    struct body b = {.n = 0};
    char type = line[0];
    const char *rest = line[0] && line[1] ? line + 2 : "", *at;
    size_t n;
    switch (type) {
    case 'Q':
    case 'f': add_text(&b, rest, strlen(rest)); break;
    case 'P':
        at = part(&rest, &n);
        add_text(&b, at, n);
        at = part(&rest, &n);
        add_text(&b, at, n);
        at = part(&rest, &n);
        add(&b, count(at, n), 2);
        for (const char *p = at; p < at + n; p += strcspn(p, ",") + 1)
            add(&b, (uint32_t)strtoul(p, NULL, 10), 4);
        break;
    case 'B':
        for (int i = 0; i < 2; i++) {
            at = part(&rest, &n);
            add_text(&b, at, n);
        }
        at = part(&rest, &n);
        add_parameters(&b, at, n);
        at = part(&rest, &n);
        add(&b, count(at, n), 2);
        for (const char *p = at; p < at + n; p += 2) add(&b, *p == 'b', 2);
        break;
    case 'E':
        at = part(&rest, &n);
        add_text(&b, at, n);
        add(&b, (uint32_t)strtoul(rest, NULL, 10), 4);
        break;
    case 'D':
    case 'C':
        add(&b, (unsigned char)rest[0], 1);
        rest += rest[0] && rest[1] ? 2 : 1;
        add_text(&b, rest, strlen(rest));
        break;
    case 'd':
        for (at = rest; *at; at++) {
            bool escape = at[0] == '\\' && at[1];
            at += escape;
            b.bytes[b.n++] = !escape ? *at : *at == 'n' ? '\n' : *at == 't' ? '\t' : *at;
        }
        break;
    case 'x': /* any message: type and body in hexadecimal */
        type = (char)strtoul((char[]){rest[0], rest[1], 0}, NULL, 16);
        for (at = rest + 2; at[0] && at[1]; at += 2)
            b.bytes[b.n++] = (char)strtoul((char[]){at[0], at[1], 0}, NULL, 16);
        break;
    case 'S':
    case 'H':
    case 'c': break;
    default: return false;
    }
    return wire_message(c, type, b.bytes, b.n);
}
