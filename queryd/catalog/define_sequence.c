/* define_sequence.c: CREATE, ALTER SEQUENCE; the sequences of serial and identity columns. */
#include "catalog/sequence.h"

#include <inttypes.h>

#include "catalog/define_internal.h"

/* ---- options --------------------------------------------------------------------------------- */

/* What was written, by name; NULL: not. */
struct sequence_options {
    const struct ast_def_elem *as, *cache, *cycle, *increment, *maxvalue, *minvalue, *owned_by,
        *start, *restart;
};

static status collect(struct sql_env *env, const struct list *options, bool identity,
                      struct sequence_options *ret) {
    const struct {
        const char *name;
        const struct ast_def_elem **place;
    } known[] = {{"as", &ret->as},
                 {"cache", &ret->cache},
                 {"cycle", &ret->cycle},
                 {"increment", &ret->increment},
                 {"maxvalue", &ret->maxvalue},
                 {"minvalue", &ret->minvalue},
                 {"owned_by", &ret->owned_by},
                 {"start", &ret->start},
                 {"restart", &ret->restart}};
    *ret = (struct sequence_options){0};
    LIST_EACH(const struct ast_def_elem *, o, options) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (strcmp(o->name, known[i].name)) continue;
            if (*known[i].place) return define_conflicting(env, o);
            *known[i].place = o;
        }
        bool foreign = !strcmp(o->name, "sequence_name") || !strcmp(o->name, "logged");
        if (foreign && !identity)
            return define_at(env, &o->node,
                             error_set(env->eval.error, ST_SYNTAX_ERROR,
                                       "invalid sequence option SEQUENCE NAME"));
    }
    return OK;
}

static status option_int8(struct sql_env *env, const struct ast_def_elem *o, int64_t *ret) {
    const struct ast_literal *l = (const struct ast_literal *)o->value;
    if (l->kind == LITERAL_INTEGER) {
        *ret = l->integer;
        return OK;
    }
    datum value;
    TRY(type_input(&env->eval, type_find(INT8OID), -1, l->text, strlen(l->text), &value));
    *ret = value.i64;
    return OK;
}

static status invalid(struct sql_env *env, const char *format, int64_t a, int64_t b) {
    return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE, format, a, b);
}

static void type_range(oid type, int64_t *ret_min, int64_t *ret_max) {
    *ret_min = type == INT2OID ? INT16_MIN : type == INT4OID ? INT32_MIN : INT64_MIN;
    *ret_max = type == INT2OID ? INT16_MAX : type == INT4OID ? INT32_MAX : INT64_MAX;
}

static status check_type(struct sql_env *env, oid type, bool identity) {
    if (type == INT2OID || type == INT4OID || type == INT8OID) return OK;
    return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                     identity ? "identity column type must be smallint, integer, or bigint"
                              : "sequence type must be smallint, integer, or bigint");
}

/* AS: bounds that were the old type's own follow it. */
static status apply_type(struct sql_env *env, const struct sequence_options *o, bool identity,
                         struct sequence_desc *d, bool *ret_reset_max, bool *ret_reset_min) {
    int64_t low, high;
    int32_t typmod;
    oid type;
    if (!o->as) return OK;
    TRY(type_from_ast(env, (const struct ast_type_name *)o->as->value, &type, &typmod));
    TRY(check_type(env, type, identity));
    if (d->type) {
        type_range(d->type, &low, &high);
        if (d->max == high) *ret_reset_max = true;
        if (d->min == low) *ret_reset_min = true;
    }
    d->type = type;
    return OK;
}

