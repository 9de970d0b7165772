#include "types/domain.h"

#include "types/internal.h"

static status domain_in(const struct eval_env *env, const struct type *t, int32_t, const char *text,
                        size_t len, datum *ret) {
    TRY(type_input(env, t->base, t->typmod, text, len, ret));
    return type_check_domain(env, t, *ret, false);
}

static status domain_out(const struct eval_env *env, const struct type *t, datum value,
                         struct buf *out) {
    return type_output(env, t->base, value, out);
}

static status domain_receive(const struct eval_env *env, const struct type *t, int32_t,
                             const char *bytes, size_t len, datum *ret) {
    TRY(type_receive(env, t->base, t->typmod, bytes, len, ret));
    return type_check_domain(env, t, *ret, false);
}

static status domain_send(const struct eval_env *env, const struct type *t, datum value,
                          struct buf *out) {
    return type_send(env, t->base, value, out);
}

static int domain_compare(const struct type *t, datum a, datum b) {
    return type_compare(t->base, a, b);
}

static uint64_t domain_hash(const struct type *t, datum value) {
    return type_hash(t->base, value);
}

static status domain_key(const struct type *t, datum value, struct buf *out) {
    return t->base->family->key(t->base, value, out);
}

static size_t domain_key_len(const struct type *t, const uint8_t *bytes, size_t len,
                             bool inverted) {
    return t->base->family->key_len(t->base, bytes, len, inverted);
}

static bool domain_valid(const struct type *t, const char *bytes, size_t len) {
    return t->base->family->valid(t->base, bytes, len);
}

/* What the base cannot do, the domain cannot either. */
const struct type_family *domain_family(struct arena *a, const struct type *base) {
    const struct type_family *f = base->family;
    struct type_family own = {.in = domain_in,
                              .out = domain_out,
                              .receive = f->receive ? domain_receive : NULL,
                              .send = f->send ? domain_send : NULL,
                              .compare = f->compare ? domain_compare : NULL,
                              .hash = f->hash ? domain_hash : NULL,
                              .key = f->key ? domain_key : NULL,
                              .key_len = f->key_len ? domain_key_len : NULL,
                              .valid = f->valid ? domain_valid : NULL};
    return arena_memdup(a, &own, sizeof own);
}
