/* Definitions: what they leave in the catalogs and do to the rows. Expected words and names are
 * PostgreSQL 15's. */
#include "catalog_fixture.h"

#include "base/bytes.h"
#include "catalog/define_internal.h"
#include "catalog/deparse.h"
#include "stand_ins.h"
#include "table/table.h"

static struct session *s, *other;

static int setup(void **state) {
    (void)state;
    fake = fixture_appliance();
    s = session_new(SLOT_QUERYD);
    other = session_new(SLOT_QUERYD + 1);
    define_hooks = &stand_in_analysis;
    table_hooks = &stand_in_sort;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    session_free(s);
    session_free(other);
    fake_env_free(fake);
    return 0;
}

static const char *indexdef(oid index) {
    char text[16];
    snprintf(text, sizeof text, "%u", index);
    return call(s, 1643, 1, text);
}

static unsigned total_rows(enum catalog_number n) {
    struct catalog_scan scan;
    unsigned count = 0;
    begin(s);
    MUST(catalog_scan_begin(&s->env, n, 0, NULL, 0, &scan));
    while (ok(catalog_scan_next(&scan))) count++;
    catalog_scan_end(&scan);
    MUST(end(s, OK));
    return count;
}

/* ---- CREATE TABLE ---------------------------------------------------------------------------- */

static void create_table_keeps_what_was_said(void **state) {
    (void)state;
    run(s, "create table t (id bigint primary key, name varchar(20) not null default 'x', "
           "price numeric(10,2) default -1.5 check (price > 0), at timestamptz default now(), "
           "tags text[], unique (name, price), constraint odd check (id <> 7 and price < 100))");
    const struct relation *r = relation(s, "t");
    assert_int_equal(r->natts, 5);
    assert_int_equal(r->atts[0].type, INT8OID);
    assert_true(r->atts[0].not_null);
    assert_int_equal(r->atts[1].typmod, 24);
    assert_string_equal(r->atts[1].default_text, "'x'::character varying");
    assert_string_equal(r->atts[2].default_text, "'-1.5'::numeric");
    assert_string_equal(r->atts[3].default_text, "now()");
    assert_int_equal(r->atts[4].type, TEXTARRAYOID);
    assert_non_null(r->primary);
    assert_string_equal(r->primary->name, "t_pkey");
    assert_int_equal(r->primary->tree.root.no, r->tree.root.no);
    assert_int_equal(r->nindexes, 1);
    assert_string_equal(r->indexes[0].name, "t_name_price_key");
    assert_true(r->indexes[0].unique && r->indexes[0].constraint);
    assert_int_equal(r->nchecks, 2);
    assert_string_equal(r->checks[0].name, "odd");
    assert_string_equal(r->checks[0].text, "((id <> 7) AND (price < 100))");
    assert_string_equal(r->checks[1].name, "t_price_check");
    assert_string_equal(indexdef(r->indexes[0].oid),
                        "CREATE UNIQUE INDEX t_name_price_key ON public.t USING btree (name, "
                        "price)");
}

