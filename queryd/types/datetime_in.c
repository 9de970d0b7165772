/* What a date or time literal says: the fields of datetime_text.h put together. */
#include "types/datetime_in.h"

/* ---- zones ---- */

static enum reading find_named_zone(struct reader *r, const char *name, bool must) {
    if (ok(tz_find(name, &r->zone))) {
        r->new_parts = PART_ZONE;
        return READING_OK;
    }
    r->zone_name = name;
    return must ? READING_NO_ZONE : READING_BAD;
}

static enum reading read_zone_offset(struct reader *r, const char *text) {
    r->new_parts = PART_ZONE;
    return read_offset(text, &r->m->civil.offset_s);
}

/* 040506-08, or the name of a zone, where no date is awaited. */
static enum reading read_time_or_zone(struct reader *r, char *text) {
    if (!is_digit(*text) && r->prefix == UNIT_NONE) return find_named_zone(r, text, true);
    if (r->prefix != UNIT_NONE && r->prefix != UNIT_TIME) return READING_BAD;
    r->prefix = UNIT_NONE;
    if ((r->parts & PARTS_OF_TIME) == PARTS_OF_TIME) return READING_BAD;
    char *zone = strchr(text, '-');
    if (!zone) return READING_BAD;
    enum reading why = read_zone_offset(r, zone);
    if (why) return why;
    *zone = '\0';
    why = reader_take_compact(r, text, r->time_only ? r->parts | PARTS_OF_DATE : r->parts);
    r->new_parts |= PART_ZONE;
    return why;
}

/* j2451187-08 */
static enum reading read_julian_zone(struct reader *r, const char *text) {
    int32_t julian;
    if (read_int32(&text, &julian) || julian < 0) return READING_RANGE;
    reader_tell_julian(r, julian);
    r->prefix = UNIT_NONE;
    enum reading why = read_zone_offset(r, text);
    r->new_parts = PARTS_OF_DATE | PARTS_OF_TIME | PART_ZONE;
    return why;
}

/* ---- fields ---- */

static enum reading read_date_field(struct reader *r, const struct fields *f, size_t i) {
    char *text = f->texts[i];
    if (!r->time_only) {
        if (r->prefix == UNIT_JULIAN) return read_julian_zone(r, text);
        int day = PART_MONTH | PART_DAY; /* "jul 11 10:51:14 america/new_york 2001" */
        return (r->parts & day) == day || r->prefix != UNIT_NONE ? read_time_or_zone(r, text)
                                                                 : reader_take_date(r, text);
    }
    bool date_first =
        i == 0 && f->n >= 2 && (f->looks[f->n - 1] == LOOK_DATE || f->looks[1] == LOOK_TIME);
    return date_first ? reader_take_date(r, text) : read_time_or_zone(r, text);
}

static bool time_overflows(const struct civil *c) {
    return c->hour < 0 || c->hour > 24 || c->minute < 0 || c->minute > 59 || c->second < 0 ||
           c->second > 60 || us_of_time(c) > US_PER_DAY;
}

static enum reading read_time_field(struct reader *r, const char *text) {
    struct clock clock;
    if (r->prefix != UNIT_NONE && r->prefix != UNIT_TIME) return READING_BAD;
    r->prefix = UNIT_NONE;
    enum reading why = read_clock(text, false, &clock);
    if (why) return why;
    if (clock.hour != (int32_t)clock.hour) return READING_RANGE;
    reader_tell_time(r, (int32_t)clock.hour, clock.minute, clock.second);
    r->m->civil.us = clock.us;
    return time_overflows(&r->m->civil) ? READING_RANGE : READING_OK;
}

