/* copy.h: COPY's data side; the session moves the bytes. */
#ifndef EXEC_COPY_H
#define EXEC_COPY_H

#include "catalog/sql_env.h"
#include "parse/ast.h"

struct copy;

/* Checks the statement and locks the table (or plans the query). In env->eval.arena. */
status copy_begin(struct sql_env *env, const struct ast_copy *stmt, struct copy **ret_copy);
bool copy_is_binary(const struct copy *c);
uint16_t copy_columns(const struct copy *c);
/* FROM STDIN: any piece of the client's data, rows may be cut anywhere. Errors carry the context
 * "COPY t, line 3, column b: "x"". */
status copy_in_data(struct copy *c, const char *bytes, size_t len);
status copy_in_done(struct copy *c, uint64_t *ret_rows);
/* TO STDOUT: appends the next row's bytes (or the header's, the trailer's) to out: one CopyData
 * message. END: no more. */
status copy_out_row(struct copy *c, struct buf *out);
/* The whole of a statement that names a file, instead of the three above. */
status copy_file(struct copy *c, const struct ast_copy *stmt, uint64_t *ret_rows);
uint64_t copy_rows(const struct copy *c);
/* However it ended. */
void copy_end(struct copy *c);

#endif
