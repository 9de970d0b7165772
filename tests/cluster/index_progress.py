"""index_progress.py DIR PORT [KILL]: what pg_stat_progress_create_index tells of one session's CREATE INDEX and REINDEX to another. DIR:
the server's socket directory; KILL: a command that ends the process that serves SQL. A function that sleeps keeps the scan of
the table going for as long as it is looked at."""
import os
import select
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session

WAIT_S = 30


class Server:
    socket_dir, port = sys.argv[1:3]


wrong = 0
builder, onlooker, other, reader = (Session(Server) for _ in range(4))
COLUMNS = ("pid", "datname", "relid::regclass", "index_relid::regclass", "command", "phase", "lockers_total", "lockers_done",
           "current_locker_pid", "blocks_total", "blocks_done", "tuples_total", "tuples_done", "partitions_total", "partitions_done")


def check(good, words):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {words}")


def do(session, *texts):
    for text in texts:
        answer = session.ask(text)
        check(not answer.error, f"{text}: {answer.error}")


def one(session, text):
    return session.ask(text).rows[0][0]


def told():
    """What is told, by column; None: nothing."""
    rows = onlooker.ask(f"select {', '.join(COLUMNS)} from pg_stat_progress_create_index").rows
    return dict(zip((c.split(":")[0] for c in COLUMNS), rows[0])) if rows else None


def until(phase, **wanted):
    """Waits until that is told: a row may mix two moments, as a phase begins."""
    wanted["phase"] = phase
    end = time.monotonic() + WAIT_S
    row = told()
    while time.monotonic() < end and not (row and all(row[k] == v for k, v in wanted.items())):
        time.sleep(0.005)
        row = told()
    check(row and all(row[k] == v for k, v in wanted.items()), f"{wanted}: {row}")
    return row or {}


def ended(error=None):
    answer = builder.receive()
    check((answer.error["C"] if answer.error else None) == error, f"the end: {answer}")
    check(told() is None, f"still told after the end: {told()}")


do(builder, "create table t (a int primary key, b int, c text)",
   "insert into t select g, g % 1000, repeat('x', 100) from generate_series(1, 20000) g", "analyze t",
   "create function slow(int) returns int immutable language sql as 'select $1 from (select pg_sleep(0.002)) s'")
me, its = one(builder, "select pg_backend_pid()"), one(other, "select pg_backend_pid()")
check(told() is None, "told of nothing")
check(onlooker.ask("select pg_stat_get_progress_info('nothing')").error["C"] == "22023", "an unknown command")

# The scan of the table: some of it is done.
builder.send("create index slowly on t (slow(b))")
row = until("building index: scanning table", pid=me, datname="postgres", relid="t", command="CREATE INDEX", lockers_total="0",
            tuples_total="0", tuples_done="0", partitions_total="0", partitions_done="0")
check(0 < int(row["blocks_total"]) and int(row["blocks_done"]) <= int(row["blocks_total"]), f"blocks: {row}")
first = int(row["blocks_done"])
end = time.monotonic() + WAIT_S
while time.monotonic() < end and int((told() or row)["blocks_done"]) <= first:
    time.sleep(0.01)
row = told() or row
check(first < int(row["blocks_done"]) < int(row["blocks_total"]), f"blocks, from {first}: {row}")
do(onlooker, f"select pg_cancel_backend({me})")
ended("57014")

# Beside writers: who writes, and who reads an older snapshot, is waited for.
do(other, "begin", "update t set b = b + 1 where a = 1")
builder.send("create index concurrently beside on t (b)")
until("waiting for writers before build", command="CREATE INDEX CONCURRENTLY", lockers_total="1", lockers_done="0", current_locker_pid=its)
do(other, "commit", "begin isolation level repeatable read", "select 1 from t limit 1")
row = until("waiting for old snapshots", lockers_total="1", lockers_done="0", current_locker_pid=its, index_relid="beside",
            tuples_total="20000", tuples_done="20000")
do(other, "commit")
ended()

# Built anew, beside a reader of old.
do(other, "begin isolation level repeatable read", "select 1 from t limit 1")
do(reader, "begin", "select 1 from t limit 1")
builder.send("reindex index concurrently beside")
until("waiting for old snapshots", command="REINDEX CONCURRENTLY", current_locker_pid=its)
do(other, "commit")
until("waiting for readers before marking dead", command="REINDEX CONCURRENTLY",
      current_locker_pid=one(onlooker, "select pid from pg_stat_activity where state = 'idle in transaction'"))
do(reader, "commit")
ended()

# All phases of one build, in their order, as far as they are seen.
PHASES = ["initializing"] + [f"building index: {p}" for p in ("scanning table", "sorting live tuples", "loading tuples in tree")]
do(builder, "insert into t select g, g % 1000, 'y' from generate_series(20001, 200000) g")
seen, loaded = [], 0
builder.send("create index all_of_it on t (c, b)")
while not select.select([builder.socket], [], [], 0)[0]:
    row = told()
    if row and row["phase"] not in seen:
        seen.append(row["phase"])
    if row and row["phase"] == PHASES[-1]:
        check(row["tuples_total"] == "200000" and loaded <= int(row["tuples_done"]) <= 200000, f"loading, from {loaded}: {row}")
        loaded = int(row["tuples_done"])
check(len(seen) > 1 and seen == [p for p in PHASES if p in seen], f"phases: {seen}")
ended()
do(builder, "create table few as select a from t where a <= 300", "create index slowly on few (slow(a))")
builder.send("reindex index slowly")
until("building index: scanning table", command="REINDEX", relid="few", index_relid="slowly")
if len(sys.argv) > 3:
    subprocess.run(sys.argv[3], shell=True, check=True)
    ended("40001")
    do(builder, "select 1")
else:
    ended()
sys.exit(1 if wrong else 0)
