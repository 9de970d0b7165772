#include "harness.h"

#include <locale.h>

#include "types/tz.h"

void harness_open(struct harness *h) {
    static bool done;
    if (!done) {
        setlocale(LC_CTYPE, "C.UTF-8");
        assert_true(ok(types_init()));
        done = true;
    }
    memset(h, 0, sizeof *h);
    arena_init(&h->arena, 0);
    session_env_init(&h->session, 42);
    const struct tz *zone;
    assert_true(ok(tz_find("Europe/Berlin", &zone)));
    h->session.time_zone = zone;
    h->session.transaction_us = h->session.statement_us = 700000000000000;
    h->env = (struct eval_env){&h->arena, &h->error, &h->session};
}

void harness_reset(struct harness *h) {
    arena_reset(&h->arena);
    error_clear(&h->error);
}

void harness_close(struct harness *h) {
    arena_free(&h->arena);
}

datum value_of(struct harness *h, oid type, const char *text) {
    datum d;
    status s = type_input(&h->env, type_find(type), -1, text, strlen(text), &d);
    if (!ok(s)) fail_msg("'%s': %s", text, h->error.message);
    return d;
}

char *text_of(struct harness *h, oid type, datum value) {
    char *text;
    status s = type_output_string(&h->env, type_find(type), value, &text, NULL);
    if (!ok(s)) fail_msg("%s", h->error.message);
    return text;
}

oid type_named(struct harness *h, const char *name, int32_t *ret_typmod) {
    oid type;
    int32_t typmod;
    if (!strcmp(name, "unknown")) return UNKNOWNOID;
    if (!ok(type_parse_name(&h->env, name, &type, &typmod))) fail_msg("no type %s", name);
    if (ret_typmod) *ret_typmod = typmod;
    return type;
}

uint64_t test_random(uint64_t *state) {
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return *state = x;
}
