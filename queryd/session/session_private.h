/* session_private.h: one client's session, private to the worker that serves it.
 *
 * A session has a coroutine only while it works on messages (session_run): what lasts longer than a
 * message stands here or in the slot of shared memory. States of the transaction block:
 *
 *     NONE ──BEGIN──→ BLOCK ──error──→ FAILED
 *      ↑ ↑──COMMIT, ROLLBACK──┘           │
 *      └────────────ROLLBACK──────────────┘   (ROLLBACK TO leads back to BLOCK)
 *
 * Outside a block a statement, a simple query's statements, or an extended sequence up to Sync make
 * one implicit transaction. */
#ifndef SESSION_PRIVATE_H
#define SESSION_PRIVATE_H

#include "catalog/log_on.h"
#include "exec/copy.h"
#include "exec/statement.h"
#include "net/wire.h"
#include "session/settings.h"

struct worker;
struct plan_cache;

/* With 40001, to who had something under way in a worker that died. */
#define SESSION_LOST_WORDS "the transaction was rolled back because its worker restarted; retry"

enum block_state { BLOCK_NONE, BLOCK_OPEN, BLOCK_FAILED };

struct savepoint {
    struct savepoint *outer;
    struct txn_mark mark;
    uint32_t locks;          /* txn_lock_mark */
    bool read_only;          /* when it was made, and again when it is left */
    uint32_t saved_settings; /* entries of the undo list before it */
    char name[NAME_BYTES];
};

/* A prepared statement. What a plan is made for is its text; utility statements keep their tree. */
struct prepared {
    struct prepared *next;
    uint64_t name_hash; /* beside next: a search touches one cache line of each */
    char *name;         /* "" the unnamed */
    char *text;         /* of this one statement */
    size_t text_len;
    uint64_t fingerprint; /* of the text: plan_cache_fingerprint */
    uint16_t ntypes;      /* parameter types as declared by the client */
    oid *types;
    struct statement *statement; /* one reference; NULL for utility and empty statements */
    struct node *utility;        /* in arena */
    struct arena arena;
    int64_t prepared_us;
    char *written; /* by PREPARE: that statement; NULL: as the text, or the worker changed since */
    uint64_t generic_plans,
        custom_plans;   /* executions by the one plan kept, by one made for them */
    double custom_cost; /* of the latter, together */
    bool from_sql;
    uint32_t references; /* its name, and portals that run its utility statement */
};

struct cursor;
struct kept_answer;

struct portal {
    struct portal *next;
    char *name;
    struct arena arena; /* parameters, execution, everything */
    struct statement *statement;
    struct prepared *utility; /* whose utility statement it runs: one reference */
    const char *text;         /* of the statement, for error positions */
    size_t text_len;
    uint64_t fingerprint; /* of the text: plan_cache_fingerprint */
    uint16_t nparams;
    datum *params;
    uint8_t *nulls;
    uint16_t nformats;
    uint16_t *formats; /* of result columns; 0 or 1 entries speak for all */
    struct execution *execution;
    struct snapshot snapshot;
    const struct batch *batch; /* fetched and not yet used up (cursors) */
    uint16_t batch_at;
    bool done;
    bool describe;      /* its columns are to be told once it runs */
    bool failed;        /* it cannot be asked for more */
    uint32_t level;     /* savepoints around it */
    int64_t created_us; /* microseconds since 2000 */
    const char
        *tag_again; /* of a utility statement that has given its rows; NULL: it may not run again */
    struct cursor *cursor;      /* by DECLARE (cursor.h); NULL: it was bound */
    struct kept_answer *answer; /* of a utility statement that is taken a few rows at a time */
};

/* As it was asked for: READ UNCOMMITTED does what READ COMMITTED does. */
enum isolation_level {
    LEVEL_READ_COMMITTED,
    LEVEL_READ_UNCOMMITTED,
    LEVEL_REPEATABLE_READ,
    LEVEL_SERIALIZABLE
};

