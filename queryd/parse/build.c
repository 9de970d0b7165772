#include "parse/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse/parse.h"

/* ---- failing and memory ---------------------------------------------------------------------- */

void parse_fail(struct parser *p) {
    longjmp(p->fail, 1);
}

void parse_fail_at(struct parser *p, enum status_code code, int32_t location, const char *message) {
    status_ignore(error_set(p->error, code, "%s", message)); /* the jump carries it */
    error_at(p->error, parse_position(p->scanner.text, (size_t)(p->scanner.limit - p->scanner.text),
                                      location));
    parse_fail(p);
}

void parse_fail_hint(struct parser *p, enum status_code code, int32_t location, const char *message,
                     const char *hint) {
    status_ignore(error_set(p->error, code, "%s", message)); /* the jump carries it */
    error_hint(p->error, "%s", hint);
    parse_fail_at(p, code, location, message);
}

static _Noreturn void fail_near(struct parser *p, const char *message, const struct lexeme *l) {
    status_ignore(
        scan_error_near(&p->scanner, ST_SYNTAX_ERROR, message, l->token.location, l->end));
    parse_fail(p);
}

void parse_syntax_error(struct parser *p) {
    fail_near(p, "syntax error", &p->current);
}

void parse_syntax_error_at(struct parser *p, int32_t location) {
    struct scanner s = p->scanner;
    struct lexeme l;
    s.cursor = s.text + location;
    if (!ok(scan_token(&s, &l))) parse_fail(p);
    fail_near(p, "syntax error", &l);
}

static _Noreturn void out_of_memory(struct parser *p) {
    status_ignore(error_set(p->error, ST_OUT_OF_MEMORY, "out of memory"));
    parse_fail(p);
}

/* Lemon's stack: beyond this many bytes a statement is nested too deep. */
#define STACK_BYTES_MAX (512 * 1024)

void *parse_stack_resize(void *stack, size_t bytes) {
    return bytes > STACK_BYTES_MAX ? NULL : realloc(stack, bytes);
}

void *parse_alloc(struct parser *p, size_t bytes) {
    void *memory = arena_alloc(p->arena, bytes);
    if (!memory) out_of_memory(p);
    return memory;
}

void *parse_copy(struct parser *p, const void *node, size_t bytes) {
    return memcpy(parse_alloc(p, bytes), node, bytes);
}

char *parse_join(struct parser *p, const char *a, const char *middle, const char *b) {
    char *joined = arena_printf(p->arena, "%s%s%s", a, middle, b);
    if (!joined) out_of_memory(p);
    return joined;
}

/* ---- lists ----------------------------------------------------------------------------------- */

struct list *list_add(struct parser *p, struct list *l, const void *item) {
    if (!ok(list_append(p->arena, &l, P(item)))) out_of_memory(p);
    return l;
}

struct list *list_none(struct parser *p) {
    return memset(parse_alloc(p, sizeof(struct list)), 0, sizeof(struct list));
}

struct list *list1(struct parser *p, const void *item) {
    return list_add(p, NULL, item);
}

struct list *list2(struct parser *p, const void *a, const void *b) {
    return list_add(p, list_add(p, NULL, a), b);
}

struct list *list_concat(struct parser *p, struct list *a, struct list *b) {
    if (!a) return b;
    for (int32_t i = 0; i < list_n(b); i++) a = list_add(p, a, list_at(b, i));
    return a;
}

/* ---- literals -------------------------------------------------------------------------------- */

static struct node *make_literal(struct parser *p, enum ast_literal_kind kind, int32_t integer,
                                 const char *text, size_t length, int32_t location) {
    return MAKE(literal, location, kind, integer, (uint32_t)length, P(text));
}

struct node *make_string(struct parser *p, const char *text, int32_t location) {
    return make_literal(p, LITERAL_STRING, 0, text, strlen(text), location);
}

