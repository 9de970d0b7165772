/* Instructions that search lists and build values: IN, ANY, arrays, rows, subscripts, casts. */
#include "exec/internal.h"
#include "types/array.h"
#include "types/jsonb.h"
#include "types/record.h"

/* One comparison of an IN list or array; *ret_done: the answer is known. */
static status compare_item(struct program_state *s, const struct instr *i, datum left, datum item,
                           uint8_t item_null, bool all, bool *ret_unknown, bool *ret_done) {
    if (item_null && i->site->function->strict) {
        *ret_unknown = true;
        return OK;
    }
    datum args[2] = {left, item}, result;
    uint8_t nulls[2] = {0, item_null}, is_null;
    TRY(call_site(s, i->site, args, nulls, 2, &result, &is_null));
    if (is_null)
        *ret_unknown = true;
    else if (result.b != all)
        *ret_done = true;
    return OK;
}

static void set_answer(struct vec *result, uint16_t row, bool all, bool unknown, bool done) {
    result->nulls[row] = !done && unknown;
    result->values[row] = datum_bool(done ? !all : all);
}

/* One row of an IN list: item by item. */
static status in_list_row(struct program_state *s, const struct instr *i, uint16_t row) {
    const struct vec *left = &s->regs[i->args[0]];
    bool all = i->expr->call.is_all, unknown = false, done = false;
    for (uint16_t a = 1; a < i->nargs && !done; a++) {
        const struct vec *v = &s->regs[i->args[a]];
        TRY(compare_item(s, i, left->values[row], v->values[row], v->nulls[row], all, &unknown,
                         &done));
    }
    set_answer(&s->regs[i->result], row, all, unknown, done);
    return OK;
}

/* The comparison of the pending rows with an item. The call's site counts all items of the list. */
static status compare_rows(struct program_state *s, const struct instr *i,
                           const struct vec *const *args, struct vec *ret, const uint16_t *pending,
                           uint16_t n) {
    struct fn_call c = {.nargs = 2, .env = &s->eval, .site = i->site};
    if (i->site->function->vector) return i->site->function->vector(&c, args, ret, pending, n);
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = pending[k];
        datum values[2] = {args[0]->values[row], args[1]->values[row]};
        uint8_t nulls[2] = {0, args[1]->nulls[row]};
        TRY(call_site(s, i->site, values, nulls, 2, &ret->values[row], &ret->nulls[row]));
    }
    return OK;
}

/* Compares the pending rows with one item; those that it decides are pending no longer. A null
 * result marks rows that some item said nothing of. */
static status compare_with_item(struct program_state *s, const struct instr *i, uint16_t item,
                                struct vec *scratch, uint16_t *pending, uint16_t *n) {
    const struct vec *args[2] = {&s->regs[i->args[0]], &s->regs[i->args[item]]};
    struct vec *result = &s->regs[i->result];
    bool all = i->expr->call.is_all;
    uint16_t kept = 0;
    TRY(compare_rows(s, i, args, scratch, pending, *n));
    for (uint16_t k = 0; k < *n; k++) {
        uint16_t row = pending[k];
        if (!scratch->nulls[row] && scratch->values[row].b != all) {
            set_answer(result, row, all, false, true);
            continue;
        }
        result->nulls[row] |= scratch->nulls[row];
        pending[kept++] = row;
    }
    *n = kept;
    return OK;
}

/* IN is ANY of =, NOT IN is ALL of <>. */
status eval_in_list(struct program_state *s, const struct instr *i, const uint16_t *sel,
                    uint16_t n) {
    const struct vec *left = &s->regs[i->args[0]];
    struct vec *result = &s->regs[i->result];
    struct vec scratch = {arena_alloc(s->arena, s->capacity * sizeof(datum)),
                          arena_alloc(s->arena, s->capacity)};
    uint16_t *pending = arena_alloc(s->arena, s->capacity * sizeof *pending), m = 0;
    if (!scratch.values || !scratch.nulls || !pending) return exec_memory(s->x);
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        result->nulls[row] = left->nulls[row];
        if (!left->nulls[row]) pending[m++] = row;
    }
    if (m == 1) return in_list_row(s, i, pending[0]);
    for (uint16_t a = 1; a < i->nargs && m; a++) {
        if (a > 1) TRY(sql_env_breathe(s->x->env));
        TRY(compare_with_item(s, i, a, &scratch, pending, &m));
    }
    for (uint16_t k = 0; k < m; k++)
        set_answer(result, pending[k], i->expr->call.is_all, result->nulls[pending[k]], false);
    return OK;
}

