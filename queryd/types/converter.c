#include "types/converter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicode/ucnv.h>
#include <unicode/utf16.h>

#include "types/internal.h"

#define HIGH 0x80u
#define SS2 0x8Eu /* of the EUC encodings: characters of three sets stand behind these */
#define SS3 0x8Fu
#define TOLD_BYTES_MAX 8

typedef uint16_t single_bytes[HIGH];

/* What bytes from 0x80 on mean; NULL: it is no encoding of single bytes. */
static const uint16_t *table_of(enum encoding e) {
    static const single_bytes tables[ENCODING_COUNT] = {
#define X(name, ...) [ENCODING_##name] = {__VA_ARGS__},
#include "types/encoding_single.def"
#undef X
    };
    static const bool is_single[ENCODING_COUNT] = {
#define X(name, ...) [ENCODING_##name] = true,
#include "types/encoding_single.def"
#undef X
    };
    return is_single[e] ? tables[e] : NULL;
}

bool converter_knows(enum encoding e) {
    return e == ENCODING_UTF8 || table_of(e) || *encoding_converter(e);
}

/* ---- characters ------------------------------------------------------------------------------ */

static size_t euc_len(enum encoding e, uint8_t lead) {
    if (e == ENCODING_EUC_CN) return 2;
    if (lead == SS2) return e == ENCODING_EUC_TW ? 4 : 2;
    return lead == SS3 ? 3 : 2;
}

/* As the first byte (in GB18030, the second, too) says. */
static size_t length_of(enum encoding e, const uint8_t *p, size_t left) {
    if (e == ENCODING_UTF8)
        return *p < 0xC0 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : *p < 0xF8 ? 4 : 1;
    if (*p < HIGH || encoding_bytes_max(e) == 1) return 1;
    switch (e) {
    case ENCODING_EUC_JP:
    case ENCODING_EUC_CN:
    case ENCODING_EUC_KR:
    case ENCODING_EUC_TW:
    case ENCODING_EUC_JIS_2004:
    case ENCODING_JOHAB: return euc_len(e, *p);
    case ENCODING_SJIS:
    case ENCODING_SHIFT_JIS_2004: return *p >= 0xA1 && *p <= 0xDF ? 1 : 2;
    case ENCODING_GB18030: return left > 1 && p[1] >= 0x30 && p[1] <= 0x39 ? 4 : 2;
    default: return 2;
    }
}

static bool between(uint8_t byte, uint8_t low, uint8_t high) {
    return byte >= low && byte <= high;
}

static bool is_good_sjis(const uint8_t *p, size_t n) {
    if (n == 1) return true;
    return (between(p[0], 0x81, 0x9F) || between(p[0], 0xE0, 0xFC)) &&
           (between(p[1], 0x40, 0x7E) || between(p[1], 0x80, 0xFC));
}

static bool is_good_gb18030(const uint8_t *p, size_t n) {
    if (!between(p[0], 0x81, 0xFE)) return false;
    if (n == 2) return between(p[1], 0x40, 0x7E) || between(p[1], 0x80, 0xFE);
    return between(p[2], 0x81, 0xFE) && between(p[3], 0x30, 0x39);
}

static bool is_good_euc(const uint8_t *p, size_t n) {
    size_t first = p[0] == SS2 || p[0] == SS3 ? 1 : 0;
    for (size_t i = first; i < n; i++)
        if (!between(p[i], 0xA1, 0xFE)) return false;
    return true;
}

/* A character of n bytes, all of which are there. */
static bool is_good(enum encoding e, const uint8_t *p, size_t n) {
    if (n == 1 && *p < HIGH) return *p != 0;
    switch (e) {
    case ENCODING_UTF8: return n > 1 && utf8_len((const char *)p, (const char *)p + n) == n;
    case ENCODING_SJIS:
    case ENCODING_SHIFT_JIS_2004: return is_good_sjis(p, n);
    case ENCODING_GB18030: return is_good_gb18030(p, n);
    case ENCODING_BIG5:
    case ENCODING_GBK:
    case ENCODING_UHC: return p[1] != 0;
    default: return n == 1 || is_good_euc(p, n);
    }
}

/* "0xe2 0x82" */
static const char *told(const uint8_t *p, size_t n, char words[8 * TOLD_BYTES_MAX]) {
    size_t used = 0;
    for (size_t i = 0; i < n && i < TOLD_BYTES_MAX; i++)
        used += (size_t)sprintf(words + used, "%s0x%02x", i ? " " : "", p[i]);
    return words;
}

