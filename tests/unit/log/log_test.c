/* The log in memory: insertion and reading by several threads, room, durability, every state that a
 * kill can leave. logd is played by the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/control.h"
#include "base/counter.h"
#include "base/spin.h"
#include "log/log.h"
#include "msg/msg.h"
#include "pool/frame.h"

#define RING ((uint64_t)8 << 20)
#define THREADS 4

struct fixture {
    struct shm shm;
    struct proc proc[THREADS + 1];
    uint64_t wall;
    unsigned calls[64];
    char *file;          /* what the played logd has written, from LOG_FIRST on */
    uint64_t corrupt;    /* answers to MSG_LOG_READ to be spoilt */
    status flush_status; /* its answer to MSG_LOG_FLUSH */
};

static _Atomic uint64_t map_words[1024];

static _Atomic uint64_t *map_entry(struct shm *shm, txid x) {
    (void)shm;
    return &map_words[x % 1024];
}

static uint64_t fake_wall(struct proc *p) {
    return ((struct fixture *)p->env_data)->wall;
}

static void fake_pause(struct proc *p) {
    (void)p;
    spin_wait(100);
}

/* Moves durable to complete; keeps the bytes and adds the checksums. */
static void play_flush(struct fixture *f) {
    struct log_shared *l = f->shm.log;
    uint64_t from = atomic_load(&l->durable);
    uint64_t to = log_complete(l).at;
    while (from < to) {
        const char *at = f->shm.log_ring + (from & (RING - 1));
        struct rec_head *r = (struct rec_head *)(f->file + from);
        memcpy(r, at, ((const struct rec_head *)at)->len);
        assert_true(ok(rec_valid(r, to - from)));
        r->crc = rec_crc(r, (lsn){from});
        from += r->len;
    }
    assert_int_equal(from, to);
    atomic_store(&l->durable, to);
}

static status fake_call(struct proc *p, uint16_t to, struct msg *m) {
    struct fixture *f = p->env_data;
    assert_int_equal(to, SLOT_LOGD);
    f->calls[m->op]++;
    switch (m->op) {
    case MSG_LOG_FLUSH:
        if (!ok(f->flush_status)) return f->flush_status;
        [[fallthrough]];
    case MSG_LOG_SPACE: play_flush(f); return OK;
    case MSG_LOG_READ: {
        char *window = f->shm.pool->log_window[p->owner.slot];
        uint64_t durable = atomic_load(&f->shm.log->durable), at = m->arg[0], start = at;
        if (m->arg[1]) {
            uint64_t most = LOG_WINDOW_BYTES - REC_BYTES_MAX, there = at - LOG_FIRST.at;
            start = at - (there < most ? there : most);
            start += log_run_before(f->file + start, durable - start, (lsn){start}, (lsn){at});
            m->arg[1] = start;
        }
        m->arg[0] = durable - start < LOG_WINDOW_BYTES ? durable - start : LOG_WINDOW_BYTES;
        memcpy(window, f->file + start, m->arg[0]);
        if (f->corrupt) {
            f->corrupt--;
            window[40] ^= 1;
        }
        return OK;
    }
    default: return STATUS(INTERNAL_ERROR);
    }
}

static const struct env fake_env = {.wall_ns = fake_wall, .call = fake_call, .pause = fake_pause};

