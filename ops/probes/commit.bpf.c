/* commit.bpf.c: follows commits through the processes, in the kernel.
 *
 * A commit is known by the trace id of its statement, which every probe of a worker passes. logd
 * knows log positions only: its writes are kept in a ring, and a commit's write is the first that
 * made the log durable up to the end of the commit's record. What one worker's probes touch here
 * belongs to one trace id, and logd's probes belong to one thread, so only the sums need atomic
 * operations. */
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/usdt.bpf.h>

#include "commit.h"

typedef unsigned long long u64;

#define TRACES_MAX 65536
#define WRITES_MAX 256 /* power of two */
#define WRITES_BACK 64 /* how far back a commit looks for its write */

struct commit {
    u64 statement_ns; /* 0: none is running */
    u64 commits_ns;   /* spent in commits of the running statement */
    u64 begin_ns;     /* 0: not committing */
    u64 insert_ns;    /* 0: no record */
    u64 end_lsn;      /* 0: has not waited */
    u64 awake_ns;
};

struct write {
    u64 begin_ns, done_ns;
    u64 durable; /* 0: under way */
};

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, TRACES_MAX);
    __type(key, u64);
    __type(value, struct commit);
} commits SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, PHASE_COUNT);
    __type(key, __u32);
    __type(value, struct hist);
} hists SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, TALLY_COUNT);
    __type(key, __u32);
    __type(value, u64);
} tallies SEC(".maps");

/* Writes begun and done; the ring's entry of number n is n % WRITES_MAX. */
static struct write writes[WRITES_MAX];
static volatile u64 writes_begun, writes_done;
static __u32 writer_pid;

char terms[] SEC("license") = "Dual BSD/GPL";

static __always_inline void tally(__u32 which) {
    u64 *n = bpf_map_lookup_elem(&tallies, &which);
    if (n) __sync_fetch_and_add(n, 1);
}

static __always_inline __u32 slot_of(u64 ns) {
    u64 value = ns / HIST_UNIT_NS;
    __u32 slot = 0;
    if (value >> 32) return HIST_SLOTS - 1;
    if (value >> 16) slot += 16, value >>= 16;
    if (value >> 8) slot += 8, value >>= 8;
    if (value >> 4) slot += 4, value >>= 4;
    if (value >> 2) slot += 2, value >>= 2;
    if (value >> 1) slot += 1, value >>= 1;
    slot += (__u32)value;
    return slot < HIST_SLOTS ? slot : HIST_SLOTS - 1;
}

/* Clocks of two processors may differ by a little: less than nothing is nothing. */
static __always_inline void add(__u32 phase, u64 from_ns, u64 to_ns) {
    struct hist *h = bpf_map_lookup_elem(&hists, &phase);
    u64 ns = to_ns > from_ns ? to_ns - from_ns : 0;
    __u32 slot = slot_of(ns);
    if (!h || slot >= HIST_SLOTS) return;
    __sync_fetch_and_add(&h->count, 1);
    __sync_fetch_and_add(&h->sum_ns, ns);
    __sync_fetch_and_add(&h->slot[slot], 1);
    if (ns > h->max_ns) h->max_ns = ns; /* two at once: the lesser may stay */
}

static __always_inline struct commit *commit_of(u64 trace, int make) {
    struct commit *c = bpf_map_lookup_elem(&commits, &trace);
    if (c || !make) return c;
    struct commit none = {0};
    bpf_map_update_elem(&commits, &trace, &none, BPF_ANY);
    return bpf_map_lookup_elem(&commits, &trace);
}

/* --- of workers: axolotl_queryd ----------------------------------------------------------------
 */

SEC("usdt")
int BPF_USDT(statement_begin, u64 trace) {
    struct commit *c = commit_of(trace, 1);
    if (!c) return 0;
    *c = (struct commit){.statement_ns = bpf_ktime_get_ns()};
    return 0;
}

SEC("usdt")
int BPF_USDT(statement_done, u64 trace) {
    struct commit *c = commit_of(trace, 0);
    if (!c) return 0;
    if (c->statement_ns) add(PHASE_STATEMENT, c->statement_ns + c->commits_ns, bpf_ktime_get_ns());
    bpf_map_delete_elem(&commits, &trace);
    return 0;
}

