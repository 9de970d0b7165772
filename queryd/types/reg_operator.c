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

status reg_operator_find_name(const struct eval_env *env, const char *text, oid *ret) {
    size_t first, n = operator_find_by_name(bare(text), &first);
    if (!n) return no_such_operator(env, text);
    if (n > 1)
        return error_set(env->error, ST_AMBIGUOUS_FUNCTION, "more than one operator named %s",
                         text);
    *ret = operator_by_name_at(first)->oid;
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
    return no_such_operator(env, text);
}

static status put_operand(oid type, struct buf *out) {
    return type ? type_format(type, -1, out) : buf_add_str(out, "NONE");
}

status reg_operator_print(oid id, bool with_operands, struct buf *out) {
    const struct operator_info *op = operator_find(id);
    size_t first;
    if (!op) return STATUS(NOT_FOUND);
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