#define FILE_BYTES ((size_t)256 << 20)

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->shm.sizes.ring_bytes = RING;
    f->shm.log = aligned_alloc(64, sizeof(struct log_shared));
    f->shm.pool = aligned_alloc(4096, (sizeof(struct pool_shared) + 4095) / 4096 * 4096);
    f->shm.counters = aligned_alloc(64, PROC_SLOTS * sizeof(struct counter_block));
    f->shm.control = aligned_alloc(64, sizeof(struct control));
    memset(f->shm.control, 0, sizeof(struct control));
    memset(f->shm.counters, 0, PROC_SLOTS * sizeof(struct counter_block));
    f->file = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    int fd = memfd_create("ring", 0);
    assert_int_equal(ftruncate(fd, RING), 0);
    f->shm.log_ring = mmap(NULL, 2 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (unsigned i = 0; i < 2; i++)
        assert_ptr_not_equal(mmap(f->shm.log_ring + i * RING, RING, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_FIXED, fd, 0),
                             MAP_FAILED);
    close(fd);
    atomic_store(&f->shm.log->archived, 0); /* logd's alone */
    log_shared_init(f->shm.log, LOG_FIRST, 1000);
    f->wall = 5000;
    for (uint16_t i = 0; i <= THREADS; i++) {
        uint16_t slot = SLOT_QUERYD + i;
        f->proc[i] = (struct proc){.owner = {.slot = slot, .epoch = 1},
                                   .epoch = 1,
                                   .shm = &f->shm,
                                   .env = &fake_env,
                                   .env_data = f,
                                   .counters = &f->shm.counters[slot]};
    }
    memset((void *)map_words, 0, sizeof map_words);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    munmap(f->shm.log_ring, 2 * RING);
    munmap(f->file, FILE_BYTES);
    free(f->shm.log);
    free(f->shm.pool);
    free(f->shm.counters);
    free(f->shm.control);
    free(f);
    return 0;
}

/* A filler of any length, its bytes determined by a seed. */
static const struct rec_head *make_record(char *buf, uint32_t len, uint64_t seed) {
    struct rec_head *r = (struct rec_head *)buf;
    *r = (struct rec_head){.len = len, .type = REC_FILLER, .txid = seed};
    uint64_t *words = (uint64_t *)(r + 1);
    for (uint32_t i = 0; i < (len - sizeof *r) / 8; i++) words[i] = seed * 1000003 + i;
    return r;
}

static bool is_record(const void *buf) {
    static _Thread_local _Alignas(8) char wanted[REC_BYTES_MAX];
    const struct rec_head *r = buf;
    make_record(wanted, r->len, r->txid);
    ((struct rec_head *)wanted)->crc = r->crc;
    return r->type == REC_FILLER && memcmp(wanted, buf, r->len) == 0;
}

static uint32_t some_len(unsigned *random) {
    uint32_t n = (uint32_t)rand_r(random);
    return (n % 16 ? 32 + n % 512 : 32 + n % (REC_BYTES_MAX - 31)) & ~7u;
}

static void insert_and_read_back(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[REC_BYTES_MAX];
    static lsn at[20000];
    unsigned random = 1;
    uint64_t tail = LOG_FIRST.at;
    for (unsigned i = 0; i < 20000; i++) {
        assert_true(ok(log_room(p)));
        const struct rec_head *r = make_record(buf, some_len(&random), i + 1);
        at[i] = log_insert(p, r);
        assert_int_equal(at[i].at, tail);
        tail += r->len;
        if (i % 7 == 0) assert_int_equal(log_complete(f->shm.log).at, tail);
    }
    assert_true(tail > 3 * RING);
    assert_true(f->calls[MSG_LOG_SPACE] > 2);
    assert_int_equal(atomic_load(&p->counters->value[COUNTER_LOG_RECORDS]), 20000);
    assert_int_equal(atomic_load(&p->counters->value[COUNTER_LOG_BYTES]), tail - LOG_FIRST.at);
    assert_int_equal(atomic_load(&f->shm.log->slots[p->owner.slot].change_lsn), 0);
    assert_true(ok(log_wait_durable(p, (lsn){tail})));
    for (unsigned i = 0; i < 20000; i++) {
        status ring = log_read_ring(&f->shm, at[i], buf);
        assert_int_equal(ring.code, tail - at[i].at <= RING ? ST_OK : ST_NOT_FOUND);
        assert_int_equal(log_read(p, at[i], buf).code,
                         atomic_load(&f->shm.log->oldest) <= at[i].at ? ST_OK : ST_STALE);
        assert_true(is_record(buf));
        assert_int_equal(((struct rec_head *)buf)->txid, i + 1);
    }
}

