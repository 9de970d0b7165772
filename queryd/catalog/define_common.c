/* define_common.c: catalog rows that several definitions write. */
#include <stdarg.h>

#include "base/spin.h"
#include "catalog/define_internal.h"
#include "catalog/define_types.h"
#include "catalog/temp.h"

/* ---- messages -------------------------------------------------------------------------------- */

status define_at(struct sql_env *env, const struct node *n, status st) {
    if (!ok(st) && n && !status_is(st, ST_INSUFFICIENT_PRIVILEGE))
        error_at(env->eval.error, parse_position(env->text, env->text_len, n->location));
    return st;
}

status define_conflicting(struct sql_env *env, const struct ast_def_elem *o) {
    status st = error_set(env->eval.error, ST_SYNTAX_ERROR, "conflicting or redundant options");
    return define_at(env, &o->node, st);
}

void define_notice(struct sql_env *env, const char *sqlstate, const char *format, ...) {
    if (!env->notice) return;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(env->eval.arena, format, args);
    va_end(args);
    if (text) env->notice(env, "NOTICE", sqlstate, text, NULL);
}

void define_warning(struct sql_env *env, const char *sqlstate, const char *format, ...) {
    if (!env->notice) return;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(env->eval.arena, format, args);
    va_end(args);
    if (text) env->notice(env, "WARNING", sqlstate, text, NULL);
}

void define_read_options(struct sql_env *env, const char *what, const struct option_name *names,
                         size_t n, const struct list *given, const struct ast_def_elem **options) {
    LIST_EACH(struct ast_def_elem *, o, given) {
        size_t i = 0;
        while (i < n && strcmp(names[i].name, o->name)) i++;
        if (i < n)
            options[names[i].option] = o;
        else
            define_warning(env, "42601", "%s attribute \"%s\" not recognized", what, o->name);
    }
}

status define_cascades_to(struct sql_env *env, const char *text) {
    return env->cascades ? list_append(env->eval.arena, env->cascades, (void *)text) : OK;
}

/* As many as PostgreSQL names to a client. */
#define CASCADES_TOLD 100

void define_tell_cascades(struct sql_env *env) {
    const struct list *texts = *env->cascades;
    if (list_n(texts) == 0 || !env->notice) return;
    if (list_n(texts) == 1) {
        define_notice(env, "00000", "drop cascades to %s", (char *)list_at(texts, 0));
        return;
    }
    struct buf detail = {0};
    status st = OK;
    for (int32_t i = 0; ok(st) && i < list_n(texts) && i < CASCADES_TOLD; i++)
        st = buf_printf(&detail, "%sdrop cascades to %s", i ? "\n" : "", (char *)list_at(texts, i));
    if (ok(st) && list_n(texts) > CASCADES_TOLD)
        st = buf_printf(&detail, "\nand %d other objects (see server log for list)",
                        list_n(texts) - CASCADES_TOLD);
    char *message =
        arena_printf(env->eval.arena, "drop cascades to %d other objects", list_n(texts));
    if (ok(st) && message) env->notice(env, "NOTICE", "00000", message, detail.data);
    buf_free(&detail);
}

status define_unsupported(struct sql_env *env, const char *what) {
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED, "%s is not supported yet", what);
}

/* ---- relations ------------------------------------------------------------------------------- */

status define_place(struct sql_env *env, const struct ast_range_var *name, struct relation *r) {
    bool temp_named = name->schema && !strcmp(name->schema, "pg_temp");
    if (temp_named || name->persistence == PERSIST_TEMP) {
        if (name->schema && !temp_named)
            return error_set(env->eval.error, ST_INVALID_TABLE_DEFINITION,
                             "cannot create temporary relation in non-temporary schema");
        r->persistence = 't';
        TRY(temp_schema_for_creation(env, &r->schema));
    } else {
        r->persistence = name->persistence == PERSIST_UNLOGGED ? 'u' : 'p';
        TRY(schema_for_creation(env, name->schema, &r->schema));
    }
    TRY(schema_name_of(env, r->schema, env->eval.arena, &r->schema_name));
    return define_refuse_catalog_schema(env, r->schema, r->schema_name, name->name);
}

