/* collated.c: types whose texts are compared by a collator: text and its kin, and arrays and
 * domains of them.
 *
 * A key is the collator's bytes with 00 as 00 FF, then 00 00; a deterministic one has the text
 * itself behind them, in the same form, so that different texts have different keys. */
#include "types/collator.h"
#include "types/domain.h"
#include "types/internal.h"

#include <stdlib.h>

/* Built-in types by collator; defined ones hang on their descriptions. */
static struct type *collated_types;

static void text_of(const struct type *t, datum value, const char **ret, size_t *ret_len) {
    if (t->oid == NAMEOID) {
        *ret = value.s;
        *ret_len = strnlen(value.s, NAME_BYTES);
        return;
    }
    size_t len = value.v->len;
    while (t->oid == BPCHAROID && len && value.v->data[len - 1] == ' ') len--;
    *ret = value.v->data;
    *ret_len = len;
}

static int collated_compare(const struct type *t, datum a, datum b) {
    const char *x, *y;
    size_t x_len, y_len;
    text_of(t, a, &x, &x_len);
    text_of(t, b, &y, &y_len);
    return collator_compare(t->collator, x, x_len, y, y_len);
}

static uint64_t collated_hash(const struct type *t, datum value) {
    const char *x;
    size_t len;
    text_of(t, value, &x, &len);
    return collator_hash(t->collator, x, len);
}

static status collated_key(const struct type *t, datum value, struct buf *out) {
    struct buf key = {0};
    const char *x;
    size_t len;
    text_of(t, value, &x, &len);
    status st = collator_key(t->collator, x, len, &key);
    if (ok(st)) st = key_add_escaped(out, key.data ? key.data : "", key.len);
    if (ok(st) && collator_is_deterministic(t->collator)) st = key_add_escaped(out, x, len);
    buf_free(&key);
    return st;
}

static size_t collated_key_len(const struct type *t, const uint8_t *bytes, size_t len,
                               bool inverted) {
    size_t n = key_escaped_len(bytes, len, inverted);
    if (!n || !collator_is_deterministic(t->collator)) return n;
    size_t own = key_escaped_len(bytes + n, len - n, inverted);
    return own ? n + own : 0;
}

size_t collated_key_text(const struct type *t, const uint8_t *bytes, size_t len, bool inverted) {
    return t->collator && collator_is_deterministic(t->collator)
               ? key_escaped_len(bytes, len, inverted)
               : 0;
}

static const struct type_family *collated_family(const struct type *t) {
    static struct type_family text, varchar, bpchar, name;
    struct type_family *own = t->oid == NAMEOID      ? &name
                              : t->oid == BPCHAROID  ? &bpchar
                              : t->oid == VARCHAROID ? &varchar
                                                     : &text;
    if (own->compare) return own;
    *own = *t->family;
    own->compare = collated_compare;
    own->hash = collated_hash;
    own->key = collated_key;
    own->key_len = collated_key_len;
    return own;
}

static bool is_text(const struct type *t) {
    return t->oid == TEXTOID || t->oid == VARCHAROID || t->oid == BPCHAROID || t->oid == NAMEOID;
}

static bool is_array_of_texts(const struct type *t) {
    const struct type *e = t->family == &family_array ? type_below(type_find(t->element)) : NULL;
    return e && (is_text(e) || e->family == &family_array);
}

/* The copy's parts that compare. False: there is nothing to compare by a collator. */
static bool make_collated(struct type *t, const struct collator *c) {
    t->collator = c;
    if (t->base) {
        const struct type *base = type_by_collator(t->base, c);
        if (base == t->base) return false;
        t->base = base;
        return base != NULL;
    }
    if (is_text(t)) t->family = collated_family(t);
    return is_text(t) || is_array_of_texts(t);
}

const struct type *type_by_collator(const struct type *t, const struct collator *c) {
    if (!c || !t || t->collator == c || !(t->base || is_text(t) || is_array_of_texts(t))) return t;
    struct type *mine = (struct type *)t, **list = t->arena ? &mine->collated : &collated_types;
    for (struct type *x = *list; x; x = x->collated)
        if (x->oid == t->oid && x->collator == c) return x;
    struct type *x = t->arena ? arena_alloc(t->arena, sizeof *x) : malloc(sizeof *x);
    if (!x) return NULL;
    *x = *t;
    if (!make_collated(x, c)) {
        if (!t->arena) free(x);
        return t;
    }
    x->collated = *list;
    *list = x;
    return x;
}

const struct type *type_of_collation(oid type, oid collation) {
    const struct type *t = type_find(type);
    if (!collation || !t || !t->collation) return t;
    return type_by_collator(t, collator_of(collation));
}

const struct collator *collator_of(oid collation) {
    const struct type_source *source = types_source();
    if (!collation || collation == COLLATION_C || !source->collator) return NULL;
    return source->collator(collation);
}
