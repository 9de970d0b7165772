/* Merge join: both sides come sorted by the keys. The right rows of one key are kept (beyond memory
 * in temporary space) and read again for every left row of that key.
 *
 * Rows come in the order of the left side, of a RIGHT join in that of the right side. Combinations
 * are looked at a batch at a time: where a further condition decides about a left row, the row
 * itself stands behind its combinations and is given when they have (SEMI) or have not (LEFT, FULL,
 * ANTI) been found true. */
#include <stdlib.h>

#include "exec/internal.h"

struct merge_side {
    struct operator* op;
    struct program_state *keys;
    struct arena arena; /* of the keys' values */
    struct batch batch;
    uint16_t at;
    bool end;
};

enum merge_state {
    NEXT_LEFT,    /* the next left row looks for its group */
    PAIR,         /* it is combined with the group */
    ROW_END,      /* it has been */
    GROUP_END,    /* the group's rows without a partner are given */
    REST_OF_RIGHT /* the left side is at its end */
};

enum entry { COMBINATION, LEFT_ROW, SURE };

struct merge_join {
    struct operator op;
    struct merge_side left, right;
    struct program_state *condition;
    enum merge_state state, after_group;
    bool begun, done;
    /* Right rows of the key at hand: [first, first + n) of rows; before them are those of groups
     * that the batch at hand still shows. */
    struct row_store *rows, *spare;
    size_t first, group_n;
    size_t at; /* in the group: the next partner */
    bool has_group;
    datum *key; /* of the group */
    struct arena key_arena;
    uint64_t *met; /* RIGHT, FULL with a condition: a bit for each row of the group */
    size_t met_words;
    /* A left row has a partner: the one at hand; with a further condition, the one whose
     * combinations were looked at last. */
    bool row_matched;
    struct vec *combined; /* left columns, then right ones */
    struct vec *shifted;  /* of the right ones from some row on */
    enum entry *entries;
    size_t *partner;
    uint16_t *pairs, *passed, *kept;
};

static const struct plan_merge_join *plan_of(const struct merge_join *m) {
    return &m->op.plan->merge;
}

static bool decides_only(const struct merge_join *m) {
    return plan_of(m)->join == PLAN_SEMI || plan_of(m)->join == PLAN_ANTI;
}

static bool keeps_right(const struct merge_join *m) {
    return plan_of(m)->join == PLAN_RIGHT || plan_of(m)->join == PLAN_FULL;
}

/* Whether a left row is given by itself, when it has, or has not, a partner. */
static bool gives_left(const struct merge_join *m, bool matched) {
    switch (plan_of(m)->join) {
    case PLAN_SEMI: return matched;
    case PLAN_LEFT:
    case PLAN_FULL:
    case PLAN_ANTI: return !matched;
    default: return false;
    }
}

static status side_open(struct merge_join *m, struct merge_side *s, struct operator* op,
                        const struct program *keys) {
    s->op = op;
    arena_init(&s->arena, 0);
    return program_open(m->op.x, keys, op->plan->capacity, &s->keys);
}

static status merge_open(struct operator* op) {
    struct merge_join *m = (struct merge_join *)op;
    const struct plan_merge_join *p = &op->plan->merge;
    const struct plan *l = op->plan->left, *r = op->plan->right;
    struct execution *x = op->x;
    uint16_t capacity = op->plan->capacity;
    TRY(side_open(m, &m->left, op->left, p->left_keys));
    TRY(side_open(m, &m->right, op->right, p->right_keys));
    if (p->condition) TRY(program_open(x, p->condition, capacity, &m->condition));
    TRY(row_store_new_sequence(x, r->ncolumns, r->types, &m->rows));
    TRY(row_store_new_sequence(x, r->ncolumns, r->types, &m->spare));
    TRY(columns_new(x, (uint16_t)(l->ncolumns + r->ncolumns), capacity, &m->combined));
    arena_init(&m->key_arena, 0);
    NEW_N(x, m->shifted, r->ncolumns + 1);
    NEW_N(x, m->key, p->nkeys);
    NEW_N(x, m->entries, capacity);
    NEW_N(x, m->partner, capacity);
    NEW_N(x, m->pairs, capacity);
    NEW_N(x, m->passed, capacity);
    NEW_N(x, m->kept, capacity);
    op->out.columns = m->combined;
    return OK;
}

