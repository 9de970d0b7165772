/* function_sequence.c: nextval and its kin. */
#include "catalog/function_bodies.h"
#include "catalog/privilege.h"
#include "catalog/sequence.h"

static status may_use(struct sql_env *env, oid sequence, uint32_t rights) {
    return privilege_check(env, OID_pg_class, sequence, rights);
}

/* The table of an identity column, 0: the sequence is of none. */
static status identity_table(struct sql_env *env, oid sequence, oid *ret_table) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(sequence)};
    struct catalog_scan s;
    status st;
    *ret_table = 0;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_char(&s.row, COL_pg_depend_deptype) == 'i')
            *ret_table = row_oid(&s.row, COL_pg_depend_refobjid);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* Who may insert into a table may take the values of its identity column. */
static status may_take(struct sql_env *env, oid sequence) {
    const struct object_acl *o;
    oid table, user = env->settings->user_oid;
    uint32_t has;
    status st = privilege_object(env, OID_pg_class, sequence, &o);
    if (status_is(st, ST_NOT_FOUND)) return OK; /* sequence_next finds out */
    TRY(st);
    TRY(privilege_mask(env, o, user, ACL_USAGE | ACL_UPDATE, &has));
    if (has) return OK;
    TRY(identity_table(env, sequence, &table));
    if (!table) return privilege_denied(env, o);
    TRY(privilege_object(env, OID_pg_class, table, &o));
    TRY(privilege_mask(env, o, user, ACL_INSERT, &has));
    for (int i = 1; !has && i <= o->ncolumns; i++)
        TRY(privilege_column_mask(env, o, (int16_t)i, user, ACL_INSERT, &has));
    return has ? OK : may_use(env, sequence, ACL_USAGE | ACL_UPDATE);
}

status fn_nextval(struct fn_call *c) {
    struct sql_env env;
    int64_t value;
    TRY(function_env(c, &env));
    TRY(may_take(&env, c->args[0].u32));
    TRY(sequence_next(&env, c->args[0].u32, &value));
    c->result = datum_int8(value);
    return OK;
}

status fn_currval(struct fn_call *c) {
    struct sql_env env;
    int64_t value;
    TRY(function_env(c, &env));
    TRY(may_use(&env, c->args[0].u32, ACL_USAGE | ACL_SELECT));
    TRY(sequence_current(&env, c->args[0].u32, &value));
    c->result = datum_int8(value);
    return OK;
}

status fn_lastval(struct fn_call *c) {
    struct sql_env env;
    int64_t value;
    TRY(function_env(c, &env));
    TRY(sequence_last(&env, &value));
    TRY(may_use(&env, sequence_last_oid(&env), ACL_USAGE | ACL_SELECT));
    c->result = datum_int8(value);
    return OK;
}

status fn_setval(struct fn_call *c) {
    struct sql_env env;
    TRY(function_env(c, &env));
    TRY(may_use(&env, c->args[0].u32, ACL_UPDATE));
    TRY(sequence_set(&env, c->args[0].u32, c->args[1].i64, c->nargs == 2 || c->args[2].b));
    c->result = c->args[1];
    return OK;
}

/* pg_sequences asks: null while nothing has been taken. */
status fn_sequence_last_value(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    struct sequence_state s;
    TRY(function_env(c, &env));
    status st = catalog_relation(&env, c->args[0].u32, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    if (r->kind != 'S')
        return error_set(c->env->error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence", r->name);
    TRY(sequence_read(&env, r, &s));
    if (!s.called) return return_null(c);
    c->result = datum_int8(s.last);
    return OK;
}

status fn_sequence_parameters(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    static const uint8_t nulls[7] = {0};
    TRY(function_env(c, &env));
    TRY(may_use(&env, c->args[0].u32, ACL_SELECT | ACL_UPDATE | ACL_USAGE));
    datum key = datum_oid(c->args[0].u32);
    status st = catalog_row_get(&env, CAT_pg_sequence, OID_pg_sequence_seqrelid_index, &key, 1,
                                env.eval.arena, &row);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(c->env->error, ST_INTERNAL_ERROR, "cache lookup failed for sequence %u",
                         c->args[0].u32);
    TRY(st);
    datum values[7] = {datum_int8(row_int8(&row, COL_pg_sequence_seqstart)),
                       datum_int8(row_int8(&row, COL_pg_sequence_seqmin)),
                       datum_int8(row_int8(&row, COL_pg_sequence_seqmax)),
                       datum_int8(row_int8(&row, COL_pg_sequence_seqincrement)),
                       datum_bool(row_bool(&row, COL_pg_sequence_seqcycle)),
                       datum_int8(row_int8(&row, COL_pg_sequence_seqcache)),
                       datum_oid(row_oid(&row, COL_pg_sequence_seqtypid))};
    return give_row(c, values, nulls);
}

/* The sequence that a column owns, as serial and identity columns do. */
static status owned_sequence(struct sql_env *env, oid table, int16_t column, oid *ret) {
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(table), datum_int4(column)};
    struct catalog_scan s;
    status st;
    *ret = 0;
    TRY_OUT(st, catalog_scan_begin(env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 3, &s));
    while (!*ret && ok(st = catalog_scan_next(&s))) {
        char type = row_char(&s.row, COL_pg_depend_deptype);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_class || (type != 'a' && type != 'i'))
            continue;
        const struct relation *r;
        oid found = row_oid(&s.row, COL_pg_depend_objid);
        TRY_OUT(st, catalog_relation(env, found, &r));
        if (r->kind == 'S') *ret = found;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* Always with its schema. */
static status print_sequence(struct sql_env *env, oid sequence, struct buf *out) {
    const struct relation *r;
    TRY(catalog_relation(env, sequence, &r));
    TRY(print_identifier(out, r->schema_name));
    TRY(buf_add_str(out, "."));
    return print_identifier(out, r->name);
}

status fn_get_serial_sequence(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    datum table;
    TRY(function_env(c, &env));
    const struct varlena *name = c->args[0].v;
    TRY(type_input(c->env, type_find(REGCLASSOID), -1, name->data, name->len, &table));
    status st = catalog_relation(&env, table.u32, &r);
    if (status_is(st, ST_NOT_FOUND)) return return_null(c);
    TRY(st);
    const struct attribute *att = NULL;
    for (unsigned i = 0; i < r->natts; i++)
        if (!r->atts[i].dropped && strlen(r->atts[i].name) == c->args[1].v->len &&
            !memcmp(r->atts[i].name, c->args[1].v->data, c->args[1].v->len))
            att = &r->atts[i];
    if (!att)
        return error_set(c->env->error, ST_UNDEFINED_COLUMN,
                         "column \"%.*s\" of relation \"%s\" does not exist",
                         (int)c->args[1].v->len, c->args[1].v->data, r->name);
    oid sequence;
    TRY(owned_sequence(&env, r->oid, att->number, &sequence));
    if (!sequence) return return_null(c);
    struct buf out = {0};
    return return_buf(c, print_sequence(&env, sequence, &out), &out);
}
