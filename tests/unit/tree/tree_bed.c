#include "tree_bed.h"

static uint64_t seed = 0x9e3779b97f4a7c15u;
unsigned rnd(unsigned n) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

txid running;
bool is_running(struct proc *p, txid x, commit_time *ret_time) {
    (void)p;
    if (x == running) return true;
    *ret_time = 1000 + x;
    return false;
}

void fixture_open(struct fixture *f, const struct fake_options *options) {
    memset(f, 0, sizeof *f);
    running = 0;
    f->env = fake_env_new(options);
    fake_env_proc(f->env, ME, &f->p);
    arena_init(&f->arena, 0);
    f->w.x = 1;
    assert_true(ok(tree_create(&f->p, &f->w, 77, &f->t)));
}

void fixture_close(struct fixture *f) {
    arena_free(&f->arena);
    fake_env_free(f->env);
}