static void create_table_refuses(void **state) {
    (void)state;
    run(s, "create table t (a int)");
    refused(s, "create table t (a int)", "42P07 relation \"t\" already exists");
    run(s, "create table if not exists t (a int)");
    assert_string_equal(s->notices, "NOTICE 42P07: relation \"t\" already exists, skipping\n");
    refused(s, "create table u (a int, a text)", "42701 column \"a\" specified more than once");
    refused(s, "create table u (a nix)", "42704 type \"nix\" does not exist");
    refused(s, "create table u (xmin int)",
            "42701 column name \"xmin\" conflicts with a system column name");
    refused(s, "create table u (a int primary key, b int primary key)",
            "42P16 multiple primary keys for table \"u\" are not allowed");
    refused(s, "create table u (a int, primary key (b))",
            "42703 column \"b\" named in key does not exist");
    refused(s, "create table u (a int, unique (a, a))",
            "42701 column \"a\" appears twice in unique constraint");
    refused(s, "create table u (a int null not null)",
            "42601 conflicting NULL/NOT NULL declarations for column \"a\" of table \"u\"");
    refused(s, "create table u (a json primary key)",
            "42704 data type json has no default operator class for access method \"btree\"");
    refused(s, "create table u (a record)", "42P16 column \"a\" has pseudo-type record");
    refused(s, "create table nix.u (a int)", "3F000 schema \"nix\" does not exist");
    refused(s, "create table pg_catalog.u (a int)",
            "42501 permission denied to create \"pg_catalog.u\"");
    refused(s,
            "create table u (a int check (a > 0), constraint c check (a > 0), constraint c "
            "check (a > 1))",
            "42710 constraint \"c\" for relation \"u\" already exists");
    refused(s, "create table u (a int references t)",
            "42704 there is no primary key for referenced table \"t\"");
    assert_null(relation(s, "u"));
}

