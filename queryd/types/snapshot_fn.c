/* Functions of snapshots as values; that of the running statement: catalog/function_xact.c. */
#include "types/internal.h"
#include "types/snapshot.h"

status fn_snapshot_xmin(struct fn_call *c) {
    c->result = (datum){.u64 = snapshot_xmin(c->args[0].v)};
    return OK;
}

status fn_snapshot_xmax(struct fn_call *c) {
    c->result = (datum){.u64 = snapshot_xmax(c->args[0].v)};
    return OK;
}

status fn_snapshot_xip(struct fn_call *c) {
    uint32_t *at;
    TRY(set_counter(c, &at));
    c->set_done = *at >= snapshot_xip_count(c->args[0].v);
    if (!c->set_done) c->result = (datum){.u64 = snapshot_xip(c->args[0].v, (*at)++)};
    return OK;
}

static bool is_in_progress(const struct varlena *snapshot, uint64_t x) {
    size_t from = 0, to = snapshot_xip_count(snapshot);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint64_t found = snapshot_xip(snapshot, middle);
        if (found == x) return true;
        if (found < x)
            from = middle + 1;
        else
            to = middle;
    }
    return false;
}

status fn_snapshot_visible(struct fn_call *c) {
    uint64_t x = c->args[0].u64;
    const struct varlena *snapshot = c->args[1].v;
    if (x < snapshot_xmin(snapshot)) return give_bool(c, true);
    return give_bool(c, x < snapshot_xmax(snapshot) && !is_in_progress(snapshot, x));
}
