/* cut_names.h: which names of a text are too long. */
#ifndef PARSE_CUT_NAMES_H
#define PARSE_CUT_NAMES_H

#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"
#include "parse/ast.h"

struct cut_name {
    const char *written; /* unquoted, or folded; ends in NUL */
    int32_t kept;        /* bytes of it that the tree has */
};

/* *ret is a list of struct cut_name * in the order of the text, up to where it cannot be scanned;
 * NULL: none. Names with Unicode escapes are not looked at. Costs next to nothing for a text
 * without long words. Everything lives in the arena. OUT_OF_MEMORY. text[len] must be NUL. */
status parse_cut_names(struct arena *a, const char *text, size_t len, struct list **ret);

#endif
