// PostgreSQL's JDBC driver: types, batches, cursors by fetch size, transactions, metadata, COPY, cancel.
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.sql.*;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.util.*;
import org.postgresql.PGConnection;

public class Client {
    static int wrong = 0;

    static void same(String what, Object got, Object expected) {
        if (Objects.equals(got, expected)) return;
        wrong++;
        System.out.println("WRONG " + what + ":\n  got      " + got + "\n  expected " + expected);
    }

    interface Call {
        void run() throws Exception;
    }

    static void fails(String what, String state, Call call) throws Exception {
        try {
            call.run();
            same(what, "no error", state);
        } catch (SQLException e) {
            same(what, e.getSQLState(), state);
        }
    }

    /** Rows as lists of the named columns' texts. */
    static List<List<String>> rows(ResultSet r, String... columns) throws SQLException {
        List<List<String>> all = new ArrayList<>();
        while (r.next()) {
            List<String> row = new ArrayList<>();
            for (String c : columns) row.add(r.getString(c));
            all.add(row);
        }
        r.close();
        return all;
    }

    static Object one(Connection c, String sql, Object... params) throws SQLException {
        try (PreparedStatement st = c.prepareStatement(sql)) {
            for (int i = 0; i < params.length; i++) st.setObject(i + 1, params[i]);
            try (ResultSet r = st.executeQuery()) {
                r.next();
                return r.getObject(1);
            }
        }
    }

    static void types(Connection c) throws Exception {
        Object[][] cases = {{"int4", 5}, {"int8", 1L << 40}, {"float8", 2.5}, {"text", "ü'\\"}, {"bool", true},
                            {"numeric", new BigDecimal("1.50")}, {"date", java.sql.Date.valueOf("2024-02-29")},
                            {"timestamp", Timestamp.valueOf("2024-02-29 01:02:03.004")},
                            {"uuid", UUID.fromString("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")}};
        for (Object[] t : cases)
            for (int i = 0; i < 7; i++) // named on the server and binary after five times
                same("type " + t[0], one(c, "SELECT ?::" + t[0], t[1]), t[1]);
        same("bytes", Arrays.toString((byte[]) one(c, "SELECT ?::bytea", new byte[] {0, -1})), "[0, -1]");
        same("null", one(c, "SELECT ?::int", new Object[] {null}), null);
        Integer[] numbers = {1, null, 3};
        Array a = (Array) one(c, "SELECT ?::int[]", c.createArrayOf("int4", numbers));
        same("array", Arrays.asList((Object[]) a.getArray()), Arrays.asList(numbers));
        try (Statement st = c.createStatement(); ResultSet r = st.executeQuery("SELECT * FROM shop.customer ORDER BY id")) {
            r.next();
            same("local date", r.getObject("born", LocalDate.class), LocalDate.of(1980, 2, 29));
            same("instant", r.getObject("since", OffsetDateTime.class).toInstant().toString(), "2020-01-01T10:00:00Z");
            ResultSetMetaData m = r.getMetaData();
            same("column", m.getColumnTypeName(6) + m.getPrecision(6) + "," + m.getScale(6) + m.isNullable(2) + m.isAutoIncrement(1),
                 "numeric12,2" + ResultSetMetaData.columnNoNulls + "true");
            same("table of column", m.getTableName(1), "customer");
        }
        try (PreparedStatement st = c.prepareStatement("SELECT a FROM plain WHERE b = ? AND a > ?")) {
            ParameterMetaData m = st.getParameterMetaData();
            same("parameters", m.getParameterTypeName(1) + m.getParameterTypeName(2), "textint4");
            same("columns before running", st.getMetaData().getColumnName(1), "a");
        }
    }

