/* datetime_text.h: how literals of dates, times and intervals are read: the text is split into
 * fields by their looks, words are looked up, and what each field fills is kept as a set of parts
 * so that nothing is said twice. The rules are PostgreSQL's (manual, appendix B.1). */
#ifndef TYPES_DATETIME_TEXT_H
#define TYPES_DATETIME_TEXT_H

#include "types/datetime.h"

/* Parts of a moment or interval, as bits. The first thirteen are those of interval's typmod. */
enum {
    PART_MONTH = 1 << 1,
    PART_YEAR = 1 << 2,
    PART_DAY = 1 << 3,
    PART_ZONE = 1 << 5,
    PART_MERIDIEM = 1 << 9,
    PART_HOUR = 1 << 10,
    PART_MINUTE = 1 << 11,
    PART_SECOND = 1 << 12,
    PART_MS = 1 << 13,
    PART_US = 1 << 14,
    PART_DAY_OF_YEAR = 1 << 15,
    PART_WEEKDAY = 1 << 16,
    PART_ERA = 1 << 18,
    PART_WEEK = 1 << 24,
    PART_DECADE = 1 << 25,
    PART_CENTURY = 1 << 26,
    PART_MILLENNIUM = 1 << 27,
    PART_SUMMER = 1 << 28,
    PARTS_OF_DATE = PART_YEAR | PART_MONTH | PART_DAY,
    PARTS_OF_SECOND = PART_SECOND | PART_MS | PART_US,
    PARTS_OF_TIME = PART_HOUR | PART_MINUTE | PARTS_OF_SECOND
};

/* What is wrong with a text. */
enum reading {
    READING_OK,
    READING_BAD,       /* its syntax */
    READING_RANGE,     /* a field's value */
    READING_ORDER,     /* the same, perhaps because of DateStyle */
    READING_OFFSET,    /* a zone's displacement */
    READING_NO_ZONE,   /* a zone that is none: zone_name */
    READING_NO_MEMORY, /* (zones are read once) */
};

/* Fails with PostgreSQL's error for what is wrong. */
status reading_error(const struct eval_env *env, enum reading why, const char *type_name,
                     const char *text, size_t len, const char *zone_name);

enum look {
    LOOK_NUMBER,  /* digits, perhaps with a fraction */
    LOOK_WORD,    /* letters */
    LOOK_DATE,    /* with separators, or a zone's name */
    LOOK_TIME,    /* with colons */
    LOOK_SIGNED,  /* a sign and digits: an offset, or a number */
    LOOK_SPECIAL, /* a sign and letters */
};

#define FIELDS_MAX 25
#define FIELD_TEXT_MAX 300

struct fields {
    size_t n;
    enum look looks[FIELDS_MAX];
    char *texts[FIELDS_MAX]; /* lower case, in room */
    char room[FIELD_TEXT_MAX];
};

/* Splits; `limit` bounds the bytes that count, longer texts are READING_BAD. */
enum reading fields_split(const char *text, size_t len, size_t limit, struct fields *ret);

/* What a word of a date or time means. */
enum word_kind {
    WORD_NONE,
    WORD_RESERVED, /* value: enum reserved */
    WORD_MONTH,
    WORD_WEEKDAY,
    WORD_NOISE,
    WORD_MERIDIEM, /* value: 'a', 'p' */
    WORD_ERA,      /* value: 1: before Christ */
    WORD_UNIT,     /* value: enum unit */
    WORD_ISO_TIME,
    WORD_SUMMER,
    WORD_AGO,
};
enum reserved {
    SAY_NOW,
    SAY_YESTERDAY,
    SAY_TODAY,
    SAY_TOMORROW,
    SAY_ZULU,
    SAY_EPOCH,
    SAY_LATE,
    SAY_EARLY
};
enum unit {
    UNIT_NONE,
    UNIT_US,
    UNIT_MS,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_YEAR,
    UNIT_DECADE,
    UNIT_CENTURY,
    UNIT_MILLENNIUM,
    UNIT_JULIAN,
    UNIT_TIME,
    UNIT_OTHER /* known to be a unit, of no use here */
};
enum word_kind date_word(const char *word, int *ret_value);
enum word_kind interval_word(const char *word, int *ret_value);

/* Digits from *p on, moved behind them; READING_RANGE beyond the type's range. A sign may precede.
 */
enum reading read_int32(const char **p, int32_t *ret);
enum reading read_int64(const char **p, int64_t *ret);
/* "." or ".digits" up to the end of the text. */
enum reading read_fraction(const char *p, double *ret);
/* The same as microseconds. */
enum reading read_us(const char *p, int32_t *ret);
/* h:m, h:m:s, h:m:s.f; m:s.f; with `minutes_first` two fields are m:s. */
struct clock {
    int64_t hour;
    int32_t minute, second, us;
};
enum reading read_clock(const char *p, bool minutes_first, struct clock *ret);
/* +h, +hh:mm[:ss], +hhmm → seconds to the east */
enum reading read_offset(const char *p, int32_t *ret);

#endif
