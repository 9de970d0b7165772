/* Finding matches of regular expressions, and what their parts matched. */
#include "types/regex_tree.h"

struct match {
    struct regex *r;
    const struct regex_text *t;
    struct regex_span *spans;
    const struct eval_env *env;
    bool failed; /* no memory */
};

status regex_compile(const struct eval_env *env, struct arena *arena, const char *pattern,
                     size_t len, int flags, struct regex **ret) {
    struct regex *r = arena_zalloc(arena, sizeof *r);
    const char *why;
    if (!r) return out_of_memory(env);
    r->arena = arena;
    r->flags = flags;
    status s = regex_parse(r, pattern, len, &why);
    bool big = false;
    if (ok(s)) {
        r->finder = machine_new(r, r->root, true, &big);
        why = "regular expression is too complex";
        if (!r->finder) s = big ? STATUS(INVALID) : STATUS(OUT_OF_MEMORY);
    }
    if (status_is(s, ST_INVALID))
        return error_set(env->error, ST_INVALID_REGULAR_EXPRESSION,
                         "invalid regular expression: %s", why);
    if (!ok(s)) return out_of_memory(env);
    *ret = r;
    return OK;
}

size_t regex_groups(const struct regex *r) {
    return r->n_groups;
}

status regex_text_of(const struct eval_env *env, const char *bytes, size_t len,
                     struct regex_text *ret) {
    *ret = (struct regex_text){.bytes = bytes, .len = len, .n = len};
    bool plain;
    TRY(utf8_plain(env, bytes, len, &plain));
    if (plain) return OK;
    uint32_t *chars = arena_array(env->arena, len, sizeof *chars);
    uint32_t *offsets = arena_array(env->arena, len + 1, sizeof *offsets);
    if (!chars || !offsets) return out_of_memory(env);
    size_t n = 0;
    for (const char *p = bytes, *end = bytes + len; p < end; n++) {
        size_t width;
        TRY(eval_work(env, 5));
        offsets[n] = (uint32_t)(p - bytes);
        chars[n] = utf8_decode(p, end, &width);
        p += width;
    }
    offsets[n] = (uint32_t)len;
    ret->chars = chars;
    ret->offsets = offsets;
    ret->n = n;
    return OK;
}

/* ---- parts ---- */

static struct machine *machine_of(struct match *m, struct node *n) {
    bool big;
    if (!n->machine) n->machine = machine_new(m->r, n, false, &big);
    if (!n->machine) m->failed = true;
    return n->machine;
}

static bool run(struct match *m, struct node *n, size_t from, size_t min_end, size_t max_end,
                enum seek seek, size_t *ret_end) {
    struct machine *machine = machine_of(m, n);
    return machine && regex_goes_on(m->r) &&
           machine_run(machine, m->t, from, min_end, max_end, seek, ret_end);
}

static bool spans_it(struct match *m, struct node *n, size_t from, size_t to) {
    size_t end;
    return run(m, n, from, to, to, SEEK_LONGEST, &end);
}

static void unset(struct match *m, const struct node *n) {
    if (!n || !n->captures) return;
    if (n->kind == NODE_GROUP) m->spans[n->number].from = REGEX_UNSET;
    unset(m, n->left);
    unset(m, n->right);
}

/* Whether a part that may match a stretch does, captures found. */
static bool dissect(struct match *m, struct node *n, size_t from, size_t to);

/* Where the left part ends: as far right, or as far left, as it goes. */
static bool dissect_concat(struct match *m, struct node *n, size_t from, size_t to) {
    bool shortest = n->left->prefers == PREFER_SHORT;
    enum seek seek = shortest ? SEEK_SHORTEST : SEEK_LONGEST;
    size_t low = from, high = to, middle;
    while (run(m, n->left, from, low, high, seek, &middle)) {
        if (spans_it(m, n->right, middle, to) && dissect(m, n->left, from, middle) &&
            dissect(m, n->right, middle, to))
            return true;
        unset(m, n);
        if (m->failed || middle == (shortest ? high : low)) return false;
        if (shortest)
            low = middle + 1;
        else
            high = middle - 1;
    }
    return false;
}

