#include "base/latch.h"

#include <sched.h>

#include "base/spin.h"

void latch_lock(struct latch *l, struct owner o) {
    for (unsigned tries = 0; !latch_try(l, o); tries++) spin_wait(tries);
}
