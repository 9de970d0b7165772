/* explain_run.h: EXPLAIN at work. */
#ifndef EXEC_EXPLAIN_RUN_H
#define EXEC_EXPLAIN_RUN_H

#include "exec/private.h"

/* Fills x->lines; with ANALYZE, the plan is carried out first. */
status explain_run(struct execution *x);
/* ... with the name of a statement that has no plan: no line in the text format. */
status explain_word(struct execution *x, const char *word);

#endif
