/* Keys of rows and index entries, and the words when one is there twice. */
#include <stdio.h>

#include "table/internal.h"
#include "table/late_key.h"
#include "types/key.h"

const struct table_hooks *table_hooks;

/* The values that an index orders a row by. */
struct key_values {
    datum values[INDEX_COLUMNS_MAX];
    uint8_t nulls[INDEX_COLUMNS_MAX];
};

static status plain_values(const struct relation *r, const struct index_desc *index,
                           const datum *values, const uint8_t *nulls, struct key_values *k) {
    for (uint16_t i = 0; i < index->nkeys; i++) {
        int16_t number = index->columns[i];
        if (number <= 0 || number > r->natts) return STATUS(INDEX_CORRUPTED);
        k->values[i] = values[number - 1];
        k->nulls[i] = nulls[number - 1];
    }
    return OK;
}

/* NOT_FOUND: the predicate leaves the row out. */
static status key_values(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index, const datum *values, const uint8_t *nulls,
                         struct key_values *k) {
    bool included;
    if (!index->computed) return plain_values(r, index, values, nulls, k);
    if (!table_hooks) return STATUS(FEATURE_NOT_SUPPORTED);
    TRY(table_hooks->index_row(env, r, index, values, nulls, k->values, k->nulls, &included));
    return included ? OK : STATUS(NOT_FOUND);
}

static status encode_key(const struct index_desc *index, const struct key_values *k,
                         struct buf *out, bool *ret_has_null) {
    bool has_null = false;
    for (uint16_t i = 0; i < index->nkeys; i++) {
        has_null |= k->nulls[i];
        TRY(type_key_encode(index_key_type(index, i), k->values[i], k->nulls[i],
                            index->descending[i], index->nulls_first[i], out));
    }
    *ret_has_null = has_null;
    return OK;
}

status table_index_key(struct sql_env *env, const struct relation *r,
                       const struct index_desc *index, const datum *values, const uint8_t *nulls,
                       struct buf *out, bool *ret_has_null) {
    struct key_values k;
    struct arena_mark mark = arena_mark(env->eval.arena);
    status s = key_values(env, r, index, values, nulls, &k);
    if (ok(s)) s = encode_key(index, &k, out, ret_has_null);
    if (index->computed) arena_rewind(env->eval.arena, mark);
    return s;
}

/* PostgreSQL has other words for what no page of its would hold. */
#define PAGE_ROW_BYTES_MAX 8191

status table_key_too_long(struct sql_env *env, size_t len, const struct index_desc *index) {
    len = (len + 7) & ~(size_t)7;
    if (len > PAGE_ROW_BYTES_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "index row requires %zu bytes, maximum size is %d", len,
                         PAGE_ROW_BYTES_MAX);
    status s = error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "index row size %zu exceeds btree version 4 maximum %d for index \"%s\"",
                         len, TREE_KEY_BYTES_MAX, index->name);
    error_hint(env->eval.error, "Values larger than 1/3 of a buffer page cannot be indexed.\n"
                                "Consider a function index of an MD5 hash of the value, or use "
                                "full text indexing.");
    return s;
}

/* A unique entry's key says it all and its value is the row's key. Any other entry's key ends in
 * the row's key; its value is that part's length, but for entries with a null in unique indexes,
 * whose value is the row's key like their neighbours'. */
status table_index_entry(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index, const void *row_key, size_t row_key_len,
                         const datum *values, const uint8_t *nulls, struct index_entry *e) {
    bool has_null;
    status s = table_index_key(env, r, index, values, nulls, &e->key, &has_null);
    e->none = status_is(s, ST_NOT_FOUND);
    if (e->none) return OK;
    TRY(s);
    e->unique = index->unique && (!has_null || index->nulls_not_distinct);
    if (!e->unique) TRY(buf_add(&e->key, row_key, row_key_len));
    if (e->key.len > TREE_KEY_BYTES_MAX) return table_key_too_long(env, e->key.len, index);
    if (index->unique) return buf_add(&e->value, row_key, row_key_len);
    uint16_t len = (uint16_t)row_key_len;
    return buf_add(&e->value, &len, sizeof len);
}

void table_index_entry_free(struct index_entry *e) {
    buf_free(&e->key);
    buf_free(&e->value);
}

status table_row_key(const struct index_desc *index, const struct tree_entry *e,
                     const unsigned char **ret_key, size_t *ret_len) {
    if (index->unique) {
        *ret_key = e->value;
        *ret_len = e->value_len;
        return OK;
    }
    if (e->value_len != sizeof(uint16_t)) return STATUS(INDEX_CORRUPTED);
    uint16_t len = load_le16(e->value);
    if (len > e->key_len) return STATUS(INDEX_CORRUPTED);
    *ret_key = e->key + e->key_len - len;
    *ret_len = len;
    return OK;
}

/* "(a, b)=(1, x)" */
static status describe_key(struct sql_env *env, const struct relation *r,
                           const struct index_desc *index, const datum *values,
                           const uint8_t *nulls, struct buf *out) {
    struct key_values k;
    TRY(key_values(env, r, index, values, nulls, &k));
    for (int part = 0; part < 2; part++) {
        TRY(buf_add_str(out, part == 0 ? "(" : ")=("));
        for (uint16_t i = 0; i < index->nkeys; i++) {
            if (i) TRY(buf_add_str(out, ", "));
            if (part == 0)
                TRY(catalog_index_column(env, r, index, i, true, out));
            else if (k.nulls[i])
                TRY(buf_add_str(out, "null"));
            else
                TRY(type_output(&env->eval, type_find(index->types[i]), k.values[i], out));
        }
    }
    return buf_add(out, ")", 2);
}

status table_describe_key(struct sql_env *env, const struct relation *r,
                          const struct index_desc *index, const datum *values, const uint8_t *nulls,
                          char **ret) {
    struct buf key = {0};
    status s = describe_key(env, r, index, values, nulls, &key);
    *ret = ok(s) ? arena_strdup(env->eval.arena, key.data) : NULL;
    buf_free(&key);
    return ok(s) && !*ret ? STATUS(OUT_OF_MEMORY) : s;
}

status table_unique_error(struct sql_env *env, const struct relation *r,
                          const struct index_desc *index, const datum *values, const uint8_t *nulls,
                          bool create) {
    struct buf key = {0};
    status described = describe_key(env, r, index, values, nulls, &key);
    struct error *e = env->eval.error;
    status s =
        create
            ? error_set(e, ST_UNIQUE_VIOLATION, "could not create unique index \"%s\"", index->name)
            : error_set(e, ST_UNIQUE_VIOLATION,
                        "duplicate key value violates unique constraint \"%s\"", index->name);
    if (ok(described))
        error_detail(e, create ? "Key %s is duplicated." : "Key %s already exists.", key.data);
    buf_free(&key);
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
    snprintf(e->constraint, sizeof e->constraint, "%s", index->name);
    return s;
}
