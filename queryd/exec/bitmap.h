/* bitmap.h: sets of row keys, gathered from bitmap index scans. */
#ifndef EXEC_BITMAP_H
#define EXEC_BITMAP_H

#include "exec/key_set.h"

/* Runs the operator, a bitmap index scan, BitmapAnd or BitmapOr, from where it stands to its end:
 * its keys are added to the set. */
status bitmap_gather(struct operator* op, struct key_set *to);

#endif
