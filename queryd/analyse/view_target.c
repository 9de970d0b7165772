/* The table that INSERT, UPDATE and DELETE change: named itself, or behind views that are simple
 * enough to be changed through. */
#include "analyse/internal.h"
#include "catalog/roles.h"
#include "types/acl.h"

/* What is done to the table, for messages. */
struct verb {
    const char *words, *enabling, *event;
};

static const struct verb verbs[] = {
    [QUERY_INSERT] = {"insert into", "inserting into", "INSERT"},
    [QUERY_UPDATE] = {"update", "updating", "UPDATE"},
    [QUERY_DELETE] = {"delete from", "deleting from", "DELETE"},
};

/* ---- which views ----------------------------------------------------------------------------- */

static bool is_one_relation(const struct ast_select *n) {
    return list_n(n->from) == 1 && ((struct node *)list_at(n->from, 0))->kind == NODE_RANGE_VAR;
}

static const char no_columns[] =
    "Views that have no updatable columns are not automatically updatable.";

/* Why rows cannot be changed through a view; NULL: they can. q: its query, analysed. */
static const char *obstacle(const struct ast_select *n, const struct query *q) {
    if (q->kind == QUERY_SETOP)
        return "Views containing UNION, INTERSECT, or EXCEPT are not automatically updatable.";
    if (q->distinct || q->ndistinct_on)
        return "Views containing DISTINCT are not automatically updatable.";
    if (n->group_by) return "Views containing GROUP BY are not automatically updatable.";
    if (q->having) return "Views containing HAVING are not automatically updatable.";
    if (n->with) return "Views containing WITH are not automatically updatable.";
    if (q->limit || q->offset)
        return "Views containing LIMIT or OFFSET are not automatically updatable.";
    if (q->has_aggregates)
        return "Views that return aggregate functions are not automatically updatable.";
    if (q->has_windows)
        return "Views that return window functions are not automatically updatable.";
    if (q->has_sets)
        return "Views that return set-returning functions are not automatically updatable.";
    if (n->values || !is_one_relation(n))
        return "Views that do not select from a single table or view are not automatically "
               "updatable.";
    return NULL;
}

const char *view_obstacle(const struct ast_select *n, const struct query *q) {
    const char *why = obstacle(n, q);
    for (uint16_t i = 0; !why && i < q->nvisible; i++) {
        const struct expr *e = q->targets[i].expr;
        if (e->kind == EXPR_VAR && e->var.level == 0 && e->var.att > 0) return NULL;
    }
    return why ? why : no_columns;
}

static status refuse(struct scope *s, const char *view, const char *why) {
    const struct verb *v = &verbs[s->query->kind];
    status st = FAIL_AT(s->a, -1, OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot %s view \"%s\"",
                        v->words, view);
    error_detail(s->a->error, "%s", why);
    error_hint(
        s->a->error,
        "To enable %s the view, provide an INSTEAD OF %s trigger or an unconditional ON %s DO "
        "INSTEAD rule.",
        v->enabling, v->event, v->event);
    return st;
}

/* ---- the table behind a view ----------------------------------------------------------------- */

static status view_syntax(struct analyse *a, const struct relation *view, struct ast_select **ret) {
    struct node *n;
    const char *text = arena_strdup(a->arena, view->view_text ? view->view_text : "");
    NEEDS(a, text);
    TRY(parse_kept_query(a->arena, text, strlen(text), a->error, &n));
    if (n->kind != NODE_SELECT)
        return error_set(a->error, ST_DATA_CORRUPTED, "view \"%s\" has no query", view->name);
    *ret = ast_as_select(n);
    return OK;
}

/* Nobody changes catalogs but by definitions; who is no superuser has not even the privilege. */
static status may_change_catalogs(struct analyse *a, const struct relation *r) {
    bool super;
    TRY(role_is_superuser(a->env, a->env->settings->user_oid, &super));
    return super
               ? OK
               : FAIL_AT(a, -1, INSUFFICIENT_PRIVILEGE, "permission denied for table %s", r->name);
}

