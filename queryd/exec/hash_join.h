/* hash_join.h: the hash join's state, and its part that works beyond memory (hash_spill.c). */
#ifndef EXEC_HASH_JOIN_H
#define EXEC_HASH_JOIN_H

#include "exec/spill.h"

/* Rows of both sides that can only meet one another. */
struct join_part {
    struct join_part *next;
    struct tape *build, *probe; /* probe NULL: no rows */
    unsigned level;
    bool whole; /* parting it again would not help: nearly all of it has one hash */
};

/* Where the rows go that memory does not hold. */
struct join_spill {
    bool begun;     /* rows of the level are on tapes */
    bool all;       /* also those of the first part, which else stays in the table */
    unsigned level; /* of the rows that are read now */
    struct tape *build[SPILL_PARTS], *probe[SPILL_PARTS];
    struct join_part *parts; /* still to be joined */
    struct join_part *part;  /* at hand; NULL: the inputs themselves */
    struct tape_reader build_reader, probe_reader;
    struct vec *columns; /* of rows of the left side, from a tape */
    struct arena arena;  /* their values */
    uint16_t *sel;       /* rows of a left batch that are joined at once */
    /* A part that is whole and beyond memory is joined piece by piece of its right side: the left
     * rows are read again for each piece, and their partners remembered. */
    bool more_pieces;
    uint8_t *met;      /* a bit for each left row; NULL: there is one piece */
    uint64_t left_row; /* number of the batch's first row in the part */
    uint64_t nulls;    /* rows without a key: they are spread over the parts */
    bool used;         /* since the last restart */
};

struct hash_join {
    struct operator op;
    struct program_state *left_keys, *right_keys, *condition;
    struct row_store *table; /* the right side's rows: its columns, then its keys */
    struct row_store *spare; /* empty */
    const struct type **table_types;
    struct vec *build; /* columns of the right batch and its keys */
    const struct vec **keys;
    bool built;
    struct batch left;
    uint16_t at;
    struct stored_row *candidate; /* next in the bucket of the left row at hand */
    uint64_t hash;
    bool in_row, left_done;
    uint8_t *matched;
    uint16_t *origin, *kept;
    struct stored_row **partner; /* per combination */
    struct vec *combined;        /* SEMI, ANTI */
    struct arena key_arena;
    uint16_t unmatched_at;
    bool giving_unmatched;
    size_t right_at; /* RIGHT, FULL: where the rows without a partner continue */
    struct join_spill spill;
};

static inline enum plan_join join_kind(const struct hash_join *h) {
    return h->op.plan->hash.join;
}

/* RIGHT, FULL: right rows without a partner are given too. */
static inline bool join_keeps_right(const struct hash_join *h) {
    return join_kind(h) == PLAN_RIGHT || join_kind(h) == PLAN_FULL;
}

/* hash_spill.c */
status join_spill_open(struct hash_join *h);
/* Whether a row of that hash stays in the table now. */
static inline bool join_stays(const struct hash_join *h, uint64_t hash) {
    const struct join_spill *s = &h->spill;
    return !s->begun || (!s->all && spill_part(hash, s->level) == 0);
}
/* The right row that h->build describes goes onto its tape. */
status join_spill_right(struct hash_join *h, uint64_t hash, uint16_t row);
/* After a batch of right rows: makes room when the table is beyond its memory. */
status join_make_room(struct hash_join *h);
/* The next batch of the left side, from the operator or from the part's tape. */
status join_left_batch(struct hash_join *h, struct batch *ret);
/* Takes out of h->left, whose keys are known, what must wait for its part. */
status join_park_left(struct hash_join *h);
/* What is known of the partners of h->left's rows, and what was found. */
void join_recall(struct hash_join *h);
void join_note(struct hash_join *h);
/* The left side is at its end: goes on with the next part or piece; false: there is none. */
status join_next_part(struct hash_join *h, bool *ret);
void join_spill_reset(struct hash_join *h);
void join_spill_close(struct hash_join *h);

#endif