static bool dissect_alternative(struct match *m, struct node *n, size_t from, size_t to) {
    struct node *sides[] = {n->left, n->right};
    for (size_t i = 0; i < 2; i++) {
        if (spans_it(m, sides[i], from, to) && dissect(m, sides[i], from, to)) return true;
        unset(m, sides[i]);
    }
    return false;
}

static bool same_text(const struct match *m, size_t a, size_t b, size_t n) {
    bool fold = m->r->flags & REGEX_NO_CASE;
    for (size_t i = 0; i < n; i++) {
        uint32_t x = regex_char(m->t, a + i), y = regex_char(m->t, b + i);
        if (x != y && !(fold && char_same_fold(x, y))) return false;
    }
    return true;
}

static bool dissect_back(struct match *m, const struct node *n, size_t from, size_t to) {
    struct regex_span s = m->spans[n->number];
    if (s.from == REGEX_UNSET) return false;
    size_t width = s.to - s.from, len = to - from;
    if (!width) return !len;
    size_t times = len / width;
    if (len % width || times < (size_t)n->min ||
        (n->max != REGEX_INFINITE && times > (size_t)n->max))
        return false;
    for (size_t i = 0; i < times; i++)
        if (!same_text(m, s.from, from + i * width, width)) return false;
    return true;
}

/* The ends of the iterations of a repeat, tried one after the other. */
struct iterations {
    struct node *node;
    size_t from, to, min, max;
    size_t *ends; /* ends[0] is from */
    size_t n;     /* that are chosen */
};

static bool verify(struct match *m, const struct iterations *it) {
    for (size_t i = 1; i <= it->n; i++) {
        unset(m, it->node->left);
        if (!dissect(m, it->node->left, it->ends[i - 1], it->ends[i])) return false;
    }
    return true;
}

/* An empty iteration is one that is needed to have enough of them. */
static bool empty_needed(const struct iterations *it) {
    return it->n < it->min && it->min - it->n >= it->to - it->ends[it->n];
}

/* Chooses further iterations, each as long (or short) as it goes, and goes back where that leads
 * nowhere. low, high bound the end of the next. */
static bool iterate(struct match *m, struct iterations *it) {
    struct node *inner = it->node->left;
    bool shortest = inner->prefers == PREFER_SHORT;
    enum seek seek = shortest ? SEEK_SHORTEST : SEEK_LONGEST;
    size_t low = it->from, high = it->to;
    it->n = 1;
    for (;;) {
        bool found = it->n <= it->max && low <= high &&
                     run(m, inner, it->ends[it->n - 1], low, high, seek, &it->ends[it->n]);
        if (m->failed || !regex_goes_on(m->r)) return false;
        if (found) {
            bool empty = it->ends[it->n] == it->ends[it->n - 1];
            if (it->ends[it->n] == it->to && it->n >= it->min && verify(m, it)) return true;
            if (it->ends[it->n] < it->to ? it->n < it->max && (!empty || empty_needed(it))
                                         : it->n < it->min && it->n < it->max) {
                it->n++;
                low = it->ends[it->n - 1];
                high = it->to;
                continue;
            }
        } else if (--it->n == 0) {
            return false;
        }
        for (;;) { /* the last one takes another end */
            size_t end = it->ends[it->n], begin = it->ends[it->n - 1];
            low = shortest ? end + 1 : begin;
            high = shortest ? it->to : end - 1;
            if (shortest ? end < it->to : end > begin) break;
            if (--it->n == 0) return false;
        }
    }
}

static bool dissect_repeat(struct match *m, struct node *n, size_t from, size_t to) {
    if (!n->captures && !n->refers_back) return true;
    unset(m, n->left);
    if (n->min == 0 && from == to) { /* once, if that captures something, or not at all */
        if (spans_it(m, n->left, from, to) && dissect(m, n->left, from, to)) return true;
        unset(m, n->left);
        return !m->failed;
    }
    size_t most = to - from ? to - from : 1;
    if (n->max != REGEX_INFINITE && most > (size_t)n->max) most = (size_t)n->max;
    if (most < (size_t)n->min) most = (size_t)n->min;
    struct iterations it = {.node = n, .from = from, .to = to, .max = most};
    it.min = n->min ? (size_t)n->min : 1;
    it.ends = arena_array(m->env->arena, most + 2, sizeof *it.ends);
    if (!it.ends) return m->failed = true, false;
    it.ends[0] = from;
    return iterate(m, &it);
}

