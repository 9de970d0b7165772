/* Making jsonb: trees from values and texts, and their bytes. */
#include <stdlib.h>

#include "base/coro.h"
#include "types/jsonb.h"
#include "types/numeric.h"

static status too_deep(const struct eval_env *env) {
    return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
}

static status reserve(const struct eval_env *env, struct arena *a, struct jsonb_tree *t,
                      uint32_t more) {
    uint32_t used = t->kind == JSONB_OBJECT ? 2 * t->n : t->n;
    if (used + more <= t->room) return OK;
    uint32_t room = t->room ? t->room * 2 : 8;
    if (room > VARLENA_MAX / sizeof *t->children) return out_of_memory(env);
    struct jsonb_tree *children = arena_alloc(a, room * sizeof *children);
    if (!children) return out_of_memory(env);
    if (used) memcpy(children, t->children, used * sizeof *children);
    t->children = children;
    t->room = room;
    return OK;
}

status jsonb_add_element(const struct eval_env *env, struct arena *a, struct jsonb_tree *array,
                         struct jsonb_tree value) {
    TRY(reserve(env, a, array, 1));
    array->children[array->n++] = value;
    return OK;
}

status jsonb_add_member(const struct eval_env *env, struct arena *a, struct jsonb_tree *object,
                        struct jsonb_tree name, struct jsonb_tree value) {
    TRY(reserve(env, a, object, 2));
    object->children[2 * object->n] = name;
    object->children[2 * object->n++ + 1] = value;
    return OK;
}

/* ---- bytes ---- */

static status pad(struct buf *out) {
    return buf_add(out, "\0\0\0", -out->len & 3);
}

static status write_head(struct buf *out, enum jsonb_kind kind, size_t len) {
    char head[8];
    store_le32(head, kind);
    store_le32(head + 4, (uint32_t)len);
    return buf_add(out, head, sizeof head);
}

static void name_of(const struct jsonb_tree *t, const char **ret, size_t *ret_len) {
    *ret = t->stored ? jsonb_varlena(t->stored)->data : t->bytes;
    *ret_len = t->stored ? t->stored->len : t->len;
}

static int compare_names(const struct jsonb_tree *a, const struct jsonb_tree *b) {
    const char *x, *y;
    size_t m, n;
    name_of(a, &x, &m);
    name_of(b, &y, &n);
    if (m != n) return m < n ? -1 : 1;
    return m ? memcmp(x, y, m) : 0;
}

/* Among equal names the one written first, whose place stands in n. */
static int compare_members(const void *x, const void *y) {
    const struct jsonb_tree *a = x, *b = y;
    int order = compare_names(a, b);
    return order ? order : (a->n > b->n) - (a->n < b->n);
}

/* In the order of the stored form, and the last of equal names only. */
static void sort_members(struct jsonb_tree *o) {
    bool sorted = true;
    for (uint32_t i = 0; i < o->n; i++) {
        o->children[2 * i].n = i;
        sorted &= !i || compare_names(&o->children[2 * i - 2], &o->children[2 * i]) < 0;
    }
    if (sorted) return;
    qsort(o->children, o->n, 2 * sizeof *o->children, compare_members);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < o->n; i++) {
        struct jsonb_tree *member = &o->children[2 * i];
        if (i + 1 < o->n && !compare_names(member, member + 2)) continue;
        memmove(&o->children[2 * kept++], member, 2 * sizeof *member);
    }
    o->n = kept;
}

static status write_tree(const struct eval_env *env, struct jsonb_tree *t, struct buf *out);

/* Notes in the slot where the child begins. */
static status write_child(const struct eval_env *env, struct jsonb_tree *child, size_t start,
                          uint32_t slot, struct buf *out) {
    size_t at = out->len - start;
    if (at > JSONB_BYTES_MAX)
        return error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "total size of jsonb elements exceeds the maximum of %u bytes",
                         JSONB_BYTES_MAX);
    store_le32(out->data + start + 12 + slot * 4, (uint32_t)at);
    return write_tree(env, child, out);
}

static status write_container(const struct eval_env *env, struct jsonb_tree *t, struct buf *out) {
    bool object = t->kind == JSONB_OBJECT;
    size_t start = out->len;
    if (object) sort_members(t);
    uint32_t slots = object ? 2 * t->n : t->n;
    TRY(write_head(out, t->kind, 0));
    TRY(buf_reserve(out, 4 + slots * 4));
    store_le32(out->data + out->len, t->n);
    out->len += 4 + slots * 4;
    if (object) {
        for (uint32_t i = 0; i < t->n; i++)
            TRY(write_child(env, &t->children[2 * i], start, i, out));
        for (uint32_t i = 0; i < t->n; i++)
            TRY(write_child(env, &t->children[2 * i + 1], start, t->n + i, out));
    } else {
        for (uint32_t i = 0; i < t->n; i++) TRY(write_child(env, &t->children[i], start, i, out));
    }
    store_le32(out->data + start + 4, (uint32_t)(out->len - start - 8));
    return OK;
}

