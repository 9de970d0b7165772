/* sequence.c: the values of sequences. */
#include "catalog/sequence.h"

#include "catalog/internal.h"
#include "session/session.h"

enum { STATE_LAST, STATE_LOG_COUNT, STATE_CALLED, STATE_COLUMNS };

#define LOG_AHEAD 32 /* values that PostgreSQL's log fetches ahead: what log_cnt counts */

static const char row_key[8] = {0};

bool sequence_step(const struct sequence_desc *d, int64_t *value) {
    int64_t next;
    if (__builtin_add_overflow(*value, d->increment, &next)) return false;
    if (d->increment > 0 ? next > d->max : next < d->min) return false;
    *value = next;
    return true;
}

/* ---- the row --------------------------------------------------------------------------------- */

static status read_row(struct sql_env *env, const struct relation *r, struct sequence_state *ret,
                       lsn *ret_version) {
    char buf[TREE_ENTRY_BYTES_MAX];
    struct tree_entry e;
    datum values[STATE_COLUMNS];
    uint8_t nulls[STATE_COLUMNS];
    status st = tree_get(env->proc, r->tree, row_key, sizeof row_key, buf, &e);
    if (status_is(st, ST_NOT_FOUND)) return STATUS(DATA_CORRUPTED);
    TRY(st);
    TRY(row_deform(r->row, e.value, e.value_len, STATE_COLUMNS, values, nulls, env->eval.arena));
    *ret = (struct sequence_state){values[STATE_LAST].i64, values[STATE_LOG_COUNT].i64,
                                   values[STATE_CALLED].b};
    *ret_version = e.lsn;
    return OK;
}

static status form_state(struct arena *a, const struct sequence_state *s, struct buf *out) {
    static const oid types[] = {INT8OID, INT8OID, BOOLOID};
    struct row_desc *desc;
    datum values[] = {datum_int8(s->last), datum_int8(s->log_count), datum_bool(s->called)};
    uint8_t nulls[STATE_COLUMNS] = {0};
    TRY(row_desc_new(a, types, STATE_COLUMNS, &desc));
    return row_form(desc, values, nulls, out);
}

/* ROW_CHANGED: somebody else was faster. */
static status write_row(struct sql_env *env, const struct relation *r, lsn expected,
                        const struct sequence_state *s) {
    struct tree_writer system = {0};
    struct buf row = {0};
    status st = form_state(env->eval.arena, s, &row);
    env->txn->changed_outside = true;
    if (ok(st))
        st = tree_update(env->proc, &system, r->tree, row_key, sizeof row_key, expected, row.data,
                         row.len, txn_is_running, NULL);
    buf_free(&row);
    return st;
}

status sequence_read(struct sql_env *env, const struct relation *r, struct sequence_state *ret) {
    lsn version;
    return read_row(env, r, ret, &version);
}

/* A system change, too: nobody finds the tree before the transaction that made it has committed,
 * and its rollback frees it whole. */
status sequence_begin(struct sql_env *env, struct tree t, const struct sequence_state *s) {
    struct tree_writer system = {0};
    struct buf row = {0};
    status st = form_state(env->eval.arena, s, &row);
    if (ok(st))
        st = tree_insert(env->proc, &system, t, row_key, sizeof row_key, row.data, row.len,
                         txn_is_running, NULL);
    buf_free(&row);
    return st;
}

/* ---- what the session remembers -------------------------------------------------------------- */

static struct session_sequence *find_memory(struct sql_env *env, oid sequence) {
    struct session_sequences *all = env->sequences;
    uint32_t n = all ? atomic_load(&all->n) : 0;
    for (uint32_t i = 0; i < n; i++)
        if (atomic_load(&all->s[i].oid) == sequence) return &all->s[i];
    return NULL;
}

/* Found or made; one just made remembers nothing (last and cached are the same). */
static status need_memory(struct sql_env *env, oid sequence, struct session_sequence **ret) {
    struct session_sequences *all = env->sequences;
    if (!all)
        return error_set(env->eval.error, ST_FEATURE_NOT_SUPPORTED, "sequences need a session");
    struct session_sequence *m = find_memory(env, sequence);
    if (!m) {
        uint32_t n = atomic_load(&all->n), oldest = 0;
        for (uint32_t i = 1; i < n; i++)
            if (all->s[i].met < all->s[oldest].met) oldest = i;
        m = &all->s[n < SESSION_SEQUENCES_MAX ? n : oldest];
        atomic_store(&m->oid, 0);
        *m = (struct session_sequence){0};
        if (n < SESSION_SEQUENCES_MAX) atomic_store(&all->n, n + 1);
    }
    m->met = ++all->meetings;
    *ret = m;
    return OK;
}

oid sequence_last_oid(const struct sql_env *env) {
    return env->sequences ? atomic_load(&env->sequences->last) : 0;
}

void sequence_forget(struct sql_env *env) {
    if (!env->sequences) return;
    atomic_store(&env->sequences->last, 0);
    atomic_store(&env->sequences->n, 0);
}

/* ---- finding --------------------------------------------------------------------------------- */

static status find(struct sql_env *env, oid sequence, enum relation_mode mode,
                   const struct relation **ret) {
    TRY(txn_lock_relation(env->proc, env->txn, sequence, mode, false,
                          env->settings->lock_timeout_ms));
    status st = catalog_relation(env, sequence, ret);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_INTERNAL_ERROR, "could not open relation with OID %u",
                         sequence);
    TRY(st);
    if ((*ret)->kind == 'S' && (*ret)->sequence) return OK;
    return error_set(env->eval.error, ST_WRONG_OBJECT_TYPE, "\"%s\" is not a sequence",
                     (*ret)->name);
}

