/* ~ and the regexp_… functions. Compiled expressions are kept with the call site. */
#include "types/array.h"
#include "types/regex.h"

struct kept {
    struct regex *regex;
    char *pattern; /* what it was compiled from */
    uint32_t len;
    int flags;
};

struct regex_flags {
    int flags;
    bool global;
};

/* The compiled expression of this call: the site's, when it was for the same pattern and no other
 * call is at work with it. A site whose pattern changes keeps its first one only, so that it does
 * not grow. */
static status prepare(struct fn_call *c, const struct varlena *pattern, int flags,
                      struct regex **ret) {
    struct kept *kept = c->site->memo;
    if (kept && !regex_in_use(kept->regex) && kept->len == pattern->len && kept->flags == flags &&
        !memcmp(kept->pattern, pattern->data, pattern->len)) {
        *ret = kept->regex;
        return OK;
    }
    bool keep = !kept && c->site->memo_arena;
    struct arena *arena = keep ? c->site->memo_arena : c->env->arena;
    TRY(regex_compile(c->env, arena, pattern->data, pattern->len, flags, ret));
    if (!keep) return OK;
    kept = arena_alloc(arena, sizeof *kept);
    char *copy = arena_memdup(arena, pattern->data, pattern->len);
    if (!kept || !copy) return out_of_memory(c->env);
    *kept = (struct kept){*ret, copy, pattern->len, flags};
    c->site->memo = kept;
    return OK;
}

static status parse_flags(struct fn_call *c, const struct varlena *v, struct regex_flags *ret) {
    int f = 0;
    *ret = (struct regex_flags){0};
    for (uint32_t i = 0; v && i < v->len; i++) {
        switch (v->data[i]) {
        case 'g': ret->global = true; break;
        case 'b': f = (f & ~(REGEX_EXTENDED | REGEX_LITERAL)) | REGEX_BASIC; break;
        case 'c': f &= ~REGEX_NO_CASE; break;
        case 'e': f = (f & ~(REGEX_BASIC | REGEX_LITERAL)) | REGEX_EXTENDED; break;
        case 'i': f |= REGEX_NO_CASE; break;
        case 'm':
        case 'n': f |= REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS; break;
        case 'p': f = (f | REGEX_NEWLINE_STOPS) & ~REGEX_NEWLINE_ANCHORS; break;
        case 'q': f = (f & ~(REGEX_BASIC | REGEX_EXTENDED)) | REGEX_LITERAL; break;
        case 's': f &= ~(REGEX_NEWLINE_STOPS | REGEX_NEWLINE_ANCHORS); break;
        case 't': f &= ~REGEX_EXPANDED; break;
        case 'w': f = (f & ~REGEX_NEWLINE_STOPS) | REGEX_NEWLINE_ANCHORS; break;
        case 'x': f |= REGEX_EXPANDED; break;
        default:
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "invalid regular expression option: \"%.*s\"",
                             (int)utf8_len(v->data + i, v->data + v->len), v->data + i);
        }
    }
    ret->flags = f;
    return OK;
}

/* ---- matching ---- */

static status matches(struct fn_call *c, const char *text, size_t len, int flags, bool wanted) {
    struct regex *r;
    struct regex_text t;
    bool found;
    TRY(prepare(c, c->args[1].v, flags, &r));
    TRY(regex_text_of(c->env, text, len, &t));
    TRY(regex_find(c->env, r, &t, 0, NULL, &found));
    return give_bool(c, found == wanted);
}

#define REGEX_OPERATOR(name, flags, wanted)                                                        \
    status fn_text##name(struct fn_call *c) {                                                      \
        return matches(c, c->args[0].v->data, c->args[0].v->len, flags, wanted);                   \
    }                                                                                              \
    status fn_name##name(struct fn_call *c) {                                                      \
        return matches(c, c->args[0].s, strnlen(c->args[0].s, NAME_BYTES), flags, wanted);         \
    }
REGEX_OPERATOR(regexeq, 0, true)
REGEX_OPERATOR(regexne, 0, false)
REGEX_OPERATOR(icregexeq, REGEX_NO_CASE, true)
REGEX_OPERATOR(icregexne, REGEX_NO_CASE, false)

/* One search for functions that find many. */
struct search {
    struct regex *r;
    struct regex_text text;
    size_t at;                /* where to look next */
    struct regex_span *spans; /* of the match found */
};

