/* define_database.c: CREATE, ALTER and DROP DATABASE.
 *
 * Each database has catalogs of its own, whose pg_class is found by pg_database.axl_root
 * (postgres', the first, lies at CATALOG_ROOT). Shared catalogs are the same trees in all of them.
 * A new database is made afresh, or as a copy of another one: every tree of the template is copied
 * as it is seen, its relations keep their oids. All of it is one transaction. */
#include "catalog/define_database.h"
#include "session/session.h"
#include "txn/version.h"

#define TEMPLATE1_OID 1
#define TEMPLATE0_OID 4

static bool is_made_afresh(oid template) {
    return template == TEMPLATE1_OID || template == TEMPLATE0_OID;
}

/* ---- copying --------------------------------------------------------------------------------- */

struct moved {
    struct moved *next;
    page_id from, to;
};

struct copying {
    struct sql_env from, to; /* each with its database's catalogs */
    struct moved *moved;
    struct arena arena;
};

static struct moved *find_moved(const struct copying *c, page_id from) {
    for (struct moved *m = c->moved; m; m = m->next)
        if (page_id_eq(m->from, from)) return m;
    return NULL;
}

static status note_moved(struct copying *c, page_id from, page_id to) {
    struct moved *m = arena_alloc(&c->arena, sizeof *m);
    if (!m) return no_memory(&c->to);
    *m = (struct moved){c->moved, from, to};
    c->moved = m;
    return OK;
}

static status copy_entries(struct copying *c, struct tree from, struct tree to) {
    struct sql_env *env = &c->to;
    struct proc *p = env->proc;
    struct tree_cursor cursor;
    struct arena a;
    status st;
    arena_init(&a, 0);
    unsigned char *buf = arena_alloc(&a, TREE_ENTRY_BYTES_MAX);
    st = buf ? tree_cursor_init(&cursor, &a, from) : no_memory(env);
    if (ok(st)) st = tree_cursor_seek(p, &cursor, NULL, 0, false, false);
    while (ok(st)) {
        struct tree_entry e;
        TRY_OUT(st, sql_env_breathe(env));
        TRY_OUT(st, tree_cursor_next(p, &cursor, &e));
        st = version_visible(p, &env->snapshot, &e, buf);
        struct tree_value value = {e.value, e.value_len, (e.flags & ENTRY_LARGE) != 0};
        if (ok(st))
            st = tree_insert_value(p, &env->txn->writer, to, e.key, e.key_len, &value,
                                   txn_is_running, NULL);
        else if (status_is(st, ST_NOT_FOUND))
            st = OK;
    }
out:
    arena_free(&a);
    return status_is(st, ST_END) ? OK : st;
}

/* A tree of the new database with what the template's has. */
static status copy_tree(struct copying *c, oid relation, page_id from, page_id *ret_root) {
    const struct moved *m = find_moved(c, from);
    if (m) { /* a catalog, or a primary key, which is its table's tree */
        *ret_root = m->to;
        return OK;
    }
    struct tree to;
    TRY(tree_create(c->to.proc, &c->to.txn->writer, relation, &to));
    TRY(note_moved(c, from, to.root));
    TRY(copy_entries(c, (struct tree){from, relation}, to));
    *ret_root = to.root;
    return OK;
}

/* A shared catalog's index says so by the place of its tree alone. */
static bool is_shared_root(const struct relation *catalogs, page_id root) {
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        const struct relation *r = &catalogs[n];
        if (!catalog_infos[n].shared) continue;
        if (page_id_eq(r->tree.root, root)) return true;
        for (unsigned i = 0; i < r->nindexes; i++)
            if (page_id_eq(r->indexes[i].tree.root, root)) return true;
    }
    return false;
}

/* The page of the relation's tree, which is the database's own; false: it has none. */
static bool own_root(const struct sql_env *env, const struct catalog_row *row, page_id *ret_root) {
    if (row_is_null(row, COL_pg_class_axl_root)) return false;
    *ret_root = (page_id){(uint64_t)row_int8(row, COL_pg_class_axl_root)};
    return !is_shared_root(env->catalog->catalogs, *ret_root);
}

/* The new database's catalogs exist and are empty; pg_class is filled row by row, all others tree
 * by tree. */
