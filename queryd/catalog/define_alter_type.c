/* define_alter_type.c: ALTER COLUMN … TYPE, all those of one statement together: expressions see
 * the old values of every column. */
#include "catalog/define_types.h"

struct change {
    struct attribute *att; /* as it was */
    struct attribute to;
    const struct ast_column_def *def;
    bool keeps_bytes;
};

struct alteration {
    struct sql_env *env;
    const struct relation *r; /* as it was */
    uint16_t n;
    struct change *changes;
    struct define_transform *transforms;
    bool rewrites;
};

/* ---- what is asked for ----------------------------------------------------------------------- */

/* Where the stored bytes stay as they are: character types that become wider, a modifier that goes.
 */
static bool keeps_bytes(const struct attribute *from, const struct attribute *to) {
    bool text = (from->type == VARCHAROID || from->type == TEXTOID) &&
                (to->type == VARCHAROID || to->type == TEXTOID);
    if (text)
        return to->typmod < 0 ||
               (from->type == VARCHAROID && from->typmod >= 0 && from->typmod <= to->typmod);
    if (from->type == CIDROID && to->type == INETOID) return true;
    return from->type == to->type && (to->typmod < 0 || to->typmod == from->typmod);
}

static struct node *using_of(const struct ast_column_def *c) {
    LIST_EACH(struct ast_constraint *, k, c->constraints) return k->expression;
    return NULL;
}

static status own_value(struct alteration *a, const struct attribute *att, struct node **ret) {
    struct sql_env *env = a->env;
    if (att->generated)
        return parse_expression(env->eval.arena, att->default_text, strlen(att->default_text),
                                env->eval.error, ret);
    *ret = ast_new(env->eval.arena, NODE_COLUMN_REF, -1);
    if (!*ret) return no_memory(env);
    return list_append(env->eval.arena, &ast_as_column_ref(*ret)->names, (void *)att->name);
}

static status refuse_using(struct alteration *a, const struct attribute *att) {
    status st = error_set(a->env->eval.error, ST_INVALID_COLUMN_DEFINITION,
                          "cannot specify USING when altering type of generated column");
    error_detail(a->env->eval.error, "Column \"%s\" is a generated column.", att->name);
    return st;
}

static status plan_change(struct alteration *a, const struct ast_alter_cmd *cmd) {
    struct sql_env *env = a->env;
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    struct change *x = &a->changes[a->n];
    struct define_transform *t = &a->transforms[a->n];
    TRY(define_refuse_system_column(env, cmd->name, "alter"));
    TRY(define_need_attribute(env, a->r, cmd->name, &x->att));
    for (uint16_t i = 0; i < a->n; i++)
        if (a->changes[i].att == x->att)
            return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                             "cannot alter type of column \"%s\" twice", cmd->name);
    c->name = cmd->name;
    x->def = c;
    x->to = *x->att;
    TRY(define_column_type(env, c, &x->to));
    TRY(define_refuse_uses(env, a->r->row_type, "table", a->r->name));
    TRY(define_refuse_recursion(env, a->r, x->to.type));
    struct node *using_expression = using_of(c);
    if (using_expression && x->att->generated) return refuse_using(a, x->att);
    *t = (struct define_transform){.number = x->att->number,
                                   .name = x->att->name,
                                   .type = x->to.type,
                                   .typmod = x->to.typmod,
                                   .expression = using_expression,
                                   .is_using = using_expression != NULL};
    if (!using_expression) TRY(own_value(a, x->att, &t->expression));
    x->keeps_bytes = !using_expression && keeps_bytes(x->att, &x->to);
    a->rewrites |= !x->keeps_bytes;
    a->n++;
    return OK;
}

/* ---- what stands in the way ------------------------------------------------------------------ */

static status refuse_generated(struct alteration *a, const struct attribute *att) {
    struct sql_env *env = a->env;
    for (uint16_t i = 0; i < a->r->natts; i++) {
        const struct attribute *other = &a->r->atts[i];
        int16_t columns[64];
        size_t n;
        struct node *expression;
        if (!other->generated || other->dropped || other == att) continue;
        TRY(own_value(a, other, &expression));
        TRY(define_check_columns(env, a->r, expression, columns, 64, &n));
        for (size_t k = 0; k < n; k++) {
            if (columns[k] != att->number) continue;
            status st = error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED,
                                  "cannot alter type of a column used by a generated column");
            error_detail(env->eval.error, "Column \"%s\" is used by generated column \"%s\".",
                         att->name, other->name);
            return st;
        }
    }
    return OK;
}

/* ---- rows of catalogs ------------------------------------------------------------------------ */

static status set_type(struct sql_env *, struct catalog_row *row, void *arg) {
    const struct attribute *att = arg;
    const struct type *t = type_find(att->type);
    row_set_oid(row, COL_pg_attribute_atttypid, att->type);
    row_set_int(row, COL_pg_attribute_atttypmod, att->typmod);
    row_set_int(row, COL_pg_attribute_attlen, t->len);
    row_set_bool(row, COL_pg_attribute_attbyval, t->byval);
    row_set_char(row, COL_pg_attribute_attalign, t->align);
    row_set_char(row, COL_pg_attribute_attstorage, t->storage);
    row_set_oid(row, COL_pg_attribute_attcollation, att->collation);
    return OK;
}