status converter_check(enum encoding e, const char *text, size_t len, struct error *error) {
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    char words[8 * TOLD_BYTES_MAX];
    while (p < end) {
        size_t left = (size_t)(end - p), n = length_of(e, p, left);
        if (n > left || !is_good(e, p, n))
            return error_set(error, ST_CHARACTER_NOT_IN_REPERTOIRE,
                             "invalid byte sequence for encoding \"%s\": %s", encoding_name(e),
                             told(p, n < left ? n : left, words));
        p += n;
    }
    return OK;
}

size_t converter_whole(enum encoding e, const char *text, size_t len) {
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    while (p < end) {
        size_t left = (size_t)(end - p), n = length_of(e, p, left);
        bool unknown = e == ENCODING_GB18030 && left == 1 && *p >= HIGH; /* the next byte tells */
        if (n > left || unknown) break;
        p += n;
    }
    return (size_t)(p - (const uint8_t *)text);
}

static status no_equivalent(enum encoding from, enum encoding to, const uint8_t *p, size_t n,
                            struct error *error) {
    char words[8 * TOLD_BYTES_MAX];
    return error_set(error, ST_UNTRANSLATABLE_CHARACTER,
                     "character with byte sequence %s in encoding \"%s\" has no equivalent in "
                     "encoding \"%s\"",
                     told(p, n, words), encoding_name(from), encoding_name(to));
}

/* ---- one character --------------------------------------------------------------------------- */

/* Opened once for each worker, from data in memory. */
static UConverter *open_icu(enum encoding e) {
    static UConverter *opened[ENCODING_COUNT];
    UErrorCode code = U_ZERO_ERROR;
    if (opened[e]) return opened[e];
    UConverter *c = ucnv_open(encoding_converter(e), &code);
    if (U_FAILURE(code)) return NULL;
    ucnv_setToUCallBack(c, UCNV_TO_U_CALLBACK_STOP, NULL, NULL, NULL, &code);
    ucnv_setFromUCallBack(c, UCNV_FROM_U_CALLBACK_STOP, NULL, NULL, NULL, &code);
    ucnv_setFallback(c, false);
    return opened[e] = c;
}

/* 0: there is none. */
static uint32_t code_of(enum encoding e, const uint8_t *p, size_t n) {
    const uint16_t *table = table_of(e);
    const char *from = (const char *)p;
    UErrorCode code = U_ZERO_ERROR;
    if (table) return table[*p - HIGH];
    UConverter *c = open_icu(e);
    if (!c) return 0;
    ucnv_reset(c);
    UChar32 found = ucnv_getNextUChar(c, &from, from + n, &code);
    return U_FAILURE(code) || found == 0xFFFD ? 0 : (uint32_t)found;
}

/* Returns how many bytes; 0: there is none. */
static size_t bytes_of(enum encoding e, uint32_t code_point, char bytes[8]) {
    const uint16_t *table = table_of(e);
    UErrorCode code = U_ZERO_ERROR;
    UChar units[2];
    int32_t n = 0;
    for (unsigned i = 0; table && i < HIGH; i++)
        if (table[i] == code_point) return bytes[0] = (char)(HIGH + i), 1;
    UConverter *c = table ? NULL : open_icu(e);
    if (!c) return 0;
    U16_APPEND_UNSAFE(units, n, code_point);
    ucnv_reset(c);
    int32_t len = ucnv_fromUChars(c, bytes, 8, units, n, &code);
    return U_FAILURE(code) || len <= 0 ? 0 : (size_t)len;
}

/* ---- texts ----------------------------------------------------------------------------------- */

status converter_to_utf8(enum encoding from, enum encoding to, const char *text, size_t len,
                         struct error *error, struct buf *out) {
    const uint8_t *p = (const uint8_t *)text, *end = p + len;
    for (size_t n; p < end; p += n) {
        char utf8[4];
        n = length_of(from, p, (size_t)(end - p));
        if (*p < HIGH && n == 1) {
            TRY(buf_add(out, p, 1));
            continue;
        }
        uint32_t code = code_of(from, p, n);
        if (!code) return no_equivalent(from, to, p, n, error);
        TRY(buf_add(out, utf8, utf8_encode(code, utf8)));
    }
    return OK;
}

status converter_from_utf8(enum encoding from, enum encoding to, const char *text, size_t len,
                           struct error *error, struct buf *out) {
    const char *end = text + len;
    for (size_t n; text < end; text += n) {
        char bytes[8];
        uint32_t code = utf8_decode(text, end, &n);
        if (code < HIGH) {
            TRY(buf_add(out, text, 1));
            continue;
        }
        size_t many = bytes_of(to, code, bytes);
        if (!many) return no_equivalent(from, to, (const uint8_t *)text, n, error);
        TRY(buf_add(out, bytes, many));
    }
    return OK;
}
