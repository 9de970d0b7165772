/* Machines that recognise parts of regular expressions: sets of states of a nondeterministic
 * automaton, whose transitions are remembered as they are met. */
#include "types/regex_tree.h"

enum op { OP_SET, OP_EMPTY, OP_SPLIT, OP_ASSERT, OP_LOOK, OP_FINAL };

struct state {
    enum op op;
    int number;
    uint32_t out, out2;
};

#define COLOURS_MAX 48 /* of characters; others are computed each time */
#define KNOWN_MAX 192  /* sets of states; then it begins anew */
#define BUCKETS 256
#define UNKNOWN (-1)
#define DEAD (-2)

/* A set of states between two characters, before what needs no character is followed: what comes
 * next decides about that. */
struct known {
    uint64_t *set;
    uint64_t hash;
    int next; /* in the bucket */
    uint8_t before;
    uint8_t accepts, accepts_known; /* bits by the kind of the next character */
    int16_t to[COLOURS_MAX];
};

struct machine {
    struct regex *r;
    struct state *states;
    uint32_t n, room, start;
    bool anywhere, looks, big;
    size_t words;
    uint64_t *closure, *target, *scratch;
    uint32_t *stack;
    struct known *known;
    int n_known;
    int buckets[BUCKETS];
    uint64_t colours[COLOURS_MAX]; /* signs of characters */
    uint32_t n_colours;
    int16_t ascii_colour[128];
};

/* ---- building ---- */

struct piece {
    uint32_t in, out; /* out: a state whose `out` is open */
};

static bool add_state(struct machine *m, enum op op, int number, uint32_t *ret) {
    if (m->n >= REGEX_STATES_MAX) m->big = true;
    if (m->big) return false;
    if (m->n == m->room) {
        uint32_t room = m->room ? m->room * 2 : 32;
        struct state *states = arena_array(m->r->arena, room, sizeof *states);
        if (!states) return false;
        if (m->n) memcpy(states, m->states, m->n * sizeof *states);
        m->states = states;
        m->room = room;
    }
    m->states[m->n] = (struct state){op, number, 0, 0};
    *ret = m->n++;
    return true;
}

static bool build(struct machine *m, const struct node *n, struct piece *ret);

static bool build_single(struct machine *m, enum op op, int number, struct piece *ret) {
    if (!add_state(m, op, number, &ret->in)) return false;
    ret->out = ret->in;
    return true;
}

static bool build_concat(struct machine *m, const struct node *n, struct piece *ret) {
    struct piece left, right;
    if (!build(m, n->left, &left) || !build(m, n->right, &right)) return false;
    m->states[left.out].out = right.in;
    *ret = (struct piece){left.in, right.out};
    return true;
}

static bool build_alternative(struct machine *m, const struct node *n, struct piece *ret) {
    struct piece left, right;
    uint32_t split, end;
    if (!add_state(m, OP_SPLIT, 0, &split) || !build(m, n->left, &left) ||
        !build(m, n->right, &right) || !add_state(m, OP_EMPTY, 0, &end))
        return false;
    m->states[split].out = left.in;
    m->states[split].out2 = right.in;
    m->states[left.out].out = m->states[right.out].out = end;
    *ret = (struct piece){split, end};
    return true;
}

/* min copies, then a loop or optional ones */
static bool build_repeat(struct machine *m, const struct node *inner, int min, int max,
                         struct piece *ret) {
    struct piece all, one;
    uint32_t split, end;
    if (!build_single(m, OP_EMPTY, 0, &all) || !add_state(m, OP_EMPTY, 0, &end)) return false;
    for (int i = 0; i < min; i++) {
        if (!build(m, inner, &one)) return false;
        m->states[all.out].out = one.in;
        all.out = one.out;
    }
    if (max == REGEX_INFINITE) {
        if (!add_state(m, OP_SPLIT, 0, &split) || !build(m, inner, &one)) return false;
        m->states[all.out].out = split;
        m->states[split].out = one.in;
        m->states[split].out2 = end;
        m->states[one.out].out = split;
        *ret = (struct piece){all.in, end};
        return true;
    }
    for (int i = min; i < max; i++) {
        if (!add_state(m, OP_SPLIT, 0, &split) || !build(m, inner, &one)) return false;
        m->states[all.out].out = split;
        m->states[split].out = one.in;
        m->states[split].out2 = end;
        all.out = one.out;
    }
    m->states[all.out].out = end;
    *ret = (struct piece){all.in, end};
    return true;
}

