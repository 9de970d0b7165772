/* program.h: expressions compiled for evaluation, a batch of rows at a time.
 *
 * A program is a flat array of instructions over numbered registers, each a column vector. The
 * first registers are the input's columns; constants and parameters have registers of their own,
 * filled once per execution. An instruction with parts that are evaluated for some rows only (AND,
 * CASE, COALESCE, IN …) is followed by one block of instructions for each such part; `end` leads
 * past them. A program is immutable and shared by all executions of its plan, except for what
 * functions remember in their fn_site. */
#ifndef PLAN_PROGRAM_H
#define PLAN_PROGRAM_H

#include "analyse/expr.h"

enum instr_kind {
    INSTR_CALL,
    INSTR_AND,
    INSTR_OR,
    INSTR_NOT,
    INSTR_CASE,
    INSTR_COALESCE,
    INSTR_MIN_MAX,
    INSTR_NULLIF,
    INSTR_NULL_TEST,
    INSTR_BOOL_TEST,
    INSTR_DISTINCT,
    INSTR_IN_LIST,
    INSTR_ARRAY_OP,
    INSTR_ARRAY,
    INSTR_ROW,
    INSTR_FIELD,
    INSTR_SUBSCRIPT,
    INSTR_SET_FIELD,
    INSTR_SET_ELEMENT,
    INSTR_CAST,
    INSTR_OUTER,
    INSTR_SUBPLAN
};

struct instr {
    uint8_t kind; /* enum instr_kind */
    bool negated;
    uint8_t test; /* BOOL_TEST */
    bool simple;  /* CALL: strict, in fixed form: may be called without ceremony */
    uint16_t result;
    uint16_t nargs;
    uint16_t end;           /* index of what follows this instruction and its blocks */
    const uint16_t *args;   /* registers */
    const uint16_t *blocks; /* nargs + 1 indexes: block i is [blocks[i], blocks[i + 1]) */
    struct fn_site *site;   /* CALL, NULLIF, DISTINCT, IN_LIST, ARRAY_OP */
    const struct expr *expr;
    const struct type *type;       /* of the result */
    const struct type *other_type; /* CAST: source; ARRAY_OP, ARRAY: element; NULL_TEST:
                                      of the argument, if it is composite */
};

struct program {
    uint16_t ninputs; /* columns of the input */
    uint16_t nregs;
    uint16_t ninstrs;
    uint16_t nconsts, nparams, noutputs, nused;
    const struct instr *instrs;
    const struct program_const {
        uint16_t reg;
        bool is_null;
        datum value;
    } * consts;
    const struct program_param {
        uint16_t reg;
        uint16_t param;
    } * params;
    struct expr *const *exprs; /* what was compiled, for EXPLAIN */
    const uint16_t *outputs;   /* register of each expression */
    const uint16_t *used;      /* input columns that are read */
    bool has_subplans;
    bool depends; /* reads execution parameters */
};

/* exprs: names of columns resolved to EXPR_SLOT, below ninputs. In the arena, with what they refer
 * to. */
status program_compile(struct arena *a, struct expr **exprs, uint16_t n, uint16_t ninputs,
                       struct program **ret);

#endif
