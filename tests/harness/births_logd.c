#include "births.h"
#include "logd.h"

const struct daemon_ops *const birth_logd = &logd_ops;

status birth_logd_format(const char *dir, uint64_t appliance, uint64_t segment_bytes) {
    return logd_format(dir, "sim", segment_bytes, appliance);
}
