/* Regular expressions: ~ and the regexp_… functions, on PCRE2.
 *
 * PostgreSQL's "advanced" syntax is nearly PCRE's; what differs in letters is translated. What
 * differs in meaning and is not: PCRE takes the first alternative that matches, PostgreSQL the
 * longest. Compiled expressions are kept with the call site. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>

#include "types/array.h"
#include "types/internal.h"

#define MATCH_LIMIT 20000000
#define HEAP_LIMIT_KB 65536

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_general_context *memory;
    char *pattern; /* what it was compiled from */
    uint32_t len;
    uint32_t options;
};

struct regex_flags {
    uint32_t options;
    bool global;
    bool literal;
};

/* PCRE allocates from an arena and gives nothing back before the arena goes. */
static void *take(size_t n, void *arena) {
    return arena_alloc(arena, n);
}
static void give_back(void *, void *) {}

/* ---- translation ---- */

/* The letters after a backslash that mean something else there. */
static status translate_escape(const char **p, const char *end, struct buf *out) {
    char c = **p;
    (*p)++;
    switch (c) {
    case 'm': return buf_add_str(out, "[[:<:]]");
    case 'M': return buf_add_str(out, "[[:>:]]");
    case 'y': return buf_add_str(out, "\\b");
    case 'Y': return buf_add_str(out, "\\B");
    case 'A': return buf_add_str(out, "\\A");
    case 'Z': return buf_add_str(out, "\\z");
    case 'u':
    case 'U': {
        size_t n = c == 'u' ? 4 : 8;
        if ((size_t)(end - *p) < n) return STATUS(INVALID);
        TRY(buf_printf(out, "\\x{%.*s}", (int)n, *p));
        *p += n;
        return OK;
    }
    default: TRY(buf_add(out, "\\", 1)); return buf_add(out, &c, 1);
    }
}

static status translate(const char *p, const char *end, struct buf *out) {
    while (p < end) {
        if (*p == '\\') {
            if (++p == end) return STATUS(INVALID);
            TRY(translate_escape(&p, end, out));
        } else if (*p == '[') {
            /* A bracket expression goes over as it is, a literal [ inside protected. */
            TRY(buf_add(out, p++, 1));
            if (p < end && *p == '^') TRY(buf_add(out, p++, 1));
            if (p < end && *p == ']') {
                TRY(buf_add_str(out, "\\]"));
                p++;
            }
            while (p < end && *p != ']') {
                if (*p == '[' && p + 1 < end && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
                    char kind = p[1];
                    const char *stop = p + 2;
                    while (stop + 1 < end && !(stop[0] == kind && stop[1] == ']')) stop++;
                    if (stop + 1 >= end) return STATUS(INVALID);
                    if (kind == ':')
                        TRY(buf_add(out, p, (size_t)(stop + 2 - p)));
                    else
                        TRY(buf_add(out, p + 2, (size_t)(stop - p - 2)));
                    p = stop + 2;
                } else if (*p == '[') {
                    TRY(buf_add_str(out, "\\["));
                    p++;
                } else {
                    if (*p == '\\' && p + 1 < end) TRY(buf_add(out, p++, 1));
                    TRY(buf_add(out, p++, 1));
                }
            }
        } else {
            TRY(buf_add(out, p++, 1));
        }
    }
    return OK;
}

/* ***= literal, ***: as usual, (?flags) at the start. */
static bool leading_directive(const char **p, const char *end, struct regex_flags *f) {
    if (end - *p >= 4 && !memcmp(*p, "***=", 4)) {
        *p += 4;
        f->literal = true;
        return true;
    }
    if (end - *p >= 4 && !memcmp(*p, "***:", 4)) *p += 4;
    if (end - *p < 4 || (*p)[0] != '(' || (*p)[1] != '?' || !is_letter((*p)[2])) return true;
    const char *q = *p + 2;
    for (; q < end && *q != ')'; q++) {
        switch (*q) {
        case 'i': f->options |= PCRE2_CASELESS; break;
        case 'c': f->options &= ~PCRE2_CASELESS; break;
        case 'n':
        case 'm': f->options = (f->options | PCRE2_MULTILINE) & ~PCRE2_DOTALL; break;
        case 's': f->options = (f->options | PCRE2_DOTALL) & ~PCRE2_MULTILINE; break;
        case 'p': f->options &= ~PCRE2_DOTALL; break;
        case 'w': f->options |= PCRE2_MULTILINE; break;
        case 'x': f->options |= PCRE2_EXTENDED; break;
        case 't': f->options &= ~PCRE2_EXTENDED; break;
        case 'q': f->literal = true; break;
        case 'b':
        case 'e': break;
        default: return false;
        }
    }
    if (q == end) return false;
    *p = q + 1;
    return true;
}

