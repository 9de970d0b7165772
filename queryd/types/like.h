/* like.h: LIKE, for those who have changed the letters' case themselves. */
#ifndef TYPES_LIKE_H
#define TYPES_LIKE_H

#include "types/context.h"

/* Both texts. 22025. */
status like_match(const struct eval_env *env, datum text, datum pattern, bool wanted, datum *ret);

#endif
