/* template.h: the patterns of to_char, to_date, to_timestamp and to_number; inside types only. */
#ifndef TYPES_TEMPLATE_H
#define TYPES_TEMPLATE_H

#include "types/internal.h"

enum template_kind {
    TEMPLATE_FIELD,     /* a pattern */
    TEMPLATE_SEPARATOR, /* ASCII that is neither letter, digit nor blank; date templates only */
    TEMPLATE_BLANK,
    TEMPLATE_CHAR, /* any other character, and all that was quoted */
};

/* What may stand before or behind a date pattern. */
enum template_modifier {
    MODIFIER_FM = 1,       /* no padding */
    MODIFIER_TM = 2,       /* the locale's words: English ones here, without padding */
    MODIFIER_TH = 4,       /* an ordinal's ending, upper-case */
    MODIFIER_TH_LOWER = 8, /* and lower-case */
};

enum date_convention { CONVENTION_NONE, CONVENTION_GREGORIAN, CONVENTION_ISO_WEEK };

/* A pattern of a language of templates; upper- and lower-case forms share an id where they mean
 * the same. */
struct template_word {
    const char *text;
    uint8_t id;
    bool digits; /* its field in an input begins with a digit */
    uint8_t convention;
};

struct template_item {
    enum template_kind kind;
    const struct template_word *word; /* TEMPLATE_FIELD */
    unsigned modifiers;
    char text[5]; /* the character, NUL-terminated */
};

struct template {
    struct template_item *items;
    uint32_t n;
};

/* Takes a template apart by the longest pattern at each place; `dates`: with modifiers and
 * separators. */
status template_parse(const struct eval_env *env, const struct template_word *words, size_t n_words,
                      bool dates, const struct varlena *text, struct template *ret);

/* "st", "nd", "rd" or "th" for the digits of a number. */
const char *ordinal_ending(const char *digits, size_t len, bool upper);

#endif