/* A reference back may match what its group may match; which it is is seen later. */
static bool build(struct machine *m, const struct node *n, struct piece *ret) {
    const struct node *group;
    switch (n->kind) {
    case NODE_EMPTY: return build_single(m, OP_EMPTY, 0, ret);
    case NODE_SET: return build_single(m, OP_SET, n->number, ret);
    case NODE_ASSERT: return build_single(m, OP_ASSERT, n->number, ret);
    case NODE_LOOK: m->looks = true; return build_single(m, OP_LOOK, n->number, ret);
    case NODE_CONCAT: return build_concat(m, n, ret);
    case NODE_ALT: return build_alternative(m, n, ret);
    case NODE_REPEAT: return build_repeat(m, n->left, n->min, n->max, ret);
    case NODE_GROUP: return build(m, n->left, ret);
    case NODE_BACK:
        group = m->r->groups[n->number];
        return group ? build_repeat(m, group->left, n->min, n->max, ret)
                     : build_single(m, OP_EMPTY, 0, ret);
    }
    return false;
}

static void forget(struct machine *m) {
    m->n_known = 0;
    for (size_t i = 0; i < BUCKETS; i++) m->buckets[i] = UNKNOWN;
}

struct machine *machine_new(struct regex *r, const struct node *n, bool anywhere, bool *ret_big) {
    struct machine *m = arena_zalloc(r->arena, sizeof *m);
    struct piece all;
    uint32_t final;
    if (!m) return NULL;
    m->r = r;
    m->anywhere = anywhere;
    bool good = build(m, n, &all) && add_state(m, OP_FINAL, 0, &final);
    *ret_big = m->big;
    if (!good) return NULL;
    m->states[all.out].out = final;
    m->start = all.in;
    m->words = (m->n + 63) / 64;
    m->closure = arena_array(r->arena, m->words * 3, sizeof(uint64_t));
    m->stack = arena_array(r->arena, m->n * 2 + 2, sizeof(uint32_t));
    m->known = arena_array(r->arena, KNOWN_MAX, sizeof *m->known);
    uint64_t *sets = arena_array(r->arena, m->words * KNOWN_MAX, sizeof(uint64_t));
    if (!m->closure || !m->stack || !m->known || !sets) return NULL;
    m->target = m->closure + m->words;
    m->scratch = m->target + m->words;
    for (int i = 0; i < KNOWN_MAX; i++) m->known[i].set = sets + (size_t)i * m->words;
    for (size_t i = 0; i < 128; i++) m->ascii_colour[i] = UNKNOWN;
    forget(m);
    return m;
}

/* ---- characters ---- */

static enum char_kind kind_of(uint32_t c) {
    return c == '\n' ? KIND_NEWLINE : char_is_word(c) ? KIND_WORD : KIND_OTHER;
}

static enum char_kind kind_at(struct regex *r, const struct regex_text *t, size_t at) {
    if (at >= t->n) return KIND_NONE;
    uint32_t c = regex_char(t, at);
    if (c >= 128) return kind_of(c);
    if (!r->ascii_kinds[c]) r->ascii_kinds[c] = (uint8_t)(kind_of(c) + 1);
    return (enum char_kind)(r->ascii_kinds[c] - 1);
}

/* Which sets have a character, and its kind: what transitions depend on. Never 0. */
static uint64_t sign_of(struct regex *r, uint32_t c) {
    if (c < 128 && r->ascii_signs[c]) return r->ascii_signs[c];
    uint64_t sign = (uint64_t)kind_of(c) << REGEX_SETS_MAX;
    for (uint32_t i = 0; i < r->n_sets && i < REGEX_SETS_MAX; i++)
        if (char_set_has(&r->sets[i], c)) sign |= UINT64_C(1) << i;
    if (c < 128) r->ascii_signs[c] = sign;
    return sign;
}