/* A number whose meaning the word before it tells. */
static enum reading read_prefixed(struct reader *r, char *text) {
    struct civil *c = &r->m->civil;
    const char *p = text;
    enum unit unit = r->prefix;
    enum reading why;
    int32_t x;
    double part = 0;
    if ((why = read_int32(&p, &x))) return why;
    if (*p && (*p != '.' || (unit != UNIT_JULIAN && unit != UNIT_TIME && unit != UNIT_SECOND)))
        return READING_BAD;
    r->prefix = UNIT_NONE;
    switch (unit) {
    case UNIT_YEAR:
        c->year = x;
        r->new_parts = PART_YEAR;
        return READING_OK;
    case UNIT_MONTH: /* or minute, after an hour */
        if (!(r->parts & PART_MONTH) || !(r->parts & PART_HOUR))
            return reader_tell_month(r, x), READING_OK;
        [[fallthrough]];
    case UNIT_MINUTE:
        c->minute = x;
        r->new_parts = PART_MINUTE;
        return READING_OK;
    case UNIT_DAY: return reader_tell_day(r, x), READING_OK;
    case UNIT_HOUR:
        c->hour = x;
        r->new_parts = PART_HOUR;
        return READING_OK;
    case UNIT_SECOND:
        c->second = x;
        r->new_parts = *p ? PARTS_OF_SECOND : PART_SECOND;
        return *p ? read_us(p, &c->us) : READING_OK;
    case UNIT_JULIAN:
        if (x < 0) return READING_RANGE;
        reader_tell_julian(r, x);
        if (!*p) return READING_OK;
        if ((why = read_fraction(p, &part))) return why;
        time_from_us((int64_t)(part * (double)US_PER_DAY), c);
        r->new_parts |= PARTS_OF_TIME;
        return READING_OK;
    case UNIT_TIME:
        why = reader_take_compact(r, text, r->parts | PARTS_OF_DATE);
        return !why && r->new_parts != PARTS_OF_TIME ? READING_BAD : why;
    default: return READING_BAD;
    }
}

static enum reading read_number_field(struct reader *r, const struct fields *f, size_t i) {
    char *text = f->texts[i], *point = strchr(text, '.');
    size_t width = strlen(text);
    if (r->prefix != UNIT_NONE) return read_prefixed(r, text);
    if (r->time_only) {
        int known = r->parts | PARTS_OF_DATE;
        if (!point)
            return width > 4 ? reader_take_compact(r, text, known)
                             : reader_take_number(r, text, false, known);
        if (i == 0 && f->n >= 2 && f->looks[f->n - 1] == LOOK_DATE)
            return reader_take_date(r, text);
        return point - text > 2 ? reader_take_compact(r, text, known) : READING_BAD;
    }
    if (point && !(r->parts & PARTS_OF_DATE)) return reader_take_date(r, text);
    if (point && point - text > 2) return reader_take_compact(r, text, r->parts);
    if (width >= 6 && (!(r->parts & PARTS_OF_DATE) || !(r->parts & PARTS_OF_TIME)))
        return reader_take_compact(r, text, r->parts);
    return reader_take_number(r, text, r->text_month, r->parts);
}

static void tell_now(struct reader *r) {
    struct session_env *s = r->env->session;
    s->clock_was_read = true;
    civil_from_stamp(s->transaction_us, s->time_zone, &r->m->civil);
    r->new_parts = PARTS_OF_DATE | PARTS_OF_TIME | PART_ZONE;
}

static void tell_today(struct reader *r, int64_t days_later) {
    struct civil now, *c = &r->m->civil;
    struct session_env *s = r->env->session;
    s->clock_was_read = true;
    civil_from_stamp(s->transaction_us, s->time_zone, &now);
    date_from_days(days_from_date(now.year, now.month, now.day) + days_later, c);
    r->new_parts = PARTS_OF_DATE;
}

static void tell_end(struct reader *r, enum moment_kind kind) {
    r->m->kind = kind;
    r->new_parts = PARTS_OF_DATE | PARTS_OF_TIME | PART_ZONE;
}

