/* function_bodies.h: bodies of SQL functions that need catalogs, and small helpers for them. */
#ifndef CATALOG_FUNCTION_BODIES_H
#define CATALOG_FUNCTION_BODIES_H

#include "catalog/internal.h"
#include "types/function.h"

/* X(pg_proc oid, body) */
#define X(id, body) fn_scalar body;
#include "catalog/functions.def"
#undef X

static inline status return_null(struct fn_call *c) {
    c->is_null = true;
    return OK;
}

static inline status return_bytes(struct fn_call *c, const char *bytes, size_t len) {
    struct varlena *v = varlena_from(c->env->arena, bytes, len);
    if (!v) return error_set(c->env->error, ST_OUT_OF_MEMORY, "out of memory");
    c->result = datum_ptr(v);
    return OK;
}

static inline status return_text(struct fn_call *c, const char *text) {
    return return_bytes(c, text, strlen(text));
}

static inline status return_name(struct fn_call *c, const char *name) {
    const char *bytes = catalog_name(c->env->arena, name);
    if (!bytes) return error_set(c->env->error, ST_OUT_OF_MEMORY, "out of memory");
    c->result = datum_ptr(bytes);
    return OK;
}

/* function_routine.c: the same questions about a user's function. */
status routine_arguments(struct fn_call *c, bool identity);
status routine_result(struct fn_call *c);
status routine_definition(struct fn_call *c);
/* 42809: an aggregate has no definition as a function. */
status refuse_aggregate(struct fn_call *c, const char *name);

/* The buffer's bytes when st is OK; null for NOT_FOUND; frees the buffer. */
status return_buf(struct fn_call *c, status st, struct buf *b);

#endif
