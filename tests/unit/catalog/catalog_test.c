/* The catalogs of a new appliance, and the cache over them. */
#include <time.h>

#include "catalog/changes.h"
#include "catalog/log_on.h"
#include "catalog_fixture.h"
#include "tree/tree.h"

static struct session *one, *two;

static int setup(void **state) {
    (void)state;
    fake = fixture_appliance();
    one = session_new(SLOT_QUERYD);
    two = session_new(SLOT_QUERYD + 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    session_free(one);
    session_free(two);
    fake_env_free(fake);
    return 0;
}

#define SCHEMA_FUNCTIONS 11 /* of information_schema, in SQL: catalog_rows.def */

static unsigned count_rows(struct session *s, enum catalog_number n) {
    struct catalog_scan scan;
    unsigned count = 0;
    begin(s);
    MUST(catalog_scan_begin(&s->env, n, 0, NULL, 0, &scan));
    while (ok(catalog_scan_next(&scan))) count++;
    catalog_scan_end(&scan);
    MUST(end(s, OK));
    return count;
}

static void a_new_appliance_describes_its_own_catalogs(void **state) {
    (void)state;
    const struct relation *r = relation(one, "pg_class");
    assert_non_null(r);
    assert_int_equal(r->tree.root.no, CATALOG_ROOT.no);
    assert_int_equal(r->oid, 1259);
    assert_string_equal(r->atts[1].name, "relname");
    assert_int_equal(count_rows(one, CAT_pg_type), type_count() + 2 * CATALOG_COUNT);
    assert_int_equal(count_rows(one, CAT_pg_proc), function_count() + SCHEMA_FUNCTIONS);
    assert_int_equal(count_rows(one, CAT_pg_operator), operator_count());
    assert_int_equal(count_rows(one, CAT_pg_cast), cast_count());
    assert_int_equal(count_rows(one, CAT_pg_index), catalog_index_info_count);
    assert_true(atomic_load(&fake->shm.control->next_oid) >= FIRST_USER_OID);
}

/* What the second worker read from pg_class is what the first one made. */
static void workers_agree_on_roots(void **state) {
    (void)state;
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        const struct relation *a = catalog_relation_of(one->catalog, n);
        const struct relation *b = catalog_relation_of(two->catalog, n);
        assert_int_equal(a->tree.root.no, b->tree.root.no);
        assert_int_equal(a->nindexes, b->nindexes);
        for (unsigned i = 0; i < a->nindexes; i++)
            assert_int_equal(a->indexes[i].tree.root.no, b->indexes[i].tree.root.no);
    }
}

static void all_trees_are_sound(void **state) {
    (void)state;
    for (unsigned n = 0; n < CATALOG_COUNT; n++) {
        const struct relation *r = catalog_relation_of(one->catalog, n);
        struct tree_report report = {0}, index;
        if (!ok(tree_check(&one->proc, r->tree, NULL, NULL, &report)))
            fail_msg("%s: %s", r->name, report.words);
        for (unsigned i = 0; i < r->nindexes; i++) {
            index = (struct tree_report){0};
            if (!ok(tree_check(&one->proc, r->indexes[i].tree, NULL, NULL, &index)))
                fail_msg("%s: %s", r->indexes[i].name, index.words);
            assert_int_equal(index.entries, report.entries);
        }
    }
}

static void views_have_columns_and_text(void **state) {
    (void)state;
    const struct relation *r = relation(one, "pg_roles");
    assert_non_null(r);
    assert_int_equal(r->kind, 'v');
    assert_int_equal(r->natts, 13);
    assert_non_null(r->view_text);
    assert_string_equal(r->atts[12].name, "oid");
}

static void indexes_of_catalogs_are_relations(void **state) {
    (void)state;
    const struct relation *r = relation(one, "pg_class_relname_nsp_index");
    assert_non_null(r);
    assert_int_equal(r->kind, 'i');
    assert_string_equal(call(one, 1643, 1, "2663"),
                        "CREATE UNIQUE INDEX pg_class_relname_nsp_index ON pg_catalog.pg_class "
                        "USING btree (relname, relnamespace)");
}

