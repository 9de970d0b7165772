/* function_definition.c: definitions as SQL: pg_get_indexdef and its kin. */
#include "catalog/collation.h"
#include "catalog/define_internal.h"
#include "catalog/facts.h"
#include "catalog/function_bodies.h"
#include "parse/parse.h"
#include "types/array.h"

/* A kept text; those of an index's expressions one after the other. */
static status print_texts(struct sql_env *env, const struct relation *r, const char *text,
                          size_t len, bool pretty, struct buf *out) {
    const char *end = memchr(text, STORED_TEXT_SEPARATOR, len);
    size_t n = end ? (size_t)(end - text) : len;
    TRY(print_stored(env, r, text, n, pretty, out));
    if (!end) return OK;
    TRY(buf_add_str(out, ", "));
    return print_texts(env, r, end + 1, len - n - 1, pretty, out);
}

status fn_expr(struct fn_call *c) {
    struct sql_env env;
    struct buf out = {0};
    const struct relation *r = NULL;
    const struct varlena *v = c->args[0].v;
    TRY(function_env(c, &env));
    if (c->args[1].u32) {
        status found = catalog_relation(&env, c->args[1].u32, &r);
        if (!ok(found)) return return_buf(c, found, &out);
    }
    return return_buf(c, print_texts(&env, r, v->data, v->len, c->nargs == 3 && c->args[2].b, &out),
                      &out);
}

/* ---- indexes --------------------------------------------------------------------------------- */

/* What is not the column's (of an expression: its type's) own: collation, operator class. */
static status print_key_options(struct sql_env *env, const struct relation *r,
                                const struct index_desc *x, uint16_t k, struct buf *out) {
    struct catalog_row row;
    const struct type *t = type_find(x->types[k]);
    oid own = x->columns[k] ? r->atts[x->columns[k] - 1].collation : t ? t->collation : 0;
    if (x->collations[k] && x->collations[k] != own) {
        TRY(buf_add_str(out, " COLLATE "));
        TRY(collation_print(env, x->collations[k], out));
    }
    if (x->classes[k] && x->classes[k] != default_opclass(x->types[k])) {
        TRY(catalog_row_get_oid(env, CAT_pg_opclass, x->classes[k], env->eval.arena, &row));
        TRY(buf_add_str(out, " "));
        TRY(print_identifier(out, row_name(&row, COL_pg_opclass_opcname)));
    }
    if (x->descending[k]) TRY(buf_add_str(out, " DESC"));
    if (x->nulls_first[k] == x->descending[k]) return OK;
    return buf_add_str(out, x->nulls_first[k] ? " NULLS FIRST" : " NULLS LAST");
}

static status print_index_head(struct sql_env *env, const struct relation *r,
                               const struct index_desc *x, bool pretty, struct buf *out) {
    TRY(buf_add_str(out, x->unique || (x->late && !x->exclusion) ? "CREATE UNIQUE INDEX "
                                                                 : "CREATE INDEX "));
    TRY(print_identifier(out, x->name));
    TRY(buf_add_str(out, " ON "));
    if (pretty) return relation_print(env, r->oid, out);
    TRY(print_identifier(out, r->schema_name));
    TRY(buf_add_str(out, "."));
    return print_identifier(out, r->name);
}

/* A value that is no plain name is written as a string. */
static status print_option(struct sql_env *env, const struct varlena *v, struct buf *out) {
    char *text = arena_strndup(env->eval.arena, v->data, v->len);
    char *value = text ? strchr(text, '=') : NULL;
    struct buf quoted = {0};
    if (!text) return STATUS(OUT_OF_MEMORY);
    if (!value) return print_identifier(out, text);
    *value++ = 0;
    TRY(print_identifier(out, text));
    TRY(buf_add_str(out, "="));
    status st = print_identifier(&quoted, value);
    if (ok(st))
        st = quoted.data[0] == '"' ? print_literal(out, value, strlen(value))
                                   : buf_add(out, quoted.data, quoted.len);
    buf_free(&quoted);
    return st;
}

static status print_options(struct sql_env *env, oid relation, struct buf *out) {
    struct catalog_row row;
    struct array_parts parts;
    TRY(catalog_row_get_oid(env, CAT_pg_class, relation, env->eval.arena, &row));
    if (row_is_null(&row, COL_pg_class_reloptions)) return OK;
    TRY(array_split(&env->eval, row.values[COL_pg_class_reloptions - 1].v, &parts));
    for (uint32_t i = 0; i < parts.n; i++) {
        TRY(buf_add_str(out, i ? ", " : " WITH ("));
        TRY(print_option(env, parts.values[i].v, out));
    }
    return parts.n ? buf_add_str(out, ")") : OK;
}

