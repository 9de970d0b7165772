/* to_date and to_timestamp: from what the fields of the input said to a moment. */
#include "types/from_char.h"

enum { HAVE_YEAR = 1, HAVE_MONTH = 2, HAVE_DAY = 4, HAVE_DATE = 7 };

static status set_clock(struct reader *r, struct civil *c) {
    struct said *s = &r->said;
    if (s->second_of_day) {
        c->hour = s->second_of_day / 3600;
        c->minute = s->second_of_day % 3600 / 60;
        c->second = s->second_of_day % 60;
    }
    if (s->second) c->second = s->second;
    if (s->minute) c->minute = s->minute;
    if (s->hour) c->hour = s->hour;
    if (!s->twelve_hours) return OK;
    if (c->hour < 1 || c->hour > 12) {
        status st = error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                              "hour \"%d\" is invalid for the 12-hour clock", c->hour);
        error_hint(r->env->error, "Use the 24-hour clock, or give an hour between 1 and 12.");
        return st;
    }
    if (s->pm && c->hour < 12)
        c->hour += 12;
    else if (!s->pm && c->hour == 12)
        c->hour = 0;
    return OK;
}

static unsigned set_year(struct said *s, struct civil *c) {
    int century = s->bc ? -s->century : s->century;
    if (s->year && s->century && s->year_digits <= 2) {
        int two = s->year % 100;
        if (two)
            c->year = century >= 0 ? two + (century - 1) * 100 : (century + 1) * 100 - two + 1;
        else
            c->year = century * 100 + (century >= 0 ? 0 : 1);
    } else if (s->year) {
        c->year = s->bc ? -s->year : s->year;
        if (c->year < 0) c->year++;
    } else if (s->century) {
        c->year = century >= 0 ? (century - 1) * 100 + 1 : century * 100 + 1;
    } else {
        return 0;
    }
    return HAVE_YEAR;
}

/* Monday of an ISO week as days since 2000-01-01. */
static int64_t iso_monday(int64_t year, int week) {
    int64_t fourth = days_from_date(year, 1, 4);
    return fourth - (weekday(fourth) + 6) % 7 + (week - 1) * INT64_C(7);
}

static unsigned set_day_number(int64_t days, struct civil *c) {
    date_from_days(days, c);
    return HAVE_DATE;
}

static status set_day_of_year(struct reader *r, struct civil *c, unsigned *have) {
    struct said *s = &r->said;
    if (!c->year && !s->bc)
        return error_set(r->env->error, ST_INVALID_DATETIME_FORMAT,
                         "cannot calculate day of year without year information");
    if (s->convention == CONVENTION_ISO_WEEK) {
        *have |= set_day_number(iso_monday(c->year, 1) + s->day_of_year - 1, c);
        return OK;
    }
    int month = 1, left = s->day_of_year;
    while (month <= 12 && left > days_in_month(c->year, month))
        left -= days_in_month(c->year, month++);
    if (c->month <= 1) c->month = month;
    if (c->day <= 1) c->day = left;
    *have |= HAVE_MONTH | HAVE_DAY;
    return OK;
}

static status set_date(struct reader *r, struct civil *c, unsigned *have) {
    struct said *s = &r->said;
    *have |= set_year(s, c);
    if (s->julian) *have |= set_day_number(s->julian - (int64_t)EPOCH_JULIAN, c);
    if (s->week && s->convention == CONVENTION_ISO_WEEK) {
        /* days are counted from Sunday = 1; a week's last is Sunday */
        int day = !s->day_of_week ? 0 : s->day_of_week > 1 ? s->day_of_week - 2 : 6;
        *have |= set_day_number(iso_monday(c->year, s->week) + day, c);
    } else if (s->week) {
        s->day_of_year = (s->week - 1) * 7 + 1;
    }
    if (s->week_of_month) s->day = (s->week_of_month - 1) * 7 + 1;
    if (s->day) {
        c->day = s->day;
        *have |= HAVE_DAY;
    }
    if (s->month) {
        c->month = s->month;
        *have |= HAVE_MONTH;
    }
    if (s->day_of_year && (c->month <= 1 || c->day <= 1)) TRY(set_day_of_year(r, c, have));
    return OK;
}

static bool in_range(const struct said *s, const struct civil *c, unsigned have) {
    if ((have & HAVE_MONTH) && (c->month < 1 || c->month > 12)) return false;
    if ((have & HAVE_DAY) && (c->day < 1 || c->day > 31)) return false;
    if (have == HAVE_DATE && c->day > days_in_month(c->year, c->month)) return false;
    if (c->hour < 0 || c->hour >= 24 || c->minute < 0 || c->minute >= 60 || c->second < 0 ||
        c->second >= 60)
        return false;
    if (!s->zone_sign) return true;
    return s->zone_hours >= 0 && s->zone_hours <= 15 && s->zone_minutes >= 0 &&
           s->zone_minutes < 60;
}

/* Input and template into a moment's parts; *ret_us the part of a second. */
static status read_moment(struct fn_call *c, struct civil *ret, const char **ret_text,
                          struct said *ret_said) {
    struct template t;
    struct reader r = {.env = c->env};
    r.start = r.p = arena_strndup(c->env->arena, c->args[0].v->data, c->args[0].v->len);
    if (!r.p) return out_of_memory(c->env);
    *ret_text = r.p;
    *ret = (struct civil){.month = 1, .day = 1};
    TRY(template_parse_date(c->env, c->args[1].v, &t));
    TRY(from_char_read(&r, &t));
    unsigned have = 0;
    TRY(set_clock(&r, ret));
    TRY(set_date(&r, ret, &have));
    int64_t us = r.said.ms * INT64_C(1000) + r.said.us;
    if (us < 0 || us >= US_PER_SECOND || !in_range(&r.said, ret, have))
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW,
                         "date/time field value out of range: \"%s\"", *ret_text);
    ret->us = (int32_t)us;
    *ret_said = r.said;
    return OK;
}

status fn_to_date(struct fn_call *c) {
    struct civil v;
    const char *text;
    struct said said;
    TRY(read_moment(c, &v, &text, &said));
    int64_t days = v.year > INT32_MAX / 400 || v.year < -INT32_MAX / 400
                       ? INT64_MAX
                       : days_from_date(v.year, v.month, v.day);
    if (days < DATE_FIRST || days > DATE_LAST)
        return error_set(c->env->error, ST_DATETIME_FIELD_OVERFLOW, "date out of range: \"%s\"",
                         text);
    c->result = datum_int4((int32_t)days);
    return OK;
}

status fn_to_timestamp(struct fn_call *c) {
    struct civil v;
    const char *text;
    struct said said;
    int64_t local, t;
    TRY(read_moment(c, &v, &text, &said));
    if (!stamp_from_civil(&v, &local)) return stamp_out_of_range(c->env);
    if (said.zone_sign) {
        t = local -
            said.zone_sign * (said.zone_hours * INT64_C(60) + said.zone_minutes) * US_PER_MINUTE;
        if (!stamp_in_range(t)) return stamp_out_of_range(c->env);
    } else if (!stamp_from_local(local, c->env->session->time_zone, &t)) {
        return stamp_out_of_range(c->env);
    }
    if (said.places) t = round_us(t, said.places);
    return give_int8(c, t);
}
