/* Settings that are numbers, with their units. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "session/settings_private.h"

struct unit {
    const char *name;
    double factor; /* to the kind's base unit */
};

/* Greatest first; the base unit has the factor 1. */
static const struct unit ms_units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000},
                                       {"ms", 1},       {"us", 0.001},  {NULL, 0}};
static const struct unit kb_units[] = {{"TB", 1073741824}, {"GB", 1048576},   {"MB", 1024},
                                       {"kB", 1},          {"B", 1.0 / 1024}, {NULL, 0}};
static const struct unit s_units[] = {{"d", 86400},  {"h", 3600},           {"min", 60}, {"s", 1},
                                      {"ms", 0.001}, {"us", 1.0 / 1000000}, {NULL, 0}};
static const struct unit page_units[] = {{"TB", 134217728}, {"GB", 131072},    {"MB", 128},
                                         {"kB", 1.0 / 8},   {"B", 1.0 / 8192}, {NULL, 0}};
static const struct unit mb_units[] = {{"TB", 1048576},    {"GB", 1024},         {"MB", 1},
                                       {"kB", 1.0 / 1024}, {"B", 1.0 / 1048576}, {NULL, 0}};
static const struct unit byte_units[] = {{"TB", 1099511627776}, {"GB", 1073741824}, {"MB", 1048576},
                                         {"kB", 1024},          {"B", 1},           {NULL, 0}};
static const struct unit no_units[] = {{NULL, 0}};

static const struct unit *units_of(enum setting_kind kind) {
    switch (kind) {
    case SETTING_MS: return ms_units;
    case SETTING_S: return s_units;
    case SETTING_KB: return kb_units;
    case SETTING_PAGES: return page_units;
    case SETTING_MB: return mb_units;
    case SETTING_BYTES: return byte_units;
    default: return no_units;
    }
}

const char *setting_unit(enum setting_kind kind) {
    static const char *const names[] = {
        [SETTING_MS] = "ms",       [SETTING_S] = "s",   [SETTING_KB] = "kB",
        [SETTING_PAGES] = "8kB",   [SETTING_MB] = "MB", [SETTING_BYTES] = "B",
        [SETTING_KIND_LAST] = NULL};
    return names[kind];
}

/* PostgreSQL prints a value in the greatest unit that divides it. */
static char *print_with_unit(long long n, const struct unit *units) {
    char text[48];
    const struct unit *u = units;
    while (u->name && u->factor > 1 && n % (long long)u->factor) u++;
    if (!u->name || n <= 0)
        snprintf(text, sizeof text, "%lld", n);
    else
        snprintf(text, sizeof text, "%.0f%s", (double)n / u->factor, u->name);
    return strdup(text);
}

static const char *skip_space(const char *at) {
    while (isspace((unsigned char)*at)) at++;
    return at;
}

/* A number as C writes it, whole ones also in octal or hexadecimal; *ret_end behind it. */
static bool scan_number(const char *text, bool whole, double *ret_value, const char **ret_end) {
    char *end;
    errno = 0;
    double n = 0;
    if (whole) n = (double)strtol(text, &end, 0);
    if (!whole || *end == '.' || *end == 'e' || *end == 'E' || errno == ERANGE) {
        errno = 0;
        n = strtod(text, &end);
    }
    if (end == text || errno || n != n) return false;
    *ret_value = n;
    *ret_end = end;
    return true;
}

/* In the base unit. A fraction of a unit is rounded to whole ones of the next smaller (manual,
 * 20.1.1). */
enum number_verdict setting_parse_number(const char *text, enum setting_kind kind,
                                         double *ret_value) {
    double n;
    const char *at;
    const struct unit *units = units_of(kind);
    if (!scan_number(text, kind != SETTING_REAL, &n, &at)) return NUMBER_BAD;
    at = skip_space(at);
    if (*at) {
        size_t len = strcspn(at, " \t\n\v\f\r");
        const struct unit *u = units;
        while (u->name && (strlen(u->name) != len || strncmp(at, u->name, len) != 0)) u++;
        if (!u->name || *skip_space(at + len)) return units->name ? NUMBER_BAD_UNIT : NUMBER_BAD;
        n *= u->factor;
        if (u[1].name) n = rint(n / u[1].factor) * u[1].factor;
    }
    *ret_value = kind == SETTING_REAL ? n : rint(n);
    return NUMBER_GOOD;
}

static status bad_number(struct session *s, const struct setting_info *v, const char *value,
                         enum number_verdict verdict) {
    status st = setting_invalid(s, v, value);
    bool time = v->kind == SETTING_MS || v->kind == SETTING_S;
    if (verdict == NUMBER_BAD_UNIT && time)
        error_hint(&s->error, "Valid units for this parameter are \"us\", \"ms\", \"s\", "
                              "\"min\", \"h\", and \"d\".");
    else if (verdict == NUMBER_BAD_UNIT)
        error_hint(&s->error, "Valid units for this parameter are \"B\", \"kB\", \"MB\", "
                              "\"GB\", and \"TB\".");
    return st;
}

status setting_check_number(struct session *s, const struct setting_info *v, const char *value,
                            char **ret) {
    enum setting_kind kind = v->kind;
    double n = 0;
    enum number_verdict verdict = setting_parse_number(value, kind, &n);
    if (verdict != NUMBER_GOOD) return bad_number(s, v, value, verdict);
    if (kind != SETTING_REAL && (n > INT_MAX || n < INT_MIN)) {
        status st = setting_invalid(s, v, value);
        error_hint(&s->error, "Value exceeds integer range.");
        return st;
    }
    const char *dots = strstr(v->range, ".."), *unit = setting_unit(kind);
    if (dots) {
        double low = strtod(v->range, NULL), high = strtod(dots + 2, NULL);
        int digits = kind == SETTING_REAL ? 6 : 10;
        if (n < low || n > high)
            return error_set(
                &s->error, ST_INVALID_PARAMETER_VALUE,
                "%.*g%s%s is outside the valid range for parameter \"%s\" (%.*g .. %.*g)", digits,
                n, unit ? " " : "", unit ? unit : "", v->name, digits, low, digits, high);
    }
    char text[32];
    snprintf(text, sizeof text, "%g", n);
    *ret = kind == SETTING_REAL ? strdup(text) : print_with_unit((long long)n, units_of(kind));
    return OK;
}