static status array_op_row(struct program_state *s, const struct instr *i, const struct vec *left,
                           const struct vec *array, struct vec *result, uint16_t row) {
    bool all = i->expr->call.is_all, unknown = false, done = false;
    if (array->nulls[row]) {
        result->nulls[row] = 1;
        return OK;
    }
    struct array_cursor c;
    TRY(array_cursor_init(&c, array->values[row].v));
    datum item;
    bool item_null;
    while (!done && array_cursor_next(&c, &item, &item_null)) {
        if (left->nulls[row] && i->site->function->strict)
            unknown = true;
        else
            TRY(compare_item(s, i, left->values[row], item, item_null, all, &unknown, &done));
    }
    set_answer(result, row, all, unknown, done);
    return OK;
}

status eval_array_op(struct program_state *s, const struct instr *i, const uint16_t *sel,
                     uint16_t n) {
    const struct vec *left = &s->regs[i->args[0]], *array = &s->regs[i->args[1]];
    for (uint16_t k = 0; k < n; k++) {
        status st = array_op_row(s, i, left, array, &s->regs[i->result], sel ? sel[k] : k);
        if (!ok(st) && s->x->env->eval.error->status.code == ST_OK)
            return error_set(s->x->env->eval.error, ST_DATA_CORRUPTED, "invalid array");
        TRY(st);
    }
    return OK;
}

/* The arguments of a row as arrays of their own. */
static status gather(struct program_state *s, const struct instr *i, uint16_t row, datum **values,
                     uint8_t **nulls) {
    *values = arena_alloc(s->arena, (i->nargs + 1u) * sizeof **values);
    *nulls = arena_alloc(s->arena, i->nargs + 1u);
    if (!*values || !*nulls) return exec_memory(s->x);
    for (uint16_t a = 0; a < i->nargs; a++) {
        const struct vec *v = &s->regs[i->args[a]];
        (*values)[a] = v->values[row];
        (*nulls)[a] = v->nulls[row];
    }
    return OK;
}

status eval_array(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    struct vec *result = &s->regs[i->result];
    oid element = i->expr->array.element;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        datum *values;
        uint8_t *nulls;
        TRY(gather(s, i, row, &values, &nulls));
        result->nulls[row] = 0;
        if (i->expr->array.nested)
            TRY(array_build_nested(&s->eval, element, values, nulls, i->nargs,
                                   &result->values[row]));
        else
            TRY(array_build_1d(&s->eval, element, values, nulls, i->nargs, &result->values[row]));
    }
    return OK;
}

/* A literal that nobody gave a type is text in a row. */
static status literals_to_text(struct program_state *s, const struct instr *i, datum *values,
                               const uint8_t *nulls) {
    for (uint16_t a = 0; a < i->nargs; a++) {
        if (nulls[a] || i->expr->args[a]->type != UNKNOWNOID) continue;
        values[a].v = varlena_from(s->arena, values[a].s, strlen(values[a].s));
        if (!values[a].v) return exec_memory(s->x);
    }
    return OK;
}

status eval_row(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    struct vec *result = &s->regs[i->result];
    oid *types = arena_alloc(s->arena, (i->nargs + 1u) * sizeof *types);
    if (!types) return exec_memory(s->x);
    for (uint16_t a = 0; a < i->nargs; a++) types[a] = i->expr->args[a]->type;
    for (uint16_t a = 0; a < i->nargs; a++)
        if (types[a] == UNKNOWNOID) types[a] = TEXTOID;
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        datum *values;
        uint8_t *nulls;
        TRY(gather(s, i, row, &values, &nulls));
        TRY(literals_to_text(s, i, values, nulls));
        struct record r = {i->expr->type, i->nargs, types, i->expr->row.names, values, nulls};
        TRY(record_build(&s->eval, &r, &result->values[row]));
        result->nulls[row] = 0;
    }
    return OK;
}