static void read_refuses_strange_places(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[REC_BYTES_MAX];
    log_insert(p, make_record(buf, 4096, 1));
    assert_int_equal(log_read(p, (lsn){LOG_FIRST.at + 4}, buf).code, ST_INVALID);
    assert_int_equal(log_read(p, (lsn){LOG_FIRST.at + 4096}, buf).code, ST_INVALID);
    assert_int_equal(log_read(p, (lsn){UINT64_MAX & ~7u}, buf).code, ST_INVALID);
    assert_int_equal(log_read(p, (lsn){8}, buf).code, ST_STALE);
    assert_int_equal(log_read(p, LSN_NONE, buf).code, ST_STALE);
    for (uint64_t at = LOG_FIRST.at + 8; at < LOG_FIRST.at + 4096; at += 8)
        assert_int_equal(log_read(p, (lsn){at}, buf).code, ST_INVALID);
}

static void spoilt_answers_are_asked_again(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[REC_BYTES_MAX];
    for (unsigned i = 1; i <= 600; i++) {
        assert_true(ok(log_room(p)));
        log_insert(p, make_record(buf, REC_BYTES_MAX, i));
    }
    f->corrupt = 2;
    assert_int_equal(log_read(p, LOG_FIRST, buf).code, ST_OK);
    assert_true(is_record(buf));
    assert_int_equal(f->calls[MSG_LOG_READ], 3);
    f->corrupt = 1000;
    assert_int_equal(log_read(p, LOG_FIRST, buf).code, ST_DATA_CORRUPTED);
    assert_int_equal(atomic_load(&f->shm.log->slots[p->owner.slot].window_busy), 0);
}

/* From records long gone from the ring to the newest, in one scan, with few questions. */
static void scan_sees_every_record_once(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[LOG_SCAN_BYTES];
    unsigned random = 3;
    for (unsigned i = 1; i <= 20000; i++) {
        assert_true(ok(log_room(p)));
        log_insert(p, make_record(buf, some_len(&random), i));
    }
    lsn end = log_complete(f->shm.log);
    struct log_scan s;
    log_scan_begin(&s, LOG_FIRST, buf);
    const struct rec_head *r;
    lsn at, expected = LOG_FIRST;
    unsigned n = 0;
    while (ok(log_scan_next(p, &s, end, &r, &at))) {
        assert_int_equal(at.at, expected.at);
        assert_true(is_record(r));
        assert_int_equal(r->txid, ++n);
        expected.at += r->len;
    }
    assert_int_equal(n, 20000);
    assert_int_equal(expected.at, end.at);
    assert_in_range(f->calls[MSG_LOG_READ], 10, (end.at - LOG_FIRST.at) / LOG_SCAN_BYTES * 3);
}

/* The same backwards, as a chain is followed: close records come together. */
static void a_chain_is_read_backwards(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[LOG_SCAN_BYTES], record[REC_BYTES_MAX];
    static lsn at[20001];
    unsigned random = 3;
    for (unsigned i = 1; i <= 20000; i++) {
        assert_true(ok(log_room(p)));
        at[i] = log_insert(p, make_record(record, some_len(&random), i));
    }
    struct log_back b;
    const struct rec_head *r;
    log_back_begin(&b, buf);
    for (unsigned i = 20000; i >= 1; i -= i % 3 == 0 ? 2 : 1) { /* not every one */
        assert_true(ok(log_back_read(p, &b, at[i], &r)));
        assert_true(is_record(r));
        assert_int_equal(r->txid, i);
    }
    assert_in_range(f->calls[MSG_LOG_READ], 10, (at[20000].at - LOG_FIRST.at) / 16384);
    assert_int_equal(log_back_read(p, &b, (lsn){at[20000].at + 8}, &r).code, ST_INVALID);
    assert_int_equal(log_back_read(p, &b, (lsn){8}, &r).code, ST_STALE);
}

/* A bit of a chain's pointer is another: no place within a record is taken for one, however much
 * its bytes look like a record. */