static uint32_t right_of(const struct query *q) {
    return q->kind == QUERY_INSERT ? ACL_INSERT : q->kind == QUERY_UPDATE ? ACL_UPDATE : ACL_DELETE;
}

static status base_item(struct scope *s, struct ast_range_var *var, const struct relation *r,
                        struct change_target *t, struct ns_item **ret) {
    struct analyse *a = s->a;
    if (r->is_catalog) TRY(may_change_catalogs(a, r));
    if (r->is_catalog)
        return FAIL_AT(a, -1, INSUFFICIENT_PRIVILEGE,
                       "permission denied: \"%s\" is a system catalog", r->name);
    TRY(add_relation_rte(s, var, MODE_ROW_EXCLUSIVE, &s->query->target_rte));
    t->r = r;
    t->needs = s->query->rtes[s->query->target_rte]->needs;
    t->needs->rights |= right_of(s->query);
    t->atts = arena_memdup(a->arena, r->atts, (r->natts + 1u) * sizeof *t->atts);
    NEEDS(a, t->atts);
    return rte_item(s, s->query->target_rte, ret);
}

static status add_column(struct analyse *a, struct ns_item *item, const char *name,
                         struct expr *e) {
    TRY(coerce_unknown(a, e, &e));
    item->names[item->ncolumns] = name;
    item->exprs[item->ncolumns++] = e;
    return OK;
}

/* The columns of the view over those of what it selects from; a star that was kept stands for the
 * columns that were there. */
static status view_columns(struct scope *inner, const struct ast_select *n,
                           const struct relation *view, struct ns_item *item) {
    struct analyse *a = inner->a;
    const struct ns_item *from = inner->items[0];
    NEW_N(a, item->names, view->natts + 1);
    NEW_N(a, item->exprs, view->natts + 1);
    LIST_EACH(struct ast_target *, t, n->targets) {
        bool star = t->value->kind == NODE_COLUMN_REF && ast_as_column_ref(t->value)->star;
        for (uint16_t i = 0; star && i < from->ncolumns && item->ncolumns < view->natts; i++)
            if (from->exprs[i])
                TRY(add_column(a, item, view->atts[item->ncolumns].name, from->exprs[i]));
        if (star || item->ncolumns >= view->natts) continue;
        struct expr *e;
        TRY(transform_expr(inner, t->value, CLAUSE_TARGETS, &e));
        TRY(add_column(a, item, view->atts[item->ncolumns].name, e));
    }
    for (uint16_t i = 0; i < item->ncolumns; i++)
        NEEDS(a, item->names[i] = arena_strdup(a->arena, item->names[i]));
    return OK;
}

static status see_through(struct scope *s, const struct relation *view, bool checked,
                          struct change_target *t, struct ns_item **ret);

/* What the view selects from: the table, or another view. */
static status inner_item(struct scope *s, struct ast_range_var *var, bool checked,
                         struct change_target *t, struct ns_item **ret) {
    const struct relation *r;
    TRY(catalog_relation_lock(s->a->env, var->schema, var->name, MODE_ROW_EXCLUSIVE, -1, &r));
    TRY(note_relation(s->a, r->oid, MODE_ROW_EXCLUSIVE));
    struct permission *p;
    if (r->kind == 'v') {
        TRY(permission_add_view(s->a, r, right_of(s->query), true, &p));
        TRY(see_through(s, r, checked, t, ret));
    } else
        TRY(base_item(s, var, r, t, ret));
    struct ns_item *item = *ret;
    item->name = var->alias ? var->alias->name : arena_strdup(s->a->arena, r->name);
    item->schema = var->alias ? NULL : arena_strdup(s->a->arena, r->schema_name);
    NEEDS(s->a, item->name);
    if (!var->alias) return OK;
    uint16_t live = 0;
    for (uint16_t i = 0; i < item->ncolumns && live < list_n(var->alias->columns); i++)
        if (item->exprs[i]) item->names[i] = list_at(var->alias->columns, live++);
    return OK;
}