static void another_session_sees_a_table_once_it_is_committed(void **state) {
    (void)state;
    assert_null(relation(two, "t")); /* remembered as missing */
    begin_block(one);
    run(one, "create table t (a int primary key, b text)");
    assert_non_null(relation(one, "t"));
    assert_null(relation(two, "t"));
    assert_int_equal(catalog_version(&one->env), 0);
    end_block(one, true);
    assert_non_null(relation(one, "t"));
    assert_non_null(relation(two, "t"));
}

static void what_is_rolled_back_was_never_there(void **state) {
    (void)state;
    begin_block(one);
    run(one, "create table t (a int)");
    oid first = relation(one, "t")->oid;
    struct txn_mark mark = txn_mark(&one->txn);
    run(one, "drop table t");
    assert_null(relation(one, "t"));
    MUST(txn_rollback_to(&one->proc, &one->txn, mark));
    catalog_rolled_back(&one->env);
    assert_non_null(relation(one, "t"));
    assert_int_equal(relation(one, "t")->oid, first);
    end_block(one, false);
    assert_null(relation(one, "t"));
    assert_null(relation(two, "t"));
    run(two, "create table t (b int)");
    assert_string_equal(relation(one, "t")->atts[0].name, "b");
}

/* A relation stays valid while the transaction that looked it up lives, whatever others change. */
static void relations_outlast_changes_by_others(void **state) {
    (void)state;
    run(one, "create table t (a int)");
    begin_block(two);
    const struct relation *old = relation(two, "t");
    for (int i = 0; i < 20; i++) {
        run(one, i % 2 ? "drop view if exists nothing; drop table u" : "create table u (x int)");
        relation(two, "u");
        relation(two, "pg_roles");
    }
    assert_string_equal(old->name, "t");
    assert_string_equal(old->atts[0].name, "a");
    end_block(two, true);
}

static void names_follow_the_search_path(void **state) {
    (void)state;
    run(one, "create schema s; create table s.t (a int); create table t (b int)");
    assert_string_equal(relation(one, "t")->schema_name, "public");
    one->settings.search_path = "s, public";
    assert_string_equal(relation(one, "t")->schema_name, "s");
    one->settings.search_path = "nowhere";
    assert_null(relation(one, "t"));
    refused(one, "create table x (a int)", "3F000 no schema has been selected to create in");
    run(one, "create table public.x (a int)");
    assert_non_null(relation(one, "pg_class"));
}

static void regclass_reads_and_prints_names(void **state) {
    (void)state;
    char oid_text[16], expected[16];
    run(one, "create schema s; create table \"S p\" (a int); create table s.t (a int)");
    snprintf(oid_text, sizeof oid_text, "%u", relation(one, "S p")->oid);
    assert_string_equal(call(one, 2079, 1, oid_text), "t");
    datum d;
    begin(one);
    MUST(type_input(&one->env.eval, type_find(REGCLASSOID), -1, "\"S p\"", 5, &d));
    snprintf(expected, sizeof expected, "%u", d.u32);
    assert_string_equal(expected, oid_text);
    char *text;
    size_t len;
    MUST(type_output_string(&one->env.eval, type_find(REGCLASSOID), d, &text, &len));
    assert_string_equal(text, "\"S p\"");
    MUST(type_input(&one->env.eval, type_find(REGCLASSOID), -1, "s.t", 3, &d));
    MUST(type_output_string(&one->env.eval, type_find(REGCLASSOID), d, &text, &len));
    assert_string_equal(text, "s.t");
    assert_false(ok(type_input(&one->env.eval, type_find(REGCLASSOID), -1, "nix", 3, &d)));
    assert_string_equal(one->error.message, "relation \"nix\" does not exist");
    MUST(end(one, OK));
}