static status wrong_kind(struct sql_env *env, const struct relation *r, const char *kinds) {
    const char *what = strchr(kinds, 'r')   ? (strchr(kinds, 'v') ? "table or view" : "table")
                       : strchr(kinds, 'v') ? "view"
                       : strchr(kinds, 'S') ? "sequence"
                       : strchr(kinds, 'm') ? "materialized view"
                       : strchr(kinds, 'f') ? "foreign table"
                       : strchr(kinds, 'c') ? "composite type"
                                            : "index";
    if (r->kind == 'c' && strchr(kinds, 'i') && strchr(kinds, 'r')) {
        status st =
            error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is a composite type", r->name);
        error_hint(env->eval.error, "Use ALTER TYPE instead.");
        return st;
    }
    return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not %s %s", r->name,
                     *what == 'i' ? "an" : "a", what);
}

static status lock(struct sql_env *env, const struct ast_range_var *name, enum relation_mode mode,
                   const char *kinds, bool missing_ok, bool of_owner,
                   const struct relation **ret_relation) {
    const struct relation *r;
    if (missing_ok) {
        oid found;
        TRY(relation_oid_named(env, name->schema, name->name, &found));
        if (!found) return STATUS(NOT_FOUND);
    }
    TRY(catalog_relation_lock(env, name->schema, name->name, mode, -1, &r));
    if (of_owner) TRY(privilege_check_owner(env, OID_pg_class, r->oid));
    if (!strchr(kinds, r->kind)) return wrong_kind(env, r, kinds);
    if (r->oid < FIRST_USER_OID)
        return error_set(env->eval.error, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied: \"%s\" is a system catalog", r->name);
    *ret_relation = r;
    return OK;
}

status define_lock(struct sql_env *env, const struct ast_range_var *name, enum relation_mode mode,
                   const char *kinds, bool missing_ok, const struct relation **ret_relation) {
    return lock(env, name, mode, kinds, missing_ok, true, ret_relation);
}

status define_lock_any(struct sql_env *env, const struct ast_range_var *name,
                       enum relation_mode mode, const char *kinds,
                       const struct relation **ret_relation) {
    return lock(env, name, mode, kinds, false, false, ret_relation);
}

status define_env_now(struct sql_env *env, struct sql_env *ret_env) {
    struct log_shared *log = env->proc->shm->log;
    uint64_t last = atomic_load_explicit(&log->last_commit, memory_order_acquire);
    TRY(log_wait_durable(env->proc, log_complete(log)));
    for (unsigned n = 0; atomic_load_explicit(&log->visible, memory_order_acquire) < last; n++)
        spin_wait(n);
    *ret_env = *env;
    ret_env->snapshot = catalog_snapshot(env);
    return OK;
}

struct attribute *define_attribute(const struct relation *r, const char *name) {
    for (unsigned i = 0; i < r->natts; i++)
        if (!r->atts[i].dropped && !strcmp(r->atts[i].name, name)) return &r->atts[i];
    return NULL;
}

bool define_is_system_column(const char *name) {
    static const char *const names[] = {"tableoid", "cmax", "xmax", "cmin", "xmin", "ctid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

status define_refuse_system_name(struct sql_env *env, const char *name) {
    if (!define_is_system_column(name)) return OK;
    return error_set(env->eval.error, ST_DUPLICATE_COLUMN,
                     "column name \"%s\" conflicts with a system column name", name);
}

status define_refuse_system_column(struct sql_env *env, const char *name, const char *verb) {
    if (!name || !define_is_system_column(name)) return OK;
    return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED, "cannot %s system column \"%s\"",
                     verb, name);
}

status define_need_attribute(struct sql_env *env, const struct relation *r, const char *name,
                             struct attribute **ret_attribute) {
    struct attribute *att = define_attribute(r, name);
    if (!att)
        return error_set(env->eval.error, ST_UNDEFINED_COLUMN,
                         "column \"%s\" of relation \"%s\" does not exist", name, r->name);
    *ret_attribute = att;
    return OK;
}

static status update_one(struct sql_env *env, enum catalog_number n, const datum *keys,
                         unsigned nkeys,
                         status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                         void *arg) {
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, n, 0, keys, nkeys, &s));
    st = catalog_scan_next(&s);
    if (status_is(st, ST_END))
        st = error_set(env->eval.error, ST_INTERNAL_ERROR, "cache lookup failed for relation %u",
                       keys[0].u32);
    if (!ok(st)) goto out;
    struct catalog_row row = s.row;
    TRY_OUT(st, fn(env, &row, arg));
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    return st;
}