/* plan_cache_mode */
enum plan_mode { PLAN_MODE_AUTO, PLAN_MODE_GENERIC, PLAN_MODE_CUSTOM };

struct session {
    uint64_t temp_bytes;         /* in temporary space */
    struct session *next, *prev; /* of the worker */
    struct session *next_answer; /* of those whose answers go out together */
    struct worker *worker;
    uint32_t index; /* of its slot */
    struct session_slot *slot;
    struct wire wire;
    bool started;      /* past start-up */
    bool ending;       /* 'X', a fatal error, end of file */
    bool running;      /* a coroutine works on it, or its answer is still to be sent */
    bool in_sequence;  /* several statements of one query string share a transaction */
    bool in_pipeline;  /* so do those before Sync, and one has run */
    bool kept;         /* the guardian has a copy of the socket */
    bool lost;         /* the open block died with its worker, and the client does not know yet */
    bool portals_lost; /* those of the open sequence died with its worker */
    bool cursors_lost; /* held cursors died with its worker */
    bool rested;       /* no message was worked on when its last worker died */
    bool restoring; /* the session is put together from its slot: nothing is told to the client */
    enum status_code end_code; /* it is to end for this reason; ST_OK: it is not */
    const char *end_words;
    uint64_t idle_until_ns; /* monotonic: when an idle time-out ends it; 0: never */
    bool last_statement;    /* of a simple query: what runs now has nothing behind it */
    enum block_state block;
    struct savepoint *savepoints; /* innermost first, in txn_arena */

    struct sql_env env;
    struct txn txn;
    struct txn locks; /* what the session has locked beyond transactions */
    struct sql_settings settings;
    struct session_env values;
    struct error error;
    struct setting_values setting_values;
    enum isolation_level isolation; /* of the running transaction, or of the next one */
    bool next_read_only;
    bool deferrable; /* of the transaction, or of the next one */
    struct {
        enum isolation_level isolation;
        bool read_only, deferrable;
    } defaults;        /* of a transaction: default_transaction_… */
    bool commits_wait; /* for the log: synchronous_commit */
    enum plan_mode plan_mode;
    bool listens;         /* the transaction has said LISTEN */
    bool notified;        /* the transaction has said NOTIFY */
    uint64_t notify_seen; /* control.notifications when it was last told */

    struct arena arena; /* the session's */
    struct arena txn_arena;
    struct arena statement_arena; /* of what runs; reset between statements */

    struct prepared *prepared;
    size_t statement_end;      /* where the statement that runs ends in env.text; 0: with it */
    uint16_t utility_nformats; /* of the rows of the utility statement that was bound; 0: text */
    const uint16_t *utility_formats;
    struct kept_answer *answer; /* where rows go instead of to the client; NULL: to the client */
    struct portal *portals;
    struct copy *copy_in; /* COPY FROM STDIN is under way */
    bool copy_extended;
    char *copy_text;   /* heap: the query string, when statements follow COPY in it; else NULL */
    int32_t copy_next; /* the first of them */
};

/* session.c */
/* The catalogs of its database. May suspend. */
status session_choose_catalog(struct session *s);
void session_init(struct session *s); /* with worker, slot and wire set: everything else */
status session_new(struct worker *w, int fd, struct session **ret_session);
void session_free(struct session *s);
/* The coroutine's body: works until no whole message is left. */
void session_run(void *session);
/* The coroutine's body that tells the client of the error recorded and ends the session. */
void session_end(void *session);
/* Watches the connection, from now on. False: it cannot, the session is freed. */
bool session_watch(struct session *s);
/* Frees what this worker keeps of the session; its slot and connection are left to the next one. */
void session_leave(struct session *s);

/* notify.c: LISTEN, UNLISTEN, NOTIFY. */
status notify_execute(struct session *s, const struct ast_notify *n, const char **ret_tag);
status notify_unlisten_all(struct session *s);
void notify_before_commit(struct session *s);
void notify_transaction_ended(struct session *s, bool committed);
/* Outside a block there is, or may be, something to tell. */
bool notify_is_due(const struct session *s);
/* Tells the client; in the session's coroutine, without a transaction. */
void notify_tell(struct session *s);

