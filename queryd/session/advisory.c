/* Advisory locks: of a transaction, or of the session (shared/txn/txn.h). */
#include <stdio.h>

#include "session/functions.h"
#include "session/session_private.h"

static struct lock_tag key_of(const struct fn_call *c) {
    uint32_t database = session_of_call(c)->slot->database_oid;
    if (c->nargs == 1) return (struct lock_tag){LOCK_ADVISORY, database, c->args[0].u64};
    return (struct lock_tag){LOCK_ADVISORY_PAIR, database,
                             (uint64_t)c->args[0].u32 << 32 | c->args[1].u32};
}

struct advisory_wish {
    enum relation_mode mode;
    bool of_session, try;
};

static status lock(struct fn_call *c, struct advisory_wish w) {
    struct session *s = session_of_call(c);
    struct sql_env *env = &s->env;
    uint32_t timeout = env->settings->lock_timeout_ms;
    status st;
    if (w.of_session) {
        session_note_effect(s);
        st = txn_session_lock(env->proc, &s->txn, &s->locks, session_number(s), key_of(c), w.mode,
                              w.try, timeout);
    } else {
        st = txn_lock(env->proc, &s->txn, key_of(c), w.mode, w.try, timeout);
    }
    if (status_is(st, ST_QUERY_CANCELED)) TRY(sql_env_breathe(env)); /* knows why */
    bool busy = w.try && status_is(st, ST_LOCK_NOT_AVAILABLE);
    if (w.try) c->result = datum_bool(!busy);
    return busy ? OK : st;
}

static status unlock(struct fn_call *c, enum relation_mode mode) {
    struct session *s = session_of_call(c);
    char words[64];
    session_note_effect(s);
    bool had = txn_session_unlock(s->env.proc, &s->locks, key_of(c), mode);
    c->result = datum_bool(had);
    if (had) return OK;
    snprintf(words, sizeof words, "you don't own a lock of type %s",
             mode == MODE_EXCLUSIVE ? "ExclusiveLock" : "ShareLock");
    send_notice(&s->env, "WARNING", "01000", words, NULL);
    return OK;
}

#define ADVISORY(name, ...)                                                                        \
    static status name(struct fn_call *c) {                                                        \
        return lock(c, (struct advisory_wish){__VA_ARGS__});                                       \
    }
ADVISORY(advisory_lock, MODE_EXCLUSIVE, .of_session = true)
ADVISORY(advisory_lock_shared, MODE_SHARE, .of_session = true)
ADVISORY(try_advisory_lock, MODE_EXCLUSIVE, .of_session = true, .try = true)
ADVISORY(try_advisory_lock_shared, MODE_SHARE, .of_session = true, .try = true)
ADVISORY(advisory_xact_lock, MODE_EXCLUSIVE)
ADVISORY(advisory_xact_lock_shared, MODE_SHARE)
ADVISORY(try_advisory_xact_lock, MODE_EXCLUSIVE, .try = true)
ADVISORY(try_advisory_xact_lock_shared, MODE_SHARE, .try = true)

static status advisory_unlock(struct fn_call *c) {
    return unlock(c, MODE_EXCLUSIVE);
}

static status advisory_unlock_shared(struct fn_call *c) {
    return unlock(c, MODE_SHARE);
}

static status advisory_unlock_all(struct fn_call *c) {
    struct session *s = session_of_call(c);
    session_note_effect(s);
    txn_session_unlock_all(s->env.proc, &s->locks);
    return OK;
}

void advisory_functions_register(void) {
    static const struct {
        oid one, two; /* with a bigint, with two integers */
        fn_scalar *body;
    } list[] = {{2880, 2886, advisory_lock},          {2881, 2887, advisory_lock_shared},
                {2882, 2888, try_advisory_lock},      {2883, 2889, try_advisory_lock_shared},
                {2884, 2890, advisory_unlock},        {2885, 2891, advisory_unlock_shared},
                {3089, 3093, advisory_xact_lock},     {3090, 3094, advisory_xact_lock_shared},
                {3091, 3095, try_advisory_xact_lock}, {3092, 3096, try_advisory_xact_lock_shared},
                {2892, 2892, advisory_unlock_all}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        status_ignore(function_register(list[i].one, list[i].body)); /* all are listed */
        status_ignore(function_register(list[i].two, list[i].body));
    }
}