/* ---- the two sides ---- */

static status next_batch(struct merge_join *m, struct merge_side *s) {
    const struct batch *b;
    TRY(operator_next(s->op, &b));
    s->batch = *b;
    s->at = 0;
    s->end = b->nrows == 0;
    if (s->end) return OK;
    if (s->arena.chunk) arena_reset(&s->arena);
    TRY(program_run(s->keys, b->columns, b->sel, b->nrows, &s->arena));
    return sql_env_breathe(m->op.x->env);
}

/* The side has a row at hand, or is at its end. */
static status look(struct merge_join *m, struct merge_side *s) {
    return s->end || s->at < s->batch.nrows ? OK : next_batch(m, s);
}

static uint16_t row_of(const struct merge_side *s) {
    return batch_row(&s->batch, s->at);
}

static bool has_null_key(const struct merge_join *m, const struct merge_side *s) {
    for (uint16_t k = 0; k < plan_of(m)->nkeys; k++)
        if (program_output(s->keys, k)->nulls[row_of(s)]) return true;
    return false;
}

static int compare_key(const struct merge_join *m, uint16_t k, datum a, datum b) {
    int c = type_compare(plan_of(m)->key_types[k], a, b);
    return plan_of(m)->descending[k] ? (c < 0) - (c > 0) : c;
}

static int left_to_right(const struct merge_join *m) {
    uint16_t l = row_of(&m->left), r = row_of(&m->right);
    int c = 0;
    for (uint16_t k = 0; k < plan_of(m)->nkeys && c == 0; k++)
        c = compare_key(m, k, program_output(m->left.keys, k)->values[l],
                        program_output(m->right.keys, k)->values[r]);
    return c;
}

/* Of the row at hand to the group. */
static int side_to_group(const struct merge_join *m, const struct merge_side *s) {
    uint16_t row = row_of(s);
    int c = 0;
    for (uint16_t k = 0; k < plan_of(m)->nkeys && c == 0; k++)
        c = compare_key(m, k, program_output(s->keys, k)->values[row], m->key[k]);
    return c;
}

/* ---- what goes into the batch ---- */

static void put_left(struct merge_join *m, uint16_t to, enum entry kind) {
    const struct plan *l = m->op.plan->left, *r = m->op.plan->right;
    uint16_t row = row_of(&m->left);
    for (uint16_t c = 0; c < l->ncolumns; c++) {
        m->combined[c].values[to] = m->left.batch.columns[c].values[row];
        m->combined[c].nulls[to] = m->left.batch.columns[c].nulls[row];
    }
    m->entries[to] = kind;
    if (kind == COMBINATION) return;
    for (uint16_t c = 0; c < r->ncolumns; c++) m->combined[l->ncolumns + c].nulls[to] = 1;
}

static void shift_right(struct merge_join *m, uint16_t to) {
    const struct vec *right = m->combined + m->op.plan->left->ncolumns;
    for (uint16_t c = 0; c < m->op.plan->right->ncolumns; c++)
        m->shifted[c] = (struct vec){right[c].values + to, right[c].nulls + to};
}

static void null_left(struct merge_join *m, uint16_t to) {
    for (uint16_t c = 0; c < m->op.plan->left->ncolumns; c++) m->combined[c].nulls[to] = 1;
    m->entries[to] = SURE;
}