static status apply_bounds(struct sql_env *env, const struct sequence_options *o, bool is_new,
                           bool reset_max, bool reset_min, struct sequence_desc *d) {
    int64_t low, high;
    type_range(d->type, &low, &high);
    const char *name = type_format_name(env->eval.arena, d->type);
    if (o->maxvalue && o->maxvalue->value)
        TRY(option_int8(env, o->maxvalue, &d->max));
    else if (o->maxvalue || is_new || reset_max)
        d->max = d->increment > 0 || reset_max ? high : -1;
    if (d->max < low || d->max > high)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "MAXVALUE (%" PRId64 ") is out of range for sequence data type %s", d->max,
                         name);
    if (o->minvalue && o->minvalue->value)
        TRY(option_int8(env, o->minvalue, &d->min));
    else if (o->minvalue || is_new || reset_min)
        d->min = d->increment < 0 || reset_min ? low : 1;
    if (d->min < low || d->min > high)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                         "MINVALUE (%" PRId64 ") is out of range for sequence data type %s", d->min,
                         name);
    if (d->min >= d->max)
        return invalid(env, "MINVALUE (%" PRId64 ") must be less than MAXVALUE (%" PRId64 ")",
                       d->min, d->max);
    return OK;
}

static status apply_start(struct sql_env *env, const struct sequence_options *o, bool is_new,
                          struct sequence_desc *d, struct sequence_state *state) {
    if (o->start)
        TRY(option_int8(env, o->start, &d->start));
    else if (is_new)
        d->start = d->increment > 0 ? d->min : d->max;
    if (d->start < d->min)
        return invalid(env, "START value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")",
                       d->start, d->min);
    if (d->start > d->max)
        return invalid(env,
                       "START value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")",
                       d->start, d->max);
    if (o->restart || is_new) {
        state->last = d->start;
        state->called = false;
        if (o->restart && o->restart->value) TRY(option_int8(env, o->restart, &state->last));
    }
    if (state->last < d->min)
        return invalid(env,
                       "RESTART value (%" PRId64 ") cannot be less than MINVALUE (%" PRId64 ")",
                       state->last, d->min);
    if (state->last > d->max)
        return invalid(env,
                       "RESTART value (%" PRId64 ") cannot be greater than MAXVALUE (%" PRId64 ")",
                       state->last, d->max);
    return OK;
}

/* The description after the options. is_new: from PostgreSQL's defaults; type 0 in *d: bigint. */
static status apply_options(struct sql_env *env, const struct sequence_options *o, bool is_new,
                            bool identity, struct sequence_desc *d, struct sequence_state *state) {
    bool reset_max = false, reset_min = false;
    TRY(apply_type(env, o, identity, d, &reset_max, &reset_min));
    if (is_new && !d->type) d->type = INT8OID;
    if (is_new) d->increment = d->cache = 1;
    if (o->increment) TRY(option_int8(env, o->increment, &d->increment));
    if (!d->increment)
        return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE, "INCREMENT must not be zero");
    if (o->cycle) d->cycle = ((const struct ast_literal *)o->cycle->value)->integer != 0;
    TRY(apply_bounds(env, o, is_new, reset_max, reset_min, d));
    TRY(apply_start(env, o, is_new, d, state));
    if (!o->cache) return OK;
    TRY(option_int8(env, o->cache, &d->cache));
    return d->cache > 0
               ? OK
               : invalid(env, "CACHE (%" PRId64 ") must be greater than zero", d->cache, 0);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void fill_row(struct catalog_row *row, oid sequence, const struct sequence_desc *d) {
    row_set_oid(row, COL_pg_sequence_seqrelid, sequence);
    row_set_oid(row, COL_pg_sequence_seqtypid, d->type);
    row_set_int(row, COL_pg_sequence_seqstart, d->start);
    row_set_int(row, COL_pg_sequence_seqincrement, d->increment);
    row_set_int(row, COL_pg_sequence_seqmax, d->max);
    row_set_int(row, COL_pg_sequence_seqmin, d->min);
    row_set_int(row, COL_pg_sequence_seqcache, d->cache);
    row_set_bool(row, COL_pg_sequence_seqcycle, d->cycle);
}

