/* parse_ident: the parts of a qualified name. */
#include "types/array.h"
#include "types/internal.h"

struct reader {
    struct fn_call *c;
    const char *p, *end;
    bool after_dot;
};

static status bad_name(const struct reader *r) {
    const struct varlena *v = r->c->args[0].v;
    return error_set(r->c->env->error, ST_INVALID_PARAMETER_VALUE,
                     "string is not a valid identifier: \"%.*s\"", (int)v->len, v->data);
}

static void skip_space(struct reader *r) {
    while (r->p < r->end && is_space(*r->p)) r->p++;
}

static status give_part(struct reader *r, const char *text, size_t len, datum *ret) {
    ret->v = varlena_from(r->c->env->arena, text, len);
    return ret->v ? OK : out_of_memory(r->c->env);
}

/* "…", quotes within doubled */
static status quoted(struct reader *r, datum *ret) {
    char *copy = arena_alloc(r->c->env->arena, (size_t)(r->end - r->p) + 1);
    size_t n = 0;
    if (!copy) return out_of_memory(r->c->env);
    for (r->p++;; r->p++) {
        if (r->p == r->end) {
            status s = bad_name(r);
            error_detail(r->c->env->error, "String has unclosed double quotes.");
            return s;
        }
        if (*r->p == '"' && (++r->p == r->end || *r->p != '"')) break;
        copy[n++] = *r->p;
    }
    if (n) return give_part(r, copy, n, ret);
    status s = bad_name(r);
    error_detail(r->c->env->error, "Quoted identifier must not be empty.");
    return s;
}

static bool begins_name(char c) {
    return is_letter(c) || c == '_' || (c & 0x80);
}

static status plain(struct reader *r, datum *ret) {
    const char *start = r->p;
    while (r->p < r->end && (begins_name(*r->p) || is_digit(*r->p) || *r->p == '$')) r->p++;
    size_t n = (size_t)(r->p - start);
    char *copy = arena_strndup(r->c->env->arena, start, n);
    if (!copy) return out_of_memory(r->c->env);
    for (size_t i = 0; i < n; i++) copy[i] = lower_ascii(copy[i]);
    return give_part(r, copy, n, ret);
}

static status missing(struct reader *r) {
    status s = bad_name(r);
    if (r->after_dot)
        error_detail(r->c->env->error, "No valid identifier after \".\".");
    else if (r->p < r->end && *r->p == '.')
        error_detail(r->c->env->error, "No valid identifier before \".\".");
    return s;
}

static status part(struct reader *r, datum *ret) {
    skip_space(r);
    if (r->p < r->end && *r->p == '"') return quoted(r, ret);
    if (r->p < r->end && begins_name(*r->p)) return plain(r, ret);
    return missing(r);
}

/* parse_ident(text, strict): without strict, what follows the name is let be. */
status fn_parse_ident(struct fn_call *c) {
    struct reader r = {.c = c, .p = c->args[0].v->data};
    bool strict = c->nargs < 2 || c->args[1].b;
    r.end = r.p + c->args[0].v->len;
    datum *parts = arena_array(c->env->arena, c->args[0].v->len + 1, sizeof *parts);
    uint8_t *nulls = arena_zalloc(c->env->arena, c->args[0].v->len + 1);
    uint32_t n = 0;
    if (!parts || !nulls) return out_of_memory(c->env);
    do {
        TRY(part(&r, &parts[n++]));
        skip_space(&r);
        r.after_dot = r.p < r.end && *r.p == '.';
        r.p += r.after_dot;
    } while (r.after_dot);
    if (strict && r.p < r.end) return bad_name(&r);
    return array_build_1d(c->env, TEXTOID, parts, nulls, n, &c->result);
}
