/* hold.c: what the guardian holds for others. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guardian.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_ring.h"
#include "session/session.h"

/* For so long workers may still send what they have, or find in their channels: until then nothing
 * is lost. Whoever asks does so again. */
#define SETTLE_NS 2000000000u

static void let_go(struct held *h) {
    if (h->fd >= 0) close(h->fd);
    h->fd = -1;
}

/* The bells are a hurry: workers look by themselves within one of their loop's sleeps. */
void hold_call(struct guardian *g) {
    if (!g->empty || !g->shm.control) return;
    g->empty = false;
    g->called_ns = clock_mono_ns();
    atomic_fetch_add(&g->shm.control->guardian_births, 1);
    for (uint16_t slot = SLOT_QUERYD; slot < SLOT_GUARDIAN; slot++) {
        int bell = bell_fd(g->shm.rings, slot);
        if (bell >= 0 && bell < NUMBERS_MAX && g->kept[bell]) bell_force(&g->shm, slot);
    }
}

static void enter_process_table(struct guardian *g) {
    struct proc_entry *own = &g->shm.control->procs[SLOT_GUARDIAN];
    if (!g->entered) {
        proc_prepare(&g->shm, SLOT_GUARDIAN);
        atomic_store(&own->pid, (uint32_t)getpid());
        atomic_store(&own->birth, proc_birth(getpid()));
    }
    g->entered = true;
    atomic_store(&own->state, PROC_READY);
}

static bool attach(struct guardian *g, struct shm *ret_shm) {
    uint64_t id;
    char region[REGION_NAME_BYTES];
    struct error e = {0};
    status st = appliance_id_read(g->dir, &id, &e);
    if (ok(st)) {
        region_name_of(id, region);
        st = region_attach_all(region, ret_shm, &e);
    }
    if (!ok(st)) say("%s", e.message);
    return ok(st);
}

/* Regions made anew have other sessions; those of an adopted appliance are still the same ones. */
void hold_begin(struct guardian *g) {
    struct shm shm;
    if (!attach(g, &shm)) return;
    uint32_t had = g->shm.control ? g->shm.sizes.sessions : 0, n = shm.sizes.sessions;
    bool same = had == n && g->shm.control->started_wall_ns == shm.control->started_wall_ns;
    if (g->shm.control) region_detach_all(&g->shm);
    g->shm = shm;
    g->served = true;
    if (!same) {
        g->entered = false;
        g->empty = true;
        for (uint32_t i = 0; i < had; i++) let_go(&g->sessions[i]);
        free(g->sessions);
        g->sessions = malloc(n * sizeof *g->sessions);
        for (uint32_t i = 0; g->sessions && i < n; i++) g->sessions[i] = (struct held){.fd = -1};
    }
    if (!g->sessions) { /* go on without: the sweep and PUT look at control */
        say("out of memory");
        g->shm.control = NULL;
        return;
    }
    enter_process_table(g);
}

void hold_again(struct guardian *g, uint32_t sessions) {
    struct shm shm;
    if (!attach(g, &shm) || shm.sizes.sessions != sessions) return;
    g->shm = shm;
    g->served = true;
    enter_process_table(g);
}

void hold_number(struct guardian *g, int number, int fd) {
    if (number <= 2 || number >= NUMBERS_MAX || fd < 0) {
        if (fd >= 0) close(fd);
        return;
    }
    if (dup3(fd, number, O_CLOEXEC) == number) g->kept[number] = true;
    close(fd);
}

void hold_forget(struct guardian *g) {
    for (int n = 0; n < NUMBERS_MAX; n++) {
        if (g->kept[n]) close(n);
        g->kept[n] = false;
    }
}

static const struct session_slot *slot_of(const struct guardian *g, uint32_t session) {
    return session_slot_at(&g->shm, session);
}

/* A worker gives back what it found in its channel, however old that is: a slot that has another
 * session by now keeps the socket of that one. */
static bool is_present(const struct guardian *g, const struct guard_msg *m) {
    return g->shm.control && m->session < g->shm.sizes.sessions &&
           atomic_load(&slot_of(g, m->session)->generation) == m->generation;
}

static void put(struct guardian *g, const struct guard_msg *m, int fd) {
    int high = is_present(g, m) ? fcntl(fd, F_DUPFD_CLOEXEC, NUMBERS_MAX) : -1;
    close(fd);
    if (high < 0) return;
    struct held *h = &g->sessions[m->session];
    let_go(h);
    *h = (struct held){.fd = high, .generation = m->generation};
}

void hold_message(struct guardian *g, const struct guard_msg *m, int fd) {
    bool known = g->shm.control && m->session < g->shm.sizes.sessions;
    if (m->op == GUARD_PUT && fd >= 0) {
        put(g, m, fd);
        return;
    }
    if (fd >= 0) close(fd);
    if (m->op == GUARD_DROP && known && g->sessions[m->session].generation == m->generation)
        let_go(&g->sessions[m->session]);
}

void hold_hand(struct guardian *g, const struct guard_msg *m) {
    struct guard_msg answer = {.session = m->session, .generation = m->generation};
    if (!g->shm.control || m->session >= g->shm.sizes.sessions) return;
    const struct held *h = &g->sessions[m->session];
    if (h->fd < 0 || h->generation != m->generation) {
        if (g->empty || clock_mono_ns() - g->called_ns < SETTLE_NS) return;
        answer.op = GUARD_LOST;
        status_ignore(guard_send(g->channel, &answer, -1)); /* it will ask again */
        return;
    }
    int worker = m->number - SLOT_QUERYD;
    if (worker < 0 || worker >= WORKERS_MAX) return;
    answer.op = GUARD_TAKE;
    /* A full channel: the supervisor asks again. */
    status_ignore(guard_send(g->shm.control->channel_guardian[worker] - 1, &answer, h->fd));
}

void hold_sweep(struct guardian *g) {
    if (!g->shm.control) return;
    for (uint32_t i = 0; i < g->shm.sizes.sessions; i++) {
        struct held *h = &g->sessions[i];
        if (h->fd < 0) continue;
        const struct session_slot *s = slot_of(g, i);
        if (atomic_load(&s->owner) == 0 || atomic_load(&s->generation) != h->generation) let_go(h);
    }
}
