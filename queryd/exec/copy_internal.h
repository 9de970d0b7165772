/* copy_internal.h: what COPY's files share.
 *
 * COPY FROM is its table's INSERT, prepared once and executed for each row, so that defaults,
 * checks and keys are the ones every INSERT has. COPY TO is a query. */
#ifndef EXEC_COPY_INTERNAL_H
#define EXEC_COPY_INTERNAL_H

#include "base/bytes.h"
#include "exec/copy.h"
#include "exec/statement.h"
#include "types/type.h"

enum copy_format { COPY_TEXT, COPY_CSV, COPY_BINARY };

struct copy_column {
    const char *name;
    const struct type *type;
    int32_t typmod;
    bool force_quote, force_not_null, force_null;
};

struct copy {
    struct sql_env *env;
    struct arena *arena; /* of the statement */
    struct arena row_arena;
    bool from;
    const char *table; /* for messages; NULL: a query */
    uint16_t n;
    struct copy_column *columns;
    struct statement *statement;
    uint64_t rows;

    enum copy_format format;
    char delimiter, quote, escape;
    const char *null;
    size_t null_len;
    bool header, header_match;

    /* FROM */
    struct buf pending; /* bytes that do not make a line yet */
    struct buf fields;  /* the line's fields, unescaped, one after another */
    uint64_t line;
    bool ended;              /* the end marker was read */
    bool begun;              /* BINARY: the head was read; others: the header line was looked at */
    size_t *offset, *length; /* of each field in `fields` */
    bool *is_null;
    uint16_t found;
    datum *values;
    uint8_t *nulls;

    /* TO */
    struct execution *execution;
    const struct batch *batch;
    uint16_t at;
    bool done;
};

/* copy_line.c: takes the fields of one line apart: fills fields, offset, length, is_null, found. */
status copy_split_text(struct copy *c, const char *line, size_t len);
status copy_split_csv(struct copy *c, const char *line, size_t len);
/* The first whole line of the bytes: its length without the line end, and with it. False: there is
 * none yet. */
bool copy_find_line(const struct copy *c, const char *bytes, size_t n, size_t *ret_len,
                    size_t *ret_used);
/* Adds "COPY t, line 3: "…"" to the error just set. */
status copy_line_error(struct copy *c, status s, const char *line, size_t len);

/* copy_in.c */
status copy_store_row(struct copy *c);

#endif
