/* Templates of to_char and its kin into patterns and characters. */
#include "types/template.h"

static const struct template_word *longest_word(const struct template_word *words, size_t n,
                                                const char *p, size_t left) {
    const struct template_word *best = NULL;
    size_t best_len = 0;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(words[i].text);
        if (len > best_len && len <= left && !memcmp(words[i].text, p, len)) {
            best = &words[i];
            best_len = len;
        }
    }
    return best;
}

static unsigned modifier_before(const char *p, size_t left) {
    if (left < 2) return 0;
    if (!memcmp(p, "FM", 2) || !memcmp(p, "fm", 2)) return MODIFIER_FM;
    if (!memcmp(p, "TM", 2) || !memcmp(p, "tm", 2)) return MODIFIER_TM;
    return 0;
}

static unsigned modifier_behind(const char *p, size_t left) {
    if (left < 2) return 0;
    if (!memcmp(p, "TH", 2)) return MODIFIER_TH;
    if (!memcmp(p, "th", 2)) return MODIFIER_TH_LOWER;
    return 0;
}

static bool is_separator(char c) {
    return c > 0x20 && c < 0x7f && !is_letter(c) && !is_digit(c);
}

static const char *add_character(struct template *t, enum template_kind kind, const char *p,
                                 const char *end) {
    struct template_item *item = &t->items[t->n++];
    size_t len = utf8_len(p, end);
    *item = (struct template_item){.kind = kind};
    memcpy(item->text, p, len);
    return p + len;
}

/* Everything up to the closing quote; a backslash makes the next character an ordinary one. */
static const char *add_quoted(struct template *t, const char *p, const char *end) {
    while (p < end && *p != '"') {
        if (*p == '\\' && p + 1 < end) p++;
        p = add_character(t, TEMPLATE_CHAR, p, end);
    }
    return p < end ? p + 1 : p;
}

static const char *add_field(struct template *t, const struct template_word *word, bool dates,
                             unsigned modifiers, const char *p, const char *end) {
    p += strlen(word->text);
    if (dates) {
        unsigned behind = modifier_behind(p, (size_t)(end - p));
        if (behind) p += 2;
        modifiers |= behind;
        /* SP, spelled out, is read and has no effect */
        if (!behind && end - p >= 2 && !memcmp(p, "SP", 2)) p += 2;
    }
    t->items[t->n++] =
        (struct template_item){.kind = TEMPLATE_FIELD, .word = word, .modifiers = modifiers};
    return p;
}

static const char *add_plain(struct template *t, bool dates, const char *p, const char *end) {
    if (*p == '\\' && p + 1 < end && p[1] == '"') p++;
    enum template_kind kind = TEMPLATE_CHAR;
    if (dates && is_separator(*p)) kind = TEMPLATE_SEPARATOR;
    if (is_space(*p)) kind = TEMPLATE_BLANK;
    return add_character(t, kind, p, end);
}

status template_parse(const struct eval_env *env, const struct template_word *words, size_t n_words,
                      bool dates, const struct varlena *text, struct template *ret) {
    const char *p = text->data, *end = p + text->len;
    *ret = (struct template){.items = arena_array(env->arena, text->len + 1, sizeof *ret->items)};
    if (!ret->items) return out_of_memory(env);
    while (p < end) {
        unsigned modifiers = dates ? modifier_before(p, (size_t)(end - p)) : 0;
        if (modifiers) p += 2;
        if (p == end) break;
        const struct template_word *word = longest_word(words, n_words, p, (size_t)(end - p));
        if (word)
            p = add_field(ret, word, dates, modifiers, p, end);
        else if (*p == '"')
            p = add_quoted(ret, p + 1, end);
        else
            p = add_plain(ret, dates, p, end);
    }
    return OK;
}

const char *ordinal_ending(const char *digits, size_t len, bool upper) {
    static const char *const endings[2][4] = {{"th", "st", "nd", "rd"}, {"TH", "ST", "ND", "RD"}};
    char last = len ? digits[len - 1] : '0';
    bool teen = len > 1 && digits[len - 2] == '1';
    return endings[upper][!teen && last >= '1' && last <= '3' ? last - '0' : 0];
}
