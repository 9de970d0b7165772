/* Taking a regular expression apart. */
#include "types/regex_tree.h"

struct parser {
    struct regex *r;
    const char *p, *end;
    const char *why;
    int depth;
    bool in_look; /* parentheses capture nothing there */
    bool advanced, basic;
};

static const char no_memory[] = "out of memory";

static void *refuse(struct parser *s, const char *why) {
    if (!s->why) s->why = why;
    return NULL;
}

static struct node *node_new(struct parser *s, enum node_kind kind) {
    struct node *n = arena_zalloc(s->r->arena, sizeof *n);
    if (!n) return refuse(s, no_memory);
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
    struct node *n = node_new(s, NODE_CONCAT);
    if (!n) return NULL;
    n->left = left;
    n->right = right;
    inherit(n, left);
    inherit(n, right);
    return n;
}

/* ---- sets ---- */

static struct node *set_node(struct parser *s, const struct char_set *set) {
    struct regex *r = s->r;
    struct node *n = node_new(s, NODE_SET);
    if (!n) return NULL;
    for (uint32_t i = 0; i < r->n_sets; i++)
        if (char_set_same(&r->sets[i], set)) {
            n->number = (int)i;
            return n;
        }
    if (r->n_sets == r->room_sets) {
        uint32_t room = r->room_sets ? r->room_sets * 2 : 8;
        struct char_set *sets = arena_array(r->arena, room, sizeof *sets);
        if (!sets) return refuse(s, no_memory);
        if (r->n_sets) memcpy(sets, r->sets, r->n_sets * sizeof *sets);
        r->sets = sets;
        r->room_sets = room;
    }
    n->number = (int)r->n_sets;
    r->sets[r->n_sets++] = *set;
    return n;
}

static struct char_set fresh_set(const struct parser *s) {
    return (struct char_set){.no_case = s->r->flags & REGEX_NO_CASE};
}

static struct node *char_node(struct parser *s, uint32_t c) {
    struct char_set set = fresh_set(s);
    if (!char_set_add(s->r->arena, &set, c, c)) return refuse(s, no_memory);
    return set_node(s, &set);
}

static struct node *dot_node(struct parser *s) {
    struct char_set set = {.negated = true, .newline_stops = s->r->flags & REGEX_NEWLINE_STOPS};
    return set_node(s, &set);
}

static uint32_t next_char(struct parser *s) {
    size_t n;
    uint32_t c = utf8_decode(s->p, s->end, &n);
    s->p += n;
    return c;
}

static bool at_end(const struct parser *s) {
    return s->p == s->end;
}

static bool looking_at(const struct parser *s, const char *what) {
    size_t n = strlen(what);
    return (size_t)(s->end - s->p) >= n && !memcmp(s->p, what, n);
}

/* ---- escapes ---- */

