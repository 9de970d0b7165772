/* ast_fields.h: the fields of each kind of node as data, from nodes.def. */
#ifndef PARSE_AST_FIELDS_H
#define PARSE_AST_FIELDS_H

#include "parse/ast.h"

enum ast_field_kind {
    FIELD_NODE,
    FIELD_LIST,
    FIELD_LISTS,
    FIELD_STRING,
    FIELD_STRINGS,
    FIELD_NUMBER,
    FIELD_BOOL
};

struct ast_field_info {
    uint8_t kind; /* enum ast_field_kind */
    uint8_t bytes;
    uint16_t offset;
    const char *name; /* NULL: the end */
};

const struct ast_field_info *ast_fields(enum node_kind kind);

#endif
