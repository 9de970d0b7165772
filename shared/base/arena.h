/* arena.h: memory with a lifetime.
 *
 * Arenas nest by lifetime: process > session > transaction > statement > message. What is allocated
 * is freed all at once, by arena_reset or arena_free. A child returns its chunks when its owner
 * resets it; a byte limit turns a runaway statement into 53200 instead of a dead process. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "base/status.h"

#define ARENA_ALIGNMENT 16

struct arena_chunk;

struct arena {
    struct arena_chunk *chunk; /* newest first */
    char *next;                /* first free byte of the newest chunk */
    char *end;
    size_t used;  /* bytes in chunks, for the limit */
    size_t limit; /* bytes; 0: none */
};

/* A place to return to: everything allocated after the mark is given back by arena_rewind. */
struct arena_mark {
    struct arena_chunk *chunk;
    char *next;
};

/* limit_bytes: of all its chunks; 0: none. */
void arena_init(struct arena *a, size_t limit_bytes);
void arena_reset(struct arena *a); /* gives everything back but one small chunk */
void arena_free(struct arena *a);

/* From now on this thread's large chunks go back to the system when arena_free_some is called, some
 * megabytes each time; true: there are more. Until then they serve the thread's next arenas, but
 * for those of single great values. */
void arena_free_later(bool wanted);
bool arena_free_some(void);
/* free(), of so many bytes, which may be many: then in the same way. */
void arena_free_block(void *block, size_t bytes);

/* arena_alloc where the newest chunk has no room. */
[[gnu::malloc, gnu::alloc_size(2)]] void *arena_alloc_more(struct arena *a, size_t bytes);

/* Aligned to ARENA_ALIGNMENT; NULL when the limit is reached or the system has no more. Size 0 is
 * allowed. The room of a chunk is a multiple of the alignment: what fits, fits rounded up. */
[[gnu::malloc, gnu::alloc_size(2)]] static inline void *arena_alloc(struct arena *a, size_t bytes) {
    if (__builtin_expect(bytes > (size_t)(a->end - a->next) || !a->chunk, 0))
        return arena_alloc_more(a, bytes);
    void *result = a->next;
    a->next += (bytes + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    return result;
}

[[gnu::malloc, gnu::alloc_size(2)]] static inline void *arena_zalloc(struct arena *a,
                                                                     size_t bytes) {
    void *p = arena_alloc(a, bytes);
    return p ? memset(p, 0, bytes) : NULL;
}

/* n elements of the given size; NULL also when the product overflows. */
void *arena_array(struct arena *a, size_t n, size_t size);

/* Copies; NULL as arena_alloc. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t bytes); /* adds a NUL */
void *arena_memdup(struct arena *a, const void *p, size_t bytes);
[[gnu::format(printf, 2, 3)]] char *arena_printf(struct arena *a, const char *format, ...);
char *arena_vprintf(struct arena *a, const char *format, va_list args);

/* Chunks that came after the mark go back, to the system or as arena_free_later says. */
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

#endif
