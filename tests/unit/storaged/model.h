/* model.h: one tree under random changes, and what it must hold: every change in order, with the
 * log position behind it. */
#ifndef TEST_MODEL_H
#define TEST_MODEL_H

#include "world.h"

#define KEYS 12000
#define VALUE_BYTES 150
#define TREE_ID 77

struct change {
    uint32_t key;
    uint32_t version; /* 0: deleted */
    uint64_t end;     /* durable at or beyond it: the change counts */
};

struct model {
    struct tree tree;
    struct change *changes;
    size_t count, cap;
    uint32_t version[KEYS]; /* now */
    uint32_t next_version;
    uint64_t seed;
    uint64_t changes_left;
    unsigned random_checkpoints;
};

struct model *model_new(uint64_t seed);
void model_free(struct model *m);
/* A world of 64 frames on a simulated disk that runs and has the model's tree, still empty; and the
 * end of both. */
struct model *model_begin(struct world *w, uint64_t seed);
void model_end(struct world *w, struct model *m);
/* What is left after a crash: the changes that were durable. */
void model_crash(struct world *w, struct model *m);
void change_one(struct world *w, struct model *m);

/* For world_run; arg: the model. */
void make_tree(struct world *w, void *arg);
void change_many(struct world *w, void *arg); /* changes_left */
/* Every key has the version it should have; the tree is sound; and the space maps say that exactly
 * the tree's pages, the map and the two file pages are in use. */
void check_all(struct world *w, void *arg);

#endif
