/* copy_private.h: COPY's state, shared by its files. */
#ifndef EXEC_COPY_PRIVATE_H
#define EXEC_COPY_PRIVATE_H

#include "exec/copy.h"
#include "exec/internal.h"
#include "table/load.h"

enum copy_format { COPY_TEXT, COPY_CSV, COPY_BINARY };
enum copy_header { COPY_NO_HEADER, COPY_HEADER, COPY_HEADER_MATCH };

struct copy_options {
    enum copy_format format;
    enum copy_header header;
    char delimiter, quote, escape;
    bool delimiter_given, null_given, quote_given, escape_given, force_quote_all, freeze;
    enum encoding encoding; /* of text and CSV */
    const char *null;
    size_t null_len;
    const struct list *force_quote, *force_not_null, *force_null; /* char* */
};

/* One input field: where its bytes are, or null. */
struct copy_field {
    const char *text;
    size_t len;
    bool is_null;
    bool quoted;
};

struct copy {
    struct sql_env *env;
    struct execution x; /* for programs */
    struct copy_options options;
    const struct relation *relation; /* NULL: a query */
    uint16_t n;                      /* columns moved */
    uint16_t *columns;               /* attribute index of each */
    const struct type **types;
    const char **names;
    bool *force_quote, *force_not_null, *force_null;
    uint64_t rows;
    /* from */
    struct buf pending;  /* bytes of an unfinished line */
    size_t scanned;      /* of pending: no line ends before */
    bool in_quotes;      /* CSV: state at `scanned` */
    bool after_escape;   /* text, CSV: the byte at `scanned` is escaped */
    bool header_pending; /* the first line is still to be dropped */
    bool ended;          /* \. or the binary trailer */
    bool binary_begun;
    uint64_t line;
    struct buf foreign; /* of another encoding: bytes of an unfinished character; a row going out */
    struct buf plain;   /* fields without their escapes */
    struct copy_field *fields;
    uint16_t nfields;
    struct vec *row; /* natts one-row columns, then the relation's oid */
    struct flat_row flat;
    struct program_state *defaults; /* outputs for the attributes not moved */
    uint16_t ndefaults;
    uint16_t *default_atts;
    bool defaults_vary; /* from row to row */
    struct program_state *where;
    struct row_checks checks;
    struct table_load load;
    struct arena row_arena;
    int32_t error_column; /* being read, -1: none */
    /* to */
    struct statement *statement;
    struct execution *execution;
    const struct batch *batch;
    uint16_t at;
    bool header_sent, trailer_sent, done;
    bool failed;
};

/* copy_options.c */
status copy_options_read(struct copy *c, const struct ast_copy *stmt);
/* copy_parse.c: one line (without its end) into fields. */
status copy_split_text(struct copy *c, const char *line, size_t len);
status copy_split_csv(struct copy *c, const char *line, size_t len);
/* copy_in.c */
status copy_in_begin(struct copy *c, const struct ast_copy *stmt);
/* copy_out.c */
status copy_out_begin(struct copy *c, const struct ast_copy *stmt);

/* copy_program.c: the program runs, and ends before the statement does; 38000 when it failed. */
status copy_program(struct copy *c, const struct ast_copy *stmt, uint64_t *ret_rows);
/* Of a statement that names a file or a program: 42501 for whom it is not allowed. */
status copy_file_allowed(struct sql_env *env, const struct ast_copy *stmt);

#endif
