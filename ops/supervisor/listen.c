/* listen.c: the sockets that clients come to.
 *
 * The supervisor makes them, because they must outlive any worker; workers inherit them under the
 * same numbers, which stand in the control region. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor.h"

#define LISTENER_FD_MIN 300 /* above the doorbells: free in every child */
#define BACKLOG 1024
#define IN_USE_TRIES 100
#define IN_USE_PAUSE_US 5000

static status keep_listener(struct supervisor *s, int fd, struct error *e) {
    struct control *c = s->shm.control;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, LISTENER_FD_MIN);
    close(fd);
    for (int i = 0; high >= 0 && i < CONTROL_LISTENERS_MAX; i++) {
        if (c->listener[i]) continue;
        c->listener[i] = high + 1;
        return OK;
    }
    if (high >= 0) close(high);
    return error_set(e, ST_CONFIGURATION_LIMIT_EXCEEDED, "more than %d addresses to listen on",
                     CONTROL_LISTENERS_MAX);
}

static status listen_at(struct supervisor *s, const struct sockaddr *address, socklen_t len,
                        const char *words, struct error *e) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd < 0) return error_set(e, ST_IO_ERROR, "socket: %s", strerror(errno));
    if (address->sa_family != AF_UNIX) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    int refused = bind(fd, address, len);
    /* The guardian may be about to let go of one from before (guardian_forgets). */
    for (int i = 0; refused && errno == EADDRINUSE && i < IN_USE_TRIES; i++) {
        usleep(IN_USE_PAUSE_US);
        refused = bind(fd, address, len);
    }
    if (refused || listen(fd, BACKLOG) != 0) {
        status st = error_set(e, ST_IO_ERROR, "could not listen on %s: %s", words, strerror(errno));
        close(fd);
        return st;
    }
    return keep_listener(s, fd, e);
}

static status listen_tcp(struct supervisor *s, const char *host, struct error *e) {
    char port[16], words[CONF_TEXT_BYTES + 32];
    snprintf(port, sizeof port, "%lld", (long long)s->conf.port);
    snprintf(words, sizeof words, "%s port %s", host, port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    int rc = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, port, &hints, &list);
    if (rc != 0)
        return error_set(e, ST_CONFIG_FILE_ERROR, "listen_addresses: %s: %s", host,
                         gai_strerror(rc));
    status st = OK;
    for (const struct addrinfo *a = list; a && ok(st); a = a->ai_next)
        st = listen_at(s, a->ai_addr, a->ai_addrlen, words, e);
    freeaddrinfo(list);
    return st;
}

/* A socket file that nobody answers at is a dead appliance's. */
static bool socket_is_dead(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return false;
    bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
                errno == ECONNREFUSED;
    close(fd);
    return dead;
}

static status listen_unix(struct supervisor *s, const char *directory, struct error *e) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.%lld", directory,
                     (long long)s->conf.port);
    if (n < 0 || (size_t)n >= sizeof address.sun_path)
        return error_set(e, ST_CONFIG_FILE_ERROR, "unix_socket_directories: \"%s\" is too long",
                         directory);
    if (socket_is_dead(&address)) unlink(address.sun_path);
    TRY(listen_at(s, (const struct sockaddr *)&address, sizeof address, address.sun_path, e));
    chmod(address.sun_path, 0777); /* who may come in is decided by the server, not by the file */
    return OK;
}

static status for_each_word(struct supervisor *s, const char *words,
                            status (*fn)(struct supervisor *, const char *, struct error *),
                            struct error *e) {
    char copy[CONF_TEXT_BYTES], *rest = copy, *word;
    snprintf(copy, sizeof copy, "%s", words);
    while ((word = strsep(&rest, ", ")))
        if (*word) TRY(fn(s, word, e));
    return OK;
}

status listeners_open(struct supervisor *s, struct error *e) {
    TRY(for_each_word(s, s->conf.listen_addresses, listen_tcp, e));
    return for_each_word(s, s->conf.unix_socket_directories, listen_unix, e);
}

void listeners_close(struct supervisor *s) {
    struct control *c = s->shm.control;
    for (int i = 0; i < CONTROL_LISTENERS_MAX; i++) {
        struct sockaddr_un address;
        socklen_t len = sizeof address;
        int fd = c->listener[i] - 1;
        if (fd < 0) continue;
        if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
            address.sun_family == AF_UNIX)
            unlink(address.sun_path);
        close(fd);
        c->listener[i] = 0;
    }
}
