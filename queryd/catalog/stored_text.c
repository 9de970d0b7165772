/* stored_text.c: expressions and queries as they are kept, and as they are shown. */
#include "catalog/define_internal.h"
#include "parse/parse.h"

static status keep_text(struct sql_env *env, struct buf *out, status st, const char **ret) {
    *ret = ok(st) ? arena_strndup(env->eval.arena, out->data ? out->data : "", out->len) : NULL;
    buf_free(out);
    return ok(st) && !*ret ? no_memory(env) : st;
}

status stored_expression(struct sql_env *env, const struct relation *r, struct node *expression,
                         enum expression_use use, oid want, int32_t typmod, const char **ret) {
    static const struct print_style style = {.stored = true};
    struct buf out = {0};
    if (!define_hooks) return define_unsupported(env, "a kept expression");
    TRY(bind_regclass(env, &expression));
    return keep_text(
        env, &out,
        define_hooks->expression_print(env, r, expression, use, want, typmod, &style, &out), ret);
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
    struct node *n;
    const char *copy = arena_strndup(env->eval.arena, text, len);
    if (!copy) return no_memory(env);
    if (!define_hooks) return print_bound(env, text, len, out);
    TRY(parse_expression(env->eval.arena, copy, len, env->eval.error, &n));
    return define_hooks->expression_print(env, r, n, EXPRESSION_ANY, 0, -1, &style, out);
}
