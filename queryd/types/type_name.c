/* Names of types: what format_type prints and what a text such as 'numeric(10,2)[]' means. */
#include <stdio.h>
#include <stdlib.h>

#include "types/internal.h"

static const struct {
    oid type;
    const char *name;
} sql_names[] = {
    {BOOLOID, "boolean"},
    {CHAROID, "\"char\""},
    {INT2OID, "smallint"},
    {INT4OID, "integer"},
    {INT8OID, "bigint"},
    {FLOAT4OID, "real"},
    {FLOAT8OID, "double precision"},
    {BPCHAROID, "character"},
    {VARCHAROID, "character varying"},
    {VARBITOID, "bit varying"},
    {TIMEOID, "time without time zone"},
    {TIMETZOID, "time with time zone"},
    {TIMESTAMPOID, "timestamp without time zone"},
    {TIMESTAMPTZOID, "timestamp with time zone"},
    {ANYOID, "\"any\""},
};

static const char *sql_name(const struct type *t) {
    for (size_t i = 0; i < sizeof sql_names / sizeof *sql_names; i++)
        if (sql_names[i].type == t->oid) return sql_names[i].name;
    return t->name;
}

status type_format(oid id, int32_t typmod, struct buf *out) {
    const struct type *t = type_find(id);
    if (!t) return buf_add_str(out, id ? "???" : "-");
    if (t->arena && types_source()->print && t->family != &family_array)
        return types_source()->print(id, out);
    if (t->family == &family_array && t->element) {
        TRY(type_format(t->element, typmod, out));
        return buf_add_str(out, "[]");
    }
    const char *name = sql_name(t);
    if (typmod < 0 || !t->family->typmod_out) return buf_add_str(out, name);
    /* The modifier stands after the first word of "timestamp with time zone". */
    bool behind = t->oid == VARCHAROID || t->oid == VARBITOID;
    const char *space = behind ? NULL : strchr(name, ' ');
    size_t head = space ? (size_t)(space - name) : strlen(name);
    TRY(buf_add(out, name, head));
    TRY(t->family->typmod_out(t, typmod, out));
    return buf_add_str(out, name + head);
}

const char *type_format_name(struct arena *a, oid id) {
    struct buf b = {0};
    const char *name = NULL;
    if (ok(type_format(id, -1, &b))) name = arena_strndup(a, b.data, b.len);
    buf_free(&b);
    return name ? name : "???";
}

/* SQL's own words for types, and the internal names they stand for. */
static const struct {
    const char *words;
    const char *name;
} aliases[] = {
    {"boolean", "bool"},
    {"smallint", "int2"},
    {"int", "int4"},
    {"integer", "int4"},
    {"bigint", "int8"},
    {"real", "float4"},
    {"float", "float8"},
    {"double precision", "float8"},
    {"decimal", "numeric"},
    {"dec", "numeric"},
    {"character", "bpchar"},
    {"char", "bpchar"},
    {"national character", "bpchar"},
    {"nchar", "bpchar"},
    {"character varying", "varchar"},
    {"char varying", "varchar"},
    {"bit varying", "varbit"},
    {"national character varying", "varchar"},
    {"timestamp without time zone", "timestamp"},
    {"timestamp with time zone", "timestamptz"},
    {"time without time zone", "time"},
    {"time with time zone", "timetz"},
};

struct name_scan {
    const char *p, *end;
    char words[128];
    size_t len;
    bool quoted;
    bool defined; /* in another schema than pg_catalog */
    int32_t modifiers[4];
    size_t n_modifiers;
};

static void skip_blanks(struct name_scan *s) {
    while (s->p < s->end && is_space(*s->p)) s->p++;
}

static bool add_char(struct name_scan *s, char c) {
    if (s->len + 1 >= sizeof s->words) return false;
    s->words[s->len++] = c;
    s->words[s->len] = '\0';
    return true;
}

static bool scan_word(struct name_scan *s) {
    if (s->p < s->end && *s->p == '"') {
        s->quoted = true;
        for (s->p++; s->p < s->end; s->p++) {
            if (*s->p == '"' && (s->p + 1 == s->end || s->p[1] != '"')) {
                s->p++;
                return true;
            }
            if (*s->p == '"') s->p++;
            if (!add_char(s, *s->p)) return false;
        }
        return false;
    }
    const char *start = s->p;
    while (s->p < s->end && (is_letter(*s->p) || *s->p == '_' || (*s->p & 0x80) ||
                             (s->p > start && (is_digit(*s->p) || *s->p == '$')))) {
        if (!add_char(s, lower_ascii(*s->p))) return false;
        s->p++;
    }
    return s->p > start;
}

