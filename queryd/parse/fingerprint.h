/* fingerprint.h: a statement's text with its literals lifted out: the plan cache's key.
 *
 * Two statements that differ only in such literals have one key, and the key is itself a statement
 * that can be parsed, its parameters being $1 … $n. A number stays what it was: the caller gives
 * each parameter the type that the literal would have had (integer: int4; bigint: int8; numeric;
 * string: unknown, as for an untyped parameter), and these types are part of the key, in a comment
 * at its end. Error positions refer to the key: on any failure, run the original text.
 *
 * Only literals whose lifting cannot change a result's type, name or meaning are taken: in WHERE,
 * ON and SET beside a comparison or arithmetic operator (or BETWEEN); the elements of an IN list;
 * rows of VALUES; LIMIT and OFFSET. Everything else stays text: the SELECT list, GROUP BY, ORDER
 * BY, HAVING and RETURNING (ordinals, and expressions that must be equal to one another), typed
 * literals (date '…'), type modifiers, function arguments, AS OF, and what is cast or collated. */
#ifndef PARSE_FINGERPRINT_H
#define PARSE_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* A statement with more literals than this is worth no cached plan. */
#define PARSE_LIFT_MAX 100

enum parse_lifted_kind { LIFTED_INT4, LIFTED_INT8, LIFTED_NUMERIC, LIFTED_STRING };

struct parse_literal {
    enum parse_lifted_kind kind;
    const char *text; /* the value: a number with its sign, or the unescaped string; ends in NUL */
    int32_t length;
    int32_t location; /* byte offset in the original text */
};

struct parse_lifted {
    const char *key; /* ends in NUL */
    size_t key_length;
    int32_t n;
    struct parse_literal *literals;
};

/* *ret_liftable is false for anything but one SELECT, INSERT, UPDATE or DELETE without parameters
 * of its own (also when the text is long, or cannot even be scanned:
 * parsing it will say why). With no literal
 * to lift the key is the canonical text. Everything lives in the arena. Fails only with
 * OUT_OF_MEMORY. text[len] must be NUL. */
status parse_lift_literals(struct arena *a, const char *text, size_t len, bool *ret_liftable,
                           struct parse_lifted *ret_lifted);

#endif
