#include "births.h"
#include "txnd.h"

const struct daemon_ops *const birth_txnd = &txnd_ops;
