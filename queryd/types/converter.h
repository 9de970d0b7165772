/* converter.h: text of other encodings from and to UTF8. */
#ifndef TYPES_CONVERTER_H
#define TYPES_CONVERTER_H

#include "base/bytes.h"
#include "base/error.h"
#include "types/encoding.h"

/* Can e be converted from and to UTF8? */
bool converter_knows(enum encoding e);
/* 22021: the bytes are no text of e. */
status converter_check(enum encoding e, const char *text, size_t len, struct error *error);
/* How many of the bytes are whole characters: the last one may not be all there. */
size_t converter_whole(enum encoding e, const char *text, size_t len);
/* Appends to out. The text is good (converter_check); from and to are named in errors alone, but
 * for the one that is not UTF8. 22P05: a character has no equivalent. */
status converter_to_utf8(enum encoding from, enum encoding to, const char *text, size_t len,
                         struct error *error, struct buf *out);
status converter_from_utf8(enum encoding from, enum encoding to, const char *text, size_t len,
                           struct error *error, struct buf *out);

#endif