static status bad_pattern(const struct eval_env *env, const char *why) {
    return error_set(env->error, ST_INVALID_REGULAR_EXPRESSION, "invalid regular expression: %s",
                     why);
}

/* PCRE's reasons in PostgreSQL's words, where it has a word. */
static const char *reason(int code, char *text, size_t size) {
    switch (code) {
    case 106: return "brackets [] not balanced";
    case 108: return "invalid character range";
    case 109: return "quantifier operand invalid";
    case 114:
    case 122: return "parentheses () not balanced";
    case 101:
    case 103: return "invalid escape \\ sequence";
    case 104:
    case 105: return "invalid repetition count(s)";
    case 115: return "invalid backreference number";
    case 130: return "invalid character class";
    default: pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size); return text;
    }
}

static status compile(const struct eval_env *env, struct arena *arena, const struct varlena *v,
                      struct regex_flags f, struct regex *r) {
    const char *p = v->data, *end = p + v->len;
    struct buf b = {0};
    int code;
    PCRE2_SIZE at;
    if (!leading_directive(&p, end, &f)) return bad_pattern(env, "invalid embedded option");
    status s = f.literal ? buf_add(&b, p, (size_t)(end - p)) : translate(p, end, &b);
    if (status_is(s, ST_INVALID)) s = bad_pattern(env, "invalid escape \\ sequence");
    r->memory = pcre2_general_context_create(take, give_back, arena);
    r->pattern = arena_memdup(arena, v->data, v->len);
    if (ok(s) && (!r->memory || !r->pattern)) s = STATUS(OUT_OF_MEMORY);
    if (ok(s)) {
        uint32_t options = f.options | PCRE2_UTF | PCRE2_NO_UTF_CHECK | PCRE2_DOLLAR_ENDONLY;
        if (f.literal) {
            options = (options & (PCRE2_CASELESS | PCRE2_UTF | PCRE2_NO_UTF_CHECK)) | PCRE2_LITERAL;
        } else {
            options |= PCRE2_UCP;
        }
        pcre2_compile_context *context = pcre2_compile_context_create(r->memory);
        r->code = context ? pcre2_compile((PCRE2_SPTR)(b.len ? b.data : ""), b.len, options, &code,
                                          &at, context)
                          : NULL;
        char text[128];
        if (!context)
            s = STATUS(OUT_OF_MEMORY);
        else if (!r->code)
            s = code == PCRE2_ERROR_HEAP_FAILED ? STATUS(OUT_OF_MEMORY)
                                                : bad_pattern(env, reason(code, text, sizeof text));
    }
    buf_free(&b);
    if (ok(s)) {
        r->match = pcre2_match_data_create_from_pattern(r->code, r->memory);
        r->context = pcre2_match_context_create(r->memory);
        if (!r->match || !r->context) s = STATUS(OUT_OF_MEMORY);
    }
    if (status_is(s, ST_OUT_OF_MEMORY)) return out_of_memory(env);
    TRY(s);
    pcre2_set_match_limit(r->context, MATCH_LIMIT);
    pcre2_set_heap_limit(r->context, HEAP_LIMIT_KB);
    r->len = v->len;
    r->options = f.options | (f.literal ? 1u << 31 : 0);
    return OK;
}

/* The compiled expression of this call: the site's, when it was for the same pattern. A site whose
 * pattern changes keeps its first one only, so that it does not grow. */