static void chosen_names_avoid_what_is_taken(void **state) {
    (void)state;
    run(s, "create table t_pkey (a int); create table t_a_key (a int)");
    run(s, "create table t (a int primary key unique check (a > 0) check (a < 9))");
    const struct relation *r = relation(s, "t");
    assert_string_equal(r->primary->name, "t_pkey1");
    assert_string_equal(r->indexes[0].name, "t_a_key1");
    assert_string_equal(r->checks[0].name, "t_a_check");
    assert_string_equal(r->checks[1].name, "t_a_check1");
    run(s, "create table a_table_with_a_name_that_is_nearly_as_long_as_names_can_be_xx "
           "(a_column_with_a_long_name_too int unique)");
    r = relation(s, "a_table_with_a_name_that_is_nearly_as_long_as_names_can_be_xx");
    assert_string_equal(r->indexes[0].name,
                        "a_table_with_a_name_that_is_n_a_column_with_a_long_name_too_key");
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void keys_are_kept_unique(void **state) {
    (void)state;
    run(s, "create table t (a int primary key, b text unique)");
    MUST(insert(s, "t", "2", "two"));
    MUST(insert(s, "t", "1", "one"));
    assert_string_equal(rows(s, "t"), "1,one|2,two");
    assert_int_equal(insert(s, "t", "2", "zwei").code, ST_UNIQUE_VIOLATION);
    assert_string_equal(s->error.message,
                        "duplicate key value violates unique constraint \"t_pkey\"");
    assert_string_equal(s->error.detail, "Key (a)=(2) already exists.");
    assert_int_equal(insert(s, "t", "3", "two").code, ST_UNIQUE_VIOLATION);
    MUST(insert(s, "t", "4", "\\N"));
    MUST(insert(s, "t", "5", "\\N"));
    assert_string_equal(rows(s, "t"), "1,one|2,two|4,\\N|5,\\N");
}

static void add_primary_key_clusters_the_rows(void **state) {
    (void)state;
    run(s, "create table t (a int, b text, c int); create index on t (c desc, b)");
    for (int i = 30; i > 0; i--) {
        char a[16];
        snprintf(a, sizeof a, "%d", i);
        MUST(insert(s, "t", a, "x", a));
    }
    page_id before = relation(s, "t")->tree.root;
    run(s, "alter table t add primary key (a)");
    const struct relation *r = relation(s, "t");
    assert_string_equal(r->primary->name, "t_pkey");
    assert_true(r->atts[0].not_null);
    assert_int_not_equal(r->tree.root.no, before.no);
    assert_int_equal(r->primary->tree.root.no, r->tree.root.no);
    assert_true(!strncmp(rows(s, "t"), "1,x,1|2,x,2|3,x,3", 17));
    assert_string_equal(indexdef(r->indexes[0].oid),
                        "CREATE INDEX t_c_b_idx ON public.t USING btree (c DESC, b)");
    struct tree_report report = {0};
    MUST(tree_check(&s->proc, r->indexes[0].tree, NULL, NULL, &report));
    assert_int_equal(report.entries, 30);
    assert_int_equal(insert(s, "t", "7", "y", "1").code, ST_UNIQUE_VIOLATION);
    refused(s, "alter table t add primary key (b)",
            "42P16 multiple primary keys for table \"t\" are not allowed");
    run(s, "alter table t drop constraint t_pkey");
    assert_null(relation(s, "t")->primary);
    MUST(insert(s, "t", "7", "y", "1"));
    assert_true(strstr(rows(s, "t"), "7,y,1") != NULL);
}

static void add_primary_key_refuses_bad_rows(void **state) {
    (void)state;
    run(s, "create table t (a int, b int)");
    MUST(insert(s, "t", "1", "1"));
    MUST(insert(s, "t", "1", "\\N"));
    refused(s, "alter table t add primary key (a)",
            "23505 could not create unique index \"t_pkey\"");
    assert_string_equal(s->error.detail, "Key (a)=(1) is duplicated.");
    refused(s, "alter table t add primary key (b)",
            "23502 column \"b\" of relation \"t\" contains null values");
    refused(s, "create unique index on t (a)", "23505 could not create unique index \"t_a_idx\"");
    run(s, "create unique index on t (b)");
    assert_null(relation(s, "t")->primary);
    assert_int_equal(relation(s, "t")->nindexes, 1);
    assert_string_equal(rows(s, "t"), "1,1|1,\\N");
}

static void added_columns_read_their_default(void **state) {
    (void)state;
    run(s, "create table t (a int)");
    MUST(insert(s, "t", "1"));
    run(s, "alter table t add column b text default 'old', add c int");
    MUST(insert(s, "t", "2", "new", "5"));
    assert_string_equal(rows(s, "t"), "1,old,\\N|2,new,5");
    run(s, "alter table t alter b set default 'later'");
    assert_string_equal(rows(s, "t"), "1,old,\\N|2,new,5");
    assert_string_equal(relation(s, "t")->atts[1].default_text, "'later'::text");
    refused(s, "alter table t add d int not null",
            "23502 column \"d\" of relation \"t\" contains null values");
    refused(s, "alter table t add b int", "42701 column \"b\" of relation \"t\" already exists");
    refused(s, "alter table t alter c set not null",
            "23502 column \"c\" of relation \"t\" contains null values");
    refused(s, "alter table t add constraint impossible check (c > 100)",
            "23514 check constraint \"impossible\" of relation \"t\" is violated by some row");
    run(s, "alter table t add check (c > 0)");
    assert_string_equal(relation(s, "t")->checks[0].name, "t_c_check");
    run(s, "alter table t drop column b");
    assert_string_equal(rows(s, "t"), "1,\\N|2,5");
    MUST(insert(s, "t", "3", "6"));
    assert_string_equal(rows(s, "t"), "1,\\N|2,5|3,6");
    refused(s, "alter table t drop column b",
            "42703 column \"b\" of relation \"t\" does not exist");
}

static void dropping_a_column_takes_its_indexes(void **state) {
    (void)state;
    run(s, "create table t (a int primary key, b int unique, c int check (c > 0)); "
           "create index on t (c, b)");
    MUST(insert(s, "t", "2", "1", "1"));
    run(s, "alter table t drop column b");
    assert_int_equal(relation(s, "t")->nindexes, 0);
    run(s, "alter table t drop column c");
    assert_int_equal(relation(s, "t")->nchecks, 0);
    run(s, "alter table t drop column a");
    assert_null(relation(s, "t")->primary);
    assert_int_equal(relation(s, "t")->natts, 3);
}

static void truncate_is_part_of_its_transaction(void **state) {
    (void)state;
    run(s, "create table t (a int primary key, b int unique)");
    MUST(insert(s, "t", "1", "1"));
    begin_block(s);
    run(s, "truncate t");
    assert_string_equal(rows(s, "t"), "");
    MUST(insert(s, "t", "9", "9"));
    end_block(s, false);
    assert_string_equal(rows(s, "t"), "1,1");
    run(s, "truncate table t");
    assert_string_equal(rows(s, "t"), "");
    MUST(insert(s, "t", "1", "1"));
}

/* ---- DROP ------------------------------------------------------------------------------------ */

static void drop_leaves_nothing(void **state) {
    (void)state;
    static const enum catalog_number looked_at[] = {
        CAT_pg_class,       CAT_pg_attribute, CAT_pg_attrdef,  CAT_pg_constraint,
        CAT_pg_index,       CAT_pg_type,      CAT_pg_depend,   CAT_pg_rewrite,
        CAT_pg_description, CAT_pg_statistic, CAT_pg_namespace};
    unsigned before[11];
    for (int i = 0; i < 11; i++) before[i] = total_rows(looked_at[i]);
    run(s, "create schema x; create table x.t (a int primary key default 1, b int unique, "
           "check (a > b)); create index on x.t (b); create view x.v as select * from x.t; "
           "comment on table x.t is 'words'; comment on column x.t.b is 'more words'; "
           "create table u (a text default 'q')");
    MUST(insert(s, "u", "z"));
    run(s, "analyze; drop table u; drop schema x cascade");
    for (int i = 0; i < 11; i++) assert_int_equal(total_rows(looked_at[i]), before[i]);
}

static void drop_says_what_is_missing(void **state) {
    (void)state;
    refused(s, "drop table nix", "42P01 table \"nix\" does not exist");
    refused(s, "drop index nix", "42704 index \"nix\" does not exist");
    refused(s, "drop table a.nix", "3F000 schema \"a\" does not exist");
    run(s, "drop table if exists nix, b.nix");
    assert_string_equal(s->notices, "NOTICE 00000: table \"nix\" does not exist, skipping\n"
                                    "NOTICE 00000: schema \"b\" does not exist, skipping\n");
    run(s, "create table t (a int primary key); create view v as select a, 'x' as b from t");
    refused(s, "drop view t", "42809 \"t\" is not a view");
    assert_string_equal(s->error.hint, "Use DROP TABLE to remove a table.");
    refused(s, "drop index t_pkey",
            "2BP01 cannot drop index t_pkey because constraint t_pkey on table t requires it");
    refused(s, "drop table t", "2BP01 cannot drop table t because other objects depend on it");
    assert_string_equal(s->error.detail, "view v depends on table t");
    refused(s, "alter table t drop column a",
            "2BP01 cannot drop column a of table t because other objects depend on it");
    refused(s, "drop table pg_class", "42501 permission denied: \"pg_class\" is a system catalog");
    run(s, "drop table t cascade");
    assert_string_equal(s->notices, "NOTICE 00000: drop cascades to view v\n");
    assert_null(relation(s, "v"));
}

/* ---- names ----------------------------------------------------------------------------------- */

static void rename_changes_names_everywhere(void **state) {
    (void)state;
    run(s, "create table t (a int primary key, b int check (b > 0)); create index i on t (b)");
    run(s, "alter table t rename b to c; alter index i rename to j; "
           "alter table t rename constraint t_pkey to k; alter table t rename to u");
    assert_null(relation(s, "t"));
    const struct relation *r = relation(s, "u");
    assert_string_equal(r->atts[1].name, "c");
    assert_string_equal(r->checks[0].text, "(c > 0)");
    assert_string_equal(r->primary->name, "k");
    assert_string_equal(indexdef(r->indexes[0].oid), "CREATE INDEX j ON public.u USING btree (c)");
    run(s, "create table t (z int)"); /* the name, and its row type's, are free again */
    refused(s, "alter table t rename to u", "42P07 relation \"u\" already exists");
    refused(s, "alter table t rename x to y", "42703 column \"x\" does not exist");
}

/* ---- views ----------------------------------------------------------------------------------- */

static void views_are_kept_as_whole_queries(void **state) {
    (void)state;
    run(s, "create table t (a int, b text); create view v as select * from t where a > 1 order by "
           "b limit 3");
    const struct relation *r = relation(s, "v");
    assert_int_equal(r->kind, 'v');
    assert_int_equal(r->natts, 2);
    assert_string_equal(r->view_text, "SELECT *\n   FROM public.t\n  WHERE (a > 1)\n  ORDER BY b\n "
                                      "LIMIT 3");
    char text[16];
    snprintf(text, sizeof text, "%u", r->oid);
    assert_string_equal(call(s, 1641, 1, text),
                        "SELECT *\n   FROM t\n  WHERE (a > 1)\n  ORDER BY b\n LIMIT 3;");
    refused(s, "create view v as select 1, 2", "42P07 relation \"v\" already exists");
    run(s, "create or replace view v as select a, b from t union all select 1, 'x'");
    assert_true(strstr(relation(s, "v")->view_text, "UNION ALL") != NULL);
    refused(s, "create view w (x, y, z) as select 1, 2",
            "42P16 CREATE VIEW specifies more column names than columns");
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void comments_roles_schemas(void **state) {
    (void)state;
    char text[16];
    run(s, "create table t (a int); comment on table t is 'a table'; comment on column t.a is "
           "'first'");
    snprintf(text, sizeof text, "%u", relation(s, "t")->oid);
    assert_string_equal(call(s, 1215, 2, text, "pg_class"), "a table");
    assert_string_equal(call(s, 1216, 2, text, "1"), "first");
    run(s, "comment on table t is null");
    assert_string_equal(call(s, 1215, 2, text, "pg_class"), "NULL");
    run(s, "create role r; create user u createdb; alter table t owner to u");
    assert_int_not_equal(relation(s, "t")->owner, 10);
    snprintf(text, sizeof text, "%u", relation(s, "t")->owner);
    assert_string_equal(call(s, 1642, 1, text), "u");
    refused(s, "create role r", "42710 role \"r\" already exists");
    refused(s, "drop role u",
            "2BP01 role \"u\" cannot be dropped because some objects depend on it");
    run(s, "drop role r");
    refused(s, "create schema public", "42P06 schema \"public\" already exists");
    refused(s, "create schema pg_x", "42939 unacceptable schema name \"pg_x\"");
}

static void constraints_are_shown(void **state) {
    (void)state;
    char text[16];
    struct catalog_scan scan;
    run(s, "create table t (a int primary key, b varchar check (b in ('x', 'y')))");
    datum key = datum_oid(relation(s, "t")->oid);
    oid found[2] = {0};
    begin(s);
    MUST(catalog_scan_begin(&s->env, CAT_pg_constraint,
                            OID_pg_constraint_conrelid_contypid_conname_index, &key, 1, &scan));
    while (ok(catalog_scan_next(&scan)))
        found[row_char(&scan.row, COL_pg_constraint_contype) == 'c'] =
            row_oid(&scan.row, COL_pg_constraint_oid);
    catalog_scan_end(&scan);
    MUST(end(s, OK));
    snprintf(text, sizeof text, "%u", found[0]);
    assert_string_equal(call(s, 1387, 1, text), "PRIMARY KEY (a)");
    snprintf(text, sizeof text, "%u", found[1]);
    assert_string_equal(call(s, 1387, 1, text),
                        "CHECK (((b)::text = ANY (ARRAY['x'::text, 'y'::text])))");
}

/* A writer of another session is waited for; here it would be for ever, so only the order of
 * locks is looked at: what is locked by one cannot be dropped by the other. */
static void locks_keep_definitions_apart(void **state) {
    (void)state;
    run(s, "create table t (a int)");
    begin_block(other);
    MUST(insert(other, "t", "1"));
    begin(s);
    status st = txn_lock_relation(&s->proc, &s->txn, relation(other, "t")->oid,
                                  MODE_ACCESS_EXCLUSIVE, true, 0);
    assert_int_equal(st.code, ST_LOCK_NOT_AVAILABLE);
    MUST(end(s, OK));
    end_block(other, true);
    run(s, "drop table t");
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Expressions and what pg_get_expr of PostgreSQL 15 gives for them; all read back as themselves. */
static void expressions_are_written_as_postgresql_does(void **state) {
    (void)state;
    static const char *const samples[][2] = {
        {"a+b*2", "(a + (b * 2))"},
        {"not (a > 0 or b is null)", "(NOT ((a > 0) OR (b IS NULL)))"},
        {"a between 1 and 5", "((a >= 1) AND (a <= 5))"},
        {"a not between 1 and 5", "((a < 1) OR (a > 5))"},
        {"coalesce(a, b, 0)", "COALESCE(a, b, 0)"},
        {"case when a > 0 then 1 else -1 end", "CASE WHEN (a > 0) THEN 1 ELSE '-1'::integer END"},
        {"a is distinct from b", "(a IS DISTINCT FROM b)"},
        {"c like 'x%'", "(c ~~ 'x%')"},
        {"c = 'it''s'", "(c = 'it''s')"},
        {"current_timestamp", "CURRENT_TIMESTAMP"},
        {"greatest(a, b)", "GREATEST(a, b)"},
        {"a::numeric(5,1)", "(a)::numeric(5,1)"},
        {"'2020-01-01'::date", "'2020-01-01'::date"},
        {"(array[1,2])[1]", "(ARRAY[1, 2])[1]"},
        {"upper(c) || 'x'", "(upper(c) || 'x')"},
        {"a is true", "(a IS TRUE)"},
        {"a in (1, 2, 3)", "(a = ANY (ARRAY[1, 2, 3]))"},
        {"nullif(a, 0)", "NULLIF(a, 0)"},
        {"\"A b\" + 1", "(\"A b\" + 1)"},
        {"(select max(x) from t)", "(SELECT max(x)\n           FROM t)"},
    };
    begin(s);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const char *text = samples[i][0];
        for (int again = 0; again < 2; again++) {
            struct node *n;
            struct buf out = {0};
            struct deparse d = {.env = &s->env, .out = &out};
            if (!ok(parse_expression(&s->arena, text, strlen(text), &s->error, &n)))
                fail_msg("%s: %s", text, s->error.message);
            MUST(deparse_expression(&d, n, 0));
            MUST(buf_add(&out, "", 1));
            assert_string_equal(out.data, samples[i][1]);
            buf_free(&out);
            text = samples[i][1];
        }
    }
    MUST(end(s, OK));
}

static void sizes_are_pretty(void **state) {
    (void)state;
    assert_string_equal(call(s, 2288, 1, "10239"), "10239 bytes");
    assert_string_equal(call(s, 2288, 1, "10240"), "10 kB");
    assert_string_equal(call(s, 2288, 1, "1073741824"), "1024 MB");
    assert_string_equal(call(s, 2288, 1, "-5368709120"), "-5120 MB");
    assert_string_equal(call(s, 2288, 1, "9223372036854775807"), "8192 PB");
}

int main(void) {
    MUST(types_init());
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(create_table_keeps_what_was_said),
        TEST(create_table_refuses),
        TEST(chosen_names_avoid_what_is_taken),
        TEST(keys_are_kept_unique),
        TEST(add_primary_key_clusters_the_rows),
        TEST(add_primary_key_refuses_bad_rows),
        TEST(added_columns_read_their_default),
        TEST(dropping_a_column_takes_its_indexes),
        TEST(truncate_is_part_of_its_transaction),
        TEST(drop_leaves_nothing),
        TEST(drop_says_what_is_missing),
        TEST(rename_changes_names_everywhere),
        TEST(views_are_kept_as_whole_queries),
        TEST(comments_roles_schemas),
        TEST(constraints_are_shown),
        TEST(locks_keep_definitions_apart),
        TEST(expressions_are_written_as_postgresql_does),
        TEST(sizes_are_pretty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
