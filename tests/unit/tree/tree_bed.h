/* tree_bed.h: a tree on the fake appliance, and the random numbers of its tests. */
#ifndef TREE_BED_H
#define TREE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_env.h"
#include "redo.h"
#include "tree/tree.h"

#define ME SLOT_QUERYD

struct fixture {
    struct fake_env *env;
    struct proc p;
    struct tree_writer w;
    struct tree t;
    struct arena arena;
};

/* From 0 to n - 1, the same in every run of a program. */
unsigned rnd(unsigned n);
/* The transaction that tests let run; everybody else has committed, x at 1000 + x. */
extern txid running;
bool is_running(struct proc *p, txid x, commit_time *ret_time);
/* An empty tree; the writer is transaction 1, none is running. */
void fixture_open(struct fixture *f, const struct fake_options *options);
void fixture_close(struct fixture *f);

#endif
