/* cursor.h: what the files of cursors share with one another and with nobody else.
 *
 * A cursor that may go backward keeps the rows it has given; one that may not keeps the row it
 * stands on. Positions are PostgreSQL's: `at` rows lie at or before the one it stands on; before
 * the first and after the last there is none. */
#ifndef SESSION_CURSOR_H
#define SESSION_CURSOR_H

#include "exec/kept_rows.h"
#include "session/session_private.h"

struct cursor {
    int32_t options; /* enum ast_cursor_option */
    bool scrolls;    /* may go backward */
    bool held;       /* its transaction has ended: all its rows are kept */
    bool at_start, at_end;
    uint64_t at;
    uint16_t ncolumns; /* with addresses */
    const struct type **types;
    struct kept_rows *rows;
    uint64_t first; /* the number of the first of them, from 0 */
};

/* Where FETCH puts rows. */
struct cursor_output {
    struct row_sender *sender; /* NULL: MOVE */
    struct batch batch;
    struct arena arena; /* what its rows point to */
    uint64_t sent;
};

/* cursor_move.c. Rows that are kept are given up; OUT_OF_MEMORY. */
status cursor_forget_rows(struct cursor *c);
/* Carries the query on until so many rows more are kept (0: all), or it is done; its errors. */
status cursor_pull(struct session *s, struct portal *p, uint64_t want);
/* How many formats, and which: BINARY, or as the Bind of the FETCH asked for. */
uint16_t cursor_formats(const struct session *s, const struct cursor *c, const uint16_t **ret);
/* move: nothing is sent. The arena of o is to be freed, whatever comes. */
status cursor_output_new(struct session *s, struct portal *p, bool move, struct cursor_output *o);
status cursor_forward_only(struct session *s); /* 55000 */
/* The row that it stands on, once more; 55000: it is not kept. */
status cursor_again(struct session *s, struct portal *p, struct cursor_output *out);
/* As FETCH says; 55000: backward, which it may not. */
status cursor_go(struct session *s, struct portal *p, const struct ast_fetch *f,
                 struct cursor_output *out);

#endif
