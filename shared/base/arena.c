#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST_CHUNK_BYTES 4096
#define LARGEST_GROWTH_BYTES (1024 * 1024)

struct arena_chunk {
    struct arena_chunk *older;
    size_t bytes; /* with this head; a multiple of the alignment */
    _Alignas(ARENA_ALIGNMENT) char data[];
};

/* Chunks of the sizes that statements need are kept for the next one, a few per thread: the heap
 * would merge and split them again each time. Not under AddressSanitizer, which is to see what is
 * used after its end. */
#if defined(__SANITIZE_ADDRESS__)
#define SPARE_SIZES 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARE_SIZES 0
#endif
#endif
#ifndef SPARE_SIZES
#define SPARE_SIZES 3 /* FIRST_CHUNK_BYTES, twice and four times that */
#endif

#if SPARE_SIZES
#define SPARES_MAX 16 /* of each size */
static _Thread_local struct {
    struct arena_chunk *first;
    unsigned n;
} spares[SPARE_SIZES];

/* Which size it is; SPARE_SIZES: none of them. */
static unsigned spare_size(size_t bytes) {
    unsigned i = 0;
    while (i < SPARE_SIZES && bytes != (size_t)FIRST_CHUNK_BYTES << i) i++;
    return i;
}

/* Giving a gigabyte back takes the system a tenth of a second, for which nobody should wait. */
#define CHUNKS_AT_ONCE 4
#define BYTES_AT_ONCE ((size_t)CHUNKS_AT_ONCE * LARGEST_GROWTH_BYTES)
static _Thread_local struct {
    bool wanted;
    struct arena_chunk *first;
    struct arena_chunk *great; /* those of one great value each */
} later;

static bool is_largest(size_t bytes) {
    return bytes == LARGEST_GROWTH_BYTES;
}

static void push_later(struct arena_chunk **list, struct arena_chunk *chunk) {
    chunk->older = *list;
    *list = chunk;
}

/* Gives back the pages at its end; false: it is so small that it can be freed. */
static bool shrink(struct arena_chunk *chunk) {
    if (chunk->bytes <= BYTES_AT_ONCE) return false;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = (uintptr_t)chunk + chunk->bytes;
    uintptr_t from = (end - BYTES_AT_ONCE + page - 1) / page * page, to = end / page * page;
    if (to > from && madvise((void *)from, to - from, MADV_DONTNEED) != 0) return false;
    chunk->bytes -= BYTES_AT_ONCE;
    return true;
}
#endif

void arena_free_later(bool wanted) {
#if SPARE_SIZES
    later.wanted = wanted;
#else
    (void)wanted;
#endif
}

bool arena_free_some(void) {
#if SPARE_SIZES
    for (int i = 0; i < CHUNKS_AT_ONCE && later.first; i++) {
        struct arena_chunk *chunk = later.first;
        later.first = chunk->older;
        free(chunk);
    }
    struct arena_chunk *great = later.great;
    if (great && !shrink(great)) {
        later.great = great->older;
        free(great);
    }
    return later.first || later.great;
#else
    return false;
#endif
}

void arena_free_block(void *block, size_t bytes) {
#if SPARE_SIZES
    if (later.wanted && bytes > LARGEST_GROWTH_BYTES) {
        struct arena_chunk *chunk = block;
        chunk->bytes = bytes;
        push_later(&later.great, chunk);
        return;
    }
#else
    (void)bytes;
#endif
    free(block);
}

static struct arena_chunk *chunk_new(size_t bytes) {
#if SPARE_SIZES
    unsigned i = spare_size(bytes);
    if (i < SPARE_SIZES && spares[i].n) {
        struct arena_chunk *chunk = spares[i].first;
        spares[i].first = chunk->older;
        spares[i].n--;
        return chunk;
    }
    if (is_largest(bytes) && later.first) {
        struct arena_chunk *chunk = later.first;
        later.first = chunk->older;
        return chunk;
    }
#endif
    return malloc(bytes);
}

