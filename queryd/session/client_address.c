/* Where a client's connection comes from, and at which of our addresses it ends. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "session/functions.h"
#include "session/session_private.h"
#include "types/function.h"
#include "types/type.h"

/* False: a Unix socket's. */
static bool address_words(const struct sockaddr_storage *a, char ret_addr[SESSION_ADDR_BYTES],
                          int32_t *ret_port) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    const void *bytes = a->ss_family == AF_INET ? (const void *)&v4->sin_addr : &v6->sin6_addr;
    if (a->ss_family != AF_INET && a->ss_family != AF_INET6) return false;
    *ret_port = ntohs(a->ss_family == AF_INET ? v4->sin_port : v6->sin6_port);
    return inet_ntop(a->ss_family, bytes, ret_addr, SESSION_ADDR_BYTES) != NULL;
}

void session_note_client(struct session *s, int fd) {
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    atomic_store_explicit(&s->slot->connected_us, session_now_us(s), memory_order_relaxed);
    if (getpeername(fd, (struct sockaddr *)&a, &len) == 0 &&
        address_words(&a, s->slot->client_addr, &s->slot->client_port))
        return;
    s->slot->client_addr[0] = 0;
    s->slot->client_port = -1;
}

/* Of the caller's connection; false: by a Unix socket. */
static bool own_address(struct fn_call *c, char ret_addr[SESSION_ADDR_BYTES], int32_t *ret_port) {
    struct sql_env *env = c->env->session->session;
    struct session *s = env->session;
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    return getsockname(s->wire.fd, (struct sockaddr *)&a, &len) == 0 &&
           address_words(&a, ret_addr, ret_port);
}

status session_address_datum(const struct eval_env *env, const char *address, datum *ret) {
    return type_input(env, type_find(INETOID), -1, address, strlen(address), ret);
}

status inet_server_addr(struct fn_call *c) {
    char addr[SESSION_ADDR_BYTES];
    int32_t port;
    c->is_null = !own_address(c, addr, &port);
    return c->is_null ? OK : session_address_datum(c->env, addr, &c->result);
}

status inet_server_port(struct fn_call *c) {
    char addr[SESSION_ADDR_BYTES];
    int32_t port = 0;
    c->is_null = !own_address(c, addr, &port);
    c->result = datum_int4(port);
    return OK;
}
