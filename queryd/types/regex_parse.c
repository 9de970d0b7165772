/* Taking a regular expression apart. */
#include "types/regex_parser.h"

const char regex_no_memory[] = "out of memory";

void *regex_refuse(struct parser *s, const char *why) {
    if (!s->why) s->why = why;
    return NULL;
}

struct node *regex_node_new(struct parser *s, enum node_kind kind) {
    struct node *n = arena_zalloc(s->r->arena, sizeof *n);
    if (!n) return regex_refuse(s, regex_no_memory);
    n->kind = kind;
    n->min = n->max = 1;
    return n;
}

/* The preference of two in a row; both kept when they clash. */
static void inherit(struct node *n, const struct node *from) {
    if (!from) return;
    if (n->prefers == PREFER_NOTHING) n->prefers = from->prefers;
    n->captures |= from->captures;
    n->refers_back |= from->refers_back;
    n->mixed |= from->mixed || (from->prefers && n->prefers != from->prefers);
}

static struct node *concat(struct parser *s, struct node *left, struct node *right) {
    if (!left || !right) return left ? left : right;
    struct node *n = regex_node_new(s, NODE_CONCAT);
    if (!n) return NULL;
    n->left = left;
    n->right = right;
    inherit(n, left);
    inherit(n, right);
    return n;
}

/* ---- parentheses ---- */

static struct node *alternatives(struct parser *s);

static bool expect_close(struct parser *s) {
    const char *close = s->basic ? "\\)" : ")";
    if (!looking_at(s, close)) return regex_refuse(s, "parentheses () not balanced"), false;
    s->p += strlen(close);
    return true;
}

static struct node *look_around(struct parser *s) {
    struct regex *r = s->r;
    bool behind = *s->p == '<';
    if (behind) s->p++;
    bool negative = *s->p++ == '!', outside = !s->in_look;
    s->in_look = true;
    struct node *inner = alternatives(s);
    s->in_look = !outside;
    if (!inner || !expect_close(s)) return NULL;
    if (r->n_looks == r->room_looks) {
        uint32_t room = r->room_looks ? r->room_looks * 2 : 4;
        struct look *looks = arena_array(r->arena, room, sizeof *looks);
        if (!looks) return regex_refuse(s, regex_no_memory);
        if (r->n_looks) memcpy(looks, r->looks, r->n_looks * sizeof *looks);
        r->looks = looks;
        r->room_looks = room;
    }
    struct node *n = regex_node_new(s, NODE_LOOK);
    if (!n) return NULL;
    n->number = (int)r->n_looks;
    r->looks[r->n_looks++] = (struct look){inner, behind, negative, NULL};
    return n;
}

static bool group_open(struct parser *s, int *ret_number) {
    struct regex *r = s->r;
    if ((r->n_groups & 15) == 15 || !r->groups) {
        struct node **groups = arena_array(r->arena, r->n_groups + 18, sizeof(struct node *));
        if (!groups) return regex_refuse(s, regex_no_memory), false;
        memset(groups, 0, (r->n_groups + 18) * sizeof(struct node *));
        if (r->groups) memcpy(groups, r->groups, (r->n_groups + 1) * sizeof(struct node *));
        r->groups = groups;
    }
    *ret_number = (int)++r->n_groups;
    return true;
}

static struct node *parenthesis(struct parser *s) {
    int number = 0;
    if (s->advanced && !at_end(s) && *s->p == '?') {
        s->p++;
        if (looking_at(s, "=") || looking_at(s, "!") || looking_at(s, "<=") || looking_at(s, "<!"))
            return look_around(s);
        if (!looking_at(s, ":")) return regex_refuse(s, "quantifier operand invalid");
        s->p++;
    } else if (!s->in_look && !group_open(s, &number)) {
        return NULL;
    }
    struct node *inner = alternatives(s);
    if (!inner || !expect_close(s)) return NULL;
    if (!number) return inner;
    struct node *n = regex_node_new(s, NODE_GROUP);
    if (!n) return NULL;
    n->number = number;
    n->left = inner;
    inherit(n, inner);
    n->captures = true;
    s->r->groups[number] = n;
    return n;
}

/* ---- pieces ---- */

