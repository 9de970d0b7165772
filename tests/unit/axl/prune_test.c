/* What axl backup --prune keeps: by example, and beside what a restore needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

#include "prune.h"

#define N 12
#define SINCE 100

static struct prune_backup made(uint64_t redo, uint64_t since, time_t ended) {
    return (struct prune_backup){.m = {.redo_lsn = redo,
                                       .since_lsn = since,
                                       .from_lsn = redo - 5,
                                       .end_lsn = redo + 5,
                                       .ended = ended}};
}

static void choose(struct prune_backup *b, size_t n) {
    prune_choose(&(struct prune_list){.backup = b, .count = n}, SINCE);
}

static void the_newest_before_leads_to_the_first_moment(void **) {
    struct prune_backup b[] = {made(10, 0, 10), made(20, 0, 20), made(30, 0, 110)};
    choose(b, 3);
    assert_false(b[0].keep);
    assert_true(b[1].keep && b[2].keep);
    assert_int_equal(prune_log_floor(&(struct prune_list){b, 3}), 15);
}

static void what_others_stand_on_stays_without_its_log(void **) {
    struct prune_backup b[] = {made(10, 0, 10), made(20, 10, 20), made(30, 20, 30),
                               made(40, 10, 40)};
    choose(b, 4);
    assert_true(b[0].keep && !b[0].leads_on);
    assert_false(b[1].keep || b[2].keep);
    assert_true(b[3].keep && b[3].leads_on);
    assert_int_equal(prune_log_floor(&(struct prune_list){b, 4}), 35);
}

static void one_without_its_base_leads_nowhere(void **) {
    struct prune_backup b[] = {made(10, 0, 10), made(30, 20, 30)};
    choose(b, 2);
    assert_true(b[0].keep && b[0].whole);
    assert_false(b[1].keep || b[1].whole);
    choose(b + 1, 1);
    assert_true(b[1].keep); /* nothing whole: nothing goes */
    assert_int_equal(prune_log_floor(&(struct prune_list){b + 1, 1}), 0);
}

static void what_stays_keeps_its_chain_and_its_log(void **) {
    struct prune_backup b[] = {made(10, 0, 10), made(20, 10, 20), made(30, 0, 30)};
    b[1].stays = true;
    choose(b, 3);
    assert_true(b[0].keep && b[1].keep && b[2].keep);
    assert_int_equal(prune_log_floor(&(struct prune_list){b, 3}), 15);
}

static bool restores(const struct prune_backup *b, const struct prune_backup *of, bool kept) {
    if (kept && !of->keep) return false;
    if (of->m.since_lsn == 0) return true;
    for (size_t i = 0; i < N; i++)
        if (&b[i] != of && b[i].m.redo_lsn == of->m.since_lsn && restores(b, &b[i], kept))
            return true;
    return false;
}

/* Whether some backup with all it stands on, and the log behind it, leads to a moment. */
static bool reaches(const struct prune_backup *b, time_t moment, bool kept, uint64_t floor) {
    for (size_t i = 0; i < N; i++)
        if (b[i].m.ended <= moment && b[i].m.from_lsn >= floor && restores(b, &b[i], kept))
            return true;
    return false;
}

static void no_moment_is_lost(void **) {
    srand(7);
    unsigned gone = 0;
    for (int round = 0; round < 20000; round++) {
        struct prune_backup b[N];
        for (size_t i = 0; i < N; i++) {
            uint64_t redo = 10 + 10 * i;
            /* an increment to one before, or to one that is not there */
            uint64_t since = i == 0 || rand() % 3 == 0 ? 0 : 10 + (uint64_t)(rand() % (int)i) * 10;
            if (rand() % 15 == 0) since = 7;
            b[i] = made(redo, since, (time_t)(redo + (uint64_t)(rand() % 9)));
            b[i].stays = rand() % 40 == 0;
        }
        choose(b, N);
        uint64_t floor = prune_log_floor(&(struct prune_list){b, N});
        for (time_t moment = SINCE; moment < 140; moment++)
            assert_int_equal(reaches(b, moment, false, 0), reaches(b, moment, true, floor));
        for (size_t i = 0; i < N; i++) {
            assert_true(b[i].keep || b[i].m.ended < SINCE);
            assert_true(!b[i].keep || !b[i].whole || restores(b, &b[i], true));
            gone += !b[i].keep;
        }
    }
    assert_true(gone > 20000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_before_leads_to_the_first_moment),
        cmocka_unit_test(what_others_stand_on_stays_without_its_log),
        cmocka_unit_test(one_without_its_base_leads_nowhere),
        cmocka_unit_test(what_stays_keeps_its_chain_and_its_log),
        cmocka_unit_test(no_moment_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