static status fill_catalog(struct copying *c, unsigned n) {
    const struct relation *from = &c->from.catalog->catalogs[n], *to = &c->to.catalog->catalogs[n];
    TRY(note_moved(c, from->tree.root, to->tree.root));
    if (n != CAT_pg_class) TRY(copy_entries(c, from->tree, to->tree));
    for (unsigned i = 0; i < from->nindexes; i++) {
        TRY(note_moved(c, from->indexes[i].tree.root, to->indexes[i].tree.root));
        if (n != CAT_pg_class) TRY(copy_entries(c, from->indexes[i].tree, to->indexes[i].tree));
    }
    return OK;
}

static status copy_class(struct copying *c, struct catalog_row *row) {
    if (row_char(row, COL_pg_class_relpersistence) == 't') return OK;
    page_id root, from;
    if (own_root(&c->from, row, &from)) {
        TRY(copy_tree(c, row_oid(row, COL_pg_class_oid), from, &root));
        row_set_int(row, COL_pg_class_axl_root, (int64_t)root.no);
    }
    return catalog_row_insert(&c->to, CAT_pg_class, row);
}

static status copy_database(struct copying *c) {
    struct catalog_scan s;
    status st = OK;
    for (unsigned n = 0; n < CATALOG_COUNT; n++)
        TRY(catalog_infos[n].shared ? OK : fill_catalog(c, n));
    TRY_OUT(st, catalog_scan_begin(&c->from, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) TRY_OUT(st, copy_class(c, &s.row));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- who is connected ------------------------------------------------------------------------ */

static unsigned others_in(struct sql_env *env, const char *database) {
    const struct shm *shm = env->proc->shm;
    unsigned n = 0;
    for (uint32_t i = 0; shm->sessions && i < shm->sizes.sessions; i++) {
        const struct session_slot *s = session_slot_at(shm, i);
        n += atomic_load(&s->state) != SESSION_FREE && strcmp(s->database, database) == 0;
    }
    return n - (n > 0 && strcmp(env->settings->database, database) == 0);
}

static status in_use(struct sql_env *env, const char *what, const char *database, unsigned n) {
    status st = error_set(env->eval.error, ST_OBJECT_IN_USE,
                          "%sdatabase \"%s\" is being accessed by other users", what, database);
    error_detail(env->eval.error,
                 n == 1 ? "There is %u other session using the database."
                        : "There are %u other sessions using the database.",
                 n);
    return st;
}

/* ---- CREATE ---------------------------------------------------------------------------------- */

static status set_locale(struct sql_env *env, struct catalog_row *row,
                         const struct database_locale *l) {
    struct arena *a = env->eval.arena;
    TRY(row_set_text(a, row, COL_pg_database_datcollate, l->collate));
    TRY(row_set_text(a, row, COL_pg_database_datctype, l->ctype));
    if (l->icu_locale) TRY(row_set_text(a, row, COL_pg_database_daticulocale, l->icu_locale));
    return l->version ? row_set_text(a, row, COL_pg_database_datcollversion, l->version) : OK;
}

static status insert_database(struct sql_env *env, const char *name,
                              const struct database_options *c, oid template, page_id root) {
    struct catalog_row row;
    oid id, owner = env->settings->user_oid;
    TRY(new_oid(env, &id));
    if (c->owner) TRY(role_written(env, c->owner, false, &owner));
    catalog_row_init(&row, CAT_pg_database);
    row_set_oid(&row, COL_pg_database_oid, id);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_database_datname, name));
    row_set_oid(&row, COL_pg_database_datdba, owner);
    row_set_int(&row, COL_pg_database_encoding, 6);
    row_set_char(&row, COL_pg_database_datlocprovider, c->locale.provider);
    row_set_bool(&row, COL_pg_database_datistemplate, c->is_template);
    row_set_bool(&row, COL_pg_database_datallowconn, c->allows_connections);
    row_set_int(&row, COL_pg_database_datconnlimit, c->connection_limit);
    row_set_oid(&row, COL_pg_database_datminmxid, 1);
    row_set_oid(&row, COL_pg_database_dattablespace, 1663);
    TRY(set_locale(env, &row, &c->locale));
    row_set_int(&row, COL_pg_database_axl_root, (int64_t)root.no);
    if (!is_made_afresh(template)) TRY(shared_depend_copy(env, template, id));
    return catalog_row_insert(env, CAT_pg_database, &row);
}

/* The template's catalogs, opened for the time of the copy. */
static status copy_from(struct sql_env *env, page_id root, struct catalog *made) {
    struct catalog *template;
    TRY(catalog_open_database(env->proc, root, &template, env->eval.error));
    struct copying c = {.from = *env, .to = *env};
    arena_init(&c.arena, 0);
    c.from.catalog = template;
    c.to.catalog = made;
    status st = copy_database(&c);
    arena_free(&c.arena);
    catalog_close(template);
    return st;
}