/* False: a subscript is null. */
static bool read_bounds(struct program_state *s, const struct instr *i, uint16_t a, uint16_t row,
                        struct array_bounds *b) {
    const struct expr *e = i->expr;
    for (uint16_t d = 0; d < e->subscript.ndims; d++) {
        b->has_low[d] = e->subscript.have_low >> d & 1;
        b->has_high[d] = e->subscript.have_high >> d & 1;
        if (b->has_low[d]) {
            const struct vec *v = &s->regs[i->args[a++]];
            if (v->nulls[row]) return false;
            b->low[d] = v->values[row].i32;
        }
        if (b->has_high[d]) {
            const struct vec *v = &s->regs[i->args[a++]];
            if (v->nulls[row]) return false;
            b->high[d] = v->values[row].i32;
        }
    }
    return true;
}

/* A name is an array of 64 "char" that counts from 0. */
static status name_subscript(struct program_state *s, const struct array_bounds *b, uint16_t ndims,
                             bool slice, datum name, datum *ret, uint8_t *ret_is_null) {
    if (slice)
        return error_set(s->eval.error, ST_FEATURE_NOT_SUPPORTED,
                         "slices of fixed-length arrays not implemented");
    *ret_is_null = ndims != 1 || b->high[0] < 0 || b->high[0] >= NAME_BYTES;
    if (!*ret_is_null) *ret = (datum){.i64 = name.s[b->high[0]]};
    return OK;
}

status eval_subscript(struct program_state *s, const struct instr *i, const uint16_t *sel,
                      uint16_t n) {
    const struct vec *array = &s->regs[i->args[0]];
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        struct array_bounds b;
        result->nulls[row] = array->nulls[row] || !read_bounds(s, i, 1, row, &b);
        if (result->nulls[row]) continue;
        const struct varlena *v = array->values[row].v;
        uint16_t ndims = i->expr->subscript.ndims;
        if (i->expr->args[0]->type == NAMEOID) {
            TRY(name_subscript(s, &b, ndims, i->expr->subscript.slice, array->values[row],
                               &result->values[row], &result->nulls[row]));
        } else if (i->expr->subscript.slice) {
            TRY(array_slice(&s->eval, v, b.low, b.high, b.has_low, b.has_high, ndims,
                            &result->values[row]));
        } else {
            bool is_null;
            TRY(array_get(&s->eval, v, b.high, ndims, &result->values[row], &is_null));
            result->nulls[row] = is_null;
        }
    }
    return OK;
}

static status set_field(struct program_state *s, const struct instr *i, uint16_t row) {
    const struct vec *from = &s->regs[i->args[0]], *value = &s->regs[i->args[1]];
    struct vec *result = &s->regs[i->result];
    const struct type *t = i->type;
    uint16_t field = i->expr->column;
    oid *types = arena_alloc(s->arena, (t->nfields + 1u) * sizeof *types);
    datum *values = arena_zalloc(s->arena, (t->nfields + 1u) * sizeof *values);
    uint8_t *nulls = arena_alloc(s->arena, t->nfields + 1u);
    struct record old;
    if (!types || !values || !nulls) return exec_memory(s->x);
    memset(nulls, 1, t->nfields);
    for (uint16_t f = 0; f < t->nfields; f++) types[f] = t->fields[f].type;
    if (!from->nulls[row]) {
        TRY(record_split(&s->eval, from->values[row].v, &old));
        memcpy(values, old.values, t->nfields * sizeof *values);
        memcpy(nulls, old.nulls, t->nfields);
    }
    values[field] = value->values[row];
    nulls[field] = value->nulls[row];
    struct record r = {t->oid, t->nfields, types, NULL, values, nulls};
    result->nulls[row] = 0;
    return record_build(&s->eval, &r, &result->values[row]);
}

