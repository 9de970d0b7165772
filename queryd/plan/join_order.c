/* The order of joins: dynamic programming over connected subgraphs (DPhyp: Moerkotte, Neumann,
 * "Dynamic programming strikes back", 2008) for as long as its time lasts, then greedily, always
 * joining what leaves the fewest rows (Fegaras' GOO), and if that comes to nothing as the query was
 * written, which is always possible. */
#include "catalog/sql_env.h"
#include "plan/join.h"

#define ENUMERATION_NS 50000000u
#define STEPS_PER_LOOK 512

struct order {
    struct join_graph *g;
    struct arena *arena;
    struct join_class *buckets[PART_SET_BUCKETS];
    struct join_lookups *lookups;
    uint64_t deadline_ns;
    uint32_t steps;
    bool late;
};

/* ---- classes ---- */

static struct join_class *find(const struct order *o, part_set s) {
    struct join_class *c = o->buckets[part_set_bucket(s)];
    while (c && c->set != s) c = c->next;
    return c;
}

static status new_class(struct order *o, part_set s, struct join_class **ret) {
    struct join_class *c = arena_zalloc(o->arena, sizeof *c);
    if (!c) return plan_memory(o->g->p);
    c->set = s;
    c->next = o->buckets[part_set_bucket(s)];
    o->buckets[part_set_bucket(s)] = c;
    *ret = c;
    return join_way_class(o->g, o->arena, c);
}

static status part_classes(struct order *o) {
    for (uint16_t i = 0; i < o->g->nparts; i++) {
        struct join_class *c;
        TRY(new_class(o, part_bit(i), &c));
        c->rows = o->g->parts[i]->rows;
        TRY(join_way_part(o->g, o->arena, i, c));
    }
    return OK;
}

/* ---- costs ---- */

static double class_rows(const struct join_graph *g, const struct join_class *l,
                         const struct join_class *r, const struct join_cut *cut) {
    double s = join_graph_selectivity(g, l->set, r->set);
    double rows = join_rows(l->rows, r->rows, cut->kind, s);
    for (uint32_t i = 0; i < g->nfilters; i++) {
        part_set parts = g->filters[i].parts;
        bool now = parts_within(parts, l->set | r->set) && !parts_within(parts, l->set) &&
                   !parts_within(parts, r->set);
        if (now) rows *= g->filters[i].selectivity;
    }
    return rows < 1 ? 1 : rows;
}

/* Partners can be looked up in a relation alone. */
static status lookup_of(struct order *o, const struct join_class *l, const struct join_class *r,
                        struct lookup_cost *ret) {
    *ret = (struct lookup_cost){0};
    if (r->set & (r->set - 1)) return OK;
    return join_lookup(o->lookups, l->set, (uint16_t)__builtin_ctzll(r->set), ret);
}

static status offer(struct order *o, const struct join_cut *cut, enum plan_join kind,
                    struct join_class *l, struct join_class *r, struct join_class *c) {
    struct join_pair pair = {l, r, kind, cut->keys, cut->lateral, {0}};
    bool lookups = cut->lateral || !(r->set & (r->set - 1));
    if (join_way_is_hopeless(l, r, lookups, c)) return OK;
    TRY(lookup_of(o, l, r, &pair.lookup));
    return join_way_offer(o->g, o->arena, &pair, c);
}

static status join_classes(struct order *o, struct join_class *a, struct join_class *b,
                           const struct join_cut *cut) {
    struct join_class *l = cut->swap ? b : a, *r = cut->swap ? a : b;
    struct join_class *c = find(o, a->set | b->set);
    if (!c) {
        TRY(new_class(o, a->set | b->set, &c));
        c->rows = class_rows(o->g, l, r, cut);
    }
    TRY(offer(o, cut, cut->kind, l, r, c));
    if (cut->kind == PLAN_LEFT && cut->keys && !cut->lateral)
        return offer(o, cut, PLAN_RIGHT, r, l, c);
    return cut->fixed ? OK : offer(o, cut, cut->kind, r, l, c);
}