static status make_database(struct sql_env *env, const char *name, const struct database_options *c,
                            oid template, page_id template_root) {
    struct catalog made = {.proc = env->proc, .being_made = true};
    struct sql_env inside = *env;
    const struct relation *shared = env->catalog->catalogs;
    inside.catalog = &made;
    arena_init(&made.arena, 0);
    status st = catalog_relations_new(&made.arena, &made.catalogs);
    if (ok(st))
        st = is_made_afresh(template) ? catalog_bootstrap_database(&inside, made.catalogs, shared)
                                      : catalog_create_trees(&inside, made.catalogs, shared);
    if (ok(st) && !is_made_afresh(template)) st = copy_from(env, template_root, &made);
    if (ok(st)) st = insert_database(env, name, c, template, made.catalogs[CAT_pg_class].tree.root);
    cache_free(&made);
    arena_free(&made.arena);
    return st;
}

/* CREATEDB, and a template that may be copied. */
static status may_create(struct sql_env *env, const char *owner) {
    const struct role *r;
    bool member;
    oid role;
    TRY(role_get(env, env->settings->user_oid, &r));
    if (!r->super && !r->create_db)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied to create database");
    if (!owner) return OK;
    TRY(role_written(env, owner, false, &role));
    TRY(role_is_member(env, env->settings->user_oid, role, &member));
    return member ? OK
                  : error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                              "must be member of role \"%s\"", owner);
}

static status may_copy(struct sql_env *env, const char *name, const struct database_found *d) {
    bool owner;
    if (d->is_template) return OK;
    TRY(privilege_is_owner(env, OID_pg_database, d->oid, env->settings->user_oid, &owner));
    return owner ? OK
                 : error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                             "permission denied to copy database \"%s\"", name);
}

static status create_database(struct sql_env *env, const struct ast_database *s) {
    struct database_options c;
    struct database_found found, there;
    TRY(database_options_read(env, s->options, &c));
    TRY(may_create(env, c.owner));
    status st = catalog_database_find(env, c.template, &found);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_CATALOG_NAME,
                         "template database \"%s\" does not exist", c.template);
    TRY(st);
    TRY(may_copy(env, c.template, &found));
    TRY(database_options_check(env, found.oid, found.oid == TEMPLATE0_OID, &c));
    st = catalog_database_find(env, s->name, &there);
    if (ok(st))
        return error_set(env->eval.error, ST_DUPLICATE_DATABASE, "database \"%s\" already exists",
                         s->name);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    unsigned others = others_in(env, c.template);
    if (others) return in_use(env, "source ", c.template, others);
    return make_database(env, s->name, &c, found.oid, found.root);
}

/* ---- DROP ------------------------------------------------------------------------------------ */

/* Every tree once: a primary key shares its table's. */
static status drop_trees(struct sql_env *env, page_id root) {
    struct catalog *doomed;
    struct catalog_scan s;
    struct copying seen = {.to = *env};
    status st;
    TRY(catalog_open_database(env->proc, root, &doomed, env->eval.error));
    struct sql_env inside = *env;
    inside.catalog = doomed;
    arena_init(&seen.arena, 0);
    TRY_OUT(st, catalog_scan_begin(&inside, CAT_pg_class, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        page_id at;
        if (!own_root(&inside, &s.row, &at) || find_moved(&seen, at)) continue;
        TRY_OUT(st, note_moved(&seen, at, at));
        struct tree tree = {at, row_oid(&s.row, COL_pg_class_oid)};
        TRY_OUT(st, txn_drop_tree(env->proc, env->txn, tree));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    arena_free(&seen.arena);
    catalog_close(doomed);
    return st;
}

static status drop_database(struct sql_env *env, const struct ast_database *s) {
    struct database_found found;
    status st = catalog_database_find(env, s->name, &found);
    if (status_is(st, ST_NOT_FOUND)) {
        if (!s->if_exists)
            return error_set(env->eval.error, ST_INVALID_CATALOG_NAME,
                             "database \"%s\" does not exist", s->name);
        define_notice(env, "00000", "database \"%s\" does not exist, skipping", s->name);
        return OK;
    }
    TRY(st);
    TRY(privilege_check_owner(env, OID_pg_database, found.oid));
    if (found.is_template)
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "cannot drop a template database");
    if (strcmp(s->name, env->settings->database) == 0)
        return error_set(env->eval.error, ST_OBJECT_IN_USE,
                         "cannot drop the currently open database");
    unsigned others = others_in(env, s->name);
    if (others) return in_use(env, "", s->name, others);
    if (page_id_eq(found.root, CATALOG_ROOT))
        return define_unsupported(env, "DROP of the first database");
    TRY(catalog_database_lock(env, found.oid, MODE_ACCESS_EXCLUSIVE, false));
    TRY(drop_trees(env, found.root));
    TRY(shared_depend_drop_database(env, found.oid));
    datum key = datum_oid(found.oid);
    TRY(catalog_rows_delete(env, CAT_pg_db_role_setting, 0, &key, 1, NULL));
    return catalog_rows_delete(env, CAT_pg_database, 0, &key, 1, NULL);
}

/* ---- ALTER ----------------------------------------------------------------------------------- */

static status owned(struct sql_env *env, const char *name, struct database_found *ret) {
    status st = catalog_database_find(env, name, ret);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_CATALOG_NAME, "database \"%s\" does not exist",
                         name);
    TRY(st);
    return privilege_check_owner(env, OID_pg_database, ret->oid);
}