static status insert_sequence(struct sql_env *env, struct relation *r,
                              const struct sequence_desc *d, const struct sequence_state *state) {
    static const struct attribute columns[] = {
        {.name = "last_value", .number = 1, .type = INT8OID, .typmod = -1, .not_null = true},
        {.name = "log_cnt", .number = 2, .type = INT8OID, .typmod = -1, .not_null = true},
        {.name = "is_called", .number = 3, .type = BOOLOID, .typmod = -1, .not_null = true}};
    struct catalog_row row;
    r->natts = 3;
    TRY(new_oid(env, &r->oid));
    TRY(define_new_tree(env, r->oid, &r->tree));
    TRY(sequence_begin(env, r->tree, state));
    TRY(define_insert_class(env, r, 'S', 0, false, r->tree.root));
    for (unsigned i = 0; i < 3; i++) TRY(define_insert_attribute(env, r->oid, &columns[i], NULL));
    catalog_row_init(&row, CAT_pg_sequence);
    fill_row(&row, r->oid, d);
    TRY(catalog_row_insert(env, CAT_pg_sequence, &row));
    TRY(define_depend(env, (struct object_address){OID_pg_class, r->oid, 0},
                      (struct object_address){OID_pg_namespace, r->schema, 0}, 'n'));
    catalog_changed(env);
    return OK;
}

status define_sequence_for(struct sql_env *env, const struct relation *table, const char *name,
                           oid type, const struct list *options, bool identity, oid *ret_sequence) {
    struct sequence_options o;
    struct sequence_desc d = {.type = type};
    struct sequence_state state = {0};
    struct relation r = {.name = name,
                         .schema = table->schema,
                         .schema_name = table->schema_name,
                         .persistence = table->persistence,
                         .kind = 'S',
                         .owner = table->owner};
    TRY(check_type(env, type, identity));
    TRY(collect(env, options, identity, &o));
    TRY(apply_options(env, &o, true, identity, &d, &state));
    TRY(insert_sequence(env, &r, &d, &state));
    *ret_sequence = r.oid;
    return OK;
}

status define_sequence_like(struct sql_env *env, const struct relation *table, const char *name,
                            oid model, oid *ret_sequence) {
    const struct relation *from;
    TRY(catalog_relation(env, model, &from));
    struct sequence_desc d = *from->sequence;
    struct sequence_state state = {.last = d.start};
    struct relation r = {.name = name,
                         .schema = table->schema,
                         .schema_name = table->schema_name,
                         .persistence = table->persistence,
                         .kind = 'S',
                         .owner = table->owner};
    TRY(insert_sequence(env, &r, &d, &state));
    *ret_sequence = r.oid;
    return OK;
}

status define_sequence_own(struct sql_env *env, oid sequence, oid table, int16_t column,
                           bool identity) {
    return define_depend(env, (struct object_address){OID_pg_class, sequence, 0},
                         (struct object_address){OID_pg_class, table, column},
                         identity ? 'i' : 'a');
}

/* ---- OWNED BY -------------------------------------------------------------------------------- */

/* Whose the sequence is: forgets a serial column's claim, refuses to take one from an identity. */
static status disown(struct sql_env *env, const struct relation *sequence) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(sequence->oid)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        char type = row_char(&s.row, COL_pg_depend_deptype);
        if (row_oid(&s.row, COL_pg_depend_refclassid) != OID_pg_class) continue;
        if (type == 'i') {
            const struct relation *table;
            TRY_OUT(st, catalog_relation(env, row_oid(&s.row, COL_pg_depend_refobjid), &table));
            st = error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                           "cannot change ownership of identity sequence");
            error_detail(env->eval.error, "Sequence \"%s\" is linked to table \"%s\".",
                         sequence->name, table->name);
            goto out;
        }
        if (type == 'a') TRY_OUT(st, catalog_row_delete(&s));
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

static status owner_refused(struct sql_env *env, const struct relation *sequence,
                            const struct relation *table) {
    if (table->kind != 'r' && table->kind != 'v') {
        status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                              "sequence cannot be owned by relation \"%s\"", table->name);
        error_detail(env->eval.error, "This operation is not supported for %s.",
                     table->kind == 'i' ? "indexes" : "sequences");
        return st;
    }
    if (table->owner != sequence->owner)
        return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "sequence must have same owner as table it is linked to");
    if (table->schema != sequence->schema)
        return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "sequence must be in same schema as table it is linked to");
    return OK;
}

