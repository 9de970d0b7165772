/* fault.c: axl fault: for tests: what is armed, and arming it. */
#include "base/fault.h"

#include <stdio.h>
#include <string.h>

#include "axl.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define ASK_MS 5000

static int list(struct axl *a) {
    struct shm shm;
    char region[32];
    if (!ok(axl_attach(a, &shm, region))) return axl_fail(a);
    struct fault f = fault_unpack(atomic_load(&shm.control->fault));
    for (int i = 1; i < FAULT_POINTS; i++) {
        printf("%-18s %s\n", fault_point_name(i), fault_point_where(i));
        if (f.point == i)
            printf("%-18s %s, after %u passes\n", "  armed:", fault_action_name(f.action), f.after);
    }
    region_detach_all(&shm);
    return 0;
}

static int ask(struct axl *a, json_t *request) {
    return ok(axl_ask(a, "supervisor", request, ASK_MS, NULL)) ? 0 : axl_fail(a);
}

int axl_fault(struct axl *a) {
    const char *count = NULL, *where = NULL;
    (void)axl_option(a, "--after", &count);
    (void)axl_option(a, "--in", &where);
    const char *name = axl_argument(a), *action = name ? axl_argument(a) : NULL;
    uint64_t after = axl_number(a, count, 0);
    if (after > UINT32_MAX)
        status_ignore(error_set(&a->e, ST_INVALID_PARAMETER_VALUE, /* axl_done says it */
                                "--after %s is out of range", count));
    if (!axl_done(a)) return axl_fail(a);
    if (!name) return list(a);
    if (strcmp(name, "off") == 0) return ask(a, json_pack("{s:s}", "op", "fault"));
    return ask(a, json_pack("{s:s, s:s, s:s*, s:I, s:s*}", "op", "fault", "name", name, "action",
                            action, "after", (json_int_t)after, "in", where));
}
