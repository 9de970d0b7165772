/* error.h: what a client is told about a failed statement.
 *
 * A status travels up the call chain; the words travel beside it in the statement's struct error,
 * which whoever detects the failure fills in. Fields are PostgreSQL's (protocol, "Error and Notice
 * Message Fields"). An error holds at most one failure: the first one set is kept until cleared. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/status.h"

#define ERROR_MESSAGE_BYTES 1024
#define ERROR_DETAIL_BYTES 1024
#define ERROR_HINT_BYTES 512
#define ERROR_NAME_BYTES 64

struct error {
    status status;                     /* OK: nothing has failed */
    int32_t position;                  /* 1-based character in the statement; 0: none */
    char message[ERROR_MESSAGE_BYTES]; /* all texts end in NUL; empty: not sent */
    char detail[ERROR_DETAIL_BYTES];
    char hint[ERROR_HINT_BYTES];
    char context[ERROR_DETAIL_BYTES];
    char schema[ERROR_NAME_BYTES];
    char table[ERROR_NAME_BYTES];
    char column[ERROR_NAME_BYTES];
    char constraint[ERROR_NAME_BYTES];
};

/* To OK, with empty texts. */
void error_clear(struct error *e);

/* Records the failure unless one is recorded already, and returns its status, so that a detecting
 * function can say `return error_set(e, ST_DIVISION_BY_ZERO, "division by zero");`. */
[[gnu::format(printf, 3, 4)]] status error_set(struct error *e, enum status_code code,
                                               const char *format, ...);

/* Add to the failure just recorded. */
[[gnu::format(printf, 2, 3)]] void error_detail(struct error *e, const char *format, ...);
[[gnu::format(printf, 2, 3)]] void error_hint(struct error *e, const char *format, ...);
void error_at(struct error *e, int32_t position);

/* Records a failure that was kept elsewhere, unless one is recorded already. */
status error_repeat(struct error *e, const struct error *kept);

/* Where words are still missing (an internal status that reached the client), gives them some. */
status error_from_status(struct error *e, status s);

#endif
