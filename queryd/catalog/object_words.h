/* object_words.h: what an object of any catalog is called: for people, and so that it is found
 * again in another database. */
#ifndef CATALOG_OBJECT_WORDS_H
#define CATALOG_OBJECT_WORDS_H

#include "catalog/define_internal.h"
#include "types/function.h"

#define OBJECT_NAMES_MAX 4

/* Strings live in env->eval.arena. */
struct object_words {
    const char *type;                    /* "table column" */
    const char *schema, *name;           /* as SQL; NULL: it has none, or not one alone */
    const char *identity, *description;  /* NULL: there is no such object */
    const char *names[OBJECT_NAMES_MAX]; /* bare: the path to it */
    const char *args[FUNCTION_ARGS_MAX];
    uint16_t nnames, nargs;
};

/* XX000: no such catalog has objects, or theirs have no parts. */
status object_words(struct sql_env *env, struct object_address o, struct object_words *ret);

#endif
