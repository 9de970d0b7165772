/* catalog.c: opening the catalogs, and finding and locking relations. */
#include "catalog/collation.h"
#include "catalog/internal.h"

#include "fmt/page.h"
#include "parse/parse.h"
#include "pool/frame.h"

const struct relation *catalog_relation_of(const struct catalog *c, enum catalog_number n) {
    return &c->catalogs[n];
}

/* ---- opening --------------------------------------------------------------------------------- */

/* What catalog code runs in before there is a session. */
struct opening {
    page_id root; /* of pg_class */
    struct sql_env env;
    struct txn txn;
    struct sql_settings settings;
    struct session_env session;
    struct arena arena;
    char page[PAGE_BYTES];
};

static bool root_is_there(struct opening *o, status *ret_status) {
    *ret_status = page_copy(o->env.proc, o->root, o->page);
    if (!ok(*ret_status)) return false;
    const struct page_head *head = (const struct page_head *)o->page;
    return head->type == PAGE_TYPE_TREE && head->tree == OID_pg_class;
}

/* Roots of all catalogs and their indexes, from pg_class. END: pg_class does not describe itself
 * (yet). */
static status read_roots(struct sql_env *env, struct relation *catalogs) {
    struct catalog_scan s;
    status st;
    unsigned found = 0;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        oid relation = row_oid(&s.row, COL_pg_class_oid);
        if (relation >= FIRST_USER_OID) break;
        if (row_is_null(&s.row, COL_pg_class_axl_root)) continue;
        page_id root = {(uint64_t)row_int8(&s.row, COL_pg_class_axl_root)};
        for (unsigned n = 0; n < CATALOG_COUNT; n++) {
            struct relation *r = &catalogs[n];
            if (r->oid == relation) r->tree.root = root, found++;
            if (r->primary && r->primary->oid == relation) r->primary->tree.root = root;
            for (unsigned i = 0; i < r->nindexes; i++)
                if (r->indexes[i].oid == relation) r->indexes[i].tree.root = root;
        }
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    if (ok(st) && found != CATALOG_COUNT) return STATUS(END);
    return st;
}

static status set_next_oid(struct sql_env *env) {
    struct control *control = env->proc->shm->control;
    if (atomic_load_explicit(&control->next_oid, memory_order_acquire)) return OK;
    oid next;
    TRY(find_next_oid(env, &next));
    uint32_t none = 0;
    atomic_compare_exchange_strong_explicit(&control->next_oid, &none, next, memory_order_acq_rel,
                                            memory_order_acquire);
    return OK;
}

/* Inside a transaction: makes the catalogs unless another worker has done so. */
static status bootstrap_locked(struct opening *o, struct relation *catalogs) {
    struct sql_env *env = &o->env;
    TRY(txn_lock_relation(env->proc, env->txn, OID_pg_class, MODE_ACCESS_EXCLUSIVE, false, 0));
    status st;
    if (root_is_there(o, &st)) {
        st = read_roots(env, catalogs);
        /* A tree without its row: what a dead worker began is still to be undone. */
        return status_is(st, ST_END) ? STATUS(AGAIN) : st;
    }
    TRY(st);
    TRY(catalog_bootstrap(env, catalogs));
    catalog_changed(env);
    return OK;
}

static status open_in_txn(struct opening *o, struct relation *catalogs) {
    struct sql_env *env = &o->env;
    TRY(txn_begin(env->proc, env->txn, ISO_READ_COMMITTED, 0));
    status st = txn_snapshot(env->proc, env->txn, &env->snapshot);
    if (ok(st)) {
        bool there = root_is_there(o, &st);
        if (ok(st) && there) st = read_roots(env, catalogs);
        if (ok(st) && !there) st = STATUS(END);
        bool first = page_id_eq(o->root, CATALOG_ROOT);
        if (status_is(st, ST_END)) st = first ? bootstrap_locked(o, catalogs) : STATUS(NOT_FOUND);
    }
    if (ok(st)) st = set_next_oid(env);
    if (ok(st)) st = database_collator(env, o->root, &env->catalog->collator);
    if (ok(st)) return txn_commit(env->proc, env->txn, true);
    status_ignore(txn_rollback(env->proc, env->txn)); /* the first failure is the one to tell */
    return st;
}

static void opening_init(struct opening *o, struct proc *p, struct catalog *c, struct error *e) {
    memset(o, 0, sizeof *o);
    arena_init(&o->arena, 0);
    session_env_init(&o->session, p->env->mono_ns(p) | 1);
    o->settings = (struct sql_settings){.user = "postgres",
                                        .statistics_target = 100,
                                        .user_oid = ROLE_POSTGRES,
                                        .database = "postgres",
                                        .search_path = "pg_catalog",
                                        .application_name = ""};
    o->env = (struct sql_env){.proc = p,
                              .txn = &o->txn,
                              .eval = {&o->arena, e, &o->session},
                              .txn_arena = &o->arena,
                              .catalog = c,
                              .settings = &o->settings,
                              .text = ""};
}