/* ---- enumeration ---- */

static status breathe(struct order *o) {
    struct sql_env *env = o->g->p->c->env;
    if (++o->steps % STEPS_PER_LOOK) return OK;
    o->late = env->proc->env->mono_ns(env->proc) > o->deadline_ns;
    return sql_env_breathe(env);
}

static status pair(struct order *o, part_set a, part_set b) {
    struct join_class *x = find(o, a), *y = find(o, b);
    struct join_cut cut;
    TRY(breathe(o));
    if (!x || !y || !join_graph_cut(o->g, a, b, &cut)) return OK;
    return join_classes(o, x, y, &cut);
}

static part_set lowest(part_set s) {
    return s & -s;
}

/* Parts through which s can grow: of an edge's other side the lowest stands for all. */
static part_set neighbours(const struct join_graph *g, part_set s, part_set without) {
    part_set found = 0;
    for (part_set left = g->simple ? s : 0; left; left &= left - 1)
        found |= g->tied[__builtin_ctzll(left)];
    if (g->simple) return found & ~(s | without);
    for (int several = 0; several < 2; several++)
        for (uint32_t i = 0; i < g->nedges; i++)
            for (int back = 0; back < 2; back++) {
                part_set from = back ? g->edges[i].right : g->edges[i].left;
                part_set to = back ? g->edges[i].left : g->edges[i].right;
                if ((to & (to - 1) ? 1 : 0) != several) continue;
                if (!parts_within(from, s) || (to & (s | without | found))) continue;
                found |= lowest(to);
            }
    return found;
}

static bool connected(const struct join_graph *g, part_set a, part_set b) {
    for (part_set left = g->simple ? a : 0; left; left &= left - 1)
        if (g->tied[__builtin_ctzll(left)] & b) return true;
    if (g->simple) return false;
    for (uint32_t i = 0; i < g->nedges; i++) {
        const struct join_edge *e = &g->edges[i];
        if (parts_within(e->left, a) && parts_within(e->right, b)) return true;
        if (parts_within(e->left, b) && parts_within(e->right, a)) return true;
    }
    return false;
}

static status grow_partner(struct order *o, part_set a, part_set b, part_set without) {
    part_set n = neighbours(o->g, b, without);
    if (!n) return OK;
    TRY(plan_stack(o->g->p));
    for (part_set s = lowest(n); s && !o->late; s = (s - n) & n)
        if (find(o, b | s) && connected(o->g, a, b | s)) TRY(pair(o, a, b | s));
    for (part_set s = lowest(n); s && !o->late; s = (s - n) & n) {
        TRY(breathe(o));
        TRY(grow_partner(o, a, b | s, without | n));
    }
    return OK;
}

static status partners(struct order *o, part_set a) {
    part_set without = a | (lowest(a) - 1);
    part_set n = neighbours(o->g, a, without);
    for (int i = PARTS_MAX - 1; i >= 0 && !o->late; i--) {
        if (!(n & part_bit((unsigned)i))) continue;
        part_set b = part_bit((unsigned)i);
        if (connected(o->g, a, b)) TRY(pair(o, a, b));
        TRY(grow_partner(o, a, b, without | (n & (b - 1)) | b));
    }
    return OK;
}

static status grow(struct order *o, part_set a, part_set without) {
    part_set n = neighbours(o->g, a, without);
    if (!n) return OK;
    TRY(plan_stack(o->g->p));
    for (part_set s = lowest(n); s && !o->late; s = (s - n) & n)
        if (find(o, a | s)) TRY(partners(o, a | s));
    for (part_set s = lowest(n); s && !o->late; s = (s - n) & n) {
        TRY(breathe(o));
        TRY(grow(o, a | s, without | n));
    }
    return OK;
}

