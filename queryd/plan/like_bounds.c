/* The range of texts that begin as a LIKE pattern does, for indexes. */
#include "plan/internal.h"

static status text_const(struct planner *p, const char *bytes, size_t len, struct expr **ret) {
    struct varlena *v = varlena_from(p->c->arena, bytes, len);
    NEEDS(p, v);
    NEEDS(p, *ret = expr_const(p->c->arena, TEXTOID, datum_ptr(v), false, -1));
    return OK;
}

/* The bytes before the first wildcard; *ret_all: there is none. */
static size_t fixed_part(const struct varlena *pattern, char *to, bool *ret_all) {
    size_t n = 0;
    uint32_t i = 0;
    for (; i < pattern->len; i++) {
        char c = pattern->data[i];
        if (c == '%' || c == '_') break;
        if (c == '\\' && ++i == pattern->len) break; /* an error of execution */
        to[n++] = pattern->data[i];
    }
    *ret_all = i == pattern->len && n > 0;
    return n;
}

/* The least text above all that begin with these bytes. The last character that is one byte is
 * counted up, so that the text stays one; 0: there is none such. */
static size_t beyond_prefix(char *bytes, size_t len) {
    while (len && (unsigned char)bytes[len - 1] >= 0x7E) len--;
    if (len) bytes[len - 1]++;
    return len;
}

status like_bounds(struct planner *p, const struct varlena *pattern, struct expr **ret_low,
                   struct expr **ret_high, bool *ret_equal) {
    char *fixed;
    *ret_low = *ret_high = NULL;
    NEW_N(p, fixed, pattern->len + 1);
    size_t n = fixed_part(pattern, fixed, ret_equal);
    if (n == 0) return OK;
    TRY(text_const(p, fixed, n, ret_low));
    if (*ret_equal) return OK;
    n = beyond_prefix(fixed, n);
    return n ? text_const(p, fixed, n, ret_high) : OK;
}