status eval_set_field(struct program_state *s, const struct instr *i, const uint16_t *sel,
                      uint16_t n) {
    for (uint16_t k = 0; k < n; k++) TRY(set_field(s, i, sel ? sel[k] : k));
    return OK;
}

static status set_in_json(struct program_state *s, const struct instr *i, uint16_t row) {
    const struct vec *from = &s->regs[i->args[0]], *value = &s->regs[i->args[1]];
    struct vec *result = &s->regs[i->result];
    result->nulls[row] = 0;
    return jsonb_assign(&s->eval, from->nulls[row] ? NULL : from->values[row].v,
                        s->regs[i->args[2]].values[row].v, i->expr->subscript.ndims,
                        value->nulls[row] ? NULL : value->values[row].v, &result->values[row]);
}

static status set_element(struct program_state *s, const struct instr *i, uint16_t row) {
    const struct vec *from = &s->regs[i->args[0]], *value = &s->regs[i->args[1]];
    struct vec *result = &s->regs[i->result];
    const struct expr *e = i->expr;
    struct array_bounds b;
    const struct varlena *old = from->nulls[row] ? NULL : from->values[row].v;
    oid element = e->subscript.element;
    if (!element) return set_in_json(s, i, row);
    if (!read_bounds(s, i, 2, row, &b))
        return error_set(s->x->env->eval.error, ST_NULL_VALUE_NOT_ALLOWED,
                         "array subscript in assignment must not be null");
    result->nulls[row] = 0;
    if (!e->subscript.slice)
        return array_set(&s->eval, element, old, b.high, e->subscript.ndims, value->values[row],
                         value->nulls[row], &result->values[row]);
    if (value->nulls[row]) { /* no slice to put anywhere */
        result->nulls[row] = from->nulls[row];
        result->values[row] = from->values[row];
        return OK;
    }
    return array_set_slice(&s->eval, element, old, &b, e->subscript.ndims, value->values[row].v,
                           &result->values[row]);
}

status eval_set_element(struct program_state *s, const struct instr *i, const uint16_t *sel,
                        uint16_t n) {
    for (uint16_t k = 0; k < n; k++) TRY(set_element(s, i, sel ? sel[k] : k));
    return OK;
}

static status cast_row(struct program_state *s, const struct instr *i, datum value, datum *ret,
                       uint8_t *ret_null) {
    const struct expr *e = i->expr;
    bool is_null = false;
    if (e->cast.path.path != CAST_RELABEL || e->cast.path.domain) {
        oid from = e->args[0]->type == UNKNOWNOID ? TEXTOID : e->args[0]->type;
        if (e->args[0]->type == UNKNOWNOID) {
            struct varlena *text = varlena_from(s->arena, value.s, strlen(value.s));
            if (!text) return exec_memory(s->x);
            value = datum_ptr(text);
        }
        TRY(cast_value(&s->eval, e->cast.path, from, e->type, e->typmod, e->cast.is_explicit, value,
                       &value, &is_null));
    }
    if (e->cast.apply_typmod && !is_null)
        TRY(type_apply_typmod(&s->eval, i->type, value, e->typmod, e->cast.is_explicit, &value));
    *ret = value;
    *ret_null = is_null;
    return OK;
}

status eval_cast(struct program_state *s, const struct instr *i, const uint16_t *sel, uint16_t n) {
    const struct vec *v = &s->regs[i->args[0]];
    struct vec *result = &s->regs[i->result];
    for (uint16_t k = 0; k < n; k++) {
        uint16_t row = sel ? sel[k] : k;
        result->nulls[row] = v->nulls[row];
        if (!v->nulls[row])
            TRY(cast_row(s, i, v->values[row], &result->values[row], &result->nulls[row]));
        else if (i->expr->cast.path.domain)
            TRY(type_check_domain(&s->eval, i->type, v->values[row], true));
    }
    return OK;
}