static void a_flipped_pointer_leads_to_no_record(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[LOG_SCAN_BYTES];
    struct rec_head record[8]; /* one, and in its payload seven that are none */
    for (unsigned i = 0; i < 8; i++)
        record[i] = (struct rec_head){
            .len = i ? sizeof *record : sizeof record, .type = REC_FILLER, .txid = 9};
    while (atomic_load(&f->shm.log->tail) < RING + ((uint64_t)1 << 20)) {
        assert_true(ok(log_room(p)));
        log_insert(p, record);
    }
    struct log_back b;
    const struct rec_head *r;
    lsn at = {LOG_FIRST.at + 2000 * sizeof record};
    for (unsigned bit = 3; bit < 18; bit++) {
        lsn flipped = {at.at ^ (uint64_t)1 << bit};
        bool begins = (flipped.at - LOG_FIRST.at) % sizeof record == 0;
        log_back_begin(&b, buf);
        assert_true(ok(log_back_read(p, &b, at, &r)));
        status s = log_back_read(p, &b, flipped, &r);
        assert_int_equal(s.code, begins ? ST_OK : ST_DATA_CORRUPTED);
        assert_true(!begins || r->len == sizeof record);
    }
}

/* Records that say nothing up to the segment's end, durable; where a segment begins there are none,
 * and a rest that is smaller than any record is passed by one. */
static void a_switch_ends_the_segment(void **state) {
    enum { SEGMENT = 100000 };
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    struct log_shared *l = f->shm.log;
    struct rec_head record = {.len = sizeof record, .type = REC_ROLLED_BACK, .txid = 9};
    static _Alignas(8) char buf[LOG_SCAN_BYTES];
    struct log_scan scan;
    const struct rec_head *r;
    uint64_t begin = LOG_FIRST.at + SEGMENT, fillers = 0;
    lsn end, at;
    atomic_store(&l->segment_bytes, SEGMENT);
    log_insert(p, &record);
    assert_true(ok(log_switch(p, &end)));
    assert_int_equal(end.at, LOG_FIRST.at + sizeof record);
    assert_int_equal(atomic_load(&l->durable), begin);
    assert_true(ok(log_switch(p, &end)));
    assert_int_equal(end.at, begin);
    assert_int_equal(atomic_load(&l->tail), begin);

    log_scan_begin(&scan, (lsn){LOG_FIRST.at + sizeof record}, buf);
    while (ok(log_scan_next(p, &scan, (lsn){begin}, &r, &at)))
        fillers += r->type == REC_FILLER ? r->len : 0;
    assert_int_equal(fillers, SEGMENT - sizeof record);

    while (atomic_load(&l->tail) + sizeof record < begin + SEGMENT) log_insert(p, &record);
    assert_true(atomic_load(&l->tail) < begin + SEGMENT);
    assert_true(ok(log_switch(p, &end)));
    assert_in_range(atomic_load(&l->durable), begin + SEGMENT, begin + SEGMENT + sizeof record);
    f->flush_status = STATUS(DISK_FULL);
    log_insert(p, &record);
    assert_int_equal(log_switch(p, &end).code, ST_DISK_FULL);
}

static void commit_times_always_grow(void **state) {
    struct fixture *f = *state;
    commit_time last = 1000, time;
    for (unsigned i = 1; i < 100; i++) {
        f->wall = i % 10 == 0 ? 2000 : 5000 + i; /* the wall clock is set back now and then */
        lsn before = {atomic_load(&f->shm.log->tail)};
        lsn end = log_commit(&f->proc[i % 2], i, (lsn){i * 8}, map_entry(&f->shm, i), &time);
        assert_true(time > last);
        last = time;
        assert_int_equal(atomic_load(map_entry(&f->shm, i)), time);
        _Alignas(8) char buf[REC_BYTES_MAX];
        assert_true(ok(log_read(&f->proc[0], before, buf)));
        struct rec_head *r = (struct rec_head *)buf;
        assert_int_equal(r->type, REC_COMMIT);
        assert_int_equal(r->txid, i);
        assert_int_equal(r->txn_prev, i * 8);
        assert_int_equal(((struct rec_commit *)rec_payload(r))->time, time);
        assert_int_equal(before.at + r->len, end.at);
    }
}

