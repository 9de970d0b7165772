/* Each daemon's header is met by one file only: their private names are alike. */
#include "storaged.h"
#include "txnd_birth.h"

const struct daemon_ops *const birth_storaged = &storaged_ops;

status birth_storaged_format(const char *dir, uint64_t appliance) {
    return storaged_format(dir, "sim", appliance);
}
