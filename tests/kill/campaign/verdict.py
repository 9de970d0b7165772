"""What the clients saw, laid beside what was done to the processes."""
import bisect
import collections
import re

MS = 1_000_000
NEAR_NS = 2_000 * MS  # a death counts as the reason of what begins so soon after it
SLACK_NS = 250 * MS   # from a process's end until its last session has been told


class Record:
    """The file of campaign_clients (client.h)."""

    def __init__(self, path):
        self.gaps, self.refused, self.closed, self.failures = [], [], [], []
        self.counts = {}
        with open(path, errors="replace") as f:
            for line in f:
                self.take(line.rstrip("\n"))

    def take(self, line):
        what, _, rest = line.partition(" ")
        if what == "gap":
            kind, number, start, end, klass = rest.split()
            self.gaps.append((kind, int(number), int(start), int(end), klass))
        elif what in ("refused", "closed"):
            kind, number, start, end, *words = rest.split(" ", 4)
            getattr(self, what).append((kind, int(number), int(start), int(end), words[0] if words else ""))
        elif what == "failure":
            kind, number, at, words = rest.split(" ", 3)
            self.failures.append((kind, int(number), int(at), words))
        elif what == "count":
            kind, name, value = rest.split()
            self.counts[kind, name] = int(value)


def percentile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(part * len(values)))] if values else 0


class Verdict:
    def __init__(self, record, deaths, short_limit_ms=1000, long_limit_ms=10000):
        self.record, self.deaths = record, sorted(deaths, key=lambda d: d.at)
        self.times = [d.at for d in self.deaths]
        self.limits = {"s": short_limit_ms, "l": long_limit_ms}
        self.problems = collections.Counter()
        self.examples = {}
        for d in self.deaths:
            d.gap, d.refused, d.closed = {"s": 0, "l": 0}, 0, 0
        self.quiet_gap = {"s": 0, "l": 0}
        self.place_gaps()
        self.place_refused()
        self.place_closed()
        for kind, number, at, words in record.failures:
            self.problem(f"{kind}: {re.sub(r'-?[0-9]+', 'N', words)}", f"{kind} {number} at {at}: {words}")

    def problem(self, what, example=None):
        self.problems[what] += 1
        self.examples.setdefault(what, example or what)

    def reason(self, start, end):
        """The death that explains something: the first within, else the one shortly before."""
        i = bisect.bisect_left(self.times, start)
        if i < len(self.times) and self.times[i] <= end:
            return self.deaths[i]
        if i > 0 and start - self.deaths[i - 1].gone < NEAR_NS:
            return self.deaths[i - 1]
        return None

    def place_gaps(self):
        for kind, number, start, end, klass in self.record.gaps:
            death, ms = self.reason(start, end), (end - start) / MS
            to = death.gap if death else self.quiet_gap
            to[klass] = max(to[klass], ms)
            if ms > self.limits[klass]:
                after = f"{death.name} ({death.how})" if death else "no death"
                self.problem(f"{kind}: a gap over {self.limits[klass]} ms after {death.kind if death else 'no death'}",
                             f"{kind} {number}: {ms:.0f} ms from {start}, {after}")

    def workers_dead_within(self, start, end):
        return [d for d in self.deaths if d.kind == "queryd" and d.at <= end and d.gone + SLACK_NS >= start]

    def place_refused(self):
        """Each 40001 of a session needs a worker's death of its own during its transaction."""
        used = collections.defaultdict(set)
        for kind, number, start, end, _ in sorted(self.record.refused, key=lambda r: r[3]):
            free = [d for d in self.workers_dead_within(start, end) if id(d) not in used[kind, number]]
            if not free:
                self.problem(f"{kind}: 40001 without a worker's death", f"{kind} {number} {start} to {end}")
                continue
            used[kind, number].add(id(free[0]))
            free[0].refused += 1

    def place_closed(self):
        for kind, number, start, end, words in self.record.closed:
            near = self.workers_dead_within(start, end)
            if near:
                near[-1].closed += 1
            else:
                self.problem(f"{kind}: closed with 57P01 without a worker's death", f"{kind} {number}: {words}")

    def table(self, services):
        """Lines of text: one a kind of death, one a kind and a way. services: see Appliance.services."""
        out = [f"{'death of':14}{'':8}{'longest gap, short requests, ms':^33}{'long':>8}{'40001':>8}{'57P01':>8}"
               f"{'until ready, ms':>18}",
               f"{'':14}{'deaths':>8}{'p50':>11}{'p99':>11}{'max':>11}{'max':>8}{'':16}{'p50':>9}{'max':>9}"]
        groups = collections.defaultdict(list)
        for d in self.deaths:
            groups[d.kind, ""].append(d)
            groups[d.kind, d.how].append(d)
        for (kind, how), deaths in sorted(groups.items()):
            gaps, ready = [d.gap["s"] for d in deaths], [] if how else services.get(kind, [])
            out.append(f"{('  ' + how) if how else kind:14}{len(deaths):8}{percentile(gaps, .5):11.0f}"
                       f"{percentile(gaps, .99):11.0f}{max(gaps):11.0f}{max(d.gap['l'] for d in deaths):8.0f}"
                       f"{sum(d.refused for d in deaths):8}{sum(d.closed for d in deaths):8}"
                       + (f"{percentile(ready, .5):9.0f}{max(ready):9.0f}" if ready else ""))
        out.append(f"{'far from any':14}{'':30}{self.quiet_gap['s']:11.0f}{self.quiet_gap['l']:8.0f}")
        return out

    def causes(self):
        """Why connections were closed with 57P01, by the words that came."""
        return collections.Counter(f"{kind}: {words}" for kind, _, _, _, words in self.record.closed).most_common()

    def problem_lines(self, most=25):
        lines = [f"FAILURE {n:5} × {what}\n          e.g. {self.examples[what]}"
                 for what, n in self.problems.most_common(most)]
        if len(self.problems) > most:
            lines.append(f"… and {len(self.problems) - most} other kinds of failure")
        return lines