static status alter_setting(struct sql_env *env, const struct ast_database *s) {
    struct database_found found;
    TRY(owned(env, s->name, &found));
    return define_setting(env, found.oid, 0, s->set);
}

static status set_version(struct sql_env *env, struct catalog_row *row, void *arg) {
    return row_set_text(env->eval.arena, row, COL_pg_database_datcollversion, arg);
}

static status refresh_version(struct sql_env *env, oid database) {
    struct database_locale l;
    char is[32];
    TRY(database_locale(env, database, &l));
    if (l.icu_locale) TRY(collator_version(l.icu_locale, env->eval.error, is));
    if (!l.icu_locale || !l.version || !strcmp(l.version, is)) {
        define_notice(env, "00000", "version has not changed");
        return OK;
    }
    define_notice(env, "00000", "changing version from %s to %s", l.version, is);
    return define_update_row(env, OID_pg_database, database, set_version, is);
}

static status set_facts(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct database_options *o = arg;
    if (o->has_limit) row_set_int(row, COL_pg_database_datconnlimit, o->connection_limit);
    if (o->has_is_template) row_set_bool(row, COL_pg_database_datistemplate, o->is_template);
    if (o->has_allows) row_set_bool(row, COL_pg_database_datallowconn, o->allows_connections);
    return OK;
}

static status alter_database(struct sql_env *env, const struct ast_database *s) {
    const struct ast_def_elem *first = list_n(s->options) ? list_at(s->options, 0) : NULL;
    struct database_options o;
    struct database_found found;
    bool refresh = first && !strcmp(first->name, "refresh_version");
    if (!refresh) TRY(database_options_read_alter(env, s->options, &o));
    TRY(owned(env, s->name, &found));
    if (refresh) return refresh_version(env, found.oid);
    if (o.has_allows && !o.allows_connections && !strcmp(s->name, env->settings->database))
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "cannot disallow connections for current database");
    return define_update_row(env, OID_pg_database, found.oid, set_facts, &o);
}

static status set_name(struct sql_env *env, struct catalog_row *row, void *arg) {
    return row_set_name(env->eval.arena, row, COL_pg_database_datname, arg);
}

static status may_rename(struct sql_env *env) {
    const struct role *user;
    TRY(role_get(env, env->settings->user_oid, &user));
    if (user->super || user->create_db) return OK;
    return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                     "permission denied to rename database");
}

/* Sessions know their database by its name: none is to be in it. */
status define_rename_database(struct sql_env *env, const char *from, const char *to) {
    struct database_found found, there;
    TRY(owned(env, from, &found));
    TRY(may_rename(env));
    status st = catalog_database_find(env, to, &there);
    if (ok(st))
        return error_set(env->eval.error, ST_DUPLICATE_DATABASE, "database \"%s\" already exists",
                         to);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    if (strcmp(from, env->settings->database) == 0)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "current database cannot be renamed");
    unsigned others = others_in(env, from);
    if (others) return in_use(env, "", from, others);
    TRY(catalog_database_lock(env, found.oid, MODE_ACCESS_EXCLUSIVE, false));
    return define_update_row(env, OID_pg_database, found.oid, set_name, (void *)to);
}

status define_database(struct sql_env *env, struct ast_database *s) {
    switch (s->action) {
    case DATABASE_CREATE: return create_database(env, s);
    case DATABASE_DROP: return drop_database(env, s);
    case DATABASE_SET: return alter_setting(env, s);
    default: return alter_database(env, s);
    }
}