struct node *make_token_literal(struct parser *p, enum ast_literal_kind kind, struct token t) {
    return make_literal(p, kind, kind == LITERAL_INTEGER ? token_integer(t) : 0, t.text,
                        (size_t)t.length, t.location);
}

struct node *make_integer(struct parser *p, int32_t value, int32_t location) {
    char *text = arena_printf(p->arena, "%d", value);
    if (!text) out_of_memory(p);
    return make_literal(p, LITERAL_INTEGER, value, text, strlen(text), location);
}

struct node *make_bool(struct parser *p, bool value, int32_t location) {
    const char *text = value ? "true" : "false";
    return make_literal(p, LITERAL_BOOL, value, text, strlen(text), location);
}

struct node *make_null(struct parser *p, int32_t location) {
    return make_literal(p, LITERAL_NULL, 0, "null", 4, location);
}

int32_t token_integer(struct token t) {
    return (int32_t)strtol(t.text, NULL, 10);
}

struct node *make_param(struct parser *p, struct token t) {
    long number = t.length > 10 ? -1 : strtol(t.text, NULL, 10);
    if (number < 0 || number > INT32_MAX)
        parse_fail_at(p, ST_UNDEFINED_PARAMETER, t.location,
                      parse_join(p, "there is no parameter $", t.text, ""));
    return MAKE(param, t.location, (int32_t)number);
}

/* ---- operators ------------------------------------------------------------------------------- */

struct node *make_op(struct parser *p, int32_t location, const char *name, struct node *left,
                     struct node *right) {
    return MAKE(op, location, OP_PLAIN, list1(p, name), left, right);
}

struct node *make_named_op(struct parser *p, struct qname name, struct node *left,
                           struct node *right) {
    return MAKE(op, name.location, OP_PLAIN, name.names, left, right);
}

struct node *make_and_or(struct parser *p, enum ast_bool_kind kind, int32_t location,
                         struct node *left, struct node *right) {
    struct ast_bool *chain = left->kind == NODE_BOOL ? ast_as_bool(left) : NULL;
    if (!chain || chain->kind != kind || chain->closed)
        return MAKE(bool, location, .kind = kind, .args = list2(p, left, right));
    chain->args = list_add(p, chain->args, right);
    return left;
}

struct node *make_not(struct parser *p, int32_t location, struct node *arg) {
    return MAKE(bool, location, .kind = BOOL_NOT, .args = list1(p, arg));
}

/* A number takes the sign into itself, so that the smallest integers can be written. */
struct node *make_minus(struct parser *p, int32_t location, struct node *arg) {
    struct ast_literal *l = arg->kind == NODE_LITERAL ? ast_as_literal(arg) : NULL;
    if (!l || (l->kind != LITERAL_INTEGER && l->kind != LITERAL_NUMERIC))
        return make_op(p, location, "-", NULL, arg);
    const char *text = l->text[0] == '-' ? l->text + 1 : parse_join(p, "-", l->text, "");
    return make_literal(p, l->kind, -l->integer, text, strlen(text), location);
}

struct node *make_like(struct parser *p, enum ast_op_syntax syntax, bool negated, int32_t location,
                       struct node *left, struct node *pattern, struct node *escape) {
    static const char *const names[][2] = {
        [OP_LIKE] = {"~~", "!~~"}, [OP_ILIKE] = {"~~*", "!~~*"}, [OP_SIMILAR] = {"~", "!~"}};
    const char *function = syntax == OP_SIMILAR ? "similar_to_escape" : "like_escape";
    if (escape || syntax == OP_SIMILAR) {
        struct list *args = list1(p, pattern);
        if (escape) args = list_add(p, args, escape);
        pattern = make_system_call(p, location, function, args);
    }
    return MAKE(op, location, syntax, list1(p, names[syntax][negated]), left, pattern);
}

