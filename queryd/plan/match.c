/* Which conditions bound which columns of an index. */
#include "plan/path.h"
#include "types/collator.h"
#include "types/key.h"

static bool same_order(oid column, oid value, uint8_t *ret_convert) {
    *ret_convert = KEY_SAME;
    if (column == value) return true;
    if (type_is_integer(column) && type_is_integer(value)) {
        *ret_convert = KEY_INTEGER;
        return true;
    }
    const struct type *c = type_find(column), *v = type_find(value);
    if (!c || !v || c->category != v->category) return false;
    bool texts =
        (column == VARCHAROID && value == TEXTOID) || (column == TEXTOID && value == VARCHAROID);
    bool oids = c->family == v->family && c->byval && c->len == 4 && c->len == v->len &&
                !type_is_integer(column) && column != FLOAT4OID && column != DATEOID;
    return texts || oids || (column == CIDROID && value == INETOID);
}

/* The value must be there before the scan begins: no column of the relation itself, and of others
 * only those that the outer side gives. */
static bool value_available(const struct path_search *s, struct expr *e) {
    struct rte_set used;
    if (!ok(query_rtes_of(e, &used))) return false;
    if (expr_volatility(e) == 'v' || expr_contains_set(e)) return false;
    if (rte_set_empty(&used)) return true;
    return s->outer && rte_set_subset(&used, s->outer);
}

struct key path_key(const struct path_search *s, const struct path *path, uint16_t k) {
    const struct index_desc *x = path->index;
    struct key key = {.att = x->columns[k], .type = x->types[k], .compared = index_key_type(x, k)};
    if (key.att)
        key.not_null = key.att < 0 || s->r->atts[key.att - 1].not_null;
    else
        key.expr = path->meaning->keys[k];
    return key;
}

static bool is_key(const struct path_search *s, struct expr *e, const struct key *k) {
    if (k->expr && expr_equal(e, k->expr)) return true;
    e = expr_strip_relabel(e);
    if (k->expr) return expr_equal(e, expr_strip_relabel(k->expr));
    return e->kind == EXPR_VAR && e->var.level == 0 && e->var.rte == s->rte && e->var.att == k->att;
}

/* The index is in the order that the condition speaks of. */
static bool same_collator(const struct expr *e, const struct key *k) {
    return collator_of(e->input_collation) == k->compared->collator;
}

static void match_call(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    const struct operator_info *op = e->call.op;
    if (!op || e->nargs != 2 || !op->btree_strategy || !same_collator(e, key)) return;
    uint8_t strategy = op->btree_strategy;
    struct expr *value = e->args[1];
    if (!is_key(s, e->args[0], key)) {
        if (!is_key(s, e->args[1], key)) return;
        value = e->args[0];
        strategy = (uint8_t)(6 - strategy);
    }
    if (!same_order(key->type, value->type, &m->convert)) return;
    if (!value_available(s, value)) return;
    m->value = value;
    m->from = value->type;
    m->exclusive = strategy == 1 || strategy == 5;
    m->use = strategy == 3 ? USE_EQUAL : strategy < 3 ? USE_HIGH : USE_LOW;
    m->exact = strategy == 3;
}

static void match_list(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (e->call.is_all || !e->call.op || e->call.op->btree_strategy != 3) return;
    if (!is_key(s, e->args[0], key) || !same_collator(e, key)) return;
    bool array = e->kind == EXPR_ARRAY_OP;
    const struct type *t = type_find(e->args[1]->type);
    oid from = array ? (t ? t->element : 0) : e->args[1]->type;
    if (array && (!t || t->len != -1)) return;
    if (!same_order(key->type, from, &m->convert)) return;
    for (uint16_t i = 1; i < e->nargs; i++)
        if (!value_available(s, e->args[i])) return;
    m->value = e;
    m->from = from;
    m->use = array ? USE_ARRAY : USE_LIST;
    m->exact = true;
}

/* A condition that is itself the boolean column or expression. */
static void match_bool(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (key->type != BOOLOID || !is_key(s, e, key)) return;
    m->value = expr_bool_const(s->p->c->arena, true);
    m->from = BOOLOID;
    m->use = m->value ? USE_EQUAL : USE_NONE;
    m->exact = true;
}

static void match_null(const struct path_search *s, struct expr *e, const struct key *key,
                       struct match *m) {
    if (e->negated || key->att < 0 || type_is_composite(type_below(type_find(e->args[0]->type))) ||
        !is_key(s, e->args[0], key))
        return;
    m->value = expr_const(s->p->c->arena, key->type, (datum){0}, true, -1);
    m->from = key->type;
    m->use = m->value ? USE_EQUAL : USE_NONE;
    m->exact = m->is_null = true;
}

#define OPERATOR_TEXT_LIKE 1209

/* text LIKE 'begin%': a range of an index in the order of bytes. */
static bool is_like(const struct path_search *s, const struct expr *e, const struct key *key) {
    bool bytes = key->type == TEXTOID || key->type == VARCHAROID;
    return e->kind == EXPR_CALL && e->call.op && e->call.op->oid == OPERATOR_TEXT_LIKE && bytes &&
           !key->compared->collator && is_key(s, e->args[0], key);
}

