/* Sets of characters in regular expressions. */
#include <wctype.h>

#include "types/regex_tree.h"

static const struct {
    const char *name;
    uint32_t bit;
} classes[] = {{"alnum", CLASS_ALNUM}, {"alpha", CLASS_ALPHA}, {"blank", CLASS_BLANK},
               {"cntrl", CLASS_CNTRL}, {"digit", CLASS_DIGIT}, {"graph", CLASS_GRAPH},
               {"lower", CLASS_LOWER}, {"print", CLASS_PRINT}, {"punct", CLASS_PUNCT},
               {"space", CLASS_SPACE}, {"upper", CLASS_UPPER}, {"xdigit", CLASS_XDIGIT},
               {"word", CLASS_WORD},   {"ascii", CLASS_ASCII}};

uint32_t char_class_find(const char *name, size_t len) {
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strlen(classes[i].name) == len && !memcmp(classes[i].name, name, len))
            return classes[i].bit;
    return 0;
}

bool char_is_word(uint32_t c) {
    return c == '_' || iswalnum((wint_t)c);
}

static bool in_class(uint32_t c, uint32_t bit) {
    wint_t w = (wint_t)c;
    switch (bit) {
    case CLASS_ALNUM: return iswalnum(w);
    case CLASS_ALPHA: return iswalpha(w);
    case CLASS_BLANK: return c == ' ' || c == '\t';
    case CLASS_CNTRL: return c < 32 || (c >= 127 && c < 160);
    case CLASS_DIGIT: return iswdigit(w);
    case CLASS_GRAPH: return iswgraph(w);
    case CLASS_LOWER: return iswlower(w);
    case CLASS_PRINT: return iswprint(w);
    case CLASS_PUNCT: return iswpunct(w);
    case CLASS_SPACE: return iswspace(w);
    case CLASS_UPPER: return iswupper(w);
    case CLASS_XDIGIT: return c < 128 && iswxdigit(w);
    case CLASS_WORD: return char_is_word(c);
    default: return c < 128;
    }
}

static bool in_any_class(uint32_t c, uint32_t bits) {
    for (; bits; bits &= bits - 1)
        if (in_class(c, bits & -bits)) return true;
    return false;
}

static bool listed(const struct char_set *s, uint32_t c) {
    for (uint32_t i = 0; i < s->n; i++)
        if (c >= s->ranges[i].low && c <= s->ranges[i].high) return true;
    if (s->classes && in_any_class(c, s->classes)) return true;
    for (size_t i = 0; i < 3 && s->not_classes[i]; i++)
        if (!in_class(c, s->not_classes[i])) return true;
    return false;
}

bool char_set_has(const struct char_set *s, uint32_t c) {
    bool has = listed(s, c);
    if (!has && s->no_case)
        has = listed(s, (uint32_t)towlower((wint_t)c)) || listed(s, (uint32_t)towupper((wint_t)c));
    if (!s->negated) return has;
    return !has && !(s->newline_stops && c == '\n');
}

bool char_same_fold(uint32_t a, uint32_t b) {
    return a == b || towlower((wint_t)a) == towlower((wint_t)b);
}

bool char_set_add(struct arena *arena, struct char_set *s, uint32_t low, uint32_t high) {
    if (s->n == s->room) {
        uint32_t room = s->room ? s->room * 2 : 4;
        struct char_range *ranges = arena_array(arena, room, sizeof *ranges);
        if (!ranges) return false;
        if (s->n) memcpy(ranges, s->ranges, s->n * sizeof *ranges);
        s->ranges = ranges;
        s->room = room;
    }
    s->ranges[s->n++] = (struct char_range){low, high};
    return true;
}

bool char_set_same(const struct char_set *a, const struct char_set *b) {
    return a->n == b->n && a->classes == b->classes && a->negated == b->negated &&
           a->newline_stops == b->newline_stops && a->no_case == b->no_case &&
           !memcmp(a->not_classes, b->not_classes, sizeof a->not_classes) &&
           (!a->n || !memcmp(a->ranges, b->ranges, a->n * sizeof *a->ranges));
}

/* POSIX's names of characters that have none but themselves in PostgreSQL's classes. */
static const struct {
    const char *name;
    char c;
} named[] = {{"NUL", '\0'},
             {"SOH", 1},
             {"STX", 2},
             {"ETX", 3},
             {"EOT", 4},
             {"ENQ", 5},
             {"ACK", 6},
             {"alert", '\a'},
             {"BEL", '\a'},
             {"backspace", '\b'},
             {"BS", '\b'},
             {"tab", '\t'},
             {"HT", '\t'},
             {"newline", '\n'},
             {"LF", '\n'},
             {"vertical-tab", '\v'},
             {"VT", '\v'},
             {"form-feed", '\f'},
             {"FF", '\f'},
             {"carriage-return", '\r'},
             {"CR", '\r'},
             {"ESC", 27},
             {"space", ' '},
             {"exclamation-mark", '!'},
             {"quotation-mark", '"'},
             {"number-sign", '#'},
             {"dollar-sign", '$'},
             {"percent-sign", '%'},
             {"ampersand", '&'},
             {"apostrophe", '\''},
             {"left-parenthesis", '('},
             {"right-parenthesis", ')'},
             {"asterisk", '*'},
             {"plus-sign", '+'},
             {"comma", ','},
             {"hyphen", '-'},
             {"hyphen-minus", '-'},
             {"period", '.'},
             {"full-stop", '.'},
             {"slash", '/'},
             {"solidus", '/'},
             {"zero", '0'},
             {"one", '1'},
             {"two", '2'},
             {"three", '3'},
             {"four", '4'},
             {"five", '5'},
             {"six", '6'},
             {"seven", '7'},
             {"eight", '8'},
             {"nine", '9'},
             {"colon", ':'},
             {"semicolon", ';'},
             {"less-than-sign", '<'},
             {"equals-sign", '='},
             {"greater-than-sign", '>'},
             {"question-mark", '?'},
             {"commercial-at", '@'},
             {"left-square-bracket", '['},
             {"backslash", '\\'},
             {"reverse-solidus", '\\'},
             {"right-square-bracket", ']'},
             {"circumflex", '^'},
             {"circumflex-accent", '^'},
             {"underscore", '_'},
             {"low-line", '_'},
             {"grave-accent", '`'},
             {"left-brace", '{'},
             {"left-curly-bracket", '{'},
             {"vertical-line", '|'},
             {"right-brace", '}'},
             {"right-curly-bracket", '}'},
             {"tilde", '~'},
             {"DEL", 127}};

bool char_find(const char *name, size_t len, uint32_t *ret) {
    size_t n = 0;
    if (len) *ret = utf8_decode(name, name + len, &n);
    if (len && n == len) return true;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strlen(named[i].name) == len && !memcmp(named[i].name, name, len)) {
            *ret = (uint8_t)named[i].c;
            return true;
        }
    return false;
}
