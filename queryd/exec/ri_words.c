/* Foreign keys: what is said of a violation. */
#include "exec/ri_words.h"

#include <stdio.h>

#include "types/type.h"

static status print_key(struct sql_env *env, const struct relation *r, const int16_t *columns,
                        uint16_t n, const struct relation *of, const int16_t *of_columns,
                        const datum *values, struct buf *out) {
    TRY(buf_add_str(out, "("));
    for (uint16_t i = 0; i < n; i++)
        TRY(buf_printf(out, "%s%s", i ? ", " : "", r->atts[columns[i] - 1].name));
    TRY(buf_add_str(out, ")=("));
    for (uint16_t i = 0; i < n; i++) {
        char *text;
        size_t len;
        TRY(type_output_string(&env->eval, type_find(of->atts[of_columns[i] - 1].type), values[i],
                               &text, &len));
        TRY(buf_printf(out, "%s%.*s", i ? ", " : "", (int)len, text));
    }
    return buf_add_str(out, ")");
}

static void name_places(struct error *e, const struct relation *r, const struct foreign_key *k) {
    snprintf(e->schema, sizeof e->schema, "%s", r->schema_name);
    snprintf(e->table, sizeof e->table, "%s", r->name);
    snprintf(e->constraint, sizeof e->constraint, "%s", k->name);
}

status ri_no_key(struct sql_env *env, const struct relation *r, const struct relation *to,
                 const struct foreign_key *k, const datum *values) {
    struct buf key = {0};
    struct error *e = env->eval.error;
    status described = print_key(env, r, k->columns, k->n, r, k->columns, values, &key);
    status st = error_set(e, ST_FOREIGN_KEY_VIOLATION,
                          "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                          r->name, k->name);
    if (ok(described))
        error_detail(e, "Key %.*s is not present in table \"%s\".", (int)key.len, key.data,
                     to->name);
    buf_free(&key);
    name_places(e, r, k);
    return st;
}

status ri_mixed_nulls(struct sql_env *env, const struct relation *r, const struct foreign_key *k) {
    struct error *e = env->eval.error;
    status st = error_set(e, ST_FOREIGN_KEY_VIOLATION,
                          "insert or update on table \"%s\" violates foreign key constraint \"%s\"",
                          r->name, k->name);
    error_detail(e, "MATCH FULL does not allow mixing of null and nonnull key values.");
    name_places(e, r, k);
    return st;
}

status ri_still_referenced(struct sql_env *env, const struct relation *to, const struct relation *r,
                           const struct foreign_key *k, const datum *values) {
    struct buf key = {0};
    struct error *e = env->eval.error;
    status described = print_key(env, to, k->ref_columns, k->n, to, k->ref_columns, values, &key);
    status st = error_set(e, ST_FOREIGN_KEY_VIOLATION,
                          "update or delete on table \"%s\" violates foreign key constraint \"%s\" "
                          "on table \"%s\"",
                          to->name, k->name, r->name);
    if (ok(described))
        error_detail(e, "Key %.*s is still referenced from table \"%s\".", (int)key.len, key.data,
                     r->name);
    buf_free(&key);
    name_places(e, r, k);
    return st;
}
