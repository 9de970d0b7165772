#include "base/status.h"

static const struct {
    const char *name;
    const char *sqlstate;
} codes[ST_COUNT] = {
#define X(name, sqlstate) [ST_##name] = {#name, sqlstate},
#include "base/status.def"
#undef X
};

const char *status_name(status s) {
    return s.code < ST_COUNT ? codes[s.code].name : "UNKNOWN";
}

const char *status_sqlstate(status s) {
    return s.code < ST_COUNT ? codes[s.code].sqlstate : "XX000";
}

bool status_is_of_value(status s) {
    const char *state = status_sqlstate(s);
    return state[0] == '2' && (state[1] == '2' || state[1] == '3');
}