static status write_tree(const struct eval_env *env, struct jsonb_tree *t, struct buf *out) {
    if (t->stored) return buf_add(out, t->stored, jsonb_bytes(t->stored));
    if (t->kind >= JSONB_ARRAY) {
        if (coro_stack_left() < 16 * 1024) return too_deep(env);
        return write_container(env, t, out);
    }
    if (t->len > JSONB_BYTES_MAX) {
        status s = error_set(env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                             "string too long to represent as jsonb string");
        error_detail(env->error,
                     "Due to an implementation restriction, jsonb strings cannot exceed %u bytes.",
                     JSONB_BYTES_MAX);
        return s;
    }
    TRY(write_head(out, t->kind, t->len));
    TRY(buf_add(out, t->bytes, t->len));
    return pad(out);
}

status jsonb_make(const struct eval_env *env, const struct jsonb_tree *tree, datum *ret) {
    struct jsonb_tree root = *tree;
    char version[4];
    struct buf out = {0};
    store_le32(version, JSONB_VERSION);
    status s = buf_add(&out, version, sizeof version);
    if (ok(s)) s = write_tree(env, &root, &out);
    if (ok(s) && !(ret->v = varlena_from(env->arena, out.data, out.len))) s = out_of_memory(env);
    buf_free(&out);
    return s;
}

status jsonb_take(const struct eval_env *env, const struct jsonb *v, datum *ret) {
    struct varlena *taken = varlena_new(env->arena, 4 + jsonb_bytes(v));
    if (!taken) return out_of_memory(env);
    store_le32(taken->data, JSONB_VERSION);
    memcpy(taken->data + 4, v, jsonb_bytes(v));
    ret->v = taken;
    return OK;
}

/* ---- from text ---- */

struct level { /* a container that is being read */
    struct jsonb_tree tree;
    struct jsonb_tree name; /* of the member being read */
    struct level *outer;
};

struct reader {
    const struct eval_env *env;
    struct level *level; /* NULL: the value itself comes */
    struct jsonb_tree result;
};

static status keep_text(struct reader *r, const char *text, size_t len, struct jsonb_tree *ret) {
    char *copy = arena_strndup(r->env->arena, len ? text : "", len);
    *ret = jsonb_tree_string(copy, len);
    return copy ? OK : out_of_memory(r->env);
}

static status put(struct reader *r, struct jsonb_tree value) {
    struct level *l = r->level;
    if (!l) {
        r->result = value;
        return OK;
    }
    if (l->tree.kind == JSONB_ARRAY)
        return jsonb_add_element(r->env, r->env->arena, &l->tree, value);
    return jsonb_add_member(r->env, r->env->arena, &l->tree, l->name, value);
}

static status read_open(void *arg, bool object) {
    struct reader *r = arg;
    struct level *l = arena_zalloc(r->env->arena, sizeof *l);
    if (!l) return out_of_memory(r->env);
    l->tree.kind = object ? JSONB_OBJECT : JSONB_ARRAY;
    l->outer = r->level;
    r->level = l;
    return OK;
}

static status read_close(void *arg) {
    struct reader *r = arg;
    struct jsonb_tree done = r->level->tree;
    r->level = r->level->outer;
    return put(r, done);
}

static status read_name(void *arg, const char *text, size_t len) {
    struct reader *r = arg;
    return keep_text(r, text, len, &r->level->name);
}

static status read_scalar(void *arg, enum json_kind kind, const char *text, size_t len) {
    struct reader *r = arg;
    struct jsonb_tree t = {.kind = JSONB_NULL};
    datum number;
    switch (kind) {
    case JSON_STRING: TRY(keep_text(r, text, len, &t)); break;
    case JSON_BOOL: t = jsonb_tree_bool(*text == 't'); break;
    case JSON_NUMBER:
        TRY(family_numeric.in(r->env, type_find(NUMERICOID), -1, text, len, &number));
        t = jsonb_tree_number(number.v);
        break;
    default: break;
    }
    return put(r, t);
}

status jsonb_parse(const struct eval_env *env, const char *text, size_t len,
                   struct jsonb_tree *ret) {
    static const struct json_events events = {read_open, read_close, read_name, read_scalar};
    struct reader r = {.env = env};
    TRY(json_parse(env, text, len, &events, &r));
    *ret = r.result;
    return OK;
}
