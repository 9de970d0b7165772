#include "types/client_text.h"

#include "types/converter.h"
#include "types/internal.h"

static bool is_ascii(const char *text, size_t len) {
    unsigned char any = 0;
    for (size_t i = 0; i < len; i++) any |= (unsigned char)text[i];
    return any < 0x80;
}

static status convert_in(const struct eval_env *env, enum encoding e, const char *bytes, size_t len,
                         struct buf *out) {
    TRY(converter_check(e, bytes, len, env->error));
    return converter_to_utf8(e, ENCODING_UTF8, bytes, len, env->error, out);
}

status client_text_in(const struct eval_env *env, enum encoding e, const char *bytes, size_t len,
                      const char **ret, size_t *ret_len) {
    *ret = bytes;
    *ret_len = len;
    if (is_ascii(bytes, len)) return OK;
    struct buf out = {0};
    status s = convert_in(env, e, bytes, len, &out);
    char *text = ok(s) ? arena_strndup(env->arena, out.data, out.len) : NULL;
    if (ok(s) && !text) s = out_of_memory(env);
    if (ok(s)) {
        *ret = text;
        *ret_len = out.len;
    }
    buf_free(&out);
    return s;
}

status client_text_out(struct error *error, enum encoding e, const char *text, size_t len,
                       struct buf *out) {
    if (is_ascii(text, len)) return buf_add(out, text, len);
    return converter_from_utf8(ENCODING_UTF8, e, text, len, error, out);
}
