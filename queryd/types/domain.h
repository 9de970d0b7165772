/* domain.h: the behaviour of a domain: its base type's, with a look at what comes in. */
#ifndef TYPES_DOMAIN_H
#define TYPES_DOMAIN_H

#include "types/type.h"

/* In the arena; NULL: no memory. */
const struct type_family *domain_family(struct arena *a, const struct type *base);

#endif
