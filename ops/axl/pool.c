/* pool.c: axl pool: the buffer pool's size while everything runs. */
#include <jansson.h>
#include <stdio.h>

#include "axl.h"
#include "base/control.h"
#include "conf/conf.h"

#define ASK_MS 5000
#define LOOK_MS 20
#define LOOKS_MAX 3000

struct pool_size {
    json_int_t wanted, ready, most; /* bytes */
};

/* Consumes the request. */
static status ask(struct axl *a, json_t *request, struct pool_size *ret) {
    json_t *reply = NULL;
    TRY(axl_ask(a, "storaged", request, ASK_MS, &reply));
    ret->wanted = json_integer_value(json_object_get(reply, "wanted"));
    ret->ready = json_integer_value(json_object_get(reply, "ready"));
    ret->most = json_integer_value(json_object_get(reply, "most"));
    json_decref(reply);
    return OK;
}

/* The size as settings are written: "256MB". */
static status resize(struct axl *a, const char *size, struct pool_size *ret) {
    struct conf c;
    conf_init(&c);
    TRY(conf_set(&c, "shared_buffers", size, &a->e));
    TRY(ask(a, json_pack("{s:s, s:I}", "op", "pool", "bytes", (json_int_t)c.shared_buffers), ret));
    for (unsigned i = 0; ret->ready > ret->wanted && i < LOOKS_MAX; i++) {
        axl_pause_ms(LOOK_MS);
        TRY(ask(a, json_pack("{s:s}", "op", "pool"), ret));
    }
    return OK;
}

int axl_pool(struct axl *a) {
    const char *size = axl_argument(a);
    struct pool_size now;
    if (!axl_done(a)) return axl_fail(a);
    status s = size ? resize(a, size, &now) : ask(a, json_pack("{s:s}", "op", "pool"), &now);
    if (!ok(s)) return axl_fail(a);
    printf("The pool has %lld MB, of which %lld MB are in use; it can have %lld MB.\n",
           (long long)now.wanted >> 20, (long long)now.ready >> 20, (long long)now.most >> 20);
    if (now.ready <= now.wanted) return 0;
    fprintf(stderr, "axl: pages that are in use are still to be moved out of it\n");
    return 1;
}
