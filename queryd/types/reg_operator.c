/* Operators by name: regoper and regoperator. */
#include "types/reg_operator.h"

#include <stdlib.h>

#include "types/internal.h"

#define PREFIX "pg_catalog."

static const char *bare(const char *name) {
    return strncmp(name, PREFIX, sizeof PREFIX - 1) ? name : name + sizeof PREFIX - 1;
}

static status no_such_operator(const struct eval_env *env, const char *text) {
    return error_set(env->error, ST_UNDEFINED_FUNCTION, "operator does not exist: %s", text);
}

/* Users' operators of a name; a schema may stand before it. Cuts the text. */
static status own_operators(const struct eval_env *env, char *text, struct operator_scope *ret) {
    char *dot = strchr(text, '.');
    const char *schema = dot ? text : NULL;
    *ret = (struct operator_scope){0};
    if (!types_source()->operators_named) return OK;
    if (dot) *dot = '\0';
    status s = types_source()->operators_named(env, schema, dot ? dot + 1 : text, ret);
    if (dot) *dot = '.';
    return status_is(s, ST_NOT_FOUND) ? OK : s;
}

status reg_operator_find_name(const struct eval_env *env, const char *text, oid *ret) {
    struct operator_scope own;
    char *copy = arena_strndup(env->arena, text, strlen(text));
    if (!copy) return out_of_memory(env);
    TRY(own_operators(env, copy, &own));
    size_t first, n = operator_find_by_name(bare(text), &first);
    if (!n && !own.n) return no_such_operator(env, text);
    if (n + own.n > 1)
        return error_set(env->error, ST_AMBIGUOUS_FUNCTION, "more than one operator named %s",
                         text);
    *ret = n ? operator_by_name_at(first)->oid : own.operators[0]->oid;
    return OK;
}

static status missing_argument(const struct eval_env *env) {
    status s = error_set(env->error, ST_UNDEFINED_PARAMETER, "missing argument");
    error_hint(env->error, "Use NONE to denote the missing argument of a unary operator.");
    return s;
}

/* One of the types between the brackets; NONE is 0. Cuts the text. */
static status operand(const struct eval_env *env, char *text, oid *ret) {
    const char *p = text;
    size_t len = strlen(text);
    trim_space(&p, &len);
    char *name = arena_strndup(env->arena, p, len);
    if (!name) return out_of_memory(env);
    *ret = 0;
    return same_word(name, len, "none") ? OK : type_parse_name(env, name, ret, NULL);
}

/* Where the first operand ends: a comma outside of brackets. */
static char *comma(char *p) {
    int depth = 0;
    for (; *p; p++) {
        depth += (*p == '(') - (*p == ')');
        if (*p == ',' && !depth) return p;
    }
    return NULL;
}

status reg_operator_find(const struct eval_env *env, const char *text, oid *ret) {
    char *copy = arena_strndup(env->arena, text, strlen(text));
    if (!copy) return out_of_memory(env);
    char *open = strchr(copy, '('), *close = strrchr(copy, ')');
    if (!open)
        return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
    if (!close || close < open)
        return error_set(env->error, ST_INVALID_TEXT_REPRESENTATION,
                         "expected a right parenthesis");
    *open = *close = '\0';
    char *second = comma(open + 1);
    oid left, right;
    if (!second) return missing_argument(env);
    *second++ = '\0';
    if (comma(second)) {
        status s = error_set(env->error, ST_TOO_MANY_ARGUMENTS, "too many arguments");
        error_hint(env->error, "Provide two argument types for operator.");
        return s;
    }
    TRY(operand(env, open + 1, &left));
    TRY(operand(env, second, &right));
    size_t first, n = operator_find_by_name(bare(copy), &first);
    for (size_t i = first; n && i < first + n; i++) {
        const struct operator_info *op = operator_by_name_at(i);
        if (op->left != left || op->right != right) continue;
        *ret = op->oid;
        return OK;
    }
    struct operator_scope own;
    TRY(own_operators(env, copy, &own));
    for (size_t i = 0; i < own.n; i++) {
        if (own.operators[i]->left != left || own.operators[i]->right != right) continue;
        *ret = own.operators[i]->oid;
        return OK;
    }
    return no_such_operator(env, text);
}

static status put_operand(oid type, struct buf *out) {
    return type ? type_format(type, -1, out) : buf_add_str(out, "NONE");
}

/* Would its name with these operands mean another one, or nothing? */
static bool is_hidden(const struct operator_info *op) {
    struct arena scratch;
    struct error ignored = {0};
    struct eval_env env = {.arena = &scratch, .error = &ignored};
    struct operator_scope scope = {0};
    bool found = false;
    if (!op->schema) return false;
    arena_init(&scratch, 0);
    status_ignore(types_source()->operators_named(&env, NULL, op->name, &scope)); /* then hidden */
    for (size_t i = 0; i < scope.n; i++) found |= scope.operators[i]->oid == op->oid;
    arena_free(&scratch);
    return !found;
}

status reg_operator_print(oid id, bool with_operands, struct buf *out) {
    const struct operator_info *op = operator_known(id);
    size_t first;
    if (!op) return STATUS(NOT_FOUND);
    if (is_hidden(op)) TRY(buf_printf(out, "%s.", op->schema));
    if (!with_operands && op->schema) return buf_add_str(out, op->name);
    if (!with_operands) {
        bool alone = operator_find_by_name(op->name, &first) == 1;
        return buf_printf(out, "%s%s", alone ? "" : PREFIX, op->name);
    }
    TRY(buf_printf(out, "%s(", op->name));
    TRY(put_operand(op->left, out));
    TRY(buf_add_str(out, ","));
    TRY(put_operand(op->right, out));
    return buf_add_str(out, ")");
}
