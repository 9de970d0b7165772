/* join_way.h: what the files that find ways to join share (join_way.c, join_merge.c). */
#ifndef PLAN_JOIN_WAY_H
#define PLAN_JOIN_WAY_H

#include "plan/join.h"

/* Of the terms that are equal in the class the first, which stands for them in its ways' orders. */
uint16_t join_way_first_equal(const struct join_graph *g, const struct join_class *c,
                              uint16_t term);
/* An order as far as somebody above asks for it: keys from the first one on that nobody asks for
 * say nothing more. */
struct way_order join_way_useful_part(const struct join_graph *g, const struct join_class *c,
                                      const struct way_order *o);
/* A way of this cost need not be made. */
bool join_way_is_too_dear(const struct join_class *c, double cost);
/* Keeps a copy of the way in the arena, unless one that is there is as good; those that are no
 * better than it go. */
status join_way_keep(struct join_graph *g, struct arena *a, struct join_class *c,
                     const struct join_way *w);
/* Keeps the ways to merge the pair's classes. */
status join_merge_offer(struct join_graph *g, struct arena *a, const struct join_pair *pair,
                        struct join_class *c);

#endif
