/* stand_in.c: a worker without SQL: it takes queryd's place where the processes below it are
 * tested.
 *
 * AXL_STAND_IN says what it does:
 *   idle   is READY once recovery is done, and waits
 *   load   moves money between accounts in SESSIONS coroutines: each transaction updates two rows,
 *          inserts one row of history, commits, and only then notes the history row's key in
 *          DIR/stand_in.acked.SLOT
 * Either way the first worker looks at everything first, when there is something: all balances must
 * add up to 0, the history must add up to each balance, and every noted key must be there. What it
 * found is one line in DIR/stand_in.verdict. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/control.h"
#include "base/probe.h"
#include "ipc_daemon.h"
#include "tree/tree.h"
#include "txn/txn.h"
#include "txn/version.h"

#define ACCOUNTS 1000
#define SESSIONS 8
/* 'h', worker, start of the appliance (8), epoch (4), sequence (8) */
#define HISTORY_KEY_BYTES 22

static struct daemon *self;
static struct tree tree = {.id = 16384};
static int acked = -1;
static bool stopping;
static uint64_t sequence;
static unsigned running;

_Noreturn static void fail(const char *what, status s) {
    fprintf(stderr, "stand-in: %s: %s\n", what, status_name(s));
    fflush(stderr);
    _exit(9);
}

static int file_open(const char *name, int flags) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", self->data_dir, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static size_t account_key(uint32_t account, unsigned char *key) {
    key[0] = 'a';
    store_be32(key + 1, account);
    return 5;
}

static size_t history_key(uint64_t seq, unsigned char *key) {
    key[0] = 'h';
    key[1] = (unsigned char)self->proc.owner.slot;
    store_be64(key + 2, self->proc.shm->control->started_wall_ns);
    store_be32(key + 10, self->proc.epoch);
    store_be64(key + 14, seq);
    return HISTORY_KEY_BYTES;
}

/* --- the accounts ------------------------------------------------------------------------------
 */

static status fill(struct txn *t) {
    struct proc *p = &self->proc;
    unsigned char key[8];
    int64_t zero = 0;
    TRY(txn_begin(p, t, ISO_READ_COMMITTED, 0));
    TRY(txn_need_id(p, t));
    TRY(tree_create(p, &t->writer, tree.id, &tree));
    for (uint32_t i = 0; i < ACCOUNTS; i++) {
        size_t n = account_key(i, key);
        TRY(tree_insert(p, &t->writer, tree, key, n, &zero, sizeof zero, txn_is_running, NULL));
    }
    return txn_commit(p, t, true);
}

static void root_read(void) {
    for (;;) {
        int fd = file_open("stand_in.root", O_RDONLY);
        if (fd >= 0 && read(fd, &tree.root.no, 8) == 8) {
            close(fd);
            return;
        }
        if (fd >= 0) close(fd);
        daemon_sleep(self, 10000000);
    }
}

static void root_write(void) {
    int fd = file_open("stand_in.root.new", O_WRONLY | O_CREAT | O_TRUNC);
    char from[1024], to[1024];
    snprintf(from, sizeof from, "%s/stand_in.root.new", self->data_dir);
    snprintf(to, sizeof to, "%s/stand_in.root", self->data_dir);
    if (fd < 0 || write(fd, &tree.root.no, 8) != 8 || fsync(fd) != 0 || rename(from, to) != 0) {
        fail("root file", STATUS(IO_ERROR));
    }
    close(fd);
}

static status add(struct txn *t, uint32_t account, int64_t amount) {
    struct proc *p = &self->proc;
    unsigned char key[8];
    char value[TREE_ENTRY_BYTES_MAX];
    size_t n = account_key(account, key);
    for (;;) {
        struct snapshot snap;
        struct tree_entry entry;
        txid holder = 0;
        TRY(txn_snapshot(p, t, &snap));
        TRY(tree_get(p, tree, key, n, value, &entry));
        status s = version_newest(p, &snap, &entry, &holder);
        if (ok(s)) {
            int64_t balance;
            memcpy(&balance, entry.value, sizeof balance);
            balance += amount;
            struct tree_found found;
            s = tree_update(p, &t->writer, tree, key, n, entry.lsn, &balance, sizeof balance,
                            txn_is_running, &found);
            if (ok(s)) return OK;
            if (status_is(s, ST_ROW_CHANGED)) continue;
            if (!status_is(s, ST_ROW_BUSY)) return s;
            holder = stamp_txid(found.stamp);
        } else if (!status_is(s, ST_ROW_BUSY)) {
            return s;
        }
        TRY(txn_wait(p, t, holder, txn_row_hash(tree, key, n), 0));
    }
}

