/* Rows from JSON: json_populate_record, json_to_record, their sets, and the same of jsonb. */
#include <stdio.h>

#include "base/coro.h"
#include "types/array.h"
#include "types/jsonb.h"
#include "types/record.h"

/* A value of either form; the other member is empty. */
struct source {
    struct json_piece text;
    const struct jsonb *stored;
    const char *name; /* of the member it comes from, for errors */
};

static enum json_kind kind_of(const struct source *v) {
    return v->stored ? jsonb_json_kind(v->stored) : json_kind_of(v->text);
}

static struct source source_of(struct fn_call *c, size_t argument) {
    struct source v = {.name = ""};
    if (c->site->function->args[argument] == JSONBOID)
        v.stored = jsonb_root(c->args[argument].v);
    else
        v.text = json_piece_of(c->args[argument].v);
    return v;
}

static status find(const struct eval_env *env, const struct source *object, const char *name,
                   struct source *ret, bool *ret_found) {
    *ret = (struct source){.name = name};
    if (!object->stored)
        return json_find_member(env, object->text, name, strlen(name), &ret->text, ret_found);
    ret->stored = jsonb_find(object->stored, name, strlen(name));
    *ret_found = ret->stored != NULL;
    return OK;
}

/* What the value says as text: a string without its quotes, all else as it is written. */
static status source_text(const struct eval_env *env, const struct source *v, struct buf *out) {
    if (v->stored && v->stored->kind == JSONB_STRING)
        return buf_add(out, jsonb_varlena(v->stored)->data, v->stored->len);
    if (v->stored) return jsonb_print(env, v->stored, false, out);
    if (kind_of(v) == JSON_STRING) return json_unquote(env, v->text, out);
    return buf_add(out, v->text.p, v->text.len);
}

/* ---- walking an array ---- */

struct elements {
    const struct source *array;
    struct json_cursor cursor;
    uint32_t at;
};

static struct elements elements_of(const struct source *array) {
    struct elements e = {.array = array};
    if (!array->stored) json_cursor_init(&e.cursor, array->text);
    return e;
}

static bool next_element(struct elements *e, struct source *ret) {
    const struct source *a = e->array;
    struct json_piece key;
    *ret = (struct source){.name = a->name};
    if (!a->stored) return json_cursor_next(&e->cursor, &key, &ret->text);
    if (e->at == jsonb_count(a->stored)) return false;
    ret->stored = jsonb_element(a->stored, e->at++);
    return true;
}

/* ---- one value ---- */

struct column {
    const struct type *type;
    int32_t typmod;
};

/* `before`: what the field is without the JSON, NULL: nothing; rows within keep what the JSON
 * leaves out. */
static status value_of(const struct eval_env *env, const struct source *v, struct column column,
                       const datum *before, datum *ret, bool *ret_is_null);
static status row_of(const struct eval_env *env, const struct source *v, const struct type *t,
                     const datum *before, datum *ret);

struct array_maker {
    const struct eval_env *env;
    struct column element;
    struct array_parts parts;         /* ndim 0: not known yet */
    int32_t at[ARRAY_DIMENSIONS_MAX]; /* the element being read in each dimension, from 0 */
    uint32_t room;
};

/* `m` NULL: the value itself had to be an array; else its element where the maker stands in the
 * `ndim` outer dimensions. */
static status expected_array(const struct eval_env *env, const struct source *v,
                             const struct array_maker *m, uint8_t ndim) {
    char indices[ARRAY_DIMENSIONS_MAX * 16] = "";
    size_t len = 0;
    for (uint8_t i = 0; i < ndim; i++)
        len += (size_t)snprintf(indices + len, sizeof indices - len, "[%d]", m->at[i]);
    status s = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "expected JSON array");
    if (ndim && *v->name)
        error_hint(env->error, "See the array element %s of key \"%s\".", indices, v->name);
    else if (ndim)
        error_hint(env->error, "See the array element %s.", indices);
    else if (*v->name)
        error_hint(env->error, "See the value of key \"%s\".", v->name);
    return s;
}

static status malformed_array(const struct eval_env *env) {
    status s = error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "malformed JSON array");
    error_detail(env->error,
                 "Multidimensional arrays must have sub-arrays with matching dimensions.");
    return s;
}