static status print_index(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                          bool pretty, struct buf *out) {
    TRY(print_index_head(env, r, x, pretty, out));
    TRY(buf_add_str(out, " USING btree ("));
    for (uint16_t k = 0; k < x->ncolumns; k++) {
        if (k) TRY(buf_add_str(out, k == x->nkeys ? ") INCLUDE (" : ", "));
        TRY(catalog_index_column(env, r, x, k, pretty, out));
        if (k < x->nkeys) TRY(print_key_options(env, r, x, k, out));
    }
    TRY(buf_add_str(out, ")"));
    if (x->nulls_not_distinct) TRY(buf_add_str(out, " NULLS NOT DISTINCT"));
    TRY(print_options(env, x->oid, out));
    if (!x->predicate_text) return OK;
    TRY(buf_add_str(out, " WHERE "));
    return print_stored(env, r, x->predicate_text, strlen(x->predicate_text), pretty, out);
}

status fn_indexdef(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    const struct index_desc *x;
    struct buf out = {0};
    int32_t column = c->nargs == 3 ? c->args[1].i32 : 0;
    TRY(function_env(c, &env));
    status st = catalog_index(&env, c->args[0].u32, &r, &x);
    if (ok(st) && column > x->ncolumns) st = STATUS(NOT_FOUND);
    if (ok(st))
        st = column > 0 ? catalog_index_column(&env, r, x, (uint16_t)(column - 1), true, &out)
                        : print_index(&env, r, x, c->nargs == 3 && c->args[2].b, &out);
    return return_buf(c, st, &out);
}

/* ---- constraints ----------------------------------------------------------------------------- */

static status print_exclusion(struct sql_env *env, const struct relation *r,
                              const struct index_desc *x, struct buf *out) {
    TRY(buf_add_str(out, "EXCLUDE USING btree ("));
    for (uint16_t k = 0; k < x->ncolumns; k++) {
        if (k) TRY(buf_add_str(out, k == x->nkeys ? ") INCLUDE (" : ", "));
        TRY(catalog_index_column(env, r, x, k, false, out));
        if (k < x->nkeys) TRY(buf_add_str(out, " WITH ="));
    }
    TRY(buf_add_str(out, ")"));
    return x->predicate_text ? buf_printf(out, " WHERE (%s)", x->predicate_text) : OK;
}

static status print_unique(struct sql_env *env, const struct relation *r,
                           const struct index_desc *x, struct buf *out) {
    bool primary = x->primary || x->late_primary;
    TRY(buf_add_str(out, primary ? "PRIMARY KEY (" : "UNIQUE "));
    if (!primary) TRY(buf_add_str(out, x->nulls_not_distinct ? "NULLS NOT DISTINCT (" : "("));
    for (uint16_t k = 0; k < x->ncolumns; k++) {
        if (k) TRY(buf_add_str(out, k == x->nkeys ? ") INCLUDE (" : ", "));
        TRY(catalog_index_column(env, r, x, k, false, out));
    }
    return buf_add_str(out, ")");
}

static status print_key(struct sql_env *env, const struct relation *r, const struct index_desc *x,
                        struct buf *out) {
    TRY(x->exclusion ? print_exclusion(env, r, x, out) : print_unique(env, r, x, out));
    if (x->deferrable) TRY(buf_add_str(out, " DEFERRABLE"));
    return x->deferred ? buf_add_str(out, " INITIALLY DEFERRED") : OK;
}

static status print_columns(const struct relation *r, const int16_t *columns, uint16_t n,
                            struct buf *out) {
    for (uint16_t i = 0; i < n; i++) {
        if (i) TRY(buf_add_str(out, ", "));
        TRY(print_identifier(out, r->atts[columns[i] - 1].name));
    }
    return OK;
}

static const char *action_words(char action) {
    switch (action) {
    case 'r': return "RESTRICT";
    case 'c': return "CASCADE";
    case 'n': return "SET NULL";
    case 'd': return "SET DEFAULT";
    default: return NULL;
    }
}

