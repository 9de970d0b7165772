/* The frame of a row in its partition: ROWS, GROUPS, RANGE, EXCLUDE. */
#include "exec/window.h"

/* ---- frames ---- */

/* The row where peer group `group` of the partition begins (its number may lie outside). */
static size_t group_start(const struct window_state *w, const struct place *p, int64_t group) {
    if (group <= 0) return p->first;
    return group < (int64_t)w->ngroups ? w->groups[group] : p->last;
}

void window_find_groups(struct window_state *w, size_t first, size_t last) {
    w->ngroups = 0;
    if (!w->groups) return;
    for (size_t row = first; row < last; row++)
        if (row == first || !window_same_columns(w, row - 1, row, true))
            w->groups[w->ngroups++] = row;
}

static size_t clamp(const struct place *p, int64_t row) {
    if (row < (int64_t)p->first) return p->first;
    return row > (int64_t)p->last ? p->last : (size_t)row;
}

static size_t bound_row(const struct window_state *w, const struct place *p,
                        enum ast_frame_bound bound, datum by, bool is_end) {
    enum ast_frame_mode mode = window_plan(w)->frame->mode;
    int64_t row = (int64_t)p->row, offset = bound == BOUND_OFFSET_PRECEDING ? -by.i64 : by.i64;
    switch (bound) {
    case BOUND_UNBOUNDED_PRECEDING: return p->first;
    case BOUND_UNBOUNDED_FOLLOWING: return p->last;
    case BOUND_CURRENT_ROW:
        if (mode == FRAME_ROWS) return is_end ? p->row + 1 : p->row;
        return is_end ? p->peer_last : p->peer_first;
    default:
        if (mode == FRAME_RANGE) return is_end ? p->range_last : p->range_first;
        if (mode == FRAME_ROWS) return clamp(p, row + offset + (is_end ? 1 : 0));
        return group_start(w, p, p->group + offset + (is_end ? 1 : 0));
    }
}

void window_frame(const struct window_state *w, const struct place *p, size_t *first,
                  size_t *last) {
    const struct window *f = window_plan(w)->frame;
    *first = bound_row(w, p, f->start, w->start_offset, false);
    *last = bound_row(w, p, f->end, w->end_offset, true);
    if (*last < *first) *last = *first;
}

/* EXCLUDE: rows of the frame that do not count. */
bool window_is_excluded(const struct window_state *w, const struct place *p, size_t row) {
    bool peer = row >= p->peer_first && row < p->peer_last;
    switch (window_plan(w)->frame->exclude) {
    case EXCLUDE_CURRENT_ROW: return row == p->row;
    case EXCLUDE_GROUP: return peer;
    case EXCLUDE_TIES: return peer && row != p->row;
    default: return false;
    }
}

/* The n-th row of the frame that counts, from 1, from its end when backward; false: it has fewer.
 */
bool window_frame_row(const struct window_state *w, const struct place *p, int64_t n, bool backward,
                      size_t *ret_row) {
    size_t first, last;
    window_frame(w, p, &first, &last);
    if (window_plan(w)->frame->exclude == EXCLUDE_NO_OTHERS) {
        if ((int64_t)(last - first) < n) return false;
        *ret_row = backward ? last - (size_t)n : first + (size_t)n - 1;
        return true;
    }
    for (size_t i = first; i < last; i++) {
        size_t row = backward ? last - 1 - (i - first) : i;
        if (window_is_excluded(w, p, row) || --n) continue;
        *ret_row = row;
        return true;
    }
    return false;
}

status window_offset(struct window_state *w, struct program_state *s, bool is_start, datum *ret) {
    struct error *e = w->op.x->env->eval.error;
    const char *which = is_start ? "starting" : "ending";
    datum d;
    bool is_null;
    if (!s) return OK;
    TRY(program_value(s, &w->arena, &d, &is_null));
    if (is_null)
        return error_set(e, ST_NULL_VALUE_NOT_ALLOWED, "frame %s offset must not be null", which);
    if (window_plan(w)->frame->mode != FRAME_RANGE) {
        if (d.i64 < 0)
            return error_set(e, ST_INVALID_PRECEDING_OR_FOLLOWING_SIZE,
                             "frame %s offset must not be negative", which);
        if (d.i64 > INT32_MAX) d = datum_int8(INT32_MAX);
    }
    *ret = d;
    return OK;
}

/* ---- RANGE with offsets ----
 * Rows are sorted by one column; the bounds only move on from row to row. Nulls are in range of
 * nulls alone. */

static status in_range(struct window_state *w, size_t row, const struct place *p, bool is_end,
                       bool *ret) {
    const struct plan_window *plan = window_plan(w);
    const struct plan_sort_column *key = &plan->order[0];
    bool preceding = (is_end ? plan->frame->end : plan->frame->start) == BOUND_OFFSET_PRECEDING;
    struct eval_env env = w->op.x->env->eval;
    env.arena = w->op.arena;
    datum args[5];
    uint8_t nulls[5] = {0};
    bool has_value = window_value_at(w, row, key->column, &args[0]);
    if (!window_value_at(w, p->row, key->column, &args[1]) || !has_value) {
        bool null_row = !has_value, null_here = !window_value_at(w, p->row, key->column, &args[1]);
        *ret = null_row == null_here || (null_row == key->nulls_first) == is_end;
        return OK;
    }
    args[2] = is_end ? w->end_offset : w->start_offset;
    args[3] = datum_bool(preceding != key->descending);
    args[4] = datum_bool(is_end != key->descending);
    struct fn_call c = {.args = args,
                        .nulls = nulls,
                        .nargs = 5,
                        .env = &env,
                        .site = is_end ? plan->end_in_range : plan->start_in_range};
    TRY(function_call(&c));
    *ret = c.result.b;
    return OK;
}

status window_find_range(struct window_state *w, struct place *p) {
    bool in;
    while (window_plan(w)->start_in_range && p->range_first < p->last) {
        TRY(in_range(w, p->range_first, p, false, &in));
        if (in) break;
        p->range_first++;
    }
    while (window_plan(w)->end_in_range && p->range_last < p->last) {
        TRY(in_range(w, p->range_last, p, true, &in));
        if (!in) break;
        p->range_last++;
    }
    return OK;
}
