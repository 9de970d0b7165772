/* tree_model.h: what a tree should hold: a sorted array, changed beside it. */
#ifndef TREE_MODEL_H
#define TREE_MODEL_H

#include "tree_bed.h"

struct row {
    unsigned char *key, *value;
    uint16_t key_len, value_len;
    bool deleted;
    lsn lsn;
};
extern struct row *rows;
extern unsigned rows_count, rows_cap;

/* Where the key is, or where it would be inserted. */
unsigned model_find(const void *key, size_t len, bool *found);
void *copy_of(const void *bytes, size_t n);
void model_put(const void *key, size_t key_len, const void *value, size_t value_len, lsn at);
void model_remove(unsigned i);
void model_clear(void);

void same_as_row(const struct tree_entry *e, const struct row *r);
/* At most `limit` entries from the key on. */
void scan_and_compare(struct fixture *f, const void *key, size_t key_len, bool backward,
                      bool exclusive, unsigned limit);
/* The tree holds together, has the model's entries, and the space map knows exactly its pages. */
void check_tree(struct fixture *f, struct tree_report *report);

/* What the random_… functions fill; they give the length. */
extern unsigned char key_buf[TREE_KEY_BYTES_MAX], value_buf[TREE_ENTRY_BYTES_MAX];
enum shape { SHORT_KEYS, SHARED_PREFIXES, GREAT_ENTRIES };
size_t random_key(enum shape shape);
size_t random_value(enum shape shape, size_t key_len);
void key_of_number(uint64_t n);
/* Inserts, updates, deletes or purges, in the tree and in the model. */
void one_change(struct fixture *f, enum shape shape, unsigned purge_of_8);

#endif
