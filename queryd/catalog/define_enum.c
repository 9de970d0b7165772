/* define_enum.c: CREATE TYPE … AS ENUM, ALTER TYPE … ADD VALUE and RENAME VALUE.
 *
 * pg_enum.enumsortorder is PostgreSQL's: a number between its neighbours', all numbered anew when
 * there is none. axl_position is what values are: labels get places far from one another, and a
 * label keeps its place for ever. */
#include "catalog/define_types.h"

#define POSITION_STEP ((int64_t)1 << 40)
#define ENUM_LABELS_MAX 100000

struct label_row {
    oid oid;
    const char *label;
    float order;
    int64_t position;
};

struct labels {
    struct label_row *rows; /* in order */
    size_t n;
};

static status check_label(struct sql_env *env, const char *label) {
    if (strlen(label) < NAME_BYTES) return OK;
    status st = error_set(env->eval.error, ST_INVALID_NAME, "invalid enum label \"%s\"", label);
    error_detail(env->eval.error, "Labels must be %d bytes or less.", NAME_BYTES - 1);
    return st;
}

static status insert_label(struct sql_env *env, oid type, const struct label_row *l) {
    struct catalog_row row;
    catalog_row_init(&row, CAT_pg_enum);
    row_set_oid(&row, COL_pg_enum_oid, l->oid);
    row_set_oid(&row, COL_pg_enum_enumtypid, type);
    row_set_float4(&row, COL_pg_enum_enumsortorder, l->order);
    TRY(row_set_name(env->eval.arena, &row, COL_pg_enum_enumlabel, l->label));
    row_set_int(&row, COL_pg_enum_axl_position, l->position);
    return catalog_row_insert(env, CAT_pg_enum, &row);
}

static status duplicate_label(struct sql_env *env, oid type, const char *label) {
    status st = error_set(env->eval.error, ST_UNIQUE_VIOLATION,
                          "duplicate key value violates unique constraint "
                          "\"pg_enum_typid_label_index\"");
    error_detail(env->eval.error, "Key (enumtypid, enumlabel)=(%u, %s) already exists.", type,
                 label);
    return st;
}

static status insert_labels(struct sql_env *env, oid type, const struct list *labels) {
    if (list_n(labels) > ENUM_LABELS_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "an enum can have at most %d labels", ENUM_LABELS_MAX);
    LIST_EACH(const char *, label, labels) {
        struct label_row l = {.label = label,
                              .order = (float)(label_i + 1),
                              .position = (label_i + 1) * POSITION_STEP};
        TRY(check_label(env, label));
        for (int32_t i = 0; i < label_i; i++)
            if (!strcmp(list_at(labels, i), label)) return duplicate_label(env, type, label);
        TRY(new_oid(env, &l.oid));
        TRY(insert_label(env, type, &l));
    }
    return OK;
}

status define_create_enum(struct sql_env *env, const struct ast_create_type *s) {
    struct type_facts f = {.owner = env->settings->user_oid,
                           .kind = 'e',
                           .category = 'E',
                           .align = 'i',
                           .storage = 'p',
                           .len = 4,
                           .byval = true,
                           .delimiter = ',',
                           .typmod = -1,
                           .in = 3506,
                           .out = 3507,
                           .receive = 3532,
                           .send = 3533};
    TRY(define_place_type(env, s->names, &f.schema, &f.name));
    TRY(new_oid(env, &f.oid));
    TRY(new_oid(env, &f.array));
    TRY(define_insert_type(env, &f));
    TRY(define_insert_array_type(env, &f));
    return insert_labels(env, f.oid, s->labels);
}

/* ---- changes --------------------------------------------------------------------------------- */

static status read_labels(struct sql_env *env, oid type, struct labels *ret) {
    struct arena *a = env->eval.arena;
    datum key = datum_oid(type);
    struct catalog_scan s;
    status st;
    size_t cap = 0;
    *ret = (struct labels){0};
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_enum, OID_pg_enum_typid_sortorder_index, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        if (ret->n == cap) {
            cap = cap ? cap * 2 : 16;
            struct label_row *grown = arena_array(a, cap + 1, sizeof *grown); /* one more to come */
            TRY_OUT(st, grown ? OK : no_memory(env));
            if (ret->n) memcpy(grown, ret->rows, ret->n * sizeof *grown);
            ret->rows = grown;
        }
        ret->rows[ret->n++] =
            (struct label_row){row_oid(&s.row, COL_pg_enum_oid),
                               arena_strdup(a, row_name(&s.row, COL_pg_enum_enumlabel)),
                               row_float4(&s.row, COL_pg_enum_enumsortorder),
                               row_int8(&s.row, COL_pg_enum_axl_position)};
        TRY_OUT(st, ret->rows[ret->n - 1].label ? OK : no_memory(env));
    }
    if (status_is(st, ST_END)) st = OK;
    if (ok(st) && !ret->rows) ret->rows = arena_array(a, 1, sizeof *ret->rows);
    if (ok(st) && !ret->rows) st = no_memory(env);
