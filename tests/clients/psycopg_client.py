"""psycopg 3: binary parameters and results, pipelines, COPY in both formats, server cursors, catalogs."""
from common import PORT, database, end, fails, need, same

need("psycopg")
import datetime
import decimal
import ipaddress
import uuid

import psycopg
from psycopg.types import TypeInfo

database("clients_psycopg")
c = psycopg.connect(host="127.0.0.1", port=PORT, user="postgres", dbname="clients_psycopg")
utc = datetime.timezone.utc

for binary in (False, True):
    cur = c.cursor(binary=binary)
    cur.execute("SELECT id, name, email, born, since, balance, active, tags FROM shop.customer ORDER BY id")
    same(f"rows, binary {binary}", cur.fetchone(),
         (1, "Anna", "anna@example.org", datetime.date(1980, 2, 29),
          datetime.datetime(2020, 1, 1, 10, 0, tzinfo=utc), decimal.Decimal("12.50"), True, ["a", "b"]))
    cur.execute('SELECT "x y", u, j FROM "Odd Name"')
    same(f"others, binary {binary}", cur.fetchone()[1:],
         (uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"b": [1, 2.5, None], "a": "é"}))
for form in ("%s", "%b", "%t"):
    values = (5, 2**40, 2.5, "ü'", None, True, [1, 2], datetime.date(2024, 2, 29), b"\0\xff", decimal.Decimal("-1.5"))
    got = c.execute("SELECT " + ", ".join([form] * len(values)), values).fetchone()
    same(f"round trip {form}", got, values)

    values = (ipaddress.ip_address("10.1.2.3"), ipaddress.ip_interface("2001:db8::1/64"), ipaddress.ip_network("10.0.0.0/8"))
    for binary in (False, True):
        got = c.cursor(binary=binary).execute(f"SELECT {form}::inet, {form}::inet, {form}::cidr", values).fetchone()
        same(f"addresses {form}, binary {binary}", got, values)

with c.pipeline() as p:
    a = c.execute("SELECT 1")
    b = c.execute("INSERT INTO plain VALUES (500, 'five') RETURNING b")
    d = c.execute("SELECT count(*) FROM plain WHERE a = 500")
    p.sync()
    same("pipeline", (a.fetchone(), b.fetchone(), d.fetchone()), ((1,), ("five",), (1,)))
c.rollback()


def broken_pipeline():
    with c.pipeline():
        c.execute("SELECT 1")
        c.execute("SELECT no_such_column")
        c.execute("SELECT 3")


fails("error in a pipeline", psycopg.errors.UndefinedColumn, broken_pipeline)
c.rollback()

with c.cursor() as cur:
    with cur.copy("COPY plain FROM STDIN") as copy:
        copy.write_row((100, "tab\there"))
        copy.write_row((101, None))
    with cur.copy("COPY plain FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        copy.write_row((102, "ü"))
        copy.write_row((103, None))
    expected = [(100, "tab\there"), (101, None), (102, "ü"), (103, None)]
    with cur.copy("COPY (SELECT a, b FROM plain WHERE a >= 100 ORDER BY a) TO STDOUT (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        same("binary copy out", list(copy.rows()), expected)
    with cur.copy("COPY (SELECT a, b FROM plain WHERE a >= 100 ORDER BY a) TO STDOUT") as copy:
        copy.set_types(["int4", "text"])
        same("text copy out", list(copy.rows()), expected)
c.rollback()

with c.cursor(name="numbers") as cur:
    cur.itersize = 7
    cur.execute("SELECT g FROM generate_series(1, 100) g")
    same("server cursor", sum(r[0] for r in cur), 5050)
c.rollback()
for _ in range(10):  # prepared on the server after five times
    same("prepared", c.execute("SELECT %s::int + 1", (41,)).fetchone(), (42,))
same("prepared statements", c.execute("SELECT count(*) > 0 FROM pg_prepared_statements").fetchone(), (True,))
info = TypeInfo.fetch(c, "numeric")
same("type info", (info.name, info.oid, info.array_oid), ("numeric", 1700, 1231))
c.rollback()
with c.transaction():
    c.execute("INSERT INTO plain VALUES (700, 'kept')")
    try:
        with c.transaction():
            c.execute("INSERT INTO plain VALUES (701, 'undone')")
            raise psycopg.Rollback()
    except psycopg.Rollback:
        pass
same("savepoints", c.execute("SELECT a FROM plain WHERE a >= 700").fetchall(), [(700,)])
c.rollback()
same("parameters", (c.info.server_version // 10000, c.info.parameter_status("server_encoding"),
                    c.info.parameter_status("standard_conforming_strings"), c.info.encoding), (15, "UTF8", "on", "utf-8"))
big = c.execute("SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g").fetchall()
same("large result", (len(big), big[-1][0]), (20000, 20000))
end()