/* White space and comments, where they say nothing. */
static void skip_nothing(struct parser *s) {
    for (;;) {
        const char *before = s->p;
        if (s->r->flags & REGEX_EXPANDED) {
            while (!at_end(s) && is_space(*s->p)) s->p++;
            if (!at_end(s) && *s->p == '#')
                while (!at_end(s) && *s->p != '\n') s->p++;
        }
        if (s->advanced && looking_at(s, "(?#")) {
            while (!at_end(s) && *s->p != ')') s->p++;
            if (!at_end(s)) s->p++;
        }
        if (s->p == before) return;
    }
}

struct quantifier {
    int min, max;
    enum preference prefers;
};

static bool read_count(struct parser *s, int *ret) {
    int x = 0;
    if (at_end(s) || !is_digit(*s->p)) return regex_refuse(s, "invalid repetition count(s)"), false;
    while (!at_end(s) && is_digit(*s->p) && x < 10000) x = x * 10 + *s->p++ - '0';
    if (x > REGEX_COUNT_MAX) return regex_refuse(s, "invalid repetition count(s)"), false;
    *ret = x;
    return true;
}

/* The rest of {m}, {m,}, {m,n} */
static bool read_bound(struct parser *s, struct quantifier *q) {
    const char *close = s->basic ? "\\}" : "}";
    q->prefers = PREFER_LONG;
    if (!read_count(s, &q->min)) return false;
    q->max = q->min;
    if (!at_end(s) && *s->p == ',') {
        s->p++;
        q->max = REGEX_INFINITE;
        if (!at_end(s) && is_digit(*s->p) && !read_count(s, &q->max)) return false;
    } else {
        q->prefers = PREFER_NOTHING;
    }
    if (!looking_at(s, close))
        return regex_refuse(s,
                            at_end(s) ? "braces {} not balanced" : "invalid repetition count(s)"),
               false;
    s->p += strlen(close);
    if (q->max != REGEX_INFINITE && q->max < q->min)
        return regex_refuse(s, "invalid repetition count(s)"), false;
    return true;
}

/* False without an error: none follows. */
static bool read_quantifier(struct parser *s, struct quantifier *q) {
    skip_nothing(s);
    const char *brace = s->basic ? "\\{" : "{";
    if (at_end(s)) return false;
    size_t width = strlen(brace);
    if (*s->p == '*' || (!s->basic && (*s->p == '+' || *s->p == '?'))) {
        *q = (struct quantifier){*s->p == '+', *s->p == '?' ? 1 : REGEX_INFINITE, PREFER_LONG};
        s->p++;
    } else if (looking_at(s, brace) &&
               (s->basic || (s->p + width < s->end && is_digit(s->p[width])))) {
        s->p += width;
        if (!read_bound(s, q)) return false;
    } else {
        return false;
    }
    if (s->advanced && !at_end(s) && *s->p == '?') {
        s->p++;
        if (q->prefers) q->prefers = PREFER_SHORT;
    }
    return true;
}

static struct node *repeat_node(struct parser *s, struct node *atom, int min, int max,
                                enum preference prefers) {
    struct node *n = regex_node_new(s, NODE_REPEAT);
    if (!n) return NULL;
    n->left = atom;
    n->min = min;
    n->max = max;
    n->prefers = prefers;
    inherit(n, atom);
    if (!prefers) n->prefers = atom->prefers;
    return n;
}

/* x{m,n} with groups is x{m-1,n-1}x: only what the last iteration captured is kept. */
static struct node *quantified(struct parser *s, struct node *atom, const struct quantifier *q) {
    if (q->max == 0) return regex_node_new(s, NODE_EMPTY);
    if (atom->kind == NODE_BACK) {
        atom->min = q->min;
        atom->max = q->max;
        atom->prefers = q->prefers;
        return atom;
    }
    bool once = q->min == 1 && q->max == 1;
    if (once && (!q->prefers || !atom->prefers || (q->prefers == atom->prefers && !atom->mixed)))
        return atom;
    if (!atom->captures || atom->refers_back || q->min == 0)
        return repeat_node(s, atom, q->min, q->max, q->prefers);
    int max = q->max == REGEX_INFINITE ? q->max : q->max - 1;
    struct node *before = repeat_node(s, atom, q->min - 1, max, q->prefers);
    if (!before) return NULL;
    before->captures = false; /* there it need not be known what */
    struct node *n = concat(s, before, atom);
    if (n && q->prefers) n->prefers = q->prefers;
    return n;
}

