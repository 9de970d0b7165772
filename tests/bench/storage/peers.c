/* peers lmdb|sqlite ROWS DIR: the same through LMDB's and SQLite's C interfaces; DIR/bench.json. */
#include <lmdb.h>
#include <sqlite3.h>

#include "workload.h"

#define SYNCED 100000

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "%s failed\n", what);
    exit(2);
}

/* ---- LMDB ---- */

static MDB_env *env;

static void lmdb_insert(MDB_dbi dbi, uint64_t rows, bool shuffled) {
    unsigned char key[8], value[VALUE_BYTES];
    for (uint64_t i = 0; i < rows;) {
        MDB_txn *t;
        check(mdb_txn_begin(env, NULL, 0, &t) == 0, "begin");
        for (uint64_t n = 0; n < SYNCED && i < rows; n++, i++) {
            row_make(i, shuffled, key, value);
            MDB_val k = {8, key}, v = {VALUE_BYTES, value};
            check(mdb_put(t, dbi, &k, &v, shuffled ? 0 : MDB_APPEND) == 0, "put");
        }
        check(mdb_txn_commit(t) == 0, "commit");
    }
}

static MDB_dbi lmdb_table(const char *name) {
    MDB_txn *t;
    MDB_dbi dbi;
    check(mdb_txn_begin(env, NULL, 0, &t) == 0, "begin");
    check(mdb_dbi_open(t, name, MDB_CREATE, &dbi) == 0, "table");
    check(mdb_txn_commit(t) == 0, "commit");
    return dbi;
}

static void lmdb_read(MDB_dbi dbi, struct figures *f, double *at) {
    MDB_txn *t;
    MDB_cursor *c;
    MDB_val k, v;
    unsigned char key[8], value[VALUE_BYTES];
    uint64_t n = 0, sum = 0;
    check(mdb_txn_begin(env, NULL, MDB_RDONLY, &t) == 0, "begin");
    for (uint64_t i = 0; i < f->lookups; i++) {
        row_make(row_at_random(i, f->rows), true, key, value);
        k = (MDB_val){8, key};
        check(mdb_get(t, dbi, &k, &v) == 0 && memcmp(v.mv_data, value, VALUE_BYTES) == 0, "get");
    }
    f->lookup_s = seconds_since(at);
    check(mdb_cursor_open(t, dbi, &c) == 0, "cursor");
    while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0) {
        sum += *(unsigned char *)v.mv_data;
        n++;
    }
    check(n == f->rows && sum, "scan");
    f->scan_s = seconds_since(at);
}

static void lmdb(struct figures *f, const char *dir) {
    check(mdb_env_create(&env) == 0, "create");
    check(mdb_env_set_mapsize(env, (size_t)16 << 30) == 0 && mdb_env_set_maxdbs(env, 2) == 0,
          "set-up");
    check(mdb_env_open(env, dir, 0, 0600) == 0, "open");
    MDB_dbi sorted = lmdb_table("sorted"), random_rows = lmdb_table("random");
    double at = seconds_now();
    lmdb_insert(sorted, f->rows, false);
    f->sorted_s = seconds_since(&at);
    lmdb_insert(random_rows, f->rows, true);
    f->random_s = seconds_since(&at);
    lmdb_read(random_rows, f, &at);
}

/* ---- SQLite ---- */

static sqlite3 *db;

static void sql(const char *text) {
    check(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK, text);
}

static sqlite3_stmt *prepared(const char *text) {
    sqlite3_stmt *s;
    check(sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK, text);
    return s;
}

static void sqlite_insert(const char *text, uint64_t rows, bool shuffled) {
    unsigned char key[8], value[VALUE_BYTES];
    sqlite3_stmt *s = prepared(text);
    for (uint64_t i = 0; i < rows;) {
        sql("BEGIN");
        for (uint64_t n = 0; n < SYNCED && i < rows; n++, i++) {
            row_make(i, shuffled, key, value);
            sqlite3_bind_blob(s, 1, key, 8, SQLITE_STATIC);
            sqlite3_bind_blob(s, 2, value, VALUE_BYTES, SQLITE_STATIC);
            check(sqlite3_step(s) == SQLITE_DONE && sqlite3_reset(s) == SQLITE_OK, "insert");
        }
        sql("COMMIT");
    }
    sqlite3_finalize(s);
}

static void sqlite_read(struct figures *f, double *at) {
    unsigned char key[8], value[VALUE_BYTES];
    uint64_t n = 0, sum = 0;
    sqlite3_stmt *s = prepared("SELECT v FROM random WHERE k = ?");
    sql("BEGIN");
    for (uint64_t i = 0; i < f->lookups; i++) {
        row_make(row_at_random(i, f->rows), true, key, value);
        sqlite3_bind_blob(s, 1, key, 8, SQLITE_STATIC);
        check(sqlite3_step(s) == SQLITE_ROW &&
                  memcmp(sqlite3_column_blob(s, 0), value, VALUE_BYTES) == 0,
              "get");
        sqlite3_reset(s);
    }
    f->lookup_s = seconds_since(at);
    sqlite3_finalize(s);
    s = prepared("SELECT k, v FROM random ORDER BY k");
    while (sqlite3_step(s) == SQLITE_ROW) {
        sum += *(const unsigned char *)sqlite3_column_blob(s, 1);
        n++;
    }
    check(n == f->rows && sum, "scan");
    f->scan_s = seconds_since(at);
    sqlite3_finalize(s);
}

static void sqlite(struct figures *f, const char *dir) {
    char path[1024];
    snprintf(path, sizeof path, "%s/db", dir);
    check(sqlite3_open(path, &db) == SQLITE_OK, "open");
    sql("PRAGMA journal_mode = WAL");
    sql("PRAGMA synchronous = FULL");
    sql("PRAGMA cache_size = -4000000");
    sql("CREATE TABLE sorted (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
    sql("CREATE TABLE random (k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID");
    double at = seconds_now();
    sqlite_insert("INSERT INTO sorted VALUES (?, ?)", f->rows, false);
    f->sorted_s = seconds_since(&at);
    sqlite_insert("INSERT INTO random VALUES (?, ?)", f->rows, true);
    f->random_s = seconds_since(&at);
    sqlite_read(f, &at);
}

int main(int argc, char **argv) {
    check(argc == 4, "peers lmdb|sqlite ROWS DIR:");
    struct figures f = {.rows = strtoull(argv[2], NULL, 10)};
    f.lookups = lookups_for(f.rows);
    if (strcmp(argv[1], "lmdb") == 0)
        lmdb(&f, argv[3]);
    else
        sqlite(&f, argv[3]);
    FILE *out = figures_open(argv[3]);
    figures_write(&f, out);
    return fclose(out) == 0 ? 0 : 1;
}
