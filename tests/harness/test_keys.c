#include "test_keys.h"

#include <stdlib.h>
#include <string.h>

#include "crypt/given.h"

void test_keys_give(uint64_t appliance, unsigned oldest, unsigned keys) {
    static uint32_t life = 1; /* of the first taker; no two have the same */
    struct crypt_keys k = {.database = appliance, .life = life, .current = keys, .oldest = oldest};
    life += 1000;
    for (unsigned number = oldest; keys && number <= keys; number++) {
        k.key[k.count].number = number;
        memset(k.key[k.count++].bytes, (int)(0x40 + number), CRYPT_KEY_BYTES);
    }
    given_put(keys ? &k : NULL);
}

bool test_keys_from_environment(uint64_t appliance) {
    bool wanted = getenv("AXOLOTL_TEST_ENCRYPTED") != NULL;
    test_keys_give(appliance, wanted, wanted);
    return wanted;
}
