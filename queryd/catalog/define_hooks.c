#include "catalog/define_hooks.h"

const struct define_hooks *define_hooks;