/* A restarted appliance (next_oid unknown) never gives out an oid again. */
static void oids_go_on_after_a_restart(void **state) {
    (void)state;
    run(one, "create table t (a int primary key, b int unique)");
    oid last = atomic_load(&fake->shm.control->next_oid);
    atomic_store(&fake->shm.control->next_oid, 0);
    struct session *again = session_new(SLOT_QUERYD + 2);
    assert_int_equal(atomic_load(&fake->shm.control->next_oid), last);
    assert_non_null(relation(again, "t"));
    session_free(again);
}

static void insert_numbers(struct session *s, int from, int n) {
    for (int i = from; i < from + n; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        MUST(insert(s, "t", text));
    }
}

static bool waits(void) {
    return catalog_analyze_due_ns(one->catalog) != UINT64_MAX;
}

/* What a transaction fills a table with is not looked at before its end, and then once. */
static void loads_are_analysed_when_they_are_visible(void **state) {
    (void)state;
    run(one, "create table t (a int primary key)");
    begin_block(one);
    insert_numbers(one, 0, 60);
    assert_false(waits());
    end_block(one, true);
    assert_true(waits());
    assert_int_equal(catalog_take_analyze(one->catalog, 0), relation(one, "t")->oid);
    assert_false(waits());
    assert_int_equal(catalog_take_analyze(one->catalog, 0), 0);
}

/* A transaction that stays open and has changed little does not keep others' changes back. */
static void few_open_changes_keep_nobody_back(void **state) {
    (void)state;
    run(one, "create table t (a int primary key)");
    insert_numbers(one, 0, 60);
    begin_block(one);
    insert_numbers(one, 60, 5);
    assert_true(waits());
    end_block(one, false);
    catalog_forget_changes(one->catalog, relation(one, "t")->oid);
    assert_false(waits());
}

/* Under steady change it is looked at once a minute, and seldom when looking takes long. */
static void an_analysed_table_rests(void **state) {
    (void)state;
    const uint64_t second = 1000000000u;
    run(one, "create table t (a int primary key)");
    insert_numbers(one, 0, 60);
    oid t = relation(one, "t")->oid;
    assert_int_equal(catalog_analyze_due_ns(one->catalog), 0);
    assert_int_equal(catalog_take_analyze(one->catalog, 1), t);
    catalog_rest_from_analyze(one->catalog, t, second, second / 100);
    insert_numbers(one, 60, 60);
    assert_int_equal(catalog_analyze_due_ns(one->catalog), 61 * second);
    assert_int_equal(catalog_take_analyze(one->catalog, 61 * second - 1), 0);
    assert_int_equal(catalog_take_analyze(one->catalog, 61 * second), t);
    catalog_rest_from_analyze(one->catalog, t, 70 * second, 3 * second);
    insert_numbers(one, 120, 60);
    assert_int_equal(catalog_analyze_due_ns(one->catalog), 370 * second);
    catalog_forget_changes(one->catalog, t);
    assert_false(waits());
}

/* Who works in a database without a session there locks what sessions lock. */
static void the_first_database_is_held(void **state) {
    (void)state;
    begin_block(one);
    MUST(catalog_database_hold(&one->env, catalog_root(one->catalog)));
    assert_int_equal(one->txn.database, FIRST_DATABASE_OID);
    end_block(one, false);
}

int main(void) {
    MUST(types_init());
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_new_appliance_describes_its_own_catalogs),
        TEST(workers_agree_on_roots),
        TEST(all_trees_are_sound),
        TEST(views_have_columns_and_text),
        TEST(indexes_of_catalogs_are_relations),
        TEST(another_session_sees_a_table_once_it_is_committed),
        TEST(what_is_rolled_back_was_never_there),
        TEST(relations_outlast_changes_by_others),
        TEST(names_follow_the_search_path),
        TEST(regclass_reads_and_prints_names),
        TEST(oids_go_on_after_a_restart),
        TEST(loads_are_analysed_when_they_are_visible),
        TEST(few_open_changes_keep_nobody_back),
        TEST(an_analysed_table_rests),
        TEST(the_first_database_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
