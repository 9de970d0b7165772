/* function_property.c: what an access method, an index and its columns can do: all are B-trees. */
#include <strings.h>

#include "catalog/function_bodies.h"

static bool is(const struct varlena *word, const char *name) {
    return strlen(name) == word->len && !strncasecmp(word->data, name, word->len);
}

static bool is_among(const struct varlena *word, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is(word, names[i])) return true;
    return false;
}

#define IS_AMONG(word, names) is_among(word, names, sizeof(names) / sizeof *(names))

static status give(struct fn_call *c, bool x) {
    c->result = datum_bool(x);
    return OK;
}

status fn_indexam_has_property(struct fn_call *c) {
    static const char *const can[] = {"can_order", "can_unique", "can_multi_col", "can_exclude",
                                      "can_include"};
    if (c->args[0].u32 != BTREE_AM_OID || !IS_AMONG(c->args[1].v, can)) return return_null(c);
    return give(c, true);
}

/* What pg_stat_progress_create_index says of enum progress_build_phase. */
status fn_indexam_progress_phasename(struct fn_call *c) {
    static const char *const phases[] = {NULL,
                                         "initializing",
                                         "scanning table",
                                         "sorting live tuples",
                                         "sorting dead tuples",
                                         "loading tuples in tree"};
    int64_t phase = c->args[1].i64;
    int64_t end = sizeof phases / sizeof *phases;
    if (c->args[0].u32 != BTREE_AM_OID || phase < 1 || phase >= end) return return_null(c);
    return text_datum(c->env, phases[phase], &c->result);
}

/* NOT_FOUND: no index. */
static status index_argument(struct fn_call *c, const struct index_desc **ret) {
    struct sql_env env;
    const struct relation *r;
    TRY(function_env(c, &env));
    return catalog_index(&env, c->args[0].u32, &r, ret);
}

status fn_index_has_property(struct fn_call *c) {
    static const char *const can[] = {"clusterable", "index_scan", "bitmap_scan", "backward_scan"};
    const struct index_desc *x;
    status st = index_argument(c, &x);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    return IS_AMONG(c->args[1].v, can) ? give(c, true) : return_null(c);
}

/* Of a key column, i from 0. */
static status key_property(struct fn_call *c, const struct index_desc *x, uint32_t i) {
    static const char *const all[] = {"orderable", "returnable", "search_array", "search_nulls"};
    const struct varlena *word = c->args[2].v;
    if (is(word, "asc")) return give(c, !x->descending[i]);
    if (is(word, "desc")) return give(c, x->descending[i]);
    if (is(word, "nulls_first")) return give(c, x->nulls_first[i]);
    if (is(word, "nulls_last")) return give(c, !x->nulls_first[i]);
    if (is(word, "distance_orderable")) return give(c, false);
    return IS_AMONG(word, all) ? give(c, true) : return_null(c);
}

/* Of one that is only carried along. */
static status carried_property(struct fn_call *c) {
    static const char *const no[] = {"orderable", "distance_orderable"};
    if (is(c->args[2].v, "returnable")) return give(c, true);
    return IS_AMONG(c->args[2].v, no) ? give(c, false) : return_null(c);
}

status fn_index_column_has_property(struct fn_call *c) {
    const struct index_desc *x;
    int32_t column = c->args[1].i32;
    status st = index_argument(c, &x);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    if (column < 1 || column > x->ncolumns) return return_null(c);
    return column > x->nkeys ? carried_property(c) : key_property(c, x, (uint32_t)column - 1);
}
