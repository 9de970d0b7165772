/* SIMILAR TO and SUBSTRING … SIMILAR: SQL's patterns as regular expressions. */
#include "types/internal.h"

struct translation {
    const struct eval_env *env;
    struct buf out;
    bool after_escape, in_brackets;
    int separators; /* escape-double-quote */
};

/* The three parts of part1#"part2#"part3: the first takes as little as it can, the second is what
 * SUBSTRING gives. */
static status separator(struct translation *t) {
    switch (t->separators++) {
    case 0: return buf_add_str(&t->out, "){1,1}?(");
    case 1: return buf_add_str(&t->out, "){1,1}(?:");
    default:
        return error_set(t->env->error, ST_INVALID_USE_OF_ESCAPE_CHARACTER,
                         "SQL regular expression may not contain more than two "
                         "escape-double-quote separators");
    }
}

static status plain(struct translation *t, const char *p, size_t n) {
    if (t->in_brackets) {
        if (*p == '\\') TRY(buf_add(&t->out, "\\", 1));
        t->in_brackets = *p != ']';
        return buf_add(&t->out, p, n);
    }
    switch (*p) {
    case '[': t->in_brackets = true; return buf_add(&t->out, p, 1);
    case '%': return buf_add_str(&t->out, ".*");
    case '_': return buf_add_str(&t->out, ".");
    case '(': return buf_add_str(&t->out, "(?:");
    case '\\':
    case '.':
    case '^':
    case '$': TRY(buf_add(&t->out, "\\", 1)); [[fallthrough]];
    default: return buf_add(&t->out, p, n);
    }
}

static status translate(struct translation *t, const struct varlena *v, const char *escape,
                        size_t escape_len) {
    const char *p = v->data, *end = p + v->len;
    TRY(buf_add_str(&t->out, "^(?:"));
    for (; p < end;) {
        size_t n = utf8_len(p, end);
        if (t->after_escape) {
            t->after_escape = false;
            if (*p == '"' && !t->in_brackets) {
                TRY(separator(t));
            } else {
                TRY(buf_add(&t->out, "\\", 1));
                TRY(buf_add(&t->out, p, n));
            }
        } else if (escape_len && n == escape_len && !memcmp(p, escape, n)) {
            t->after_escape = true;
        } else {
            TRY(plain(t, p, n));
        }
        p += n;
    }
    return buf_add_str(&t->out, ")$");
}

/* escape NULL: a backslash */
static status similar(struct fn_call *c, const struct varlena *pattern,
                      const struct varlena *escape) {
    struct translation t = {.env = c->env};
    if (escape && escape->len && utf8_count(escape->data, escape->len) != 1) {
        status s = error_set(c->env->error, ST_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_hint(c->env->error, "Escape string must be empty or one character.");
        return s;
    }
    return give_buf(
        c, translate(&t, pattern, escape ? escape->data : "\\", escape ? escape->len : 1), &t.out);
}

/* similar_to_escape(pattern [, escape]); an empty escape: none */
status fn_similar_to_escape(struct fn_call *c) {
    return similar(c, c->args[0].v, c->nargs < 2 ? NULL : c->args[1].v);
}

/* similar_escape(pattern, escape): a null escape is a backslash */
status fn_similar_escape(struct fn_call *c) {
    if (c->nulls[0]) return give_null(c);
    return similar(c, c->args[0].v, c->nulls[1] ? NULL : c->args[1].v);
}

/* substring(text, pattern, escape) */
status fn_similar_substring(struct fn_call *c) {
    TRY(similar(c, c->args[1].v, c->args[2].v));
    datum args[2] = {c->args[0], c->result};
    struct fn_call match = *c;
    match.args = args;
    match.nargs = 2;
    TRY(fn_textregexsubstr(&match));
    c->result = match.result;
    c->is_null = match.is_null;
    return OK;
}
