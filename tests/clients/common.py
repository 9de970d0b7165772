"""What the Python clients share: the schema in a database of the client's own, and checks."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PORT = int(sys.argv[1])
wrong = 0


def need(*modules):
    """Skips (77) when a module is not installed."""
    for m in modules:
        try:
            __import__(m)
        except ImportError:
            print(f"{m} is not installed")
            sys.exit(77)


def database(name, schema=True):
    psql = ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(PORT), "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
    subprocess.run(psql + ["-d", "postgres", "-c", f"CREATE DATABASE {name}"], check=True)
    if schema:
        subprocess.run(psql + ["-d", name, "-f", os.path.join(HERE, "schema.sql")], check=True)


def same(what, got, expected):
    global wrong
    if got != expected:
        wrong += 1
        print(f"WRONG {what}:\n  got      {got!r}\n  expected {expected!r}")


def fails(what, error, call):
    global wrong
    try:
        call()
    except error as e:
        return e
    wrong += 1
    print(f"WRONG {what}: no {error.__name__}")


def end():
    sys.exit(1 if wrong else 0)
