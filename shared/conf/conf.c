#include "conf/conf.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

#define CONF_FILE_BYTES_MAX (1 << 20)

static const struct conf_setting settings[CONF_COUNT] = {
#define X(name_, type_, preset_, min_, max_, when_, text_)                                         \
    [CONF_ID_##name_] = {.name = #name_,                                                           \
                         .type = CONF_##type_,                                                     \
                         .preset = preset_,                                                        \
                         .min = min_,                                                              \
                         .max = max_,                                                              \
                         .when = when_,                                                            \
                         .text = text_,                                                            \
                         .offset = offsetof(struct conf, name_)},
#include "conf/settings.def"
#undef X
};

/* Units in falling order, so that a value can be shown in the greatest that divides it. */
struct unit {
    const char *name;
    uint64_t factor;
};
static const struct unit byte_units[] = {{"TB", 1ull << 40}, {"GB", 1ull << 30}, {"MB", 1ull << 20},
                                         {"kB", 1ull << 10}, {"B", 1},           {NULL, 0}};
static const struct unit time_units[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                         {"s", 1000},     {"ms", 1},      {NULL, 0}};

const struct conf_setting *conf_setting(enum conf_id id) {
    CHECK(id < CONF_COUNT);
    return &settings[id];
}

enum conf_id conf_find(const char *name) {
    for (int i = 0; i < CONF_COUNT; i++) {
        if (strcasecmp(settings[i].name, name) == 0) return (enum conf_id)i;
    }
    return CONF_COUNT;
}

static const struct unit *units_of(enum conf_type type) {
    return type == CONF_BYTES ? byte_units : type == CONF_MS ? time_units : NULL;
}

/* "128MB" → 134217728; false: not a number with one of the units, or too great. */
static bool parse_number(const char *text, enum conf_type type, int64_t *ret_value) {
    while (isspace((unsigned char)*text)) text++;
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || errno != 0) return false;
    while (isspace((unsigned char)*end)) end++;
    const struct unit *units = units_of(type);
    int64_t factor = 1;
    if (*end != '\0') {
        while (units && units->name && strcasecmp(units->name, end) != 0) units++;
        if (!units || !units->name) return false;
        factor = (int64_t)units->factor;
    }
    return !__builtin_mul_overflow((int64_t)number, factor, ret_value);
}

static bool parse_bool(const char *text, bool *ret_value) {
    static const char *const words[] = {"off", "on", "false", "true", "no", "yes", "0", "1"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            *ret_value = i % 2;
            return true;
        }
    }
    return false;
}

static bool choice_allowed(const char *list, const char *text) {
    size_t n = strlen(text);
    for (const char *p = list; n > 0 && p; p = strchr(p, '|')) {
        if (*p == '|') p++;
        if (strncmp(p, text, n) == 0 && (p[n] == '|' || p[n] == '\0')) return true;
    }
    return false;
}

/* Puts the text's value into c's field; false: not allowed, c unchanged. */
static bool assign(struct conf *c, enum conf_id id, const char *text) {
    const struct conf_setting *s = &settings[id];
    void *field = (char *)c + s->offset;
    int64_t number, low, high;
    switch (s->type) {
    case CONF_BOOL: return parse_bool(text, field);
    case CONF_TEXT:
        if (strlen(text) >= CONF_TEXT_BYTES) return false;
        strcpy(field, text);
        return true;
    case CONF_CHOICE:
        if (!choice_allowed(s->min, text)) return false;
        strcpy(field, text);
        return true;
    case CONF_INT:
    case CONF_BYTES:
    case CONF_MS:
        CHECK(parse_number(s->min, s->type, &low) && parse_number(s->max, s->type, &high));
        if (!parse_number(text, s->type, &number) || number < low || number > high) return false;
        *(int64_t *)field = number;
        return true;
    }
    return false;
}

void conf_init(struct conf *c) {
    memset(c, 0, sizeof *c);
    for (int i = 0; i < CONF_COUNT; i++) CHECK(assign(c, (enum conf_id)i, settings[i].preset));
}

