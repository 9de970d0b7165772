/* Columns that every table has and none declares. */
#include <string.h>

#include "analyse/expr.h"

static const struct {
    const char *name;
    oid type;
} columns[] = {
    [-ATT_CTID] = {"ctid", TIDOID}, [-ATT_XMIN] = {"xmin", XIDOID},
    [-ATT_CMIN] = {"cmin", CIDOID}, [-ATT_XMAX] = {"xmax", XIDOID},
    [-ATT_CMAX] = {"cmax", CIDOID}, [-ATT_TABLEOID] = {"tableoid", OIDOID},
};

int16_t system_column_att(const char *name) {
    for (int16_t att = -1; att >= ATT_SYSTEM_LAST; att--)
        if (strcmp(name, columns[-att].name) == 0) return att;
    return 0;
}

const char *system_column_name(int16_t att) {
    return att < 0 && att >= ATT_SYSTEM_LAST ? columns[-att].name : "ctid";
}

struct expr *system_column_var(struct arena *a, uint16_t rte, int16_t att, int32_t location) {
    return expr_var(a, rte, att, columns[-att].type, -1, 0, location);
}