static status print_foreign_key(struct sql_env *env, const struct relation *r, oid constraint,
                                const struct catalog_row *row, struct buf *out) {
    const struct foreign_key *k = NULL;
    const struct relation *to;
    for (uint16_t i = 0; i < r->nkeys; i++)
        if (r->keys[i].oid == constraint) k = &r->keys[i];
    if (!k) return STATUS(NOT_FOUND);
    TRY(catalog_relation(env, k->refers, &to));
    TRY(buf_add_str(out, "FOREIGN KEY ("));
    TRY(print_columns(r, k->columns, k->n, out));
    TRY(buf_add_str(out, ") REFERENCES "));
    TRY(relation_print(env, k->refers, out));
    TRY(buf_add_str(out, "("));
    TRY(print_columns(to, k->ref_columns, k->n, out));
    TRY(buf_add_str(out, ")"));
    if (k->match == 'f') TRY(buf_add_str(out, " MATCH FULL"));
    if (action_words(k->on_update))
        TRY(buf_printf(out, " ON UPDATE %s", action_words(k->on_update)));
    if (action_words(k->on_delete))
        TRY(buf_printf(out, " ON DELETE %s", action_words(k->on_delete)));
    if (k->nset) {
        TRY(buf_add_str(out, " ("));
        TRY(print_columns(r, k->set_columns, k->nset, out));
        TRY(buf_add_str(out, ")"));
    }
    if (k->deferrable) TRY(buf_add_str(out, " DEFERRABLE"));
    if (k->deferred) TRY(buf_add_str(out, " INITIALLY DEFERRED"));
    return row_bool(row, COL_pg_constraint_convalidated) ? OK : buf_add_str(out, " NOT VALID");
}

static status print_constraint(struct sql_env *env, oid constraint, bool pretty, struct buf *out) {
    struct catalog_row row;
    const struct relation *r;
    TRY(catalog_row_get_oid(env, CAT_pg_constraint, constraint, env->eval.arena, &row));
    oid relation = row_oid(&row, COL_pg_constraint_conrelid);
    TRY(relation ? catalog_relation(env, relation, &r)
                 : define_value_of_domain(env, row_oid(&row, COL_pg_constraint_contypid), &r));
    if (row_char(&row, COL_pg_constraint_contype) == 'f')
        return print_foreign_key(env, r, constraint, &row, out);
    if (row_char(&row, COL_pg_constraint_contype) != 'c') {
        const struct index_desc *x =
            index_of_relation(r, row_oid(&row, COL_pg_constraint_conindid));
        return x ? print_key(env, r, x, out) : STATUS(NOT_FOUND);
    }
    const char *text = row_text(env->eval.arena, &row, COL_pg_constraint_conbin);
    if (!text) return STATUS(NOT_FOUND);
    TRY(buf_add_str(out, "CHECK ("));
    TRY(print_stored(env, r, text, strlen(text), pretty, out));
    TRY(buf_add_str(out, ")"));
    if (row_bool(&row, COL_pg_constraint_connoinherit)) TRY(buf_add_str(out, " NO INHERIT"));
    return row_bool(&row, COL_pg_constraint_convalidated) ? OK : buf_add_str(out, " NOT VALID");
}

status fn_constraintdef(struct fn_call *c) {
    struct sql_env env;
    struct buf out = {0};
    TRY(function_env(c, &env));
    status st = print_constraint(&env, c->args[0].u32, c->nargs == 2 && c->args[1].b, &out);
    return return_buf(c, st, &out);
}

/* ---- views ----------------------------------------------------------------------------------- */

static status print_view(struct sql_env *env, const struct relation *r,
                         const struct print_style *style, struct buf *out) {
    struct kept_query *kept;
    struct node *query;
    if (r->kind != 'v' || !r->view_text || !define_hooks) return STATUS(NOT_FOUND);
    TRY(stored_query_parse(env, r->view_text, &query));
    TRY(define_hooks->query_keep(env, query, &kept));
    TRY(define_hooks->query_print(env, kept, style, r, out));
    return buf_add_str(out, ";");
}

/* By oid, or by name as text. */
status fn_viewdef(struct fn_call *c) {
    struct sql_env env;
    const struct relation *r;
    struct buf out = {0};
    TRY(function_env(c, &env));
    oid view = c->args[0].u32;
    if (c->site->function->args[0] == TEXTOID) {
        datum found;
        const struct varlena *name = c->args[0].v;
        TRY(type_input(c->env, type_find(REGCLASSOID), -1, name->data, name->len, &found));
        view = found.u32;
    }
    struct print_style style = {.lines = true};
    bool wraps = c->nargs == 2 && c->site->function->args[1] == INT4OID;
    style.parens = c->nargs == 2 && (wraps || c->args[1].b);
    style.wrap = wraps ? c->args[1].i32 : 0;
    status st = catalog_relation(&env, view, &r);
    if (ok(st)) st = print_view(&env, r, &style, &out);
    return return_buf(c, st, &out);
}

/* The one rule that there is: what makes a view. */
static status print_rule(struct sql_env *env, const struct catalog_row *rule, bool pretty,
                         struct buf *out) {
    const struct print_style style = {.lines = true, .parens = pretty};
    const struct relation *r;
    TRY(catalog_relation(env, row_oid(rule, COL_pg_rewrite_ev_class), &r));
    TRY(buf_add_str(out, "CREATE RULE "));
    TRY(print_identifier(out, row_name(rule, COL_pg_rewrite_rulename)));
    TRY(buf_add_str(out, " AS\n    ON SELECT TO "));
    if (pretty) {
        TRY(relation_print(env, r->oid, out));
    } else {
        TRY(print_identifier(out, r->schema_name));
        TRY(buf_add_str(out, "."));
        TRY(print_identifier(out, r->name));
    }
    TRY(buf_add_str(out, " DO INSTEAD "));
    return print_view(env, r, &style, out);
}

