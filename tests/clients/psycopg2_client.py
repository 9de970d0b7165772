"""psycopg 2: types both ways, transactions, named cursors, COPY, errors, notices."""
from common import PORT, database, end, fails, need, same

need("psycopg2")
import datetime
import decimal
import io
import ipaddress
import threading
import time
import uuid

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras

database("clients_psycopg2")
DSN = f"host=127.0.0.1 port={PORT} user=postgres dbname=clients_psycopg2"
c = psycopg2.connect(DSN)
cur = c.cursor()
utc = datetime.timezone.utc

cur.execute("SELECT * FROM shop.customer ORDER BY id")
rows = cur.fetchall()
same("rows", rows[0], (1, "Anna", "anna@example.org", datetime.date(1980, 2, 29),
     datetime.datetime(2020, 1, 1, 10, 0, tzinfo=utc), decimal.Decimal("12.50"), True, ["a", "b"]))
same("nulls and quotes", rows[1][7], ["x y", None, 'q"uote'])
same("description", [(d.name, d.type_code) for d in cur.description][:4],
     [("id", 23), ("name", 25), ("email", 1043), ("born", 1082)])
values = [1, -2**40, 3.5, "it's \\ ü", None, True, decimal.Decimal("1.10"), datetime.date(2024, 2, 29),
          datetime.datetime(2024, 2, 29, 1, 2, 3, 4), datetime.timedelta(days=3, seconds=4), [1, 2, None]]
cur.execute("SELECT " + ", ".join(["%s"] * len(values)), values)
same("round trip", list(cur.fetchone()), values)
cur.execute("SELECT %s::bytea, %s::json", (psycopg2.Binary(b"\0\xff'"), psycopg2.extras.Json({"a": [1]})))
row = cur.fetchone()
same("bytea", bytes(row[0]), b"\0\xff'")
same("json", row[1], {"a": [1]})
psycopg2.extras.register_uuid()
u = uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")
cur.execute("SELECT u, u = %s FROM \"Odd Name\"", (u,))
same("uuid", cur.fetchone(), (u, True))

psycopg2.extras.register_ipaddress(c)
values = (ipaddress.ip_interface("10.1.2.3/8"), ipaddress.ip_network("2001:db8::/32"), [ipaddress.ip_interface("::1/128"), None])
cur.execute("SELECT %s::inet, %s::cidr, %s::inet[], '1,234.5'::money, '8:0:2b:1:2:3'::macaddr", values)
same("addresses", cur.fetchone(), values + ("$1,234.50", "08:00:2b:01:02:03"))

e = fails("unique", psycopg2.errors.UniqueViolation,
          lambda: cur.execute("INSERT INTO shop.customer (name, email) VALUES ('x', 'anna@example.org')"))
same("diagnostics", (e.diag.constraint_name, e.diag.table_name, e.diag.schema_name),
     ("customer_email_key", "customer", "shop"))
fails("aborted", psycopg2.errors.InFailedSqlTransaction, lambda: cur.execute("SELECT 1"))
c.rollback()
fails("syntax", psycopg2.errors.SyntaxError, lambda: cur.execute("SELEC 1"))
c.rollback()

psycopg2.extras.execute_values(cur, "INSERT INTO plain (a, b) VALUES %s", [(i, str(i)) for i in range(1000, 1500)])
same("execute_values", cur.rowcount, 100)
c.commit()
named = c.cursor(name="big one")
named.itersize = 64
named.execute("SELECT a FROM plain WHERE a >= 1000 ORDER BY a")
same("named cursor", sum(r[0] for r in named), sum(range(1000, 1500)))
named.close()
c.rollback()

cur.copy_expert("COPY plain FROM STDIN (FORMAT csv)", io.StringIO('2000,"a ""b"""\n2001,\n'))
out = io.StringIO()
cur.copy_expert("COPY (SELECT * FROM plain WHERE a >= 2000 ORDER BY a) TO STDOUT", out)
same("copy", out.getvalue(), '2000\ta "b"\n2001\t\\N\n')
c.rollback()
cur.execute("SELECT count(*) FROM plain WHERE a >= 2000")
same("rolled back", cur.fetchone(), (0,))
c.commit()

c.set_session(isolation_level="REPEATABLE READ", readonly=True)
cur.execute("SHOW transaction_isolation")
same("isolation", cur.fetchone(), ("repeatable read",))
fails("read only", psycopg2.errors.ReadOnlySqlTransaction, lambda: cur.execute("DELETE FROM plain"))
c.rollback()
c.set_session(isolation_level="DEFAULT", readonly=False, autocommit=True)
same("status", c.get_transaction_status(), psycopg2.extensions.TRANSACTION_STATUS_IDLE)
cur.execute("DROP TABLE IF EXISTS nothing_there")
same("notice", c.notices[-1], 'NOTICE:  table "nothing_there" does not exist, skipping\n')
same("server version", c.server_version // 10000, 15)
threading.Timer(0.1, c.cancel).start()
began = time.monotonic()
fails("cancel", psycopg2.errors.QueryCanceled, lambda: cur.execute("SELECT pg_sleep(20)"))
same("in time", time.monotonic() - began < 5, True)
cur.execute("SELECT %s", ("after it",))
same("goes on", cur.fetchone(), ("after it",))
real = psycopg2.extras.RealDictCursor
with psycopg2.connect(DSN, cursor_factory=real) as d, d.cursor() as dc:
    dc.execute("SELECT 1 AS one, 'b' AS two")
    same("dictionaries", dict(dc.fetchone()), {"one": 1, "two": "b"})
end()
