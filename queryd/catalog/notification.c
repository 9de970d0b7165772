#include "catalog/notification.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_table.h"

status notification_add(struct sql_env *env, const char *channel, const char *payload,
                        int32_t sender) {
    struct catalog_row row;
    catalog_row_init(&row, CAT_axl_notification);
    TRY(row_set_name(env->eval.arena, &row, COL_axl_notification_channel, channel));
    TRY(row_set_text(env->eval.arena, &row, COL_axl_notification_payload, payload));
    row_set_int(&row, COL_axl_notification_sender, sender);
    return catalog_row_insert(env, CAT_axl_notification, &row);
}

/* 0: not committed, or so long ago that nobody knows when. */
static commit_time time_of(struct sql_env *env, stamp s) {
    commit_time time = 0;
    if (!stamp_is_txid(s)) return s;
    return txn_fate(env->proc->shm, stamp_txid(s), &time, NULL) == FATE_COMMITTED ? time : 0;
}

static int compare(const void *a, const void *b) {
    const struct notification *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static bool same(const struct notification *a, const struct notification *b) {
    return a->time == b->time && a->sender == b->sender && strcmp(a->channel, b->channel) == 0 &&
           strcmp(a->payload, b->payload) == 0;
}

/* Only the first of a transaction's equal ones. */
static size_t fold(struct notification *list, size_t n) {
    size_t kept = 0, begin = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept && list[kept - 1].time != list[i].time) begin = kept;
        size_t at = begin;
        while (at < kept && !same(&list[at], &list[i])) at++;
        if (at == kept) list[kept++] = list[i];
    }
    return kept;
}

static status add(struct sql_env *env, const struct catalog_row *row, struct notification x,
                  struct notification **list, size_t *n, size_t *cap) {
    struct arena *a = env->eval.arena;
    if (*n == *cap) {
        size_t more = *cap ? *cap * 2 : 16;
        struct notification *grown = arena_array(a, more, sizeof *grown);
        if (!grown) return no_memory(env);
        if (*n) memcpy(grown, *list, *n * sizeof *grown);
        *list = grown;
        *cap = more;
    }
    x.order = (uint32_t)*n;
    x.sender = row_int4(row, COL_axl_notification_sender);
    x.channel = arena_strdup(a, row_name(row, COL_axl_notification_channel));
    x.payload = row_text(a, row, COL_axl_notification_payload);
    if (!x.channel || !x.payload) return no_memory(env);
    (*list)[(*n)++] = x;
    return OK;
}

status notification_read(struct sql_env *env, commit_time after, const struct notification **ret,
                         size_t *ret_n, commit_time *ret_upto) {
    struct notification *list = NULL;
    size_t n = 0, cap = 0;
    struct catalog_scan s;
    status st;
    TRY_OUT(st, catalog_scan_begin(env, CAT_axl_notification, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s))) {
        commit_time time = time_of(env, s.stamp);
        if (time > after)
            TRY_OUT(st, add(env, &s.row, (struct notification){.time = time}, &list, &n, &cap));
    }
    if (!status_is(st, ST_END)) goto out;
    st = OK;
    if (n) qsort(list, n, sizeof *list, compare);
    *ret = list;
    *ret_n = fold(list, n);
    *ret_upto = s.env.snapshot.time;
out:
    catalog_scan_end(&s);
    return st;
}

status notification_clean(struct sql_env *env, commit_time upto) {
    struct catalog_scan s;
    status st = txn_lock_relation(env->proc, env->txn, OID_axl_notification,
                                  MODE_SHARE_UPDATE_EXCLUSIVE, true, 0);
    if (status_is(st, ST_LOCK_NOT_AVAILABLE)) return OK;
    TRY(st);
    TRY_OUT(st, catalog_scan_begin(env, CAT_axl_notification, 0, NULL, 0, &s));
    while (ok(st = catalog_scan_next(&s)))
        if (time_of(env, s.stamp) <= upto) TRY_OUT(st, catalog_row_delete(&s));
    if (status_is(st, ST_END)) st = OK;
out:
    catalog_scan_end(&s);
    return st;
}
