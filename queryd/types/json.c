/* Family json: text that is known to be JSON (RFC 8259), kept as it was written. */
#include "types/json.h"

static status json_in(const struct eval_env *env, const struct type *t, int32_t typmod,
                      const char *text, size_t len, datum *ret) {
    TRY(json_parse(env, text, len, NULL, NULL));
    return family_text.in(env, t, typmod, text, len, ret);
}

static status json_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                           const char *text, size_t len, datum *ret) {
    TRY(json_parse(env, text, len, NULL, NULL));
    return family_text.receive(env, t, typmod, text, len, ret);
}

static status json_out(const struct eval_env *, const struct type *, datum value, struct buf *out) {
    return buf_add(out, value.v->data, value.v->len);
}

const struct type_family family_json = {.in = json_in,
                                        .out = json_out,
                                        .receive = json_receive,
                                        .send = json_out,
                                        .binary_is_text = true};
