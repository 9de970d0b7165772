/* bad_page.c: what a client is told of a page that cannot be had. */
#include <stdio.h>

#include "catalog/internal.h"

static bool has_tree(const struct relation *r, oid tree, const struct index_desc **ret_index) {
    if (r->oid == tree) return true;
    for (unsigned i = 0; i < r->nindexes; i++) {
        if (r->indexes[i].oid != tree) continue;
        *ret_index = &r->indexes[i];
        return true;
    }
    return false;
}

/* Whose tree it is: a table's, or an index's, then *ret_index. Among what is known already: the
 * catalogs may be what cannot be read, and who has met the page has looked its relation up. */
static const struct relation *owner_of(const struct sql_env *env, oid tree,
                                       const struct index_desc **ret_index) {
    const struct catalog *c = env->catalog;
    for (unsigned n = 0; n < CATALOG_COUNT; n++)
        if (has_tree(&c->catalogs[n], tree, ret_index)) return &c->catalogs[n];
    const struct generation *lists[] = {c->privates, c->shared};
    for (unsigned i = 0; i < 2; i++)
        for (const struct generation *g = lists[i]; g; g = g->next)
            for (unsigned b = 0; b < 256; b++)
                for (const struct cached_relation *e = g->by_oid[b]; e; e = e->next)
                    if (has_tree(e->relation, tree, ret_index)) return e->relation;
    return NULL;
}

static status bad_page(struct sql_env *env, const struct proc_bad_page *bad) {
    const struct index_desc *index = NULL;
    const struct relation *r = owner_of(env, bad->tree, &index);
    const char *what = bad->code == ST_IO_ERROR ? "could not read" : "invalid page in";
    struct error *e = env->eval.error;
    unsigned long long page = bad->page;
    if (!bad->tree) return error_set(e, bad->code, "%s block %llu of the data file", what, page);
    if (!r)
        return error_set(e, bad->code, "%s block %llu of the tree with OID %u", what, page,
                         bad->tree);
    status st = error_set(e, bad->code, "%s block %llu of relation \"%s\"", what, page,
                          index ? index->name : r->name);
    if (index) error_detail(e, "The relation is an index of table \"%s\".", r->name);
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name ? r->schema_name : "");
    snprintf(e->table, sizeof e->table, "%s", r->name);
    return st;
}

status catalog_error(struct sql_env *env, status st) {
    struct proc_bad_page *bad = &env->proc->bad_page;
    if (ok(st) || !ok(env->eval.error->status)) return st;
    bool damage = st.code == ST_DATA_CORRUPTED || st.code == ST_IO_ERROR;
    if (!damage || st.code != bad->code || bad->trace != env->proc->trace)
        return error_from_status(env->eval.error, st);
    st = bad_page(env, bad);
    bad->code = ST_OK;
    return st;
}
