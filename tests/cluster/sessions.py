"""sessions.py DIR PORT [KILL]: what one session does to another. DIR: the server's socket directory; KILL: a command that
ends the process that serves SQL. Without KILL any server of the protocol passes it; the answers are PostgreSQL 15's."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session


class Server:
    socket_dir, port = sys.argv[1:3]


wrong = 0
one, two = Session(Server), Session(Server)


def same(session, text, expected):
    """expected: rows, or an SQLSTATE."""
    global wrong
    answer = session.ask(text)
    got = answer.error["C"] if answer.error else [tuple(r) for r in answer.rows]
    if got != expected:
        wrong += 1
        print(f"WRONG {text}:\n  got      {got}\n  expected {expected}")


def do(session, *texts):
    for text in texts:
        same(session, text, [])


def plan(session, text):
    return "\n".join(r[0] for r in session.ask(f"explain (costs off) {text}").rows)


def becomes(what, told, seconds=30):
    global wrong
    until = time.monotonic() + seconds
    while not told():
        if time.monotonic() > until:
            wrong += 1
            print(f"WRONG {what}: not within {seconds} s")
            return
        time.sleep(0.2)


def statistics_by_themselves():
    """Nobody says ANALYZE. A plan follows what the table has become."""
    do(one, "create table grown (a int primary key, b int, c text)", "create index grown_b on grown (b)",
       "insert into grown select i, case when i <= 20000 then 1 else i end, 'x' from generate_series(1, 20010) i")
    rare, common = "select * from grown where b = 20005", "select * from grown where b = 1"
    becomes("statistics", lambda: one.ask("select from pg_stats where tablename = 'grown'").rows, 90)
    becomes("an index for what is rare", lambda: "grown_b" in plan(one, rare))
    becomes("a scan for what is common", lambda: "Seq Scan" in plan(one, common))
    do(two, "update grown set b = case when b = 1 then 20005 else 1 end")
    becomes("a scan for what is common now", lambda: "Seq Scan" in plan(one, rare), 90)
    becomes("an index for what is rare now", lambda: "grown_b" in plan(one, common))


def conflict_out_of_sight():
    """A row that the snapshot does not see cannot be skipped silently."""
    do(one, "create table taken (k int primary key, v text)", "begin isolation level repeatable read")
    same(one, "select count(*) from taken", [("0",)])
    do(two, "insert into taken values (1, 'two')")
    same(one, "insert into taken values (1, 'one') on conflict do nothing", "40001")
    do(one, "rollback", "begin isolation level repeatable read")
    same(one, "select * from taken", [("1", "two")])
    do(one, "insert into taken values (1, 'one') on conflict do nothing", "commit", "begin")
    same(one, "select * from taken", [("1", "two")])
    do(two, "insert into taken values (2, 'two')")
    do(one, "insert into taken values (2, 'one') on conflict do nothing", "commit")
    same(one, "select * from taken where k = 2", [("2", "two")])


def types_altered():
    do(one, "create type mood as enum ('sad', 'ok')", "create table felt (id int, m mood)", "insert into felt values (1, 'ok'), (2, 'sad')",
       "prepare feel(mood) as select id from felt where m >= $1 order by m", "prepare all_felt as select m from felt order by m")
    same(one, "execute feel('ok')", [("1",)])
    do(two, "alter type mood add value 'happy'", "alter type mood add value 'so so' before 'ok'")
    do(one, "insert into felt values (3, 'happy'), (4, 'so so')")
    same(one, "execute feel('so so')", [("4",), ("1",), ("3",)])
    do(two, "alter type mood rename value 'ok' to 'fine'")
    same(one, "execute all_felt", [("sad",), ("so so",), ("fine",), ("happy",)])
    same(one, "select 'ok'::mood", "22P02")
    do(one, "create domain small as int check (value < 10)", "create table kept (s small)", "prepare keep(int) as insert into kept values ($1)",
       "execute keep(5)")
    same(one, "execute keep(50)", "23514")
    do(two, "alter domain small drop constraint small_check", "alter domain small add constraint less check (value < 100)")
    do(one, "execute keep(50)")
    same(one, "execute keep(500)", "23514")
    same(two, "alter domain small add check (value < 20)", "23514")
    do(one, "create type pair as (a int, b text)", "prepare make as select row(1, 'x')::pair")
    same(one, "execute make", [("(1,x)",)])
    do(two, "alter type pair add attribute c int")
    same(one, "select (row(1, 'x', 3)::pair).c", [("3",)])
    same(one, "select row(1, 'x')::pair", "42846")
    do(two, "drop type pair", "create type pair as (z text)")
    same(one, "select (row('y')::pair).z", [("y",)])


def plans_follow():
    do(one, "create table seen (a int, b int)", "create index seen_b on seen (b)", "insert into seen select i, i from generate_series(1, 100) i",
       "prepare few(int) as select a from seen where b = $1", "prepare every as select * from seen where a = 1",
       "prepare more as insert into seen values (1, 1)")
    for _ in range(7):
        same(one, "execute few(7)", [("7",)])
    same(one, "execute every", [("1", "1")])
    do(two, "drop index seen_b")
    same(one, "execute few(7)", [("7",)])
    do(two, "alter table seen add column c int default 5")
    same(one, "execute few(8)", [("8",)])
    same(one, "execute every", "0A000")
    do(two, "alter table seen drop column b")
    same(one, "execute few(7)", "42703")
    do(two, "drop table seen", "create table seen (b int, a text)", "insert into seen values (7, 'new')")
    same(one, "execute few(7)", "0A000")
    do(two, "drop table seen", "create table seen (x text, b int, a int)", "insert into seen values ('new', 7, 77)")
    same(one, "execute few(7)", [("77",)])
    do(two, "drop table seen")
    same(one, "execute few(7)", "42P01")
    do(one, "create table guarded (a int)", "prepare guard as insert into guarded values (-1)", "execute guard")
    do(two, "delete from guarded", "alter table guarded add check (a > 0)")
    same(one, "execute guard", "23514")
    do(one, "create view through as select 1 as x", "prepare look as select x from through")
    same(one, "execute look", [("1",)])
    do(two, "create or replace view through as select 2 as x")
    same(one, "execute look", [("2",)])
    do(one, "create function told() returns int language sql stable as 'select 1'", "prepare tell as select told()")
    same(one, "execute tell", [("1",)])
    do(two, "create or replace function told() returns int language sql stable as 'select 2'")
    same(one, "execute tell", [("2",)])


def held_cursor_lost(kill):
    """What a worker kept for a cursor dies with it; the session goes on."""
    do(one, "begin", "declare held cursor with hold for select i from generate_series(1, 10) i", "commit")
    same(one, "fetch 2 from held", [("1",), ("2",)])
    time.sleep(0.2)  # of a Unix socket nobody but the worker knows that the answer has gone out: let it note that
    subprocess.run(kill, shell=True, check=True)
    same(one, "fetch 2 from held", "34000")
    same(one, "select 1", [("1",)])
    same(one, "close held", "34000")
    do(one, "begin", "declare held cursor with hold for select 5", "commit")
    same(one, "fetch all from held", [("5",)])


conflict_out_of_sight()
types_altered()
plans_follow()
if len(sys.argv) > 3:
    held_cursor_lost(sys.argv[3])
statistics_by_themselves()
sys.exit(1 if wrong else 0)
