#include "ipc_control.h"

#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"

#define CONTROL_BYTES_MAX 65536

static struct control_server {
    nng_socket socket;
    struct daemon *d;
    control_fn fn;
    const char *name;
} server;

/* The path of a Unix socket has room for 107 bytes. */
static status control_path(const char *dir, const char *name, char *ret_path, size_t bytes,
                           struct error *e) {
    int n = snprintf(ret_path, bytes, "%s/run/%s.ctl", dir, name);
    if (n < 0 || n > 107) {
        return error_set(e, ST_INVALID, "the path \"%s/run/%s.ctl\" is too long for a socket", dir,
                         name);
    }
    return OK;
}

json_t *control_config(const struct conf *c) {
    json_t *list = json_array();
    for (int i = 0; i < CONF_COUNT; i++) {
        char value[CONF_TEXT_BYTES], source[CONF_TEXT_BYTES], range[CONF_TEXT_BYTES];
        conf_show(c, (enum conf_id)i, value);
        conf_source(c, (enum conf_id)i, source);
        conf_range((enum conf_id)i, range);
        const struct conf_setting *s = conf_setting((enum conf_id)i);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:b, s:s}", "name", s->name, "value",
                                        value, "source", source, "allowed", range, "restart",
                                        s->when == CONF_AT_START, "text", s->text));
    }
    return list;
}

static bool control_common(const char *op, json_t *reply) {
    if (strcmp(op, "ping") == 0) {
        json_object_set_new(reply, "name", json_string(server.name));
        json_object_set_new(reply, "pid", json_integer(getpid()));
        json_object_set_new(reply, "epoch", json_integer(server.d->proc.epoch));
    } else if (strcmp(op, "stop") == 0) {
        daemon_stop(server.d);
    } else if (strcmp(op, "config") == 0) {
        json_object_set_new(reply, "settings", control_config(server.d->conf));
    } else {
        return false;
    }
    return true;
}

static json_t *control_answer(const char *bytes, size_t n) {
    json_t *reply = json_object();
    json_error_t error;
    json_t *request = n <= CONTROL_BYTES_MAX ? json_loadb(bytes, n, 0, &error) : NULL;
    const char *op = request ? json_string_value(json_object_get(request, "op")) : NULL;
    if (!op) {
        json_object_set_new(reply, "error", json_string("not a request"));
    } else if (!(server.fn && server.fn(server.d, op, request, reply)) &&
               !control_common(op, reply)) {
        json_object_set_new(reply, "error", json_string("unknown request"));
    }
    if (!json_object_get(reply, "ok")) {
        json_object_set_new(reply, "ok", json_boolean(!json_object_get(reply, "error")));
    }
    json_decref(request);
    return reply;
}

static void control_readable([[maybe_unused]] void *arg, [[maybe_unused]] uint32_t events) {
    for (;;) {
        nng_msg *m;
        if (nng_recvmsg(server.socket, &m, NNG_FLAG_NONBLOCK) != 0) return;
        json_t *reply = control_answer(nng_msg_body(m), nng_msg_len(m));
        char *text = json_dumps(reply, JSON_COMPACT);
        json_decref(reply);
        nng_msg_clear(m);
        if (!text || nng_msg_append(m, text, strlen(text)) != 0 ||
            nng_sendmsg(server.socket, m, NNG_FLAG_NONBLOCK) != 0) {
            nng_msg_free(m); /* the asker is gone, or its deadline will tell it */
        }
        free(text);
    }
}

status control_serve(struct daemon *d, const char *name, control_fn fn, struct error *e) {
    char path[512], url[520];
    snprintf(path, sizeof path, "%s/run", d->data_dir);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return error_set(e, ST_IO_ERROR, "could not create \"%s\": %s", path, strerror(errno));
    }
    TRY(control_path(d->data_dir, name, path, sizeof path, e));
    unlink(path); /* of a dead life: the slot is ours */
    snprintf(url, sizeof url, "ipc://%s", path);
    int fd;
    int rc = nng_rep0_open(&server.socket);
    if (rc == 0) rc = nng_listen(server.socket, url, NULL, 0);
    if (rc == 0) rc = nng_socket_get_int(server.socket, NNG_OPT_RECVFD, &fd);
    if (rc != 0) {
        return error_set(e, ST_IO_ERROR, "could not listen at \"%s\": %s", url, nng_strerror(rc));
    }
    server.d = d;
    server.fn = fn;
    server.name = name;
    return daemon_watch(d, fd, EPOLLIN, control_readable, NULL);
}

static status reply_status(json_t *reply, const char *name, struct error *e) {
    if (json_is_true(json_object_get(reply, "ok"))) return OK;
    const char *words = json_string_value(json_object_get(reply, "error"));
    return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "%s: %s", name,
                     words ? words : "no answer that makes sense");
}

status control_ask(const char *dir, const char *name, json_t *request, unsigned deadline_ms,
                   json_t **ret_reply, struct error *e) {
    char path[512], url[520];
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    status s = control_path(dir, name, path, sizeof path, e);
    if (!ok(s)) {
        free(text);
        return s;
    }
    snprintf(url, sizeof url, "ipc://%s", path);
    nng_socket socket = NNG_SOCKET_INITIALIZER;
    char *answer = NULL;
    size_t n = 0;
    int rc = nng_req0_open(&socket);
    if (rc == 0) rc = nng_socket_set_ms(socket, NNG_OPT_SENDTIMEO, (nng_duration)deadline_ms);
    if (rc == 0) rc = nng_socket_set_ms(socket, NNG_OPT_RECVTIMEO, (nng_duration)deadline_ms);
    if (rc == 0) rc = nng_dial(socket, url, NULL, 0);
    if (rc == 0) rc = nng_send(socket, text, strlen(text), 0);
    if (rc == 0) rc = nng_recv(socket, &answer, &n, NNG_FLAG_ALLOC);
    free(text);
    if (rc != 0) {
        s = error_set(e, ST_DEAD, "%s does not answer: %s", name, nng_strerror(rc));
    } else {
        json_error_t error;
        json_t *reply = json_loadb(answer, n, 0, &error);
        s = reply_status(reply, name, e);
        if (ok(s) && ret_reply) {
            *ret_reply = reply;
        } else {
            json_decref(reply);
        }
        nng_free(answer, n);
    }
    nng_close(socket);
    return s;
}
