/* ast.h: the syntax tree, as the grammar leaves it and analysis finds it.
 *
 * A node is a struct whose first member is `struct node`; nodes.def lists every kind with its
 * struct and fields. Everything lives in the arena given to parse_sql and is never freed singly.
 * The tree says what was written, not what it means: names are not resolved, nothing is typed, and
 * nothing was looked up. Conventions:
 *
 * - A list pointer may be NULL, which is the empty list (use list_n). An absent part is NULL.
 * - A qualified name is a list of char*, outermost first: [schema, table], [table, column].
 * - Names are folded, cut to 63 bytes and end in NUL. They never point into the statement text.
 * - location is the byte offset in the text given to parse_sql, -1 where nothing sensible exists.
 *   For an operator it is the operator's, for everything else its first token's (PostgreSQL's
 *   choice, which error positions depend on).
 * - Special syntaxes become what PostgreSQL makes of them: EXTRACT(f FROM x) is a call of
 *   pg_catalog.extract('f', x), LIKE is the operator ~~, and so on (README.md has the table). */
#ifndef PARSE_AST_H
#define PARSE_AST_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/status.h"

enum node_kind {
    NODE_NONE,
#define X(NAME, type, fields) NODE_##NAME,
#include "parse/nodes.def"
#undef X
    NODE_KIND_COUNT
};

struct node {
    uint16_t kind; /* enum node_kind */
    int32_t location;
};

/* An array that grows in an arena. The items' type is told where a list is declared. */
struct list {
    int32_t n;
    int32_t cap;
    void **items;
};

static inline int32_t list_n(const struct list *l) {
    return l ? l->n : 0;
}

static inline void *list_at(const struct list *l, int32_t i) {
    return l->items[i];
}

/* LIST_EACH(struct node *, n, list) { … }: each item of a list that may be NULL; break and continue
 * work as in any loop, n_i is the index. */
#define LIST_EACH(type, item, list_pointer)                                                        \
    for (int32_t item##_i = 0, item##_next = 1; item##_next && item##_i < list_n(list_pointer);    \
         item##_i++)                                                                               \
        for (type item = (item##_next = 0, list_at((list_pointer), item##_i)); !item##_next;       \
             item##_next = 1)

/* Appends to *l, making the list when *l is NULL. OUT_OF_MEMORY when the arena refuses. */
status list_append(struct arena *a, struct list **l, void *item);

/* Lists of oids, kept as (void *)(uintptr_t)oid, and of names (char *). */
static inline bool list_has_oid(const struct list *l, uint32_t id) {
    for (int32_t i = 0; i < list_n(l); i++)
        if ((uint32_t)(uintptr_t)l->items[i] == id) return true;
    return false;
}
static inline bool list_has_name(const struct list *l, const char *name) {
    for (int32_t i = 0; i < list_n(l); i++)
        if (strcmp(l->items[i], name) == 0) return true;
    return false;
}

#include "parse/ast_expression.h"
#include "parse/ast_query.h"
#include "parse/ast_schema.h"
#include "parse/ast_session.h"

/* ---- the whole text -------------------------------------------------------------------------- */

/* One statement of the text; not a node itself. */
struct raw_stmt {
    struct node *stmt;
    int32_t location; /* first byte of its first token's statement in the text */
    int32_t length;   /* bytes up to its semicolon or the end of the text */
};

/* ---- use ------------------------------------------------------------------------------------- */

/* Checked casts: ast_as_select(n) is n as struct ast_select *, n's kind being asserted. */
#define X(NAME, type, fields)                                                                      \
    static inline struct ast_##type *ast_as_##type(struct node *n) {                               \
        CHECK_SLOW(n && n->kind == NODE_##NAME);                                                   \
        return (struct ast_##type *)n;                                                             \
    }
#include "parse/nodes.def"
#undef X

/* "select" for NODE_SELECT; static. */
const char *ast_kind_name(enum node_kind kind);

/* A zeroed node of the kind; NULL when the arena refuses. */
struct node *ast_new(struct arena *a, enum node_kind kind, int32_t location);

/* The leftmost location in an expression: where a message about the whole of it points. */
int32_t ast_leftmost(struct node *n);

/* A constant of this kind; not NULL or anything else. */
static inline bool ast_is_literal(const struct node *n, enum ast_literal_kind kind) {
    return n && n->kind == NODE_LITERAL && ((const struct ast_literal *)n)->kind == kind;
}

/* Calls visit for each direct child node of n, in written order (list items that are nodes, nested
 * lists of VALUES too). Stops and returns the first status that is not OK. */
status ast_each_child(struct node *n, status (*visit)(struct node *child, void *arg), void *arg);

/* The tree as an S-expression on one line, for tests and for people. Fields that are NULL, false
 * or zero are left out. OUT_OF_MEMORY, or STATEMENT_TOO_COMPLEX when the stack is short. */
struct buf;
status ast_print(struct node *n, struct buf *out);

#endif