static status append(struct array_maker *m, const struct source *v) {
    struct array_parts *p = &m->parts;
    bool is_null;
    if (p->n == m->room) {
        uint32_t room = m->room ? m->room * 2 : 8;
        if (room > ARRAY_ELEMENTS_MAX) return array_too_large(m->env);
        datum *values = arena_alloc(m->env->arena, room * sizeof *values);
        uint8_t *nulls = arena_alloc(m->env->arena, room);
        if (!values || !nulls) return out_of_memory(m->env);
        if (p->n) {
            memcpy(values, p->values, p->n * sizeof *values);
            memcpy(nulls, p->nulls, p->n);
        }
        p->values = values;
        p->nulls = nulls;
        m->room = room;
    }
    p->values[p->n].u64 = 0;
    TRY(value_of(m->env, v, m->element, NULL, &p->values[p->n], &is_null));
    p->nulls[p->n++] = is_null;
    return OK;
}

/* The first element that is no array says how many dimensions there are. */
static status add_dimension(struct array_maker *m, const struct source *array, uint8_t dim) {
    struct elements e = elements_of(array);
    struct source v;
    int32_t n = 0;
    if (dim == ARRAY_DIMENSIONS_MAX)
        return error_set(m->env->error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "number of array dimensions (%d) exceeds the maximum allowed (%d)",
                         dim + 1, ARRAY_DIMENSIONS_MAX);
    for (; next_element(&e, &v); n++) {
        bool is_array = kind_of(&v) == JSON_ARRAY;
        m->at[dim] = n;
        if (!m->parts.ndim && !is_array) m->parts.ndim = dim + 1;
        if (m->parts.ndim == dim + 1)
            TRY(append(m, &v));
        else if (is_array)
            TRY(add_dimension(m, &v, dim + 1));
        else
            return expected_array(m->env, &v, m, dim + 1);
    }
    if (!m->parts.ndim) m->parts.ndim = dim + 1;
    if (m->parts.lengths[dim] < 0) m->parts.lengths[dim] = n;
    return m->parts.lengths[dim] == n ? OK : malformed_array(m->env);
}

static status array_of(const struct eval_env *env, const struct source *v, const struct type *t,
                       int32_t typmod, datum *ret) {
    struct array_maker m = {.env = env, .element = {type_find(t->element), typmod}};
    m.parts.element = t->element;
    for (size_t i = 0; i < ARRAY_DIMENSIONS_MAX; i++) {
        m.parts.lengths[i] = -1;
        m.parts.lower[i] = 1;
    }
    TRY(add_dimension(&m, v, 0));
    if (!m.parts.n) m.parts.ndim = 0;
    return array_build(env, &m.parts, ret);
}

static status json_of(const struct eval_env *env, const struct source *v, oid type, datum *ret) {
    struct jsonb_tree tree;
    if (type == JSONBOID && v->stored) return jsonb_take(env, v->stored, ret);
    if (type == JSONBOID) {
        TRY(jsonb_parse(env, v->text.p, v->text.len, &tree));
        return jsonb_make(env, &tree, ret);
    }
    struct buf out = {0};
    status s = v->stored ? jsonb_print(env, v->stored, false, &out)
                         : buf_add(&out, v->text.p, v->text.len);
    if (ok(s) && !(ret->v = varlena_from(env->arena, out.data, out.len))) s = out_of_memory(env);
    buf_free(&out);
    return s;
}

static status domain_value(const struct eval_env *env, const struct source *v, const struct type *t,
                           const datum *before, datum *ret, bool *ret_is_null) {
    TRY(value_of(env, v, (struct column){t->base, t->typmod}, before, ret, ret_is_null));
    return type_check_domain(env, t, *ret, *ret_is_null);
}

static status value_of(const struct eval_env *env, const struct source *v, struct column column,
                       const datum *before, datum *ret, bool *ret_is_null) {
    const struct type *t = column.type;
    if (coro_stack_left() < 16 * 1024)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX, "stack depth limit exceeded");
    if (t->base) return domain_value(env, v, t, before, ret, ret_is_null);
    enum json_kind kind = kind_of(v);
    *ret_is_null = kind == JSON_NULL;
    if (*ret_is_null) return OK;
    if (t->oid == JSONOID || t->oid == JSONBOID) return json_of(env, v, t->oid, ret);
    if (t->kind == 'c' && kind != JSON_STRING) return row_of(env, v, t, before, ret);
    if (t->element && t->category == 'A') {
        if (kind == JSON_ARRAY) return array_of(env, v, t, column.typmod, ret);
        if (kind != JSON_STRING) return expected_array(env, v, NULL, 0);
    }
    struct buf text = {0};
    status s = source_text(env, v, &text);
    if (ok(s)) s = type_input(env, t, column.typmod, text.len ? text.data : "", text.len, ret);
    buf_free(&text);
    return s;
}

/* ---- one row ---- */

