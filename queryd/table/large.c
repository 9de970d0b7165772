/* Values that do not fit into their row. */
#include "table/large.h"

#include <string.h>

#include "base/bytes.h"
#include "base/control.h"
#include "table/internal.h"

#define KEY_BYTES 13
#define WHOLE_BYTES_MAX TREE_ENTRY_BYTES_MAX
#define REST_BYTES 2000 /* what a row keeps when something has to be moved, if it can be had */
#define PIECES_PER_BREATH 8
#define LEFT_OUT_BYTES_MIN 1025 /* shorter ones are read even when nobody needs them */

static void make_key(unsigned char *key, uint64_t number, uint32_t piece) {
    key[0] = LARGE_KEY_FIRST;
    store_be64(key + 1, number);
    store_be32(key + 9, piece);
}

static uint32_t piece_bytes(uint32_t len, uint32_t offset) {
    return len - offset < LARGE_PIECE_BYTES ? len - offset : LARGE_PIECE_BYTES;
}

/* ---- writing --------------------------------------------------------------------------------- */

static status put_piece(struct sql_env *env, const struct relation *r, uint64_t number,
                        uint32_t piece, const char *bytes, uint32_t len) {
    unsigned char key[KEY_BYTES];
    make_key(key, number, piece);
    status s = tree_insert(env->proc, &env->txn->writer, r->tree, key, sizeof key, bytes, len,
                           txn_is_running, NULL);
    return status_is(s, ST_EXISTS) ? STATUS(INDEX_CORRUPTED) : s;
}

static status put_value(struct sql_env *env, const struct relation *r, const struct varlena *v,
                        struct row_reference *ret) {
    uint64_t number = atomic_fetch_add(&env->proc->shm->control->next_large, 1);
    uint32_t piece = 0;
    for (uint32_t at = 0; at < v->len; piece++) {
        uint32_t n = piece_bytes(v->len, at);
        TRY(put_piece(env, r, number, piece, v->data + at, n));
        at += n;
        if (piece % PIECES_PER_BREATH == PIECES_PER_BREATH - 1) TRY(sql_env_breathe(env));
    }
    *ret = (struct row_reference){number, v->len};
    return OK;
}

