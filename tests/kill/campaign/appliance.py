"""A whole appliance of a campaign: starting it, looking at it, and doing harm to its processes."""
import json
import os
import random
import shutil
import signal
import subprocess
import time

GONE_WAIT_S = 20
SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "segv": signal.SIGSEGV, "abrt": signal.SIGABRT}
KINDS = ("queryd", "storaged", "logd", "txnd", "supervisor", "guardian")


class CampaignError(Exception):
    pass


def kind_of(name):
    return name.split(".")[0]


def birth_of(pid):
    """Of a living process, as the system counts it; None: there is none, or it is a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]


class Appliance:
    def __init__(self, programs, directory, port, workers=2, pool="256MB", settings=()):
        self.programs, self.dir, self.port = programs, directory, port
        self.workers, self.pool, self.settings = workers, pool, list(settings)
        self.data, self.socket_dir = f"{directory}/data", directory
        self.axl = f"{programs}/axl"
        self.words = subprocess.run([self.axl], text=True, stderr=subprocess.PIPE).stderr

    def knows(self, word):
        return f"\n  {word} " in self.words

    def run(self, *arguments, check=True):
        done = subprocess.run([self.axl, arguments[0], "-D", self.data, *map(str, arguments[1:])], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if check and done.returncode != 0:
            raise CampaignError(f"axl {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout}")
        return done.stdout

    def __enter__(self):
        os.makedirs(self.dir, exist_ok=True)
        self.run("init")
        self.start()
        return self

    def start(self):
        settings = [f"unix_socket_directories={self.socket_dir}", *self.settings]
        if self.knows("fault"):
            settings.append("fault_points=on")
        arguments = [word for s in settings for word in ("--set", s)]
        command = [self.axl, "start", "-D", self.data, "--programs", self.programs, "--port", str(self.port),
                   "--workers", str(self.workers), "--pool", self.pool, *arguments]
        # its output goes to a file: a pipe would be kept open by the processes
        with open(f"{self.dir}/start.log", "w+") as log:
            if subprocess.run(command, stdout=log, stderr=log).returncode != 0:
                log.seek(0)
                raise CampaignError(f"axl start failed\n{log.read()}")

    def __exit__(self, *what):
        subprocess.run([self.axl, "stop", "--immediate", "-D", self.data], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        if what[0] is None:
            shutil.rmtree(self.dir, ignore_errors=True)

    def conninfo(self):
        return f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"

    def socket_info(self):
        return f"host={self.socket_dir} port={self.port} user=postgres dbname=postgres"

    def sql(self, text):
        return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(), "-c", text],
                              text=True, check=True, stdout=subprocess.PIPE).stdout

    def status(self):
        done = subprocess.run([self.axl, "status", "--json", "-D", self.data], text=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)

    def processes(self):
        """name → entry of axl status, those that were ever started."""
        return {p["name"]: p for p in self.status()["processes"] if p["epoch"] or p["pid"]}

    def wait_healthy(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.status()["health"] == "healthy":
                return True
            time.sleep(0.05)
        return False

    def follow_events(self):
        """axl events from now on, into a file, for as long as the appliance is there."""
        if not self.knows("events"):
            return None
        with open(f"{self.dir}/events", "w") as f:
            return subprocess.Popen([self.axl, "events", "--json", "--follow", "-n", "0", "-D", self.data],
                                    stdout=f, stderr=subprocess.DEVNULL)

    def strangers(self, name):
        """Lives that ended at once because the supervisor that began them died before it had noted them."""
        with open(f"{self.data}/log-files/{name}.log") as f:
            return f.read().count("does not know this life of the process")

    def services(self):
        """Milliseconds from a death to READY, by kind of process, as the supervisor noted them."""
        found = {}
        if os.path.exists(f"{self.dir}/events"):
            with open(f"{self.dir}/events") as f:
                for e in map(json.loads, f):
                    if e["kind"] == "service":
                        found.setdefault(kind_of(e["process"]), []).append(e["service_us"] / 1000)
        return found

    def client_sockets(self):
        """TCP connections that a process of the appliance has not let go of."""
        port = f":{self.port:04X}"
        with open("/proc/net/tcp") as f:
            states = [line.split()[3] for line in f if line.split()[1].endswith(port)]
        return sum(s in ("01", "08") for s in states)  # ESTABLISHED, CLOSE_WAIT

    def descriptors(self):
        """Open descriptors of each process by name."""
        found = {}
        for name, p in self.processes().items():
            try:
                found[name] = len(os.listdir(f"/proc/{p['pid']}/fd"))
            except OSError:
                found[name] = 0
        return found


class Death:
    """One that was inflicted. Times in nanoseconds of the monotonic clock, as the clients'."""

    def __init__(self, name, how):
        self.name, self.how = name, how
        self.at = self.gone = time.monotonic_ns()

    @property
    def kind(self):
        return kind_of(self.name)