static status search_begin(struct fn_call *c, const struct varlena *flags, bool allow_global,
                           struct search *s, struct regex_flags *f) {
    TRY(parse_flags(c, flags, f));
    if (f->global && !allow_global) {
        status st =
            error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                      "%s() does not support the \"global\" option", c->site->function->name);
        if (!strcmp(c->site->function->name, "regexp_match"))
            error_hint(c->env->error, "Use the regexp_matches function instead.");
        return st;
    }
    *s = (struct search){0};
    TRY(prepare(c, c->args[1].v, f->flags, &s->r));
    s->spans = arena_array(c->env->arena, regex_groups(s->r) + 1, sizeof *s->spans);
    if (!s->spans) return out_of_memory(c->env);
    return regex_text_of(c->env, c->args[0].v->data, c->args[0].v->len, &s->text);
}

/* After an empty match the next begins one character on. */
static status search_next(struct fn_call *c, struct search *s, bool *ret_found) {
    TRY(regex_find(c->env, s->r, &s->text, s->at, s->spans, ret_found));
    if (*ret_found) s->at = s->spans[0].to + (s->spans[0].from == s->spans[0].to);
    return OK;
}

/* The bytes of a stretch of characters. */
static const char *stretch(const struct search *s, size_t from, size_t to, size_t *ret_len) {
    size_t begin = regex_offset(&s->text, from);
    *ret_len = regex_offset(&s->text, to) - begin;
    return s->text.bytes + begin;
}

static status piece(struct fn_call *c, const struct search *s, size_t group, datum *ret,
                    bool *ret_is_null) {
    struct regex_span span = s->spans[group];
    size_t len;
    *ret_is_null = span.from == REGEX_UNSET;
    if (*ret_is_null) return OK;
    const char *bytes = stretch(s, span.from, span.to, &len);
    ret->v = varlena_from(c->env->arena, bytes, len);
    return ret->v ? OK : out_of_memory(c->env);
}

/* The groups of a match as an array; the whole match when there are none. */
static status groups_array(struct fn_call *c, const struct search *s, datum *ret) {
    size_t n = regex_groups(s->r), first = n ? 1 : 0;
    if (!n) n = 1;
    datum *values = arena_array(c->env->arena, n, sizeof *values);
    uint8_t *nulls = arena_zalloc(c->env->arena, n);
    if (!values || !nulls) return out_of_memory(c->env);
    for (size_t i = 0; i < n; i++) {
        bool is_null;
        TRY(piece(c, s, first + i, &values[i], &is_null));
        nulls[i] = is_null;
    }
    return array_build_1d(c->env, TEXTOID, values, nulls, (uint32_t)n, ret);
}

static const struct varlena *argument(const struct fn_call *c, size_t i) {
    return i < c->nargs ? c->args[i].v : NULL;
}

status fn_regexp_match(struct fn_call *c) {
    struct search s;
    struct regex_flags f;
    bool found;
    TRY(search_begin(c, argument(c, 2), false, &s, &f));
    TRY(search_next(c, &s, &found));
    return found ? groups_array(c, &s, &c->result) : give_null(c);
}

status fn_regexp_like(struct fn_call *c) {
    struct search s;
    struct regex_flags f;
    bool found;
    TRY(search_begin(c, argument(c, 2), false, &s, &f));
    TRY(search_next(c, &s, &found));
    return give_bool(c, found);
}

/* substring(text from pattern): the first group, or the whole match */
status fn_textregexsubstr(struct fn_call *c) {
    struct search s;
    struct regex_flags f;
    bool found, is_null;
    TRY(search_begin(c, NULL, false, &s, &f));
    TRY(search_next(c, &s, &found));
    if (!found) return give_null(c);
    TRY(piece(c, &s, regex_groups(s.r) ? 1 : 0, &c->result, &is_null));
    c->is_null = is_null;
    return OK;
}

/* regexp_matches: one row per match with flag g, else at most one */
struct match_set {
    datum *rows;
    uint8_t *nulls;
    uint32_t n, next, room;
};

static status set_add(struct fn_call *c, struct match_set *set, datum value, bool is_null) {
    if (set->n == set->room) {
        uint32_t room = set->room ? set->room * 2 : 16;
        datum *rows = arena_array(c->set_arena, room, sizeof *rows);
        uint8_t *nulls = arena_zalloc(c->set_arena, room);
        if (!rows || !nulls) return out_of_memory(c->env);
        if (set->n) {
            memcpy(rows, set->rows, set->n * sizeof *rows);
            memcpy(nulls, set->nulls, set->n);
        }
        set->rows = rows;
        set->nulls = nulls;
        set->room = room;
    }
    set->rows[set->n] = value;
    set->nulls[set->n++] = is_null;
    return OK;
}