static status enumerate(struct order *o) {
    for (int i = o->g->nparts - 1; i >= 0 && !o->late; i--) {
        part_set a = part_bit((unsigned)i);
        TRY(partners(o, a));
        TRY(grow(o, a, a | (a - 1)));
    }
    return OK;
}

/* ---- greedily ---- */

struct goo_pair {
    bool possible;
    double rows;
    struct join_cut cut;
};

static void judge(const struct order *o, struct join_class *a, struct join_class *b,
                  struct goo_pair *ret) {
    ret->possible = join_graph_cut(o->g, a->set, b->set, &ret->cut);
    if (!ret->possible) return;
    bool swap = ret->cut.swap;
    ret->rows = class_rows(o->g, swap ? b : a, swap ? a : b, &ret->cut);
}

static status greedy(struct order *o) {
    uint16_t n = o->g->nparts;
    struct join_class *at[PARTS_MAX];
    struct goo_pair *pairs = arena_array(o->arena, (size_t)n * n, sizeof *pairs);
    if (!pairs) return plan_memory(o->g->p);
    for (uint16_t i = 0; i < n; i++) at[i] = find(o, part_bit(i));
    for (uint16_t i = 0; i < n; i++)
        for (uint16_t k = 0; k < i; k++) judge(o, at[i], at[k], &pairs[i * n + k]);
    for (;;) {
        int x = -1, y = -1;
        for (uint16_t i = 0; i < n; i++)
            for (uint16_t k = 0; at[i] && k < i; k++) {
                const struct goo_pair *c = &pairs[i * n + k];
                if (!at[k] || !c->possible) continue;
                if (x >= 0 && c->rows >= pairs[x * n + y].rows) continue;
                x = i;
                y = k;
            }
        if (x < 0) return OK;
        TRY(join_classes(o, at[x], at[y], &pairs[x * n + y].cut));
        at[x] = find(o, at[x]->set | at[y]->set);
        at[y] = NULL;
        for (uint16_t k = 0; k < n; k++)
            if (at[k] && k != x)
                judge(o, at[k > x ? k : x], at[k > x ? x : k],
                      &pairs[(k > x ? k : x) * n + (k > x ? x : k)]);
        TRY(sql_env_breathe(o->g->p->c->env));
    }
}

/* ---- as written ---- */

static status as_written(struct order *o, const struct join_node *at) {
    if (!at->left || find(o, at->parts)) return OK;
    TRY(plan_stack(o->g->p));
    TRY(as_written(o, at->left));
    TRY(as_written(o, at->right));
    struct join_cut cut;
    struct join_class *l = find(o, at->left->parts), *r = find(o, at->right->parts);
    if (!l || !r) return OK;
    if (!join_graph_cut(o->g, l->set, r->set, &cut)) {
        if (at->kind != PLAN_INNER) return OK;
        cut = (struct join_cut){.kind = PLAN_INNER};
        if (!join_graph_needs(o->g, l->set, r->set, &cut)) return OK;
    }
    return join_classes(o, l, r, &cut);
}

status join_order(struct join_graph *g, struct join_node *root, struct arena *a,
                  const struct join_way **ret) {
    struct sql_env *env = g->p->c->env;
    struct order *o = arena_zalloc(a, sizeof *o);
    if (!o) return plan_memory(g->p);
    o->g = g;
    o->arena = a;
    TRY(join_way_clauses(g));
    TRY(join_lookups_new(g, a, &o->lookups));
    o->deadline_ns = env->proc->env->mono_ns(env->proc) + ENUMERATION_NS;
    TRY(part_classes(o));
    TRY(enumerate(o));
    if (o->late || !find(o, root->parts)) TRY(greedy(o));
    if (!find(o, root->parts)) TRY(as_written(o, root));
    const struct join_class *all = find(o, root->parts);
    if (all) return join_way_choose(g, all, ret);
    return error_set(g->p->c->error, ST_INTERNAL_ERROR, "no join order found");
}