static struct match match_like(const struct path_search *s, uint32_t qual, const struct key *key,
                               enum match_use use) {
    const struct expr *e = s->quals->items[qual];
    struct match m = {.use = USE_NONE, .qual = qual, .from = TEXTOID};
    struct expr *low, *high;
    bool equal;
    if (!is_like(s, e, key)) return m;
    const struct expr *pattern = expr_strip_relabel(e->args[1]);
    if (pattern->kind == EXPR_PARAM) s->p->c->statement->literals_matter = true;
    if (pattern->kind != EXPR_CONST || pattern->constant.is_null ||
        !ok(like_bounds(s->p, pattern->constant.value.v, &low, &high, &equal)) || !low)
        return m;
    m.value = use == USE_HIGH ? high : low;
    m.exclusive = use == USE_HIGH;
    if (m.value && equal == (use == USE_EQUAL)) m.use = use;
    return m;
}

#define OPERATOR_INET_WITHIN 931    /* << */
#define OPERATOR_INET_WITHIN_EQ 932 /* <<= */
#define OPERATOR_INET_HOLDS 933     /* >> */
#define OPERATOR_INET_HOLDS_EQ 934  /* >>= */

/* The network that the key lies within: key << network, network >> key; NULL: no such condition. */
static struct expr *network_around(const struct path_search *s, const struct expr *e,
                                   const struct key *key) {
    if (e->kind != EXPR_CALL || !e->call.op || (key->type != INETOID && key->type != CIDROID))
        return NULL;
    oid op = e->call.op->oid;
    bool within = op == OPERATOR_INET_WITHIN || op == OPERATOR_INET_WITHIN_EQ;
    bool holds = op == OPERATOR_INET_HOLDS || op == OPERATOR_INET_HOLDS_EQ;
    if (!within && !holds) return NULL;
    return is_key(s, e->args[holds], key) ? expr_strip_relabel(e->args[within]) : NULL;
}

static struct match match_network(const struct path_search *s, uint32_t qual, const struct key *key,
                                  enum match_use use) {
    const struct expr *e = s->quals->items[qual], *network = network_around(s, e, key);
    struct match m = {.use = USE_NONE, .qual = qual, .from = INETOID};
    struct expr *low, *high;
    if (!network || (use != USE_LOW && use != USE_HIGH)) return m;
    if (network->kind == EXPR_PARAM) s->p->c->statement->literals_matter = true;
    if (network->kind != EXPR_CONST || network->constant.is_null ||
        !ok(inet_bounds(s->p, network->constant.value, &low, &high)))
        return m;
    m.value = use == USE_LOW ? low : high;
    m.use = use;
    m.exclusive = use == USE_LOW && (e->call.op->oid == OPERATOR_INET_WITHIN ||
                                     e->call.op->oid == OPERATOR_INET_HOLDS);
    return m;
}

static struct match match_qual(const struct path_search *s, uint32_t qual, const struct key *key) {
    struct expr *e = s->quals->items[qual];
    struct match m = {.use = USE_NONE, .qual = qual};
    if (e->kind == EXPR_CALL)
        match_call(s, e, key, &m);
    else if (e->kind == EXPR_IN_LIST || e->kind == EXPR_ARRAY_OP)
        match_list(s, e, key, &m);
    else if (e->kind == EXPR_NULL_TEST)
        match_null(s, e, key, &m);
    if (m.use == USE_NONE) match_bool(s, e, key, &m);
    return m;
}

static struct match find_match(const struct path_search *s, const struct key *key,
                               enum match_use first, enum match_use last) {
    for (uint32_t i = 0; i < s->quals->n; i++) {
        struct match m = match_qual(s, i, key);
        if (m.use != USE_NONE && m.use >= first && m.use <= last) return m;
    }
    for (uint32_t i = 0; i < s->quals->n; i++) {
        if (first == USE_LIST) break;
        struct match m = match_like(s, i, key, first);
        if (m.use == USE_NONE) m = match_network(s, i, key, first);
        if (m.use != USE_NONE) return m;
    }
    return (struct match){.use = USE_NONE};
}

bool path_heeds(const struct path_search *s, const struct path *path) {
    for (uint16_t k = 0; k < path->index->nkeys; k++) {
        struct key key = path_key(s, path, k);
        for (uint32_t i = 0; i < s->quals->n; i++)
            if (match_qual(s, i, &key).use != USE_NONE || is_like(s, s->quals->items[i], &key) ||
                network_around(s, s->quals->items[i], &key))
                return true;
    }
    return false;
}

void path_match(const struct path_search *s, struct path *path) {
    const struct index_desc *x = path->index;
    for (uint16_t k = 0; k < x->nkeys; k++) {
        struct key key = path_key(s, path, k);
        struct match m = find_match(s, &key, USE_EQUAL, USE_EQUAL);
        if (m.use == USE_NONE) m = find_match(s, &key, USE_LIST, USE_ARRAY);
        if (m.use == USE_NONE) {
            path->low = find_match(s, &key, USE_LOW, USE_LOW);
            path->high = find_match(s, &key, USE_HIGH, USE_HIGH);
            return;
        }
        path->equal[path->nequal++] = m;
        if (m.use != USE_EQUAL) break;
    }
    path->point = x->unique && path->nequal == x->nkeys;
    for (uint16_t k = 0; k < path->nequal; k++) path->point &= !path->equal[k].is_null;
}
