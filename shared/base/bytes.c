#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

status buf_grow(struct buf *b, size_t extra) {
    size_t need;
    if (__builtin_add_overflow(b->len, extra, &need) || need > BUF_MAX)
        return STATUS(PROGRAM_LIMIT_EXCEEDED);
    size_t cap = b->cap > 256 ? b->cap : 256;
    while (cap < need) cap *= 2;
    char *data = realloc(b->borrowed ? NULL : b->data, cap);
    if (!data) return STATUS(OUT_OF_MEMORY);
    if (b->borrowed && b->len) memcpy(data, b->data, b->len);
    b->data = data;
    b->cap = cap;
    b->borrowed = false;
    return OK;
}

status buf_add_str(struct buf *b, const char *s) {
    return buf_add(b, s, strlen(s));
}

status buf_printf(struct buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) return STATUS(INTERNAL_ERROR);
    TRY(buf_reserve(b, (size_t)n + 1));
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return OK;
}

void buf_free(struct buf *b) {
    if (!b->borrowed) arena_free_block(b->data, b->cap);
    *b = (struct buf){0};
}
