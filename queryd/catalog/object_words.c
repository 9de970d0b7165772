/* object_words.c: what objects are called: one function a catalog. */
#include "catalog/object_words.h"

/* ---- names ----------------------------------------------------------------------------------- */

/* Into the arena; frees the buffer. */
static status take_text(struct sql_env *env, status st, struct buf *b, const char **ret) {
    if (ok(st)) {
        *ret = arena_strndup(env->eval.arena, b->data ? b->data : "", b->len);
        if (!*ret) st = no_memory(env);
    }
    buf_free(b);
    return st;
}

static status print_qualified(struct buf *out, const char *schema, const char *name) {
    TRY(print_identifier(out, schema));
    TRY(buf_add_str(out, "."));
    return print_identifier(out, name);
}

static status quoted(struct sql_env *env, const char *name, const char **ret) {
    struct buf b = {0};
    return take_text(env, print_identifier(&b, name), &b, ret);
}

static status qualified(struct sql_env *env, const char *schema, const char *name,
                        const char **ret) {
    struct buf b = {0};
    return take_text(env, print_qualified(&b, schema, name), &b, ret);
}

#define SET_TEXT(env, target, ...)                                                                 \
    do {                                                                                           \
        (target) = arena_printf((env)->eval.arena, __VA_ARGS__);                                   \
        if (!(target)) return no_memory(env);                                                      \
    } while (0)

/* What may be left out of its schema when the search path finds it. */
static status as_found(struct sql_env *env, oid schema, const char *name, const char **ret) {
    bool in_path;
    const char *schema_name;
    TRY(schema_is_in_path(env, schema, &in_path));
    if (in_path) return quoted(env, name, ret);
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    return qualified(env, schema_name, name, ret);
}

static void add_name(struct object_words *w, const char *name) {
    CHECK(w->nnames < OBJECT_NAMES_MAX);
    w->names[w->nnames++] = name;
}

/* The schema as a word and as the first of the names. */
static status set_schema(struct sql_env *env, oid schema, struct object_words *w) {
    const char *name;
    TRY(schema_name_of(env, schema, env->eval.arena, &name));
    add_name(w, name);
    return quoted(env, name, &w->schema);
}

static status copy_name(struct sql_env *env, const struct catalog_row *row, int column,
                        const char **ret) {
    *ret = arena_strdup(env->eval.arena, row_name(row, column));
    return *ret ? OK : no_memory(env);
}

static status add_copy(struct sql_env *env, const struct catalog_row *row, int column,
                       struct object_words *w) {
    const char *name;
    TRY(copy_name(env, row, column, &name));
    add_name(w, name);
    return OK;
}

/* ---- types ----------------------------------------------------------------------------------- */

/* Whether the standard has a name for it, which stands without a schema. */
static bool is_standard(oid type) {
    switch (type) {
    case BITOID:
    case BOOLOID:
    case BPCHAROID:
    case FLOAT4OID:
    case FLOAT8OID:
    case INT2OID:
    case INT4OID:
    case INT8OID:
    case INTERVALOID:
    case NUMERICOID:
    case TIMEOID:
    case TIMETZOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case VARBITOID:
    case VARCHAROID: return true;
    default: return false;
    }
}

static status print_type(struct sql_env *env, oid type, struct buf *out) {
    struct catalog_row row;
    const char *schema;
    TRY(catalog_row_get_oid(env, CAT_pg_type, type, env->eval.arena, &row));
    oid element = row_oid(&row, COL_pg_type_typelem);
    bool is_array = element && row_int2(&row, COL_pg_type_typlen) == -1;
    if (is_array) {
        TRY(print_type(env, element, out));
        return buf_add_str(out, "[]");
    }
    if (is_standard(type)) return type_name_print(env, type, -1, out);
    TRY(schema_name_of(env, row_oid(&row, COL_pg_type_typnamespace), env->eval.arena, &schema));
    return print_qualified(out, schema, row_name(&row, COL_pg_type_typname));
}

/* "integer", "pg_catalog.text", "public.mood[]" */
static status type_identity(struct sql_env *env, oid type, const char **ret) {
    struct buf b = {0};
    return take_text(env, print_type(env, type, &b), &b, ret);
}

static status add_type_arg(struct sql_env *env, oid type, struct object_words *w) {
    return type_identity(env, type, &w->args[w->nargs++]);
}