static int colour_of(struct machine *m, uint32_t c) {
    if (c < 128 && m->ascii_colour[c] >= 0) return m->ascii_colour[c];
    uint64_t sign = sign_of(m->r, c);
    uint32_t i = 0;
    while (i < m->n_colours && m->colours[i] != sign) i++;
    if (i == COLOURS_MAX) return UNKNOWN;
    if (i == m->n_colours) m->colours[m->n_colours++] = sign;
    if (c < 128) m->ascii_colour[c] = (int16_t)i;
    return (int)i;
}

static bool set_has(struct regex *r, uint64_t sign, int set, uint32_t c) {
    return set < REGEX_SETS_MAX ? sign >> set & 1 : char_set_has(&r->sets[set], c);
}

/* ---- following what needs no character ---- */

static bool holds(enum assertion a, enum char_kind before, enum char_kind after) {
    bool word_before = before == KIND_WORD, word_after = after == KIND_WORD;
    switch (a) {
    case ASSERT_TEXT_BEGIN: return before == KIND_NONE;
    case ASSERT_TEXT_END: return after == KIND_NONE;
    case ASSERT_LINE_BEGIN: return before == KIND_NONE || before == KIND_NEWLINE;
    case ASSERT_LINE_END: return after == KIND_NONE || after == KIND_NEWLINE;
    case ASSERT_WORD_BEGIN: return !word_before && word_after;
    case ASSERT_WORD_END: return word_before && !word_after;
    case ASSERT_WORD_EDGE: return word_before != word_after;
    case ASSERT_NOT_WORD_EDGE: return word_before == word_after;
    }
    return false;
}

static bool look_holds(struct regex *r, int number, const struct regex_text *t, size_t at) {
    struct look *l = &r->looks[number];
    size_t end;
    bool big;
    if (!l->machine) l->machine = machine_new(r, l->root, l->behind, &big);
    if (!l->machine) {
        r->work = REGEX_WORK_MAX;
        return false;
    }
    bool found = l->behind ? machine_run(l->machine, t, 0, at, at, SEEK_LONGEST, &end)
                           : machine_run(l->machine, t, at, at, t->n, SEEK_SHORTEST, &end);
    return found != l->negative;
}

static void put(uint64_t *set, uint32_t i) {
    set[i / 64] |= UINT64_C(1) << i % 64;
}
static bool has(const uint64_t *set, uint32_t i) {
    return set[i / 64] >> i % 64 & 1;
}

/* Fills m->closure from a set; true: the final state is in it. */
static bool follow(struct machine *m, const uint64_t *set, const struct regex_text *t, size_t at,
                   enum char_kind before, enum char_kind after) {
    uint32_t depth = 0;
    bool final = false;
    memset(m->closure, 0, m->words * sizeof *m->closure);
    for (size_t w = 0; w < m->words; w++)
        for (uint64_t bits = set[w]; bits; bits &= bits - 1)
            m->stack[depth++] = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
    while (depth) {
        uint32_t i = m->stack[--depth];
        if (has(m->closure, i)) continue;
        put(m->closure, i);
        m->r->work++;
        const struct state *s = &m->states[i];
        bool pass = false;
        switch (s->op) {
        case OP_SET: break;
        case OP_FINAL: final = true; break;
        case OP_ASSERT: pass = holds((enum assertion)s->number, before, after); break;
        case OP_LOOK: pass = look_holds(m->r, s->number, t, at); break;
        default: pass = true;
        }
        if (pass && !has(m->closure, s->out)) m->stack[depth++] = s->out;
        if (s->op == OP_SPLIT && !has(m->closure, s->out2)) m->stack[depth++] = s->out2;
    }
    return final;
}

/* m->target: where a character leads from m->closure; false: nowhere. */
static bool advance(struct machine *m, uint32_t c) {
    uint64_t sign = sign_of(m->r, c);
    bool any = false;
    memset(m->target, 0, m->words * sizeof *m->target);
    for (size_t w = 0; w < m->words; w++)
        for (uint64_t bits = m->closure[w]; bits; bits &= bits - 1) {
            uint32_t i = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
            const struct state *s = &m->states[i];
            if (s->op != OP_SET || !set_has(m->r, sign, s->number, c)) continue;
            put(m->target, s->out);
            any = true;
        }
    if (m->anywhere) put(m->target, m->start);
    return any || m->anywhere;
}

/* ---- remembered ---- */

