#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree_internal.h"

struct check {
    status (*read)(void *arg, page_id page, void *copy);
    void *read_arg;
    struct tree t;
    void (*visit)(void *arg, page_id page);
    void *arg;
    struct tree_report *report;
};

/* What a node's parent says of it. */
struct expected {
    page_id page;
    int level; /* -1: any (the root) */
    const unsigned char *low, *high;
    size_t low_len, high_len;
    bool rightmost;
};

[[gnu::format(printf, 3, 4)]] static status broken(struct check *c, page_id page,
                                                   const char *format, ...) {
    va_list args;
    char *words = c->report->words;
    size_t room = sizeof c->report->words;
    c->report->where = page;
    int n = snprintf(words, room, "page %llu: ", (unsigned long long)page.no);
    va_start(args, format);
    vsnprintf(words + n, room - (size_t)n, format, args);
    va_end(args);
    return STATUS(DATA_CORRUPTED);
}

static status check_node(struct check *c, const struct expected *x);

static status check_children(struct check *c, const struct node_view *v) {
    unsigned char low[NODE_KEY_BYTES_MAX], high[NODE_KEY_BYTES_MAX];
    struct node_entry e;
    size_t low_len = v->low_len;
    memcpy(low, node_low(v), low_len);
    for (unsigned i = 0; i <= v->count; i++) {
        struct expected x = {.page = {node_child_at(v, i)},
                             .level = v->level - 1,
                             .low = low,
                             .low_len = low_len,
                             .high = high};
        if (i < v->count) {
            if (!node_entry_at(v, i, &e)) return STATUS(DATA_CORRUPTED);
            x.high_len = node_key(v, &e, high);
        } else {
            x.rightmost = v->flags & NODE_RIGHTMOST;
            x.high_len = v->high_len;
            memcpy(high, node_high(v), v->high_len);
        }
        TRY(check_node(c, &x));
        memcpy(low, high, x.high_len);
        low_len = x.high_len;
    }
    return OK;
}

static status check_copy(struct check *c, const struct expected *x, const unsigned char *copy) {
    struct node_view v;
    const struct node_page *n = (const struct node_page *)copy;
    if (!ok(node_valid(copy)) || !node_view(copy, &v))
        return broken(c, x->page, "is not a valid node");
    if (n->head.page != x->page.no || n->head.tree != c->t.id)
        return broken(c, x->page, "says it is page %llu of tree %u",
                      (unsigned long long)n->head.page, n->head.tree);
    if (x->level >= 0 && v.level != x->level)
        return broken(c, x->page, "has level %d, its parent expects %d", v.level, x->level);
    if (key_compare(node_low(&v), v.low_len, x->low, x->low_len) != 0)
        return broken(c, x->page, "has another low fence than its parent says");
    bool rightmost = v.flags & NODE_RIGHTMOST;
    if (rightmost != x->rightmost ||
        (!rightmost && key_compare(node_high(&v), v.high_len, x->high, x->high_len) != 0))
        return broken(c, x->page, "has another high fence than its parent says");
    if (v.level == 0) {
        c->report->entries += v.count;
        return OK;
    }
    return check_children(c, &v);
}

static status check_node(struct check *c, const struct expected *x) {
    if (x->page.no == 0) return broken(c, x->page, "is not a page of a tree");
    unsigned char *copy = malloc(PAGE_BYTES);
    if (!copy) return STATUS(OUT_OF_MEMORY);
    status s = c->read(c->read_arg, x->page, copy);
    if (!ok(s)) {
        status_ignore(broken(c, x->page, "cannot be read")); /* for its words */
    } else {
        c->report->pages++;
        if (x->level < 0) c->report->height = page_head_c(copy)->level + 1u;
        if (c->visit) c->visit(c->arg, x->page);
        s = check_copy(c, x, copy);
    }
    free(copy);
    return s;
}

status tree_check_by(status (*read)(void *arg, page_id page, void *copy), void *read_arg,
                     struct tree t, void (*visit)(void *arg, page_id page), void *arg,
                     struct tree_report *report) {
    struct tree_report own;
    struct check c = {.read = read,
                      .read_arg = read_arg,
                      .t = t,
                      .visit = visit,
                      .arg = arg,
                      .report = report ? report : &own};
    struct expected x = {
        .page = t.root, .level = -1, .low = (const unsigned char *)"", .rightmost = true};
    *c.report = (struct tree_report){0};
    return check_node(&c, &x);
}

static status read_pool(void *proc, page_id page, void *copy) {
    return page_copy(proc, page, copy);
}

status tree_check(struct proc *p, struct tree t, void (*visit)(void *arg, page_id page), void *arg,
                  struct tree_report *report) {
    return tree_check_by(read_pool, p, t, visit, arg, report);
}
