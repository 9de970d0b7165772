/* encoding.h: the encodings of text that PostgreSQL knows; text here is UTF8. */
#ifndef TYPES_ENCODING_H
#define TYPES_ENCODING_H

#include "base/status.h"

enum encoding {
#define X(number, name, bytes, converter, aliases) ENCODING_##name = number,
#include "types/encoding.def"
#undef X
    ENCODING_COUNT,
    ENCODING_NONE = -1
};

/* By a name in any case, in which only letters and digits count; ENCODING_NONE. */
enum encoding encoding_named(const char *name);
/* PostgreSQL's name; NULL: there is no such number. */
const char *encoding_name(int encoding);
int encoding_bytes_max(enum encoding e);         /* of a character */
const char *encoding_converter(enum encoding e); /* ICU's name; "": none */
/* Text may be kept in it, as PostgreSQL has it: it is more than a client's. */
static inline bool encoding_is_server(enum encoding e) {
    return e >= 0 && e < ENCODING_SJIS;
}

#endif