status define_update_row(struct sql_env *env, oid class_oid, oid object,
                         status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                         void *arg) {
    datum key = datum_oid(object);
    enum catalog_number n = 0;
    while (catalog_infos[n].oid != class_oid) n++;
    return update_one(env, n, &key, 1, fn, arg);
}

status define_update_class(struct sql_env *env, oid relation,
                           status (*fn)(struct sql_env *env, struct catalog_row *row, void *arg),
                           void *arg) {
    datum key = datum_oid(relation);
    return update_one(env, CAT_pg_class, &key, 1, fn, arg);
}

status define_set_root(struct sql_env *, struct catalog_row *row, void *root) {
    row_set_int(row, COL_pg_class_axl_root, *(const int64_t *)root);
    return OK;
}

status define_add_natts(struct sql_env *, struct catalog_row *row, void *) {
    row_set_int(row, COL_pg_class_relnatts, row_int2(row, COL_pg_class_relnatts) + 1);
    return OK;
}

status define_update_attribute(struct sql_env *env, oid relation, int16_t number,
                               status (*fn)(struct sql_env *env, struct catalog_row *row,
                                            void *arg),
                               void *arg) {
    datum keys[] = {datum_oid(relation), datum_int2(number)};
    return update_one(env, CAT_pg_attribute, keys, 2, fn, arg);
}

status define_insert_class(struct sql_env *env, const struct relation *r, char kind, oid am,
                           bool has_index, page_id root) {
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_class);
    row_set_oid(&row, COL_pg_class_oid, r->oid);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_class_relname, r->name));
    row_set_oid(&row, COL_pg_class_relnamespace, r->schema);
    row_set_oid(&row, COL_pg_class_reltype, r->row_type);
    row_set_oid(&row, COL_pg_class_relowner, r->owner);
    row_set_oid(&row, COL_pg_class_relam, am);
    row_set_oid(&row, COL_pg_class_relfilenode, root.no ? r->oid : 0);
    row_set_float4(&row, COL_pg_class_reltuples, kind == 'v' ? 0 : -1);
    row_set_bool(&row, COL_pg_class_relhasindex, has_index);
    row_set_char(&row, COL_pg_class_relpersistence, r->persistence ? r->persistence : 'p');
    row_set_char(&row, COL_pg_class_relkind, kind);
    row_set_int(&row, COL_pg_class_relnatts, r->natts);
    row_set_bool(&row, COL_pg_class_relhasrules, kind == 'v');
    row_set_bool(&row, COL_pg_class_relispopulated, true);
    row_set_char(&row, COL_pg_class_relreplident, kind == 'r' ? 'd' : 'n');
    if (root.no) row_set_int(&row, COL_pg_class_axl_root, (int64_t)root.no);
    return catalog_row_insert(env, CAT_pg_class, &row);
}