static status apply_owner(struct sql_env *env, const struct relation *sequence,
                          const struct ast_def_elem *o) {
    const struct list *names = ast_as_name_list(o->value)->names;
    int32_t n = list_n(names);
    if (n == 1) {
        if (!strcmp(list_at(names, 0), "none")) return disown(env, sequence);
        status st = error_set(env->eval.error, ST_SYNTAX_ERROR, "invalid OWNED BY option");
        error_hint(env->eval.error, "Specify OWNED BY table.column or OWNED BY NONE.");
        return st;
    }
    const struct relation *table;
    struct attribute *att;
    TRY(catalog_relation_lock(env, n > 2 ? list_at(names, n - 3) : NULL, list_at(names, n - 2),
                              MODE_ACCESS_SHARE, -1, &table));
    TRY(owner_refused(env, sequence, table));
    TRY(define_need_attribute(env, table, list_at(names, n - 1), &att));
    TRY(disown(env, sequence));
    return define_sequence_own(env, sequence->oid, table->oid, att->number, false);
}

/* ---- statements ------------------------------------------------------------------------------ */

static status create(struct sql_env *env, struct ast_sequence *s) {
    struct sequence_options o;
    struct sequence_desc d = {0};
    struct sequence_state state = {0};
    struct relation r = {.name = s->relation->name, .kind = 'S', .owner = env->settings->user_oid};
    oid existing;
    TRY(define_at(env, &s->relation->node, define_place(env, s->relation, &r)));
    TRY(relation_oid(env, r.schema, r.name, &existing));
    if (existing && s->if_exists) {
        define_notice(env, "42P07", "relation \"%s\" already exists, skipping", r.name);
        return OK;
    }
    if (existing)
        return error_set(env->eval.error, ST_DUPLICATE_TABLE, "relation \"%s\" already exists",
                         r.name);
    TRY(collect(env, s->options, false, &o));
    TRY(apply_options(env, &o, true, false, &d, &state));
    TRY(insert_sequence(env, &r, &d, &state));
    return o.owned_by ? apply_owner(env, &r, o.owned_by) : OK;
}

/* The state goes to a new tree, so that it comes back when the transaction is rolled back. */
static status replace_state(struct sql_env *env, const struct relation *r,
                            const struct sequence_state *state) {
    struct tree fresh;
    TRY(define_new_tree(env, r->oid, &fresh));
    TRY(sequence_begin(env, fresh, state));
    TRY(table_drop_tree(env, r->tree));
    int64_t root = (int64_t)fresh.root.no;
    TRY(define_update_class(env, r->oid, define_set_root, &root));
    catalog_changed(env);
    return OK;
}

status define_sequence_alter(struct sql_env *env, const struct relation *r,
                             const struct list *options, bool identity) {
    struct sequence_options o;
    struct sequence_state state;
    struct sequence_desc d = *r->sequence;
    TRY(collect(env, options, identity, &o));
    TRY(sequence_read(env, r, &state));
    state.log_count = 0;
    TRY(apply_options(env, &o, false, identity, &d, &state));
    datum key = datum_oid(r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_sequence, 0, &key, 1, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    struct catalog_row row = s.row;
    fill_row(&row, r->oid, &d);
    st = catalog_row_update(&s, &row);
out:
    catalog_scan_end(&s);
    TRY(st);
    TRY(replace_state(env, r, &state));
    return o.owned_by ? apply_owner(env, r, o.owned_by) : OK;
}

status define_sequence_restart(struct sql_env *env, oid sequence) {
    const struct relation *r;
    TRY(txn_lock_relation(env->proc, env->txn, sequence, MODE_ACCESS_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    TRY(catalog_relation(env, sequence, &r));
    return replace_state(env, r, &(struct sequence_state){r->sequence->start, 0, false});
}

status define_sequence(struct sql_env *env, struct ast_sequence *s) {
    if (!s->alter) return create(env, s);
    const struct relation *r;
    status st = define_lock(env, s->relation, MODE_SHARE_ROW_EXCLUSIVE, "S", s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "relation \"%s\" does not exist, skipping", s->relation->name);
        return OK;
    }
    TRY(st);
    return define_sequence_alter(env, r, s->options, false);
}
