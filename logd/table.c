#include "logd.h"

const struct daemon_ops logd_ops = {
    .name = "logd",
    .init_fresh = logd_init_fresh,
    .init_restart = logd_init_restart,
    .handle = logd_handle,
    .step = logd_step,
    .stop = logd_stop,
    .fini = logd_fini,
};
