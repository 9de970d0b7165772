/* Serializable snapshot isolation: pairs, the life of a transaction, and who is given up. */
#include "txn/serial_internal.h"

#include <string.h>

static const char *reason = "";

status serial_words(struct error *e, status s) {
    if (!status_is(s, ST_SERIALIZATION_FAILURE)) return s;
    status_ignore(error_set(e, s.code, /* returned below */
                            "could not serialize access due to read/write dependencies among "
                            "transactions"));
    error_detail(e, "Reason code: %s", reason);
    error_hint(e, "The transaction might succeed if retried.");
    return s;
}

static status fails(const char *why) {
    reason = why;
    return STATUS(SERIALIZATION_FAILURE);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* reader → writer → some T3 that committed before both. */
static bool writer_is_pivot(struct shm *shm, const struct serial_slot *reader,
                            const struct serial_slot *writer) {
    uint64_t turn, time;
    serial_first_out(shm, writer, &turn, &time);
    if (turn == SERIAL_NEVER) return false;
    if (turn > atomic_load(&reader->end_turn) || turn > atomic_load(&writer->end_turn))
        return false;
    return !atomic_load(&reader->read_only) || time <= atomic_load(&reader->snapshot);
}

/* Some T1 → reader → writer, of which the writer committed first. */
static bool reader_is_pivot(struct shm *shm, const struct serial_slot *reader,
                            const struct serial_slot *writer) {
    const struct serial_shared *shared = shm->serial;
    if (!serial_has_turn(writer) || atomic_load(&reader->read_only)) return false;
    if (atomic_load(&reader->summary_in)) return true;
    for (uint32_t i = serial_next_bit(reader->in, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(reader->in, i + 1)) {
        const struct serial_slot *first = &shared->slot[i];
        if (atomic_load(&first->doomed)) continue;
        if (atomic_load(&first->end_turn) < atomic_load(&writer->turn)) continue;
        if (atomic_load(&first->read_only) &&
            serial_time_now(shm, writer) > atomic_load(&first->snapshot))
            continue;
        return true;
    }
    return false;
}

/* Under the latch. `own` is one of the two. */
static status add_pair(struct shm *shm, struct serial_slot *own, struct serial_slot *reader,
                       struct serial_slot *writer) {
    const struct serial_shared *shared = shm->serial;
    if (serial_bit(reader->out, serial_index(shared, writer))) return OK;
    serial_set_bit(reader->out, serial_index(shared, writer), true);
    serial_set_bit(writer->in, serial_index(shared, reader), true);
    if (!writer_is_pivot(shm, reader, writer) && !reader_is_pivot(shm, reader, writer)) return OK;
    struct serial_slot *victim = serial_has_turn(writer) ? own : writer;
    atomic_store(&victim->doomed, true); /* also if it goes back to a savepoint */
    if (victim != own) return OK;
    return fails(own == writer ? "Canceled on identification as a pivot, during write."
                               : "Canceled on conflict out to pivot, during read.");
}

/* ---- the transaction's life ------------------------------------------------------------------ */

static void lock(struct proc *p) {
    latch_lock(&p->shm->serial->latch, p->owner);
}

static void unlock(struct proc *p) {
    latch_unlock(&p->shm->serial->latch);
}

static struct serial_slot *find_free(struct serial_shared *shared) {
    for (uint32_t i = 0; i < SERIAL_SLOTS; i++) {
        if (serial_bit(shared->used, i)) continue;
        if (i >= atomic_load(&shared->high)) atomic_store(&shared->high, i + 1);
        return &shared->slot[i];
    }
    return NULL;
}

static void open_slot(struct serial_shared *shared, struct serial_slot *s, struct owner owner) {
    reads_clear(&s->reads);
    atomic_store(&s->x, 0);
    atomic_store(&s->snapshot, 0);
    atomic_store(&s->turn, 0);
    atomic_store(&s->end_turn, SERIAL_NEVER);
    atomic_store(&s->commit_time, 0);
    atomic_store(&s->gone_turn, SERIAL_NEVER);
    atomic_store(&s->gone_time, SERIAL_NEVER);
    atomic_store(&s->read_only, false);
    atomic_store(&s->doomed, false);
    atomic_store(&s->summary_in, false);
    atomic_store(&s->begin_turn, atomic_load(&shared->turn));
    atomic_store(&s->owner, owner_word(owner));
    serial_set_state(s, SERIAL_ACTIVE);
    serial_set_bit(shared->used, serial_index(shared, s), true);
}

status serial_begin(struct proc *p, struct txn *t) {
    struct serial_shared *shared = p->shm->serial;
    CHECK(!t->serial);
    lock(p);
    serial_clean_up(p->shm);
    serial_forget_summary(p->shm);
    struct serial_slot *s = find_free(shared);
    if (!s) {
        serial_summarize(p->shm);
        s = find_free(shared);
    }
    if (s) open_slot(shared, s, p->owner);
    unlock(p);
    t->serial = s;
    return s ? OK : STATUS(OUT_OF_MEMORY);
}

void serial_begun(struct txn *t) {
    if (!t->serial) return;
    atomic_store(&t->serial->read_only, t->read_only);
    if (t->writer.x) atomic_store(&t->serial->x, t->writer.x);
    atomic_store(&t->serial->snapshot, t->snap.time);
}

void serial_has_id(struct txn *t) {
    if (t->serial) atomic_store(&t->serial->x, t->writer.x);
}

/* Others may have chosen us. */
static status live(const struct txn *t) {
    if (!atomic_load(&t->serial->doomed)) return OK;
    return fails("Canceled on identification as a pivot, during conflict checking.");
}

status serial_read_key(struct txn *t, struct tree tree, const void *key, size_t len) {
    reads_add_key(&t->serial->reads, tree.root.no, reads_hash(tree.root.no, key, len));
    atomic_thread_fence(memory_order_seq_cst);
    return live(t);
}

status serial_read_range(struct txn *t, struct tree tree, const void *low, size_t low_len,
                         const void *high, size_t high_len) {
    reads_add_range(&t->serial->reads, tree.root.no, low, low_len, high, high_len);
    atomic_thread_fence(memory_order_seq_cst);
    return live(t);
}

/* Who wrote a version: by its id, or by the time at which it committed. */
static struct serial_slot *find_writer(struct proc *p, stamp of) {
    struct serial_shared *shared = p->shm->serial;
    SERIAL_EACH(shared, i) {
        struct serial_slot *s = &shared->slot[i];
        uint64_t x = atomic_load(&s->x);
        if (!x) continue;
        if (stamp_is_txid(of) ? x == stamp_txid(of) : atomic_load(&s->commit_time) == of) return s;
        commit_time time;
        bool ending = !stamp_is_txid(of) && serial_state_of(s) == SERIAL_PREPARED;
        if (ending && txn_fate(p->shm, x, &time, NULL) == FATE_COMMITTED && time == of) return s;
    }
    return NULL;
}

/* A writer who is in the summary has, for all we know, the first pair of them all. */
static status passed_summary(const struct serial_shared *shared, const struct txn *t, stamp of) {
    const struct serial_summary *sum = &shared->summary;
    if (stamp_is_txid(of) || of > atomic_load(&sum->commit_time)) return OK;
    uint64_t time = atomic_load(&sum->out_time);
    if (atomic_load(&sum->out_turn) == SERIAL_NEVER) return OK;
    if (t->read_only && time > t->snap.time) return OK;
    return fails("Canceled on conflict out to old pivot.");
}

status serial_passed(struct proc *p, struct txn *t, const struct tree_entry *version) {
    struct serial_shared *shared = p->shm->serial;
    if (stamp_is_txid(version->stamp)) {
        txid x = stamp_txid(version->stamp);
        if (x == t->writer.x || txn_fate(p->shm, x, NULL, NULL) == FATE_ROLLED_BACK) return OK;
    }
    TRY(live(t));
    lock(p);
    struct serial_slot *writer = find_writer(p, version->stamp);
    status s = OK;
    if (writer && writer != t->serial)
        s = add_pair(p->shm, t->serial, t->serial, writer);
    else if (!writer)
        s = passed_summary(shared, t, version->stamp);
    unlock(p);
    return s;
}

/* A slot that has read it, and had not ended when we began; it may have changed hands since. */
static bool concerns(const struct serial_slot *s, const struct serial_slot *own, uint64_t root,
                     uint64_t hash, const void *key, size_t len) {
    enum serial_state state = serial_state_of(s);
    if (s == own || state == SERIAL_FREE) return false;
    if (state == SERIAL_COMMITTED && serial_was_before(s, own)) return false;
    return reads_cover(&s->reads, root, hash, key, len);
}

static status meet_reader(struct proc *p, struct txn *t, uint32_t i, uint64_t word) {
    struct serial_shared *shared = p->shm->serial;
    struct serial_slot *reader = &shared->slot[i];
    if (serial_bit(t->serial->in, i)) return OK;
    status s = OK;
    lock(p);
    bool same_life = atomic_load(&reader->word) >> 8 == word >> 8;
    if (same_life && serial_state_of(reader) != SERIAL_FREE && !atomic_load(&reader->doomed))
        s = add_pair(p->shm, t->serial, reader, t->serial);
    unlock(p);
    return s;
}

static status meet_summary(struct proc *p, struct txn *t, uint64_t root, uint64_t hash,
                           const void *key, size_t len) {
    struct serial_shared *shared = p->shm->serial;
    const struct serial_summary *sum = &shared->summary;
    struct serial_slot *own = t->serial;
    if (atomic_load(&sum->end_turn) <= atomic_load(&own->begin_turn) &&
        atomic_load(&sum->commit_time) <= atomic_load(&own->snapshot))
        return OK;
    if (!reads_cover(&sum->reads, root, hash, key, len)) return OK;
    uint64_t turn, time;
    lock(p);
    atomic_store(&own->summary_in, true);
    serial_first_out(p->shm, own, &turn, &time);
    unlock(p);
    return turn == SERIAL_NEVER ? OK
                                : fails("Canceled on identification as a pivot, during write.");
}

status serial_wrote(struct proc *p, struct txn *t, struct tree tree, const void *key, size_t len) {
    if (!t->serial) return OK;
    struct serial_shared *shared = p->shm->serial;
    uint64_t root = tree.root.no, hash = reads_hash(root, key, len);
    atomic_thread_fence(memory_order_seq_cst);
    SERIAL_EACH(shared, i) {
        const struct serial_slot *s = &shared->slot[i];
        uint64_t word = atomic_load(&s->word);
        if (concerns(s, t->serial, root, hash, key, len)) TRY(meet_reader(p, t, i, word));
    }
    TRY(meet_summary(p, t, root, hash, key, len));
    return live(t);
}

/* ---- the end --------------------------------------------------------------------------------- */

/* We commit first of T1 → reader → us: the reader must not commit, unless T1 did, or is a reader
 * that began before us. */
static bool is_pivot_before(const struct serial_shared *shared, const struct serial_slot *reader,
                            const struct serial_slot *own) {
    for (uint32_t i = serial_next_bit(reader->in, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(reader->in, i + 1)) {
        const struct serial_slot *first = &shared->slot[i];
        if (first == own) return true;
        if (serial_state_of(first) != SERIAL_COMMITTED && !atomic_load(&first->read_only) &&
            !atomic_load(&first->doomed))
            return true;
    }
    return false;
}

static uint64_t next_turn(struct serial_shared *shared) {
    return atomic_fetch_add(&shared->turn, 1) + 1;
}

/* Under the latch; time: of its commit, 1: it has written nothing. */
void serial_set_committed(struct serial_shared *shared, struct serial_slot *s, commit_time time) {
    atomic_store(&s->commit_time, time);
    atomic_store(&s->end_turn, next_turn(shared));
    serial_set_state(s, SERIAL_COMMITTED);
    atomic_store(&s->owner, 0);
}

static status prepare(struct serial_shared *shared, struct serial_slot *own) {
    if (atomic_load(&own->doomed))
        return fails("Canceled on identification as a pivot, during commit attempt.");
    for (uint32_t i = serial_next_bit(own->in, 0); i < SERIAL_SLOTS;
         i = serial_next_bit(own->in, i + 1)) {
        struct serial_slot *reader = &shared->slot[i];
        if (serial_state_of(reader) == SERIAL_COMMITTED || atomic_load(&reader->doomed)) continue;
        if (!is_pivot_before(shared, reader, own)) continue;
        if (serial_state_of(reader) == SERIAL_PREPARED)
            return fails("Canceled on commit attempt with conflict in from prepared pivot.");
        atomic_store(&reader->doomed, true);
    }
    atomic_store(&own->turn, next_turn(shared));
    serial_set_state(own, SERIAL_PREPARED);
    return OK;
}

status serial_prepare(struct proc *p, struct txn *t) {
    if (!t->serial) return OK;
    lock(p);
    status s = prepare(p->shm->serial, t->serial);
    unlock(p);
    return s;
}

void serial_committed(struct proc *p, struct txn *t, commit_time time) {
    struct serial_slot *s = t->serial;
    if (!s) return;
    lock(p);
    if (!time) atomic_store(&s->read_only, true);
    serial_set_committed(p->shm->serial, s, time ? time : 1);
    serial_clean_up(p->shm);
    unlock(p);
    t->serial = NULL;
}

void serial_rolled_back(struct proc *p, struct txn *t) {
    if (!t->serial) return;
    lock(p);
    serial_free(p->shm->serial, t->serial);
    serial_clean_up(p->shm);
    unlock(p);
    t->serial = NULL;
}
