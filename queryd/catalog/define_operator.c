/* define_operator.c: CREATE OPERATOR. */
#include "catalog/define_operator.h"
#include "catalog/define_function.h"
#include "types/resolution.h"

enum option { FUNCTION, LEFT, RIGHT, COMMUTATOR, NEGATOR, RESTRICT, JOIN, HASHES, MERGES, OPTIONS };

static const struct option_name option_names[] = {
    {"function", FUNCTION}, {"procedure", FUNCTION},    {"leftarg", LEFT},      {"rightarg", RIGHT},
    {"negator", NEGATOR},   {"commutator", COMMUTATOR}, {"restrict", RESTRICT}, {"join", JOIN},
    {"hashes", HASHES},     {"merges", MERGES},         {"sort1", MERGES},      {"sort2", MERGES},
    {"ltcmp", MERGES},      {"gtcmp", MERGES}};

struct operator_draft {
    struct sql_env *env;
    const struct ast_def_elem *options[OPTIONS]; /* NULL: not given */
    const char *name;
    oid schema, operands[2], result; /* operands: 0 for none */
    oid functions[OPTIONS];          /* of the options that name one */
    oid oid;                         /* of one that was only promised so far; 0: a new one */
    oid partners[OPTIONS];           /* COMMUTATOR, NEGATOR */
};

#define INVALID(env, ...) error_set((env)->eval.error, ST_INVALID_FUNCTION_DEFINITION, __VA_ARGS__)

static const char *words(struct sql_env *env, oid type) {
    return type_format_name(env->eval.arena, type);
}

/* ---- options --------------------------------------------------------------------------------- */

static status read_options(struct operator_draft *d, const struct list *options) {
    define_read_options(d->env, "operator", option_names,
                        sizeof option_names / sizeof *option_names, options, d->options);
    return d->options[FUNCTION] ? OK : INVALID(d->env, "operator function must be specified");
}

static const struct list *names_of(const struct ast_def_elem *o) {
    if (o->value && o->value->kind == NODE_TYPE_NAME)
        return ((const struct ast_type_name *)o->value)->names;
    if (o->value && o->value->kind == NODE_NAME_LIST)
        return ((const struct ast_name_list *)o->value)->names;
    return NULL;
}

static bool is_set(const struct ast_def_elem *o) {
    if (!o) return false;
    const struct list *names = names_of(o);
    const char *text = names ? list_at(names, 0)
                       : o->value && o->value->kind == NODE_LITERAL
                           ? ((const struct ast_literal *)o->value)->text
                           : NULL;
    return !text || strcasecmp(text, "false") != 0;
}

static status read_type(struct operator_draft *d, enum option option, oid *ret) {
    const struct ast_def_elem *o = d->options[option];
    int32_t typmod;
    if (!o) return OK;
    if (!o->value || o->value->kind != NODE_TYPE_NAME)
        return error_set(d->env->eval.error, ST_SYNTAX_ERROR, "argument of %s must be a type name",
                         o->name);
    const struct ast_type_name *t = (const struct ast_type_name *)o->value;
    if (t->setof) return INVALID(d->env, "SETOF type not allowed for operator argument");
    TRY(type_from_ast(d->env, t, ret, &typmod));
    return OK;
}

static status read_operands(struct operator_draft *d) {
    TRY(read_type(d, LEFT, &d->operands[0]));
    TRY(read_type(d, RIGHT, &d->operands[1]));
    if (!d->operands[0] && !d->operands[1])
        return INVALID(d->env, "operator argument types must be specified");
    if (!d->operands[1]) {
        status st = INVALID(d->env, "operator right argument type must be specified");
        error_detail(d->env->eval.error, "Postfix operators are not supported.");
        return st;
    }
    for (int i = 0; i < 2; i++)
        if (d->operands[i]) TRY(privilege_check(d->env, OID_pg_type, d->operands[i], ACL_USAGE));
    return OK;
}