void conf_range(enum conf_id id, char *ret_text) {
    const struct conf_setting *s = conf_setting(id);
    switch (s->type) {
    case CONF_BOOL: strcpy(ret_text, "on, off"); break;
    case CONF_TEXT:
        snprintf(ret_text, CONF_TEXT_BYTES, "up to %d bytes", CONF_TEXT_BYTES - 1);
        break;
    case CONF_CHOICE:
        snprintf(ret_text, CONF_TEXT_BYTES, "%s", s->min);
        for (char *bar = ret_text; (bar = strchr(bar, '|'));) *bar = ' ';
        break;
    default: snprintf(ret_text, CONF_TEXT_BYTES, "%s … %s", s->min, s->max);
    }
}

/* What the parser's callbacks need; libconfuse has no place for it. */
static _Thread_local struct loading {
    struct conf *conf;
    struct error *e;
    const char *path;
} loading;

static int validate(cfg_t *cfg, cfg_opt_t *opt) {
    enum conf_id id = conf_find(cfg_opt_name(opt));
    const char *value = cfg_opt_getnstr(opt, cfg_opt_size(opt) - 1);
    if (id == CONF_COUNT || !value || !assign(loading.conf, id, value)) {
        char range[CONF_TEXT_BYTES] = "";
        if (id != CONF_COUNT) conf_range(id, range);
        status_ignore(error_set(loading.e, ST_CONFIG_FILE_ERROR, /* the parser reports it */
                                "%s:%d: invalid value for \"%s\": \"%s\" (allowed: %s)",
                                loading.path, cfg->line, cfg_opt_name(opt), value ? value : "",
                                range));
        return -1;
    }
    loading.conf->origin[id] = (struct conf_origin){.from = CONF_FROM_FILE, .line = cfg->line};
    return 0;
}

[[gnu::format(printf, 2, 0)]] static void report(cfg_t *cfg, const char *format, va_list args) {
    char words[512];
    vsnprintf(words, sizeof words, format, args);
    status_ignore(error_set(loading.e, ST_CONFIG_FILE_ERROR, "%s:%d: %s",
                            loading.path, /* as above */
                            cfg ? cfg->line : 0, words));
}

/* The file's text without its # comments: libconfuse counts lines wrongly across them. */
static status read_text(const char *path, char **ret_text, struct error *e) {
    FILE *f = fopen(path, "re");
    if (!f) {
        return error_set(e, errno == ENOENT ? ST_NOT_FOUND : ST_CONFIG_FILE_ERROR, "%s: %s", path,
                         strerror(errno));
    }
    char *text = calloc(1, CONF_FILE_BYTES_MAX + 1);
    size_t n = text ? fread(text, 1, CONF_FILE_BYTES_MAX + 1, f) : 0;
    fclose(f);
    if (!text) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    if (n > CONF_FILE_BYTES_MAX) {
        free(text);
        return error_set(e, ST_CONFIG_FILE_ERROR, "%s: longer than %d bytes", path,
                         CONF_FILE_BYTES_MAX);
    }
    char quote = '\0';
    for (size_t i = 0; i < n; i++) {
        if (quote) {
            if (text[i] == quote || text[i] == '\n') quote = '\0';
        } else if (text[i] == '"' || text[i] == '\'') {
            quote = text[i];
        } else if (text[i] == '#') {
            for (; i < n && text[i] != '\n'; i++) text[i] = ' ';
        } else if (text[i] == '\0') {
            text[i] = ' ';
        }
    }
    *ret_text = text;
    return OK;
}

status conf_load(struct conf *c, const char *path, struct error *e) {
    char *text = NULL;
    TRY(read_text(path, &text, e));
    cfg_opt_t options[CONF_COUNT + 1];
    for (int i = 0; i < CONF_COUNT; i++) {
        options[i] = (cfg_opt_t)CFG_STR(settings[i].name, settings[i].preset, CFGF_NONE);
    }
    options[CONF_COUNT] = (cfg_opt_t)CFG_END();
    struct conf copy = *c;
    snprintf(copy.file, sizeof copy.file, "%s", path);
    cfg_t *cfg = cfg_init(options, CFGF_NOCASE);
    if (!cfg) {
        free(text);
        return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    }
    loading = (struct loading){.conf = &copy, .e = e, .path = path};
    cfg_set_error_function(cfg, report);
    for (int i = 0; i < CONF_COUNT; i++) cfg_set_validate_func(cfg, settings[i].name, validate);
    int outcome = cfg_parse_buf(cfg, text);
    cfg_free(cfg);
    free(text);
    loading = (struct loading){0};
    if (outcome != CFG_SUCCESS || !ok(e->status)) {
        return error_set(e, ST_CONFIG_FILE_ERROR, "%s: not a valid settings file", path);
    }
    *c = copy;
    return OK;
}

