/* exec_init.h: once at process start, after types_init. */
#ifndef EXEC_EXEC_INIT_H
#define EXEC_EXEC_INIT_H

/* Registers what definitions need to know of expressions (catalog/define_hooks.h). */
void exec_init(void);

#endif