static status type_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    const char *schema;
    w->type = "type";
    TRY(catalog_row_get_oid(env, CAT_pg_type, o.object, env->eval.arena, &row));
    TRY(schema_name_of(env, row_oid(&row, COL_pg_type_typnamespace), env->eval.arena, &schema));
    TRY(quoted(env, schema, &w->schema));
    TRY(quoted(env, row_name(&row, COL_pg_type_typname), &w->name));
    TRY(type_identity(env, o.object, &w->identity));
    add_name(w, w->identity);
    return define_object_text(env, o.class_oid, o.object, 0, &w->description);
}

/* ---- relations and what hangs on them -------------------------------------------------------- */

static const char *relation_type(char kind) {
    switch (kind) {
    case 'i': return "index";
    case 'S': return "sequence";
    case 'v': return "view";
    case 'c': return "composite type";
    default: return "table";
    }
}

/* A relation's identity, or that of one of its columns, and their names. */
static status relation_path(struct sql_env *env, oid relation, int32_t part, struct object_words *w,
                            const char **ret_identity, char *ret_kind) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_class, relation, env->eval.arena, &row));
    const char *schema, *name;
    TRY(copy_name(env, &row, COL_pg_class_relname, &name));
    *ret_kind = row_char(&row, COL_pg_class_relkind);
    TRY(schema_name_of(env, row_oid(&row, COL_pg_class_relnamespace), env->eval.arena, &schema));
    add_name(w, schema);
    add_name(w, name);
    TRY(qualified(env, schema, name, ret_identity));
    if (!part) return OK;
    const struct relation *r;
    TRY(catalog_relation(env, relation, &r));
    *ret_identity = NULL;
    if (part < 0 || part > r->natts || r->atts[part - 1].dropped) return STATUS(NOT_FOUND);
    add_name(w, r->atts[part - 1].name);
    struct buf b = {0};
    status st = print_qualified(&b, schema, name);
    if (ok(st)) st = buf_add_str(&b, ".");
    if (ok(st)) st = print_identifier(&b, r->atts[part - 1].name);
    return take_text(env, st, &b, ret_identity);
}

static status relation_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    char kind = 0;
    status st = relation_path(env, o.object, o.part, w, &w->identity, &kind);
    SET_TEXT(env, w->type, "%s%s", kind ? relation_type(kind) : "relation",
             o.part ? " column" : "");
    TRY(st);
    TRY(quoted(env, w->names[0], &w->schema));
    TRY(quoted(env, w->names[1], &w->name));
    return define_object_text(env, o.class_oid, o.object, o.part, &w->description);
}

static status default_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    const char *column, *text;
    char kind;
    w->type = "default value";
    TRY(catalog_row_get_oid(env, CAT_pg_attrdef, o.object, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_attrdef_adrelid);
    int32_t number = row_int2(&row, COL_pg_attrdef_adnum);
    TRY(relation_path(env, relation, number, w, &column, &kind));
    TRY(define_object_text(env, OID_pg_class, relation, number, &text));
    SET_TEXT(env, w->identity, "for %s", column);
    SET_TEXT(env, w->description, "default value for %s", text);
    return OK;
}

static status rule_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    const char *view, *text, *name;
    char kind;
    w->type = "rule";
    TRY(catalog_row_get_oid(env, CAT_pg_rewrite, o.object, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_rewrite_ev_class);
    TRY(relation_path(env, relation, 0, w, &view, &kind));
    TRY(add_copy(env, &row, COL_pg_rewrite_rulename, w));
    TRY(define_object_text(env, OID_pg_class, relation, 0, &text));
    TRY(quoted(env, w->names[2], &name));
    SET_TEXT(env, w->identity, "%s on %s", name, view);
    SET_TEXT(env, w->description, "rule %s on %s", w->names[2], text);
    return OK;
}

static status domain_constraint(struct sql_env *env, const struct catalog_row *row,
                                struct object_words *w, const char **ret_of) {
    w->type = "domain constraint";
    TRY(type_identity(env, row_oid(row, COL_pg_constraint_contypid), ret_of));
    add_name(w, *ret_of);
    TRY(copy_name(env, row, COL_pg_constraint_conname, &w->args[w->nargs++]));
    SET_TEXT(env, w->description, "constraint %s", row_name(row, COL_pg_constraint_conname));
    return OK;
}

static status table_constraint(struct sql_env *env, const struct catalog_row *row,
                               struct object_words *w, const char **ret_of) {
    const char *text;
    char kind;
    oid table = row_oid(row, COL_pg_constraint_conrelid);
    w->type = "table constraint";
    TRY(relation_path(env, table, 0, w, ret_of, &kind));
    TRY(add_copy(env, row, COL_pg_constraint_conname, w));
    TRY(define_object_text(env, OID_pg_class, table, 0, &text));
    SET_TEXT(env, w->description, "constraint %s on %s", w->names[2], text);
    return OK;
}

