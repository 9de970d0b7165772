/* ANALYZE: what it leaves in the catalogs, and when it leaves them alone. */
#include "catalog_fixture.h"

#include "catalog/changes.h"
#include "stand_ins.h"
#include "table/table.h"

static struct session *s;

static int setup(void **state) {
    (void)state;
    fake = fixture_appliance();
    s = session_new(SLOT_QUERYD);
    define_hooks = &stand_in_analysis;
    table_hooks = &stand_in_sort;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    session_free(s);
    fake_env_free(fake);
    return 0;
}

static void analyze_counts(void **state) {
    (void)state;
    const struct column_stats *stats;
    run(s, "create table t (a int primary key, b int, c text)");
    begin_block(s);
    for (int i = 0; i < 2000; i++) {
        char a[16], b[16];
        snprintf(a, sizeof a, "%d", i);
        snprintf(b, sizeof b, "%d", i % 10);
        MUST(insert(s, "t", a, b, i % 4 ? "four" : "\\N"));
    }
    end_block(s, true);
    assert_true(relation(s, "t")->reltuples < 0);
    run(s, "vacuum analyze t");
    const struct relation *r = relation(s, "t");
    assert_int_equal(r->reltuples, 2000);
    assert_true(r->relpages > 1);
    begin(s);
    MUST(catalog_column_stats(&s->env, r->oid, 1, &stats));
    assert_true(stats->distinct == -1);
    MUST(catalog_column_stats(&s->env, r->oid, 2, &stats));
    assert_true(stats->distinct == 10);
    MUST(catalog_column_stats(&s->env, r->oid, 3, &stats));
    assert_true(stats->null_fraction > 0.24 && stats->null_fraction < 0.26);
    assert_int_equal(stats->width, 5); /* as PostgreSQL: with a byte for the length */
    MUST(end(s, OK));
}

static void fill(unsigned from, unsigned n, unsigned distinct) {
    begin_block(s);
    for (unsigned i = from; i < from + n; i++) {
        char a[16], b[16];
        snprintf(a, sizeof a, "%u", i);
        snprintf(b, sizeof b, "%u", i % distinct);
        MUST(insert(s, "t", a, b));
    }
    end_block(s, true);
}

/* Whether an analysis that nobody asked for makes plans old. */
static bool analysis_is_news(void) {
    const struct relation *r = relation(s, "t");
    begin_block(s);
    MUST(catalog_analyze(&s->env, r->oid));
    bool news = s->txn.catalog_changed;
    end_block(s, true);
    return news;
}

static void an_analysis_without_news_leaves_plans_alone(void **state) {
    (void)state;
    run(s, "create table t (a int primary key, b int)");
    fill(0, 500, 10);
    assert_true(analysis_is_news());
    assert_false(analysis_is_news());
    fill(500, 40, 10);
    assert_false(analysis_is_news());
    assert_int_equal(relation(s, "t")->reltuples, 500);
    fill(540, 40, 10); /* little by little comes to much */
    assert_true(analysis_is_news());
    run(s, "truncate t");
    fill(0, 580, 5); /* other common values */
    assert_true(analysis_is_news());
    run(s, "truncate t");
    fill(0, 580, 250); /* a histogram */
    assert_true(analysis_is_news());
    assert_false(analysis_is_news());
    run(s, "truncate t");
    fill(300, 580, 250); /* the key is elsewhere, and what follows it */
    assert_true(analysis_is_news());
    run(s, "analyze t");
    assert_false(analysis_is_news());
}

int main(void) {
    MUST(types_init());
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(analyze_counts),
        TEST(an_analysis_without_news_leaves_plans_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