static void chunk_free(struct arena_chunk *chunk) {
#if SPARE_SIZES
    unsigned i = spare_size(chunk->bytes);
    if (i < SPARE_SIZES && spares[i].n < SPARES_MAX) {
        chunk->older = spares[i].first;
        spares[i].first = chunk;
        spares[i].n++;
        return;
    }
    if (is_largest(chunk->bytes) && later.wanted) {
        push_later(&later.first, chunk);
        return;
    }
#endif
    arena_free_block(chunk, chunk->bytes);
}

void arena_init(struct arena *a, size_t limit_bytes) {
    *a = (struct arena){.limit = limit_bytes};
}

static void drop_newest(struct arena *a) {
    struct arena_chunk *chunk = a->chunk;
    a->chunk = chunk->older;
    a->used -= chunk->bytes;
    chunk_free(chunk);
}

void arena_reset(struct arena *a) {
    while (a->chunk && (a->chunk->older || a->chunk->bytes > FIRST_CHUNK_BYTES)) drop_newest(a);
    a->next = a->chunk ? a->chunk->data : NULL;
    a->end = a->chunk ? (char *)a->chunk + a->chunk->bytes : NULL;
}

void arena_free(struct arena *a) {
    while (a->chunk) drop_newest(a);
    a->next = a->end = NULL;
}

static bool add_chunk(struct arena *a, size_t payload) {
    size_t bytes = a->chunk ? a->chunk->bytes * 2 : FIRST_CHUNK_BYTES;
    if (bytes > LARGEST_GROWTH_BYTES) bytes = LARGEST_GROWTH_BYTES;
    while (payload > bytes - sizeof(struct arena_chunk) && bytes < LARGEST_GROWTH_BYTES) bytes *= 2;
    if (payload > bytes - sizeof(struct arena_chunk)) bytes = payload + sizeof(struct arena_chunk);
    if (a->limit && (bytes > a->limit || a->used > a->limit - bytes)) return false;
    struct arena_chunk *chunk = chunk_new(bytes);
    if (!chunk) return false;
    chunk->older = a->chunk;
    chunk->bytes = bytes;
    a->chunk = chunk;
    a->used += bytes;
    a->next = chunk->data;
    a->end = (char *)chunk + bytes;
    return true;
}

void *arena_alloc_more(struct arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 2) return NULL;
    size_t rounded = (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!add_chunk(a, rounded)) return NULL;
    void *result = a->next;
    a->next += rounded;
    return result;
}

void *arena_array(struct arena *a, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return NULL;
    return arena_zalloc(a, bytes);
}

void *arena_memdup(struct arena *a, const void *p, size_t bytes) {
    void *copy = arena_alloc(a, bytes);
    return copy && bytes ? memcpy(copy, p, bytes) : copy;
}

char *arena_strndup(struct arena *a, const char *s, size_t bytes) {
    char *copy = arena_alloc(a, bytes + 1);
    if (!copy) return NULL;
    memcpy(copy, s, bytes);
    copy[bytes] = '\0';
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return arena_strndup(a, s, strlen(s));
}

char *arena_vprintf(struct arena *a, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int bytes = vsnprintf(NULL, 0, format, again);
    va_end(again);
    char *text = bytes < 0 ? NULL : arena_alloc(a, (size_t)bytes + 1);
    if (text) vsnprintf(text, (size_t)bytes + 1, format, args);
    return text;
}

char *arena_printf(struct arena *a, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(a, format, args);
    va_end(args);
    return text;
}

struct arena_mark arena_mark(const struct arena *a) {
    return (struct arena_mark){a->chunk, a->next};
}

void arena_rewind(struct arena *a, struct arena_mark mark) {
    while (a->chunk != mark.chunk) drop_newest(a);
    a->next = mark.next;
    a->end = a->chunk ? (char *)a->chunk + a->chunk->bytes : NULL;
}
