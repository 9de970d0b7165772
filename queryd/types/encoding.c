#include "types/encoding.h"

#include <string.h>

#include "types/internal.h"

static const struct {
    const char *name, *converter, *aliases;
    int bytes;
} encodings[ENCODING_COUNT] = {
#define X(number, name, bytes, converter, aliases) [number] = {#name, converter, aliases, bytes},
#include "types/encoding.def"
#undef X
};

static bool has_alias(const char *aliases, const char *plain, size_t len) {
    for (const char *at = aliases; *at;) {
        size_t n = strcspn(at, " ");
        if (n == len && !memcmp(at, plain, n)) return true;
        at += n + (at[n] == ' ');
    }
    return false;
}

enum encoding encoding_named(const char *name) {
    char plain[NAME_BYTES];
    size_t n = 0;
    for (; *name && n < sizeof plain; name++)
        if (is_letter(*name) || is_digit(*name)) plain[n++] = lower_ascii(*name);
    for (int e = 0; n && e < ENCODING_COUNT; e++)
        if (has_alias(encodings[e].aliases, plain, n)) return (enum encoding)e;
    return ENCODING_NONE;
}

const char *encoding_name(int encoding) {
    return encoding >= 0 && encoding < ENCODING_COUNT ? encodings[encoding].name : NULL;
}

int encoding_bytes_max(enum encoding e) {
    return encodings[e].bytes;
}

const char *encoding_converter(enum encoding e) {
    return encodings[e].converter;
}
