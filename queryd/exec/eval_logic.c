/* Instructions of three-valued logic and of choice: their parts run only for the rows that need
 * them. */
#include "exec/internal.h"
#include "types/record.h"

static status scratch(struct program_state *s, uint16_t n, uint16_t **ret) {
    *ret = arena_alloc(s->arena, n * sizeof **ret);
    if (!*ret) return exec_memory(s->x);
    return OK;
}

static status all_rows(struct program_state *s, const uint16_t *sel, uint16_t n, uint16_t **ret) {
    TRY(scratch(s, n, ret));
    for (uint16_t k = 0; k < n; k++) (*ret)[k] = sel ? sel[k] : k;
    return OK;
}

/* One row: no lists needed. */
static status and_or_one(struct program_state *s, const struct instr *i, const uint16_t *sel,
                         bool stop) {
    uint16_t row = sel ? sel[0] : 0;
    struct vec *result = &s->regs[i->result];
    uint8_t is_null = 0;
    for (uint16_t a = 0; a < i->nargs; a++) {
        TRY(block_run(s, i->blocks[a], i->blocks[a + 1], sel, 1));
        const struct vec *v = &s->regs[i->args[a]];
        if (v->nulls[row]) {
            is_null = 1;
        } else if (v->values[row].b == stop) {
            result->values[row] = datum_bool(stop);
            result->nulls[row] = 0;
            return OK;
        }
    }
    result->values[row] = datum_bool(!stop);
    result->nulls[row] = is_null;
    return OK;
}

status eval_and_or(struct program_state *s, const struct instr *i, const uint16_t *sel,
                   uint16_t n) {
    bool stop = i->kind == INSTR_OR; /* the value that decides alone */
    if (n == 1) return and_or_one(s, i, sel, stop);
    struct vec *result = &s->regs[i->result];
    uint16_t *live;
    TRY(all_rows(s, sel, n, &live));
    for (uint16_t k = 0; k < n; k++) {
        result->values[live[k]] = datum_bool(!stop);
        result->nulls[live[k]] = 0;
    }
    for (uint16_t a = 0; a < i->nargs && n; a++) {
        TRY(block_run(s, i->blocks[a], i->blocks[a + 1], live, n));
        const struct vec *v = &s->regs[i->args[a]];
        uint16_t kept = 0;
        for (uint16_t k = 0; k < n; k++) { /* without branches: nobody can guess them */
            uint16_t row = live[k];
            uint8_t is_null = v->nulls[row];
            bool decided = !is_null & ((v->values[row].u64 & 1) == stop);
            result->values[row] = datum_bool(decided == stop);
            result->nulls[row] = decided ? 0 : result->nulls[row] | is_null;
            live[kept] = row;
            kept = (uint16_t)(kept + !decided);
        }
        n = kept;
    }
    return OK;
}

static void copy_rows(const struct vec *from, struct vec *to, const uint16_t *rows, uint16_t n) {
    for (uint16_t k = 0; k < n; k++) {
        to->values[rows[k]] = from->values[rows[k]];
        to->nulls[rows[k]] = from->nulls[rows[k]];
    }
}

status eval_case(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    struct vec *result = &s->regs[i->result];
    uint16_t *live, *taken;
    TRY(all_rows(s, sel, n, &live));
    TRY(scratch(s, n, &taken));
    uint16_t a = 0;
    for (; a + 1 < i->nargs && n; a += 2) {
        TRY(block_run(s, i->blocks[a], i->blocks[a + 1], live, n));
        const struct vec *v = &s->regs[i->args[a]];
        uint16_t kept = 0, ntaken = 0;
        for (uint16_t k = 0; k < n; k++) {
            uint16_t row = live[k];
            if (!v->nulls[row] && v->values[row].b)
                taken[ntaken++] = row;
            else
                live[kept++] = row;
        }
        n = kept;
        TRY(block_run(s, i->blocks[a + 1], i->blocks[a + 2], taken, ntaken));
        copy_rows(&s->regs[i->args[a + 1]], result, taken, ntaken);
    }
    a = (uint16_t)(i->nargs - 1);
    TRY(block_run(s, i->blocks[a], i->blocks[a + 1], live, n));
    copy_rows(&s->regs[i->args[a]], result, live, n);
    return OK;
}

