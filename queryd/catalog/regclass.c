/* regclass.c: relations named inside of kept expressions.
 *
 * A default like nextval('s') means one relation, whatever it is called later: the text holds its
 * oid, '16390'::regclass, and shows its name when it is printed. Kept texts are our own spelling,
 * so the pattern is the constant, unless it stands inside of a string (its quote is doubled there).
 */
#include "catalog/deparse.h"
#include "catalog/internal.h"

static bool is_regclass(const struct ast_type_name *t) {
    return list_n(t->names) && !strcmp(list_at(t->names, list_n(t->names) - 1), "regclass") &&
           !list_n(t->typmods);
}

static bool takes_regclass(const struct ast_func_call *f) {
    const char *name = list_n(f->names) ? list_at(f->names, list_n(f->names) - 1) : "";
    bool ours = list_n(f->names) == 1 || !strcmp(list_at(f->names, 0), "pg_catalog");
    return ours && list_n(f->args) &&
           (!strcmp(name, "nextval") || !strcmp(name, "currval") || !strcmp(name, "setval"));
}

static status bind_literal(struct sql_env *env, struct ast_literal *l) {
    datum found;
    TRY(type_input(&env->eval, type_find(REGCLASSOID), -1, l->text, l->length, &found));
    l->text = arena_printf(env->eval.arena, "%u", found.u32);
    if (!l->text) return no_memory(env);
    l->length = (uint32_t)strlen(l->text);
    return OK;
}

static status make_cast(struct sql_env *env, struct node *literal, struct node **ret) {
    struct arena *a = env->eval.arena;
    struct ast_type_cast *cast = (struct ast_type_cast *)ast_new(a, NODE_TYPE_CAST, -1);
    struct ast_type_name *type = (struct ast_type_name *)ast_new(a, NODE_TYPE_NAME, -1);
    if (!cast || !type) return no_memory(env);
    TRY(list_append(a, &type->names, (void *)"regclass"));
    cast->arg = literal;
    cast->type = type;
    *ret = &cast->node;
    return OK;
}

static status bind_children(struct node *n, void *arg) {
    struct sql_env *env = arg;
    if (!n) return OK;
    if (n->kind == NODE_TYPE_CAST) {
        struct ast_type_cast *c = (struct ast_type_cast *)n;
        if (ast_is_literal(c->arg, LITERAL_STRING) && is_regclass(c->type))
            return bind_literal(env, (struct ast_literal *)c->arg);
    }
    if (n->kind == NODE_FUNC_CALL && takes_regclass((struct ast_func_call *)n)) {
        struct list *args = ((struct ast_func_call *)n)->args;
        if (ast_is_literal(list_at(args, 0), LITERAL_STRING)) {
            struct node *cast;
            TRY(bind_literal(env, list_at(args, 0)));
            TRY(make_cast(env, list_at(args, 0), &cast));
            args->items[0] = cast;
            return OK;
        }
    }
    return ast_each_child(n, bind_children, arg);
}

status bind_regclass(struct sql_env *env, struct node **n) {
    return bind_children(*n, env);
}

/* ---- in the text ----------------------------------------------------------------------------- */

#define AS_REGCLASS "'::regclass"

/* At an opening quote: the digits and the cast behind it. */
static const char *match(const char *s, const char *end, oid *ret) {
    const char *digits = s + 1;
    unsigned long long value = 0;
    const char *at = digits;
    while (at < end && *at >= '0' && *at <= '9' && at - digits < 11)
        value = value * 10 + (unsigned)(*at++ - '0');
    size_t len = sizeof AS_REGCLASS - 1;
    if (at == digits || (size_t)(end - at) < len || memcmp(at, AS_REGCLASS, len)) return NULL;
    *ret = (oid)value;
    return at + len;
}

/* The next constant in [*at, end): *ret_from where it begins; *at moves behind it. */
static bool next_bound(const char **at, const char *end, const char **ret_from, oid *ret) {
    bool quoted = false;
    for (const char *s = *at; s < end; s++) {
        if (*s != '\'') continue;
        const char *behind = quoted ? NULL : match(s, end, ret);
        if (behind) {
            *ret_from = s;
            *at = behind;
            return true;
        }
        quoted = !quoted;
    }
    return false;
}

status print_bound(struct sql_env *env, const char *text, size_t len, struct buf *out) {
    const char *at = text, *end = text + len, *done = text, *from;
    oid relation;
    while (next_bound(&at, end, &from, &relation)) {
        struct buf name = {0};
        status st = relation_print(env, relation, &name);
        if (status_is(st, ST_NOT_FOUND)) st = buf_printf(&name, "%u", relation);
        if (ok(st)) st = buf_add(out, done, (size_t)(from - done));
        if (ok(st)) st = print_literal(out, name.data, name.len);
        buf_free(&name);
        TRY(st);
        TRY(buf_add_str(out, "::regclass"));
        done = at;
    }
    return buf_add(out, done, (size_t)(end - done));
}