/* What the row looks like: as the given record, else as the caller's column definitions say. */
struct row_form {
    oid type; /* of the row */
    uint16_t n;
    const oid *types;
    const int32_t *typmods;   /* NULL: none */
    const char *const *names; /* NULL: f1, f2 … */
    const struct record *base;
};

static status no_row_type(struct fn_call *c, bool has_base) {
    if (!has_base)
        return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "function returning record called in context that cannot accept type "
                         "record");
    status s = error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                         "could not determine row type for result of %s", c->site->function->name);
    error_hint(c->env->error,
               "Provide a non-null record argument, or call the function in the FROM "
               "clause using a column definition list.");
    return s;
}

static status bad_row(struct fn_call *c) {
    return error_set(c->env->error, ST_DATATYPE_MISMATCH,
                     "function return row and query-specified return row do not match");
}

/* The caller's definitions give a row no other form than that of the record. */
static status check_shape(struct fn_call *c, const struct record *r) {
    const struct record_shape *shape = c->site->shape;
    if (!shape) return OK;
    if (r->n != shape->n) {
        status s = bad_row(c);
        error_detail(c->env->error, "Returned row contains %u attribute%s, but query expects %u.",
                     r->n, r->n == 1 ? "" : "s", shape->n);
        return s;
    }
    for (uint16_t i = 0; i < r->n; i++) {
        if (r->types[i] == shape->types[i]) continue;
        status s = bad_row(c);
        error_detail(c->env->error,
                     "Returned type %s at ordinal position %u, but query expects %s.",
                     type_format_name(c->env->arena, r->types[i]), i + 1u,
                     type_format_name(c->env->arena, shape->types[i]));
        return s;
    }
    return OK;
}

/* As the fields of a composite type say. */
static status row_form_of_type(const struct eval_env *env, const struct type *t,
                               struct row_form *ret) {
    oid *types = arena_array(env->arena, t->nfields + 1u, sizeof *types);
    int32_t *typmods = arena_array(env->arena, t->nfields + 1u, sizeof *typmods);
    const char **names = arena_array(env->arena, t->nfields + 1u, sizeof *names);
    if (!types || !typmods || !names) return out_of_memory(env);
    for (uint16_t i = 0; i < t->nfields; i++) {
        types[i] = t->fields[i].type;
        typmods[i] = t->fields[i].typmod;
        names[i] = t->fields[i].name;
    }
    *ret = (struct row_form){t->oid, t->nfields, types, typmods, names, NULL};
    return OK;
}

static status row_form_of(struct fn_call *c, struct row_form *ret) {
    const struct record_shape *shape = c->site->shape;
    bool has_base = c->site->function->args[0] == ANYELEMENTOID;
    *ret = (struct row_form){0};
    const struct type *t = has_base ? type_below(type_find(c->site->arg_types[0])) : NULL;
    if (has_base && !type_is_composite(t))
        return error_set(c->env->error, ST_DATATYPE_MISMATCH,
                         "first argument of %s must be a row type", c->site->function->name);
    if (has_base && !c->nulls[0]) {
        struct record *r = arena_alloc(c->env->arena, sizeof *r);
        if (!r) return out_of_memory(c->env);
        TRY(record_split(c->env, c->args[0].v, r));
        *ret = (struct row_form){r->type, r->n, r->types, NULL, r->names, r};
        return t->kind == 'c' ? OK : check_shape(c, r);
    }
    if (t && t->kind == 'c') return row_form_of_type(c->env, t, ret);
    if (!shape) return no_row_type(c, has_base);
    *ret = (struct row_form){RECORDOID, shape->n, shape->types, shape->typmods, shape->names, NULL};
    return OK;
}

static status column_name(const struct eval_env *env, const struct row_form *f, uint16_t i,
                          const char **ret) {
    if (f->names) {
        *ret = f->names[i];
        return OK;
    }
    char *made = arena_alloc(env->arena, 32);
    if (!made) return out_of_memory(env);
    made[0] = 'f';
    made[1 + int_format(i + 1, made + 1)] = 0;
    *ret = made;
    return OK;
}

/* What the JSON does not name stays as it was; where there was nothing it is as if it said null. */
static status column_value(const struct eval_env *env, const struct row_form *f,
                           const struct source *object, uint16_t i, datum *ret, uint8_t *ret_null) {
    const char *name;
    struct source v;
    bool found, is_null = true, had = f->base && !f->base->nulls[i];
    const struct type *t = type_find(f->types[i]);
    if (!t) { /* of a dropped field */
        *ret_null = 1;
        return OK;
    }
    TRY(column_name(env, f, i, &name));
    TRY(find(env, object, name, &v, &found));
    if (found) {
        struct column column = {t, f->typmods ? f->typmods[i] : -1};
        TRY(value_of(env, &v, column, had ? &f->base->values[i] : NULL, ret, &is_null));
    } else if (f->base) {
        *ret = f->base->values[i];
        is_null = f->base->nulls[i];
    } else if (t->base) {
        TRY(type_check_domain(env, t, *ret, true));
    }
    *ret_null = is_null;
    return OK;
}

