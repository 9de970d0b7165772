/* stand_ins.h: in place of analysis, which takes every expression, and of the executor's sort. */
#ifndef CATALOG_TEST_STAND_INS_H
#define CATALOG_TEST_STAND_INS_H

#include "catalog/define.h"
#include "table/table.h"

extern const struct define_hooks stand_in_analysis;
extern const struct table_hooks stand_in_sort;

#endif
