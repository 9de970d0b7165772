"""asyncpg: everything binary; asks for types with a recursive query; cursors, COPY, concurrency."""
from common import PORT, database, end, need, same

need("asyncpg")
import asyncio
import datetime
import decimal
import io
import ipaddress
import uuid

import asyncpg

WHERE = dict(host="127.0.0.1", port=PORT, user="postgres", database="clients_asyncpg")
utc = datetime.timezone.utc


async def types(c):
    row = await c.fetchrow("SELECT * FROM shop.customer WHERE id = $1", 1)
    same("row", dict(row), {
        "id": 1, "name": "Anna", "email": "anna@example.org", "born": datetime.date(1980, 2, 29),
        "since": datetime.datetime(2020, 1, 1, 10, 0, tzinfo=utc), "balance": decimal.Decimal("12.50"),
        "active": True, "tags": ["a", "b"]})
    values = [[1, None, 3], "ü", decimal.Decimal("1.25"), datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
              datetime.timedelta(days=1, seconds=2), uuid.UUID(int=5), b"\0\1", 1.5, True, datetime.time(1, 2, 3)]
    names = ["int[]", "text", "numeric", "timestamp", "interval", "uuid", "bytea", "float8", "bool", "time"]
    got = await c.fetchrow("SELECT " + ", ".join(f"${i + 1}::{n}" for i, n in enumerate(names)), *values)
    same("round trip", list(got), values)
    values = [ipaddress.ip_interface("10.1.2.3/8"), ipaddress.ip_address("::1"), ipaddress.ip_network("10.0.0.0/8"),
              "08:00:2b:01:02:03", "08:00:2b:ff:fe:01:02:03", "$1,234.50", [ipaddress.ip_address("1.2.3.4"), None]]
    names = ["inet", "inet", "cidr", "macaddr", "macaddr8", "money", "inet[]"]
    got = await c.fetchrow("SELECT " + ", ".join(f"${i + 1}::{n}" for i, n in enumerate(names)), *values)
    same("addresses", list(got), values)
    same("record", await c.fetchval("SELECT ROW(1, 'a'::text, NULL::date)"), (1, "a", None))
    st = await c.prepare("SELECT a, b FROM plain WHERE a > $1 AND b LIKE $2")
    same("parameters", [p.name for p in st.get_parameters()], ["int4", "text"])
    same("attributes", [(a.name, a.type.name) for a in st.get_attributes()], [("a", "int4"), ("b", "text")])
    await c.set_type_codec("json", encoder=str, decoder=lambda s: "decoded", schema="pg_catalog")
    same("codec", await c.fetchval('SELECT j FROM "Odd Name"'), "decoded")


async def transactions(c):
    async with c.transaction():
        n = 0
        async for r in c.cursor("SELECT g FROM generate_series(1, 1000) g", prefetch=64):
            n += r["g"]
        same("cursor", n, 500500)
    try:
        async with c.transaction(isolation="repeatable_read"):
            await c.execute("INSERT INTO plain VALUES (900, 'x')")
            await c.execute("SELECT 1 / 0")
    except asyncpg.DivisionByZeroError as e:
        same("sqlstate", e.sqlstate, "22012")
    same("rolled back", await c.fetchval("SELECT count(*) FROM plain WHERE a = 900"), 0)
    await c.executemany("INSERT INTO plain VALUES ($1, $2)", [(i, str(i)) for i in range(1000, 1100)])
    same("many", await c.fetchval("SELECT sum(a) FROM plain WHERE a >= 1000"), sum(range(1000, 1100)))
    same("status", await c.execute("DELETE FROM plain WHERE a >= 1000"), "DELETE 100")


async def copies(c):
    same("records in", await c.copy_records_to_table("plain", records=[(2000, "x"), (2001, None)]), "COPY 2")
    out = io.BytesIO()
    same("query out", await c.copy_from_query("SELECT * FROM plain WHERE a >= $1 ORDER BY a", 2000, output=out), "COPY 2")
    same("text", out.getvalue(), b"2000\tx\n2001\t\\N\n")
    same("table in", await c.copy_to_table("plain", source=io.BytesIO(b"2002,y\n"), format="csv"), "COPY 1")


async def pools():
    async with asyncpg.create_pool(min_size=2, max_size=5, **WHERE) as pool:
        got = await asyncio.gather(*(pool.fetchval("SELECT $1::int * 2", i) for i in range(50)))
        same("pool", got, [2 * i for i in range(50)])


async def main():
    c = await asyncpg.connect(**WHERE)
    same("version", c.get_server_version().major, 15)
    await types(c)
    await transactions(c)
    await copies(c)
    try:
        await c.fetch("SELECT pg_sleep(20)", timeout=0.2)
        same("timeout", "none", "TimeoutError")
    except asyncio.TimeoutError:
        pass
    same("goes on", await c.fetchval("SELECT 1"), 1)
    await c.reset()
    await c.close()
    await pools()


database("clients_asyncpg")
asyncio.run(main())
end()
