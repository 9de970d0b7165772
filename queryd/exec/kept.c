/* Executions that wait for the next one of their plan, with their operators open: small statements
 * that are carried out again and again spend less on that than on opening. One a plan, whichever
 * session comes next has it; it refers to nothing outside of its arena but the plan while it waits.
 */
#include "exec/private.h"

#define KEPT_MAX 128               /* of this thread */
#define KEPT_BYTES_MAX (64u << 10) /* of each, without what operators keep beside it */

/* All that wait in this thread; the one that was used longest ago goes first. */
static _Thread_local struct {
    struct execution *newest, *oldest;
    unsigned n;
} waiting;

static bool serves_again(const struct plan *p) {
    if (!operator_class_of(p->kind)->again) return false;
    if (p->kind == PLAN_SCAN && (p->scan.bitmap || p->scan.list || p->scan.array)) return false;
    if ((p->kind == PLAN_UPDATE || p->kind == PLAN_DELETE) && p->change.returning) return false;
    return (!p->left || serves_again(p->left)) && (!p->right || serves_again(p->right));
}

bool kept_is_possible(const struct plan_statement *p) {
    return !p->nouter && !p->nsublinks && !p->nctes && !p->failure && serves_again(p->root);
}

static void unlink_waiting(struct execution *x) {
    struct kept_part *k = &x->kept;
    *(k->newer ? &k->newer->kept.older : &waiting.newest) = k->older;
    *(k->older ? &k->older->kept.newer : &waiting.oldest) = k->newer;
    waiting.n--;
}

static void link_newest(struct execution *x) {
    x->kept.newer = NULL;
    x->kept.older = waiting.newest;
    *(waiting.newest ? &waiting.newest->kept.newer : &waiting.oldest) = x;
    waiting.newest = x;
    waiting.n++;
}

static void free_execution(struct execution *x) {
    operators_close(x);
    struct arena all = x->kept.arena; /* the execution itself lies there */
    arena_free(&all);
}

void kept_forget(struct statement_private *p) {
    if (!p->kept) return;
    unlink_waiting(p->kept);
    free_execution(p->kept);
    p->kept = NULL;
}

static struct execution *new_execution(size_t limit) {
    struct arena all;
    arena_init(&all, limit);
    struct execution *x = arena_zalloc(&all, sizeof *x);
    if (!x) {
        arena_free(&all);
        return NULL;
    }
    x->kept.wanted = true;
    x->kept.arena = all;
    x->arena = &x->kept.arena;
    return x;
}

struct execution *kept_take(struct sql_env *env, struct statement_private *p) {
    struct execution *x = p->kept;
    if (!x) return new_execution(env->eval.arena->limit);
    unlink_waiting(x);
    p->kept = NULL;
    x->kept.arena.limit = env->eval.arena->limit;
    x->rows = x->changed = 0;
    x->current = NULL;
    x->at = 0;
    x->sel = NULL;
    x->ran = x->finished = false;
    return x;
}

static status again(struct operator* op) {
    if (op->left) TRY(again(op->left));
    if (op->right) TRY(again(op->right));
    op->counted_loop = op->counted_first = false;
    return op->class->again(op);
}

status kept_begin(struct execution *x) {
    struct kept_part *k = &x->kept;
    if (!k->opened.chunk) {
        k->opened = arena_mark(&k->arena);
        k->programs = x->programs;
        return OK;
    }
    programs_again(x);
    return again(x->root);
}

/* One that did not come to its end is in the middle of something. */
void kept_end(struct execution *x) {
    struct statement_private *p = private_of(x->statement);
    if (!x->finished || p->kept || x->kept.arena.used > KEPT_BYTES_MAX) {
        free_execution(x);
        return;
    }
    for (uint32_t i = 0; i < x->nall; i++)
        if (x->all[i]->own.chunk) arena_reset(&x->all[i]->own);
    arena_rewind(&x->kept.arena, x->kept.opened);
    x->programs = x->kept.programs;
    if (waiting.n == KEPT_MAX) kept_forget(private_of(waiting.oldest->statement));
    p->kept = x;
    link_newest(x);
}
