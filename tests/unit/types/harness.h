/* harness.h: an evaluation environment for the tests of types. */
#ifndef TYPES_TEST_HARNESS_H
#define TYPES_TEST_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "types/function.h"
#include "types/resolution.h"
#include "types/type.h"

struct harness {
    struct arena arena;
    struct error error;
    struct session_env session;
    struct eval_env env;
};

/* types_init once a program, then an environment in Europe/Berlin with a fixed clock. */
void harness_open(struct harness *h);
void harness_reset(struct harness *h); /* forgets values and errors */
void harness_close(struct harness *h);

/* Fail the test when they fail. */
datum value_of(struct harness *h, oid type, const char *text);
char *text_of(struct harness *h, oid type, datum value);
oid type_named(struct harness *h, const char *name, int32_t *ret_typmod);

/* A small deterministic generator (xorshift). */
uint64_t test_random(uint64_t *state);

#endif