static status constraint_words(struct sql_env *env, struct object_address o,
                               struct object_words *w) {
    struct catalog_row row;
    const char *of, *name, *schema;
    w->type = "constraint";
    TRY(catalog_row_get_oid(env, CAT_pg_constraint, o.object, env->eval.arena, &row));
    TRY(row_oid(&row, COL_pg_constraint_conrelid) ? table_constraint(env, &row, w, &of)
                                                  : domain_constraint(env, &row, w, &of));
    TRY(quoted(env, row_name(&row, COL_pg_constraint_conname), &name));
    TRY(schema_name_of(env, row_oid(&row, COL_pg_constraint_connamespace), env->eval.arena,
                       &schema));
    TRY(quoted(env, schema, &w->schema));
    SET_TEXT(env, w->identity, "%s on %s", name, of);
    return OK;
}

/* ---- functions, operators, casts ------------------------------------------------------------- */

static status print_args(const struct object_words *w, struct buf *out) {
    TRY(buf_add_str(out, "("));
    for (uint16_t i = 0; i < w->nargs; i++) {
        if (i) TRY(buf_add_str(out, ","));
        TRY(buf_add_str(out, w->args[i]));
    }
    return buf_add_str(out, ")");
}

static status print_function(const struct object_words *w, struct buf *out) {
    TRY(print_qualified(out, w->names[0], w->names[1]));
    return print_args(w, out);
}

static status function_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    struct buf b = {0};
    int64_t types[FUNCTION_ARGS_MAX];
    size_t n;
    w->type = "routine";
    TRY(catalog_row_get_oid(env, CAT_pg_proc, o.object, env->eval.arena, &row));
    char kind = row_char(&row, COL_pg_proc_prokind);
    w->type = kind == 'p' ? "procedure" : kind == 'a' ? "aggregate" : "function";
    TRY(set_schema(env, row_oid(&row, COL_pg_proc_pronamespace), w));
    TRY(add_copy(env, &row, COL_pg_proc_proname, w));
    TRY(row_numbers(&env->eval, &row, COL_pg_proc_proargtypes, OIDVECTOROID, types,
                    FUNCTION_ARGS_MAX, &n));
    for (size_t i = 0; i < n; i++) TRY(add_type_arg(env, (oid)types[i], w));
    TRY(take_text(env, print_function(w, &b), &b, &w->identity));
    return define_object_text(env, o.class_oid, o.object, 0, &w->description);
}

/* "(integer,integer)", "(NONE,integer)"; identity: as type_identity has them. */
static status operands(struct sql_env *env, const struct catalog_row *row, bool identity,
                       const char **ret) {
    const char *text[2] = {"NONE", "NONE"};
    oid types[] = {row_oid(row, COL_pg_operator_oprleft), row_oid(row, COL_pg_operator_oprright)};
    for (int i = 0; i < 2; i++) {
        struct buf b = {0};
        if (!types[i]) continue;
        status st =
            identity ? print_type(env, types[i], &b) : type_name_print(env, types[i], -1, &b);
        TRY(take_text(env, st, &b, &text[i]));
    }
    SET_TEXT(env, *ret, "(%s,%s)", text[0], text[1]);
    return OK;
}

/* As regoperator shows it. */
static status operator_shown(struct sql_env *env, oid op, const char **ret) {
    struct catalog_row row;
    const char *types, *schema_name;
    bool in_path;
    TRY(catalog_row_get_oid(env, CAT_pg_operator, op, env->eval.arena, &row));
    TRY(operands(env, &row, false, &types));
    oid schema = row_oid(&row, COL_pg_operator_oprnamespace);
    TRY(schema_is_in_path(env, schema, &in_path));
    TRY(schema_name_of(env, schema, env->eval.arena, &schema_name));
    TRY(quoted(env, schema_name, &schema_name));
    SET_TEXT(env, *ret, "%s%s%s%s", in_path ? "" : schema_name, in_path ? "" : ".",
             row_name(&row, COL_pg_operator_oprname), types);
    return OK;
}