/* wait_ready.c: as env->wait_ready. */
status session_wait_ready(struct sql_env *env, int fd, bool to_write);

/* hand_over.c: sessions from worker to worker (shared/session). */
/* What runs now changes something: the open sequence cannot be begun again. */
void session_note_effect(struct session *s);
/* What runs now needs the block that was open when the sequence began: it cannot be begun again in
 * another worker, where that block is lost. */
void session_note_block(struct session *s);
/* Before a message counts as received. */
void session_note_message(struct session *s, char type);
/* Around a commit: what its answer is, should this worker not live to give it. tag NULL:
 * ReadyForQuery alone. */
void session_commit_begins(struct session *s, const char *tag);
void session_commit_ends(struct session *s, bool committed);
/* From the slot; then goes on where its last worker stood. */
status session_take_up(struct worker *w, uint32_t index, uint32_t generation, int fd);
/* The wall clock: microseconds since 2000-01-01 00:00 UTC. */
int64_t session_now_us(struct session *s);
/* client_address.c: when it came, and from where, in its slot. */
void session_note_client(struct session *s, int fd);
/* Of a client's address in a slot: inet. */
status session_address_datum(const struct eval_env *env, const char *address, datum *ret);
/* The session rests between two sequences, outside a block. */
bool session_may_leave(const struct session *s);
/* A cancel request has come, or the client has gone: ends a wait for a lock. */
void session_cancel(struct session *s);

/* As locks beyond transactions name it. */
static inline uint64_t session_number(const struct session *s) {
    return (uint64_t)atomic_load(&s->slot->generation) << 32 | s->index;
}
/* It is to end (pg_terminate_backend, a time-out), with these words to its client. */
void session_terminate(struct session *s, enum status_code code, const char *words);

/* protocol.c: messages out, and strings, in the client's encoding */
/* A string of a message, as UTF8, in place or in the statement's arena. */
status read_string(struct session *s, struct wire_reader *r, const char **ret);
/* Into the message that is being built, with its NUL. 22P05, and nothing was put. */
status put_string(struct session *s, const char *text);
void send_error(struct session *s, const char *severity);
void send_notice(struct sql_env *env, const char *severity, const char *sqlstate,
                 const char *message, const char *detail);
/* 42622 for each name of the text that is cut. OUT_OF_MEMORY. */
status send_cut_names(struct session *s, const char *text, size_t len);
void send_parameter_status(struct session *s, const char *name, const char *value);
void send_ready(struct session *s);
void send_complete(struct session *s, const char *tag);
status send_row_description(struct session *s, uint16_t n, const struct result_column *columns,
                            uint16_t nformats, const uint16_t *formats);
/* One result row per row of the batch from `from` on, at most `limit`. */
struct row_sender;
status row_sender_new(struct session *s, struct arena *a, uint16_t n,
                      const struct result_column *columns, uint16_t nformats,
                      const uint16_t *formats, struct row_sender **ret_sender);
status row_sender_send(struct row_sender *r, const struct batch *b, uint16_t from, uint16_t limit);
/* A row of texts, for SHOW and its like: described as text columns. */
status send_text_row(struct session *s, uint16_t n, const char *const *values);