status define_insert_attribute(struct sql_env *env, oid relation, const struct attribute *att,
                               const char *missing_text) {
    const struct type *t = type_find(att->type);
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_attribute);
    row_set_oid(&row, COL_pg_attribute_attrelid, relation);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_attribute_attname, att->name));
    row_set_oid(&row, COL_pg_attribute_atttypid, att->type);
    row_set_int(&row, COL_pg_attribute_attstattarget, -1);
    row_set_int(&row, COL_pg_attribute_attlen, t ? t->len : -1);
    row_set_int(&row, COL_pg_attribute_attnum, att->number);
    row_set_int(&row, COL_pg_attribute_attcacheoff, -1);
    row_set_int(&row, COL_pg_attribute_atttypmod, att->typmod);
    row_set_bool(&row, COL_pg_attribute_attbyval, t && t->byval);
    row_set_char(&row, COL_pg_attribute_attalign, t ? t->align : 'i');
    row_set_char(&row, COL_pg_attribute_attstorage, t ? t->storage : 'x');
    row_set_bool(&row, COL_pg_attribute_attnotnull, att->not_null);
    row_set_bool(&row, COL_pg_attribute_atthasdef, att->default_text != NULL);
    row_set_char(&row, COL_pg_attribute_attidentity, att->identity);
    row_set_char(&row, COL_pg_attribute_attgenerated, att->generated);
    row_set_bool(&row, COL_pg_attribute_attislocal, true);
    row_set_oid(&row, COL_pg_attribute_attcollation, att->collation);
    if (missing_text) {
        row_set_bool(&row, COL_pg_attribute_atthasmissing, true);
        TRY(row_set_text(env->eval.arena, &row, COL_pg_attribute_attmissingval, missing_text));
    }
    TRY(catalog_row_insert(env, CAT_pg_attribute, &row));
    TRY(define_depend(env, (struct object_address){OID_pg_class, relation, att->number},
                      (struct object_address){OID_pg_type, att->type, 0}, 'n'));
    if (!att->default_text) return OK;
    return define_insert_default(env, relation, att, att->default_text);
}

/* What a generated column's value names is define_depend_generated's affair: other columns may not
 * be there yet. */
status define_insert_default(struct sql_env *env, oid relation, const struct attribute *att,
                             const char *text) {
    struct catalog_row row;
    oid id;
    TRY(new_oid(env, &id));
    catalog_row_init(&row, CAT_pg_attrdef);
    row_set_oid(&row, COL_pg_attrdef_oid, id);
    row_set_oid(&row, COL_pg_attrdef_adrelid, relation);
    row_set_int(&row, COL_pg_attrdef_adnum, att->number);
    TRY(row_set_text(env->eval.arena, &row, COL_pg_attrdef_adbin, text));
    TRY(catalog_row_insert(env, CAT_pg_attrdef, &row));
    if (!att->generated)
        TRY(define_depend_text(env, (struct object_address){OID_pg_attrdef, id, 0}, NULL, text));
    return define_depend(env, (struct object_address){OID_pg_attrdef, id, 0},
                         (struct object_address){OID_pg_class, relation, att->number}, 'a');
}