/* The right row at hand, without a partner. */
static status put_right(struct merge_join *m, uint16_t to) {
    const struct plan *r = m->op.plan->right;
    uint16_t row = row_of(&m->right);
    null_left(m, to);
    shift_right(m, to);
    for (uint16_t c = 0; c < r->ncolumns; c++) {
        const struct vec *from = &m->right.batch.columns[c];
        m->shifted[c].nulls[0] = from->nulls[row];
        m->shifted[c].values[0] = from->values[row];
        if (from->nulls[row] || r->types[c]->byval) continue;
        TRY(type_copy(r->types[c], from->values[row], m->op.arena, &m->shifted[c].values[0]));
    }
    return OK;
}

/* ---- groups ---- */

static bool needs_met(const struct merge_join *m) {
    return keeps_right(m) && m->condition;
}

static status clear_met(struct merge_join *m) {
    size_t words = m->group_n / 64 + 1;
    if (!needs_met(m)) return OK;
    if (words > m->met_words) {
        uint64_t *grown = realloc(m->met, 2 * words * sizeof *grown);
        NEEDS(m->op.x, grown);
        m->met = grown;
        m->met_words = 2 * words;
    }
    memset(m->met, 0, words * sizeof *m->met);
    return OK;
}

static status keep_key(struct merge_join *m) {
    uint16_t row = row_of(&m->right);
    if (m->key_arena.chunk) arena_reset(&m->key_arena);
    for (uint16_t k = 0; k < plan_of(m)->nkeys; k++)
        TRY(type_copy(plan_of(m)->key_types[k], program_output(m->right.keys, k)->values[row],
                      &m->key_arena, &m->key[k]));
    return OK;
}

/* Takes all right rows with the key of the one at hand. Where a partner decides by being there, the
 * first is enough. */
static status take_group(struct merge_join *m) {
    bool first_only = decides_only(m) && !m->condition;
    TRY(keep_key(m));
    m->has_group = true;
    m->first = row_store_count(m->rows);
    m->group_n = 0;
    do {
        if (!first_only || m->group_n == 0) {
            TRY(row_store_add(m->rows, m->right.batch.columns, row_of(&m->right), NULL));
            m->group_n++;
        }
        m->right.at++;
        TRY(look(m, &m->right));
    } while (!m->right.end && !has_null_key(m, &m->right) && side_to_group(m, &m->right) == 0);
    return clear_met(m);
}

/* Before a batch: groups of the one before are given up. */
static status drop_groups(struct merge_join *m) {
    struct row_store *from = m->rows, *to = m->spare;
    if (!m->has_group) row_store_clear(from);
    if (!m->has_group || m->first == 0) return OK;
    size_t at = m->first, end = m->first + m->group_n;
    uint16_t n;
    while (at < end) {
        size_t left = end - at;
        uint16_t most = left < m->op.plan->capacity ? (uint16_t)left : m->op.plan->capacity;
        shift_right(m, 0);
        TRY(row_store_read(from, &at, m->shifted, most, m->op.arena, &n));
        for (uint16_t i = 0; i < n; i++) TRY(row_store_add(to, m->shifted, i, NULL));
        TRY(sql_env_breathe(m->op.x->env));
    }
    row_store_clear(from);
    m->first = 0;
    m->rows = to;
    m->spare = from;
    return OK;
}

/* ---- the merge ---- */

/* Right rows below the left one at hand are passed over, given where they must be. *ret_full: the
 * batch has no room. */
static status pass_right(struct merge_join *m, uint16_t *n, bool *ret_full, int *ret_compare) {
    *ret_full = false;
    for (;;) {
        TRY(look(m, &m->right));
        if (m->right.end) return OK;
        bool null_key = has_null_key(m, &m->right);
        *ret_compare = null_key ? 1 : left_to_right(m);
        if (*ret_compare <= 0) return OK;
        if (keeps_right(m)) {
            *ret_full = *n == m->op.plan->capacity;
            if (*ret_full) return OK;
            TRY(put_right(m, (*n)++));
        }
        m->right.at++;
    }
}

