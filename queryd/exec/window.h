/* window.h: what the files of window functions share with one another and with nobody else. */
#ifndef EXEC_WINDOW_H
#define EXEC_WINDOW_H

#include "exec/internal.h"

struct window_state {
    struct operator op;
    struct row_store *rows; /* whole partitions, as many as make a good batch */
    struct batch input;     /* of which rows from input_at on are not kept yet */
    uint16_t input_at;
    bool input_done;
    struct row_store *last; /* the input batch's last row, for the next one to be compared with */
    struct vec *results;    /* per call: one value per row, in the groups' arenas */
    struct arena arena;     /* results */
    status failed;          /* a row could not be read: nothing computed since counts */
    size_t at;
    struct program_state *start, *end;
    datum start_offset, end_offset; /* rows or groups: int8; RANGE: what in_range takes */
    struct running *running;        /* per call */
    size_t *groups;                 /* GROUPS: where each peer group of the partition begins */
    size_t ngroups;
};

/* Where a row stands: its partition and its peers, as ranges of rows. */
struct place {
    size_t first, last;           /* partition: [first, last) */
    size_t peer_first, peer_last; /* peers: [peer_first, peer_last) */
    size_t row;
    int64_t group;                  /* number of the peer group in the partition, from 0 */
    size_t range_first, range_last; /* RANGE with offsets: the bounds found so far */
};

/* window.c. Two rows in what partitions are made of, or (order) peers. */
bool window_same_columns(struct window_state *w, size_t a, size_t b, bool order);
/* False: null. */
bool window_value_at(struct window_state *w, size_t row, uint16_t column, datum *ret);
static inline const struct plan_window *window_plan(const struct window_state *w) {
    return &w->op.plan->window;
}

/* window_frame.c. The peer groups of a partition, for GROUPS. */
void window_find_groups(struct window_state *w, size_t first, size_t last);
/* The value of an offset of the frame, once per execution; 22004, 22013. */
status window_offset(struct window_state *w, struct program_state *s, bool is_start, datum *ret);
/* RANGE with offsets: moves the bounds on to the row of p. */
status window_find_range(struct window_state *w, struct place *p);
/* [*first, *last), with what EXCLUDE takes out. */
void window_frame(const struct window_state *w, const struct place *p, size_t *first, size_t *last);
bool window_is_excluded(const struct window_state *w, const struct place *p, size_t row);
/* The n-th row of the frame that counts, from 1, from its end when backward; false: it has fewer.
 */
bool window_frame_row(const struct window_state *w, const struct place *p, int64_t n, bool backward,
                      size_t *ret_row);

#endif