def wait_gone(pid, birth, seconds=GONE_WAIT_S):
    end = time.monotonic() + seconds
    while birth_of(pid) == birth:
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def inflict(appliance, process, how):
    """A signal to one process (an entry of processes()); returns when it is gone."""
    birth = birth_of(process["pid"])
    if birth is None:
        return None
    death = Death(process["name"], how)
    os.kill(process["pid"], SIGNALS[how])
    if not wait_gone(process["pid"], birth):
        os.kill(process["pid"], signal.SIGCONT)
        os.kill(process["pid"], signal.SIGKILL)
        raise CampaignError(f"{process['name']} was given {how} and is still there after {GONE_WAIT_S} s")
    death.gone = time.monotonic_ns()
    return death


def fault_points(appliance):
    """Of axl fault, by name; those that concern a repair make the supervisor die."""
    if not appliance.knows("fault"):
        return []
    return [line.split()[0] for line in appliance.run("fault").splitlines()
            if line and not line.startswith(" ") and line.split()[0] != "none"]


RARE_POINTS = ("split", "logd_write", "logd_written", "storaged_double", "storaged_home", "storaged_loaded")
POINTS_OF_REPAIR = ("undo", "take_up", "repair", "repaired")  # passed only when a worker has died


def provoke(appliance, point, dice):
    """What leads some process to the point, where the load alone does not: the death that it took, or None."""
    if point.startswith("storaged_"):
        subprocess.Popen([appliance.axl, "checkpoint", "-D", appliance.data], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    if point not in POINTS_OF_REPAIR:
        return None
    victim = eligible(appliance, ["queryd"], dice, 1.1)
    return inflict(appliance, victim, "kill") if victim else None


def inflict_fault(appliance, point, dice, seconds=2):
    """Whoever passes the point dies: the deaths that there were, none when nobody passed it in time."""
    if not appliance.wait_healthy(5):
        return []
    before = {name: (p["pid"], birth_of(p["pid"])) for name, p in appliance.processes().items() if p["pid"]}
    passes = 0 if point in POINTS_OF_REPAIR else int(dice * (4 if point in RARE_POINTS else 1000))
    armed = time.monotonic_ns()
    appliance.run("fault", point, ("kill", "crash", "abort")[int(dice * 3)], "--after", passes)
    first = provoke(appliance, point, dice)
    deaths = [first] if first else []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, (pid, birth) in before.items():
            if birth_of(pid) != birth and not (first and first.name == name):
                death = Death(name, "fault")
                death.at, death.point = armed, point
                return [*deaths, death]
        time.sleep(0.003)
    appliance.run("fault", "off", check=False)
    return deaths


def release_quarantined(appliance):
    """Statements are not to blame here: their processes are killed from outside."""
    if not appliance.knows("quarantine"):
        return
    try:
        for q in json.loads(appliance.run("quarantine", "list", "--json")):
            appliance.run("quarantine", "release", q["fingerprint"], check=False)
    except (CampaignError, json.JSONDecodeError):
        pass  # the next death gives another chance


class Schedule:
    """Deaths one after the other, the same for the same seed: pause, kinds in the order in which they
    are tried, what is done, and a number that decides the rest."""

    def __init__(self, seed, kinds, hows, pause_ms, points=()):
        self.random = random.Random(seed)
        self.kinds, self.hows, self.pause_ms, self.points = list(kinds), list(hows), pause_ms, list(points)

    def next(self):
        r = self.random
        pause = r.uniform(*self.pause_ms) / 1000
        kinds = r.sample(self.kinds, len(self.kinds))
        return pause, kinds, r.choice(self.hows), r.random(), r.choice(self.points) if self.points else None


def eligible(appliance, kinds, dice, min_age_s):
    """The first kind's process that has been ready for long enough; None: there is none now."""
    processes = appliance.processes()
    for kind in kinds:
        able = [p for name, p in sorted(processes.items())
                if kind_of(name) == kind and p["pid"] and p["state"] == "ready" and p["uptime_s"] >= min_age_s]
        if able:
            return able[int(dice * len(able))]
    return None
