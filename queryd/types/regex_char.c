/* What stands for characters in a regular expression: sets, escapes, brackets. */
#include "types/regex_parser.h"

/* ---- sets ---- */

static struct node *set_node(struct parser *s, const struct char_set *set) {
    struct regex *r = s->r;
    struct node *n = regex_node_new(s, NODE_SET);
    if (!n) return NULL;
    for (uint32_t i = 0; i < r->n_sets; i++)
        if (char_set_same(&r->sets[i], set)) {
            n->number = (int)i;
            return n;
        }
    if (r->n_sets == r->room_sets) {
        uint32_t room = r->room_sets ? r->room_sets * 2 : 8;
        struct char_set *sets = arena_array(r->arena, room, sizeof *sets);
        if (!sets) return regex_refuse(s, regex_no_memory);
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

struct node *regex_char_node(struct parser *s, uint32_t c) {
    struct char_set set = fresh_set(s);
    if (!char_set_add(s->r->arena, &set, c, c)) return regex_refuse(s, regex_no_memory);
    return set_node(s, &set);
}

struct node *regex_dot_node(struct parser *s) {
    struct char_set set = {.negated = true, .newline_stops = s->r->flags & REGEX_NEWLINE_STOPS};
    return set_node(s, &set);
}

/* ---- escapes ---- */

/* Between min and max digits of a base; false: an error. */
static bool read_digits(struct parser *s, int base, int min, int max, uint32_t *ret) {
    uint32_t x = 0;
    int n = 0;
    for (; n < max && !at_end(s); n++, s->p++) {
        int digit = hex_digit(*s->p);
        if (digit < 0 || digit >= base) break;
        x = x * (uint32_t)base + (uint32_t)digit;
    }
    if (n < min || x > 0x10FFFF) {
        regex_refuse(s, "invalid escape \\ sequence");
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
        if (at_end(s)) return regex_refuse(s, "invalid escape \\ sequence"), false;
        *ret = next_char(s) & 31;
        return true;
    case 'u': return read_digits(s, 16, 4, 4, ret);
    case 'U': return read_digits(s, 16, 8, 8, ret);
    case 'x': return read_digits(s, 16, 1, 255, ret);
    case '0': return read_digits(s, 8, 0, 2, ret);
    default: break;
    }
    if (is_letter(c) || is_digit(c)) return regex_refuse(s, "invalid escape \\ sequence"), false;
    s->p--;
    *ret = next_char(s);
    return true;
}

struct node *regex_assert_node(struct parser *s, enum assertion which) {
    struct node *n = regex_node_new(s, NODE_ASSERT);
    if (n) n->number = (int)which;
    return n;
}

struct node *regex_back_node(struct parser *s, int number) {
    if (number < 1 || (uint32_t)number > s->r->n_groups || !s->r->groups[number] || s->in_look)
        return regex_refuse(s, "invalid backreference number");
    struct node *n = regex_node_new(s, NODE_BACK);
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
    if (s->p == start || x <= s->r->n_groups) return regex_back_node(s, (int)x);
    s->p = start - 1;
    return read_digits(s, 8, 1, 3, &x) ? regex_char_node(s, x) : NULL;
}

struct node *regex_escape(struct parser *s) {
    if (at_end(s)) return regex_refuse(s, "invalid escape \\ sequence");
    if (!s->advanced) return regex_char_node(s, next_char(s));
    char c = *s->p++;
    uint32_t bit = class_escape(c), code;
    if (bit) {
        struct char_set set = {.classes = bit, .negated = c < 'a'};
        return set_node(s, &set);
    }
    switch (c) {
    case 'A': return regex_assert_node(s, ASSERT_TEXT_BEGIN);
    case 'Z': return regex_assert_node(s, ASSERT_TEXT_END);
    case 'm': return regex_assert_node(s, ASSERT_WORD_BEGIN);
    case 'M': return regex_assert_node(s, ASSERT_WORD_END);
    case 'y': return regex_assert_node(s, ASSERT_WORD_EDGE);
    case 'Y': return regex_assert_node(s, ASSERT_NOT_WORD_EDGE);
    default: break;
    }
    if (c >= '1' && c <= '9') return number_escape(s, c);
    return char_escape(s, c, &code) ? regex_char_node(s, code) : NULL;
}

/* ---- brackets ---- */

/* [:alpha:], [=x=], [.x.]: the name between; s->p is moved behind. */
static bool bracket_name(struct parser *s, const char **name, size_t *len) {
    char kind = s->p[1];
    const char *stop = s->p + 2;
    while (stop + 1 < s->end && !(stop[0] == kind && stop[1] == ']')) stop++;
    if (stop + 1 >= s->end) return regex_refuse(s, "brackets [] not balanced"), false;
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
    if (!bit) return regex_refuse(s, "invalid character class"), false;
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
    if (at_end(s)) return regex_refuse(s, "brackets [] not balanced"), false;
    if (looking_at(s, "[.") || looking_at(s, "[=")) {
        if (!bracket_name(s, &name, &len)) return false;
        if (!char_find(name, len, ret)) return regex_refuse(s, "invalid collating element"), false;
        return true;
    }
    if (looking_at(s, "[:")) return regex_refuse(s, "invalid character range"), false;
    if (s->advanced && *s->p == '\\') {
        if (++s->p == s->end) return regex_refuse(s, "invalid escape \\ sequence"), false;
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
        if (equivalence || looking_at(s, "[="))
            return regex_refuse(s, "invalid character range"), false;
        if (!bracket_char(s, &high)) return false;
        if (low > high) return regex_refuse(s, "invalid character range"), false;
    }
    if (!char_set_add(s->r->arena, set, low, high)) return regex_refuse(s, regex_no_memory), false;
    return true;
}

struct node *regex_bracket(struct parser *s) {
    struct char_set set = fresh_set(s);
    if (!at_end(s) && *s->p == '^') {
        set.negated = true;
        set.newline_stops = s->r->flags & REGEX_NEWLINE_STOPS;
        s->p++;
    }
    for (bool first = true;; first = false) {
        if (at_end(s)) return regex_refuse(s, "brackets [] not balanced");
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