/* The group is over: its rows without a partner are known when all combinations are looked at. */
static void end_group(struct merge_join *m, enum merge_state after) {
    m->after_group = after;
    m->has_group = needs_met(m);
    m->state = m->has_group ? GROUP_END : after;
    m->at = 0;
}

/* The left row at hand finds its group, or is known to have none. */
static status find_group(struct merge_join *m, uint16_t *n) {
    int c = 1;
    bool full;
    if (!m->condition) m->row_matched = false;
    m->state = ROW_END;
    if (has_null_key(m, &m->left)) return OK;
    if (m->has_group) {
        c = side_to_group(m, &m->left);
        if (c > 0) {
            end_group(m, NEXT_LEFT);
            return OK;
        }
    } else {
        TRY(pass_right(m, n, &full, &c));
        if (full) m->state = NEXT_LEFT;
        if (full || m->right.end || c) return OK;
        TRY(take_group(m));
    }
    if (c) return OK;
    m->at = 0;
    m->state = PAIR;
    if (decides_only(m) && !m->condition) {
        m->row_matched = true;
        m->state = ROW_END;
    }
    return OK;
}

static status next_left(struct merge_join *m, uint16_t *n, bool *ret_full) {
    enum plan_join join = plan_of(m)->join;
    if (m->left.at >= m->left.batch.nrows && *n) { /* its rows stand in the batch */
        *ret_full = true;
        return OK;
    }
    TRY(look(m, &m->left));
    if (m->left.end) {
        if (m->has_group)
            end_group(m, REST_OF_RIGHT);
        else
            m->state = REST_OF_RIGHT;
        return OK;
    }
    bool nothing_left = m->right.end && !m->has_group &&
                        (join == PLAN_INNER || join == PLAN_SEMI || join == PLAN_RIGHT);
    m->done = nothing_left;
    return nothing_left ? OK : find_group(m, n);
}

static status pair(struct merge_join *m, uint16_t *n) {
    size_t left = m->group_n - m->at, row = m->first + m->at;
    uint16_t room = (uint16_t)(m->op.plan->capacity - *n), got, from = *n;
    bool decided = decides_only(m) && from == 0 && m->row_matched; /* by the batch before */
    if (left == 0 || decided) {
        m->state = ROW_END;
        return OK;
    }
    if (left < room) room = (uint16_t)left;
    shift_right(m, from);
    TRY(row_store_read(m->rows, &row, m->shifted, room, m->op.arena, &got));
    for (uint16_t i = 0; i < got; i++) {
        put_left(m, (uint16_t)(from + i), COMBINATION);
        m->partner[from + i] = m->at++;
    }
    *n = (uint16_t)(from + got);
    if (!m->condition) m->row_matched = true;
    return OK;
}

static void end_row(struct merge_join *m, uint16_t *n) {
    bool open = m->condition && (gives_left(m, true) || gives_left(m, false));
    if (open)
        put_left(m, (*n)++, LEFT_ROW);
    else if (gives_left(m, m->row_matched))
        put_left(m, (*n)++, SURE);
    m->left.at++;
    m->state = NEXT_LEFT;
}

static status give_group(struct merge_join *m, uint16_t *n, bool *ret_full) {
    uint16_t got;
    *ret_full = *n > 0; /* combinations that are not looked at yet, or given rows */
    if (*ret_full) return OK;
    for (; m->at < m->group_n && *n < m->op.plan->capacity; m->at++) {
        size_t row = m->first + m->at;
        if (m->met[m->at / 64] >> (m->at % 64) & 1) continue;
        shift_right(m, *n);
        TRY(row_store_read(m->rows, &row, m->shifted, 1, m->op.arena, &got));
        null_left(m, (*n)++);
    }
    *ret_full = m->at < m->group_n;
    if (*ret_full) return OK;
    m->has_group = false;
    m->state = m->after_group;
    return OK;
}

