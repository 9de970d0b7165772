/* Keys of rows and index entries, and the words when one is there twice. */
#include <stdio.h>

#include "table/internal.h"
#include "types/key.h"

status table_index_key(const struct relation *r, const struct index_desc *index,
                       const datum *values, const uint8_t *nulls, struct buf *out,
                       bool *ret_has_null) {
    bool has_null = false;
    for (uint16_t i = 0; i < index->nkeys; i++) {
        int16_t number = index->columns[i];
        if (number <= 0 || number > r->natts) return STATUS(FEATURE_NOT_SUPPORTED);
        uint16_t att = (uint16_t)(number - 1);
        has_null |= nulls[att];
        TRY(type_key_encode(r->atts[att].type, values[att], nulls[att], index->descending[i],
                            index->nulls_first[i], out));
    }
    *ret_has_null = has_null;
    return OK;
}

/* A unique entry's key says it all and its value is the row's key. Any other entry's key ends in
 * the row's key; its value is that part's length, but for entries with a null in unique indexes,
 * whose value is the row's key like their neighbours'. */
status table_index_entry(struct sql_env *env, const struct relation *r,
                         const struct index_desc *index, const void *row_key, size_t row_key_len,
                         const datum *values, const uint8_t *nulls, struct index_entry *e) {
    bool has_null;
    TRY(table_index_key(r, index, values, nulls, &e->key, &has_null));
    e->unique = index->unique && (!has_null || index->nulls_not_distinct);
    if (!e->unique) TRY(buf_add(&e->key, row_key, row_key_len));
    if (e->key.len > TREE_KEY_BYTES_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "index row size %zu exceeds maximum %d for index \"%s\"", e->key.len,
                         TREE_KEY_BYTES_MAX, index->name);
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
    for (int part = 0; part < 2; part++) {
        TRY(buf_add_str(out, part == 0 ? "(" : ")=("));
        for (uint16_t i = 0; i < index->nkeys; i++) {
            uint16_t att = (uint16_t)(index->columns[i] - 1);
            if (i) TRY(buf_add_str(out, ", "));
            if (part == 0)
                TRY(buf_add_str(out, r->atts[att].name));
            else if (nulls[att])
                TRY(buf_add_str(out, "null"));
            else
                TRY(type_output(&env->eval, r->row->atts[att].type, values[att], out));
        }
    }
    return buf_add(out, ")", 2);
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