static void failure_comes_out(void **state) {
    struct fixture *f = *state;
    struct proc *p = &f->proc[0];
    static _Alignas(8) char buf[REC_BYTES_MAX];
    log_insert(p, make_record(buf, 64, 1));
    f->flush_status = STATUS(DISK_FULL);
    lsn end = log_complete(f->shm.log);
    assert_int_equal(log_wait_durable(p, end).code, ST_DISK_FULL);
    atomic_store(&f->shm.log->failed, ST_IO_ERROR);
    assert_int_equal(log_room(p).code, ST_IO_ERROR);
    assert_int_equal(log_wait_durable(p, end).code, ST_IO_ERROR);
    assert_int_equal(log_wait_durable(p, LOG_FIRST).code, ST_OK);
}

/* Inserters, a logd and a reader as threads. Run under ThreadSanitizer as well. */
struct shared_run {
    struct fixture *f;
    _Atomic unsigned running;
    _Atomic uint64_t newest;
};
struct inserter {
    struct shared_run *run;
    unsigned index;
    uint64_t bytes;
};

static status thread_call(struct proc *p, uint16_t to, struct msg *m) {
    (void)to;
    while (atomic_load(&p->shm->log->durable) + RING < m->arg[0]) sched_yield();
    return OK;
}
static const struct env thread_env = {
    .wall_ns = fake_wall, .call = thread_call, .pause = fake_pause};

static void *insert_thread(void *arg) {
    struct inserter *me = arg;
    struct proc *p = &me->run->f->proc[me->index];
    _Alignas(8) char buf[REC_BYTES_MAX];
    unsigned random = me->index;
    for (unsigned i = 0; i < 12000; i++) {
        if (!ok(log_room(p))) abort();
        if (i % 5 == 0) {
            commit_time time;
            txid x = me->index * 100 + 1;
            log_commit(p, x, LSN_NONE, map_entry(p->shm, x), &time);
            me->bytes += LOG_COMMIT_BYTES;
            continue;
        }
        const struct rec_head *r = make_record(buf, some_len(&random), me->index * 100000 + i);
        lsn at = log_insert(p, r);
        me->bytes += r->len;
        atomic_store(&me->run->newest, at.at);
    }
    atomic_fetch_sub(&me->run->running, 1);
    return NULL;
}

static void *read_thread(void *arg) {
    struct shared_run *run = arg;
    _Alignas(8) char buf[REC_BYTES_MAX];
    uint64_t *found = calloc(1, sizeof *found);
    while (atomic_load(&run->running) > 0) {
        uint64_t at = atomic_load(&run->newest);
        if (at == 0) continue;
        /* The same place again and again, until it is overwritten. */
        for (;;) {
            status s = log_read_ring(&run->f->shm, (lsn){at}, buf);
            if (status_is(s, ST_NOT_FOUND)) break;
            if (!ok(s) || !is_record(buf)) abort();
            ++*found;
            if (atomic_load(&run->running) == 0) break;
        }
    }
    return found;
}

static void threads_insert_and_read(void **state) {
    struct fixture *f = *state;
    struct shared_run run = {.f = f, .running = THREADS};
    struct inserter inserters[THREADS];
    pthread_t threads[THREADS], reader;
    for (unsigned i = 0; i < THREADS; i++) {
        f->proc[i].env = &thread_env;
        inserters[i] = (struct inserter){.run = &run, .index = i};
        pthread_create(&threads[i], NULL, insert_thread, &inserters[i]);
    }
    pthread_create(&reader, NULL, read_thread, &run);
    uint64_t from = LOG_FIRST.at, expected = 0;
    commit_time last = 0;
    bool more = true;
    while (more) {
        more = atomic_load(&run.running) > 0;
        uint64_t to = log_complete(f->shm.log).at;
        while (from < to) {
            const struct rec_head *r = (void *)(f->shm.log_ring + (from & (RING - 1)));
            assert_true(ok(rec_valid(r, to - from)));
            if (r->type == REC_COMMIT) {
                commit_time time = ((const struct rec_commit *)rec_payload_c(r))->time;
                assert_true(time > last);
                last = time;
            } else {
                assert_true(is_record(r));
            }
            from += r->len;
        }
        atomic_store_explicit(&f->shm.log->durable, from, memory_order_release);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        expected += inserters[i].bytes;
    }
    uint64_t *found;
    pthread_join(reader, (void **)&found);
    assert_true(*found > 0);
    free(found);
    assert_int_equal(from - LOG_FIRST.at, expected);
    assert_int_equal(atomic_load(&f->shm.log->last_commit), last);
}