status conf_set(struct conf *c, const char *name, const char *value, struct error *e) {
    enum conf_id id = conf_find(name);
    if (id == CONF_COUNT) {
        return error_set(e, ST_UNDEFINED_OBJECT, "unrecognized configuration parameter \"%s\"",
                         name);
    }
    if (!assign(c, id, value)) {
        char range[CONF_TEXT_BYTES];
        conf_range(id, range);
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "invalid value for \"%s\": \"%s\" (allowed: %s)", settings[id].name, value,
                         range);
    }
    c->origin[id] = (struct conf_origin){.from = CONF_FROM_COMMAND_LINE};
    return OK;
}

status conf_set_text(struct conf *c, const char *text, bool making, struct error *e) {
    char name[64];
    const char *equals = strchr(text, '=');
    if (!equals || equals - text >= (long)sizeof name)
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "--set needs NAME=VALUE");
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    enum conf_id id = conf_find(name);
    if (!making && id != CONF_COUNT && settings[id].when == CONF_AT_MAKING)
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "\"%s\" cannot be changed: it is chosen when an appliance is made (axl "
                         "init --set %s)",
                         settings[id].name, text);
    return conf_set(c, name, equals + 1, e);
}

void conf_show(const struct conf *c, enum conf_id id, char *ret_text) {
    const struct conf_setting *s = conf_setting(id);
    const void *field = (const char *)c + s->offset;
    const struct unit *units = units_of(s->type);
    switch (s->type) {
    case CONF_BOOL: strcpy(ret_text, *(const bool *)field ? "on" : "off"); return;
    case CONF_TEXT:
    case CONF_CHOICE: strcpy(ret_text, field); return;
    default: break;
    }
    int64_t number = *(const int64_t *)field;
    while (units && units->name && (number == 0 || number % (int64_t)units->factor != 0)) units++;
    if (!units || !units->name) {
        snprintf(ret_text, CONF_TEXT_BYTES, "%lld", (long long)number);
    } else {
        snprintf(ret_text, CONF_TEXT_BYTES, "%lld%s", (long long)(number / (int64_t)units->factor),
                 units->name);
    }
}

void conf_source(const struct conf *c, enum conf_id id, char *ret_text) {
    const struct conf_origin *o = &c->origin[id];
    switch ((enum conf_from)o->from) {
    case CONF_FROM_DEFAULT: strcpy(ret_text, "default"); break;
    case CONF_FROM_COMMAND_LINE: strcpy(ret_text, "command line"); break;
    case CONF_FROM_FILE: snprintf(ret_text, CONF_TEXT_BYTES, "%.200s:%d", c->file, o->line); break;
    }
}

static void put_value(FILE *f, const struct conf_setting *s, const char *value) {
    if (s->type != CONF_TEXT) {
        fputs(value, f);
        return;
    }
    fputc('"', f);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\') fputc('\\', f);
        fputc(*value, f);
    }
    fputc('"', f);
}

void conf_write_file(FILE *f, const struct conf *c) {
    static const char *const when[] = {"", "; needs a restart",
                                       ("; chosen when the appliance is made, a change here has no "
                                        "effect")};
    fprintf(f, "# Settings of this appliance. A line that begins with # has no effect: take the #\n"
               "# away to change a value. Sizes take B kB MB GB TB, times ms s min h d.\n");
    for (int i = 0; i < CONF_COUNT; i++) {
        char range[CONF_TEXT_BYTES], value[CONF_TEXT_BYTES];
        const struct conf_setting *s = &settings[i];
        bool given = c->origin[i].from == CONF_FROM_COMMAND_LINE;
        conf_range((enum conf_id)i, range);
        conf_show(c, (enum conf_id)i, value);
        fprintf(f, "\n# %s\n# allowed: %s%s\n%s%s = ", s->text, range, when[s->when],
                given ? "" : "#", s->name);
        put_value(f, s, given ? value : s->preset);
        fputc('\n', f);
    }
}