static status make_row(const struct eval_env *env, const struct row_form *f,
                       const struct source *object, datum *ret) {
    datum *values = arena_zalloc(env->arena, (f->n + 1u) * sizeof *values);
    uint8_t *nulls = arena_zalloc(env->arena, f->n + 1u);
    if (!values || !nulls) return out_of_memory(env);
    for (uint16_t i = 0; i < f->n; i++) TRY(column_value(env, f, object, i, &values[i], &nulls[i]));
    struct record r = {f->type, f->n, f->types, f->names, values, nulls};
    return record_build(env, &r, ret);
}

static status refuse(const struct eval_env *env, const char *name, const char *what) {
    return error_set(env->error, ST_INVALID_PARAMETER_VALUE, "cannot call %s on %s", name, what);
}

static status check_object(const struct eval_env *env, const struct source *v) {
    enum json_kind kind = kind_of(v);
    if (kind == JSON_ARRAY) return refuse(env, "populate_composite", "an array");
    return kind == JSON_OBJECT ? OK : refuse(env, "populate_composite", "a scalar");
}

/* A row within a row */
static status row_of(const struct eval_env *env, const struct source *v, const struct type *t,
                     const datum *before, datum *ret) {
    struct row_form f;
    struct record base;
    TRY(check_object(env, v));
    TRY(row_form_of_type(env, t, &f));
    if (before) {
        TRY(record_split(env, before->v, &base));
        f.base = &base;
    }
    return make_row(env, &f, v, ret);
}

/* The result's own type may be a domain. */
static status give_made_row(struct fn_call *c, const struct row_form *f,
                            const struct source *object) {
    TRY(make_row(c->env, f, object, &c->result));
    if (c->site->function->args[0] != ANYELEMENTOID) return OK;
    const struct type *t = type_find(c->site->arg_types[0]);
    return t->base ? type_check_domain(c->env, t, c->result, false) : OK;
}

/* The number of the argument that is the JSON: behind the record, where there is one. */
static size_t json_argument(const struct fn_call *c) {
    return c->site->function->args[0] == ANYELEMENTOID;
}

status fn_json_record(struct fn_call *c) {
    struct row_form f;
    size_t at = json_argument(c);
    if (c->nulls[at]) {
        if (!at || c->nulls[0]) return give_null(c);
        c->result = c->args[0];
        return OK;
    }
    TRY(row_form_of(c, &f));
    struct source v = source_of(c, at);
    TRY(check_object(c->env, &v));
    return give_made_row(c, &f, &v);
}

/* ---- sets of rows ---- */

struct set {
    struct source array; /* in a copy that lives as long as the set */
    struct elements elements;
};

static status copy_source(struct fn_call *c, struct source *v) {
    if (v->stored) {
        v->stored = arena_memdup(c->set_arena, v->stored, jsonb_bytes(v->stored));
        return v->stored ? OK : out_of_memory(c->env);
    }
    v->text.p = arena_memdup(c->set_arena, v->text.p, v->text.len);
    return v->text.p ? OK : out_of_memory(c->env);
}

static status set_begin(struct fn_call *c, struct set **ret) {
    *ret = c->set_state;
    if (*ret) return OK;
    struct set *s = arena_zalloc(c->set_arena, sizeof *s);
    if (!s) return out_of_memory(c->env);
    s->array = source_of(c, json_argument(c));
    enum json_kind kind = kind_of(&s->array);
    const char *what = kind == JSON_OBJECT ? "an object" : "a scalar";
    if (kind != JSON_ARRAY)
        return refuse(c->env, c->site->function->name, s->array.stored ? "a non-array" : what);
    TRY(copy_source(c, &s->array));
    s->elements = elements_of(&s->array);
    c->set_state = *ret = s;
    return OK;
}

status fn_json_recordset(struct fn_call *c) {
    struct row_form f;
    struct set *s;
    struct source v;
    c->set_done = c->nulls[json_argument(c)];
    if (c->set_done) return OK;
    TRY(row_form_of(c, &f));
    TRY(set_begin(c, &s));
    c->set_done = !next_element(&s->elements, &v);
    if (c->set_done) return OK;
    if (kind_of(&v) != JSON_OBJECT)
        return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                         "argument of %s must be an array of objects", c->site->function->name);
    return give_made_row(c, &f, &v);
}
