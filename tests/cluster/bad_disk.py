"""bad_disk.py DIR SOCKET_DIR PORT FLIPS MISPLACED {repaired|refused|backup}: spoils the data file of a running appliance, under a load
that knows what every row must be.

FLIPS single bits of pages in use flip; MISPLACED writes go elsewhere (the image of one page lies at another's place) or were
lost (a page is again as it was some time ago). Each statement then gets what was committed last, or XX001 with the words for
its page; in the mode `repaired`, where the log reaches back to the beginning, and in `backup`, where there is one, never XX001.
Nothing else ever."""
import hashlib
import os
import random
import re
import struct
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../differential"))
from client import Session

PAGE = 8192
WORKERS = 4
ROWS = 2500  # of each worker
PAD = 1000
REFUSED = re.compile(r'^invalid page in block \d+ of relation "\w+"$')  # a catalog's pages are on the disk, too


class Server:
    socket_dir, port = sys.argv[2:4]


def check_of(k, v):
    return hashlib.md5(f"{k}/{v}".encode()).hexdigest()


class Load(threading.Thread):
    """Reads and changes rows of its own; `value` is what each must be."""

    def __init__(self, number, sums):
        super().__init__()
        self.number, self.sums = number, sums
        self.random = random.Random(number)
        self.session = Session(Server)
        self.value = {}
        self.ended = threading.Event()
        self.wrong = None

    def ask(self, text):
        """The answer; None when it was refused for a damaged page."""
        answer = self.session.ask(text)
        self.sums["statements"] += 1
        if not answer.error:
            return answer
        if answer.error["C"] == "XX001" and REFUSED.match(answer.error["M"]):
            self.sums["refused"] += 1
            return None
        raise AssertionError(f"{text}: {answer.error}")

    def same(self, rows, expected, what):
        if sorted(rows) != sorted(expected):
            raise AssertionError(f"{what}: {sorted(rows)[:3]} instead of {sorted(expected)[:3]}")

    def row(self, k):
        v = self.value[k]
        return str(k), str(v), check_of(k, v)

    def read(self, k):
        answer = self.ask(f"select k, v, sum from rows where k = {k}")
        if answer:
            self.same(answer.rows, [self.row(k)] if k in self.value else [], f"row {k}")

    def read_by_index(self, k):
        if k not in self.value:
            return
        answer = self.ask(f"select k, v, sum from rows where v = {self.value[k]}")
        if answer:
            self.same(answer.rows, [self.row(k)], f"row {k} by its value")

    def read_range(self, k):
        answer = self.ask(f"select k, v, sum from rows where k between {k} and {k + 200} order by k")
        if answer:
            inside = range(k, min(k + 200, self.last()) + 1)
            rows = [r for r in answer.rows if int(r[0]) <= self.last()]
            self.same(rows, [self.row(i) for i in inside if i in self.value], f"rows from {k}")

    def new_value(self):
        return self.random.randrange(1 << 40) * WORKERS + self.number

    def change(self, k):
        v = self.new_value()
        if k not in self.value:
            answer = self.ask(f"insert into rows values ({k}, {v}, '{check_of(k, v)}', repeat('x', {PAD}))")
        elif self.random.random() < 0.1:
            answer, v = self.ask(f"delete from rows where k = {k}"), None
        else:
            answer = self.ask(f"update rows set v = {v}, sum = '{check_of(k, v)}' where k = {k}")
        if not answer:
            return
        self.sums["changes"] += 1
        if v is None:
            del self.value[k]
        else:
            self.value[k] = v

    def last(self):
        return (self.number + 1) * ROWS - 1

    def fill(self):
        for k in range(self.number * ROWS, self.last(), 400):
            part = {i: self.new_value() for i in range(k, min(k + 400, self.last() + 1))}
            values = ",".join(f"({i}, {v}, '{check_of(i, v)}', repeat('x', {PAD}))" for i, v in part.items())
            if not self.ask(f"insert into rows values {values}"):
                raise AssertionError("a row was refused before anything was spoilt")
            self.value.update(part)

    def run(self):
        try:
            while not self.ended.is_set():
                k = self.number * ROWS + self.random.randrange(ROWS)
                kind = self.random.random()
                if kind < 0.4:
                    self.read(k)
                elif kind < 0.6:
                    self.read_by_index(k)
                elif kind < 0.65:
                    self.read_range(k)
                else:
                    self.change(k)
        except Exception as e:  # told by the main thread
            self.wrong = e

    def read_all(self):
        """Every row, by both trees; row by row where something is refused."""
        for k in range(self.number * ROWS, self.last(), 201):
            self.read_range(k)
        for k in range(self.number * ROWS, self.last() + 1, 7):
            self.read_by_index(k)
            self.read(k)


