"""The two servers that are compared: an Axolotl appliance and a PostgreSQL 15 cluster, both new, in
a directory of their own, reachable by a Unix socket there; and what their processes use."""
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.normpath(f"{os.path.dirname(os.path.abspath(__file__))}/../harness"))
from ports import free_port

POSTGRES_BIN = os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin")
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    pass


def run(command, **more):
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode != 0:
        raise BenchError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def number(pattern, text):
    """What a program said, by a pattern with one group."""
    found = re.search(pattern, text)
    if not found:
        raise BenchError(f"the program said:\n{text}")
    return float(found.group(1))


def stat_of(pid):
    """Fields of /proc/PID/stat from the third on; None: there is no such process."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def rollup_kb(pid):
    """The sums of /proc/PID/smaps_rollup and the page tables, in kB."""
    found = {}
    try:
        for name in ("smaps_rollup", "status"):
            with open(f"/proc/{pid}/{name}") as f:
                for line in f:
                    word, _, rest = line.partition(":")
                    if word.startswith("Pss") or word == "VmPTE":
                        found[word] = int(rest.split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return found


class Server:
    """self.dir, self.port, self.socket_dir; self.first is the pid of the process that has all the
    others as its children. With a directory to keep, what it holds is served again and stays."""

    def __init__(self, name, max_connections, pool, keep=None):
        self.name, self.max_connections, self.pool, self.keep = name, max_connections, pool, keep
        if keep:
            self.dir = f"{keep}/{name}"
            os.makedirs(self.dir, exist_ok=True)
        else:
            self.dir = tempfile.mkdtemp(prefix=f"bench_{name}.", dir=os.environ.get("BENCH_DIR"))
        self.socket_dir = self.dir
        self.port = free_port()
        self.first = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.first:
            self.stop()
            self.first = None
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def pids(self):
        out = [self.first]
        for entry in os.listdir("/proc"):
            fields = stat_of(entry) if entry.isdigit() else None
            if fields and int(fields[1]) == self.first:
                out.append(int(entry))
        return out

    def cpu_s(self):
        """Processor time of all processes, user and system, those that have ended included."""
        ticks = 0
        for pid in self.pids():
            fields = stat_of(pid)
            if fields:
                ticks += int(fields[11]) + int(fields[12])
                if pid == self.first:
                    ticks += int(fields[13]) + int(fields[14])
        return ticks / TICKS

    def memory_kb(self):
        """Proportional memory of all processes; shared memory; page tables."""
        own = shared = tables = 0
        for pid in self.pids():
            r = rollup_kb(pid)
            own += r.get("Pss", 0) - r.get("Pss_Shmem", 0)
            shared += r.get("Pss_Shmem", 0)
            tables += r.get("VmPTE", 0)
        return {"processes": own, "shared": max(shared, self.shared_files_kb()), "page tables": tables}

    def shared_files_kb(self):
        return 0

    def client(self, program, *arguments):
        return [f"{POSTGRES_BIN}/{program}", "-h", self.socket_dir, "-p", str(self.port), "-U", "postgres",
                *map(str, arguments), "postgres"]

    def sql(self, *statements):
        out = []
        for statement in statements:
            out.append(run(self.client("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c",
                                       statement)).strip())
        return out[-1]


class Postgres(Server):
    def __init__(self, max_connections=200, pool="1GB", keep=None, settings=()):
        super().__init__("postgres", max_connections, pool, keep)
        self.settings = settings
        self.data = f"{self.dir}/data"
        self.user = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.dir, owner.pw_uid, owner.pw_gid)
            self.user = ["runuser", "-u", "postgres", "--"]
        os.chmod(self.dir, 0o755)

    def start(self):
        if not os.path.exists(self.data):
            run([*self.user, f"{POSTGRES_BIN}/initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "-E", "UTF8",
                 "--locale", "C.UTF-8"], cwd="/")
        settings = {
            "port": self.port, "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self.socket_dir}'", "max_connections": self.max_connections,
            "shared_buffers": self.pool, "fsync": "on", "synchronous_commit": "on", "max_wal_size": "4GB",
            "huge_pages": "try",
        }
        with open(f"{self.data}/postgresql.conf", "a") as f:
            f.writelines(f"{name} = {value}\n" for name, value in settings.items())
            f.writelines(f"{setting}\n" for setting in self.settings)
        # its output goes to a file: a pipe would be kept open by the server
        run([*self.user, f"{POSTGRES_BIN}/pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", f"{self.dir}/server.log",
             "start"], cwd="/")
        with open(f"{self.data}/postmaster.pid") as f:
            self.first = int(f.readline())

    def stop(self):
        subprocess.run([*self.user, f"{POSTGRES_BIN}/pg_ctl", "-D", self.data, "-m", "fast", "stop"], cwd="/",
                       stdout=subprocess.DEVNULL, check=False)


class Axolotl(Server):
    def __init__(self, programs, max_connections=200, pool="1GB", settings=(), keep=None):
        super().__init__("axolotl", max_connections, pool, keep)
        self.data = f"{self.dir}/data"
        self.axl = f"{programs}/axl"
        self.settings = settings

    def start(self):
        if not os.path.exists(self.data):
            run([self.axl, "init", "-D", self.data])
        settings = [f"max_connections={self.max_connections}", f"unix_socket_directories={self.socket_dir}",
                    *self.settings]
        command = [self.axl, "start", "-D", self.data, "--port", str(self.port), "--pool", self.pool]
        for setting in settings:
            command += ["--set", setting]
        with open(f"{self.dir}/start.log", "w+") as log:
            how = subprocess.run(command, stdout=log, stderr=log).returncode
            if how != 0:
                log.seek(0)
                raise BenchError(f"axl start: status {how}\n{log.read()}")
        status = json.loads(subprocess.run([self.axl, "status", "--json", "-D", self.data], text=True,
                                           stdout=subprocess.PIPE).stdout)
        self.first = next(p["pid"] for p in status["processes"] if p["name"] == "supervisor")
        with open(f"{self.data}/appliance") as f:
            self.region = f"axolotl.{f.read().strip()}"

    def stop(self):
        subprocess.run([self.axl, "stop", "--immediate", "-D", self.data], stdout=subprocess.DEVNULL, check=False)

    def shared_files_kb(self):
        """What the regions hold, also where nobody has it mapped any more."""
        return sum(os.stat(f"/dev/shm/{name}").st_blocks // 2 for name in os.listdir("/dev/shm")
                   if name.startswith(self.region))


def default_programs():
    here = os.path.dirname(os.path.abspath(__file__))
    return os.path.normpath(f"{here}/../../build/release/bin")


def deaths(server):
    """Of processes, in the appliance's own words."""
    events = subprocess.run([server.axl, "events", "--json", "-n", "200", "-D", server.data], text=True,
                            stdout=subprocess.PIPE).stdout
    return [e["text"] for e in map(json.loads, events.splitlines()) if e["kind"] in ("died", "quarantine", "blamed")]


def end(words):
    print(f"{os.path.basename(sys.argv[0])}: {words}", file=sys.stderr)
    sys.exit(2)


def settle(seconds=0.5):
    """Until processes that end have ended, and their time is added to their parents'."""
    time.sleep(seconds)
