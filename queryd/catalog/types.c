/* types.c: types that catalogs define, put together from their rows and kept with the rest of the
 * cache; the types library asks for them here. */
#include "catalog/types.h"
#include "base/coro.h"
#include "catalog/collation.h"
#include "catalog/internal.h"

struct type_loading {
    struct sql_env *env;
    struct arena *arena;
    struct type *t;
    struct catalog_row row;
};

/* ---- enums ----------------------------------------------------------------------------------- */

static status add_label(struct type_loading *l, const struct catalog_row *row, size_t *cap) {
    struct type *t = l->t;
    struct enum_label *labels = (struct enum_label *)t->labels;
    if (t->nlabels == *cap) {
        *cap = *cap ? *cap * 2 : 8;
        labels = arena_array(l->arena, *cap, sizeof *labels);
        if (!labels) return STATUS(OUT_OF_MEMORY);
        if (t->nlabels) memcpy(labels, t->labels, t->nlabels * sizeof *labels);
        t->labels = labels;
    }
    labels[t->nlabels] = (struct enum_label){
        .position = row_int8(row, COL_pg_enum_axl_position),
        .name = arena_strdup(l->arena, row_name(row, COL_pg_enum_enumlabel)),
        .uncommitted = list_has_oid(l->env->new_labels, row_oid(row, COL_pg_enum_oid))};
    return labels[t->nlabels++].name ? OK : STATUS(OUT_OF_MEMORY);
}

static status load_labels(struct type_loading *l) {
    datum key = datum_oid(l->t->oid);
    struct catalog_scan s;
    status st;
    size_t cap = 0;
    l->t->len = 8; /* a position; pg_type speaks of PostgreSQL's oids */
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_enum, OID_pg_enum_typid_sortorder_index, &key, 1,
                                   &s));
    while (ok(st = catalog_scan_next(&s))) TRY_OUT(st, add_label(l, &s.row, &cap));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- composite types ------------------------------------------------------------------------- */

static status load_field(struct type_loading *l, const struct catalog_row *row) {
    int16_t number = row_int2(row, COL_pg_attribute_attnum);
    if (number < 1) return OK;
    if (number > l->t->nfields) return STATUS(DATA_CORRUPTED);
    struct type_field *f = (struct type_field *)&l->t->fields[number - 1];
    *f =
        (struct type_field){.name = arena_strdup(l->arena, row_name(row, COL_pg_attribute_attname)),
                            .type = row_oid(row, COL_pg_attribute_atttypid),
                            .typmod = row_int4(row, COL_pg_attribute_atttypmod),
                            .collation = row_oid(row, COL_pg_attribute_attcollation),
                            .dropped = row_bool(row, COL_pg_attribute_attisdropped)};
    return f->name ? OK : STATUS(OUT_OF_MEMORY);
}

static status load_fields(struct type_loading *l) {
    struct catalog_row class_row;
    l->t->relation = row_oid(&l->row, COL_pg_type_typrelid);
    TRY(catalog_row_get_oid(l->env, CAT_pg_class, l->t->relation, l->env->eval.arena, &class_row));
    int16_t n = row_int2(&class_row, COL_pg_class_relnatts);
    if (n < 0 || n > ROW_ATTRIBUTES_MAX) return STATUS(DATA_CORRUPTED);
    l->t->nfields = (uint16_t)n;
    l->t->fields = arena_zalloc(l->arena, (size_t)n * sizeof *l->t->fields);
    if (!l->t->fields) return STATUS(OUT_OF_MEMORY);
    datum key = datum_oid(l->t->relation);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_attribute, 0, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) TRY_OUT(st, load_field(l, &s.row));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    for (int16_t i = 0; i < n; i++)
        if (!l->t->fields[i].name) return STATUS(DATA_CORRUPTED);
    return OK;
}

/* ---- domains --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct domain_check *)a)->name, ((const struct domain_check *)b)->name);
}

static status grow_checks(struct type_loading *l) {
    struct type *t = l->t;
    struct domain_check *grown = arena_array(l->arena, t->nchecks + 1u, sizeof *grown);
    if (!grown) return STATUS(OUT_OF_MEMORY);
    if (t->nchecks) memcpy(grown, t->checks, t->nchecks * sizeof *grown);
    t->checks = grown;
    return OK;
}

/* Those of the domain below come first. */
static status load_checks(struct type_loading *l) {
    datum key = datum_oid(l->t->oid);
    struct catalog_scan s;
    status st;
    uint16_t inherited = l->t->nchecks;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_constraint, OID_pg_constraint_contypid_index,
                                   &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        TRY_OUT(st, grow_checks(l));
        struct domain_check *c = &l->t->checks[l->t->nchecks];
        *c = (struct domain_check){
            .name = arena_strdup(l->arena, row_name(&s.row, COL_pg_constraint_conname)),
            .text = row_text(l->arena, &s.row, COL_pg_constraint_conbin),
            .domain = l->t->oid};
        if (!c->name || !c->text) {
            st = STATUS(OUT_OF_MEMORY);
            goto out;
        }
        l->t->nchecks++;
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    if (l->t->nchecks > inherited)
        qsort(l->t->checks + inherited, l->t->nchecks - inherited, sizeof *l->t->checks, by_name);
    return OK;
}