static uint64_t hash_of(const uint64_t *set, size_t words, uint8_t before) {
    return hash_bytes(set, words * sizeof *set) * 31 + before;
}

/* The number of a set of states; what was known may be forgotten. */
static int find_known(struct machine *m, const uint64_t *set, enum char_kind before) {
    uint64_t hash = hash_of(set, m->words, (uint8_t)before);
    for (int i = m->buckets[hash % BUCKETS]; i >= 0; i = m->known[i].next)
        if (m->known[i].hash == hash && m->known[i].before == before &&
            !memcmp(m->known[i].set, set, m->words * sizeof *set))
            return i;
    if (m->n_known == KNOWN_MAX) forget(m);
    struct known *k = &m->known[m->n_known];
    memcpy(k->set, set, m->words * sizeof *set);
    k->hash = hash;
    k->before = (uint8_t)before;
    k->accepts = k->accepts_known = 0;
    k->next = m->buckets[hash % BUCKETS];
    for (size_t i = 0; i < COLOURS_MAX; i++) k->to[i] = UNKNOWN;
    m->buckets[hash % BUCKETS] = m->n_known;
    return m->n_known++;
}

static bool accepts(struct machine *m, int number, const struct regex_text *t, size_t at) {
    struct known *k = &m->known[number];
    enum char_kind after = kind_at(m->r, t, at);
    if (!(k->accepts_known >> after & 1)) {
        if (follow(m, k->set, t, at, (enum char_kind)k->before, after))
            k->accepts |= (uint8_t)(1 << after);
        k->accepts_known |= (uint8_t)(1 << after);
    }
    return k->accepts >> after & 1;
}

/* DEAD, or the number of the set after the character at `at`. */
static int step(struct machine *m, int number, const struct regex_text *t, size_t at) {
    uint32_t c = regex_char(t, at);
    int colour = colour_of(m, c);
    m->r->work++;
    if (colour >= 0 && m->known[number].to[colour] != UNKNOWN) return m->known[number].to[colour];
    enum char_kind kind = kind_at(m->r, t, at);
    follow(m, m->known[number].set, t, at, (enum char_kind)m->known[number].before, kind);
    int to = DEAD, before = m->n_known;
    if (advance(m, c)) {
        memcpy(m->scratch, m->target, m->words * sizeof *m->scratch);
        to = find_known(m, m->scratch, kind);
    }
    bool forgotten = m->n_known < before;
    if (colour >= 0 && !forgotten) m->known[number].to[colour] = (int16_t)to;
    return to;
}

static enum char_kind kind_before(struct machine *m, const struct regex_text *t, size_t at) {
    return at ? kind_at(m->r, t, at - 1) : KIND_NONE;
}

/* The same where look-arounds make every place another: nothing is remembered. */
static bool run_looking(struct machine *m, const struct regex_text *t, size_t from, size_t min_end,
                        size_t max_end, enum seek seek, size_t *ret_end) {
    uint64_t *set = m->scratch;
    bool found = false;
    memset(set, 0, m->words * sizeof *set);
    put(set, m->start);
    for (size_t at = from; at <= max_end && regex_goes_on(m->r); at++) {
        bool final = follow(m, set, t, at, kind_before(m, t, at), kind_at(m->r, t, at));
        if (final && at >= min_end) {
            *ret_end = at;
            found = true;
            if (seek == SEEK_SHORTEST) break;
        }
        if (at == max_end || !advance(m, regex_char(t, at))) break;
        memcpy(set, m->target, m->words * sizeof *set);
    }
    return found;
}

bool machine_run(struct machine *m, const struct regex_text *t, size_t from, size_t min_end,
                 size_t max_end, enum seek seek, size_t *ret_end) {
    if (m->looks) return run_looking(m, t, from, min_end, max_end, seek, ret_end);
    bool found = false;
    memset(m->scratch, 0, m->words * sizeof *m->scratch);
    put(m->scratch, m->start);
    int number = find_known(m, m->scratch, kind_before(m, t, from));
    for (size_t at = from; regex_goes_on(m->r); at++) {
        if (at >= min_end && accepts(m, number, t, at)) {
            *ret_end = at;
            found = true;
            if (seek == SEEK_SHORTEST) break;
        }
        if (at == max_end || (number = step(m, number, t, at)) == DEAD) break;
    }
    return found;
}