struct node *make_in(struct parser *p, bool negated, int32_t location, struct node *left,
                     struct node *in) {
    if (in->kind == NODE_NODE_LIST)
        return MAKE(in, location, left, ast_as_node_list(in)->items, negated);
    in->location = location;
    ast_as_sublink(in)->left = left;
    return negated ? make_not(p, location, in) : in;
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct node *make_system_call(struct parser *p, int32_t location, const char *name,
                              struct list *args) {
    return MAKE(func_call, location, .syntax = FUNC_SQL, .names = list2(p, "pg_catalog", name),
                .args = args);
}

struct node *make_call(struct parser *p, struct qname name, struct list *args,
                       struct list *order_by) {
    return MAKE(func_call, name.location, .names = name.names, .args = args, .order_by = order_by);
}

struct node *finish_call(struct parser *p, struct node *call, struct list *within,
                         int32_t within_at, struct node *filter, struct node *over) {
    struct ast_func_call *f = ast_as_func_call(call);
    if (within) {
        const char *message = f->order_by ? "cannot use multiple ORDER BY clauses with WITHIN GROUP"
                              : f->distinct ? "cannot use DISTINCT with WITHIN GROUP"
                              : f->variadic ? "cannot use VARIADIC with WITHIN GROUP"
                                            : NULL;
        if (message) parse_fail_at(p, ST_SYNTAX_ERROR, within_at, message);
        f->order_by = within;
        f->within_group = true;
    }
    f->filter = filter;
    f->over = P(over);
    return call;
}

struct node *make_overlaps(struct parser *p, struct node *left, int32_t location,
                           struct node *right) {
    struct list *a = ast_as_row(left)->args;
    struct list *b = ast_as_row(right)->args;
    if (list_n(a) != 2)
        parse_fail_at(p, ST_SYNTAX_ERROR, location,
                      "wrong number of parameters on left side of OVERLAPS expression");
    if (list_n(b) != 2)
        parse_fail_at(p, ST_SYNTAX_ERROR, location,
                      "wrong number of parameters on right side of OVERLAPS expression");
    return make_system_call(p, location, "overlaps", list_concat(p, a, b));
}

/* ---- names with steps ------------------------------------------------------------------------ */

static bool is_star(const struct node *step) {
    return step->kind == NODE_FIELD && !((const struct ast_field *)step)->name;
}

static void check_steps(struct parser *p, const struct list *steps) {
    for (int32_t i = 0; i + 1 < list_n(steps); i++)
        if (is_star(list_at(steps, i))) fail_near(p, "improper use of \"*\"", &p->current);
}

struct node *make_indirection(struct parser *p, struct node *arg, struct list *steps) {
    if (arg->kind == NODE_BOOL) ast_as_bool(arg)->closed = p->kept;
    if (!steps) return arg;
    check_steps(p, steps);
    return MAKE(indirection, arg->location, arg, steps);
}

/* The names up to the first subscript are the column's; what follows are steps into its value. */
struct node *make_column_ref(struct parser *p, struct token first, struct list *steps) {
    struct list *names = list1(p, first.text);
    struct list *rest = NULL;
    bool star = false;
    check_steps(p, steps);
    for (int32_t i = 0; i < list_n(steps); i++) {
        struct node *step = list_at(steps, i);
        if (rest || step->kind == NODE_SUBSCRIPT)
            rest = list_add(p, rest, step);
        else if (is_star(step))
            star = true;
        else
            names = list_add(p, names, ast_as_field(step)->name);
    }
    return make_indirection(p, MAKE(column_ref, first.location, names, star), rest);
}

struct qname qname1(struct parser *p, struct token t) {
    return (struct qname){list1(p, t.text), t.location};
}

struct qname qname_steps(struct parser *p, struct token first, struct list *steps) {
    struct qname name = qname1(p, first);
    for (int32_t i = 0; i < list_n(steps); i++) {
        struct node *step = list_at(steps, i);
        if (step->kind != NODE_FIELD || is_star(step)) parse_syntax_error(p);
        name.names = list_add(p, name.names, ast_as_field(step)->name);
    }
    return name;
}

struct node *make_names(struct parser *p, struct qname name) {
    return MAKE(name_list, name.location, name.names);
}

static char *dotted(struct parser *p, const struct list *names) {
    char *text = list_at(names, 0);
    for (int32_t i = 1; i < names->n; i++) text = parse_join(p, text, ".", list_at(names, i));
    return text;
}

struct node *make_range_var(struct parser *p, struct qname name) {
    int32_t n = name.names->n;
    if (n > 3)
        parse_fail_at(p, ST_SYNTAX_ERROR, name.location,
                      parse_join(p, "improper qualified name (too many dotted names): ",
                                 dotted(p, name.names), ""));
    return MAKE(range_var, name.location, .catalog = n == 3 ? list_at(name.names, 0) : NULL,
                .schema = n >= 2 ? list_at(name.names, n - 2) : NULL,
                .name = list_at(name.names, n - 1));
}

char *make_special_role(struct parser *p, const char *name) {
    return parse_join(p, (const char[]){ROLE_SPECIAL, '\0'}, name, "");
}

struct node *make_def(struct parser *p, int32_t location, const char *name, struct node *value) {
    return MAKE(def_elem, location, .name = P(name), .value = value);
}

/* ---- types ----------------------------------------------------------------------------------- */

struct node *make_type(struct parser *p, struct qname name, struct list *typmods) {
    return MAKE(type_name, name.location, .names = name.names, .typmods = typmods);
}

struct node *make_system_type(struct parser *p, int32_t location, const char *name,
                              struct list *typmods) {
    return make_type(p, (struct qname){list2(p, "pg_catalog", name), location}, typmods);
}

struct node *make_float_type(struct parser *p, int32_t location, struct token precision) {
    int32_t bits = token_integer(precision);
    if (bits < 1)
        parse_fail_at(p, ST_INVALID_PARAMETER_VALUE, precision.location,
                      "precision for type float must be at least 1 bit");
    if (bits > 53)
        parse_fail_at(p, ST_INVALID_PARAMETER_VALUE, precision.location,
                      "precision for type float must be less than 54 bits");
    return make_system_type(p, location, bits <= 24 ? "float4" : "float8", NULL);
}

struct node *set_ndims(struct node *type, int ndims, bool setof) {
    ast_as_type_name(type)->array_ndims = ndims;
    ast_as_type_name(type)->setof = setof;
    return type;
}

struct node *make_function_args(struct parser *p, struct qname name, struct list *params) {
    struct list *types = NULL;
    LIST_EACH(struct ast_func_param *, param, params) {
        if (param->mode != 'o' && param->mode != 't') types = list_add(p, types, param->type);
    }
    return MAKE(object_args, name.location, name.names, types, true);
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The lookahead is the semicolon or the end that closed the statement; its first token is found by
 * looking again from the semicolon before. */
void add_statement(struct parser *p, struct node *stmt, int32_t after) {
    if (!stmt) return;
    struct scanner s = p->scanner;
    struct lexeme first;
    s.cursor = s.text + after;
    s.no_values = true;
    if (!ok(scan_token(&s, &first))) parse_fail(p);
    struct raw_stmt *raw = parse_alloc(p, sizeof *raw);
    *raw = (struct raw_stmt){.stmt = stmt,
                             .location = first.token.location,
                             .length = p->current.token.location - first.token.location};
    p->statements = list_add(p, p->statements, raw);
}

/* Only an index is attached without bounds; the end of the statement is where they are missed. */
void check_attach(struct parser *p, enum ast_object_type type, const struct list *commands) {
    if (type == OBJECT_INDEX) return;
    LIST_EACH(struct ast_alter_cmd *, c, commands) {
        if (c->kind == ALTER_ATTACH_PARTITION && list_n(ast_as_node_list(c->def)->items) == 1)
            parse_syntax_error(p);
    }
}