static status operator_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    const char *types, *shown;
    w->type = "operator";
    TRY(catalog_row_get_oid(env, CAT_pg_operator, o.object, env->eval.arena, &row));
    TRY(set_schema(env, row_oid(&row, COL_pg_operator_oprnamespace), w));
    TRY(add_copy(env, &row, COL_pg_operator_oprname, w));
    oid left = row_oid(&row, COL_pg_operator_oprleft);
    if (left) TRY(add_type_arg(env, left, w));
    TRY(add_type_arg(env, row_oid(&row, COL_pg_operator_oprright), w));
    TRY(operands(env, &row, true, &types));
    TRY(operator_shown(env, o.object, &shown));
    SET_TEXT(env, w->identity, "%s.%s%s", w->schema, w->names[1], types);
    SET_TEXT(env, w->description, "operator %s", shown);
    return OK;
}

static status cast_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    struct catalog_row row;
    struct buf from = {0}, to = {0};
    const char *source, *target;
    w->type = "cast";
    TRY(catalog_row_get_oid(env, CAT_pg_cast, o.object, env->eval.arena, &row));
    oid types[] = {row_oid(&row, COL_pg_cast_castsource), row_oid(&row, COL_pg_cast_casttarget)};
    TRY(type_identity(env, types[0], &source));
    add_name(w, source);
    TRY(add_type_arg(env, types[1], w));
    SET_TEXT(env, w->identity, "(%s AS %s)", source, w->args[0]);
    TRY(take_text(env, type_name_print(env, types[0], -1, &from), &from, &source));
    TRY(take_text(env, type_name_print(env, types[1], -1, &to), &to, &target));
    SET_TEXT(env, w->description, "cast from %s to %s", source, target);
    return OK;
}

/* ---- what has but a name, in a schema or not, by an access method or not -----------------------
 */

static const struct named_class {
    oid class_oid;
    enum catalog_number catalog;
    int name, schema, method; /* columns; 0: it has none */
    const char *type;
} named_classes[] = {
    {OID_pg_collation, CAT_pg_collation, COL_pg_collation_collname, COL_pg_collation_collnamespace,
     0, "collation"},
    {OID_pg_conversion, CAT_pg_conversion, COL_pg_conversion_conname,
     COL_pg_conversion_connamespace, 0, "conversion"},
    {OID_pg_language, CAT_pg_language, COL_pg_language_lanname, 0, 0, "language"},
    {OID_pg_opclass, CAT_pg_opclass, COL_pg_opclass_opcname, COL_pg_opclass_opcnamespace,
     COL_pg_opclass_opcmethod, "operator class"},
    {OID_pg_opfamily, CAT_pg_opfamily, COL_pg_opfamily_opfname, COL_pg_opfamily_opfnamespace,
     COL_pg_opfamily_opfmethod, "operator family"},
    {OID_pg_am, CAT_pg_am, COL_pg_am_amname, 0, 0, "access method"},
    {OID_pg_namespace, CAT_pg_namespace, COL_pg_namespace_nspname, 0, 0, "schema"},
    {OID_pg_authid, CAT_pg_authid, COL_pg_authid_rolname, 0, 0, "role"},
    {OID_pg_database, CAT_pg_database, COL_pg_database_datname, 0, 0, "database"},
    {OID_pg_tablespace, CAT_pg_tablespace, COL_pg_tablespace_spcname, 0, 0, "tablespace"},
};

static status method_name(struct sql_env *env, oid method, const char **ret) {
    struct catalog_row row;
    TRY(catalog_row_get_oid(env, CAT_pg_am, method, env->eval.arena, &row));
    return copy_name(env, &row, COL_pg_am_amname, ret);
}

