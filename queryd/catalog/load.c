/* load.c: a relation put together from its catalog rows, all of one snapshot: some definitions
 * change while others read (an index that comes or goes CONCURRENTLY). */
#include "catalog/load.h"
#include "types/array.h"
#include "types/collator.h"

/* ---- attributes ------------------------------------------------------------------------------ */

static status load_attribute(struct loading *l, const struct catalog_row *row, oid *types,
                             const char **missing) {
    int16_t number = row_int2(row, COL_pg_attribute_attnum);
    if (number < 1) return OK;
    if (number > l->r->natts) return STATUS(DATA_CORRUPTED);
    struct attribute *att = &l->r->atts[number - 1];
    *att = (struct attribute){
        .name = arena_strdup(l->arena, row_name(row, COL_pg_attribute_attname)),
        .number = number,
        .type = row_oid(row, COL_pg_attribute_atttypid),
        .typmod = row_int4(row, COL_pg_attribute_atttypmod),
        .collation = row_oid(row, COL_pg_attribute_attcollation),
        .not_null = row_bool(row, COL_pg_attribute_attnotnull),
        .dropped = row_bool(row, COL_pg_attribute_attisdropped),
        .has_default = row_bool(row, COL_pg_attribute_atthasdef),
        .generated = row_char(row, COL_pg_attribute_attgenerated),
        .identity = row_char(row, COL_pg_attribute_attidentity),
        .statistics_target = row_int4(row, COL_pg_attribute_attstattarget),
    };
    types[number - 1] = att->type;
    if (row_bool(row, COL_pg_attribute_atthasmissing))
        missing[number - 1] = row_text(l->arena, row, COL_pg_attribute_attmissingval);
    return att->name ? OK : STATUS(OUT_OF_MEMORY);
}

/* A dropped column keeps its type (unlike PostgreSQL's atttypid 0): its bytes are in old rows. */
static status set_missing(struct loading *l, const char *const *missing) {
    struct eval_env eval = l->env->eval;
    eval.arena = l->arena;
    for (uint16_t i = 0; i < l->r->natts; i++) {
        if (!missing[i] || l->r->atts[i].dropped) continue;
        datum value;
        TRY(type_input(&eval, type_find(l->r->atts[i].type), -1, missing[i], strlen(missing[i]),
                       &value));
        row_desc_set_missing(l->r->row, i, value);
    }
    return OK;
}

static status load_attributes(struct loading *l) {
    uint16_t n = l->r->natts;
    l->r->atts = arena_zalloc(l->arena, n * sizeof *l->r->atts);
    oid *types = arena_zalloc(l->arena, n * sizeof *types);
    const char **missing = arena_zalloc(l->arena, n * sizeof *missing);
    if (!l->r->atts || !types || !missing) return STATUS(OUT_OF_MEMORY);
    datum key = datum_oid(l->r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_attribute, 0, &key, 1, &s));
    while (ok(st = catalog_scan_next(&s))) TRY_OUT(st, load_attribute(l, &s.row, types, missing));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    TRY(st);
    for (uint16_t i = 0; i < n; i++) {
        if (!type_find(types[i])) types[i] = TEXTOID;
        if (!l->r->atts[i].name) return STATUS(DATA_CORRUPTED);
    }
    TRY(row_desc_new(l->arena, types, n, &l->r->row));
    return set_missing(l, missing);
}

