/* pool_internal.h: what the files of this folder share. */
#ifndef POOL_POOL_INTERNAL_H
#define POOL_POOL_INTERNAL_H

#include "pool/frame.h"

/* Pins the page if it is the running coroutine that pins. */
void pool_pin(struct proc *p, page_id page);
/* A slot's pins are forgotten. Repeatable. */
void pool_pins_clear(struct shm *shm, unsigned slot);

#endif
