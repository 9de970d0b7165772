/* ri_key.h: looking up the keys of foreign keys, and the statements by which they read and change
 * tables: each under a snapshot of now, which sees all of the own transaction. Private to the ri
 * files. columns: n attribute numbers, from 1; values: one for each, in their order. */
#ifndef EXEC_RI_KEY_H
#define EXEC_RI_KEY_H

#include "catalog/catalog.h"

/* Pieces of such a statement's text: a name in quotes, schema.table, WHERE column = $1 AND … */
status ri_add_name(struct buf *out, const char *name);
status ri_add_table(struct buf *out, const struct relation *r);
status ri_add_where(struct buf *out, const struct relation *r, const int16_t *columns, uint16_t n);
/* Runs a text that ends in NUL; its events come behind those that are there. *ret_rows: of the
 * first batch. Planned anew when a definition changes meanwhile, PLAN_TRIES_MAX times: INVALID. */
status ri_run_text(struct sql_env *env, const char *text, const oid *types, const datum *values,
                   const uint8_t *nulls, uint16_t n, uint64_t *ret_rows);

/* The columns' types. */
void ri_key_types(const struct relation *r, const int16_t *columns, uint16_t n, oid *ret);
/* Whether rows have these values; they are locked FOR KEY SHARE. */
status ri_rows_exist(struct sql_env *env, const struct relation *r, const int16_t *columns,
                     uint16_t n, const oid *types, const datum *values, bool *ret);
/* Locks the key of `to` that a row of r with these values (of the referring columns, none null)
 * refers to. NOT_FOUND: there is no such key. */
status ri_find_key(struct sql_env *env, const struct relation *r, const struct relation *to,
                   const struct foreign_key *k, const datum *values);

#endif