static status prepare(struct fn_call *c, const struct varlena *pattern, struct regex_flags f,
                      struct regex **ret) {
    struct regex *kept = c->site->memo;
    uint32_t options = f.options | (f.literal ? 1u << 31 : 0);
    if (kept && kept->len == pattern->len && kept->options == options &&
        !memcmp(kept->pattern, pattern->data, pattern->len)) {
        *ret = kept;
        return OK;
    }
    bool keep = !kept && c->site->memo_arena;
    struct arena *arena = keep ? c->site->memo_arena : c->env->arena;
    struct regex *r = arena_zalloc(arena, sizeof *r);
    if (!r) return out_of_memory(c->env);
    TRY(compile(c->env, arena, pattern, f, r));
    if (keep) c->site->memo = r;
    *ret = r;
    return OK;
}

static status parse_flags(struct fn_call *c, const struct varlena *v, struct regex_flags *f) {
    *f = (struct regex_flags){.options = PCRE2_DOTALL};
    for (uint32_t i = 0; v && i < v->len; i++) {
        switch (v->data[i]) {
        case 'g': f->global = true; break;
        case 'b':
        case 'e':
        case 't': break;
        case 'c': f->options &= ~PCRE2_CASELESS; break;
        case 'i': f->options |= PCRE2_CASELESS; break;
        case 'm':
        case 'n': f->options = (f->options | PCRE2_MULTILINE) & ~PCRE2_DOTALL; break;
        case 'p': f->options &= ~PCRE2_DOTALL; break;
        case 'q': f->literal = true; break;
        case 's': f->options = (f->options | PCRE2_DOTALL) & ~PCRE2_MULTILINE; break;
        case 'w': f->options |= PCRE2_MULTILINE; break;
        case 'x': f->options |= PCRE2_EXTENDED; break;
        default:
            return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                             "invalid regular expression option: \"%.*s\"",
                             (int)utf8_len(v->data + i, v->data + v->len), v->data + i);
        }
    }
    return OK;
}

/* ---- matching ---- */

/* True: matched from `start` on; the ovector tells where. */
static status find(const struct eval_env *env, struct regex *r, const char *text, size_t len,
                   size_t start, bool *ret_found) {
    int n = pcre2_match(r->code, (PCRE2_SPTR)text, len, start, PCRE2_NO_UTF_CHECK, r->match,
                        r->context);
    if (n == PCRE2_ERROR_MATCHLIMIT || n == PCRE2_ERROR_DEPTHLIMIT || n == PCRE2_ERROR_HEAPLIMIT)
        return error_set(env->error, ST_STATEMENT_TOO_COMPLEX,
                         "regular expression failed: too complex for this input");
    if (n < 0 && n != PCRE2_ERROR_NOMATCH) {
        if (n == PCRE2_ERROR_NOMEMORY) return out_of_memory(env);
        return error_set(env->error, ST_INTERNAL_ERROR, "regular expression failed: %d", n);
    }
    *ret_found = n >= 0;
    return OK;
}

static size_t group_count(const struct regex *r) {
    uint32_t n = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &n);
    return n;
}

static status matches(struct fn_call *c, const char *text, size_t len, uint32_t options,
                      bool wanted) {
    struct regex *r;
    bool found;
    struct regex_flags f = {.options = PCRE2_DOTALL | options};
    TRY(prepare(c, c->args[1].v, f, &r));
    TRY(find(c->env, r, text, len, 0, &found));
    return give_bool(c, found == wanted);
}

#define REGEX_OPERATOR(name, options, wanted)                                                      \
    status fn_text##name(struct fn_call *c) {                                                      \
        return matches(c, c->args[0].v->data, c->args[0].v->len, options, wanted);                 \
    }                                                                                              \
    status fn_name##name(struct fn_call *c) {                                                      \
        return matches(c, c->args[0].s, strnlen(c->args[0].s, NAME_BYTES), options, wanted);       \
    }
REGEX_OPERATOR(regexeq, 0, true)
REGEX_OPERATOR(regexne, 0, false)
REGEX_OPERATOR(icregexeq, PCRE2_CASELESS, true)
REGEX_OPERATOR(icregexne, PCRE2_CASELESS, false)