status fn_ruledef(struct fn_call *c) {
    struct sql_env env;
    struct catalog_row row;
    struct buf out = {0};
    TRY(function_env(c, &env));
    status st = catalog_row_get_oid(&env, CAT_pg_rewrite, c->args[0].u32, env.eval.arena, &row);
    if (ok(st)) st = print_rule(&env, &row, c->nargs == 2 && c->args[1].b, &out);
    return return_buf(c, st, &out);
}

/* ---- functions ------------------------------------------------------------------------------- */

static const char *mode_word(char mode) {
    return mode == 'o' ? "OUT " : mode == 'b' ? "INOUT " : mode == 'v' ? "VARIADIC " : "";
}

static status print_argument(char mode, const char *name, size_t len, oid type, struct buf *out) {
    if (out->len) TRY(buf_add_str(out, ", "));
    TRY(buf_add_str(out, mode_word(mode)));
    if (len) TRY(buf_printf(out, "%.*s ", (int)len, name));
    return type_format(type, -1, out);
}

/* Those that come out as columns of a table belong to the result. */
static status print_known(const struct function_arguments *a, struct buf *out) {
    for (uint16_t i = 0; i < a->n; i++) {
        const char *name;
        size_t len = argument_name(a, i, &name);
        if (a->modes[i] == 't') continue;
        TRY(print_argument(a->modes[i], name, len, a->types[i], out));
    }
    return OK;
}

static status print_arguments(const struct function *f, struct buf *out) {
    const struct function_arguments *a = function_arguments(f->oid);
    if (a) return print_known(a, out);
    for (unsigned i = 0; i < f->nargs; i++)
        TRY(print_argument(f->variadic && i == f->nargs - 1u ? 'v' : 'i', "", 0, f->args[i], out));
    return OK;
}

static status print_result(const struct function *f, struct buf *out) {
    if (f->returns_set) TRY(buf_add_str(out, "SETOF "));
    return type_format(f->result, -1, out);
}

status fn_function_arguments(struct fn_call *c) {
    if (c->args[0].u32 >= FIRST_ROUTINE_OID) return routine_arguments(c, false);
    const struct function *f = function_find(c->args[0].u32);
    struct buf out = {0};
    return return_buf(c, f ? print_arguments(f, &out) : STATUS(NOT_FOUND), &out);
}

status fn_function_identity_arguments(struct fn_call *c) {
    if (c->args[0].u32 >= FIRST_ROUTINE_OID) return routine_arguments(c, true);
    const struct function *f = function_find(c->args[0].u32);
    struct buf out = {0};
    return return_buf(c, f ? print_arguments(f, &out) : STATUS(NOT_FOUND), &out);
}

status fn_function_result(struct fn_call *c) {
    if (c->args[0].u32 >= FIRST_ROUTINE_OID) return routine_result(c);
    const struct function *f = function_find(c->args[0].u32);
    struct buf out = {0};
    return return_buf(c, f ? print_result(f, &out) : STATUS(NOT_FOUND), &out);
}

static status print_function(const struct function *f, struct buf *out) {
    TRY(buf_printf(out, "CREATE OR REPLACE FUNCTION pg_catalog.%s(", f->name));
    struct buf arguments = {0};
    status st = print_arguments(f, &arguments);
    if (ok(st)) st = buf_add(out, arguments.data ? arguments.data : "", arguments.len);
    buf_free(&arguments);
    TRY(st);
    TRY(buf_add_str(out, ")\n RETURNS "));
    TRY(print_result(f, out));
    return buf_printf(out, "\n LANGUAGE internal\n%s%s PARALLEL SAFE\nAS $function$%s$function$\n",
                      f->volatility == 'i'   ? " IMMUTABLE"
                      : f->volatility == 's' ? " STABLE"
                                             : "",
                      f->strict ? " STRICT" : "", f->name);
}

status fn_functiondef(struct fn_call *c) {
    if (c->args[0].u32 >= FIRST_ROUTINE_OID) return routine_definition(c);
    const struct function *f = function_find(c->args[0].u32);
    struct buf out = {0};
    if (f && f->kind == 'a') return refuse_aggregate(c, f->name);
    return return_buf(c, f ? print_function(f, &out) : STATUS(NOT_FOUND), &out);
}
