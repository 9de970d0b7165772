#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

void error_clear(struct error *e) {
    e->status = OK;
    e->position = 0;
    e->message[0] = e->detail[0] = e->hint[0] = e->context[0] = '\0';
    e->schema[0] = e->table[0] = e->column[0] = e->constraint[0] = '\0';
}

status error_set(struct error *e, enum status_code code, const char *format, ...) {
    if (!ok(e->status)) return e->status;
    error_clear(e);
    e->status = (status){(uint16_t)code};
    va_list args;
    va_start(args, format);
    vsnprintf(e->message, sizeof e->message, format, args);
    va_end(args);
    return e->status;
}

status error_repeat(struct error *e, const struct error *kept) {
    if (ok(e->status)) *e = *kept;
    return e->status;
}

void error_detail(struct error *e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
}

void error_hint(struct error *e, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(e->hint, sizeof e->hint, format, args);
    va_end(args);
}

void error_at(struct error *e, int32_t position) {
    if (e->position == 0) e->position = position;
}

status error_from_status(struct error *e, status s) {
    if (ok(s) || !ok(e->status)) return s;
    switch (s.code) {
    case ST_OUT_OF_MEMORY: return error_set(e, s.code, "out of memory");
    case ST_PROGRAM_LIMIT_EXCEEDED: return error_set(e, s.code, "out of memory");
    case ST_OUT_OF_LOCKS:
        s = error_set(e, s.code, "out of shared memory");
        error_hint(e, "You might need to increase max_locks_per_transaction.");
        return s;
    case ST_DEADLOCK_DETECTED: return error_set(e, s.code, "deadlock detected");
    case ST_QUERY_CANCELED: return error_set(e, s.code, "canceling statement due to user request");
    case ST_LOCK_NOT_AVAILABLE:
        return error_set(e, s.code, "canceling statement due to lock timeout");
    case ST_DISK_FULL:
        return error_set(e, s.code, "could not extend file: No space left on device");
    case ST_SNAPSHOT_TOO_OLD: return error_set(e, s.code, "snapshot too old");
    case ST_SERIALIZATION_FAILURE:
        return error_set(e, s.code, "could not serialize access due to concurrent update");
    default: return error_set(e, s.code, "unexpected condition: %s", status_name(s));
    }
}