/* An atom; *ret_constraint: one that no quantifier may follow. */
static struct node *atom(struct parser *s, bool *ret_constraint, bool *ret_part) {
    bool lines = s->r->flags & REGEX_NEWLINE_ANCHORS;
    if (s->basic && (looking_at(s, "\\(") || looking_at(s, "\\<") || looking_at(s, "\\>"))) {
        char c = s->p[1];
        s->p += 2;
        *ret_constraint = c != '(';
        return c == '('   ? parenthesis(s)
               : c == '<' ? regex_assert_node(s, ASSERT_WORD_BEGIN)
                          : regex_assert_node(s, ASSERT_WORD_END);
    }
    if (looking_at(s, "[[:<:]]") || looking_at(s, "[[:>:]]")) {
        bool begin = s->p[3] == '<';
        s->p += 7;
        *ret_constraint = true;
        return regex_assert_node(s, begin ? ASSERT_WORD_BEGIN : ASSERT_WORD_END);
    }
    char c = *s->p;
    struct node *n;
    switch (c) {
    case '[': s->p++; return regex_bracket(s);
    case '.': s->p++; return regex_dot_node(s);
    case '^':
        s->p++;
        *ret_constraint = true;
        return regex_assert_node(s, lines ? ASSERT_LINE_BEGIN : ASSERT_TEXT_BEGIN);
    case '$':
        s->p++;
        *ret_constraint = true;
        return regex_assert_node(s, lines ? ASSERT_LINE_END : ASSERT_TEXT_END);
    case '\\':
        s->p++;
        if (s->basic && !at_end(s) && *s->p >= '1' && *s->p <= '9')
            n = regex_back_node(s, *s->p++ - '0');
        else
            n = regex_escape(s);
        if (n) *ret_constraint = n->kind == NODE_ASSERT;
        if (n) *ret_part = n->kind == NODE_BACK;
        return n;
    default: break;
    }
    if (!s->basic && c == '(') {
        s->p++;
        n = parenthesis(s);
        *ret_constraint = n && n->kind == NODE_LOOK;
        return n;
    }
    if (!s->basic && (c == '*' || c == '+' || c == '?'))
        return regex_refuse(s, "quantifier operand invalid");
    if (!s->basic && c == '{' && s->p + 1 < s->end && is_digit(s->p[1]))
        return regex_refuse(s, "quantifier operand invalid");
    return regex_char_node(s, next_char(s));
}

/* A piece of a branch. *ret_part: its place in a match must be found for itself. */
static struct node *piece(struct parser *s, bool *ret_part) {
    bool constraint = false;
    struct quantifier q;
    *ret_part = false;
    struct node *n = atom(s, &constraint, ret_part);
    if (!n || constraint) return n;
    if (read_quantifier(s, &q)) n = quantified(s, n, &q);
    if (s->why) return NULL;
    *ret_part |= n->captures || n->refers_back || n->mixed;
    return n;
}

static bool branch_ends(struct parser *s) {
    skip_nothing(s);
    if (at_end(s)) return true;
    if (s->basic) return looking_at(s, "\\)") && s->depth > 1;
    return *s->p == '|' || (*s->p == ')' && (s->depth > 1 || s->advanced));
}

/* Pieces in a row. Those that need no place of their own go together, as long as their preferences
 * agree: the whole run takes as much or as little as it can. */
static struct node *branch(struct parser *s) {
    struct node *run = NULL, *parts[REGEX_DEPTH_MAX];
    size_t n = 0;
    while (!branch_ends(s)) {
        bool part;
        struct node *next = piece(s, &part);
        if (!next) return NULL;
        if (run && next->prefers && run->prefers && next->prefers != run->prefers) part = true;
        if (n + 2 >= REGEX_DEPTH_MAX) return regex_refuse(s, "regular expression is too complex");
        if (!part) {
            run = concat(s, run, next);
            if (!run) return NULL;
            continue;
        }
        if (run) parts[n++] = run;
        run = NULL;
        parts[n++] = next;
    }
    if (run) parts[n++] = run;
    struct node *all = n ? parts[--n] : regex_node_new(s, NODE_EMPTY);
    while (n && all) all = concat(s, parts[--n], all);
    return all;
}

