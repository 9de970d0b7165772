/* client_text.h: text as the client has it. Inside, all text is UTF8; what comes from the client
 * and what goes to it is in its encoding (client_encoding). UTF8 and SQL_ASCII mean as it is. */
#ifndef TYPES_CLIENT_TEXT_H
#define TYPES_CLIENT_TEXT_H

#include "types/context.h"
#include "types/encoding.h"

static inline bool encoding_differs(enum encoding e) {
    return e != ENCODING_UTF8 && e != ENCODING_SQL_ASCII;
}
static inline bool client_converts(const struct session_env *s) {
    return s && encoding_differs(s->client_encoding);
}
/* *ret is NUL-terminated and in the arena; or the bytes themselves, where that is the same. 22021:
 * the bytes are no text of e; 22P05. */
status client_text_in(const struct eval_env *env, enum encoding e, const char *bytes, size_t len,
                      const char **ret, size_t *ret_len);
/* Appends to out. 22P05: e has no such character. */
status client_text_out(struct error *error, enum encoding e, const char *text, size_t len,
                       struct buf *out);

#endif
