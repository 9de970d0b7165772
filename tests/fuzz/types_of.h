/* types_of.h: the environment in which fuzzers ask of values. */
#ifndef FUZZ_TYPES_OF_H
#define FUZZ_TYPES_OF_H

#include <locale.h>

#include "input.h"
#include "types/type.h"

#define MEMORY_BYTES_MAX (16u << 20)

struct values {
    struct arena arena;
    struct error error;
    struct session_env session;
    struct eval_env env;
};

static inline void values_open(struct values *v) {
    static bool done;
    if (!done) {
        setlocale(LC_CTYPE, "C.UTF-8");
        MUST(ok(types_init()));
        done = true;
    }
    memset(v, 0, sizeof *v);
    arena_init(&v->arena, MEMORY_BYTES_MAX);
    session_env_init(&v->session, 42);
    v->env = (struct eval_env){&v->arena, &v->error, &v->session};
}

static inline void values_close(struct values *v) {
    arena_free(&v->arena);
}

/* A type that values are kept as. */
static inline const struct type *type_of(struct input *in) {
    const struct type *t = type_at(input16(in) % type_count());
    return t->kind == 'p' ? type_find(TEXTOID) : t;
}

#endif