/* Where the next search begins after a match of [from, to): one character on after an empty one. */
static size_t next_start(const struct varlena *v, size_t from, size_t to) {
    if (to > from || to >= v->len) return to > from ? to : v->len + 1;
    return to + utf8_len(v->data + to, v->data + v->len);
}

/* One search state for functions that find many. */
struct search {
    struct regex *r;
    const struct varlena *text;
    size_t at;      /* where to look next */
    PCRE2_SIZE *ov; /* of the match found */
};

static status search_begin(struct fn_call *c, const struct varlena *flags, bool allow_global,
                           struct search *s, struct regex_flags *f) {
    TRY(parse_flags(c, flags, f));
    if (f->global && !allow_global) {
        status st = error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                              "%s does not support the \"global\" option", c->site->function->name);
        if (!strcmp(c->site->function->name, "regexp_match"))
            st = (error_clear(c->env->error),
                  error_set(c->env->error, ST_INVALID_PARAMETER_VALUE,
                            "regexp_match() does not support the \"global\" option")),
            error_hint(c->env->error, "Use the regexp_matches function instead.");
        return st;
    }
    *s = (struct search){.text = c->args[0].v};
    TRY(prepare(c, c->args[1].v, *f, &s->r));
    s->ov = pcre2_get_ovector_pointer(s->r->match);
    return OK;
}

static status search_next(struct fn_call *c, struct search *s, bool *ret_found) {
    *ret_found = false;
    if (s->at > s->text->len) return OK;
    TRY(find(c->env, s->r, s->text->data, s->text->len, s->at, ret_found));
    if (*ret_found) s->at = next_start(s->text, s->ov[0], s->ov[1]);
    return OK;
}

static status piece(struct fn_call *c, const struct search *s, size_t group, datum *ret,
                    bool *ret_is_null) {
    *ret_is_null = s->ov[group * 2] == PCRE2_UNSET;
    if (*ret_is_null) return OK;
    ret->v = varlena_from(c->env->arena, s->text->data + s->ov[group * 2],
                          s->ov[group * 2 + 1] - s->ov[group * 2]);
    return ret->v ? OK : out_of_memory(c->env);
}

/* The groups of a match as an array; the whole match when there are none. */
static status groups_array(struct fn_call *c, const struct search *s, datum *ret) {
    size_t n = group_count(s->r), first = n ? 1 : 0;
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
    TRY(piece(c, &s, group_count(s.r) ? 1 : 0, &c->result, &is_null));
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

/* The parts between the matches; an empty match splits between characters, not at the ends. */
static status split_all(struct fn_call *c, struct match_set *set) {
    struct search s;
    struct regex_flags f;
    bool found;
    size_t start = 0;
    TRY(search_begin(c, argument(c, 2), false, &s, &f));
    for (;;) {
        TRY(search_next(c, &s, &found));
        if (found && s.ov[0] == s.ov[1] && (s.ov[0] == start || s.ov[0] >= s.text->len)) continue;
        size_t end = found ? s.ov[0] : s.text->len;
        datum part = datum_ptr(varlena_from(c->env->arena, s.text->data + start, end - start));
        if (!part.p) return out_of_memory(c->env);
        TRY(set_add(c, set, part, false));
        if (!found) return OK;
        start = s.ov[1];
    }
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
        } else if (group <= groups && s->ov[group * 2] != PCRE2_UNSET) {
            TRY(buf_add(out, s->text->data + s->ov[group * 2],
                        s->ov[group * 2 + 1] - s->ov[group * 2]));
        }
    }
    return OK;
}

/* Replaces the wanted-th match from byte `start` on, all when wanted is 0. */
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
    size_t groups = group_count(s.r);
    status st = OK;
    for (int32_t n = 1; ok(st); n++) {
        st = search_next(c, &s, &found);
        if (!ok(st) || !found) break;
        if (wanted && n != wanted) continue;
        st = buf_add(&b, s.text->data + copied, s.ov[0] - copied);
        if (ok(st)) st = add_replacement(&s, c->args[2].v, groups, &b);
        copied = s.ov[1];
        if (wanted) break;
    }
    if (ok(st)) st = buf_add(&b, s.text->data + copied, s.text->len - copied);
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
    const struct varlena *v = c->args[0].v;
    size_t at = (size_t)(start - 1) > v->len ? v->len + 1
                                             : utf8_offset(v->data, v->len, (size_t)(start - 1));
    return replace(c, argument(c, 5), at, n, c->nargs > 4);
}