status eval_coalesce(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n) {
    struct vec *result = &s->regs[i->result];
    uint16_t *live;
    TRY(all_rows(s, sel, n, &live));
    for (uint16_t a = 0; a < i->nargs && n; a++) {
        TRY(block_run(s, i->blocks[a], i->blocks[a + 1], live, n));
        const struct vec *v = &s->regs[i->args[a]];
        copy_rows(v, result, live, n);
        uint16_t kept = 0;
        for (uint16_t k = 0; k < n; k++)
            if (v->nulls[live[k]]) live[kept++] = live[k];
        n = kept;
    }
    return OK;
}

status eval_not(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    const struct vec *v = &s->regs[i->args[0]];
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        result->values[row] = datum_bool(!v->values[row].b);
        result->nulls[row] = v->nulls[row];
    }
    return OK;
}

/* IS [NOT] NULL of a record: every field is (not) null. */
static bool record_is_null(const struct varlena *v, bool negated) {
    struct record_cursor c;
    datum value;
    bool is_null;
    if (!ok(record_cursor_init(&c, v))) return false;
    while (record_cursor_next(&c, &value, &is_null))
        if (!c.dropped && !is_null != negated) return false;
    return true;
}

static bool test_row(const struct instr *i, const struct vec *v, uint16_t row) {
    if (i->kind == INSTR_NULL_TEST) {
        if (!v->nulls[row] && i->other_type) return record_is_null(v->values[row].v, i->negated);
        return (v->nulls[row] != 0) != i->negated;
    }
    bool known = !v->nulls[row], is;
    switch (i->test) {
    case EXPR_IS_TRUE: is = known && v->values[row].b; break;
    case EXPR_IS_FALSE: is = known && !v->values[row].b; break;
    default: is = !known; break;
    }
    return is != i->negated;
}

status eval_tests(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    const struct vec *v = &s->regs[i->args[0]];
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        result->values[row] = datum_bool(test_row(i, v, row));
        result->nulls[row] = 0;
    }
    return OK;
}

status eval_min_max(struct program_state *s, const struct instr *i, const uint16_t *sel,
                    uint16_t n) {
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        const struct vec *best = NULL;
        for (uint16_t a = 0; a < i->nargs; a++) {
            const struct vec *v = &s->regs[i->args[a]];
            if (v->nulls[row]) continue;
            if (best) {
                int c = type_compare(i->type, v->values[row], best->values[row]);
                if (i->negated ? c >= 0 : c <= 0) continue;
            }
            best = v;
        }
        result->nulls[row] = best == NULL;
        if (best) result->values[row] = best->values[row];
    }
    return OK;
}

/* NULLIF and IS DISTINCT FROM, by their equality operator. */
status eval_equality(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n) {
    const struct vec *l = &s->regs[i->args[0]], *r = &s->regs[i->args[1]];
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        datum equal = {0};
        uint8_t unknown = 1;
        bool both = !l->nulls[row] && !r->nulls[row];
        if (both) {
            datum args[2] = {l->values[row], r->values[row]};
            uint8_t nulls[2] = {0, 0};
            TRY(call_site(s, i->site, args, nulls, 2, &equal, &unknown));
        }
        bool same = both && !unknown && equal.b;
        if (i->kind == INSTR_NULLIF) {
            result->nulls[row] = l->nulls[row] || same;
            result->values[row] = l->values[row];
        } else {
            if (!both) same = l->nulls[row] && r->nulls[row];
            result->nulls[row] = 0;
            result->values[row] = datum_bool(same == i->negated);
        }
    }
    return OK;
}
