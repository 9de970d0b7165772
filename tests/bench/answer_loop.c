/* answer_loop: a server that only answers. It speaks just enough of the protocol for pgbench's
 * prepared point SELECT, whose answer it gives without looking at the question: receive, send, wait
 * for more. What it costs is what no server can do without.
 *
 *     bench_answer_loop DIR PORT WORKERS
 *
 * DIR/.s.PGSQL.PORT and 127.0.0.1:PORT; each connection belongs to one of the workers (threads),
 * which wait with epoll. Ends with its standard input. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WORKERS_MAX 16
#define EVENTS_A_TURN 64

#define READY "Z\0\0\0\5I"
static const char greeting[] = "R\0\0\0\10\0\0\0\0" READY;
static const char parsed[] = "1\0\0\0\4" READY;
static const char row[] = "2\0\0\0\4"
                          "T\0\0\0!\0\1abalance\0\0\0@\1\0\3\0\0\0\27\0\4\377\377\377\377\0\0"
                          "D\0\0\0\13\0\1\0\0\0\1"
                          "0"
                          "C\0\0\0\15SELECT 1\0" READY;

static void check(int result, const char *what) {
    if (result >= 0) return;
    fprintf(stderr, "bench_answer_loop: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* What to say to bytes that begin so; their length in *ret_len, 0: nothing, the client goes. */
static const char *answer_to(const char *bytes, ssize_t n, size_t *ret_len) {
    *ret_len = 0;
    if (n <= 0 || bytes[0] == 'X') return "";
    switch (bytes[0]) {
    case 0: *ret_len = n == 8 ? 1 : sizeof greeting - 1; return n == 8 ? "N" : greeting;
    case 'P': *ret_len = sizeof parsed - 1; return parsed;
    default: *ret_len = sizeof row - 1; return row;
    }
}

static void serve(int fd) {
    char bytes[8192];
    size_t len;
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    const char *answer = answer_to(bytes, n, &len);
    if (len == 0 || send(fd, answer, len, MSG_NOSIGNAL) != (ssize_t)len) close(fd);
}

static void *work(void *epoll) {
    struct epoll_event events[EVENTS_A_TURN];
    int n;
    while ((n = epoll_wait(*(int *)epoll, events, EVENTS_A_TURN, -1)) >= 0)
        for (int i = 0; i < n; i++) serve(events[i].data.fd);
    return NULL;
}

static int listen_unix(const char *dir, const char *port) {
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/.s.PGSQL.%s", dir, port);
    unlink(a.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    check(bind(fd, (struct sockaddr *)&a, sizeof a), a.sun_path);
    check(listen(fd, 64), "listen");
    return fd;
}

static int listen_tcp(const char *port) {
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)atoi(port)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    check(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "setsockopt");
    check(bind(fd, (struct sockaddr *)&a, sizeof a), "bind");
    check(listen(fd, 64), "listen");
    return fd;
}

static void take(int listener, int epoll) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK), on = 1;
    check(fd, "accept");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* not for a Unix socket */
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e), "epoll_ctl");
}

int main(int argc, char **argv) {
    static int epolls[WORKERS_MAX];
    int workers = argc == 4 ? atoi(argv[3]) : 0;
    if (workers < 1 || workers > WORKERS_MAX) {
        fprintf(stderr, "usage: bench_answer_loop DIR PORT WORKERS (1 to %d)\n", WORKERS_MAX);
        return 2;
    }
    for (int i = 0; i < workers; i++) {
        pthread_t thread;
        check(epolls[i] = epoll_create1(0), "epoll_create1");
        check(-pthread_create(&thread, NULL, work, &epolls[i]), "pthread_create");
    }
    struct pollfd from[] = {{.fd = listen_unix(argv[1], argv[2]), .events = POLLIN},
                            {.fd = listen_tcp(argv[2]), .events = POLLIN},
                            {.fd = 0, .events = POLLIN}};
    puts("ready");
    fflush(stdout);
    for (int next = 0; poll(from, 3, -1) > 0 && !from[2].revents;)
        for (int i = 0; i < 2; i++)
            if (from[i].revents) take(from[i].fd, epolls[next++ % workers]);
    return 0;
}