static status load_defaults(struct loading *l) {
    datum key = datum_oid(l->r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_attrdef, OID_pg_attrdef_adrelid_adnum_index, &key,
                                   1, &s));
    while (ok(st = catalog_scan_next(&s))) {
        int16_t number = row_int2(&s.row, COL_pg_attrdef_adnum);
        if (number < 1 || number > l->r->natts) continue;
        l->r->atts[number - 1].default_text = row_text(l->arena, &s.row, COL_pg_attrdef_adbin);
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- views ----------------------------------------------------------------------------------- */

static status load_check_option(struct loading *l) {
    char *text;
    size_t len;
    if (row_is_null(&l->class_row, COL_pg_class_reloptions)) return OK;
    TRY(type_output_string(&l->env->eval, type_find(TEXTARRAYOID),
                           l->class_row.values[COL_pg_class_reloptions - 1], &text, &len));
    const char *option = strstr(text, "check_option=");
    if (option) l->r->check_option = option[strlen("check_option=")];
    return OK;
}

static status load_view(struct loading *l) {
    datum key = datum_oid(l->r->oid);
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(l->env, CAT_pg_rewrite, OID_pg_rewrite_rel_rulename_index, &key,
                                   1, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (row_char(&s.row, COL_pg_rewrite_ev_type) == '1')
            l->r->view_text = row_text(l->arena, &s.row, COL_pg_rewrite_ev_action);
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- sequences ------------------------------------------------------------------------------- */

static status load_sequence(struct loading *l) {
    datum key = datum_oid(l->r->oid);
    struct catalog_row row;
    TRY(catalog_row_get(l->env, CAT_pg_sequence, 0, &key, 1, l->env->eval.arena, &row));
    struct sequence_desc d = {.type = row_oid(&row, COL_pg_sequence_seqtypid),
                              .start = row_int8(&row, COL_pg_sequence_seqstart),
                              .increment = row_int8(&row, COL_pg_sequence_seqincrement),
                              .max = row_int8(&row, COL_pg_sequence_seqmax),
                              .min = row_int8(&row, COL_pg_sequence_seqmin),
                              .cache = row_int8(&row, COL_pg_sequence_seqcache),
                              .cycle = row_bool(&row, COL_pg_sequence_seqcycle)};
    l->r->sequence = arena_memdup(l->arena, &d, sizeof d);
    return l->r->sequence ? OK : STATUS(OUT_OF_MEMORY);
}

/* The sequences behind identity columns: what depends on them internally. */
static status load_identities(struct loading *l) {
    bool any = false;
    for (uint16_t i = 0; i < l->r->natts; i++)
        any |= l->r->atts[i].identity && !l->r->atts[i].dropped;
    if (!any) return OK;
    datum keys[] = {datum_oid(OID_pg_class), datum_oid(l->r->oid)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(l->env, CAT_pg_depend, OID_pg_depend_reference_index, keys, 2, &s));
    while (ok(st = catalog_scan_next(&s))) {
        int32_t part = row_int4(&s.row, COL_pg_depend_refobjsubid);
        if (row_oid(&s.row, COL_pg_depend_classid) != OID_pg_class || part < 1 ||
            part > l->r->natts || row_char(&s.row, COL_pg_depend_deptype) != 'i')
            continue;
        l->r->atts[part - 1].sequence = row_oid(&s.row, COL_pg_depend_objid);
    }
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Of a view's options, security_invoker changes what its query may read. */
static status read_options(struct loading *l) {
    const struct catalog_row *row = &l->class_row;
    if (row_is_null(row, COL_pg_class_reloptions)) return OK;
    struct array_parts parts;
    TRY(array_split(&l->env->eval, row->values[COL_pg_class_reloptions - 1].v, &parts));
    for (uint32_t i = 0; i < parts.n; i++) {
        const struct varlena *v = parts.values[i].v;
        static const char *const on[] = {"security_invoker=true", "security_invoker=on",
                                         "security_invoker=1", "security_invoker=yes"};
        for (size_t k = 0; !parts.nulls[i] && k < sizeof on / sizeof *on; k++)
            l->r->security_invoker |= v->len == strlen(on[k]) && !memcmp(v->data, on[k], v->len);
    }
    return OK;
}

static status fill_class(struct loading *l) {
    const struct catalog_row *row = &l->class_row;
    struct relation *r = l->r;
    r->name = arena_strdup(l->arena, row_name(row, COL_pg_class_relname));
    r->schema = row_oid(row, COL_pg_class_relnamespace);
    r->kind = row_char(row, COL_pg_class_relkind);
    r->persistence = row_char(row, COL_pg_class_relpersistence);
    r->owner = row_oid(row, COL_pg_class_relowner);
    r->row_type = row_oid(row, COL_pg_class_reltype);
    r->natts = (uint16_t)row_int2(row, COL_pg_class_relnatts);
    TRY(read_options(l));
    r->reltuples = (double)row_float4(row, COL_pg_class_reltuples);
    r->relpages = (uint64_t)row_int4(row, COL_pg_class_relpages);
    if (!row_is_null(row, COL_pg_class_axl_root))
        r->tree = (struct tree){{(uint64_t)row_int8(row, COL_pg_class_axl_root)}, r->oid};
    if (r->natts > ROW_ATTRIBUTES_MAX) return STATUS(DATA_CORRUPTED);
    status st = schema_name_of(l->env, r->schema, l->arena, &r->schema_name);
    if (status_is(st, ST_NOT_FOUND)) return STATUS(DATA_CORRUPTED);
    return st;
}

static status load_parts(struct loading *l) {
    TRY(fill_class(l));
    TRY(load_attributes(l));
    if (l->r->kind == 'v') {
        TRY(load_check_option(l));
        TRY(load_defaults(l));
        return load_view(l);
    }
    if (l->r->kind == 'S') return load_sequence(l);
    if (l->r->kind != 'r') return OK;
    TRY(load_identities(l));
    TRY(load_references(l));
    TRY(load_defaults(l));
    TRY(load_indexes(l));
    TRY(relation_load_stats(l->env, l->arena, l->r));
    return load_constraints(l);
}

status relation_load(struct sql_env *env, oid relation, struct arena *a,
                     struct relation **ret_relation) {
    /* Scratch of its own: the asker's arena may be a session's. */
    struct arena scratch;
    arena_init(&scratch, 0);
    struct sql_env inner = *env;
    struct snapshot now = catalog_snapshot(env);
    inner.eval.arena = &scratch;
    inner.catalogs_at = &now;
    struct loading l = {.env = &inner, .arena = a};
    l.r = arena_zalloc(a, sizeof *l.r);
    status st = l.r ? OK : STATUS(OUT_OF_MEMORY);
    if (ok(st)) {
        l.r->oid = relation;
        st = catalog_row_get_oid(&inner, CAT_pg_class, relation, &scratch, &l.class_row);
    }
    if (ok(st)) {
        st = load_parts(&l);
        if (status_is(st, ST_NOT_FOUND) || status_is(st, ST_DATA_CORRUPTED))
            st = error_set(env->eval.error, ST_DATA_CORRUPTED,
                           "catalog rows of relation %u do not fit together", relation);
    }
    arena_free(&scratch);
    if (!ok(st)) return status_is(st, ST_OUT_OF_MEMORY) ? no_memory(env) : st;
    *ret_relation = l.r;
    return OK;
}
