/* test_keys.h: keys for storaged and logd in a test's own process. */
#ifndef TEST_KEYS_H
#define TEST_KEYS_H

#include <stdbool.h>
#include <stdint.h>

/* From now on their files are encrypted; the data keys number `oldest` to `keys`, the last one
 * seals. 0 and 0: they are not. */
void test_keys_give(uint64_t appliance, unsigned oldest, unsigned keys);
/* The same, with one key, when the environment has AXOLOTL_TEST_ENCRYPTED (ctest runs some programs
 * both ways); true: it has. */
bool test_keys_from_environment(uint64_t appliance);

#endif
