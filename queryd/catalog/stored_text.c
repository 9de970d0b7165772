/* stored_text.c: expressions and queries as they are kept, and as they are shown. */
#include "catalog/define_internal.h"
#include "parse/parse.h"

static status keep_text(struct sql_env *env, struct buf *out, status st, const char **ret) {
    *ret = ok(st) ? arena_strndup(env->eval.arena, out->data ? out->data : "", out->len) : NULL;
    buf_free(out);
    return ok(st) && !*ret ? no_memory(env) : st;
}

status stored_expression_print(struct sql_env *env, const struct kept_expression *e,
                               const char **ret) {
    static const struct print_style style = {.stored = true};
    struct buf out = {0};
    return keep_text(env, &out, define_hooks->expression_print(env, e, &style, &out), ret);
}

status stored_expression(struct sql_env *env, const struct relation *r, struct node *expression,
                         enum expression_use use, oid want, int32_t typmod, const char **ret) {
    struct kept_expression *kept;
    if (!define_hooks) return define_unsupported(env, "a kept expression");
    TRY(bind_regclass(env, &expression));
    TRY(define_hooks->expression_keep(env, r, expression, use, want, typmod, &kept));
    return stored_expression_print(env, kept, ret);
}

/* On the relation's own columns it depends otherwise. */
static bool is_own(const struct relation *r, const struct object_address *o) {
    return r && o->class_oid == OID_pg_class && o->object == r->oid;
}

status define_depend_objects(struct sql_env *env, struct object_address from,
                             const struct relation *own, const struct list *objects) {
    LIST_EACH(const struct object_address *, o, objects)
    if (!is_own(own, o)) TRY(define_depend(env, from, *o, 'n'));
    return OK;
}

status define_depend_text(struct sql_env *env, struct object_address from, const struct relation *r,
                          const char *text) {
    struct kept_expression *kept;
    struct list *objects;
    if (!define_hooks) return OK;
    TRY(stored_expression_keep(env, r, text, strlen(text), &kept));
    TRY(define_hooks->expression_objects(env, kept, &objects));
    return define_depend_objects(env, from, r, objects);
}

status stored_expression_keep(struct sql_env *env, const struct relation *r, const char *text,
                              size_t len, struct kept_expression **ret) {
    struct node *n;
    const char *copy = arena_strndup(env->eval.arena, text, len);
    if (!copy) return no_memory(env);
    TRY(parse_expression(env->eval.arena, copy, len, env->eval.error, &n));
    return define_hooks->expression_keep(env, r, n, EXPRESSION_ANY, 0, -1, ret);
}

status stored_append(struct sql_env *env, const char **all, const char *text) {
    *all = *all ? arena_printf(env->eval.arena, "%s%c%s", *all, STORED_TEXT_SEPARATOR, text) : text;
    return *all ? OK : no_memory(env);
}

char *stored_next(char *text) {
    char *end = strchr(text, STORED_TEXT_SEPARATOR);
    if (!end) return NULL;
    *end = 0;
    return end + 1;
}

status stored_query(struct sql_env *env, const struct kept_query *q, const struct relation *names,
                    const char **ret) {
    static const struct print_style style = {.stored = true};
    struct buf out = {0};
    return keep_text(env, &out, define_hooks->query_print(env, q, &style, names, &out), ret);
}

status stored_query_parse(struct sql_env *env, const char *text, struct node **ret) {
    return parse_kept_query(env->eval.arena, text, strlen(text), env->eval.error, ret);
}

status print_stored(struct sql_env *env, const struct relation *r, const char *text, size_t len,
                    bool pretty, struct buf *out) {
    struct print_style style = {.parens = pretty, .lines = pretty};
    struct kept_expression *kept;
    if (!define_hooks) return print_bound(env, text, len, out);
    TRY(stored_expression_keep(env, r, text, len, &kept));
    return define_hooks->expression_print(env, kept, &style, out);
}