/* ---- functions ------------------------------------------------------------------------------- */

static status no_function(struct sql_env *env, const char *name, const oid *types, uint16_t n) {
    char *text = arena_printf(env->eval.arena, "%s(", name);
    for (uint16_t i = 0; text && i < n; i++)
        text = arena_printf(env->eval.arena, "%s%s%s", text, i ? ", " : "", words(env, types[i]));
    if (!text) return no_memory(env);
    return error_set(env->eval.error, ST_UNDEFINED_FUNCTION, "function %s) does not exist", text);
}

static bool takes(const struct function *f, const oid *types, uint16_t n) {
    return f->nargs == n && !memcmp(f->args, types, n * sizeof *types);
}

/* With exactly these arguments. */
static status find_function(struct operator_draft *d, const struct ast_def_elem *o,
                            const oid *types, uint16_t nargs, const struct function **ret) {
    struct sql_env *env = d->env;
    struct function_scope scope;
    const struct list *names = names_of(o);
    int32_t n = list_n(names);
    if (!n)
        return error_set(env->eval.error, ST_SYNTAX_ERROR, "argument of %s must be a name",
                         o->name);
    const char *schema = n > 1 ? list_at(names, n - 2) : NULL, *name = list_at(names, n - 1);
    status st = catalog_routine_scope(env, schema, name, &scope);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INVALID_SCHEMA_NAME, "schema \"%s\" does not exist",
                         schema);
    TRY(st);
    size_t first, builtin = scope.no_builtins ? 0 : function_find_by_name(name, &first);
    uint16_t place = UINT16_MAX;
    *ret = NULL;
    for (size_t i = 0; i < scope.n; i++)
        if (takes(scope.functions[i], types, nargs) && scope.places[i] < place) {
            *ret = scope.functions[i];
            place = scope.places[i];
        }
    for (size_t i = 0; i < builtin; i++)
        if (scope.builtin_place < place && takes(function_by_name_at(first + i), types, nargs))
            *ret = function_by_name_at(first + i);
    if (!*ret)
        return no_function(env,
                           schema ? arena_printf(env->eval.arena, "%s.%s", schema, name) : name,
                           types, nargs);
    return privilege_check(env, OID_pg_proc, (*ret)->oid, ACL_EXECUTE);
}

static status take_function(struct operator_draft *d) {
    const struct function *f;
    uint16_t n = d->operands[0] ? 2 : 1;
    TRY(find_function(d, d->options[FUNCTION], d->operands + (2 - n), n, &f));
    d->functions[FUNCTION] = f->oid;
    d->result = f->result;
    return privilege_check(d->env, OID_pg_type, d->result, ACL_USAGE);
}

/* RESTRICT and JOIN: selectivity, which the planner here judges by itself. */
static status take_estimator(struct operator_draft *d, enum option option) {
    static const oid restrict_args[] = {INTERNALOID, OIDOID, INTERNALOID, INT4OID};
    static const oid join_args[] = {INTERNALOID, OIDOID, INTERNALOID, INT2OID, INTERNALOID};
    const struct ast_def_elem *o = d->options[option];
    const struct function *f;
    if (!o) return OK;
    const struct list *names = names_of(o);
    if (!names && o->value && o->value->kind == NODE_LITERAL) return OK; /* NONE */
    bool restricts = option == RESTRICT;
    TRY(find_function(d, o, restricts ? restrict_args : join_args, restricts ? 4 : 5, &f));
    d->functions[option] = f->oid;
    if (f->result == FLOAT8OID) return OK;
    return error_set(d->env->eval.error, ST_INVALID_OBJECT_DEFINITION,
                     "%s estimator function %s must return type double precision",
                     restricts ? "restriction" : "join",
                     (const char *)list_at(names, list_n(names) - 1));
}

/* ---- what does not go together --------------------------------------------------------------- */