static int digit_value(char c) {
    if (is_digit(c)) return c - '0';
    c = lower_ascii(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Between min and max digits of a base; false: an error. */
static bool read_digits(struct parser *s, int base, int min, int max, uint32_t *ret) {
    uint32_t x = 0;
    int n = 0;
    for (; n < max && !at_end(s) && digit_value(*s->p) < base; n++, s->p++)
        x = x * (uint32_t)base + (uint32_t)digit_value(*s->p);
    if (n < min || x > 0x10FFFF) {
        refuse(s, "invalid escape \\ sequence");
        return false;
    }
    *ret = x;
    return true;
}

/* The letters of \d \s \w \D \S \W; 0: another. */
static uint32_t class_escape(char c) {
    switch (lower_ascii(c)) {
    case 'd': return CLASS_DIGIT;
    case 's': return CLASS_SPACE;
    case 'w': return CLASS_WORD;
    default: return 0;
    }
}

/* What \ and this letter (behind which s->p stands) mean as a character. */
static bool char_escape(struct parser *s, char c, uint32_t *ret) {
    switch (c) {
    case 'a': *ret = '\a'; return true;
    case 'b': *ret = '\b'; return true;
    case 'B': *ret = '\\'; return true;
    case 'e': *ret = 27; return true;
    case 'f': *ret = '\f'; return true;
    case 'n': *ret = '\n'; return true;
    case 'r': *ret = '\r'; return true;
    case 't': *ret = '\t'; return true;
    case 'v': *ret = '\v'; return true;
    case 'c':
        if (at_end(s)) return refuse(s, "invalid escape \\ sequence"), false;
        *ret = next_char(s) & 31;
        return true;
    case 'u': return read_digits(s, 16, 4, 4, ret);
    case 'U': return read_digits(s, 16, 8, 8, ret);
    case 'x': return read_digits(s, 16, 1, 255, ret);
    case '0': return read_digits(s, 8, 0, 2, ret);
    default: break;
    }
    if (is_letter(c) || is_digit(c)) return refuse(s, "invalid escape \\ sequence"), false;
    s->p--;
    *ret = next_char(s);
    return true;
}

static struct node *assert_node(struct parser *s, enum assertion which) {
    struct node *n = node_new(s, NODE_ASSERT);
    if (n) n->number = (int)which;
    return n;
}

static struct node *back_node(struct parser *s, int number) {
    if (number < 1 || (uint32_t)number > s->r->n_groups || !s->r->groups[number] || s->in_look)
        return refuse(s, "invalid backreference number");
    struct node *n = node_new(s, NODE_BACK);
    if (!n) return NULL;
    n->number = number;
    n->refers_back = true;
    return n;
}

/* \1 … \9, and more digits while there are so many groups; else octal. */
static struct node *number_escape(struct parser *s, char first) {
    const char *start = s->p;
    uint32_t x = (uint32_t)(first - '0');
    while (!at_end(s) && is_digit(*s->p) && x < 100000) x = x * 10 + (uint32_t)(*s->p++ - '0');
    if (s->p == start || x <= s->r->n_groups) return back_node(s, (int)x);
    s->p = start - 1;
    return read_digits(s, 8, 1, 3, &x) ? char_node(s, x) : NULL;
}

static struct node *escape(struct parser *s) {
    if (at_end(s)) return refuse(s, "invalid escape \\ sequence");
    if (!s->advanced) return char_node(s, next_char(s));
    char c = *s->p++;
    uint32_t bit = class_escape(c), code;
    if (bit) {
        struct char_set set = {.classes = bit, .negated = c < 'a'};
        return set_node(s, &set);
    }
    switch (c) {
    case 'A': return assert_node(s, ASSERT_TEXT_BEGIN);
    case 'Z': return assert_node(s, ASSERT_TEXT_END);
    case 'm': return assert_node(s, ASSERT_WORD_BEGIN);
    case 'M': return assert_node(s, ASSERT_WORD_END);
    case 'y': return assert_node(s, ASSERT_WORD_EDGE);
    case 'Y': return assert_node(s, ASSERT_NOT_WORD_EDGE);
    default: break;
    }
    if (c >= '1' && c <= '9') return number_escape(s, c);
    return char_escape(s, c, &code) ? char_node(s, code) : NULL;
}

/* ---- brackets ---- */

/* [:alpha:], [=x=], [.x.]: the name between; s->p is moved behind. */
static bool bracket_name(struct parser *s, const char **name, size_t *len) {
    char kind = s->p[1];
    const char *stop = s->p + 2;
    while (stop + 1 < s->end && !(stop[0] == kind && stop[1] == ']')) stop++;
    if (stop + 1 >= s->end) return refuse(s, "brackets [] not balanced"), false;
    *name = s->p + 2;
    *len = (size_t)(stop - *name);
    s->p = stop + 2;
    return true;
}

static bool add_class(struct parser *s, struct char_set *set) {
    const char *name;
    size_t len;
    if (!bracket_name(s, &name, &len)) return false;
    uint32_t bit = char_class_find(name, len);
    if (!bit) return refuse(s, "invalid character class"), false;
    set->classes |= bit;
    return true;
}

/* \w and the like within brackets; false without an error: it is no class. */
static bool add_class_escape(struct parser *s, struct char_set *set) {
    uint32_t bit = s->advanced && *s->p == '\\' && s->end - s->p >= 2 ? class_escape(s->p[1]) : 0;
    if (!bit) return false;
    if (s->p[1] >= 'a')
        set->classes |= bit;
    else
        for (size_t i = 0; i < 3; i++)
            if (!set->not_classes[i] || set->not_classes[i] == bit) {
                set->not_classes[i] = bit;
                break;
            }
    s->p += 2;
    return true;
}

/* One end of a range, or a character. */
static bool bracket_char(struct parser *s, uint32_t *ret) {
    const char *name;
    size_t len;
    if (at_end(s)) return refuse(s, "brackets [] not balanced"), false;
    if (looking_at(s, "[.") || looking_at(s, "[=")) {
        if (!bracket_name(s, &name, &len)) return false;
        if (!char_find(name, len, ret)) return refuse(s, "invalid collating element"), false;
        return true;
    }
    if (looking_at(s, "[:")) return refuse(s, "invalid character range"), false;
    if (s->advanced && *s->p == '\\') {
        if (++s->p == s->end) return refuse(s, "invalid escape \\ sequence"), false;
        if (is_digit(*s->p) && *s->p != '0') return read_digits(s, 8, 1, 3, ret);
        char c = *s->p++;
        return char_escape(s, c, ret);
    }
    *ret = next_char(s);
    return true;
}

static bool add_range(struct parser *s, struct char_set *set) {
    uint32_t low, high;
    bool equivalence = looking_at(s, "[=");
    if (!bracket_char(s, &low)) return false;
    high = low;
    if (s->end - s->p >= 2 && *s->p == '-' && s->p[1] != ']') {
        s->p++;
        if (equivalence || looking_at(s, "[=")) return refuse(s, "invalid character range"), false;
        if (!bracket_char(s, &high)) return false;
        if (low > high) return refuse(s, "invalid character range"), false;
    }
    if (!char_set_add(s->r->arena, set, low, high)) return refuse(s, no_memory), false;
    return true;
}

static struct node *bracket(struct parser *s) {
    struct char_set set = fresh_set(s);
    if (!at_end(s) && *s->p == '^') {
        set.negated = true;
        set.newline_stops = s->r->flags & REGEX_NEWLINE_STOPS;
        s->p++;
    }
    for (bool first = true;; first = false) {
        if (at_end(s)) return refuse(s, "brackets [] not balanced");
        if (*s->p == ']' && !first) break;
        if (looking_at(s, "[:")) {
            if (!add_class(s, &set)) return NULL;
        } else if (!add_class_escape(s, &set) && !add_range(s, &set)) {
            return NULL;
        }
        if (s->why) return NULL;
    }
    s->p++;
    if (set.no_case && set.classes & (CLASS_UPPER | CLASS_LOWER)) set.classes |= CLASS_ALPHA;
    return set_node(s, &set);
}

/* ---- parentheses ---- */

static struct node *alternatives(struct parser *s);

static bool expect_close(struct parser *s) {
    const char *close = s->basic ? "\\)" : ")";
    if (!looking_at(s, close)) return refuse(s, "parentheses () not balanced"), false;
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
        if (!looks) return refuse(s, no_memory);
        if (r->n_looks) memcpy(looks, r->looks, r->n_looks * sizeof *looks);
        r->looks = looks;
        r->room_looks = room;
    }
    struct node *n = node_new(s, NODE_LOOK);
    if (!n) return NULL;
    n->number = (int)r->n_looks;
    r->looks[r->n_looks++] = (struct look){inner, behind, negative, NULL};
    return n;
}

static bool group_open(struct parser *s, int *ret_number) {
    struct regex *r = s->r;
    if ((r->n_groups & 15) == 15 || !r->groups) {
        struct node **groups = arena_array(r->arena, r->n_groups + 18, sizeof(struct node *));
        if (!groups) return refuse(s, no_memory), false;
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
        if (!looking_at(s, ":")) return refuse(s, "quantifier operand invalid");
        s->p++;
    } else if (!s->in_look && !group_open(s, &number)) {
        return NULL;
    }
    struct node *inner = alternatives(s);
    if (!inner || !expect_close(s)) return NULL;
    if (!number) return inner;
    struct node *n = node_new(s, NODE_GROUP);
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
    if (at_end(s) || !is_digit(*s->p)) return refuse(s, "invalid repetition count(s)"), false;
    while (!at_end(s) && is_digit(*s->p) && x < 10000) x = x * 10 + *s->p++ - '0';
    if (x > REGEX_COUNT_MAX) return refuse(s, "invalid repetition count(s)"), false;
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
        return refuse(s, at_end(s) ? "braces {} not balanced" : "invalid repetition count(s)"),
               false;
    s->p += strlen(close);
    if (q->max != REGEX_INFINITE && q->max < q->min)
        return refuse(s, "invalid repetition count(s)"), false;
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
    struct node *n = node_new(s, NODE_REPEAT);
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
    if (q->max == 0) return node_new(s, NODE_EMPTY);
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
               : c == '<' ? assert_node(s, ASSERT_WORD_BEGIN)
                          : assert_node(s, ASSERT_WORD_END);
    }
    if (looking_at(s, "[[:<:]]") || looking_at(s, "[[:>:]]")) {
        bool begin = s->p[3] == '<';
        s->p += 7;
        *ret_constraint = true;
        return assert_node(s, begin ? ASSERT_WORD_BEGIN : ASSERT_WORD_END);
    }
    char c = *s->p;
    struct node *n;
    switch (c) {
    case '[': s->p++; return bracket(s);
    case '.': s->p++; return dot_node(s);
    case '^':
        s->p++;
        *ret_constraint = true;
        return assert_node(s, lines ? ASSERT_LINE_BEGIN : ASSERT_TEXT_BEGIN);
    case '$':
        s->p++;
        *ret_constraint = true;
        return assert_node(s, lines ? ASSERT_LINE_END : ASSERT_TEXT_END);
    case '\\':
        s->p++;
        if (s->basic && !at_end(s) && *s->p >= '1' && *s->p <= '9')
            n = back_node(s, *s->p++ - '0');
        else
            n = escape(s);
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
        return refuse(s, "quantifier operand invalid");
    if (!s->basic && c == '{' && s->p + 1 < s->end && is_digit(s->p[1]))
        return refuse(s, "quantifier operand invalid");
    return char_node(s, next_char(s));
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
        if (n + 2 >= REGEX_DEPTH_MAX) return refuse(s, "regular expression is too complex");
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
    struct node *all = n ? parts[--n] : node_new(s, NODE_EMPTY);
    while (n && all) all = concat(s, parts[--n], all);
    return all;
}

static struct node *alternatives(struct parser *s) {
    if (++s->depth > REGEX_DEPTH_MAX) return refuse(s, "regular expression is too complex");
    struct node *first = branch(s);
    while (first && !at_end(s) && *s->p == '|' && !s->basic) {
        s->p++;
        struct node *next = branch(s), *n = next ? node_new(s, NODE_ALT) : NULL;
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
    struct node *all = node_new(s, NODE_EMPTY);
    while (all && !at_end(s)) {
        struct node *c = char_node(s, next_char(s));
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
        if (!looking_at(s, ":")) return refuse(s, "quantifier operand invalid"), false;
        s->p++;
        s->r->flags &= ~(REGEX_EXTENDED | REGEX_BASIC);
    }
    if (s->r->flags & (REGEX_EXTENDED | REGEX_BASIC)) return true;
    if (s->end - s->p < 3 || s->p[0] != '(' || s->p[1] != '?' || !is_letter(s->p[2])) return true;
    for (s->p += 2; !at_end(s) && is_letter(*s->p); s->p++)
        if (!embedded_option(s, *s->p)) return refuse(s, "invalid embedded option"), false;
    if (at_end(s) || *s->p != ')') return refuse(s, "invalid embedded option"), false;
    s->p++;
    return true;
}

status regex_parse(struct regex *r, const char *pattern, size_t len, const char **ret_why) {
    struct parser s = {.r = r, .p = pattern, .end = pattern + len};
    if (directives(&s)) {
        s.basic = r->flags & REGEX_BASIC;
        s.advanced = !(r->flags & (REGEX_BASIC | REGEX_EXTENDED));
        r->root = r->flags & REGEX_LITERAL ? literal(&s) : alternatives(&s);
        if (r->root && !at_end(&s)) refuse(&s, "parentheses () not balanced");
    }
    if (!s.why && r->root) return OK;
    *ret_why = s.why ? s.why : no_memory;
    return *ret_why == no_memory ? STATUS(OUT_OF_MEMORY) : STATUS(INVALID);
}