/* block.c: transactions as statements see them */
/* By SQL's names; what is none of them is READ COMMITTED. */
const char *isolation_name(enum isolation_level level);
enum isolation_level isolation_named(const char *name);
status block_ensure_txn(struct session *s);      /* begins an implicit one where there is none */
status block_statement_begin(struct session *s); /* transaction, snapshot, clock, cancel flag */
void block_statement_resume(struct session *s);  /* the same for one that has begun already */
/* error_from_status, which knows of statement_timeout, too. */
status block_words(struct session *s, status st);
void block_statement_end(struct session *s); /* READ COMMITTED: the snapshot goes */
/* Commits what was begun implicitly. tag: of the answer that follows; NULL: ReadyForQuery alone. */
status block_finish_implicit(struct session *s, const char *tag);
/* After a failed statement: rolls back what must be, and moves the block to FAILED. */
void block_abort(struct session *s);
uint32_t block_level(const struct session *s); /* savepoints that are open */
status block_execute(struct session *s, const struct ast_transaction *t, const char **ret_tag);
void block_rollback_all(struct session *s);
/* In BEGIN's block, or in what takes the place of one for the statements of one query string. */
bool block_is_open(const struct session *s);
/* 25001 where others run in the same transaction. */
status block_must_be_alone(struct session *s, const char *command);
status block_set_modes(struct session *s, const struct list *modes, bool session_wide);
/* Rolls back and leaves the block as lost: the client hears of it at its next statement. */
void block_abandon(struct session *s);
/* The block of a session that is taken up: 'I', 'T', 'E' or 'L' (session_slot.block). */
void block_restore(struct session *s, char block);
/* 25P02 unless the statement may run in a failed block; 40001 when the block was lost. */
status block_check_failed(struct session *s, const struct node *utility);

/* utility_prepared.c */
status execute_prepare(struct session *s, const struct ast_prepare *p);
status execute_execute(struct session *s, const struct ast_execute *x, bool describe,
                       const char **ret_tag);
status explain_execute(struct session *s, const struct ast_explain *n, bool describe,
                       const char **ret_tag);
status create_as_execute(struct session *s, const struct ast_create_table_as *n, bool describe,
                         const char **ret_tag);
status execute_deallocate(struct session *s, const struct ast_deallocate *d, const char **ret_tag);

/* utility.c: statements that are the session's own */
bool utility_is(const struct node *n);
/* sql_env.setting_text. */
status utility_setting_text(struct sql_env *env, const struct ast_set_variable *set,
                            const char **ret_name, const char **ret_value);
/* Rows it returns, for Describe: NULL columns and 0 when none. */
status utility_columns(struct session *s, struct node *n, struct arena *a, uint16_t *ret_n,
                       const struct result_column **ret_columns);
/* describe: send RowDescription itself (simple protocol). *ret_tag NULL: COPY has begun, no tag
 * yet. */
status utility_execute(struct session *s, struct node *n, bool describe, const char **ret_tag);

/* simple.c, extended.c */
void simple_query(struct session *s, const struct wire_message *m);
/* The statements that follow a COPY FROM STDIN in its query string, once it is done. */
void simple_resume(struct session *s);
void simple_ready(struct session *s); /* its last statement is done, or one has failed */
/* Runs a prepared plan and sends its rows; the simple protocol and EXECUTE. *ret_tag in the
 * statement arena. */
status run_statement(struct session *s, struct statement *st, const datum *params,
                     const uint8_t *nulls, bool describe, const char **ret_tag);
void extended_message(struct session *s, const struct wire_message *m);
/* rows: when not NULL, what a tag that counts the rows of a result counts instead. */
const char *tag_of(struct session *s, const struct execution *x, const uint64_t *rows,
                   struct arena *a);
/* The length of a tag without the count of rows at its end. */
size_t tag_words(const char *tag);

/* export.c */
struct fn_call;
status session_export_snapshot(struct fn_call *c); /* pg_export_snapshot */
status session_import_snapshot(struct session *s, const char *id);

/* prepared.c */
/* *text as it is read with standard_conforming_strings on; in the statement's arena when changed.
 */
status session_read_text(struct session *s, const char **text);
struct prepared *prepared_find(struct session *s, const char *name);
status prepared_store(struct session *s, const char *name, const char *text, size_t len,
                      const oid *types, uint16_t ntypes, bool from_sql,
                      struct prepared **ret_prepared);