#define OPEN_TRIES 2000

status catalog_open(struct proc *p, struct catalog **ret_catalog, struct error *e) {
    return catalog_open_database(p, CATALOG_ROOT, ret_catalog, e);
}

status catalog_open_database(struct proc *p, page_id root, struct catalog **ret_catalog,
                             struct error *e) {
    struct catalog *c = calloc(1, sizeof *c);
    struct opening *o = calloc(1, sizeof *o);
    status st = STATUS(OUT_OF_MEMORY);
    if (!c || !o) goto out;
    catalog_functions_register();
    c->proc = p;
    arena_init(&c->arena, 0);
    opening_init(o, p, c, e);
    o->root = root;
    TRY_OUT(st, catalog_relations_new(&c->arena, &c->catalogs));
    c->catalogs[CAT_pg_class].tree.root = root;
    c->catalogs[CAT_pg_class].primary->tree.root = root;
    st = STATUS(AGAIN);
    for (unsigned n = 0; n < OPEN_TRIES && status_is(st, ST_AGAIN); n++) {
        if (n) p->env->pause(p);
        st = open_in_txn(o, c->catalogs);
    }
out:
    if (o) {
        arena_free(&o->arena);
        free(o);
    }
    if (!ok(st)) {
        if (c) catalog_close(c);
        return error_from_status(e, st);
    }
    *ret_catalog = c;
    return OK;
}

page_id catalog_root(const struct catalog *c) {
    return c->catalogs[CAT_pg_class].tree.root;
}

void catalog_close(struct catalog *c) {
    cache_free(c);
    arena_free(&c->arena);
    free(c);
}

/* ---- finding --------------------------------------------------------------------------------- */

status catalog_relation_named(struct sql_env *env, const char *schema, const char *name,
                              const struct relation **ret_relation) {
    oid relation;
    TRY(relation_oid_named(env, schema, name, &relation));
    if (!relation) return STATUS(NOT_FOUND);
    return catalog_relation(env, relation, ret_relation);
}

static status no_relation(struct sql_env *env, const char *schema, const char *name,
                          int32_t location) {
    status st = schema ? error_set(env->eval.error, ST_UNDEFINED_TABLE,
                                   "relation \"%s.%s\" does not exist", schema, name)
                       : error_set(env->eval.error, ST_UNDEFINED_TABLE,
                                   "relation \"%s\" does not exist", name);
    error_at(env->eval.error, parse_position(env->text, env->text_len, location));
    return st;
}

status catalog_relation_lock(struct sql_env *env, const char *schema, const char *name,
                             enum relation_mode mode, int32_t location,
                             const struct relation **ret_relation) {
    oid locked = 0;
    for (;;) {
        uint64_t version =
            atomic_load_explicit(&env->proc->shm->control->catalog_version, memory_order_acquire);
        oid relation;
        status found = relation_oid_named(env, schema, name, &relation);
        if (status_is(found, ST_INSUFFICIENT_PRIVILEGE))
            error_at(env->eval.error, parse_position(env->text, env->text_len, location));
        TRY(found);
        if (!relation) return no_relation(env, schema, name, location);
        if (relation != locked)
            TRY(txn_lock_relation(env->proc, env->txn, relation, mode, false,
                                  env->settings->lock_timeout_ms));
        bool looked_again = relation == locked;
        locked = relation;
        bool moved = atomic_load_explicit(&env->proc->shm->control->catalog_version,
                                          memory_order_acquire) != version;
        if (moved && !looked_again) continue;
        status st = catalog_relation(env, relation, ret_relation);
        if (!status_is(st, ST_NOT_FOUND)) return st;
        return no_relation(env, schema, name, location);
    }
}

const struct index_desc *index_of_relation(const struct relation *r, oid index) {
    if (r->primary && r->primary->oid == index) return r->primary;
    for (unsigned i = 0; i < r->nindexes; i++)
        if (r->indexes[i].oid == index) return &r->indexes[i];
    return NULL;
}

status catalog_index(struct sql_env *env, oid index, const struct relation **ret_table,
                     const struct index_desc **ret_index) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_index, index, env->eval.arena, &row));
    TRY(catalog_relation(env, row_oid(&row, COL_pg_index_indrelid), ret_table));
    *ret_index = index_of_relation(*ret_table, index);
    return *ret_index ? OK : STATUS(NOT_FOUND);
}
