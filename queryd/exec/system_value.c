/* Values of the columns that every table has: of a row as it was read, and of one just written. */
#include "catalog/row_tid.h"
#include "exec/internal.h"
#include "log/log.h"

/* PostgreSQL's id of whoever is not named: of sequences, and of rows from before rows named their
 * writer. */
#define FROZEN_XID 2

static datum datum_xid(uint64_t x) {
    return (datum){.u64 = (uint32_t)x};
}

static uint32_t writer_of(const struct tree_entry *e) {
    uint32_t writer = row_writer(e->value, e->value_len);
    return writer ? writer : FROZEN_XID;
}

/* Who made the newest version, which is not the one that was read; 0: it only locks that one, and
 * its writer has ended. */
static status who_replaced(struct sql_env *env, const struct tree_entry *e,
                           const struct tree_entry *newest, uint64_t *ret) {
    _Alignas(8) char record[REC_BYTES_MAX];
    if (!(newest->flags & ENTRY_DELETED)) {
        *ret = writer_of(newest) == writer_of(e) ? 0 : writer_of(newest);
        return OK;
    }
    status s = log_read(env->proc, newest->lsn, record);
    if (status_is(s, ST_STALE)) return STATUS(SNAPSHOT_TOO_OLD);
    TRY(s);
    *ret = ((const struct rec_head *)record)->txid;
    return OK;
}

/* Of the row at e's key: who has changed, deleted or locked it since the version e. What is noted
 * in lock lists (FOR SHARE) does not count. */
static status xmax_of(struct sql_env *env, const struct relation *r, const struct tree_entry *e,
                      uint64_t *ret) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry newest;
    *ret = 0;
    status s = tree_get(env->proc, r->tree, e->key, e->key_len, buf, &newest);
    if (status_is(s, ST_NOT_FOUND)) return OK;
    TRY(s);
    bool same = newest.lsn.at == e->lsn.at;
    if (stamp_is_txid(newest.stamp) && (!same || newest.flags & ENTRY_LOCK)) {
        uint64_t x = stamp_txid(newest.stamp);
        bool counts = !(newest.flags & ENTRY_LOCK) || txn_is_running(env->proc, x, NULL);
        *ret = counts ? x : 0;
        return OK;
    }
    return same ? OK : who_replaced(env, e, &newest, ret);
}

static status ctid_of(struct sql_env *env, const struct relation *r, const void *key, size_t len,
                      datum *ret) {
    status s = row_tid_of(r, key, len, ret);
    if (!status_is(s, ST_FEATURE_NOT_SUPPORTED)) return s;
    return error_set(env->eval.error, s.code,
                     "the primary key of a row of table \"%s\" does not fit into system column "
                     "\"ctid\"",
                     r->name);
}

status system_value(struct execution *x, const struct relation *r, const struct tree_entry *e,
                    int16_t att, datum *ret) {
    uint64_t xmax;
    switch (att) {
    case ATT_CTID: return ctid_of(x->env, r, e->key, e->key_len, ret);
    case ATT_TABLEOID: *ret = datum_oid(r->oid); return OK;
    case ATT_XMIN: *ret = datum_xid(writer_of(e)); return OK;
    case ATT_XMAX:
        TRY(xmax_of(x->env, r, e, &xmax));
        *ret = datum_xid(xmax);
        return OK;
    default: *ret = datum_xid(0); return OK;
    }
}

status system_values(struct execution *x, const struct relation *r, const struct tree_entry *e,
                     const struct plan_system *which, struct vec *to) {
    for (uint16_t i = 0; i < which->n; i++) {
        TRY(system_value(x, r, e, which->atts[i], &to[i].values[0]));
        to[i].nulls[0] = 0;
    }
    return OK;
}

bool system_needs_key(const struct plan_system *which) {
    return which->n && which->atts[0] == ATT_CTID; /* the first of all, where it is wanted */
}

status system_written_key(struct execution *x, const struct relation *r, const void *key,
                          size_t len, const struct flat_row *row, struct buf *ret) {
    bool has_null;
    ret->len = 0;
    if (r->primary)
        return table_index_key(x->env, r, r->primary, row->values, row->nulls, ret, &has_null);
    return ok(buf_add(ret, key, len)) ? OK : exec_memory(x);
}

static status written(struct execution *x, const struct relation *r, const struct buf *key,
                      bool locked, int16_t att, datum *ret) {
    bool self = att == ATT_XMIN || (att == ATT_XMAX && locked);
    if (att == ATT_CTID) return ctid_of(x->env, r, key->data, key->len, ret);
    *ret = att == ATT_TABLEOID ? datum_oid(r->oid) : datum_xid(self ? x->env->txn->writer.x : 0);
    return OK;
}

status system_values_written(struct execution *x, const struct relation *r, const struct buf *key,
                             bool locked, const struct plan_system *which, struct vec *to) {
    for (uint16_t i = 0; i < which->n; i++) {
        TRY(written(x, r, key, locked, which->atts[i], &to[i].values[0]));
        to[i].nulls[0] = 0;
    }
    return OK;
}