static status transfer(struct txn *t, uint64_t seq, uint32_t from, uint32_t to, int64_t amount) {
    struct proc *p = &self->proc;
    unsigned char key[HISTORY_KEY_BYTES];
    struct {
        uint32_t from, to;
        int64_t amount;
    } row = {from, to, amount};
    TRY(txn_begin(p, t, ISO_READ_COMMITTED, 0));
    TRY(txn_need_id(p, t));
    TRY(add(t, from, -amount));
    TRY(add(t, to, amount));
    size_t n = history_key(seq, key);
    return tree_insert(p, &t->writer, tree, key, n, &row, sizeof row, txn_is_running, NULL);
}

static void session(void *arg) {
    struct proc *p = &self->proc;
    uint64_t x = (uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15u + p->epoch;
    while (!stopping) {
        struct txn t = {0};
        uint64_t seq = sequence++;
        x = x * 6364136223846793005u + 1442695040888963407u;
        uint32_t from = (uint32_t)(x >> 33) % ACCOUNTS, to = (uint32_t)(x >> 40) % ACCOUNTS;
        if (from == to) continue;
        p->trace = (uint64_t)p->owner.slot << 56 | seq;
        PROBE(axolotl_queryd, statement_begin, p->trace, "transfer");
        status s = transfer(&t, seq, from, to, (int64_t)(x >> 58));
        if (ok(s)) {
            PROBE(axolotl_queryd, commit_begin, p->trace);
            s = txn_commit(p, &t, true);
            PROBE(axolotl_queryd, commit_done, p->trace, s.code);
        }
        PROBE(axolotl_queryd, statement_done, p->trace, s.code);
        if (ok(s)) {
            unsigned char key[HISTORY_KEY_BYTES];
            size_t n = history_key(seq, key);
            if (write(acked, key, n) != (ssize_t)n) fail("acked file", STATUS(IO_ERROR));
            continue;
        }
        if (t.slot) {
            status undone = txn_rollback(p, &t);
            if (!ok(undone)) fail("rollback", undone);
        }
        if (!status_is(s, ST_DEADLOCK_DETECTED)) fail("transfer", s);
    }
    running--;
}

/* --- the look at everything --------------------------------------------------------------------
 */

struct look {
    int64_t balance[ACCOUNTS], moved[ACCOUNTS];
    uint64_t accounts, history, acked, missing;
};

static status look_at_tree(struct look *l, struct txn *t, struct arena *a) {
    struct proc *p = &self->proc;
    struct tree_cursor c;
    struct tree_entry entry;
    struct snapshot snap;
    static char buf[TREE_ENTRY_BYTES_MAX];
    TRY(txn_snapshot(p, t, &snap));
    TRY(tree_cursor_init(&c, a, tree));
    TRY(tree_cursor_seek(p, &c, "", 0, false, false));
    for (;;) {
        status s = tree_cursor_next(p, &c, &entry);
        if (status_is(s, ST_END)) return OK;
        TRY(s);
        s = version_visible(p, &snap, &entry, buf);
        if (status_is(s, ST_NOT_FOUND)) continue;
        TRY(s);
        if (entry.key_len == 5 && entry.key[0] == 'a' && load_be32(entry.key + 1) < ACCOUNTS) {
            memcpy(&l->balance[load_be32(entry.key + 1)], entry.value, 8);
            l->accounts++;
        } else if (entry.key_len == HISTORY_KEY_BYTES && entry.value_len == 16) {
            int64_t amount;
            memcpy(&amount, entry.value + 8, 8);
            l->moved[load_le32(entry.value) % ACCOUNTS] -= amount;
            l->moved[load_le32(entry.value + 4) % ACCOUNTS] += amount;
            l->history++;
        }
    }
}

static status look_at_acked(struct look *l, struct txn *t) {
    struct proc *p = &self->proc;
    struct snapshot snap;
    static char value[TREE_ENTRY_BYTES_MAX], older[TREE_ENTRY_BYTES_MAX];
    TRY(txn_snapshot(p, t, &snap));
    for (int slot = SLOT_QUERYD; slot < PROC_SLOTS; slot++) {
        char name[64];
        unsigned char key[HISTORY_KEY_BYTES];
        snprintf(name, sizeof name, "stand_in.acked.%d", slot);
        int fd = file_open(name, O_RDONLY);
        if (fd < 0) continue;
        FILE *f = fdopen(fd, "r");
        while (fread(key, 1, sizeof key, f) == sizeof key) {
            struct tree_entry entry;
            status s = tree_get(p, tree, key, sizeof key, value, &entry);
            if (ok(s)) s = version_visible(p, &snap, &entry, older);
            l->acked++;
            if (!ok(s)) l->missing++;
        }
        fclose(f);
    }
    return OK;
}

static void verdict(const struct look *l, status s, const char *words) {
    int64_t sum = 0;
    uint64_t unequal = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        sum += l->balance[i];
        unequal += l->balance[i] != l->moved[i];
    }
    bool good = ok(s) && sum == 0 && unequal == 0 && l->missing == 0 && l->accounts == ACCOUNTS;
    int fd = file_open("stand_in.verdict", O_WRONLY | O_CREAT | O_TRUNC);
    dprintf(fd,
            "%s sum %lld unequal %llu accounts %llu history %llu acked %llu missing %llu status %s "
            "%s\n",
            good ? "good" : "BAD", (long long)sum, (unsigned long long)unequal,
            (unsigned long long)l->accounts, (unsigned long long)l->history,
            (unsigned long long)l->acked, (unsigned long long)l->missing, status_name(s), words);
    close(fd);
}