/* Repair. `dead` is process 0; process 1 goes on afterwards. */
static void words_are_clean(struct fixture *f) {
    struct log_slot *slot = &f->shm.log->slots[f->proc[0].owner.slot];
    assert_false(latch_word_held(atomic_load(&f->shm.log->insert.word)));
    assert_int_equal(atomic_load(&slot->start), LOG_IDLE);
    assert_int_equal(atomic_load(&slot->window_busy), 0);
    assert_int_equal(log_complete(f->shm.log).at, atomic_load(&f->shm.log->tail));
}

static void repair(struct fixture *f) {
    for (unsigned i = 0; i < 2; i++) {
        log_repair(&f->shm, f->proc[0].owner.slot, map_entry);
        words_are_clean(f);
    }
}

static void repair_latch_alone(void **state) {
    struct fixture *f = *state;
    latch_lock(&f->shm.log->insert, f->proc[0].owner);
    atomic_store(&f->shm.log->slots[f->proc[0].owner.slot].window_busy, 1);
    repair(f);
    assert_int_equal(atomic_load(&f->shm.log->tail), LOG_FIRST.at);
}

static void repair_leaves_anothers_latch(void **state) {
    struct fixture *f = *state;
    latch_lock(&f->shm.log->insert, f->proc[1].owner);
    log_repair(&f->shm, f->proc[0].owner.slot, map_entry);
    assert_true(latch_word_owned_by(atomic_load(&f->shm.log->insert.word), f->proc[1].owner));
    latch_unlock(&f->shm.log->insert);
}

static void repair_noted_not_reserved(void **state) {
    struct fixture *f = *state;
    struct log_slot *slot = &f->shm.log->slots[f->proc[0].owner.slot];
    for (unsigned change = 0; change < 2; change++) {
        latch_lock(&f->shm.log->insert, f->proc[0].owner);
        atomic_store(&slot->len, 128);
        atomic_store(&slot->start, LOG_FIRST.at);
        if (change) atomic_store(&slot->change_lsn, LOG_FIRST.at);
        repair(f);
        assert_int_equal(atomic_load(&slot->change_lsn), 0);
        assert_int_equal(atomic_load(&f->shm.log->tail), LOG_FIRST.at);
    }
}

static void expect_filler(struct fixture *f, uint64_t at, uint32_t len) {
    static _Alignas(8) char buf[REC_BYTES_MAX];
    assert_true(ok(log_read_ring(&f->shm, (lsn){at}, buf)));
    assert_int_equal(((struct rec_head *)buf)->type, REC_FILLER);
    assert_int_equal(((struct rec_head *)buf)->len, len);
}

/* Reserved, with the latch still held and without, half copied; another has inserted since. */
static void repair_unpublished(void **state) {
    struct fixture *f = *state;
    static _Alignas(8) char buf[REC_BYTES_MAX];
    struct log_slot *slot = &f->shm.log->slots[f->proc[0].owner.slot];
    for (unsigned held = 0; held < 2; held++) {
        lsn at;
        char *to = log_reserve(&f->proc[0], 640, &at);
        memset(to, 0xff, 320);
        uint64_t complete = at.at;
        if (held)
            latch_lock(&f->shm.log->insert, f->proc[0].owner);
        else
            log_insert(&f->proc[1], make_record(buf, 64, 9));
        assert_int_equal(log_complete(f->shm.log).at, complete);
        repair(f);
        assert_int_equal(atomic_load(&slot->change_lsn), 0);
        expect_filler(f, at.at, 640);
        if (!held) {
            assert_true(ok(log_read_ring(&f->shm, (lsn){at.at + 640}, buf)));
            assert_true(is_record(buf));
        }
        play_flush(f);
    }
}

