/* Each daemon's header is met by one file only: their private names are alike. */
#include "logd.h"
#include "txnd_birth.h"

const struct daemon_ops *const birth_logd = &logd_ops;

status birth_logd_format(const char *dir, uint64_t appliance) {
    return logd_format(dir, "sim", 4 << 20, appliance);
}