static status named_words(struct sql_env *env, const struct named_class *k, oid object,
                          struct object_words *w) {
    struct catalog_row row;
    const char *method = NULL, *name, *shown;
    w->type = k->type;
    TRY(catalog_row_get_oid(env, k->catalog, object, env->eval.arena, &row));
    TRY(copy_name(env, &row, k->name, &name));
    if (k->method) {
        TRY(method_name(env, row_oid(&row, k->method), &method));
        add_name(w, method);
    }
    TRY(quoted(env, name, &w->name));
    if (k->schema) TRY(set_schema(env, row_oid(&row, k->schema), w));
    add_name(w, name);
    if (!k->schema) {
        w->identity = w->name;
        SET_TEXT(env, w->description, "%s %s", k->type, name);
        return OK;
    }
    TRY(as_found(env, row_oid(&row, k->schema), name, &shown));
    SET_TEXT(env, w->identity, "%s.%s%s%s", w->schema, w->name, method ? " USING " : "",
             method ? method : "");
    SET_TEXT(env, w->description, "%s %s%s%s", k->type, shown, method ? " for access method " : "",
             method ? method : "");
    return OK;
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* One operator of an operator family. */
static status family_operator_words(struct sql_env *env, struct object_address o,
                                    struct object_words *w) {
    struct catalog_row row;
    struct object_address family = {.class_oid = OID_pg_opfamily};
    struct object_words f = {0};
    const char *types[2], *shown;
    w->type = "operator of access method";
    TRY(catalog_row_get_oid(env, CAT_pg_amop, o.object, env->eval.arena, &row));
    family.object = row_oid(&row, COL_pg_amop_amopfamily);
    TRY(object_words(env, family, &f));
    for (uint16_t i = 0; i < f.nnames; i++) add_name(w, f.names[i]);
    int strategy = row_int2(&row, COL_pg_amop_amopstrategy);
    SET_TEXT(env, w->names[w->nnames], "%d", strategy);
    w->nnames++;
    oid operand[] = {row_oid(&row, COL_pg_amop_amoplefttype),
                     row_oid(&row, COL_pg_amop_amoprighttype)};
    for (int i = 0; i < 2; i++) {
        struct buf b = {0};
        TRY(add_type_arg(env, operand[i], w));
        TRY(take_text(env, type_name_print(env, operand[i], -1, &b), &b, &types[i]));
    }
    TRY(operator_shown(env, row_oid(&row, COL_pg_amop_amopopr), &shown));
    SET_TEXT(env, w->identity, "operator %d (%s, %s) of %s", strategy, w->args[0], w->args[1],
             f.identity);
    SET_TEXT(env, w->description, "operator %d (%s, %s) of %s: %s", strategy, types[0], types[1],
             f.description, shown);
    return OK;
}

static const char *default_acl_objects(char objects) {
    switch (objects) {
    case 'r': return "tables";
    case 'S': return "sequences";
    case 'f': return "functions";
    case 'T': return "types";
    default: return "schemas";
    }
}

static status default_acl_words(struct sql_env *env, struct object_address o,
                                struct object_words *w) {
    struct catalog_row row;
    const char *role, *schema = NULL, *role_quoted;
    w->type = "default acl";
    TRY(catalog_row_get_oid(env, CAT_pg_default_acl, o.object, env->eval.arena, &row));
    TRY(role_name(env, row_oid(&row, COL_pg_default_acl_defaclrole), env->eval.arena, &role));
    TRY(quoted(env, role, &role_quoted));
    add_name(w, role);
    oid in = row_oid(&row, COL_pg_default_acl_defaclnamespace);
    if (in) TRY(set_schema(env, in, w));
    char objects = row_char(&row, COL_pg_default_acl_defaclobjtype);
    SET_TEXT(env, w->args[0], "%c", objects);
    w->nargs = 1;
    schema = w->schema;
    w->schema = NULL;
    SET_TEXT(env, w->identity, "for role %s%s%s on %s", role_quoted, schema ? " in schema " : "",
             schema ? schema : "", default_acl_objects(objects));
    return define_object_text(env, o.class_oid, o.object, 0, &w->description);
}

typedef status words_fn(struct sql_env *env, struct object_address o, struct object_words *w);

static status find_words(struct sql_env *env, struct object_address o, struct object_words *w) {
    static const struct {
        oid class_oid;
        words_fn *words;
    } list[] = {{OID_pg_class, relation_words},
                {OID_pg_type, type_words},
                {OID_pg_proc, function_words},
                {OID_pg_operator, operator_words},
                {OID_pg_cast, cast_words},
                {OID_pg_constraint, constraint_words},
                {OID_pg_attrdef, default_words},
                {OID_pg_rewrite, rule_words},
                {OID_pg_amop, family_operator_words},
                {OID_pg_default_acl, default_acl_words}};
    if (o.part && o.class_oid != OID_pg_class)
        return error_set(env->eval.error, ST_INTERNAL_ERROR,
                         "invalid non-zero objectSubId for object class %u", o.class_oid);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (list[i].class_oid == o.class_oid) return list[i].words(env, o, w);
    for (size_t i = 0; i < sizeof named_classes / sizeof *named_classes; i++)
        if (named_classes[i].class_oid == o.class_oid)
            return named_words(env, &named_classes[i], o.object, w);
    return error_set(env->eval.error, ST_INTERNAL_ERROR, "unrecognized object class: %u",
                     o.class_oid);
}

status object_words(struct sql_env *env, struct object_address o, struct object_words *ret) {
    *ret = (struct object_words){0};
    status st = find_words(env, o, ret);
    if (!status_is(st, ST_NOT_FOUND)) return st;
    *ret = (struct object_words){.type = ret->type};
    return OK;
}