    static void changes(Connection c) throws Exception {
        c.setAutoCommit(false);
        try (PreparedStatement st = c.prepareStatement("INSERT INTO plain (a, b) VALUES (?, ?)")) {
            for (int i = 0; i < 300; i++) {
                st.setInt(1, 1000 + i);
                st.setString(2, i % 2 == 0 ? null : "b" + i);
                st.addBatch();
            }
            same("batch", Arrays.stream(st.executeBatch()).sum(), 300);
        }
        c.commit();
        try (PreparedStatement st = c.prepareStatement("SELECT a FROM plain WHERE a >= 1000 ORDER BY a")) {
            st.setFetchSize(50);
            long sum = 0;
            try (ResultSet r = st.executeQuery()) {
                while (r.next()) sum += r.getInt(1);
            }
            same("cursor", sum, 344850L);
        }
        try (PreparedStatement st = c.prepareStatement("INSERT INTO shop.customer (name) VALUES (?)", Statement.RETURN_GENERATED_KEYS)) {
            st.setString(1, "Key");
            st.executeUpdate();
            ResultSet keys = st.getGeneratedKeys();
            keys.next();
            same("generated key", keys.getInt("id") > 3, true);
        }
        Savepoint s = c.setSavepoint("s");
        fails("unique", "23505", () -> one(c, "INSERT INTO shop.customer (name, email) VALUES ('x', 'anna@example.org') RETURNING id"));
        c.rollback(s);
        same("goes on", one(c, "SELECT count(*) FROM shop.customer"), 4L);
        c.rollback();
        same("rolled back", one(c, "SELECT count(*) FROM shop.customer"), 3L);
        c.commit();
        try (Statement st = c.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE);
             ResultSet r = st.executeQuery("SELECT k, v FROM quick")) {
            r.absolute(1);
            r.updateString("v", "changed");
            r.updateRow();
            r.moveToInsertRow();
            r.updateInt("k", 2);
            r.updateString("v", "two");
            r.insertRow();
        }
        same("updatable", one(c, "SELECT string_agg(v, ',' ORDER BY k) FROM quick"), "changed,two");
        c.rollback();
        c.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        c.setReadOnly(true);
        fails("read only", "25006", () -> one(c, "DELETE FROM plain RETURNING a"));
        c.rollback();
        c.setReadOnly(false);
        c.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        c.setAutoCommit(true);
        PGConnection pg = c.unwrap(PGConnection.class);
        same("copy in", pg.getCopyAPI().copyIn("COPY plain FROM STDIN", new StringReader("5000\tx\n5001\t\\N\n")), 2L);
        StringWriter out = new StringWriter();
        pg.getCopyAPI().copyOut("COPY (SELECT * FROM plain WHERE a >= 5000 ORDER BY a) TO STDOUT (FORMAT csv)", out);
        same("copy out", out.toString(), "5000,x\n5001,\n");
    }

    static void metadata(Connection c) throws Exception {
        DatabaseMetaData m = c.getMetaData();
        same("version", m.getDatabaseMajorVersion(), 15);
        same("user", m.getUserName(), "postgres");
        List<List<String>> schemas = rows(m.getSchemas(), "TABLE_SCHEM");
        same("schemas", schemas.contains(List.of("shop")) && schemas.contains(List.of("pg_catalog")), true);
        same("tables", rows(m.getTables(null, "shop", "%", new String[] {"TABLE", "VIEW"}), "TABLE_NAME", "TABLE_TYPE", "REMARKS").toString(),
             "[[customer, TABLE, who buys], [order_line, TABLE, null], [orders, TABLE, null], [product, TABLE, null], " +
             "[order_total, VIEW, what each order costs]]");
        same("columns", rows(m.getColumns(null, "shop", "order_line", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "COLUMN_DEF").toString(),
             "[[order_number, int4, 10, 0, null], [line, int8, 19, 0, null], [product, bpchar, 8, 1, null], [quantity, int4, 10, 1, 1]]");
        same("identity", rows(m.getColumns(null, "shop", "customer", "id"), "IS_AUTOINCREMENT", "IS_GENERATEDCOLUMN").toString(), "[[YES, NO]]");
        same("primary key", rows(m.getPrimaryKeys(null, "shop", "order_line"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME").toString(),
             "[[order_number, 1, order_line_pkey], [line, 2, order_line_pkey]]");
        same("imported", rows(m.getImportedKeys(null, "shop", "order_line"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKCOLUMN_NAME", "UPDATE_RULE", "DELETE_RULE", "DEFERRABILITY").toString(),
             "[[orders, number, order_number, 3, 0, 7], [product, code, product, 0, 2, 5]]");
        same("exported", rows(m.getExportedKeys(null, "shop", "customer"), "FKTABLE_NAME", "FKCOLUMN_NAME").toString(), "[[orders, customer]]");
        same("indexes", rows(m.getIndexInfo(null, "shop", "orders", false, true), "INDEX_NAME", "COLUMN_NAME", "ASC_OR_DESC", "NON_UNIQUE").toString(),
             "[[orders_pkey, number, A, f], [orders_placed, placed, D, t], [orders_placed, customer, A, t]]");
        same("sequences", rows(m.getTables(null, "shop", "%", new String[] {"SEQUENCE"}), "TABLE_NAME").toString(), "[[customer_id_seq], [order_numbers]]");
        same("best row", rows(m.getBestRowIdentifier(null, "shop", "product", 0, true), "COLUMN_NAME").toString(), "[[code]]");
        same("types", rows(m.getTypeInfo(), "TYPE_NAME").contains(List.of("int4")), true);
        same("functions", rows(m.getFunctions(null, "pg_catalog", "lower"), "FUNCTION_NAME").isEmpty(), false);
        same("procedures", rows(m.getProcedures(null, "shop", "%"), "PROCEDURE_NAME").isEmpty(), true);
        same("catalogs", rows(m.getCatalogs(), "TABLE_CAT").contains(List.of("clients_jdbc")), true);
        same("table types", rows(m.getTableTypes(), "TABLE_TYPE").contains(List.of("TABLE")), true);
        same("words", m.getSQLKeywords().contains("analyze") && m.getMaxColumnNameLength() == 63, true);
        same("privileges", rows(m.getTablePrivileges(null, "shop", "orders"), "PRIVILEGE").contains(List.of("SELECT")), true);
        same("properties", rows(m.getClientInfoProperties(), "NAME").contains(List.of("ApplicationName")), true);
        c.setClientInfo("ApplicationName", "client");
        same("application", one(c, "SHOW application_name"), "client");
        c.setSchema("shop");
        same("search path", one(c, "SELECT count(*) FROM orders"), 3L);
    }

    static void limits(Connection c) throws Exception {
        try (Statement st = c.createStatement()) {
            st.setQueryTimeout(1);
            long began = System.currentTimeMillis();
            fails("query timeout", "57014", () -> st.execute("SELECT pg_sleep(30)"));
            same("in time", System.currentTimeMillis() - began < 10000, true);
            st.setQueryTimeout(0);
            st.setMaxRows(3);
            same("max rows", rows(st.executeQuery("SELECT g FROM generate_series(1, 100) g"), "g").size(), 3);
            st.setMaxRows(0);
            same("several results", st.execute("SELECT 1; UPDATE plain SET b = b WHERE a <= 3; SELECT 3"), true);
            same("second", !st.getMoreResults() && st.getUpdateCount() == 3, true);
            same("third", st.getMoreResults(), true);
            same("warning", st.execute("DROP TABLE IF EXISTS no_such_table") || st.getWarnings() == null, false);
        }
        same("valid", c.isValid(5), true);
    }

    public static void main(String[] args) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        String url = "jdbc:postgresql://127.0.0.1:" + args[0] + "/clients_jdbc";
        try (Connection c = DriverManager.getConnection(url, "postgres", "")) {
            types(c);
            changes(c);
            limits(c);
            metadata(c);
        }
        try (Connection c = DriverManager.getConnection(url + "?preferQueryMode=simple", "postgres", "")) {
            same("simple protocol", one(c, "SELECT ? + 1", 41), 42);
        }
        System.exit(wrong == 0 ? 0 : 1);
    }
}