static void repair_published_changes_nothing(void **state) {
    struct fixture *f = *state;
    static _Alignas(8) char buf[REC_BYTES_MAX];
    lsn at;
    char *to = log_reserve(&f->proc[0], 64, &at);
    memcpy(to, make_record(buf, 64, 5), 64);
    log_publish(&f->proc[0]);
    repair(f);
    assert_true(ok(log_read_ring(&f->shm, at, buf)));
    assert_true(is_record(buf));
    /* pool_repair looks at it and clears it */
    assert_int_equal(atomic_load(&f->shm.log->slots[f->proc[0].owner.slot].change_lsn), at.at);
}

/* The words of a commit as log_commit leaves them at each point. */
static uint64_t begin_commit(struct fixture *f, txid x, commit_time time, bool held,
                             bool last_commit) {
    struct log_shared *l = f->shm.log;
    struct log_slot *slot = &l->slots[f->proc[0].owner.slot];
    latch_lock(&l->insert, f->proc[0].owner);
    uint64_t at = atomic_load(&l->tail);
    atomic_store(&slot->is_commit, 1);
    atomic_store(&slot->txid, x);
    atomic_store(&slot->txn_prev, 4096);
    atomic_store(&slot->time, time);
    atomic_store(&slot->len, LOG_COMMIT_BYTES);
    atomic_store(&slot->start, at);
    atomic_store(&l->tail, at + LOG_COMMIT_BYTES);
    if (last_commit) atomic_store(&l->last_commit, time);
    if (!held) latch_unlock(&l->insert);
    return at;
}

static void repair_commit_undecided(void **state) {
    struct fixture *f = *state;
    uint64_t at = begin_commit(f, 7, 9000, true, false);
    repair(f);
    expect_filler(f, at, LOG_COMMIT_BYTES);
    assert_int_equal(atomic_load(&f->shm.log->last_commit), 9000);
    at = begin_commit(f, 8, 9500, false, true);
    repair(f);
    expect_filler(f, at, LOG_COMMIT_BYTES);
    assert_int_equal(atomic_load(map_entry(&f->shm, 8)), 0);
}

static void repair_commit_decided(void **state) {
    struct fixture *f = *state;
    uint64_t at = begin_commit(f, 8, 9500, false, true);
    atomic_store(map_entry(&f->shm, 8), 9500);
    memset(f->shm.log_ring + at, 0xff, 20);
    repair(f);
    static _Alignas(8) char buf[REC_BYTES_MAX];
    assert_true(ok(log_read_ring(&f->shm, (lsn){at}, buf)));
    struct rec_head *r = (struct rec_head *)buf;
    assert_int_equal(r->type, REC_COMMIT);
    assert_int_equal(r->txid, 8);
    assert_int_equal(r->txn_prev, 4096);
    assert_int_equal(((struct rec_commit *)rec_payload(r))->time, 9500);
    commit_time time;
    log_commit(&f->proc[1], 9, LSN_NONE, map_entry(&f->shm, 9), &time);
    assert_int_equal(time, 9501);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        T(insert_and_read_back),
        T(read_refuses_strange_places),
        T(spoilt_answers_are_asked_again),
        T(scan_sees_every_record_once),
        T(a_chain_is_read_backwards),
        T(a_flipped_pointer_leads_to_no_record),
        T(a_switch_ends_the_segment),
        T(commit_times_always_grow),
        T(failure_comes_out),
        T(threads_insert_and_read),
        T(repair_latch_alone),
        T(repair_leaves_anothers_latch),
        T(repair_noted_not_reserved),
        T(repair_unpublished),
        T(repair_published_changes_nothing),
        T(repair_commit_undecided),
        T(repair_commit_decided),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