static bool scan_modifiers(struct name_scan *s) {
    skip_blanks(s);
    if (s->p == s->end || *s->p != '(') return true;
    do {
        s->p++;
        skip_blanks(s);
        bool negative = s->p < s->end && *s->p == '-';
        if (negative) s->p++;
        if (s->p == s->end || !is_digit(*s->p) || s->n_modifiers == 4) return false;
        int64_t value = 0;
        while (s->p < s->end && is_digit(*s->p) && value < INT32_MAX)
            value = value * 10 + *s->p++ - '0';
        if (value > INT32_MAX) return false;
        s->modifiers[s->n_modifiers++] = (int32_t)(negative ? -value : value);
        skip_blanks(s);
    } while (s->p < s->end && *s->p == ',');
    if (s->p == s->end || *s->p != ')') return false;
    s->p++;
    return true;
}

/* Words, modifiers after whichever word, then the array marks. */
static bool scan_type_name(struct name_scan *s, bool *ret_array) {
    skip_blanks(s);
    if (!scan_word(s)) return false;
    if (s->p < s->end && *s->p == '.') {
        s->defined = strcmp(s->words, "pg_catalog") != 0;
        s->len = 0;
        s->p++;
        s->quoted = true; /* a qualified name is the internal one */
        if (!scan_word(s)) return false;
    }
    if (!scan_modifiers(s)) return false;
    for (;;) {
        skip_blanks(s);
        if (s->p == s->end || *s->p == '[') break;
        if (s->quoted || !is_letter(*s->p) || !add_char(s, ' ') || !scan_word(s)) return false;
        if (!s->n_modifiers && !scan_modifiers(s)) return false;
    }
    *ret_array = s->p < s->end;
    while (s->p < s->end) {
        if (*s->p++ != '[') return false;
        while (s->p < s->end && is_digit(*s->p)) s->p++;
        if (s->p == s->end || *s->p++ != ']') return false;
        skip_blanks(s);
    }
    return true;
}

static status syntax_error(const struct eval_env *env, const char *text) {
    return error_set(env->error, ST_SYNTAX_ERROR, "invalid type name \"%s\"", text);
}

/* A name of a type that is not built in, with or without the marks of an array. */
static status defined_type(const struct eval_env *env, const char *text, bool array, oid *ret_type,
                           int32_t *ret_typmod) {
    const struct name_service *names = env->session ? env->session->names : NULL;
    if (!names || !names->lookup) return STATUS(NOT_FOUND);
    size_t len = array ? (size_t)(strchr(text, '[') - text) : strlen(text);
    char *name = arena_strndup(env->arena, text, len);
    if (!name) return out_of_memory(env);
    TRY(names->lookup(env->session, REG_TYPE, name, env->error, ret_type));
    if (ret_typmod) *ret_typmod = -1;
    if (!array) return OK;
    const struct type *t = type_find(*ret_type);
    if (!t || !t->array) return STATUS(NOT_FOUND);
    *ret_type = t->array;
    return OK;
}

status type_parse_name(const struct eval_env *env, const char *text, oid *ret_type,
                       int32_t *ret_typmod) {
    struct name_scan s = {.p = text, .end = text + strlen(text)};
    bool array;
    if (!scan_type_name(&s, &array)) return syntax_error(env, text);
    const char *name = s.words;
    if (s.defined) return defined_type(env, text, array, ret_type, ret_typmod);
    for (size_t i = 0; !s.quoted && i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i].words, name) == 0) name = aliases[i].name;
    if (strcmp(name, "float8") == 0 && strcmp(s.words, "float") == 0 && s.n_modifiers == 1) {
        if (s.modifiers[0] < 1 || s.modifiers[0] > 53)
            return error_set(env->error, ST_INVALID_PARAMETER_VALUE,
                             "precision for type float must be between 1 and 53 bits");
        if (s.modifiers[0] <= 24) name = "float4";
        s.n_modifiers = 0;
    }
    const struct type *t = type_find_by_name(name);
    if (!t) return defined_type(env, text, array, ret_type, ret_typmod);
    if (array && !t->array) return STATUS(NOT_FOUND);
    int32_t typmod = -1;
    bool plain_char = t->oid == BPCHAROID && strcmp(s.words, "bpchar") != 0;
    if (plain_char && !s.n_modifiers) s.modifiers[s.n_modifiers++] = 1;
    if (t->oid == INTERVALOID && s.n_modifiers == 1) { /* a precision, of all fields */
        s.modifiers[1] = s.modifiers[0];
        s.modifiers[0] = INTERVAL_FULL_RANGE;
        s.n_modifiers = 2;
    }
    if (s.n_modifiers) TRY(type_typmod_in(env, t, s.modifiers, s.n_modifiers, &typmod));
    *ret_type = array ? t->array : t->oid;
    if (ret_typmod) *ret_typmod = typmod;
    return OK;
}