static bool given(const struct operator_draft *d, enum option option) {
    if (option == RESTRICT || option == JOIN) return d->functions[option] != 0; /* NONE is none */
    return is_set(d->options[option]);
}

static status check_kind(struct operator_draft *d) {
    static const struct {
        enum option option;
        const char *words;
    } binary[] = {{COMMUTATOR, "have commutators"},
                  {JOIN, "have join selectivity"},
                  {MERGES, "merge join"},
                  {HASHES, "hash"}},
      boolean[] = {{NEGATOR, "have negators"},
                   {RESTRICT, "have restriction selectivity"},
                   {JOIN, "have join selectivity"},
                   {MERGES, "merge join"},
                   {HASHES, "hash"}};
    for (size_t i = 0; !d->operands[0] && i < sizeof binary / sizeof *binary; i++)
        if (given(d, binary[i].option))
            return INVALID(d->env, "only binary operators can %s", binary[i].words);
    for (size_t i = 0; d->result != BOOLOID && i < sizeof boolean / sizeof *boolean; i++)
        if (given(d, boolean[i].option))
            return INVALID(d->env, "only boolean operators can %s", boolean[i].words);
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status row_named(struct sql_env *env, const char *name, oid schema, const oid operands[2],
                        struct catalog_row *ret) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_ptr(key), datum_oid(operands[0]), datum_oid(operands[1]),
                    datum_oid(schema)};
    return catalog_row_get(env, CAT_pg_operator, OID_pg_operator_oprname_l_r_n_index, keys, 4,
                           env->eval.arena, ret);
}

static status init_row(struct operator_draft *d, struct catalog_row *row, oid id, const char *name,
                       oid schema, const oid operands[2]) {
    catalog_row_init(row, CAT_pg_operator);
    row_set_oid(row, COL_pg_operator_oid, id);
    TRY(row_set_name(d->env->eval.arena, row, COL_pg_operator_oprname, name));
    row_set_oid(row, COL_pg_operator_oprnamespace, schema);
    row_set_oid(row, COL_pg_operator_oprowner, d->env->settings->user_oid);
    row_set_char(row, COL_pg_operator_oprkind, operands[0] ? 'b' : 'l');
    row_set_oid(row, COL_pg_operator_oprleft, operands[0]);
    row_set_oid(row, COL_pg_operator_oprright, operands[1]);
    return OK;
}

static status depend_on(struct sql_env *env, oid op, oid class_oid, oid object) {
    if (!object) return OK;
    return define_depend(env, (struct object_address){OID_pg_operator, op, 0},
                         (struct object_address){class_oid, object, 0}, 'n');
}

static status depend(struct sql_env *env, oid op, const struct catalog_row *row) {
    TRY(depend_on(env, op, OID_pg_namespace, row_oid(row, COL_pg_operator_oprnamespace)));
    TRY(depend_on(env, op, OID_pg_type, row_oid(row, COL_pg_operator_oprleft)));
    TRY(depend_on(env, op, OID_pg_type, row_oid(row, COL_pg_operator_oprright)));
    TRY(depend_on(env, op, OID_pg_type, row_oid(row, COL_pg_operator_oprresult)));
    TRY(depend_on(env, op, OID_pg_proc, row_oid(row, COL_pg_operator_oprcode)));
    TRY(depend_on(env, op, OID_pg_proc, row_oid(row, COL_pg_operator_oprrest)));
    return depend_on(env, op, OID_pg_proc, row_oid(row, COL_pg_operator_oprjoin));
}

/* ---- commutator, negator --------------------------------------------------------------------- */

/* One that is named before it is there is promised: a row without a function. */
static status promise(struct operator_draft *d, const char *name, oid schema, const oid operands[2],
                      oid *ret) {
    struct catalog_row row;
    TRY(privilege_check(d->env, OID_pg_namespace, schema, ACL_CREATE));
    TRY(new_oid(d->env, ret));
    TRY(init_row(d, &row, *ret, name, schema, operands));
    TRY(catalog_row_insert(d->env, CAT_pg_operator, &row));
    return depend(d->env, *ret, &row);
}

