/* status.h: the outcome of a function, which its caller cannot ignore.
 *
 * A function that can fail returns a status; its results come back through parameters named ret_…,
 * which stay untouched when it fails. The list of outcomes is status.def. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

enum status_code {
#define X(name, sqlstate) ST_##name,
#include "base/status.def"
#undef X
    ST_COUNT
};

typedef struct [[nodiscard]] status {
    uint16_t code; /* enum status_code */
} status;

#define STATUS(name) ((status){ST_##name})
#define OK STATUS(OK)

static inline bool ok(status s) {
    return s.code == ST_OK;
}

static inline bool status_is(status s, enum status_code code) {
    return s.code == code;
}

/* Return from the calling function with the first status that is not OK. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        status try_status_ = (expression);                                                         \
        if (!ok(try_status_)) return try_status_;                                                  \
    } while (0)

/* Go to the function's one `out:` label, keeping the first error in `variable`. */
#define TRY_OUT(variable, expression)                                                              \
    do {                                                                                           \
        variable = (expression);                                                                   \
        if (!ok(variable)) goto out;                                                               \
    } while (0)

/* For the rare status that is truly of no interest (say why beside the call). */
static inline void status_ignore(status s) {
    (void)s;
}

/* The code's name ("ROW_BUSY") and its five-character SQLSTATE; never NULL, static storage. */
const char *status_name(status s);
const char *status_sqlstate(status s);
/* A value is not as it should be (classes 22 and 23): of several, the first row's is told. */
bool status_is_of_value(status s);

#endif
