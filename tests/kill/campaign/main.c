/* campaign_clients: the load of a campaign, and its check.
 *
 *   campaign_clients CONNINFO FILE [NAME=VALUE …]
 *
 * Makes its tables, connects all clients, prints "ready", works until SIGTERM (or seconds=N),
 * checks everything that the clients know against what is there. FILE gets one line an event
 * (client.h). Exit status 0: nothing failed; 1: something did; 2: it could not be run.
 *
 *   tpcb=64 auto=8 idle=16 open=8 long=2 bulk=2 ddl=2 new=2      clients of each kind
 *   seed=1 gap_ms=20 pause_ms=0 branches=16 accounts=10000 seconds=0 socket=CONNINFO */
#include "history.h"
#include "kinds.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct kind {
    const char *name;
    void (*live)(struct client *);
    unsigned count;
    bool has_history;
} kinds[] = {
    {"tpcb", tpcb_client, 64, true},  {"auto", auto_client, 8, true},
    {"idle", idle_client, 16, false}, {"open", open_client, 8, false},
    {"long", long_client, 2, false},  {"bulk", bulk_client, 2, false},
    {"ddl", ddl_client, 2, false},    {"new", fresh_client, 2, false},
};
#define KINDS (sizeof kinds / sizeof *kinds)
enum { KIND_TPCB, KIND_AUTO };
#define CLIENTS_MAX 1000

struct life {
    struct client client;
    const struct kind *kind;
    pthread_t thread;
};

static unsigned seconds;

static void on_term([[maybe_unused]] int signal) {
    run_ends = 1;
}

static void *live(void *arg) {
    struct life *l = arg;
    client_open(&l->client);
    pthread_mutex_lock(&run.open_lock);
    run.opened++;
    pthread_mutex_unlock(&run.open_lock);
    l->kind->live(&l->client);
    client_close(&l->client);
    return NULL;
}

static bool take_number(const char *name, const char *value) {
    static const struct {
        const char *name;
        unsigned *to;
    } numbers[] = {
        {"seed", &run.seed},         {"gap_ms", &run.gap_ms},     {"pause_ms", &run.pause_ms},
        {"branches", &run.branches}, {"accounts", &run.accounts}, {"seconds", &seconds},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        *numbers[i].to = (unsigned)atoi(value);
        return true;
    }
    for (size_t i = 0; i < KINDS; i++) {
        if (strcmp(name, kinds[i].name) != 0) continue;
        kinds[i].count = (unsigned)atoi(value);
        return kinds[i].count <= CLIENTS_MAX / KINDS * 2;
    }
    return false;
}

static bool take_arguments(int argc, char **argv) {
    run = (struct run){.seed = 1,
                       .gap_ms = 20,
                       .branches = 16,
                       .accounts = 10000,
                       .record_lock = PTHREAD_MUTEX_INITIALIZER,
                       .open_lock = PTHREAD_MUTEX_INITIALIZER};
    if (argc < 3) return false;
    run.conninfo = argv[1];
    run.record = fopen(argv[2], "w");
    if (!run.record) return false;
    for (int i = 3; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value) return false;
        *value++ = '\0';
        if (strcmp(argv[i], "socket") == 0)
            run.socket_info = value;
        else if (!take_number(argv[i], value))
            return false;
    }
    run.tpcb = kinds[KIND_TPCB].count;
    run.autos = kinds[KIND_AUTO].count;
    return true;
}

static unsigned start_all(struct life *lives, struct history *histories[KINDS]) {
    unsigned total = 0;
    for (size_t k = 0; k < KINDS; k++) {
        if (kinds[k].has_history) {
            histories[k] = calloc(kinds[k].count + 1, sizeof **histories);
            if (!histories[k]) abort();
        }
        for (unsigned i = 0; i < kinds[k].count; i++) {
            struct life *l = &lives[total++];
            l->kind = &kinds[k];
            l->client = (struct client){.kind = kinds[k].name,
                                        .number = i,
                                        .class = CLASS_SHORT,
                                        .random = run.seed * 1000003ull + total * 7919ull + 1,
                                        .own = histories[k] ? &histories[k][i] : NULL};
            if (pthread_create(&l->thread, NULL, live, l) != 0) {
                perror("thread");
                exit(2);
            }
        }
    }
    return total;
}

static bool all_opened(unsigned total) {
    pthread_mutex_lock(&run.open_lock);
    bool all = run.opened == total;
    pthread_mutex_unlock(&run.open_lock);
    return all;
}

static void count_all(const struct life *lives, unsigned total) {
    for (size_t k = 0; k < KINDS; k++) {
        uint64_t done = 0, refused = 0, closed = 0;
        for (unsigned i = 0; i < total; i++) {
            if (lives[i].kind != &kinds[k]) continue;
            done += lives[i].client.done;
            refused += lives[i].client.refused;
            closed += lives[i].client.closed;
        }
        run_line("count %s requests %llu", kinds[k].name, (unsigned long long)done);
        run_line("count %s answered_40001 %llu", kinds[k].name, (unsigned long long)refused);
        run_line("count %s closed_57P01 %llu", kinds[k].name, (unsigned long long)closed);
    }
}

static void check_all(struct history *histories[KINDS]) {
    struct client checker = {.kind = "check", .random = 1, .class = CLASS_LONG};
    client_open(&checker);
    tables_check(&checker, histories[KIND_TPCB], histories[KIND_AUTO]);
    client_close(&checker);
}

int main(int argc, char **argv) {
    static struct life lives[2 * CLIENTS_MAX];
    struct history *histories[KINDS] = {NULL};
    if (!take_arguments(argc, argv)) {
        fprintf(stderr, "usage: campaign_clients CONNINFO FILE [NAME=VALUE …] (see main.c)\n");
        return 2;
    }
    signal(SIGTERM, on_term);
    signal(SIGPIPE, SIG_IGN);
    tables_make(&run);
    unsigned total = start_all(lives, histories);
    while (!run_ends && !all_opened(total)) usleep(5000);
    printf("ready\n");
    fflush(stdout);
    for (uint64_t end = client_now_ns() + seconds * 1000000000ull;
         !run_ends && (!seconds || client_now_ns() < end);)
        usleep(20000);
    run_ends = 1;
    for (unsigned i = 0; i < total; i++) pthread_join(lives[i].thread, NULL);
    count_all(lives, total);
    check_all(histories);
    run_line("count all failures %u", run.failures);
    fclose(run.record);
    return run.failures ? 1 : 0;
}
