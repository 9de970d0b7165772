/* The numbers of a date or time literal: which of year, month, day and time each one is. */
#include "types/datetime_in.h"

static void tell_year(struct reader *r, int64_t year, size_t width) {
    r->m->civil.year = year;
    r->new_parts = PART_YEAR;
    r->two_digits = width <= 2;
}

void reader_tell_month(struct reader *r, int32_t month) {
    r->m->civil.month = month;
    r->new_parts = PART_MONTH;
}

void reader_tell_day(struct reader *r, int32_t day) {
    r->m->civil.day = day;
    r->new_parts = PART_DAY;
}

void reader_tell_julian(struct reader *r, int64_t julian) {
    date_from_days(julian - EPOCH_JULIAN, &r->m->civil);
    r->julian = true;
    r->new_parts = PARTS_OF_DATE;
}

static int32_t two_at(const char *p) {
    return (p[0] - '0') * 10 + p[1] - '0';
}

void reader_tell_time(struct reader *r, int32_t h, int32_t m, int32_t s) {
    r->m->civil.hour = h;
    r->m->civil.minute = m;
    r->m->civil.second = s;
    r->new_parts = PARTS_OF_TIME;
}

enum reading reader_take_compact(struct reader *r, char *text, int known) {
    size_t len = strlen(text);
    char *point = strchr(text, '.');
    if (point) {
        if (read_us(point, &r->m->civil.us)) return READING_BAD;
        len = (size_t)(point - text);
    } else if ((known & PARTS_OF_DATE) != PARTS_OF_DATE && len >= 6) {
        int64_t year = 0;
        for (size_t i = 0; i + 4 < len; i++)
            if (year < 100000000) year = year * 10 + text[i] - '0';
        tell_year(r, year, len - 4);
        reader_tell_month(r, two_at(text + len - 4));
        reader_tell_day(r, two_at(text + len - 2));
        r->new_parts = PARTS_OF_DATE;
        return READING_OK;
    }
    if ((known & PARTS_OF_TIME) == PARTS_OF_TIME || (len != 6 && len != 4)) return READING_BAD;
    reader_tell_time(r, two_at(text), two_at(text + 2), len == 6 ? two_at(text + 4) : 0);
    return READING_OK;
}

/* The first number of a date, or the first beside a month in letters. */
static void tell_first(struct reader *r, int32_t x, size_t width, bool month_known) {
    enum date_order order = r->env->session->date_order;
    if (width >= 3 || order == DATE_ORDER_YMD)
        tell_year(r, x, width);
    else if (month_known || order == DATE_ORDER_DMY)
        reader_tell_day(r, x);
    else
        reader_tell_month(r, x);
}

/* A number where year and a month in letters are known: the day, unless the year was it. */
static void tell_last(struct reader *r, int32_t x, size_t width, bool text_month) {
    if (text_month && width >= 3 && r->two_digits) {
        int32_t day = (int32_t)r->m->civil.year;
        tell_year(r, x, width);
        reader_tell_day(r, day);
    } else {
        reader_tell_day(r, x);
    }
}

enum reading reader_take_number(struct reader *r, char *text, bool text_month, int known) {
    const char *p = text;
    int32_t x;
    enum reading why = read_int32(&p, &x);
    if (why) return why;
    if (p == text) return READING_BAD;
    if (*p == '.') {
        if (p - text > 2) return reader_take_compact(r, text, known | PARTS_OF_DATE);
        if ((why = read_us(p, &r->m->civil.us))) return why;
    } else if (*p) {
        return READING_BAD;
    }
    size_t width = strlen(text);
    int date = known & PARTS_OF_DATE;
    if (width == 3 && date == PART_YEAR && x >= 1 && x <= 366) {
        r->day_of_year = x;
        r->new_parts = PART_DAY_OF_YEAR | PART_MONTH | PART_DAY;
        return READING_OK;
    }
    switch (date) {
    case 0: tell_first(r, x, width, false); break;
    case PART_YEAR:
    case PART_DAY: reader_tell_month(r, x); break;
    case PART_MONTH:
        if (text_month)
            tell_first(r, x, width, true);
        else
            reader_tell_day(r, x);
        break;
    case PART_YEAR | PART_MONTH: tell_last(r, x, width, text_month); break;
    case PART_MONTH | PART_DAY: tell_year(r, x, width); break;
    case PARTS_OF_DATE: return reader_take_compact(r, text, known);
    default: return READING_BAD;
    }
    return READING_OK;
}

#define DATE_PIECES_MAX 25

/* The pieces of 08-jan-1999, each ended by a NUL in place; 0: broken. */
static size_t date_pieces(char *text, char *ret[DATE_PIECES_MAX]) {
    size_t n = 0;
    char *p = text;
    while (*p && n < DATE_PIECES_MAX) {
        while (*p && !is_digit(*p) && !is_letter(*p)) p++;
        if (!*p) return 0;
        ret[n++] = p;
        bool letters = is_letter(*p);
        while (letters ? is_letter(*p) : is_digit(*p)) p++;
        if (*p) *p++ = '\0';
    }
    return n;
}

/* Its words come first: they leave no doubt. */
enum reading reader_take_date(struct reader *r, char *text) {
    char *pieces[DATE_PIECES_MAX];
    size_t n = date_pieces(text, pieces);
    int known = r->parts, told = 0, value;
    bool text_month = false;
    if (!n) return READING_BAD;
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < n; i++) {
            if (is_letter(*pieces[i]) != (pass == 0)) continue;
            if (pass == 0) {
                enum word_kind kind = date_word(pieces[i], &value);
                if (kind == WORD_NOISE) continue;
                if (kind != WORD_MONTH) return READING_BAD;
                reader_tell_month(r, value);
                text_month = true;
            } else {
                enum reading why = reader_take_number(r, pieces[i], text_month, known);
                if (why) return why;
            }
            if (known & r->new_parts) return READING_BAD;
            known |= r->new_parts;
            told |= r->new_parts;
        }
    }
    r->new_parts = told;
    return (known & ~(PART_DAY_OF_YEAR | PART_ZONE)) == PARTS_OF_DATE ? READING_OK : READING_BAD;
}