out:
    catalog_scan_end(&s);
    return st;
}

static size_t find_label(const struct labels *l, const char *label) {
    size_t i = 0;
    while (i < l->n && strcmp(l->rows[i].label, label)) i++;
    return i;
}

static status not_a_label(struct sql_env *env, const char *label) {
    return error_set(env->eval.error, ST_INVALID_PARAMETER_VALUE,
                     "\"%s\" is not an existing enum label", label);
}

static status place_position(struct sql_env *env, const struct labels *l, size_t at, int64_t *ret) {
    int64_t before = at ? l->rows[at - 1].position : 0;
    int64_t after = at < l->n ? l->rows[at].position : 0;
    bool first = at == 0, last = at == l->n;
    if (first && last) {
        *ret = POSITION_STEP;
    } else if (last) {
        *ret = before + POSITION_STEP;
    } else if (first) {
        *ret = after - POSITION_STEP;
    } else {
        *ret = before + (after - before) / 2;
        if (*ret == before)
            return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                             "there is no room for another label between \"%s\" and \"%s\"",
                             l->rows[at - 1].label, l->rows[at].label);
    }
    return OK;
}

/* False: no number lies between the neighbours'. */
static bool place_order(const struct labels *l, size_t at, float *ret) {
    if (l->n == 0) {
        *ret = 1;
    } else if (at == l->n) {
        *ret = l->rows[at - 1].order + 1;
    } else if (at == 0) {
        *ret = l->rows[0].order - 1;
    } else {
        float before = l->rows[at - 1].order, after = l->rows[at].order;
        volatile float middle = (before + after) / 2;
        *ret = middle;
        if (middle == before || middle == after) return false;
    }
    return true;
}

static status renumber(struct sql_env *env, oid type, struct labels *l) {
    datum key = datum_oid(type);
    TRY(catalog_rows_delete(env, CAT_pg_enum, OID_pg_enum_typid_sortorder_index, &key, 1, NULL));
    for (size_t i = 0; i < l->n; i++) {
        l->rows[i].order = (float)(i + 1);
        TRY(insert_label(env, type, &l->rows[i]));
    }
    return OK;
}

static status add_at(struct sql_env *env, oid type, struct labels *l, size_t at,
                     const char *label) {
    struct label_row added = {.label = label};
    TRY(place_position(env, l, at, &added.position));
    bool fits = place_order(l, at, &added.order);
    TRY(new_oid(env, &added.oid));
    TRY(list_append(env->txn_arena, &env->new_labels, (void *)(uintptr_t)added.oid));
    if (fits) return insert_label(env, type, &added);
    memmove(&l->rows[at + 1], &l->rows[at], (l->n - at) * sizeof *l->rows);
    l->rows[at] = added;
    l->n++;
    return renumber(env, type, l);
}

static status add_value(struct sql_env *env, const struct ast_alter_enum *s, oid type) {
    struct labels l;
    TRY(check_label(env, s->label));
    TRY(read_labels(env, type, &l));
    if (find_label(&l, s->label) < l.n) {
        if (!s->if_not_exists)
            return error_set(env->eval.error, ST_DUPLICATE_OBJECT,
                             "enum label \"%s\" already exists", s->label);
        define_notice(env, "42710", "enum label \"%s\" already exists, skipping", s->label);
        return OK;
    }
    if (l.n >= ENUM_LABELS_MAX)
        return error_set(env->eval.error, ST_PROGRAM_LIMIT_EXCEEDED,
                         "an enum can have at most %d labels", ENUM_LABELS_MAX);
    size_t at = l.n;
    if (s->neighbour) {
        at = find_label(&l, s->neighbour);
        if (at == l.n) return not_a_label(env, s->neighbour);
        at += s->after;
    }
    return add_at(env, type, &l, at, s->label);
}

static status rename_value(struct sql_env *env, const struct ast_alter_enum *s, oid type) {
    struct labels l;
    TRY(check_label(env, s->label));
    TRY(read_labels(env, type, &l));
    size_t at = find_label(&l, s->old_label);
    if (at == l.n) return not_a_label(env, s->old_label);
    if (find_label(&l, s->label) < l.n)
        return error_set(env->eval.error, ST_DUPLICATE_OBJECT, "enum label \"%s\" already exists",
                         s->label);
    datum key = datum_oid(l.rows[at].oid);
    TRY(catalog_rows_delete(env, CAT_pg_enum, 0, &key, 1, NULL));
    l.rows[at].label = s->label;
    return insert_label(env, type, &l.rows[at]);
}

status define_alter_enum(struct sql_env *env, const struct ast_alter_enum *s) {
    const struct type *t;
    TRY(define_lock_type(env, s->names, 0, &t));
    if (t->kind != 'e')
        return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "%s is not an enum",
                         type_format_name(env->eval.arena, t->oid));
    return s->old_label ? rename_value(env, s, t->oid) : add_value(env, s, t->oid);
}