/* Rows that leave the view are refused where it or one above it says so. */
static status add_check(struct analyse *a, const struct relation *view, struct expr *where,
                        struct change_target *t) {
    struct expr *holds = expr_new_n(a->arena, EXPR_BOOL_TEST, BOOLOID, -1, 1);
    struct change_check *grown;
    NEEDS(a, holds);
    holds->test = EXPR_IS_TRUE;
    holds->args[0] = where;
    NEW_N(a, grown, t->nchecks + 1);
    if (t->nchecks) memcpy(grown, t->checks, t->nchecks * sizeof *grown);
    grown[t->nchecks] = (struct change_check){
        .name = arena_strdup(a->arena, view->name), .expr = holds, .of_view = true};
    NEEDS(a, grown[t->nchecks].name);
    t->checks = grown;
    t->nchecks++;
    return OK;
}

/* A default of the view comes before the table's. */
static status take_defaults(struct analyse *a, const struct relation *view,
                            const struct ns_item *item, struct change_target *t) {
    for (uint16_t i = 0; i < item->ncolumns; i++) {
        const struct expr *e = item->exprs[i];
        if (!view->atts[i].default_text || e->kind != EXPR_VAR || e->var.att <= 0) continue;
        struct attribute *att = &t->atts[e->var.att - 1];
        if (att->generated) continue;
        att->default_text = arena_strdup(a->arena, view->atts[i].default_text);
        att->identity = 0;
        NEEDS(a, att->default_text);
    }
    return OK;
}

static status view_item(struct scope *s, const struct relation *view, struct ast_select *n,
                        bool checked, struct change_target *t, struct ns_item **ret) {
    struct analyse *a = s->a;
    struct ns_item *item, *from;
    struct scope inner;
    struct expr *where;
    bool checks = checked || view->check_option;
    TRY(inner_item(s, list_at(n->from, 0), checked || view->check_option == 'c', t, &from));
    scope_init(&inner, a, NULL, s->query);
    TRY(scope_add(&inner, from));
    NEW(a, item);
    *item = (struct ns_item){
        .rte = s->query->target_rte, .name_visible = true, .columns_visible = true};
    TRY(view_columns(&inner, n, view, item));
    TRY(transform_bool(&inner, n->where, CLAUSE_WHERE, "WHERE", &where));
    if (where && checks) TRY(add_check(a, view, where, t));
    if (where) NEEDS(a, t->where = expr_and(a->arena, t->where, where));
    TRY(take_defaults(a, view, item, t));
    *ret = item;
    return OK;
}

static status see_through(struct scope *s, const struct relation *view, bool checked,
                          struct change_target *t, struct ns_item **ret) {
    struct analyse *a = s->a;
    struct ast_select *n, *again;
    struct query *q;
    bool positions = a->no_positions, params = a->no_params;
    oid check_as = a->check_as;
    uint16_t npermissions = a->npermissions;
    if (++a->view_depth > VIEW_DEPTH_MAX)
        return FAIL_AT(a, -1, INVALID_OBJECT_DEFINITION,
                       "infinite recursion detected in rules for relation \"%s\"", view->name);
    a->no_positions = a->no_params = true;
    a->check_as = view->security_invoker ? 0 : view->owner;
    status st = view_syntax(a, view, &again);
    if (ok(st)) st = analyse_subquery(a, NULL, &again->node, &q);
    a->npermissions = npermissions; /* that query is not carried out */
    if (ok(st)) st = view_syntax(a, view, &n);
    if (ok(st)) {
        const char *why = obstacle(n, q);
        st = why ? refuse(s, view->name, why) : view_item(s, view, n, checked, t, ret);
    }
    a->no_positions = positions;
    a->no_params = params;
    a->check_as = check_as;
    a->view_depth--;
    return st;
}

/* ---- what may be done ------------------------------------------------------------------------ */

/* The view's columns among those wanted that are columns of what it selects from; *ret_base: those,
 * there. */
static status columns_behind(struct analyse *a, const struct query *q, const struct relation *base,
                             const bool *wanted, bool **ret_base, bool *ret_any) {
    NEW_N(a, *ret_base, base->natts + 1u);
    *ret_any = false;
    for (uint16_t i = 0; i < q->nvisible; i++) {
        const struct expr *e = q->targets[i].expr;
        if (!wanted[i + 1] || e->kind != EXPR_VAR || e->var.level) continue;
        if (e->var.att <= 0 || e->var.att > base->natts) continue;
        (*ret_base)[e->var.att] = *ret_any = true;
    }
    return OK;
}