static enum reading read_reserved(struct reader *r, enum reserved word) {
    struct civil *c = &r->m->civil;
    if (word == SAY_ZULU) {
        reader_tell_time(r, 0, 0, 0);
        c->us = 0;
        c->offset_s = 0;
        r->new_parts |= PART_ZONE;
        return READING_OK;
    }
    if (r->time_only && word != SAY_NOW) return READING_BAD;
    switch (word) {
    case SAY_NOW:
        tell_now(r);
        if (r->time_only) r->new_parts = PARTS_OF_TIME;
        break;
    case SAY_LATE: tell_end(r, MOMENT_INFINITY); break;
    case SAY_EARLY: tell_end(r, MOMENT_MINUS_INFINITY); break;
    case SAY_EPOCH: tell_end(r, MOMENT_EPOCH); break;
    default: tell_today(r, (int64_t)word - SAY_TODAY);
    }
    return READING_OK;
}

static enum reading read_month_word(struct reader *r, int month) {
    struct civil *c = &r->m->civil;
    bool was_day = (r->parts & PART_MONTH) && !r->text_month && !(r->parts & PART_DAY) &&
                   c->month >= 1 && c->month <= 31;
    if (was_day) c->day = c->month; /* "8 January" under MDY */
    c->month = month;
    r->new_parts = was_day ? PART_DAY : PART_MONTH;
    r->text_month = true;
    return READING_OK;
}

static enum reading read_iso_mark(struct reader *r, const struct fields *f, size_t i) {
    if (!r->time_only && (r->parts & PARTS_OF_DATE) != PARTS_OF_DATE) return READING_BAD;
    if (i + 1 >= f->n || (f->looks[i + 1] != LOOK_NUMBER && f->looks[i + 1] != LOOK_TIME &&
                          f->looks[i + 1] != LOOK_DATE))
        return READING_BAD;
    r->prefix = UNIT_TIME;
    return READING_OK;
}

/* An abbreviation of a zone; false: it is none. */
static bool read_abbreviation(struct reader *r, const char *word) {
    struct tz_abbreviation a;
    if (!tz_abbreviation(word, &a)) return false;
    r->new_parts = PART_ZONE;
    if (a.zone)
        r->zone = a.zone;
    else
        r->m->civil.offset_s = a.offset_s;
    return true;
}

static enum reading read_word_field(struct reader *r, const struct fields *f, size_t i) {
    const char *word = f->texts[i];
    int value;
    if (read_abbreviation(r, word)) return READING_OK;
    switch (date_word(word, &value)) {
    case WORD_RESERVED: return read_reserved(r, (enum reserved)value);
    case WORD_MONTH: return r->time_only ? READING_BAD : read_month_word(r, value);
    case WORD_WEEKDAY: r->new_parts = PART_WEEKDAY; return r->time_only ? READING_BAD : READING_OK;
    case WORD_NOISE: return READING_OK;
    case WORD_MERIDIEM:
        r->meridiem = (char)value;
        r->new_parts = PART_MERIDIEM;
        return READING_OK;
    case WORD_ERA:
        r->before_christ = value;
        r->new_parts = PART_ERA;
        return READING_OK;
    case WORD_UNIT: r->prefix = (enum unit)value; return READING_OK;
    case WORD_ISO_TIME: return read_iso_mark(r, f, i);
    case WORD_SUMMER: /* "MET DST" */
        r->m->civil.offset_s += 3600;
        r->new_parts = PART_SUMMER;
        return READING_OK;
    default: return find_named_zone(r, word, false);
    }
}

static enum reading read_field(struct reader *r, const struct fields *f, size_t i) {
    switch (f->looks[i]) {
    case LOOK_DATE: return read_date_field(r, f, i);
    case LOOK_TIME: return read_time_field(r, f->texts[i]);
    case LOOK_SIGNED: return read_zone_offset(r, f->texts[i]);
    case LOOK_NUMBER: return read_number_field(r, f, i);
    default: return read_word_field(r, f, i);
    }
}

/* ---- the whole ---- */

