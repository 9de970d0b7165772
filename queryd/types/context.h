/* context.h: what evaluating a value may depend on besides its arguments.
 *
 * struct session_env is the session's (one per session, owned by the session; types only read it,
 * except random_state, clock_was_read, work_ns and warned). struct eval_env is handed down every
 * call: where results are allocated, where failures are described, and the session. */
#ifndef TYPES_CONTEXT_H
#define TYPES_CONTEXT_H

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "types/datum.h"
#include "types/encoding.h"

struct tz;
struct session_env;

enum date_style { DATE_STYLE_ISO, DATE_STYLE_SQL, DATE_STYLE_POSTGRES, DATE_STYLE_GERMAN };
enum interval_style {
    INTERVAL_STYLE_POSTGRES,
    INTERVAL_STYLE_VERBOSE,
    INTERVAL_STYLE_SQL,
    INTERVAL_STYLE_ISO
};
enum date_order { DATE_ORDER_MDY, DATE_ORDER_DMY, DATE_ORDER_YMD };
enum bytea_output { BYTEA_HEX, BYTEA_ESCAPE };

/* The object-identifier types whose text form is a name. */
enum reg_kind {
    REG_CLASS,
    REG_TYPE,
    REG_PROC,
    REG_PROCEDURE,
    REG_OPER,
    REG_OPERATOR,
    REG_NAMESPACE,
    REG_ROLE,
    REG_COLLATION,
};

/* Names of catalog objects, answered by whoever owns the catalogs. Any pointer may be NULL: then
 * only digits are understood and printed (built-in types always work). */
struct name_service {
    /* The oid behind a (possibly qualified, possibly quoted) name; fails with PostgreSQL's "does
     * not exist" error. */
    status (*lookup)(struct session_env *, enum reg_kind, const char *name, struct error *,
                     oid *ret);
    /* Appends the name, qualified when the search path would not find it; NOT_FOUND: print digits.
     */
    status (*print)(struct session_env *, enum reg_kind, oid, struct buf *out);
    /* Roles by their bare names: 42704 role "x" does not exist; NOT_FOUND. */
    status (*role_oid)(struct session_env *, const char *name, struct error *, oid *ret);
    status (*role_name)(struct session_env *, oid, char ret_name[NAME_BYTES]);
};

struct session_env {
    const struct tz *time_zone; /* never NULL after session_env_init (UTC) */
    int64_t statement_us;       /* microseconds since 2000-01-01 00:00 UTC */
    int64_t transaction_us;     /* now() */
    enum date_style date_style; /* of output; input understands all */
    enum date_order date_order;
    enum interval_style interval_style;
    enum bytea_output bytea_output;
    enum encoding client_encoding; /* client_text.h */
    int32_t extra_float_digits;    /* 1: shortest that reads back the same */
    uint64_t random_state[2];      /* never both 0 */
    bool clock_was_read;           /* set by input that depends on the moment: 'now', 'today' … */
    const struct name_service *names;
    void *session; /* the session itself, for functions registered by other parts */
    /* Gives way to other sessions; QUERY_CANCELED, described, when the statement is to end. NULL:
     * nobody waits. */
    status (*turn)(struct session_env *, struct error *);
    uint32_t work_ns; /* done by single calls since the last turn */
    /* Tells the client of what is done otherwise than was asked for. NULL: nobody is told. */
    void (*warn)(struct session_env *, const char *sqlstate, const char *words);
    bool warned; /* set with it */
};

/* Defaults: UTC, MDY, hex, extra_float_digits 1; the seed must not be 0. */
void session_env_init(struct session_env *, uint64_t seed);

struct eval_env {
    struct arena *arena; /* results and scratch live here */
    struct error *error;
    struct session_env *session;
};

#define EVAL_TURN_NS 100000

/* eval_work's turn. */
status eval_turn(const struct eval_env *);

/* To be called by whatever may take long over one large value, again and again, with about the
 * nanoseconds of work since. Other sessions may run meanwhile, the same plan's calls among them:
 * what a call site keeps is not to be in use across it. QUERY_CANCELED, described. */
static inline status eval_work(const struct eval_env *env, size_t ns) {
    struct session_env *s = env->session;
    if (!s || ns + s->work_ns < EVAL_TURN_NS) {
        if (s) s->work_ns += (uint32_t)ns;
        return OK;
    }
    return eval_turn(env);
}

#endif