static status set_give(struct fn_call *c) {
    struct match_set *set = c->set_state;
    if (set->next == set->n) {
        c->set_done = true;
        return OK;
    }
    c->is_null = set->nulls[set->next];
    c->result = set->rows[set->next++];
    return OK;
}

status fn_regexp_matches(struct fn_call *c) {
    if (c->set_state) return set_give(c);
    struct eval_env keep = *c->env;
    keep.arena = c->set_arena;
    struct fn_call inner = *c;
    inner.env = &keep;
    struct match_set *set = arena_zalloc(c->set_arena, sizeof *set);
    struct search s;
    struct regex_flags f;
    bool found;
    if (!set) return out_of_memory(c->env);
    TRY(search_begin(&inner, argument(c, 2), true, &s, &f));
    do {
        datum row;
        TRY(search_next(&inner, &s, &found));
        if (!found) break;
        TRY(groups_array(&inner, &s, &row));
        TRY(set_add(&inner, set, row, false));
    } while (f.global);
    c->set_state = set;
    return set_give(c);
}

/* The parts between the matches. An empty match at the end, or right behind another, divides
 * nothing. */
static status split_all(struct fn_call *c, struct match_set *set) {
    struct search s;
    struct regex_flags f;
    bool found = true;
    size_t start = 0, last_end = 0, len;
    TRY(search_begin(c, argument(c, 2), false, &s, &f));
    while (found) {
        TRY(search_next(c, &s, &found));
        bool divides = found && s.spans[0].from < s.text.n && s.spans[0].to > last_end;
        if (found) last_end = s.spans[0].to;
        if (found && !divides) continue;
        const char *bytes = stretch(&s, start, found ? s.spans[0].from : s.text.n, &len);
        datum part = datum_ptr(varlena_from(c->env->arena, bytes, len));
        if (!part.p) return out_of_memory(c->env);
        TRY(set_add(c, set, part, false));
        start = s.spans[0].to;
    }
    return OK;
}

status fn_regexp_split_to_array(struct fn_call *c) {
    struct match_set set = {0};
    struct fn_call inner = *c;
    inner.set_arena = c->env->arena;
    TRY(split_all(&inner, &set));
    return array_build_1d(c->env, TEXTOID, set.rows, set.nulls, set.n, &c->result);
}

status fn_regexp_split_to_table(struct fn_call *c) {
    if (!c->set_state) {
        struct eval_env keep = *c->env;
        keep.arena = c->set_arena;
        struct fn_call inner = *c;
        inner.env = &keep;
        struct match_set *set = arena_zalloc(c->set_arena, sizeof *set);
        if (!set) return out_of_memory(c->env);
        TRY(split_all(&inner, set));
        c->set_state = set;
    }
    return set_give(c);
}

/* ---- replacing ---- */

/* \1 … \9 the groups, \& the match, \\ a backslash */
static status add_replacement(const struct search *s, const struct varlena *with, size_t groups,
                              struct buf *out) {
    for (uint32_t i = 0; i < with->len; i++) {
        char c = with->data[i];
        if (c != '\\' || i + 1 == with->len) {
            TRY(buf_add(out, &c, 1));
            continue;
        }
        char what = with->data[++i];
        size_t group = what == '&' ? 0 : (size_t)(what - '0');
        if (what != '&' && (what < '1' || what > '9')) {
            if (what != '\\') TRY(buf_add(out, "\\", 1));
            TRY(buf_add(out, &what, 1));
        } else if (group <= groups && s->spans[group].from != REGEX_UNSET) {
            size_t len;
            const char *bytes = stretch(s, s->spans[group].from, s->spans[group].to, &len);
            TRY(buf_add(out, bytes, len));
        }
    }
    return OK;
}

/* Replaces the wanted-th match from character `start` on, all when wanted is 0. */
static status replace(struct fn_call *c, const struct varlena *flags, size_t start, int32_t wanted,
                      bool wanted_given) {
    struct search s;
    struct regex_flags f;
    struct buf b = {0};
    bool found;
    size_t copied = 0;
    TRY(search_begin(c, flags, true, &s, &f));
    if (!wanted_given) wanted = f.global ? 0 : 1;
    s.at = start;
    size_t groups = regex_groups(s.r);
    status st = OK;
    for (int32_t n = 1; ok(st); n++) {
        st = search_next(c, &s, &found);
        if (!ok(st) || !found) break;
        if (wanted && n != wanted) continue;
        size_t len;
        const char *before = stretch(&s, copied, s.spans[0].from, &len);
        st = buf_add(&b, before, len);
        if (ok(st)) st = add_replacement(&s, c->args[2].v, groups, &b);
        copied = s.spans[0].to;
        if (wanted) break;
    }
    size_t rest = regex_offset(&s.text, copied);
    if (ok(st)) st = buf_add(&b, s.text.bytes + rest, s.text.len - rest);
    return give_buf(c, st, &b);
}