static bool same_value(const struct varlena *a, const struct varlena *b) {
    return a == b || (a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

/* The references of the version that is to be replaced, all zero when there are none, or when it
 * is not (yet) the newest: then nothing is referred to again. */
static status old_references(struct sql_env *env, const struct relation *r,
                             const struct large_old *old, struct arena *a,
                             struct row_reference *ret) {
    char *buf = arena_alloc(a, TREE_ENTRY_BYTES_MAX);
    datum *values = arena_array(a, r->natts, sizeof *values);
    uint8_t *nulls = arena_array(a, r->natts, 1);
    struct tree_entry e;
    if (!buf || !values || !nulls) return STATUS(OUT_OF_MEMORY);
    status s = tree_get(env->proc, r->tree, old->key, old->key_len, buf, &e);
    if (status_is(s, ST_NOT_FOUND)) return OK;
    TRY(s);
    bool same = false;
    if (!(e.flags & ENTRY_LARGE)) return OK;
    TRY(table_same_version(env, e, old->version, ROW_UPDATE, &same));
    if (!same) return OK;
    return row_deform_references(r->row, e.value, e.value_len, r->natts, values, nulls, ret, a);
}

/* The longest value that is still in the row; natts: there is none worth moving. */
static uint16_t longest(const struct relation *r, const datum *values, const uint8_t *nulls,
                        const struct row_reference *references) {
    uint16_t best = r->natts;
    uint32_t len = ROW_REFERENCE_BYTES;
    for (uint16_t i = 0; i < r->natts; i++) {
        if (nulls[i] || references[i].number || !row_may_refer(r->row, i)) continue;
        if (values[i].v->len <= len) continue;
        len = values[i].v->len;
        best = i;
    }
    return best;
}

/* Values move, longest first, until the rest is small. */
static status move_values(struct sql_env *env, const struct relation *r, size_t size,
                          const datum *values, const uint8_t *nulls, const struct large_old *old,
                          struct arena *a, struct large_row *row) {
    struct row_reference *before = arena_array(a, r->natts, sizeof *before);
    row->references = arena_array(a, r->natts, sizeof *row->references);
    row->written = arena_array(a, r->natts, 1);
    if (!before || !row->references || !row->written) return STATUS(OUT_OF_MEMORY);
    memset(before, 0, r->natts * sizeof *before);
    memset(row->references, 0, r->natts * sizeof *row->references);
    memset(row->written, 0, r->natts);
    if (old) TRY(old_references(env, r, old, a, before));
    while (size > REST_BYTES) {
        uint16_t i = longest(r, values, nulls, row->references);
        if (i == r->natts) break;
        if (before[i].number && !old->nulls[i] && same_value(old->values[i].v, values[i].v)) {
            row->references[i] = before[i];
        } else {
            TRY(put_value(env, r, values[i].v, &row->references[i]));
            row->written[i] = 1;
        }
        size -= values[i].v->len - ROW_REFERENCE_BYTES;
    }
    return OK;
}

static status too_big(struct sql_env *env, size_t size) {
    return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                     "row is too big: size %zu, maximum size %d", size, TREE_ENTRY_BYTES_MAX);
}

status large_form(struct sql_env *env, const struct relation *r, size_t key_len,
                  const datum *values, const uint8_t *nulls, const struct large_old *old,
                  struct arena *a, struct large_row *row) {
    size_t bytes_max = row_bytes_max(r->row, values, nulls), size = key_len + bytes_max;
    uint32_t writer = (uint32_t)env->txn->writer.x;
    if (size <= WHOLE_BYTES_MAX)
        return row_form_within(r->row, values, nulls, bytes_max, writer, &row->bytes);
    TRY(move_values(env, r, size, values, nulls, old, a, row));
    TRY(row_form_references(r->row, values, nulls, row->references, writer, &row->bytes));
    size = key_len + row->bytes.len;
    return size > TREE_ENTRY_BYTES_MAX ? too_big(env, size) : OK;
}

/* ---- deleting -------------------------------------------------------------------------------- */

static status delete_value(struct sql_env *env, const struct relation *r,
                           const struct row_reference *reference) {
    unsigned char key[KEY_BYTES];
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    uint32_t piece = 0;
    for (uint32_t at = 0; at < reference->len; at += LARGE_PIECE_BYTES, piece++) {
        make_key(key, reference->number, piece);
        status s = tree_get(env->proc, r->tree, key, sizeof key, buf, &e);
        if (ok(s))
            s = tree_delete(env->proc, &env->txn->writer, r->tree, key, sizeof key, e.lsn,
                            txn_is_running, NULL);
        if (status_is(s, ST_NOT_FOUND) || status_is(s, ST_ROW_BUSY) || status_is(s, ST_ROW_CHANGED))
            return STATUS(INDEX_CORRUPTED); /* who has the row has its values */
        TRY(s);
        if (piece % PIECES_PER_BREATH == PIECES_PER_BREATH - 1) TRY(sql_env_breathe(env));
    }
    return OK;
}

status large_discard(struct sql_env *env, const struct relation *r, const struct large_row *row) {
    for (uint16_t i = 0; row->written && i < r->natts; i++)
        if (row->written[i]) TRY(delete_value(env, r, &row->references[i]));
    return OK;
}

static bool refers(const struct large_row *row, uint16_t natts, uint64_t number) {
    for (uint16_t i = 0; row && row->references && i < natts; i++)
        if (row->references[i].number == number) return true;
    return false;
}

status large_delete(struct sql_env *env, const struct relation *r, const void *bytes, size_t len,
                    const struct large_row *row) {
    struct arena *a = env->eval.arena;
    struct arena_mark mark = arena_mark(a);
    struct row_reference *references = arena_array(a, r->natts, sizeof *references);
    datum *values = arena_array(a, r->natts, sizeof *values);
    uint8_t *nulls = arena_array(a, r->natts, 1);
    if (!references || !values || !nulls) return STATUS(OUT_OF_MEMORY);
    status s;
    TRY_OUT(s, row_deform_references(r->row, bytes, len, r->natts, values, nulls, references, a));
    for (uint16_t i = 0; i < r->natts; i++)
        if (references[i].number && !refers(row, r->natts, references[i].number))
            TRY_OUT(s, delete_value(env, r, &references[i]));
out:
    arena_rewind(a, mark);
    return s;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The pieces lie one behind the other, and are taken page by page. */
static status read_pieces(struct sql_env *env, struct tree_cursor *c, uint64_t number,
                          struct varlena *v) {
    unsigned char key[KEY_BYTES];
    struct tree_entry e;
    uint32_t piece = 0;
    make_key(key, number, 0);
    TRY(tree_cursor_seek(env->proc, c, key, sizeof key, false, false));
    for (uint32_t at = 0; at < v->len; piece++) {
        uint32_t n = piece_bytes(v->len, at);
        status s = tree_cursor_next(env->proc, c, &e);
        if (status_is(s, ST_END)) return STATUS(SNAPSHOT_TOO_OLD);
        TRY(s);
        make_key(key, number, piece);
        if (e.key_len != sizeof key || memcmp(e.key, key, sizeof key) != 0)
            return STATUS(SNAPSHOT_TOO_OLD); /* purged: only a reader of the past comes too late */
        if (e.value_len != n) return STATUS(DATA_CORRUPTED);
        memcpy(v->data + at, e.value, n);
        at += n;
        if (piece % PIECES_PER_BREATH == PIECES_PER_BREATH - 1) TRY(sql_env_breathe(env));
    }
    return OK;
}

static status fetch(struct sql_env *env, const struct relation *r, uint16_t attribute,
                    const struct row_reference *reference, struct arena *a, datum *ret) {
    struct varlena *v = varlena_new(a, reference->len);
    struct arena scratch;
    struct tree_cursor c;
    if (!v) return STATUS(OUT_OF_MEMORY);
    arena_init(&scratch, 0);
    status s = tree_cursor_init(&c, &scratch, r->tree);
    if (ok(s)) s = read_pieces(env, &c, reference->number, v);
    arena_free(&scratch);
    TRY(s);
    TRY(row_check_fetched(r->row, attribute, v));
    *ret = datum_ptr(v);
    return OK;
}

static status leave_out(struct arena *a, const struct row_reference *reference, datum *ret) {
    struct varlena *v = varlena_new(a, 0);
    if (!v) return STATUS(OUT_OF_MEMORY);
    v->len = reference->len;
    *ret = datum_ptr(v);
    return OK;
}

status table_deform_large(struct sql_env *env, const struct relation *r, const struct tree_entry *e,
                          uint16_t wanted, const bool *needed, datum *values, uint8_t *nulls,
                          struct arena *a) {
    struct row_reference *references = arena_array(a, wanted + 1u, sizeof *references);
    if (!references) return STATUS(OUT_OF_MEMORY);
    TRY(row_deform_references(r->row, e->value, e->value_len, wanted, values, nulls, references,
                              a));
    if (wanted > r->natts) wanted = r->natts;
    for (uint16_t i = 0; i < wanted; i++) {
        if (!references[i].number) continue;
        bool all = !needed || needed[i] || references[i].len < LEFT_OUT_BYTES_MIN;
        TRY(all ? fetch(env, r, i, &references[i], a, &values[i])
                : leave_out(a, &references[i], &values[i]));
    }
    return OK;
}