status define_set_attribute_type(struct sql_env *env, oid relation, const struct attribute *to) {
    struct attribute arg = *to;
    TRY(define_forget_type(env, relation, to->number));
    TRY(define_update_attribute(env, relation, to->number, set_type, &arg));
    return define_depend(env, (struct object_address){OID_pg_class, relation, to->number},
                         (struct object_address){OID_pg_type, to->type, 0}, 'n');
}

static status forget_missing(struct sql_env *, struct catalog_row *row, void *) {
    row_set_bool(row, COL_pg_attribute_atthasmissing, false);
    row_set_null(row, COL_pg_attribute_attmissingval);
    return OK;
}

/* The default must be one for the new type, too. */
static status check_default(struct sql_env *env, const struct change *x) {
    struct node *n;
    const struct attribute *att = x->att;
    if (!att->default_text || att->generated || !define_hooks) return OK;
    TRY(parse_expression(env->eval.arena, att->default_text, strlen(att->default_text),
                         env->eval.error, &n));
    status st = define_hooks->expression_check(env, NULL, n, EXPRESSION_DEFAULT, att->name,
                                               x->to.type, x->to.typmod, NULL);
    if (!status_is(st, ST_DATATYPE_MISMATCH)) return st;
    error_clear(env->eval.error);
    return error_set(env->eval.error, ST_DATATYPE_MISMATCH,
                     "default for column \"%s\" cannot be cast automatically to type %s", att->name,
                     type_format_name(env->eval.arena, x->to.type));
}

/* The sequence of an identity column gives values of the column's type. */
static status change_sequence(struct sql_env *env, const struct change *x) {
    const struct relation *sequence;
    struct list *options = NULL;
    if (!x->att->identity || x->att->type == x->to.type) return OK;
    struct ast_def_elem *as = (struct ast_def_elem *)ast_new(env->eval.arena, NODE_DEF_ELEM, -1);
    if (!as) return no_memory(env);
    as->name = "as";
    as->value = &x->def->type->node;
    TRY(list_append(env->eval.arena, &options, as));
    TRY(txn_lock_relation(env->proc, env->txn, x->att->sequence, MODE_SHARE_ROW_EXCLUSIVE, false,
                          env->settings->lock_timeout_ms));
    TRY(catalog_relation(env, x->att->sequence, &sequence));
    return define_sequence_alter(env, sequence, options, true);
}

static status change_column(struct alteration *a, struct change *x) {
    struct sql_env *env = a->env;
    datum keys[] = {datum_oid(a->r->oid), datum_int2(x->att->number)};
    TRY(check_default(env, x));
    TRY(change_sequence(env, x));
    TRY(catalog_rows_delete(env, CAT_pg_statistic, 0, keys, 2, NULL));
    TRY(define_set_attribute_type(env, a->r->oid, &x->to));
    if (x->keeps_bytes) return OK;
    return define_update_attribute(env, a->r->oid, x->att->number, forget_missing, NULL);
}

/* ---- indexes --------------------------------------------------------------------------------- */

static bool changes(const struct alteration *a, int16_t number) {
    for (uint16_t i = 0; i < a->n; i++)
        if (a->changes[i].att->number == number) return true;
    return false;
}

static status expression_type(struct sql_env *env, const struct relation *r,
                              const struct index_desc *x, uint16_t k, struct attribute *ret) {
    struct node *n;
    if (!define_hooks) return define_unsupported(env, "an index on an expression");
    TRY(parse_expression(env->eval.arena, x->expressions[k], strlen(x->expressions[k]),
                         env->eval.error, &n));
    return define_hooks->index_expression(env, r, n, &ret->type, &ret->collation);
}

/* One column of an index as its table is now; r: the table. */
static status index_column(struct alteration *a, const struct relation *r,
                           const struct index_desc *x, uint16_t k, struct index_plan_column *c) {
    struct attribute att = {.typmod = -1};
    if (x->columns[k])
        att = r->atts[x->columns[k] - 1];
    else
        TRY(expression_type(a->env, r, x, k, &att));
    bool own = x->collations[k] && x->columns[k] &&
               x->collations[k] != a->r->atts[x->columns[k] - 1].collation;
    *c = (struct index_plan_column){.number = x->columns[k],
                                    .type = att.type,
                                    .typmod = att.typmod,
                                    .collation = own ? x->collations[k] : att.collation,
                                    .opclass = x->classes[k],
                                    .descending = x->descending[k],
                                    .nulls_first = x->nulls_first[k]};
    if (k < x->nkeys && (!c->opclass || c->opclass == default_opclass(x->types[k])))
        TRY(define_default_class(a->env, c->type, &c->opclass));
    return OK;
}

