"""index_builds.py DIR PORT AXL SECONDS: indexes come, go and are built anew beside writers, while processes die. DIR: the appliance, which is
also the directory of its sockets. Every index that is said to be valid must give what the table gives. Leaves three valid
ones behind."""
import json
import os
import random
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session

DIR, PORT, AXL = sys.argv[1:4]
END = time.monotonic() + float(sys.argv[4])
ROWS = 20000


class Server:
    socket_dir, port = DIR, PORT


ended = threading.Event()
wrong = []
changes = 0
TRANSIENT = ("40P01", "40001", "57P01", "57P02", "57P03", "08006", "08007", "58000", "58030", "XX000", "55P03", "53300")


class Client:
    """A session that comes back when its worker has died."""

    def __init__(self):
        self.session = None

    def ask(self, text):
        """(rows, SQLSTATE); the SQLSTATE is 08006 when the connection was lost."""
        try:
            if self.session is None:
                self.session = Session(Server)
            answer = self.session.ask(text)
            return answer.rows, answer.error["C"] if answer.error else None
        except Exception:
            self.session = None
            time.sleep(0.1)
            return [], "08006"


def writer(number):
    """Rows of its own have unique numbers u of its own; whatever fails for a reason that passes is left."""
    global changes
    r = random.Random(number)
    client = Client()
    fresh = number * 100000000 + 1000000
    while not ended.is_set():
        statements = []
        for _ in range(r.randint(1, 4)):
            fresh += 1
            k = r.randrange(ROWS * 2)
            statements.append(r.choice((
                f"insert into w values ({k}, {fresh % 97}, 'b{fresh}', {fresh}) on conflict (k) do nothing",
                f"update w set a = {r.randrange(97)} where k = {k}",
                f"update w set a = a + 1, b = b || 'x' where k between {k} and {k + 3}",
                f"update w set u = {fresh} where k = {k}",
                f"update w set b = 'c{fresh}' where k = {k}",
                f"delete from w where k = {k}",
                f"delete from w where k = {k}; insert into w values ({k}, 5, 'again', {fresh}) on conflict (k) do nothing")))
        text = "begin; " + "; ".join(statements) + ("; commit" if r.random() < 0.8 else "; rollback")
        _, error = client.ask(text)
        if error:
            client.ask("rollback")
            if error not in TRANSIENT:
                wrong.append(f"writer: {error} for {text}")
        else:
            changes += 1


def kill(name):
    status = json.loads(subprocess.run([AXL, "status", "--json", "-D", DIR], capture_output=True).stdout)
    for p in status["processes"]:
        if p["name"] == name and p["pid"]:
            subprocess.run(["kill", "-9", str(p["pid"])], check=False)


INDEXES = {"w_a": "index concurrently w_a on w (a)", "w_u": "unique index concurrently w_u on w (u)",
           "w_b": "index concurrently w_b on w (lower(b) desc) where a < 50"}
LOOK = {"w_a": "select count(*), sum(k::int8) from w where a >= 0", "w_u": "select count(*), sum(k::int8) from w where u >= 0",
        "w_b": "select count(*), sum(k::int8) from w where a < 50 and lower(b) >= ''"}


def state(client, name):
    rows, error = client.ask(f"select indisvalid from pg_index where indexrelid = to_regclass('{name}')")
    return error or (rows[0][0] if rows else None)


def compare(client, name):
    """By the index and without it, in one snapshot."""
    set_of = {True: "set local enable_seqscan = off; set local enable_bitmapscan = off", False:
              "set local enable_seqscan = on; set local enable_indexscan = off; set local enable_indexonlyscan = off; set local enable_bitmapscan = off"}
    answers = []
    client.ask("rollback")
    if client.ask("begin isolation level repeatable read")[1]:
        return
    for by_index in (True, False):
        _, error = client.ask(set_of[by_index])
        if not error:
            rows, error = client.ask(LOOK[name])
        if error:
            client.ask("rollback")
            if error not in TRANSIENT:
                wrong.append(f"{name}: {error}")
            return
        answers.append(rows)
    client.ask("commit")
    if answers[0] != answers[1]:
        wrong.append(f"{name}: by the index {answers[0]}, without it {answers[1]}")


def build(client, name):
    """Until it is valid."""
    while True:
        _, error = client.ask(f"create {INDEXES[name]}")
        if error and error not in TRANSIENT and error != "42P07":
            wrong.append(f"{name}: {error}")
            return
        valid = state(client, name)
        if valid == "t":
            return
        if valid == "f":
            client.ask(f"drop index if exists {name}")


def rebuild(client, name):
    """Another index takes its place, or it stays; what is left in between goes."""
    _, error = client.ask(f"reindex index concurrently {name}")
    if error and error not in TRANSIENT:
        wrong.append(f"reindex {name}: {error}")
    while True:
        rows, error = client.ask("select indexrelid::regclass from pg_index where indrelid = 'w'::regclass and not indisvalid")
        if not error and not rows:
            break
        for row in rows:
            client.ask(f"drop index {row[0]}")
    while (valid := state(client, name)) in TRANSIENT:
        pass
    if valid != "t":
        wrong.append(f"after a REINDEX, {name} is {valid}")


def main():
    client = Client()
    client.ask("create table w (k int primary key, a int, b text, u int, d int)")
    client.ask(f"insert into w select g, g % 97, 'b' || g, g from generate_series(1, {ROWS}) g")
    client.ask("insert into w values (-1, 1, 'b', -1, 7), (-2, 1, 'b', -2, 7)")  # no writer's
    threads = [threading.Thread(target=writer, args=(n,)) for n in range(1, 4)]
    for t in threads:
        t.start()
    victims = ["queryd.0", "storaged", "queryd.1", "txnd", "logd"] * 2
    builds = deaths = 0
    r = random.Random(7)
    while time.monotonic() < END:
        name = r.choice(list(INDEXES))
        if builds % 2 and victims:
            threading.Timer(r.uniform(0.01, 0.3), kill, (victims.pop(),)).start()
            deaths += 1
        build(client, name)
        builds += 1
        compare(client, name)
        if r.random() < 0.3:
            rebuild(client, name)
            compare(client, name)
        if r.random() < 0.5:
            client.ask("create unique index concurrently w_bad on w (d)")
            if state(client, "w_bad") == "t":
                wrong.append("a unique index of what is not unique is valid")
            client.ask("drop index concurrently w_bad")
        client.ask(f"drop index concurrently {name}")
    for name in INDEXES:
        client.ask(f"drop index if exists {name}")
        build(client, name)
        compare(client, name)
    client.ask("drop index if exists w_bad")
    ended.set()
    for t in threads:
        t.join()
    for name in INDEXES:
        compare(client, name)
    print(f"{builds} builds, {deaths} deaths, {changes} transactions beside them")
    for words in wrong[:20]:
        print("WRONG", words)
    return 1 if wrong or builds < 3 or changes < 50 else 0


sys.exit(main())