static struct node *alternatives(struct parser *s) {
    if (++s->depth > REGEX_DEPTH_MAX) return regex_refuse(s, "regular expression is too complex");
    struct node *first = branch(s);
    while (first && !at_end(s) && *s->p == '|' && !s->basic) {
        s->p++;
        struct node *next = branch(s), *n = next ? regex_node_new(s, NODE_ALT) : NULL;
        if (!n) return NULL;
        n->left = first;
        n->right = next;
        n->prefers = PREFER_LONG;
        inherit(n, first);
        inherit(n, next);
        first = n;
    }
    s->depth--;
    return first;
}

/* ---- the whole ---- */

static struct node *literal(struct parser *s) {
    struct node *all = regex_node_new(s, NODE_EMPTY);
    while (all && !at_end(s)) {
        struct node *c = regex_char_node(s, next_char(s));
        all = c ? concat(s, all, c) : NULL;
    }
    return all;
}

static bool embedded_option(struct parser *s, char c) {
    int *f = &s->r->flags;
    switch (c) {
    case 'b': *f = (*f & ~(REGEX_EXTENDED | REGEX_LITERAL)) | REGEX_BASIC; return true;
    case 'c': *f &= ~REGEX_NO_CASE; return true;
    case 'e': *f = (*f & ~(REGEX_BASIC | REGEX_LITERAL)) | REGEX_EXTENDED; return true;
    case 'i': *f |= REGEX_NO_CASE; return true;
    case 'm':
    case 'n': *f |= REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS; return true;
    case 'p': *f = (*f | REGEX_NEWLINE_STOPS) & ~REGEX_NEWLINE_ANCHORS; return true;
    case 'q': *f |= REGEX_LITERAL; return true;
    case 's': *f &= ~(REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS); return true;
    case 't': *f &= ~REGEX_EXPANDED; return true;
    case 'w': *f = (*f & ~REGEX_NEWLINE_STOPS) | REGEX_NEWLINE_ANCHORS; return true;
    case 'x': *f |= REGEX_EXPANDED; return true;
    default: return false;
    }
}

/* ***= a literal, ***: an ARE, (?flags) at the beginning of one. */
static bool directives(struct parser *s) {
    if (s->r->flags & REGEX_LITERAL) return true;
    if (looking_at(s, "***")) {
        s->p += 3;
        if (looking_at(s, "=")) {
            s->p++;
            s->r->flags = (s->r->flags & ~REGEX_EXPANDED) | REGEX_LITERAL;
            return true;
        }
        if (!looking_at(s, ":")) return regex_refuse(s, "quantifier operand invalid"), false;
        s->p++;
        s->r->flags &= ~(REGEX_EXTENDED | REGEX_BASIC);
    }
    if (s->r->flags & (REGEX_EXTENDED | REGEX_BASIC)) return true;
    if (s->end - s->p < 3 || s->p[0] != '(' || s->p[1] != '?' || !is_letter(s->p[2])) return true;
    for (s->p += 2; !at_end(s) && is_letter(*s->p); s->p++)
        if (!embedded_option(s, *s->p)) return regex_refuse(s, "invalid embedded option"), false;
    if (at_end(s) || *s->p != ')') return regex_refuse(s, "invalid embedded option"), false;
    s->p++;
    return true;
}

status regex_parse(struct regex *r, const char *pattern, size_t len, const char **ret_why) {
    struct parser s = {.r = r, .p = pattern, .end = pattern + len};
    if (directives(&s)) {
        s.basic = r->flags & REGEX_BASIC;
        s.advanced = !(r->flags & (REGEX_BASIC | REGEX_EXTENDED));
        r->root = r->flags & REGEX_LITERAL ? literal(&s) : alternatives(&s);
        if (r->root && !at_end(&s)) regex_refuse(&s, "parentheses () not balanced");
    }
    if (!s.why && r->root) return OK;
    *ret_why = s.why ? s.why : regex_no_memory;
    return *ret_why == regex_no_memory ? STATUS(OUT_OF_MEMORY) : STATUS(INVALID);
}
