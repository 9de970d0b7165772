/* Windows and queries. */
#include "parse/build.h"

/* ---- windows --------------------------------------------------------------------------------- */

struct node *make_window_frame(struct parser *p, enum ast_frame_mode mode, int32_t location,
                               struct node *start, struct node *end,
                               enum ast_frame_exclude exclude) {
    struct ast_window_def *from = ast_as_window_def(start);
    struct ast_window_def *to = end ? ast_as_window_def(end) : NULL;
    enum ast_frame_bound last = to ? to->start : BOUND_CURRENT_ROW;
    const char *message = NULL;
    int32_t at = location;
    if (from->start == BOUND_UNBOUNDED_FOLLOWING) {
        message = "frame start cannot be UNBOUNDED FOLLOWING";
    } else if (!to && from->start == BOUND_OFFSET_FOLLOWING) {
        message = "frame starting from following row cannot end with current row";
    } else if (to) {
        at = end->location;
        if (last == BOUND_UNBOUNDED_PRECEDING)
            message = "frame end cannot be UNBOUNDED PRECEDING";
        else if (from->start == BOUND_CURRENT_ROW && last == BOUND_OFFSET_PRECEDING)
            message = "frame starting from current row cannot have preceding rows";
        else if (from->start == BOUND_OFFSET_FOLLOWING && last < BOUND_OFFSET_FOLLOWING)
            message = "frame starting from following row cannot have preceding rows";
    }
    if (message) parse_fail_at(p, ST_WINDOWING_ERROR, at, message);
    return MAKE(window_def, location, .frame_given = true, .between = to != NULL, .mode = mode,
                .start = from->start, .start_offset = from->start_offset, .end = last,
                .end_offset = to ? to->start_offset : NULL, .exclude = exclude);
}

/* ---- queries --------------------------------------------------------------------------------- */

struct node *make_set_op(struct parser *p, enum ast_set_op op, bool all, int32_t location,
                         struct node *left, struct node *right) {
    return MAKE(select, location, .set_op = op, .all = all, .left = P(left), .right = P(right));
}

struct node *merge_limit(struct parser *p, struct node *a, struct node *b) {
    (void)p;
    ast_as_select(a)->offset = ast_as_select(b)->offset;
    return a;
}

void check_alias(struct parser *p, struct located query, const struct node *alias) {
    if (alias) return;
    bool values = ast_as_select(query.node)->values != NULL;
    parse_fail_hint(p, ST_SYNTAX_ERROR, query.location,
                    values ? "VALUES in FROM must have an alias"
                           : "subquery in FROM must have an alias",
                    values ? "For example, FROM (VALUES ...) [AS] foo."
                           : "For example, FROM (SELECT ...) [AS] foo.");
}

static void add_limit(struct parser *p, struct ast_select *s, const struct ast_select *limit) {
    if (limit->offset) {
        if (s->offset)
            parse_fail_at(p, ST_SYNTAX_ERROR, ast_leftmost(limit->offset),
                          "multiple OFFSET clauses not allowed");
        s->offset = limit->offset;
    }
    if (limit->limit) {
        if (s->limit)
            parse_fail_at(p, ST_SYNTAX_ERROR, ast_leftmost(limit->limit),
                          "multiple LIMIT clauses not allowed");
        s->limit = limit->limit;
    }
    if (!limit->with_ties) return;
    if (!s->order_by)
        parse_fail_at(p, ST_SYNTAX_ERROR, -1,
                      "WITH TIES cannot be specified without ORDER BY clause");
    LIST_EACH(struct ast_locking *, lock, s->locking) {
        if (lock->wait == LOCK_WAIT_SKIP)
            parse_fail_at(p, ST_SYNTAX_ERROR, -1,
                          "SKIP LOCKED and WITH TIES options cannot be used together");
    }
    s->with_ties = true;
}

struct node *finish_select(struct parser *p, struct node *select, struct node *with,
                           struct list *order_by, struct list *locking, struct node *limit) {
    struct ast_select *s = ast_as_select(select);
    if (order_by) {
        if (s->order_by)
            parse_fail_at(p, ST_SYNTAX_ERROR,
                          ast_leftmost(((struct ast_sort_by *)list_at(order_by, 0))->value),
                          "multiple ORDER BY clauses not allowed");
        s->order_by = order_by;
    }
    s->locking = list_concat(p, s->locking, locking);
    if (limit) add_limit(p, s, ast_as_select(limit));
    if (with) {
        if (s->with)
            parse_fail_at(p, ST_SYNTAX_ERROR, with->location, "multiple WITH clauses not allowed");
        s->with = P(with);
    }
    return select;
}

struct node *make_set_multi(struct parser *p, struct list *targets, struct node *value) {
    return MAKE(set, ((struct node *)list_at(targets, 0))->location, targets, true, value);
}

struct node *make_recursive_query(struct parser *p, struct node *view, struct list *columns,
                                  struct node *query) {
    char *name = ast_as_range_var(view)->name;
    struct list *targets = NULL;
    LIST_EACH(const char *, column, columns) {
        struct node *ref = MAKE(column_ref, -1, .names = list1(p, column));
        targets = list_add(p, targets, MAKE(target, -1, .value = ref));
    }
    struct node *cte = MAKE(cte, -1, .name = name, .columns = columns, .query = query);
    struct node *with = MAKE(with, -1, .recursive = true, .ctes = list1(p, cte));
    struct list *from = list1(p, MAKE(range_var, -1, .name = name));
    return MAKE(select, -1, .with = P(with), .targets = targets, .from = from);
}
