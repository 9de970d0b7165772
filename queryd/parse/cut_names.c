#include "parse/cut_names.h"

#include <string.h>

#include "parse/scan.h"
#include "parse_grammar.h"

static bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

/* Whether a word is too long: it lies over one of these places. */
static bool has_long_word(const char *text, size_t len) {
    for (size_t i = SCAN_NAME_BYTES; i < len; i += SCAN_NAME_BYTES + 1) {
        size_t first = i, end = i;
        while (first > 0 && is_word_byte(text[first - 1])) first--;
        while (end < len && is_word_byte(text[end])) end++;
        if (end - first > SCAN_NAME_BYTES) return true;
    }
    return false;
}

/* Whether a quoted name may be. */
static bool may_have_long_quoted(const char *text, size_t len) {
    const char *end = text + len, *at = memchr(text, '"', len);
    while (at) {
        const char *next = memchr(at + 1, '"', (size_t)(end - at - 1));
        if (!next) return false;
        if (next - at - 1 > SCAN_NAME_BYTES || next[1] == '"') return true;
        at = memchr(next + 1, '"', (size_t)(end - next - 1));
    }
    return false;
}

static char fold(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* The whole name that stands in the text from start to end. */
static const char *whole_name(struct arena *a, const char *start, const char *end) {
    char *name = arena_alloc(a, (size_t)(end - start) + 1);
    size_t n = 0;
    if (!name) return NULL;
    if (*start == '"') {
        for (const char *p = start + 1; p < end - 1; p++) {
            name[n++] = *p;
            if (*p == '"') p++;
        }
    } else {
        for (const char *p = start; p < end; p++) name[n++] = fold(*p);
    }
    name[n] = '\0';
    return name;
}

static status note(struct arena *a, const char *text, const struct lexeme *l, struct list **ret) {
    struct cut_name *c = arena_alloc(a, sizeof *c);
    if (!c) return STATUS(OUT_OF_MEMORY);
    c->written = whole_name(a, text + l->token.location, text + l->end);
    if (!c->written) return STATUS(OUT_OF_MEMORY);
    size_t len = strlen(c->written);
    c->kept = (int32_t)scan_cut_name(c->written, len);
    return len > (size_t)c->kept ? list_append(a, ret, c) : OK;
}

status parse_cut_names(struct arena *a, const char *text, size_t len, struct list **ret) {
    struct scanner s;
    struct lexeme l;
    struct error ignored = {0};
    *ret = NULL;
    if (!has_long_word(text, len) && !may_have_long_quoted(text, len)) return OK;
    scan_init(&s, a, &ignored, text, len);
    s.no_values = true;
    while (ok(scan_token(&s, &l)) && l.code)
        if (l.code == TK_IDENT && l.end - l.token.location > SCAN_NAME_BYTES)
            TRY(note(a, text, &l, ret));
    return OK;
}