static void look_at_everything(void) {
    struct look *l = calloc(1, sizeof *l);
    struct arena a;
    struct txn t = {0};
    struct tree_report report = {0};
    arena_init(&a, 0);
    status s = tree_check(&self->proc, tree, NULL, NULL, &report);
    if (ok(s)) s = txn_begin(&self->proc, &t, ISO_REPEATABLE_READ, 0);
    if (ok(s)) s = look_at_tree(l, &t, &a);
    if (ok(s)) s = look_at_acked(l, &t);
    if (t.slot) status_ignore(txn_rollback(&self->proc, &t)); /* it has only read */
    verdict(l, s, report.words);
    arena_free(&a);
    free(l);
}

/* --- as a daemon -------------------------------------------------------------------------------
 */

static void begin([[maybe_unused]] void *arg) {
    const char *mode = getenv("AXL_STAND_IN");
    bool load = mode && strcmp(mode, "load") == 0;
    char name[64];
    while (!atomic_load(&self->proc.shm->control->redo_done)) daemon_sleep(self, 2000000);
    int root = file_open("stand_in.root", O_RDONLY);
    if (self->proc.owner.slot == SLOT_QUERYD) {
        if (root >= 0) {
            root_read();
            /* Only after a start of everything: while others write, files and tree differ. */
            if (self->proc.epoch == 1) look_at_everything();
        } else if (load) {
            struct txn t = {0};
            status s = fill(&t);
            if (!ok(s)) fail("fill", s);
            root_write();
        }
    }
    if (root >= 0) close(root);
    /* Nobody writes while the first worker looks. */
    while (self->proc.owner.slot != SLOT_QUERYD &&
           atomic_load(&self->proc.shm->control->procs[SLOT_QUERYD].state) != PROC_READY) {
        daemon_sleep(self, 2000000);
    }
    daemon_ready(self);
    if (!load) return;
    root_read();
    snprintf(name, sizeof name, "stand_in.acked.%d", self->proc.owner.slot);
    acked = file_open(name, O_WRONLY | O_CREAT | O_APPEND);
    for (uintptr_t i = 1; i <= SESSIONS; i++) {
        running++;
        status s = daemon_spawn(self, 0, session, (void *)i);
        if (!ok(s)) fail("spawn", s);
    }
}

static status init(struct daemon *d, [[maybe_unused]] struct error *e) {
    self = d;
    return daemon_spawn(d, 0, begin, NULL);
}

static bool step(struct daemon *d) {
    if (stopping && running == 0) daemon_stopped(d);
    return false;
}

static void stop([[maybe_unused]] struct daemon *d) {
    stopping = true;
}

static const struct daemon_ops ops = {
    .name = "queryd", .init_fresh = init, .init_restart = init, .step = step, .stop = stop};

int main(int argc, char **argv) {
    return daemon_main(argc, argv, &ops);
}