static status rest_of_right(struct merge_join *m, uint16_t *n, bool *ret_full) {
    while (keeps_right(m)) {
        TRY(look(m, &m->right));
        *ret_full = *n == m->op.plan->capacity;
        if (m->right.end || *ret_full) break;
        TRY(put_right(m, (*n)++));
        m->right.at++;
    }
    m->done = !*ret_full;
    return OK;
}

/* Fills the batch as far as the left rows at hand reach. */
static status fill(struct merge_join *m, uint16_t *n) {
    bool full = false;
    while (!full && !m->done && *n < m->op.plan->capacity) {
        switch (m->state) {
        case NEXT_LEFT: TRY(next_left(m, n, &full)); break;
        case PAIR: TRY(pair(m, n)); break;
        case ROW_END: end_row(m, n); break;
        case GROUP_END: TRY(give_group(m, n, &full)); break;
        case REST_OF_RIGHT: TRY(rest_of_right(m, n, &full)); break;
        }
    }
    return OK;
}

/* ---- what is kept of the batch ---- */

static status check_pairs(struct merge_join *m, uint16_t n, uint16_t *ret_passed) {
    uint16_t npairs = 0;
    for (uint16_t i = 0; i < n; i++)
        if (m->entries[i] == COMBINATION) m->pairs[npairs++] = i;
    *ret_passed = 0;
    if (npairs == 0) return OK;
    return program_filter(m->condition, m->combined, m->pairs, npairs, m->op.arena, m->passed,
                          ret_passed);
}

static status keep(struct merge_join *m, uint16_t n) {
    struct batch *out = &m->op.out;
    uint16_t passed, at = 0;
    out->nrows = 0;
    out->sel = NULL;
    if (!m->condition) {
        out->nrows = n;
        return OK;
    }
    TRY(check_pairs(m, n, &passed));
    for (uint16_t i = 0; i < n; i++) {
        bool is_kept = m->entries[i] == SURE;
        if (m->entries[i] == COMBINATION && at < passed && m->passed[at] == i) {
            at++;
            m->row_matched = true;
            is_kept = !decides_only(m);
            if (needs_met(m)) m->met[m->partner[i] / 64] |= (uint64_t)1 << (m->partner[i] % 64);
        } else if (m->entries[i] == LEFT_ROW) {
            is_kept = gives_left(m, m->row_matched);
            m->row_matched = false;
        }
        if (is_kept) m->kept[out->nrows++] = i;
    }
    out->sel = m->kept;
    return OK;
}

static status merge_next(struct operator* op) {
    struct merge_join *m = (struct merge_join *)op;
    op->out.nrows = 0;
    while (op->out.nrows == 0 && !m->done) {
        uint16_t n = 0;
        TRY(drop_groups(m));
        TRY(fill(m, &n));
        TRY(keep(m, n));
        TRY(sql_env_breathe(op->x->env));
    }
    return OK;
}

static status side_restart(struct merge_side *s) {
    s->at = s->batch.nrows = 0;
    s->end = false;
    return operator_restart(s->op);
}

static status merge_restart(struct operator* op) {
    struct merge_join *m = (struct merge_join *)op;
    row_store_clear(m->rows);
    row_store_clear(m->spare);
    m->has_group = m->done = m->row_matched = false;
    m->state = NEXT_LEFT;
    m->first = m->group_n = m->at = 0;
    TRY(side_restart(&m->left));
    return side_restart(&m->right);
}

static void merge_close(struct operator* op) {
    struct merge_join *m = (struct merge_join *)op;
    struct arena *arenas[] = {&m->left.arena, &m->right.arena, &m->key_arena};
    for (unsigned i = 0; i < 3; i++)
        if (arenas[i]->chunk) arena_free(arenas[i]);
    free(m->met);
    m->met = NULL;
}

const struct operator_class operator_merge_join = {sizeof(struct merge_join), merge_open,
                                                   merge_next, merge_restart, merge_close};