SEC("usdt")
int BPF_USDT(commit_begin, u64 trace) {
    struct commit *c = commit_of(trace, 1);
    if (!c) return 0;
    c->begin_ns = bpf_ktime_get_ns();
    c->insert_ns = c->end_lsn = c->awake_ns = 0;
    return 0;
}

/* The write that made the log durable up to `lsn`: the oldest of those that end there or later.
 * logd is attached to before the workers are, so the write of the first commit is seen too. */
static __always_inline const struct write *write_of(u64 lsn) {
    const struct write *found = NULL;
    u64 last = writes_done;
    for (u64 back = 1; back <= WRITES_BACK; back++) {
        if (back > last) return found;
        const struct write *w = &writes[(last - back) & (WRITES_MAX - 1)];
        if (w->durable < lsn) return found;
        found = w;
    }
    return NULL; /* what is older is not known */
}

static __always_inline void add_flush(const struct commit *c) {
    const struct write *w = c->end_lsn ? write_of(c->end_lsn) : NULL;
    if (!c->end_lsn) {
        tally(TALLY_NOT_WAITED);
    } else if (!w || w->done_ns > c->awake_ns) { /* not that one, while a new logd was unwatched */
        tally(TALLY_FLUSH_UNKNOWN);
    } else {
        add(PHASE_FLUSH_WAIT, c->insert_ns, w->begin_ns);
        add(PHASE_FLUSH, w->begin_ns, w->done_ns);
        add(PHASE_WAKE, w->done_ns, c->awake_ns);
    }
}

SEC("usdt")
int BPF_USDT(commit_done, u64 trace, __u32 code) {
    struct commit *c = commit_of(trace, 0);
    if (!c || !c->begin_ns) return 0;
    u64 now = bpf_ktime_get_ns();
    if (code) tally(TALLY_COMMIT_FAILED);
    if (!c->insert_ns) {
        if (!code) tally(TALLY_COMMIT_EMPTY);
    } else {
        tally(TALLY_COMMIT);
        add(PHASE_INSERT, c->begin_ns, c->insert_ns);
        add_flush(c);
        add(PHASE_END, c->awake_ns ? c->awake_ns : c->insert_ns, now);
        add(PHASE_COMMIT, c->begin_ns, now);
    }
    if (c->statement_ns) {
        c->commits_ns += now - c->begin_ns;
        c->begin_ns = 0;
    } else {
        bpf_map_delete_elem(&commits, &trace);
    }
    return 0;
}

/* --- of workers: axolotl_log -------------------------------------------------------------------
 */

SEC("usdt")
int BPF_USDT(commit_insert, u64 lsn, u64 txid, u64 time, u64 trace) {
    struct commit *c = commit_of(trace, 0);
    if (c && c->begin_ns)
        c->insert_ns = bpf_ktime_get_ns();
    else
        tally(TALLY_COMMIT); /* a worker's own transaction, of no statement */
    return 0;
}

SEC("usdt")
int BPF_USDT(wait_done, u64 lsn, __u32 code, u64 trace) {
    struct commit *c = commit_of(trace, 0);
    if (!c || !c->insert_ns || code) return 0;
    c->end_lsn = lsn;
    c->awake_ns = bpf_ktime_get_ns();
    return 0;
}

/* --- of logd -----------------------------------------------------------------------------------
 */

SEC("usdt")
int BPF_USDT(flush_begin, u64 from, u64 to) {
    __u32 pid = (__u32)(bpf_get_current_pid_tgid() >> 32);
    if (pid != writer_pid) writes_begun = writes_done; /* what a dead logd had under way */
    writer_pid = pid;
    writes[writes_begun & (WRITES_MAX - 1)] = (struct write){.begin_ns = bpf_ktime_get_ns()};
    writes_begun++;
    return 0;
}

/* Durability is published in the order of the writes. */
SEC("usdt")
int BPF_USDT(flush_done, u64 durable) {
    if (writes_done == writes_begun) return 0; /* begun before anybody looked */
    struct write *w = &writes[writes_done & (WRITES_MAX - 1)];
    w->done_ns = bpf_ktime_get_ns();
    w->durable = durable;
    add(PHASE_WRITE, w->begin_ns, w->done_ns);
    writes_done++;
    return 0;
}
