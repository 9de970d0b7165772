/* The plan cache: what makes two statements the same, what is forgotten, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/control.h"
#include "catalog/internal.h"
#include "exec/private.h"
#include "session/plan_cache.h"

static struct control control;
static struct shm shm = {.control = &control};
static struct proc proc = {.shm = &shm};
static struct txn txn;
static struct sql_settings settings;
static struct catalog catalog;
static struct session_env styles;
static struct sql_env env;
static struct plan_cache *cache;

static int setup(void **state) {
    (void)state;
    atomic_store(&control.catalog_version, 1);
    settings = (struct sql_settings){.search_path = "public", .user_oid = 10};
    txn = (struct txn){0};
    session_env_init(&styles, 1);
    env = (struct sql_env){.proc = &proc, .txn = &txn, .settings = &settings, .catalog = &catalog};
    env.eval.session = &styles;
    cache = calloc(1, sizeof *cache);
    return cache ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    plan_cache_clear(cache);
    free(cache);
    return 0;
}

static struct statement *plan(uint64_t version) {
    struct statement_private *p = calloc(1, sizeof *p);
    assert_non_null(p);
    struct statement *s = &p->statement;
    arena_init(&s->arena, 0);
    s->references = 1;
    s->catalog_version = version;
    return s;
}

static void keep(const char *text, const oid *types, uint16_t ntypes, struct statement *s) {
    plan_cache_put(cache, &env, text, strlen(text), types, ntypes, s);
}

static bool found(const char *text, const oid *types, uint16_t ntypes, const struct statement *s) {
    struct statement *got = plan_cache_get(cache, &env, text, strlen(text), types, ntypes);
    if (!got) return false;
    bool same = got == s;
    statement_release(got);
    return same;
}

static void everything_that_a_plan_depends_on_is_in_the_key(void **state) {
    (void)state;
    const oid types[] = {23, 25}, other[] = {25, 23};
    struct statement *s = plan(1);
    keep("select 1", types, 2, s);
    assert_int_equal(s->references, 2);
    assert_true(found("select 1", types, 2, s));
    assert_false(found("select 2", types, 2, s));
    assert_false(found("select 1 ", types, 2, s));
    assert_false(found("select 1", other, 2, s));
    assert_false(found("select 1", types, 1, s));
    assert_false(found("select 1", NULL, 0, s));
    settings.search_path = "public, x";
    assert_false(found("select 1", types, 2, s));
    settings.search_path = "public";
    settings.user_oid = 11;
    assert_false(found("select 1", types, 2, s));
    settings.user_oid = 10;
    styles.date_order = DATE_ORDER_DMY;
    assert_false(found("select 1", types, 2, s));
    styles.date_order = DATE_ORDER_MDY;
    assert_true(found("select 1", types, 2, s));
    assert_int_equal(s->references, 2);
    statement_release(s);
}

static void a_plan_for_other_catalogs_is_dropped(void **state) {
    (void)state;
    struct statement *s = plan(1), *once = plan(0), *again = plan(2);
    keep("select 1", NULL, 0, s);
    keep("once", NULL, 0, once);
    assert_int_equal(cache->n, 1);
    atomic_store(&control.catalog_version, 2);
    assert_false(found("select 1", NULL, 0, s));
    assert_int_equal(s->references, 1);
    assert_int_equal(cache->n, 0);
    keep("select 1", NULL, 0, again);
    assert_true(found("select 1", NULL, 0, again));
    struct statement *newer = plan(2);
    keep("select 1", NULL, 0, newer); /* takes the place of the other */
    assert_int_equal(cache->n, 1);
    assert_int_equal(again->references, 1);
    assert_true(found("select 1", NULL, 0, newer));
    statement_release(s);
    statement_release(once);
    statement_release(again);
    statement_release(newer);
}

/* Inside a transaction that has changed the catalogs no shared plan is right. */
static void who_changed_catalogs_shares_no_plans(void **state) {
    (void)state;
    struct statement *s = plan(1);
    keep("select 1", NULL, 0, s);
    txn.catalog_changed = true;
    assert_false(found("select 1", NULL, 0, s));
    txn.catalog_changed = false;
    assert_true(found("select 1", NULL, 0, s));
    statement_release(s);
}

static void the_least_recently_used_goes(void **state) {
    (void)state;
    char text[32];
    struct statement *first = plan(1);
    keep("first", NULL, 0, first);
    for (unsigned i = 0; i < 2 * PLAN_CACHE_PLANS_MAX; i++) {
        struct statement *s = plan(1);
        snprintf(text, sizeof text, "select %u", i);
        keep(text, NULL, 0, s);
        statement_release(s);
        assert_true(found("first", NULL, 0, first));
    }
    assert_int_equal(cache->n, PLAN_CACHE_PLANS_MAX);
    for (unsigned i = 0; i < 2 * PLAN_CACHE_PLANS_MAX; i++) {
        snprintf(text, sizeof text, "select %u", i);
        struct statement *got = plan_cache_get(cache, &env, text, strlen(text), NULL, 0);
        assert_int_equal(got != NULL, i > PLAN_CACHE_PLANS_MAX);
        if (got) statement_release(got);
    }
    assert_true(found("first", NULL, 0, first));
    statement_release(first);
}

/* Who holds a reference is not disturbed by what the cache forgets. */
static void a_plan_outlives_its_place_in_the_cache(void **state) {
    (void)state;
    struct statement *s = plan(1);
    keep("select 1", NULL, 0, s);
    statement_release(s);
    struct statement *got = plan_cache_get(cache, &env, "select 1", 8, NULL, 0);
    assert_ptr_equal(got, s);
    plan_cache_clear(cache);
    assert_int_equal(got->references, 1);
    statement_release(got);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(everything_that_a_plan_depends_on_is_in_the_key),
        TEST(a_plan_for_other_catalogs_is_dropped),
        TEST(who_changed_catalogs_shares_no_plans),
        TEST(the_least_recently_used_goes),
        TEST(a_plan_outlives_its_place_in_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