static status take_partner(struct operator_draft *d, enum option option) {
    const struct ast_def_elem *o = d->options[option];
    if (!o) return OK;
    bool commutes = option == COMMUTATOR;
    oid operands[2] = {d->operands[commutes ? 1 : 0], d->operands[commutes ? 0 : 1]};
    const struct list *names = names_of(o);
    int32_t n = list_n(names);
    if (!n)
        return error_set(d->env->eval.error, ST_SYNTAX_ERROR, "argument of %s must be a name",
                         o->name);
    const char *name = list_at(names, n - 1);
    struct operator_choice c;
    oid schema, *ret = &d->partners[option];
    TRY(schema_for_creation(d->env, n > 1 ? list_at(names, n - 2) : NULL, &schema));
    bool itself = !strcmp(name, d->name) && schema == d->schema && operands[0] == d->operands[0] &&
                  operands[1] == d->operands[1];
    if (itself && !commutes)
        return INVALID(d->env, "operator cannot be its own negator or sort operator");
    if (itself) return OK;
    TRY(define_operator_find(d->env, names, operands, ret));
    struct catalog_row row;
    if (!*ret && ok(row_named(d->env, name, schema, operands, &row)))
        *ret = row_oid(&row, COL_pg_operator_oid);
    if (!*ret && ok(resolve_operator(&d->env->eval, name, operands[0], operands[1], &c)) &&
        c.op->left == operands[0] && c.op->right == operands[1])
        *ret = c.op->oid;
    error_clear(d->env->eval.error);
    return *ret ? OK : promise(d, name, schema, operands, ret);
}

/* The other one says so too, unless it has another. */
struct link {
    int column;
    oid op;
};

static status set_link(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct link *l = arg;
    if (!row_oid(row, l->column)) row_set_oid(row, l->column, l->op);
    return OK;
}

static status link_partner(struct operator_draft *d, enum option option, int column, oid op) {
    struct link l = {column, op};
    if (d->partners[option] < FIRST_USER_OID || d->partners[option] == op) return OK;
    return define_update_row(d->env, OID_pg_operator, d->partners[option], set_link, &l);
}

/* ---- the statement --------------------------------------------------------------------------- */

static status find_promised(struct operator_draft *d) {
    struct catalog_row row;
    status st = row_named(d->env, d->name, d->schema, d->operands, &row);
    if (status_is(st, ST_NOT_FOUND)) return OK;
    TRY(st);
    if (row_oid(&row, COL_pg_operator_oprcode))
        return error_set(d->env->eval.error, ST_DUPLICATE_FUNCTION, "operator %s already exists",
                         d->name);
    d->oid = row_oid(&row, COL_pg_operator_oid);
    return privilege_check_owner(d->env, OID_pg_operator, d->oid);
}

static status insert(struct operator_draft *d) {
    struct sql_env *env = d->env;
    struct catalog_row row;
    oid id = d->oid;
    datum key = datum_oid(id);
    if (!id) TRY(new_oid(env, &id));
    if (d->oid) TRY(define_forget(env, OID_pg_operator, id));
    if (d->oid) TRY(catalog_rows_delete(env, CAT_pg_operator, 0, &key, 1, NULL));
    bool commutes_itself = d->options[COMMUTATOR] && !d->partners[COMMUTATOR];
    if (commutes_itself) d->partners[COMMUTATOR] = id;
    TRY(init_row(d, &row, id, d->name, d->schema, d->operands));
    row_set_bool(&row, COL_pg_operator_oprcanmerge, is_set(d->options[MERGES]));
    row_set_bool(&row, COL_pg_operator_oprcanhash, is_set(d->options[HASHES]));
    row_set_oid(&row, COL_pg_operator_oprresult, d->result);
    row_set_oid(&row, COL_pg_operator_oprcom, d->partners[COMMUTATOR]);
    row_set_oid(&row, COL_pg_operator_oprnegate, d->partners[NEGATOR]);
    row_set_oid(&row, COL_pg_operator_oprcode, d->functions[FUNCTION]);
    row_set_oid(&row, COL_pg_operator_oprrest, d->functions[RESTRICT]);
    row_set_oid(&row, COL_pg_operator_oprjoin, d->functions[JOIN]);
    TRY(catalog_row_insert(env, CAT_pg_operator, &row));
    TRY(depend(env, id, &row));
    TRY(link_partner(d, COMMUTATOR, COL_pg_operator_oprcom, id));
    return link_partner(d, NEGATOR, COL_pg_operator_oprnegate, id);
}