static status view_events(struct analyse *a, const struct relation *view, const bool *wanted,
                          int32_t *ret_events) {
    struct ast_select *n, *again;
    struct query *q;
    const struct relation *base;
    bool *behind, any;
    TRY(view_syntax(a, view, &again));
    TRY(analyse_subquery(a, NULL, &again->node, &q));
    TRY(view_syntax(a, view, &n));
    if (obstacle(n, q)) return OK;
    const struct ast_range_var *from = list_at(n->from, 0);
    TRY(catalog_relation_named(a->env, from->schema, from->name, &base));
    TRY(columns_behind(a, q, base, wanted, &behind, &any));
    TRY(relation_events(a, base, behind, ret_events));
    if (!any) *ret_events &= CHANGE_DELETE;
    return OK;
}

status relation_events(struct analyse *a, const struct relation *r, const bool *wanted,
                       int32_t *ret_events) {
    *ret_events = r->kind == 'r' ? CHANGE_ALL : 0;
    if (r->kind != 'v') return OK;
    if (++a->view_depth > VIEW_DEPTH_MAX)
        return FAIL_AT(a, -1, INVALID_OBJECT_DEFINITION,
                       "infinite recursion detected in rules for relation \"%s\"", r->name);
    status st = view_events(a, r, wanted, ret_events);
    a->view_depth--;
    return st;
}

/* ---- the target ------------------------------------------------------------------------------ */

static bool any_updatable(const struct change_target *t) {
    for (uint16_t i = 0; i < t->item->ncolumns; i++)
        if (change_target_att(t, i)) return true;
    return false;
}

const struct attribute *change_target_att(const struct change_target *t, uint16_t column) {
    const struct expr *e = t->item->exprs[column];
    if (!e || e->kind != EXPR_VAR || e->var.level || e->var.att <= 0) return NULL;
    return &t->atts[e->var.att - 1];
}

status change_target_refuse(struct scope *s, const struct change_target *t, uint16_t column,
                            int32_t location) {
    const struct expr *e = t->item->exprs[column];
    status st = FAIL_AT(s->a, location, FEATURE_NOT_SUPPORTED,
                        s->query->kind == QUERY_INSERT && !s->query->conflict
                            ? "cannot insert into column \"%s\" of view \"%s\""
                            : "cannot update column \"%s\" of view \"%s\"",
                        t->item->names[column], t->view->name);
    error_detail(s->a->error, e->kind == EXPR_VAR
                                  ? "View columns that refer to system columns are not updatable."
                                  : "View columns that are not columns of their base relation are "
                                    "not updatable.");
    return st;
}

status change_target(struct scope *s, struct ast_range_var *var, struct change_target *t) {
    struct analyse *a = s->a;
    const struct relation *r;
    int32_t location = a->no_positions ? -1 : var->node.location;
    *t = (struct change_target){0};
    a->reads_only = false;
    TRY(catalog_relation_lock(a->env, var->schema, var->name, MODE_ROW_EXCLUSIVE, location, &r));
    if (r->kind != 'v') return base_item(s, var, r, t, &t->item);
    TRY(note_relation(a, r->oid, MODE_ROW_EXCLUSIVE));
    t->view = r;
    TRY(permission_add_view(a, r, right_of(s->query), false, &t->view_needs));
    TRY(see_through(s, r, false, t, &t->item));
    NEEDS(a, t->view_reads = arena_memdup(a->arena, t->needs->selected,
                                          t->needs->words * sizeof *t->view_reads));
    memset(t->needs->selected, 0, t->needs->words * sizeof *t->needs->selected);
    t->item->name = var->alias ? var->alias->name : arena_strdup(a->arena, r->name);
    t->item->schema = var->alias ? NULL : arena_strdup(a->arena, r->schema_name);
    NEEDS(a, t->item->name);
    if (s->query->kind != QUERY_DELETE && !any_updatable(t)) return refuse(s, r->name, no_columns);
    return OK;
}