static bool dissect(struct match *m, struct node *n, size_t from, size_t to) {
    if (m->failed || (!n->captures && !n->refers_back)) return !m->failed;
    switch (n->kind) {
    case NODE_CONCAT: return dissect_concat(m, n, from, to);
    case NODE_ALT: return dissect_alternative(m, n, from, to);
    case NODE_REPEAT: return dissect_repeat(m, n, from, to);
    case NODE_BACK: return dissect_back(m, n, from, to);
    case NODE_GROUP:
        if (!dissect(m, n->left, from, to)) return false;
        m->spans[n->number] = (struct regex_span){from, to};
        return true;
    default: return true;
    }
}

/* ---- the whole ---- */

/* The preferred match that begins here. */
static bool match_at(struct match *m, size_t from) {
    struct node *root = m->r->root;
    bool shortest = root->prefers == PREFER_SHORT;
    enum seek seek = shortest ? SEEK_SHORTEST : SEEK_LONGEST;
    size_t low = from, high = m->t->n, end;
    while (run(m, root, from, low, high, seek, &end)) {
        for (uint32_t i = 1; i <= m->r->n_groups; i++) m->spans[i].from = REGEX_UNSET;
        if (dissect(m, root, from, end)) {
            m->spans[0] = (struct regex_span){from, end};
            return true;
        }
        if (m->failed || end == (shortest ? high : low)) return false;
        if (shortest)
            low = end + 1;
        else
            high = end - 1;
    }
    return false;
}

/* The first match that begins from `begin` on up to where the first that may be one ends. */
static bool match_between(struct match *m, size_t begin, size_t last) {
    for (; begin <= last; begin++) {
        if (match_at(m, begin)) return true;
        if (m->failed) return false;
    }
    return false;
}

/* What may be a match need not be one when there are references back: then the next may be. As in
 * PostgreSQL, none of these is looked for at the end of the text. */
static bool match_from(struct match *m, size_t start) {
    struct regex *r = m->r;
    size_t last;
    do {
        if (!machine_run(r->finder, m->t, start, start, m->t->n, SEEK_SHORTEST, &last))
            return false;
        if (!m->spans) return true;
        if (match_between(m, start, last)) return true;
        start = last + 1;
    } while (r->root->refers_back && !m->failed && start < m->t->n);
    return false;
}

#define WORK_PER_TURN 20000
#define WORK_NS 4

bool regex_turn(struct regex *r) {
    if (!ok(r->ended) || r->work >= REGEX_WORK_MAX) return false;
    r->ended = eval_turn(r->env);
    r->turn_at = r->work + WORK_PER_TURN;
    return ok(r->ended);
}

static status find(struct match *m, size_t start, bool *ret_found) {
    struct regex *r = m->r;
    r->work = 0;
    r->turn_at = m->env->session ? WORK_PER_TURN : REGEX_WORK_MAX;
    r->ended = OK;
    r->env = m->env;
    *ret_found = match_from(m, start);
    r->env = NULL;
    if (m->failed) return out_of_memory(m->env);
    TRY(r->ended);
    if (!*ret_found && r->work >= REGEX_WORK_MAX)
        return error_set(m->env->error, ST_STATEMENT_TOO_COMPLEX,
                         "regular expression failed: regular expression is too complex");
    return eval_work(m->env, r->work % WORK_PER_TURN * WORK_NS);
}

bool regex_in_use(const struct regex *r) {
    return r->env;
}

status regex_find(const struct eval_env *env, struct regex *r, const struct regex_text *t,
                  size_t start, struct regex_span *spans, bool *ret_found) {
    struct match m = {.r = r, .t = t, .spans = spans, .env = env};
    *ret_found = false;
    if (start > t->n) return OK;
    if (!spans && r->root->refers_back) {
        m.spans = arena_array(env->arena, r->n_groups + 1, sizeof *spans);
        if (!m.spans) return out_of_memory(env);
    }
    return find(&m, start, ret_found);
}