status define_create_operator(struct sql_env *env, const struct ast_create_operator *s) {
    struct operator_draft d = {.env = env};
    int32_t n = list_n(s->names);
    d.name = list_at(s->names, n - 1);
    TRY(schema_for_creation(env, n > 1 ? list_at(s->names, n - 2) : NULL, &d.schema));
    TRY(read_options(&d, s->options));
    TRY(read_operands(&d));
    TRY(take_function(&d));
    TRY(take_estimator(&d, RESTRICT));
    TRY(take_estimator(&d, JOIN));
    TRY(check_kind(&d));
    TRY(find_promised(&d));
    TRY(take_partner(&d, COMMUTATOR));
    TRY(take_partner(&d, NEGATOR));
    return insert(&d);
}

status define_alter_operator(struct sql_env *env, const struct ast_alter_operator *s) {
    struct operator_draft d = {.env = env};
    struct catalog_row row;
    oid op;
    TRY(define_operator_named(env, s->op, &op));
    LIST_EACH(struct ast_def_elem *, o, s->options) {
        enum option option = !strcmp(o->name, "restrict") ? RESTRICT
                             : !strcmp(o->name, "join")   ? JOIN
                                                          : OPTIONS;
        if (option != OPTIONS)
            d.options[option] = o;
        else
            for (size_t i = 0; i < sizeof option_names / sizeof *option_names; i++)
                if (!strcmp(option_names[i].name, o->name))
                    return error_set(env->eval.error, ST_SYNTAX_ERROR,
                                     "operator attribute \"%s\" cannot be changed", o->name);
        if (option == OPTIONS)
            return error_set(env->eval.error, ST_SYNTAX_ERROR,
                             "operator attribute \"%s\" not recognized", o->name);
    }
    TRY(privilege_check_owner(env, OID_pg_operator, op));
    if (op < FIRST_USER_OID) return define_unsupported(env, "ALTER OPERATOR of a built-in one");
    TRY(take_estimator(&d, RESTRICT));
    TRY(take_estimator(&d, JOIN));
    datum key = datum_oid(op);
    TRY(catalog_row_get_oid(env, CAT_pg_operator, op, env->eval.arena, &row));
    d.operands[0] = row_oid(&row, COL_pg_operator_oprleft);
    d.result = row_oid(&row, COL_pg_operator_oprresult);
    TRY(check_kind(&d));
    if (d.options[RESTRICT]) row_set_oid(&row, COL_pg_operator_oprrest, d.functions[RESTRICT]);
    if (d.options[JOIN]) row_set_oid(&row, COL_pg_operator_oprjoin, d.functions[JOIN]);
    datum keys[] = {datum_oid(OID_pg_operator), datum_oid(op)};
    TRY(catalog_rows_delete(env, CAT_pg_depend, OID_pg_depend_depender_index, keys, 2, NULL));
    TRY(catalog_rows_delete(env, CAT_pg_operator, 0, &key, 1, NULL));
    TRY(catalog_row_insert(env, CAT_pg_operator, &row));
    return depend(env, op, &row);
}