status fn_textregexreplace(struct fn_call *c) {
    const struct varlena *flags = argument(c, 3);
    if (flags && flags->len && is_digit(flags->data[0])) {
        status s = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "invalid regular expression option: \"%.1s\"", flags->data);
        error_hint(c->env->error, "If you meant to use regexp_replace() with a start parameter, "
                                  "cast the fourth argument to integer explicitly.");
        return s;
    }
    return replace(c, flags, 0, 0, false);
}

static status bad_parameter(struct fn_call *c, const char *name, int32_t value) {
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                     "invalid value for parameter \"%s\": %d", name, value);
}

/* regexp_replace(text, pattern, replacement, start [, n [, flags]]) */
status fn_textregexreplace_extended(struct fn_call *c) {
    int32_t start = c->args[3].i32, n = c->nargs > 4 ? c->args[4].i32 : 1;
    if (start <= 0) return bad_parameter(c, "start", start);
    if (n < 0) return bad_parameter(c, "n", n);
    return replace(c, argument(c, 5), (size_t)(start - 1), n, c->nargs > 4);
}

/* regexp_count(text, pattern [, start [, flags]]) */
status fn_regexp_count(struct fn_call *c) {
    int32_t start = c->nargs > 2 ? c->args[2].i32 : 1, count = 0;
    struct search s;
    struct regex_flags f;
    bool found;
    if (start <= 0) return bad_parameter(c, "start", start);
    TRY(search_begin(c, argument(c, 3), false, &s, &f));
    s.at = (size_t)(start - 1);
    for (;; count++) {
        TRY(search_next(c, &s, &found));
        if (!found) return give_int4(c, count);
    }
}

/* Steps to the n-th match from character `start` on. */
static status nth_match(struct fn_call *c, struct search *s, int32_t start, int32_t n,
                        bool *ret_found) {
    s->at = (size_t)(start - 1);
    *ret_found = true;
    while (n-- > 0 && *ret_found) TRY(search_next(c, s, ret_found));
    return OK;
}

/* regexp_substr(text, pattern [, start [, n [, flags [, subexpr]]]]) */
status fn_regexp_substr(struct fn_call *c) {
    int32_t start = c->nargs > 2 ? c->args[2].i32 : 1, n = c->nargs > 3 ? c->args[3].i32 : 1;
    int32_t group = c->nargs > 5 ? c->args[5].i32 : 0;
    struct search s;
    struct regex_flags f;
    bool found, is_null;
    if (start <= 0) return bad_parameter(c, "start", start);
    if (n <= 0) return bad_parameter(c, "n", n);
    if (group < 0) return bad_parameter(c, "subexpr", group);
    TRY(search_begin(c, argument(c, 4), false, &s, &f));
    TRY(nth_match(c, &s, start, n, &found));
    if (!found || (size_t)group > regex_groups(s.r)) return give_null(c);
    TRY(piece(c, &s, (size_t)group, &c->result, &is_null));
    c->is_null = is_null;
    return OK;
}

/* regexp_instr(text, pattern [, start [, n [, endoption [, flags [, subexpr]]]]]) */
status fn_regexp_instr(struct fn_call *c) {
    int32_t start = c->nargs > 2 ? c->args[2].i32 : 1, n = c->nargs > 3 ? c->args[3].i32 : 1;
    int32_t at_end = c->nargs > 4 ? c->args[4].i32 : 0, group = c->nargs > 6 ? c->args[6].i32 : 0;
    struct search s;
    struct regex_flags f;
    bool found;
    if (start <= 0) return bad_parameter(c, "start", start);
    if (n <= 0) return bad_parameter(c, "n", n);
    if (at_end != 0 && at_end != 1) return bad_parameter(c, "endoption", at_end);
    if (group < 0) return bad_parameter(c, "subexpr", group);
    TRY(search_begin(c, argument(c, 5), false, &s, &f));
    TRY(nth_match(c, &s, start, n, &found));
    if (!found || (size_t)group > regex_groups(s.r) || s.spans[group].from == REGEX_UNSET)
        return give_int4(c, 0);
    size_t at = at_end ? s.spans[group].to : s.spans[group].from;
    return give_int4(c, (int32_t)at + 1);
}