static status row_type_is_free(struct sql_env *env, const struct relation *r) {
    const char *key = catalog_name(env->eval.arena, r->name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(r->schema)};
    struct catalog_row row;
    TRY(define_move_array_type(env, r->schema, r->name));
    status st = catalog_row_get(env, CAT_pg_type, OID_pg_type_typname_nsp_index, keys, 2,
                                env->eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    st = error_set(env->eval.error, ST_DUPLICATE_OBJECT, "type \"%s\" already exists", r->name);
    error_hint(env->eval.error, "A relation has an associated type of the same name, so you must "
                                "use a name that doesn't conflict with any existing type.");
    return st;
}

status define_insert_row_type(struct sql_env *env, const struct relation *r, oid *ret_type) {
    struct arena *a = env->eval.arena;
    struct catalog_row row;
    oid type, array;
    char array_name[NAME_BYTES];
    TRY(row_type_is_free(env, r));
    TRY(new_oid(env, &type));
    TRY(new_oid(env, &array));
    TRY(define_array_name(env, r->schema, r->name, 0, array_name));
    TRY(row_type_row(a, &row, type, r->schema, r->name, 0, array, r->oid, r->owner));
    TRY(catalog_row_insert(env, CAT_pg_type, &row));
    TRY(row_type_row(a, &row, array, r->schema, array_name, type, 0, 0, r->owner));
    TRY(catalog_row_insert(env, CAT_pg_type, &row));
    TRY(define_depend(env, (struct object_address){OID_pg_type, array, 0},
                      (struct object_address){OID_pg_type, type, 0}, 'i'));
    *ret_type = type;
    return OK;
}

status define_new_tree(struct sql_env *env, oid relation, struct tree *ret_tree) {
    TRY(txn_need_id(env->proc, env->txn));
    return tree_create(env->proc, &env->txn->writer, relation, ret_tree);
}

/* ---- dependencies ---------------------------------------------------------------------------- */

status define_depend(struct sql_env *env, struct object_address from, struct object_address on,
                     char deptype) {
    struct catalog_row row;
    if (on.object < FIRST_USER_OID) return OK; /* what is built in is never dropped */
    catalog_row_init(&row, CAT_pg_depend);
    row_set_oid(&row, COL_pg_depend_classid, from.class_oid);
    row_set_oid(&row, COL_pg_depend_objid, from.object);
    row_set_int(&row, COL_pg_depend_objsubid, from.part);
    row_set_oid(&row, COL_pg_depend_refclassid, on.class_oid);
    row_set_oid(&row, COL_pg_depend_refobjid, on.object);
    row_set_int(&row, COL_pg_depend_refobjsubid, on.part);
    row_set_char(&row, COL_pg_depend_deptype, deptype);
    return catalog_row_insert(env, CAT_pg_depend, &row);
}

status define_forget(struct sql_env *env, oid class_oid, oid object) {
    datum depend[] = {datum_oid(class_oid), datum_oid(object)};
    datum description[] = {datum_oid(object), datum_oid(class_oid)};
    TRY(catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_depender_index, depend, 2, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_reference_index, depend, 2, NULL));
    return catalog_rows_delete(env, CAT_pg_description, 0, description, 2, NULL);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The longer of the two names is shortened first (makeObjectName's rule), never in the middle of a
 * character. */
static void join_names(const char *name1, const char *name2, const char *label, char out[256]) {
    size_t n1 = strlen(name1), n2 = name2 ? strlen(name2) : 0;
    size_t overhead = strlen(label) + 1 + (name2 ? 1 : 0);
    while (n1 + n2 + overhead >= NAME_BYTES) {
        if (n1 > n2)
            n1--;
        else
            n2--;
    }
    while (n1 && ((unsigned char)name1[n1] & 0xC0) == 0x80) n1--;
    while (n2 && ((unsigned char)name2[n2] & 0xC0) == 0x80) n2--;
    snprintf(out, 256, "%.*s%s%.*s_%s", (int)n1, name1, name2 ? "_" : "", (int)n2,
             name2 ? name2 : "", label);
}

static status constraint_exists(struct sql_env *env, oid schema, oid table, const char *name,
                                bool *ret_exists) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(schema)};
    struct catalog_scan s;
    status st;
    *ret_exists = false;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_constraint, OID_pg_constraint_conname_nsp_index,
                                   keys, 2, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (!table || row_oid(&s.row, COL_pg_constraint_conrelid) == table) *ret_exists = true;
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

status define_choose_name(struct sql_env *env, const char *name1, const char *name2,
                          const char *label, oid schema, bool of_relation, oid table,
                          const char **ret_name) {
    char name[256], numbered[32];
    for (unsigned pass = 0;; pass++) {
        if (pass)
            snprintf(numbered, sizeof numbered, "%.20s%u", label, pass);
        else
            snprintf(numbered, sizeof numbered, "%.20s", label);
        join_names(name1, name2, numbered, name);
        bool taken = false;
        oid relation = 0;
        TRY(constraint_exists(env, schema, table, name, &taken));
        if (of_relation) {
            catalog_changed(env);
            TRY(relation_oid(env, schema, name, &relation));
        }
        if (taken || relation) continue;
        *ret_name = arena_strdup(env->eval.arena, name);
        return *ret_name ? OK : no_memory(env);
    }
}

const char *define_numbers(struct arena *a, const int16_t *numbers, size_t n, bool vector) {
    char *text = arena_alloc(a, n * 7 + 3);
    if (!text) return NULL;
    size_t len = 0;
    text[0] = 0;
    if (!vector) text[len++] = '{';
    for (size_t i = 0; i < n; i++)
        len += (size_t)sprintf(text + len, "%s%d", !i ? "" : vector ? " " : ",", numbers[i]);
    if (!vector) strcpy(text + len, "}");
    return text;
}

status define_constraint_row(struct sql_env *env, const struct relation *r, const char *name,
                             struct catalog_row *ret) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_oid(r->oid), datum_oid(0), datum_ptr(key)};
    return catalog_row_get(env, CAT_pg_constraint,
                           OID_pg_constraint_conrelid_contypid_conname_index, keys, 3,
                           env->eval.arena, ret);
}
