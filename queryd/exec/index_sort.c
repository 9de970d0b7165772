/* Entries of an index that is built are sorted as keys of rows are (key_set.h), within
 * maintenance_work_mem. */
#include "exec/index_sort.h"

#include <stdlib.h>

#include "exec/key_set.h"

#define MEMORY_BYTES_DEFAULT ((uint64_t)64 << 20)

struct table_sort {
    struct sql_env env; /* the builder's, with that memory */
    struct sql_settings settings;
    struct execution x;
    struct arena arena;
    struct key_set *keys;
};

status index_sort_new(struct sql_env *env, struct table_sort **ret) {
    struct table_sort *s = calloc(1, sizeof *s);
    if (!s) return STATUS(OUT_OF_MEMORY);
    arena_init(&s->arena, 0);
    s->settings = *env->settings;
    s->settings.work_mem_bytes = env->settings->maintenance_work_mem_bytes
                                     ? env->settings->maintenance_work_mem_bytes
                                     : MEMORY_BYTES_DEFAULT;
    s->env = *env;
    s->env.settings = &s->settings;
    s->x = (struct execution){.env = &s->env, .arena = &s->arena};
    status st = key_set_new(&s->x, &s->keys);
    if (ok(st))
        *ret = s;
    else
        index_sort_free(s);
    return st;
}

status index_sort_add(struct table_sort *s, const void *bytes, size_t len) {
    return key_set_add(s->keys, bytes, (uint32_t)len);
}

status index_sort_finish(struct table_sort *s) {
    return key_set_finish(s->keys);
}

status index_sort_next(struct table_sort *s, const unsigned char **ret, uint32_t *ret_len) {
    return key_set_next(s->keys, ret, ret_len);
}

void index_sort_free(struct table_sort *s) {
    if (s->keys) key_set_free(s->keys);
    tapes_close(&s->x);
    arena_free(&s->arena);
    free(s);
}