class Disk:
    """The data file, written to behind the appliance's back."""

    def __init__(self, path, seed):
        self.file = os.open(path, os.O_RDWR)
        self.random = random.Random(seed)
        self.old = {}  # page: an image that it has had

    def pages(self):
        return os.fstat(self.file).st_size // PAGE

    def get(self, page):
        return os.pread(self.file, PAGE, page * PAGE)

    def choose(self):
        """A page of a tree."""
        while True:
            page = self.random.randrange(2, self.pages())
            image = self.get(page)
            if image[4] == 3:
                return page, image

    def keep(self):
        for page in range(2, self.pages()):
            image = self.get(page)
            if image[4] == 3 and self.random.random() < 0.5:
                self.old.setdefault(page, image)

    def flip(self):
        page, image = self.choose()
        bit = self.random.randrange(PAGE * 8)
        byte = bytes([image[bit // 8] ^ 1 << bit % 8])
        os.pwrite(self.file, byte, page * PAGE + bit // 8)

    def misdirect(self):
        (page, _), (_, image) = self.choose(), self.choose()
        os.pwrite(self.file, image, page * PAGE)

    def lose(self):
        """True: some page is older now."""
        pages = list(self.old)
        self.random.shuffle(pages)
        for page in pages:
            old, now = self.old[page], self.get(page)
            if struct.unpack_from("<Q", old, 16) < struct.unpack_from("<Q", now, 16):
                os.pwrite(self.file, old, page * PAGE)
                del self.old[page]
                return True
        return False


def run(data_dir, flips, misplaced, mode):
    sums = dict(statements=0, refused=0, changes=0)
    session = Session(Server)
    answer = session.ask("create table rows (k int primary key, v bigint, sum text, pad text);"
                         "create index rows_v on rows (v)")
    assert not answer.error, answer.error
    loads = [Load(n, sums) for n in range(WORKERS)]
    for load in loads:
        load.fill()
    if mode != "repaired":  # so much more log that what made the rows is not kept
        texts = [f"update more set pad = repeat('{chr(97 + i % 26)}', 2500)" for i in range(150)]
        for text in ["create table more as select k, ''::text as pad from generate_series(1, 100) k"] + texts:
            answer = session.ask(text)
            assert not answer.error, answer.error
    assert not session.ask("checkpoint").error
    if mode == "backup":
        subprocess.run([os.environ["AXL"], "backup", os.environ["BACKUP"], "-D", data_dir], check=True, stdout=subprocess.DEVNULL)
    disk = Disk(f"{data_dir}/data", 1)
    disk.keep()
    for load in loads:
        load.start()
    kinds = ["flip"] * flips + ["misplace"] * misplaced
    disk.random.shuffle(kinds)
    lost = misdirected = 0
    for n, kind in enumerate(kinds):
        if kind == "flip":
            disk.flip()
        elif n % 2 and disk.lose():
            lost += 1
        else:
            disk.misdirect()
            misdirected += 1
        time.sleep(0.005)
        if n % 100 == 99:
            disk.keep()
    for load in loads:
        load.ended.set()
    for load in loads:
        load.join()
        if load.wrong:
            raise load.wrong
    for load in loads:
        load.read_all()
    if sums["refused"] and mode != "refused":
        raise AssertionError(f"{sums['refused']} statements were refused")
    print(f"{flips} bits flipped, {misdirected} writes misdirected, {lost} lost: {sums['statements']} statements,"
          f" {sums['changes']} changes, {sums['refused']} refused with XX001, nothing wrong served")


if __name__ == "__main__":
    run(sys.argv[1], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6])
