#include "births.h"
#include "storaged.h"

const struct daemon_ops *const birth_storaged = &storaged_ops;

status birth_storaged_format(const char *dir, uint64_t appliance) {
    return storaged_format(dir, "sim", appliance);
}
