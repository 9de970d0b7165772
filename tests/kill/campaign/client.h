/* client.h: one connection of the campaign, and what it was told.
 *
 * A client knows of every request when it was sent and when it was answered, and sorts each answer:
 *
 *     ANSWER_OK       done
 *     ANSWER_REFUSED  40001: what was asked for has not happened; the session goes on
 *     ANSWER_CLOSED   57P01: the connection has ended, what was asked for may have happened;
 *                     there is a new connection now
 *     ANSWER_FAILED   anything else: noted as a failure; there is a connection, perhaps a new one
 *
 * What was seen goes into the run's file, one line an event, times in nanoseconds of
 * CLOCK_MONOTONIC:
 *
 *     gap KIND NUMBER START END CLASS      an answer that took longer than gap_ms
 *                                          (class s: a short request, l: long by its nature)
 *     refused KIND NUMBER START END        40001; START: of its transaction
 *     closed KIND NUMBER START END WORDS   57P01
 *     failure KIND NUMBER AT WORDS
 *     count KIND NAME VALUE                at the end
 */
#ifndef CAMPAIGN_CLIENT_H
#define CAMPAIGN_CLIENT_H

#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum answer { ANSWER_OK, ANSWER_REFUSED, ANSWER_CLOSED, ANSWER_FAILED };

/* What all clients of a run share. */
struct run {
    const char *conninfo;    /* TCP */
    const char *socket_info; /* the same by Unix socket; NULL: TCP for everybody */
    unsigned seed;
    unsigned gap_ms;
    unsigned pause_ms; /* of a TPC-B client between transactions */
    unsigned branches, accounts;
    unsigned tpcb, autos; /* how many of these there are */
    FILE *record;
    pthread_mutex_t record_lock;
    pthread_mutex_t open_lock;
    unsigned opened; /* clients whose first connection stands */
    unsigned failures;
};
extern struct run run;
extern volatile sig_atomic_t run_ends;

enum client_class { CLASS_SHORT = 's', CLASS_LONG = 'l' };

#define TRAIL 40
/* One request as a person reads it. */
struct step {
    uint64_t began_ns, ended_ns;
    char words[120];
};

struct client {
    const char *kind;
    unsigned number;
    unsigned lives; /* connections it has had: what was set in an earlier one is gone */
    PGconn *c;
    uint64_t random;
    enum client_class class; /* of the requests to come */
    bool copying;            /* between begin and end of COPY FROM: its answer is awaited once */
    uint64_t began_ns;       /* of the request */
    uint64_t transaction_ns; /* of the transaction that it belongs to */
    uint64_t done, refused, closed;
    char farewell[256]; /* 57P01 that came while nothing was asked; empty: none */
    void *own;          /* of its kind */
    struct step trail[TRAIL];
    unsigned steps, failures;
};

uint64_t client_now_ns(void);
unsigned client_random(struct client *c, unsigned below);
void client_pause_ms(unsigned ms); /* ends early when the run ends */

/* Connects, again and again for as long as ten seconds; the process ends when that is in vain. */
void client_open(struct client *c);
void client_close(struct client *c);

/* One request and its last result. ret_result (may be NULL) is the caller's to clear, and set only
 * when the answer is ANSWER_OK. */
enum answer client_query(struct client *c, PGresult **ret_result, const char *sql);
[[gnu::format(printf, 3, 4)]] enum answer client_queryf(struct client *c, PGresult **ret_result,
                                                        const char *format, ...);
enum answer client_params(struct client *c, PGresult **ret_result, const char *sql, int n,
                          const char *const *values);
enum answer client_execute(struct client *c, PGresult **ret_result, const char *name, int n,
                           const char *const *values);
enum answer client_prepare(struct client *c, const char *name, const char *sql);

/* For requests with several results: mark the begin, wait for each (NULL: no more), then judge the
 * first that is an error. client_sent: false when libpq could not send. */
void client_begin(struct client *c, const char *words);
PGresult *client_wait(struct client *c);
enum answer client_end(struct client *c, PGresult *error, bool sent);
/* A result that is no error. */
bool client_good(const PGresult *r);

/* COMMIT, which must be answered with that word. */
enum answer client_commit(struct client *c);
/* After ANSWER_REFUSED and wherever a block may be open: ROLLBACK when the session says that it is
 * in one. */
enum answer client_rollback(struct client *c);

/* A whole number of the only row; noted as a failure and -1 when there is no such. */
long client_number(struct client *c, const PGresult *r, int column);

[[gnu::format(printf, 2, 3)]] void client_fail(struct client *c, const char *format, ...);
[[gnu::format(printf, 1, 2)]] void run_line(const char *format, ...);

#endif
