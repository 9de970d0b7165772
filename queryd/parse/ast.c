#include "parse/ast.h"

#include <string.h>

#include "parse/ast_fields.h"

status list_append(struct arena *a, struct list **l, void *item) {
    struct list *list = *l;
    if (!list) {
        list = arena_alloc(a, sizeof *list);
        if (!list) return STATUS(OUT_OF_MEMORY);
        *list = (struct list){0};
    }
    if (list->n == list->cap) {
        if (list->cap > INT32_MAX / 2) return STATUS(OUT_OF_MEMORY);
        int32_t cap = list->cap ? list->cap * 2 : 2;
        void **items = arena_array(a, (size_t)cap, sizeof *items);
        if (!items) return STATUS(OUT_OF_MEMORY);
        if (list->n) memcpy(items, list->items, (size_t)list->n * sizeof *items);
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] = item;
    *l = list;
    return OK;
}

struct node *ast_new(struct arena *a, enum node_kind kind, int32_t location) {
    static const size_t bytes[] = {
#define X(NAME, type, fields) [NODE_##NAME] = sizeof(struct ast_##type),
#include "parse/nodes.def"
#undef X
    };
    CHECK(kind > NODE_NONE && kind < NODE_KIND_COUNT);
    struct node *n = arena_zalloc(a, bytes[kind]);
    if (n) *n = (struct node){.kind = (uint16_t)kind, .location = location};
    return n;
}

const char *ast_kind_name(enum node_kind kind) {
    static const char *const names[] = {
        "none",
#define X(NAME, type, fields) #type,
#include "parse/nodes.def"
#undef X
    };
    return kind < NODE_KIND_COUNT ? names[kind] : "unknown";
}

const char *ast_object_words(enum ast_object_type type) {
    static const char *const words[] = {
#define X(NAME, text) text,
#include "parse/objects.def"
#undef X
    };
    return type < OBJECT_TYPE_COUNT ? words[type] : "OBJECT";
}

static struct node *with_of(struct ast_with *w) {
    return w ? &w->node : NULL;
}

/* What stands to the left of a node's own token; NULL where nothing does. */
static struct node *left_of(struct node *n) {
    switch (n->kind) {
    case NODE_OP: return ast_as_op(n)->left;
    case NODE_OP_ARRAY: return ast_as_op_array(n)->left;
    case NODE_TYPE_CAST: return ast_as_type_cast(n)->arg;
    case NODE_COLLATE: return ast_as_collate(n)->arg;
    case NODE_DISTINCT: return ast_as_distinct(n)->left;
    case NODE_NULL_TEST: return ast_as_null_test(n)->arg;
    case NODE_BOOL_TEST: return ast_as_bool_test(n)->arg;
    case NODE_BETWEEN: return ast_as_between(n)->arg;
    case NODE_IN: return ast_as_in(n)->left;
    case NODE_SUBLINK: return ast_as_sublink(n)->left;
    case NODE_BOOL:
        return ast_as_bool(n)->kind == BOOL_NOT && list_n(ast_as_bool(n)->args) == 1
                   ? NULL
                   : list_at(ast_as_bool(n)->args, 0);
    case NODE_SELECT: {
        struct ast_select *q = ast_as_select(n);
        return q->with ? &q->with->node : q->left ? &q->left->node : NULL;
    }
    case NODE_INSERT: return with_of(ast_as_insert(n)->with);
    case NODE_UPDATE: return with_of(ast_as_update(n)->with);
    case NODE_DELETE: return with_of(ast_as_delete(n)->with);
    default: return NULL;
    }
}

int32_t ast_leftmost(struct node *n) {
    int32_t location = -1;
    for (; n; n = left_of(n))
        if (n->location >= 0 && (location < 0 || n->location < location)) location = n->location;
    return location;
}

const struct ast_field_info *ast_fields(enum node_kind kind) {
    static const struct ast_field_info none[] = {{0}};
#define FIELD(kind_, f) {kind_, sizeof(((T *)0)->f), offsetof(T, f), #f},
#define N(f) FIELD(FIELD_NODE, f)
#define L(f) FIELD(FIELD_LIST, f)
#define LL(f) FIELD(FIELD_LISTS, f)
#define S(f) FIELD(FIELD_STRING, f)
#define SL(f) FIELD(FIELD_STRINGS, f)
#define I(f) FIELD(FIELD_NUMBER, f)
#define B(f) FIELD(FIELD_BOOL, f)
#define X(NAME, type, fields)                                                                      \
    case NODE_##NAME: {                                                                            \
        typedef struct ast_##type T [[maybe_unused]];                                              \
        static const struct ast_field_info of_kind[] = {fields{0}};                                \
        return of_kind;                                                                            \
    }
    switch (kind) {
#include "parse/nodes.def"
    default: return none;
    }
#undef X
}

static status visit_list(struct list *l, status (*visit)(struct node *child, void *arg),
                         void *arg) {
    for (int32_t i = 0; i < list_n(l); i++)
        if (list_at(l, i)) TRY(visit(list_at(l, i), arg));
    return OK;
}

status ast_each_child(struct node *n, status (*visit)(struct node *child, void *arg), void *arg) {
    for (const struct ast_field_info *f = ast_fields(n->kind); f->name; f++) {
        if (f->kind > FIELD_LISTS) continue;
        void *value = *(void **)((char *)n + f->offset);
        if (f->kind == FIELD_NODE && value) TRY(visit(value, arg));
        if (f->kind == FIELD_LIST) TRY(visit_list(value, visit, arg));
        if (f->kind == FIELD_LISTS)
            for (int32_t i = 0; i < list_n(value); i++)
                TRY(visit_list(list_at(value, i), visit, arg));
    }
    return OK;
}
