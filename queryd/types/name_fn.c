/* name_fn.c: names made of others, and lists of types by name. */
#include <stdio.h>

#include "types/array.h"
#include "types/internal.h"

/* name_oid; the name gives way where both are too long. */
status fn_nameconcatoid(struct fn_call *c) {
    char suffix[16];
    char *name = arena_zalloc(c->env->arena, NAME_BYTES);
    if (!name) return out_of_memory(c->env);
    size_t tail = (size_t)snprintf(suffix, sizeof suffix, "_%u", c->args[1].u32);
    size_t len = strnlen(c->args[0].s, NAME_BYTES - 1);
    if (len + tail >= NAME_BYTES) {
        len = NAME_BYTES - 1 - tail;
        while (len && ((unsigned char)c->args[0].s[len] & 0xC0) == 0x80) len--;
    }
    memcpy(name, c->args[0].s, len);
    memcpy(name + len, suffix, tail);
    c->result = datum_ptr(name);
    return OK;
}

status fn_oidvectortypes(struct fn_call *c) {
    struct array_cursor each;
    struct buf out = {0};
    datum type;
    bool is_null;
    status s = array_cursor_init(&each, c->args[0].v);
    for (bool first = true; ok(s) && array_cursor_next(&each, &type, &is_null); first = false) {
        s = buf_add_str(&out, first ? "" : ", ");
        if (ok(s)) s = type_format(type.u32, -1, &out);
    }
    if (ok(s)) {
        c->result.v = varlena_from(c->env->arena, out.data ? out.data : "", out.len);
        if (!c->result.v) s = out_of_memory(c->env);
    }
    buf_free(&out);
    return s;
}