/* The index is of the new types. */
static status change_index(struct alteration *a, const struct relation *r,
                           const struct index_desc *x) {
    struct index_plan *plan = arena_zalloc(a->env->eval.arena, sizeof *plan);
    if (!plan) return no_memory(a->env);
    plan->nkeys = x->nkeys;
    plan->ncolumns = x->ncolumns;
    for (uint16_t k = 0; k < x->ncolumns; k++) {
        struct index_plan_column *c = &plan->columns[k];
        TRY(index_column(a, r, x, k, c));
        struct attribute att = {.type = c->type, .typmod = c->typmod, .collation = c->collation};
        TRY(define_update_attribute(a->env, x->oid, (int16_t)(k + 1), set_type, &att));
    }
    return define_update_index(a->env, x->oid, plan);
}

static bool is_affected(const struct alteration *a, const struct index_desc *x,
                        const struct list *dependent) {
    for (uint16_t k = 0; k < x->ncolumns; k++)
        if (changes(a, x->columns[k])) return true;
    return list_has_oid(dependent, x->oid);
}

static status change_indexes(struct alteration *a) {
    const struct relation *r;
    struct list *dependent = NULL;
    for (uint16_t i = 0; i < a->n; i++)
        TRY(define_column_indexes(a->env, a->r, a->changes[i].att->number, &dependent));
    catalog_changed(a->env);
    TRY(catalog_relation(a->env, a->r->oid, &r));
    if (a->r->primary && is_affected(a, a->r->primary, dependent))
        TRY(change_index(a, r, a->r->primary));
    for (uint16_t i = 0; i < a->r->nindexes; i++)
        if (is_affected(a, &a->r->indexes[i], dependent))
            TRY(change_index(a, r, &a->r->indexes[i]));
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static status rewrite(struct alteration *a) {
    struct sql_env now;
    const struct relation *to;
    if (!define_hooks) return define_unsupported(a->env, "ALTER COLUMN TYPE");
    catalog_changed(a->env);
    TRY(catalog_relation(a->env, a->r->oid, &to));
    TRY(define_env_now(a->env, &now));
    TRY(define_hooks->transform_rows(&now, a->r, to, a->transforms, a->n));
    return define_drop_trees(a->env, a->r);
}

/* ---- constraints ----------------------------------------------------------------------------- */

static status recheck_check(struct alteration *a, const struct relation *r,
                            const struct check_desc *c) {
    struct sql_env *env = a->env, now;
    struct node *n;
    int16_t columns[64];
    size_t count;
    bool affected = false;
    TRY(parse_expression(env->eval.arena, c->text, strlen(c->text), env->eval.error, &n));
    TRY(define_check_columns(env, r, n, columns, 64, &count));
    for (size_t i = 0; i < count; i++) affected |= changes(a, columns[i]);
    if (!affected || !define_hooks) return OK;
    TRY(define_hooks->expression_check(env, r, n, EXPRESSION_CHECK, NULL, BOOLOID, -1, NULL));
    TRY(define_env_now(env, &now));
    return define_hooks->check_rows(&now, r, n, c->name);
}

static status recheck_key(struct alteration *a, const struct foreign_key *k) {
    const struct relation *from, *to;
    struct sql_env now;
    bool affected = false;
    for (uint16_t i = 0; i < k->n; i++)
        affected |= (k->table == a->r->oid && changes(a, k->columns[i])) ||
                    (k->refers == a->r->oid && changes(a, k->ref_columns[i]));
    if (!affected || !define_hooks) return OK;
    TRY(catalog_relation(a->env, k->table, &from));
    TRY(catalog_relation(a->env, k->refers, &to));
    TRY(define_check_key_types(a->env, from, to, k));
    TRY(define_env_now(a->env, &now));
    return define_hooks->check_references(&now, from, k);
}

static status recheck(struct alteration *a) {
    const struct relation *r;
    catalog_changed(a->env);
    TRY(catalog_relation(a->env, a->r->oid, &r));
    for (uint16_t i = 0; i < r->nchecks; i++) TRY(recheck_check(a, r, &r->checks[i]));
    for (uint16_t i = 0; i < r->nkeys; i++) TRY(recheck_key(a, &r->keys[i]));
    for (uint16_t i = 0; i < r->nreferences; i++) TRY(recheck_key(a, &r->references[i]));
    return OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

status define_alter_types(struct sql_env *env, const struct relation *r,
                          const struct list *commands) {
    struct alteration a = {.env = env, .r = r};
    struct relation target;
    size_t n = (size_t)list_n(commands);
    a.changes = arena_array(env->eval.arena, n, sizeof *a.changes);
    a.transforms = arena_array(env->eval.arena, n, sizeof *a.transforms);
    if (!a.changes || !a.transforms) return no_memory(env);
    LIST_EACH(const struct ast_alter_cmd *, cmd, commands) TRY(plan_change(&a, cmd));
    for (uint16_t i = 0; i < a.n; i++) {
        TRY(define_refuse_type_change(env, r, a.changes[i].att));
        TRY(refuse_generated(&a, a.changes[i].att));
    }
    if (a.rewrites) TRY(define_new_trees(env, r, &target));
    for (uint16_t i = 0; i < a.n; i++) TRY(change_column(&a, &a.changes[i]));
    TRY(change_indexes(&a));
    if (a.rewrites) TRY(rewrite(&a));
    return recheck(&a);
}