/* One that the slot remembers: planned when it is used. */
status prepared_restore(struct session *s, const struct session_statement *st);
/* Types of its parameters, in the statement. */
const oid *prepared_param_types(const struct prepared *p, uint16_t *ret_n);
void prepared_drop(struct session *s, const char *name); /* NULL: all that have a name */
void prepared_release(struct prepared *p);
void prepared_forget(struct session *s); /* all of them; the slot remembers */
/* Its plan, made again when catalogs have changed since. */
status prepared_plan(struct session *s, struct prepared *p);
/* plan_choice.c: whether the next execution has a plan of its own. */
bool prepared_wants_own(struct session *s, const struct prepared *p);
/* The plan for this execution, of which the caller has a reference; NULL: none. */
status prepared_choose(struct session *s, struct prepared *p, const datum *values,
                       const uint8_t *nulls, struct statement **ret);

/* portal.c */
struct portal *portal_find(struct session *s, const char *name);
status portal_new(struct session *s, const char *name, struct portal **ret_portal);
void portal_drop(struct session *s, struct portal *p);
void portal_drop_all(struct session *s);
/* Those that are not held, and were made at this level of savepoints or inside of it: they go, or
 * stay as names that can run no more until the failed block ends. */
void portal_drop_from(struct session *s, uint32_t level);
void portal_fail_from(struct session *s, uint32_t level);
/* The savepoint of that level is released: what was made in it is the outer one's. */
void portal_release_level(struct session *s, uint32_t level);
status portal_refuse(struct session *s, const struct portal *p); /* 55000 */
/* Starts executing when it has not; then at most max rows (0: all) go to the client; *ret_rows
 * counts. */
status portal_run(struct session *s, struct portal *p, uint64_t max, bool send, uint64_t *ret_rows);

/* kept_answer.c */
status kept_answer_new(struct session *s, struct kept_answer **ret);
void kept_answer_free(struct kept_answer *k); /* NULL is allowed */
status kept_answer_add(struct kept_answer *k, const struct wire_message *row);
/* The statement has said this, and is done. */
status kept_answer_end(struct kept_answer *k, const char *tag);
/* The next rows, at most max (0: all), to the client. */
status kept_answer_give(struct session *s, struct kept_answer *k, uint64_t max, uint64_t *ret_rows);
/* The tag, counting so many rows where it counts; NULL: no memory. */
const char *kept_answer_tag(struct kept_answer *k, uint64_t rows, struct arena *a);

/* cursor.c */
status cursor_declare(struct session *s, const struct ast_declare_cursor *d);
status cursor_fetch(struct session *s, const struct ast_fetch *f, bool describe,
                    const char **ret_tag);
status cursor_close(struct session *s, const char *name); /* NULL: all */
void cursor_free(struct cursor *c);
/* WITH HOLD, and the transaction that declared it has ended. */
bool cursor_is_held(const struct cursor *c);
/* Before a commit: the rows of cursors WITH HOLD are kept. */
status cursor_hold_all(struct session *s);
bool cursor_any_held(const struct session *s);
status cursor_current_row(struct sql_env *env, const char *name, uint32_t table,
                          const char *table_name, datum *ret_key);
void cursor_facts(const struct cursor *c, bool *ret_hold, bool *ret_binary, bool *ret_scroll);

/* quarantine.c */
/* A statement begins: its text as the plan cache knows it. QUERY_CANCELED: it has ended its worker
 * too often. */
status quarantine_enter(struct session *s, const char *text, size_t len);
/* The same where plan_cache_fingerprint(text, len) is known. */
status quarantine_enter_known(struct session *s, uint64_t fingerprint, const char *text,
                              size_t len);
/* What runs now ends a transaction or begins one: it is never blamed and never refused. */
void quarantine_exempt(struct session *s);

/* copy_io.c */
status copy_io_begin(struct session *s, const struct ast_copy *stmt, bool extended,
                     const char **ret_tag);
void copy_io_message(struct session *s, const struct wire_message *m);
void copy_io_forget(struct session *s); /* ends a COPY FROM that is under way */

#endif
