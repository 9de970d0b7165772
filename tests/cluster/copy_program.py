"""copy_program.py DIR PORT AXL: the only worker of the appliance in DIR dies (SIGKILL) while COPY runs a program, in each direction.
The program does not outlive it by more than the grace it gets, also one that hears no signal; the client is told 40001 and goes on;
of an unfinished COPY FROM no row is there; the next COPY works. A statement that ends leaves no process either, however it ends."""
import json
import os
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session

DIR, PORT, AXL = sys.argv[1:4]
ROWS = 50000  # more than a pipe holds: a program that has written all of them has been read from
SLEEP = f"sleep 600.{os.getpid()}"  # nobody else's
WAIT_S = 20
wrong = 0


class Server:
    socket_dir, port = DIR, PORT


def check(good, words):
    global wrong
    if not good:
        wrong += 1
        print(f"WRONG {words}")


def expect(session, text, *, tag=None, rows=None, error=None):
    answer = session.ask(text)
    got_error = answer.error["C"] if answer.error else None
    good = got_error == error and (rows is None or answer.rows == rows) and (tag is None or answer.tag == tag)
    check(good, f"{text}: {answer.rows} {answer.tag} {answer.error}")


def until(what, words):
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        got = what()
        if got:
            return got
        time.sleep(0.02)
    check(False, words)
    return None


def processes():
    """(pid, process group, command line) of each that runs."""
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf8") as f:
                state, _, group = f.read().rpartition(")")[2].split()[:3]
            with open(f"/proc/{name}/cmdline", encoding="utf8") as f:
                words = f.read().rstrip("\0").replace("\0", " ")
        except OSError:
            continue  # it has ended meanwhile
        if state not in "ZX":
            yield int(name), int(group), words


def sleeping_group():
    return next((group for _, group, words in processes() if words == SLEEP), 0)


def members(group):
    return [(pid, words) for pid, of, words in processes() if of == group]


def worker_pid():
    status = json.loads(subprocess.run([AXL, "status", "--json", "-D", DIR], check=True, capture_output=True).stdout)
    return next(p["pid"] for p in status["processes"] if p["name"] == "queryd.0")


def gone(group, words):
    until(lambda: not members(group), f"{words}: left behind: {members(group)}")


def death(session, statement):
    """The worker dies once the statement's program sleeps."""
    session.send(statement)
    group = until(sleeping_group, f"{statement}: its program does not run")
    if not group:
        return
    os.kill(worker_pid(), signal.SIGKILL)
    answer = session.receive()
    check(answer.error and answer.error["C"] == "40001", f"{statement}: {answer}")
    gone(group, statement)


FED = f"seq {ROWS}"
FROM = (f"{FED}; {SLEEP}",
        f"{FED}; {SLEEP} | {SLEEP}",
        f'trap "" TERM PIPE HUP; {FED}; {SLEEP}')
TO = (f"read -r row; {SLEEP}",
      f'trap "" TERM HUP; read -r row; {SLEEP} | cat')

session, other = Session(Server), Session(Server)
expect(session, "create table fed (a int primary key)", tag="CREATE TABLE")
expect(session, "insert into fed values (0)", tag="INSERT 0 1")
expect(other, "set application_name = 'other'", tag="SET")
for program in FROM:
    death(session, f"copy fed from program '{program}'")
    expect(session, "select count(*) from fed", rows=[("1",)])
for program in TO:
    death(session, f"copy (select generate_series(1, {ROWS})) to program '{program}'")
expect(session, "begin", tag="BEGIN")
death(session, f"copy fed from program '{FROM[0]}'")
expect(session, "rollback", tag="ROLLBACK")
expect(other, "show application_name", rows=[("other",)])
expect(session, f"copy fed from program '{FED}'", tag=f"COPY {ROWS}")
expect(session, f"copy fed to program 'test $(wc -l) = {ROWS + 1}'", tag=f"COPY {ROWS + 1}")
expect(session, "copy fed to program 'test $(wc -l) = 0'", error="38000")

# Ends without a death: the groups that these programs name have nobody left.
expect(session, "create table groups (a int)", tag="CREATE TABLE")
expect(session, "copy groups from program 'cut -d\" \" -f5 /proc/self/stat'", tag="COPY 1")
group = int(session.ask("select a from groups").rows[0][0])
gone(group, "a program that has ended")
expect(session, "set statement_timeout = '1s'", tag="SET")
session.send(f"copy fed from program '{SLEEP} | {SLEEP}'")
group = until(sleeping_group, "the program that is given up does not run")
answer = session.receive()
check(answer.error and answer.error["C"] == "57014", f"a statement that takes too long: {answer}")
if group:
    gone(group, "a program that was given up")
sys.exit(1 if wrong else 0)