/* regexp_count(text, pattern [, start [, flags]]) */
status fn_regexp_count(struct fn_call *c) {
    int32_t start = c->nargs > 2 ? c->args[2].i32 : 1, count = 0;
    struct search s;
    struct regex_flags f;
    bool found;
    if (start <= 0) return bad_parameter(c, "start", start);
    TRY(search_begin(c, argument(c, 3), false, &s, &f));
    s.at = utf8_offset(s.text->data, s.text->len, (size_t)(start - 1));
    for (;; count++) {
        TRY(search_next(c, &s, &found));
        if (!found) return give_int4(c, count);
    }
}

/* Steps to the n-th match from character `start` on. */
static status nth_match(struct fn_call *c, struct search *s, int32_t start, int32_t n,
                        bool *ret_found) {
    s->at = utf8_offset(s->text->data, s->text->len, (size_t)(start - 1));
    if ((size_t)(start - 1) > utf8_count(s->text->data, s->text->len)) s->at = s->text->len + 1;
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
    if (!found || (size_t)group > group_count(s.r)) return give_null(c);
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
    if (!found || (size_t)group > group_count(s.r) || s.ov[group * 2] == PCRE2_UNSET)
        return give_int4(c, 0);
    size_t offset = s.ov[group * 2 + at_end];
    return give_int4(c, (int32_t)utf8_count(s.text->data, offset) + 1);
}

/* ---- SIMILAR TO: the pattern as a regular expression ---- */

static status similar(struct fn_call *c, const struct varlena *v, const char *escape,
                      size_t escape_len) {
    const char *p = v->data, *end = p + v->len;
    struct buf b = {0};
    bool after_escape = false, in_brackets = false;
    status s = buf_add_str(&b, "^(?:");
    while (ok(s) && p < end) {
        size_t n = utf8_len(p, end);
        bool is_escape = escape_len && n == escape_len && !memcmp(p, escape, n);
        if (after_escape) {
            if (*p == '"' && !in_brackets) { /* the parts of SUBSTRING(… SIMILAR …) */
                s = error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                              "escape-double-quote separators are not supported");
            } else {
                s = buf_add(&b, "\\", 1);
                if (ok(s)) s = buf_add(&b, p, n);
            }
            after_escape = false;
        } else if (is_escape) {
            after_escape = true;
        } else if (in_brackets) {
            if (*p == '\\') s = buf_add(&b, "\\", 1);
            if (ok(s)) s = buf_add(&b, p, n);
            in_brackets = *p != ']';
        } else if (*p == '[') {
            s = buf_add(&b, "[", 1);
            in_brackets = true;
        } else if (*p == '%') {
            s = buf_add_str(&b, ".*");
        } else if (*p == '_') {
            s = buf_add_str(&b, ".");
        } else if (*p == '(') {
            s = buf_add_str(&b, "(?:");
        } else {
            if (strchr("\\.^$", *p)) s = buf_add(&b, "\\", 1);
            if (ok(s)) s = buf_add(&b, p, n);
        }
        p += n;
    }
    if (ok(s)) s = buf_add_str(&b, ")$");
    return give_buf(c, s, &b);
}

/* similar_to_escape(pattern [, escape]); an empty escape: none */
status fn_similar_to_escape(struct fn_call *c) {
    if (c->nargs < 2) return similar(c, c->args[0].v, "\\", 1);
    const struct varlena *escape = c->args[1].v;
    if (escape->len && utf8_count(escape->data, escape->len) != 1) {
        status s = error_set(c->env->error, ST_INVALID_ESCAPE_SEQUENCE, "invalid escape string");
        error_hint(c->env->error, "Escape string must be empty or one character.");
        return s;
    }
    return similar(c, c->args[0].v, escape->data, escape->len);
}