static status may_write(struct sql_env *env, const struct relation *r, const char *function) {
    if (env->txn->read_only && r->persistence != 't')
        return error_set(env->eval.error, ST_READ_ONLY_SQL_TRANSACTION,
                         "cannot execute %s() in a read-only transaction", function);
    if (env->effect) env->effect(env);
    return OK;
}

/* ---- nextval --------------------------------------------------------------------------------- */

static status at_limit(struct sql_env *env, const struct relation *r, bool up) {
    const struct sequence_desc *d = r->sequence;
    return error_set(env->eval.error, ST_SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
                     up ? "nextval: reached maximum value of sequence \"%s\" (%lld)"
                        : "nextval: reached minimum value of sequence \"%s\" (%lld)",
                     r->name, (long long)(up ? d->max : d->min));
}

/* How many of at most LOG_AHEAD further values there are. */
static int64_t ahead(const struct sequence_desc *d, int64_t value) {
    int64_t n = 0;
    while (n < LOG_AHEAD && (sequence_step(d, &value) || d->cycle)) {
        if (d->cycle) return LOG_AHEAD;
        n++;
    }
    return n;
}

/* The values [*ret_first, state->last] are taken: one, and as many as the cache asks for up to the
 * end of the range. */
static status take_values(struct sql_env *env, const struct relation *r,
                          struct sequence_state *state, int64_t *ret_first) {
    const struct sequence_desc *d = r->sequence;
    bool up = d->increment > 0;
    int64_t first = state->last, taken = 1;
    if (state->called && !sequence_step(d, &first)) {
        if (!d->cycle) return at_limit(env, r, up);
        first = up ? d->min : d->max;
    }
    int64_t last = first;
    while (taken < d->cache && sequence_step(d, &last)) taken++;
    int64_t needed = taken - (state->called ? 0 : 1);
    bool fetched = state->called && state->log_count >= needed;
    state->log_count = fetched ? state->log_count - needed : ahead(d, last);
    state->last = last;
    state->called = true;
    *ret_first = first;
    return OK;
}

static status take(struct sql_env *env, const struct relation *r, int64_t *ret_first,
                   int64_t *ret_last) {
    for (;;) {
        struct sequence_state state;
        lsn version;
        TRY(read_row(env, r, &state, &version));
        TRY(take_values(env, r, &state, ret_first));
        status st = write_row(env, r, version, &state);
        *ret_last = state.last;
        if (!status_is(st, ST_ROW_CHANGED)) return st;
    }
}

status sequence_next(struct sql_env *env, oid sequence, int64_t *ret) {
    const struct relation *r;
    struct session_sequence *m;
    TRY(find(env, sequence, MODE_ROW_EXCLUSIVE, &r));
    TRY(may_write(env, r, "nextval"));
    TRY(need_memory(env, sequence, &m));
    bool known = atomic_load(&m->oid) == sequence;
    known = known && m->root == r->tree.root.no;
    if (known && (m->step > 0 ? m->last < m->cached : m->last > m->cached)) {
        m->last += m->step;
    } else {
        int64_t first, last;
        TRY(take(env, r, &first, &last));
        m->step = r->sequence->increment;
        m->root = r->tree.root.no;
        m->last = first;
        m->cached = last;
        atomic_store(&m->oid, sequence);
    }
    atomic_store(&env->sequences->last, sequence);
    *ret = m->last;
    return OK;
}

/* ---- setval, currval, lastval ---------------------------------------------------------------- */

status sequence_set(struct sql_env *env, oid sequence, int64_t value, bool called) {
    const struct relation *r;
    TRY(find(env, sequence, MODE_ROW_EXCLUSIVE, &r));
    TRY(may_write(env, r, "setval"));
    const struct sequence_desc *d = r->sequence;
    if (value < d->min || value > d->max)
        return error_set(env->eval.error, ST_NUMERIC_VALUE_OUT_OF_RANGE,
                         "setval: value %lld is out of bounds for sequence \"%s\" (%lld..%lld)",
                         (long long)value, r->name, (long long)d->min, (long long)d->max);
    struct sequence_state state = {value, 0, called};
    for (;;) {
        struct sequence_state before;
        lsn version;
        TRY(read_row(env, r, &before, &version));
        status st = write_row(env, r, version, &state);
        if (status_is(st, ST_ROW_CHANGED)) continue;
        TRY(st);
        break;
    }
    struct session_sequence *m = find_memory(env, sequence);
    if (!m && !called) return OK;
    TRY(need_memory(env, sequence, &m));
    if (called) m->last = value;
    m->cached = m->last; /* what was fetched before is no longer ours */
    m->step = d->increment;
    m->root = r->tree.root.no;
    if (called) atomic_store(&m->oid, sequence);
    return OK;
}

status sequence_current(struct sql_env *env, oid sequence, int64_t *ret) {
    const struct relation *r;
    TRY(find(env, sequence, MODE_ACCESS_SHARE, &r));
    const struct session_sequence *m = find_memory(env, sequence);
    if (!m)
        return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "currval of sequence \"%s\" is not yet defined in this session", r->name);
    *ret = m->last;
    return OK;
}

status sequence_last(struct sql_env *env, int64_t *ret) {
    oid sequence = env->sequences ? atomic_load(&env->sequences->last) : 0;
    const struct session_sequence *m = sequence ? find_memory(env, sequence) : NULL;
    const struct relation *r;
    status st = m ? catalog_relation(env, sequence, &r) : STATUS(NOT_FOUND);
    if (status_is(st, ST_NOT_FOUND))
        return error_set(env->eval.error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "lastval is not yet defined in this session");
    TRY(st);
    *ret = m->last;
    return OK;
}
