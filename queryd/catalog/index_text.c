/* index_text.c: the columns of an index as SQL, and operator classes by name. */
#include "catalog/deparse.h"
#include "catalog/internal.h"

/* name(…): what needs no parentheses around it in an index. */
static bool looks_like_call(const char *text) {
    const char *s = text;
    int depth = 0;
    while (*s == '_' || *s == '.' || *s == '"' || (*s >= 'a' && *s <= 'z') ||
           (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9'))
        s++;
    if (s == text || *s != '(') return false;
    for (char quote = 0; *s; s++) {
        if (quote) {
            if (*s == quote) quote = 0;
            continue;
        }
        if (*s == '\'' || *s == '"') quote = *s;
        depth += (*s == '(') - (*s == ')');
        if (depth == 0) return s[1] == 0;
    }
    return false;
}

status catalog_index_column(struct sql_env *env, const struct relation *r,
                            const struct index_desc *index, uint16_t k, bool pretty,
                            struct buf *out) {
    if (index->columns[k]) return print_identifier(out, r->atts[index->columns[k] - 1].name);
    const char *text = index->expressions[k];
    struct buf shown = {0};
    status st = print_stored(env, r, text, strlen(text), pretty, &shown);
    if (ok(st)) st = buf_add(&shown, "", 1);
    bool bare = ok(st) && looks_like_call(shown.data);
    if (ok(st)) st = buf_printf(out, bare ? "%s" : "(%s)", shown.data);
    buf_free(&shown);
    return st;
}

status catalog_opclass(struct sql_env *env, const char *name, oid *ret_opclass, oid *ret_input) {
    const char *key = catalog_name(env->eval.arena, name);
    if (!key) return no_memory(env);
    datum keys[] = {datum_oid(BTREE_AM_OID), datum_ptr(key)};
    struct catalog_scan s;
    status st;
    TRY_OUT(st,
            catalog_scan_begin(env, CAT_pg_opclass, OID_pg_opclass_am_name_nsp_index, keys, 2, &s));
    TRY_OUT(st, catalog_scan_next(&s));
    *ret_opclass = row_oid(&s.row, COL_pg_opclass_oid);
    if (ret_input) *ret_input = row_oid(&s.row, COL_pg_opclass_opcintype);
out:
    catalog_scan_end(&s);
    if (!status_is(st, ST_END)) return st;
    return error_set(env->eval.error, ST_UNDEFINED_OBJECT,
                     "operator class \"%s\" does not exist for access method \"btree\"", name);
}