static status load_domain(struct type_loading *l) {
    struct type *t = l->t;
    t->over = row_oid(&l->row, COL_pg_type_typbasetype);
    const struct type *over = type_find(t->over);
    if (!over) return STATUS(NOT_FOUND);
    t->base = type_below(over);
    t->typmod = over->base ? over->typmod : row_int4(&l->row, COL_pg_type_typtypmod);
    t->not_null = row_bool(&l->row, COL_pg_type_typnotnull) || over->not_null;
    t->default_text = row_text(l->arena, &l->row, COL_pg_type_typdefaultbin);
    t->len = t->base->len;
    t->byval = t->base->byval;
    t->element = t->base->element;
    if (over->nchecks) {
        t->nchecks = over->nchecks;
        t->checks = arena_memdup(l->arena, over->checks, over->nchecks * sizeof *t->checks);
        if (!t->checks) return STATUS(OUT_OF_MEMORY);
    }
    return load_checks(l);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static status fill(struct type_loading *l) {
    const struct catalog_row *row = &l->row;
    oid element = row_oid(row, COL_pg_type_typelem);
    *l->t = (struct type){.oid = row_oid(row, COL_pg_type_oid),
                          .name = arena_strdup(l->arena, row_name(row, COL_pg_type_typname)),
                          .len = row_int2(row, COL_pg_type_typlen),
                          .byval = row_bool(row, COL_pg_type_typbyval),
                          .kind = row_char(row, COL_pg_type_typtype),
                          .category = row_char(row, COL_pg_type_typcategory),
                          .preferred = row_bool(row, COL_pg_type_typispreferred),
                          .delimiter = row_char(row, COL_pg_type_typdelim),
                          .align = row_char(row, COL_pg_type_typalign),
                          .storage = row_char(row, COL_pg_type_typstorage),
                          .element = element,
                          .array = row_oid(row, COL_pg_type_typarray),
                          .collation = row_oid(row, COL_pg_type_typcollation),
                          .typmod_in_function = row_oid(row, COL_pg_type_typmodin),
                          .typmod = -1,
                          .arena = l->arena};
    if (!l->t->name) return STATUS(OUT_OF_MEMORY);
    switch (l->t->kind) {
    case 'e': TRY(load_labels(l)); break;
    case 'c': TRY(load_fields(l)); break;
    case 'd': TRY(load_domain(l)); break;
    case 'b':
        if (element && l->t->category == 'A') break;
        [[fallthrough]];
    default: return STATUS(NOT_FOUND);
    }
    return type_set_family(l->t);
}

static status load(struct sql_env *env, oid type, struct arena *a, const struct type **ret) {
    struct arena scratch;
    struct error ignored;
    arena_init(&scratch, 0);
    error_clear(&ignored);
    struct sql_env inner = *env;
    inner.eval.arena = &scratch;
    inner.eval.error = &ignored;
    struct type_loading l = {.env = &inner, .arena = a, .t = arena_zalloc(a, sizeof *l.t)};
    status st = l.t ? catalog_row_get_oid(&inner, CAT_pg_type, type, &scratch, &l.row)
                    : STATUS(OUT_OF_MEMORY);
    if (ok(st)) st = fill(&l);
    arena_free(&scratch);
    if (ok(st)) *ret = l.t;
    return st;
}

static const struct type *find_cached(const struct generation *g, oid type) {
    for (const struct cached_type *e = g->types[type & 255]; e; e = e->next)
        if (e->type->oid == type) return e->type;
    return NULL;
}

/* What an older view of the catalogs had, which this transaction has looked into: a type that
 * somebody else drops is there until the statements that began with it end. */
static const struct type *find_older(const struct sql_env *env, oid type) {
    txn_ref life = txn_slot_ref(env->proc->shm, env->txn->index);
    for (const struct generation *g = env->catalog->shared; g; g = g->next) {
        const struct type *t = g->users[env->txn->index] == life ? find_cached(g, type) : NULL;
        if (t) return t;
    }
    return NULL;
}

static const struct type *find(oid type) {
    struct sql_env *env = coro_local();
    if (!env || !env->catalog || !env->txn || !env->txn->slot) return NULL;
    struct generation *g = cache_generation(env);
    if (!g) return NULL;
    const struct type *t = find_cached(g, type);
    if (t) return t;
    status st = load(env, type, &g->arena, &t);
    if (!ok(st)) return find_older(env, type);
    const struct type *theirs = find_cached(g, type); /* loaded while this one was suspended */
    if (theirs) return theirs;
    struct cached_type *e = arena_zalloc(&g->arena, sizeof *e);
    if (!e) return NULL;
    *e = (struct cached_type){.next = g->types[type & 255], .type = t};
    g->types[type & 255] = e;
    return t;
}

static status print(oid type, struct buf *out) {
    struct sql_env *env = coro_local();
    if (!env || !env->catalog) return buf_add_str(out, "???");
    return type_name_print(env, type, -1, out);
}

static status check_domain(const struct eval_env *eval, const struct type *domain, datum value,
                           bool is_null) {
    struct sql_env *env = coro_local();
    if (!env || !define_hooks)
        return error_set(eval->error, ST_FEATURE_NOT_SUPPORTED, "domains cannot be checked here");
    struct sql_env own = *env;
    own.eval.arena = eval->arena;
    own.eval.error = eval->error;
    return define_hooks->check_domain(&own, domain, value, is_null);
}

void catalog_types_register(void) {
    static const struct type_source source = {.find = find,
                                              .print = print,
                                              .collator = catalog_collator,
                                              .check_domain = check_domain,
                                              .find_cast = own_cast_find,
                                              .find_function = own_function_find,
                                              .find_operator = own_operator_find,
                                              .operators_named = own_operators_named};
    types_set_source(&source);
}