static enum reading check_date(struct reader *r) {
    struct civil *c = &r->m->civil;
    if ((r->parts & PART_YEAR) && !r->julian) {
        if (c->year < (r->two_digits && !r->before_christ ? 0 : 1)) return READING_RANGE;
        if (r->before_christ)
            c->year = 1 - c->year;
        else if (r->two_digits)
            c->year += c->year < 70 ? 2000 : c->year < 100 ? 1900 : 0;
    }
    if (r->parts & PART_DAY_OF_YEAR)
        date_from_days(days_from_date(c->year, 1, 1) + r->day_of_year - 1, c);
    if ((r->parts & PART_MONTH) && (c->month < 1 || c->month > 12)) return READING_ORDER;
    if ((r->parts & PART_DAY) && (c->day < 1 || c->day > 31)) return READING_ORDER;
    if ((r->parts & PARTS_OF_DATE) == PARTS_OF_DATE && c->day > days_in_month(c->year, c->month))
        return READING_RANGE;
    return READING_OK;
}

static enum reading check_meridiem(struct reader *r) {
    struct civil *c = &r->m->civil;
    if (!r->meridiem) return READING_OK;
    if (c->hour > 12) return READING_RANGE;
    if (r->meridiem == 'p' && c->hour != 12) c->hour += 12;
    if (r->meridiem == 'a' && c->hour == 12) c->hour = 0;
    return READING_OK;
}

static int64_t unix_of_local(const struct civil *date, const struct civil *time) {
    return days_from_date(date->year, date->month, date->day) * SECONDS_IN_DAY +
           us_of_time(time) / US_PER_SECOND + EPOCH_UNIX_SECONDS;
}

/* The offset of the zone that was named, or of the session's. A time without a date takes today's.
 */
static enum reading settle_zone(struct reader *r) {
    struct civil *c = &r->m->civil, date = *c;
    bool any_zone = r->zone || (r->parts & PART_ZONE);
    const struct tz *zone = r->zone ? r->zone : r->env->session->time_zone;
    if (!r->zone && any_zone) return READING_OK;
    if (r->parts & PART_SUMMER) return READING_BAD;
    if (!r->zone && !r->wants_zone) return READING_OK;
    if (tz_is_fixed(zone, &c->offset_s)) return READING_OK;
    if ((r->parts & PARTS_OF_DATE) != PARTS_OF_DATE) {
        if ((r->parts & PARTS_OF_DATE) || (r->zone && !tz_is_abbreviation(zone)))
            return READING_BAD;
        struct session_env *s = r->env->session;
        s->clock_was_read = true;
        civil_from_stamp(s->transaction_us, s->time_zone, &date);
    }
    c->offset_s = tz_of_local(zone, unix_of_local(&date, c)).offset_s;
    return READING_OK;
}

static enum reading finish(struct reader *r) {
    if (r->m->kind != MOMENT_CIVIL) return READING_OK;
    enum reading why = check_date(r);
    if (!why) why = check_meridiem(r);
    if (why) return why;
    r->m->has_date = (r->parts & PARTS_OF_DATE) == PARTS_OF_DATE;
    r->m->has_time = (r->parts & PARTS_OF_TIME) == PARTS_OF_TIME;
    if (r->time_only && time_overflows(&r->m->civil)) return READING_RANGE;
    if (r->time_only ? !r->m->has_time : !r->m->has_date) return READING_BAD;
    return settle_zone(r);
}

static enum reading read_all(struct reader *r, const struct fields *f) {
    if (!f->n) return READING_BAD;
    for (size_t i = 0; i < f->n; i++) {
        r->new_parts = 0;
        enum reading why = read_field(r, f, i);
        if (why) return why;
        if (r->parts & r->new_parts) return READING_BAD;
        r->parts |= r->new_parts;
    }
    return finish(r);
}

#define MOMENT_TEXT_MAX 153

status datetime_parse(const struct eval_env *env, const char *type_name, const char *text,
                      size_t len, struct moment *ret) {
    bool time_only = !strncmp(type_name, "time", 4) && strncmp(type_name, "timestamp", 9) != 0;
    struct reader r = {.env = env,
                       .m = ret,
                       .text = text,
                       .time_only = time_only,
                       .wants_zone = strstr(type_name, "with time zone") != NULL};
    struct fields f;
    *ret = (struct moment){0};
    enum reading why = fields_split(text, len, MOMENT_TEXT_MAX, &f);
    if (!why) why = read_all(&r, &f);
    return why ? reading_error(env, why, type_name, text, len, r.zone_name) : OK;
}
