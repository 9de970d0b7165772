/* function_info.c: comments, sizes, and constants that clients ask for. */
#include "catalog/function_bodies.h"
#include "parse/keyword.h"
#include "pool/frame.h"

/* ---- constants ------------------------------------------------------------------------------- */

status fn_true(struct fn_call *c) {
    c->result = datum_bool(true);
    return OK;
}

status fn_false(struct fn_call *c) {
    c->result = datum_bool(false);
    return OK;
}

status fn_null(struct fn_call *c) {
    return return_null(c);
}

/* Done: there was nothing to do. */
status fn_void(struct fn_call *c) {
    c->result = (datum){0};
    return OK;
}

status fn_empty_text(struct fn_call *c) {
    return return_text(c, "");
}

status fn_version(struct fn_call *c) {
    return return_text(c, "PostgreSQL 15.0 (Axolotl 0.1.0) on x86_64-linux, 64-bit");
}

status fn_client_encoding(struct fn_call *c) {
    return return_name(c, encoding_name(c->env->session->client_encoding));
}

status fn_keywords(struct fn_call *c) {
    static const struct {
        char code[2];
        const char *words;
    } categories[] = {[KEYWORD_UNRESERVED] = {"U", "unreserved"},
                      [KEYWORD_COL_NAME] = {"C", "unreserved (cannot be function or type name)"},
                      [KEYWORD_TYPE_FUNC_NAME] = {"T", "reserved (can be function or type name)"},
                      [KEYWORD_RESERVED] = {"R", "reserved"}};
    uint32_t *at;
    TRY(set_counter(c, &at));
    const struct keyword *k = keyword_at((*at)++);
    c->set_done = !k;
    if (!k) return OK;
    datum values[5] = {
        [1] = {.i64 = *categories[k->category].code}, [2] = datum_bool(k->bare_label)};
    TRY(text_datum(c->env, k->name, &values[0]));
    TRY(text_datum(c->env, categories[k->category].words, &values[3]));
    TRY(text_datum(c->env, k->bare_label ? "can be bare label" : "requires AS", &values[4]));
    return give_row(c, values, (const uint8_t[5]){0});
}

/* ---- comments -------------------------------------------------------------------------------- */

static status description(struct fn_call *c, oid object, oid class_oid, int32_t part) {
    struct sql_env env;
    struct catalog_row row;
    datum keys[] = {datum_oid(object), datum_oid(class_oid), datum_int4(part)};
    TRY(function_env(c, &env));
    status st =
        catalog_row_get(&env, CAT_pg_description, 0, keys, class_oid ? 3 : 1, env.eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    if (row_int4(&row, COL_pg_description_objsubid) != part) return return_null(c);
    c->result = row.values[COL_pg_description_description - 1];
    return OK;
}

static oid catalog_by_name(const char *name) {
    for (unsigned n = 0; n < CATALOG_COUNT; n++)
        if (!strcmp(catalog_infos[n].name, name)) return catalog_infos[n].oid;
    return 0;
}

status fn_obj_description(struct fn_call *c) {
    if (c->nargs == 1) return description(c, c->args[0].u32, 0, 0);
    oid class_oid = catalog_by_name(c->args[1].s);
    return class_oid ? description(c, c->args[0].u32, class_oid, 0) : return_null(c);
}

status fn_col_description(struct fn_call *c) {
    return description(c, c->args[0].u32, OID_pg_class, c->args[1].i32);
}

status fn_shobj_description(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    datum keys[] = {c->args[0], datum_oid(catalog_by_name(c->args[1].s))};
    TRY(function_env(c, &env));
    status st = catalog_row_get(&env, CAT_pg_shdescription, 0, keys, 2, env.eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    c->result = row.values[COL_pg_shdescription_description - 1];
    return OK;
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static uint64_t pages_of(const struct relation *r) {
    if (r->kind != 'r' && r->kind != 'i' && r->kind != 'S') return 0;
    return r->relpages ? r->relpages : 1;
}

/* What ANALYZE last counted; one page for what it has not seen. */
static status sizes(struct fn_call *c, bool table, bool indexes) {
    struct sql_env env;
    const struct relation *r;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    uint64_t pages = table ? pages_of(r) : 0;
    for (unsigned i = 0; indexes && i < r->nindexes; i++) {
        const struct relation *x;
        TRY(catalog_relation(&env, r->indexes[i].oid, &x));
        pages += pages_of(x);
    }
    c->result = datum_int8((int64_t)(pages * PAGE_BYTES));
    return OK;
}

status fn_relation_size(struct fn_call *c) {
    return sizes(c, true, false);
}

status fn_indexes_size(struct fn_call *c) {
    return sizes(c, false, true);
}

status fn_total_relation_size(struct fn_call *c) {
    return sizes(c, true, true);
}

status fn_database_size(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    uint64_t pages = atomic_load_explicit(&env.proc->shm->pool->file_pages, memory_order_relaxed);
    c->result = datum_int8((int64_t)(pages * PAGE_BYTES));
    return OK;
}

/* ---- relations ------------------------------------------------------------------------------- */

status fn_relation_filenode(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (status_is(st, ST_NOT_FOUND) || (ok(st) && r->kind == 'v')) return return_null(c);
    TRY(st);
    c->result = datum_oid(r->oid);
    return OK;
}

/* What may be done through it: bits of PostgreSQL's CmdType. column 0: to any of its columns. */
static status changes_through(struct fn_call *c, int16_t column, int32_t *ret_events) {
    struct sql_env env;
    const struct relation *r;
    *ret_events = 0;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    return define_hooks->relation_events(&env, r, column, ret_events);
}

status fn_relation_is_updatable(struct fn_call *c) {
    int32_t events;
    TRY(changes_through(c, 0, &events));
    c->result = datum_int4(events);
    return OK;
}

/* The standard has it that only what may be deleted from has updatable columns. */
status fn_column_is_updatable(struct fn_call *c) {
    int32_t events = 0, needs = CHANGE_UPDATE | CHANGE_DELETE;
    int16_t column = c->args[1].i16;
    if (column > 0) TRY(changes_through(c, column, &events));
    c->result = datum_bool((events & needs) == needs);
    return OK;
}

status fn_relation_is_publishable(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (!ok(st) && !status_is(st, ST_NOT_FOUND)) return st;
    c->result = datum_bool(ok(st) && r->kind == 'r' && !r->is_catalog);
    return OK;
}
