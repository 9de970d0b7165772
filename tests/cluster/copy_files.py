"""copy_files.py SOCKET_DIR PORT FILES: COPY from and to files of the server. FILES: a directory that the server writes to. Any
server of the protocol passes it; the answers are PostgreSQL 15's."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session


class Server:
    socket_dir, port = sys.argv[1:3]


FILES = sys.argv[3]
wrong = 0
session = Session(Server)


def expect(text, *, tag=None, rows=None, error=None, words=None):
    global wrong
    answer = session.ask(text)
    got_error = answer.error["C"] if answer.error else None
    good = got_error == error
    if rows is not None:
        good &= [tuple(r) for r in answer.rows] == rows
    if words:
        good &= bool(answer.error) and words in answer.error["M"]
    if tag:
        good &= answer.tag == tag
    if not good:
        wrong += 1
        print(f"WRONG {text}:\n  got {answer.rows} {answer.tag} {answer.error}")


def write(name, text):
    with open(f"{FILES}/{name}", "w", encoding="utf8", newline="") as f:
        f.write(text)


def content(name):
    with open(f"{FILES}/{name}", encoding="utf8", newline="") as f:
        return f.read()


def same(got, wanted):
    global wrong
    if got != wanted:
        wrong += 1
        print(f"WRONG content {got!r}, not {wanted!r}")


expect("create table copied (a int primary key, b text)")
write("in.txt", "1\tone\n2\t\\N\n3\tdrei\\tö\n")
expect(f"copy copied from '{FILES}/in.txt'", tag="COPY 3")
expect("select a, b from copied order by a", rows=[("1", "one"), ("2", None), ("3", "drei\tö")])
write("in.csv", 'a,b\r\n4,"vier, ""4"""\r\n5,\r\n')
expect(f"copy copied from '{FILES}/in.csv' with (format csv, header)", tag="COPY 2")
expect("select b from copied where a > 3 order by a", rows=[('vier, "4"',), (None,)])

expect(f"copy copied to '{FILES}/out.txt'", tag="COPY 5")
same(content("out.txt"), '1\tone\n2\t\\N\n3\tdrei\\tö\n4\tvier, "4"\n5\t\\N\n')
expect(f"copy (select a from copied where a < 3 order by a desc) to '{FILES}/out.txt' csv header", tag="COPY 2")
same(content("out.txt"), "a\n2\n1\n")

# Larger than a piece, there and back, in each format.
expect("create table many (like copied including all)", tag="CREATE TABLE")
expect("insert into many select g, repeat(chr(65 + g % 26), g % 300) from generate_series(1, 5000) g", tag="INSERT 0 5000")
for form in ("text", "csv", "binary"):
    expect(f"copy many to '{FILES}/many' (format {form})", tag="COPY 5000")
    expect("create temp table again (like many)", tag="CREATE TABLE")
    expect(f"copy again from '{FILES}/many' (format {form})", tag="COPY 5000")
    expect("select count(*) from (table many except table again) x", rows=[("0",)])
    expect("drop table again", tag="DROP TABLE")

# What cannot be.
write("twice.txt", "9\tnine\n1\tone\n")
expect(f"copy copied from '{FILES}/twice.txt'", error="23505")
expect("select count(*) from copied", rows=[("5",)])
write("bad.txt", "9\tnine\nx\ty\n")
expect(f"copy copied from '{FILES}/bad.txt'", error="22P02")
expect(f"copy copied from '{FILES}/nowhere.txt'", error="58P01", words="for reading: No such file or directory")
expect(f"copy copied to '{FILES}/nowhere/out.txt'", error="58P01", words="for writing: No such file or directory")
expect(f"copy copied from '{FILES}'", error="42809", words="is a directory")
expect(f"copy copied to '{FILES}'", error="42809")
expect("copy copied to 'out.txt'", error="42602", words="relative path not allowed for COPY to file")
expect("copy copied from 'nowhere.txt'", error="58P01")
expect("copy copied to '/dev/full'", error="53100", words="No space left on device")
expect("begin read only")
expect(f"copy copied from '{FILES}/in.txt'", error="25006")
expect("rollback")

# Who may.
expect("create role reader; grant all on copied to reader; set role reader")
expect(f"copy copied from '{FILES}/in.txt'", error="42501", words="pg_read_server_files role to COPY from a file")
expect(f"copy copied to '{FILES}/out.txt'", error="42501", words="pg_write_server_files role to COPY to a file")
expect("copy copied from program 'true'", error="42501", words="pg_execute_server_program role to COPY to or from")
expect("reset role; grant pg_write_server_files to reader; set role reader")
expect(f"copy copied to '{FILES}/out.txt'", tag="COPY 5")
expect(f"copy copied from '{FILES}/in.txt'", error="42501")
expect("reset role; drop table copied, many; drop role reader")
sys.exit(1 if wrong else 0)
