"""Random statements over random tables. A query's answer is a set of rows that no order of evaluation changes; where the
text says ORDER BY, the order is total."""
from forms import SOURCES
from schema import UNORDERED, literal

# Equal values of these types look alike, so grouping may show any of them.
GROUPABLE = ("int2", "int4", "int8", "text", "bool", "date", "time", "timestamp", "uuid", "bytea", "name", "oid", "own_mood")
SUMMABLE = ("int2", "int4", "int8")


class Queries:
    def __init__(self, dice, tables, expressions):
        self.dice, self.tables, self.e = dice, tables, expressions
        self.aliases = 0
        self.more = []  # what stands in every scope besides: parameters

    # ---- sources --------------------------------------------------------------------------------

    def alias(self):
        self.aliases += 1
        return f"s{self.aliases}"

    def lateral(self, scope, depth):
        """A subquery in FROM that sees what stands before it."""
        d, alias = self.dice, self.alias()
        inner, more = self.source(depth)
        kinds = [self.e.any(more + scope, 1) for _ in range(d.randrange(1, 3))]
        text = f"select {', '.join(t for t, _ in kinds)} from {inner}{self.where(more + scope, 0)}"
        names = [f"y{i}" for i in range(len(kinds))]
        return f"lateral ({text}) {alias}({', '.join(names)})", [(f"{alias}.{n}", k) for n, (_, k) in zip(names, kinds)]

    def set_source(self, scope):
        """A function that gives rows, of what stands before it in FROM."""
        text, columns = self.dice.choice(SOURCES)
        alias, names = self.alias(), ", ".join(n if not text.startswith("jsonb_to_") else f"{n} {k}" for n, k in columns)
        return f"{self.e.fill(scope, text, 1)} as {alias}({names})", [(f"{alias}.{n}", k) for n, k in columns]

    def relation(self, depth):
        """(text of a FROM item, its scope)."""
        d, alias = self.dice, self.alias()
        if depth > 0 and d.random() < 0.25:
            text, kinds = self.select(depth - 1, d.randrange(1, 4))
            names = [f"x{i}" for i in range(len(kinds))]
            return f"({text}) {alias}({', '.join(names)})", [(f"{alias}.{n}", k) for n, k in zip(names, kinds)]
        if d.random() < 0.06:
            return f"generate_series(1, {d.randrange(5)}) {alias}(n)", [(f"{alias}.n", "int4")]
        if d.random() < 0.08:
            return self.set_source([])
        if d.random() < 0.06:
            kinds = [d.choice(("int4", "text", "bool")) for _ in range(2)]
            rows = ", ".join(f"({', '.join(literal(d, k) for k in kinds)})" for _ in range(d.randrange(1, 4)))
            return f"(values {rows}) {alias}(a, b)", [(f"{alias}.a", kinds[0]), (f"{alias}.b", kinds[1])]
        table = d.choice(self.tables)
        return f"{table.name} {alias}", [(f"{alias}.{c.name}", c.type) for c in table.columns]

    def join_condition(self, left, right):
        pairs = [(a, b) for a, k in left for b, l in right if k == l and k not in ("jsonb", *UNORDERED)]
        if pairs and self.dice.random() < 0.8:
            a, b = self.dice.choice(pairs)
            text = f"{a} {self.dice.choice(('=', '=', '=', '<', '<>'))} {b}"
            return text if self.dice.random() < 0.7 else f"{text} and {self.e.condition(left + right, 1)}"
        return self.e.condition(left + right, 1)

    def source(self, depth):
        text, scope = self.relation(depth)
        for _ in range(self.dice.choice((0, 0, 1, 1, 2, 3) if depth > 0 else (0, 0, 1))):
            how = self.dice.choice(("join", "join", "left join", "right join", "full join", "cross join", "lateral", "using"))
            if how == "lateral":
                other, more = self.lateral(scope, depth - 1 if depth > 1 else 0) if self.dice.random() < 0.6 else self.set_source(scope)
                how = self.dice.choice(("cross join", "join", "left join"))
            else:
                other, more = self.relation(depth - 1)
            if how == "using":
                if sum(t.endswith(".id") for t, _ in scope) == 1 and sum(t.endswith(".id") for t, _ in more) == 1:
                    text = f"{text} {self.dice.choice(('', 'left ', 'right ', 'full '))}join {other} using (id)"
                    scope = scope + more
                    continue
                how = "join"
            if how == "full join":  # what cannot be hashed or merged is refused
                pairs = [(a, b) for a, k in scope for b, l in more if k == l and k in GROUPABLE]
                if not pairs:
                    how = "left join"
                else:
                    text = f"{text} full join {other} on {' = '.join(self.dice.choice(pairs))}"
            if how == "cross join":
                text = f"{text} cross join {other}"
            elif how != "full join":
                text = f"{text} {how} {other} on {self.join_condition(scope, more)}"
            scope = scope + more
        return text, scope + self.more

    # ---- conditions -----------------------------------------------------------------------------

    def subquery_condition(self, scope, depth):
        d = self.dice
        inner, more = self.source(0)
        kind_pairs = [(a, b) for a, k in scope for b, l in more if k == l and k not in ("jsonb", *UNORDERED)]
        how = d.randrange(6)
        where = self.e.condition(more + scope, 1) if d.random() < 0.5 else "true"
        if kind_pairs:
            outer, own = d.choice(kind_pairs)
            if how == 0:
                return f"{outer} {d.choice(('in', 'not in'))} (select {own} from {inner} where {where})"
            if how == 1:
                return f"{d.choice(('', 'not '))}exists (select from {inner} where {outer} = {own} and {where})"
            if how == 2:
                return f"{outer} {d.choice(('=', '<', '<>', '>='))} {d.choice(('any', 'all'))} (select {own} from {inner} where {where})"
            if how == 3:
                operator = d.choice(("=", "<>", "<", ">="))
                return f"({outer}, {outer}) {operator} (select {own}, {own} from {inner} where {where} order by 1 limit 1)" \
                    if dict(scope)[outer] in GROUPABLE else f"{outer} is not null"
            if how == 4:
                return f"{outer} = any (array(select {own} from {inner} where {where}))" if dict(scope)[outer][0] != "_" else "true"
        return f"(select count(*) from {inner} where {where}) {d.choice(('=', '>', '<'))} {d.randrange(4)}"

    def where(self, scope, depth):
        parts = []
        if self.dice.random() < 0.7:
            parts.append(self.e.condition(scope, 2))
        if depth > 0 and self.dice.random() < 0.35:
            parts.append(self.subquery_condition(scope, depth))
        return f" where {' and '.join(parts)}" if parts else ""

    # ---- queries --------------------------------------------------------------------------------

    def select(self, depth, width=None):
        """(text, types of its columns)."""
        d = self.dice
        if depth > 0 and d.random() < 0.12:
            return self.set_operation(depth - 1)
        if depth > 0 and d.random() < 0.25:
            return self.grouped(depth, width)
        source, scope = self.source(depth)
        targets = [self.target(scope, depth) for _ in range(width or d.randrange(1, 5))]
        text = f"{', '.join(t for t, _ in targets)} from {source}{self.where(scope, depth)}"
        if all(k in GROUPABLE for _, k in targets) and d.random() < 0.2:
            text = "distinct " + text
        text = f"select {text}"
        if d.random() < 0.15 and all(k not in ("jsonb", "own_pair", *UNORDERED) and k[0] != "_" for _, k in targets) and not text.startswith("select distinct"):
            text += self.limited(targets)
        return text, [k for _, k in targets]

    def limited(self, targets):
        keys = ", ".join(str(i + 1) + self.dice.choice(("", " desc", " nulls first")) for i in range(len(targets)))
        limit = f" limit {self.dice.randrange(8)}" if all(k in GROUPABLE for _, k in targets) else ""
        return f" order by {keys}{limit}"

    def target(self, scope, depth):
        d = self.dice
        if depth > 0 and d.random() < 0.08:
            inner, more = self.source(0)
            able = [(t, k) for t, k in more if k in SUMMABLE + ("text", "date")]
            if able:
                text, kind = d.choice(able)
                return f"(select max({text}) from {inner} where {self.e.condition(more + scope, 1)})", kind
        if depth > 0 and d.random() < 0.08:
            return self.window(scope)
        return self.e.any(scope, d.randrange(3))

    def window(self, scope):
        """A window function whose answer no order among equals changes: RANGE and GROUPS take equals together, and ROWS goes
        with an order by the keys of all tables."""
        d = self.dice
        ordered = [t for t, k in scope if k in GROUPABLE and t[0] != "$"]
        if not ordered:
            return self.e.any(scope, 1)
        partition = f"partition by {d.choice(ordered)} " if d.random() < 0.5 else ""
        aliases = {t.partition(".")[0] for t, _ in scope if t[0] != "$"}
        keys = [t for t, _ in scope if t.endswith(".id")]
        if len(keys) == len(aliases) and d.random() < 0.5:
            return self.window_rows(scope, partition, keys)
        by = d.choice(ordered)
        over = f"{partition}order by {by}{d.choice(('', ' desc', ' nulls first'))}"
        how = d.choice(("rank()", "dense_rank()", "count(*)", "max({})", "min({})", "first_value({})", "percent_rank()", "cume_dist()"))
        kind = {"percent_rank()": "float8", "cume_dist()": "float8"}.get(how, "int8")
        if "{}" in how:
            kind = next(k for t, k in scope if t == by)
            how = how.format(by)
            if kind not in ("int2", "int4", "int8", "text", "date", "time", "timestamp"):
                return f"rank() over ({over})", "int8"
        offsets = dict(int2="2", int4="2", int8="3", date="interval '2 days'", timestamp="interval '1 day'").get(dict(scope)[by])
        mode = "range" if offsets and d.random() < 0.5 else "groups"
        frame = d.choice(("", f" {mode} {self.frame(offsets if mode == 'range' else '1')}"))
        return f"{how} over ({over}{frame})", kind

    def frame(self, offset):
        d = self.dice
        bounds = ["unbounded preceding", f"{offset} preceding", "current row", f"{offset} following", "unbounded following"]
        first = d.randrange(4)
        last = d.randrange(max(first, 1), 5)
        return f"between {bounds[first]} and {bounds[last]}{d.choice(('', ' exclude current row', ' exclude group', ' exclude ties'))}"

    def window_rows(self, scope, partition, keys):
        d = self.dice
        able = [(t, k) for t, k in scope if k in GROUPABLE]
        text, kind = d.choice(able)
        how, kind = d.choice((("row_number()", "int8"), (f"ntile({d.randrange(1, 5)})", "int4"), (f"lag({text})", kind),
                              (f"lead({text}, {d.randrange(3)}, {text})", kind), (f"first_value({text})", kind),
                              (f"last_value({text})", kind), (f"nth_value({text}, {d.randrange(1, 4)})", kind), ("count(*)", "int8"),
                              (f"count({text})", "int8"), (f"array_agg({text})", None), (f"sum({keys[0]})", "int8"),
                              (f"count(*) filter (where {self.e.condition(scope, 1)})", "int8")))
        if kind is None:
            return f"cardinality({how} over ({partition}order by {', '.join(keys)} rows {self.frame('1')}))", "int4"
        return f"{how} over ({partition}order by {', '.join(keys)} rows {self.frame(str(d.randrange(3)))})", kind

    def aggregate(self, scope):
        d = self.dice
        text, kind = d.choice(scope)
        if kind in GROUPABLE and d.random() < 0.25:
            return self.ordered_aggregate(text, kind)
        if kind in SUMMABLE:
            how = d.choice(("sum", "min", "max", "avg", "count", "bit_and", "bit_or"))
        elif kind == "bool":
            how = d.choice(("bool_and", "bool_or", "every", "count"))
        elif kind in ("text", "date", "timestamp", "time"):
            how = d.choice(("min", "max", "count"))
        else:
            how = "count"
        inside = ("distinct " if d.random() < 0.2 else "") + text
        if kind in ("jsonb", *UNORDERED) and inside != text:
            inside = text
        filtered = f" filter (where {self.e.condition(scope, 1)})" if d.random() < 0.2 else ""
        result = {"count": "int8", "avg": "numeric", "sum": "numeric" if kind == "int8" else "int8", "bool_and": "bool", "bool_or": "bool",
                  "every": "bool"}.get(how, kind)
        return f"{how}({inside}){filtered}", result

    def ordered_aggregate(self, text, kind):
        d = self.dice
        distinct = d.choice(("", "distinct "))
        down = d.choice(("", " desc", " nulls first"))
        return d.choice(((f"(array_agg({distinct}{text} order by {text}{down}))[{d.randrange(1, 4)}]", kind),
                         (f"string_agg({distinct}{text}::text, ',' order by {text}::text{down})", "text"),
                         (f"jsonb_agg({distinct}{text} order by {text}{down})", "jsonb"),
                         (f"percentile_disc(0.{d.randrange(10)}) within group (order by {text}{down})", kind),
                         (f"mode() within group (order by {text}{down})", kind),
                         (f"cardinality(array_agg({distinct}{text}))", "int4")))

    def grouping(self, keys):
        """The text of GROUP BY for these keys."""
        d, names = self.dice, [t for t, _ in keys]
        how = d.randrange(9)
        if how < 4:
            return ", ".join(names)
        if how < 7:
            return d.choice(("rollup ({})", "cube ({})", "grouping sets (({}), ())")).format(", ".join(names))
        sets = ["(" + ", ".join(d.sample(names, d.randrange(len(names) + 1))) + ")" for _ in range(d.randrange(1, 4))]
        if how == 7:
            return f"{d.choice(('', 'distinct '))}grouping sets ({', '.join(sets + ['(' + ', '.join(names) + ')'])}, rollup ({names[0]}))"
        return f"{d.choice(('', 'distinct '))}{', '.join(names)}, grouping sets ({', '.join(sets)})"

    def grouped(self, depth, width=None):
        d = self.dice
        source, scope = self.source(depth)
        keys = [(t, k) for t, k in scope if k in GROUPABLE and t[0] != "$"]
        keys = d.sample(keys, min(len(keys), d.randrange(4)))
        targets = (keys + [self.aggregate(scope) for _ in range(4)])[:width or len(keys) + d.randrange(1, 3)]
        text = f"select {', '.join(t for t, _ in targets)} from {source}{self.where(scope, depth)}"
        if keys:
            text += f" group by {self.grouping(keys)}"
        if d.random() < 0.3:
            text += f" having {d.choice(('count(*) > 1', 'count(*) < 5', 'max(' + scope[0][0] + ') is not null'))}" \
                if scope[0][1] in SUMMABLE else " having count(*) > 0"
        return text, [k for _, k in targets]

    def set_operation(self, depth):
        d = self.dice
        kinds = [d.choice(("int4", "text", "int8", "date")) for _ in range(d.randrange(1, 3))]
        parts = []
        for _ in range(d.randrange(2, 4)):
            source, scope = self.source(0)
            parts.append(f"select {', '.join(self.e.make(scope, k, 1) for k in kinds)} from {source}{self.where(scope, 0)}")
        text = parts[0]
        for part in parts[1:]:
            if d.random() < 0.2:
                text = f"({text} order by {', '.join(str(i + 1) for i in range(len(kinds)))} limit {d.randrange(1, 9)})"
            text += f" {d.choice(('union', 'union all', 'intersect', 'except', 'intersect all', 'except all'))} {part}"
        return text, kinds

    def recursive(self):
        d = self.dice
        table = d.choice(self.tables)
        scope = [(f"t.{c.name}", c.type) for c in table.columns]
        kind = d.choice(("int4", "text", "date", "bool"))
        own = [("r.n", "int4"), ("r.x", kind)]
        start = f"select t.id, {self.e.make(scope, kind, 1)} from {table.name} t where t.id < {d.randrange(2, 9)}"
        if d.random() < 0.5:
            step = f"select r.n + {d.randrange(1, 3)}, {self.e.make(own, kind, 1)} from r where r.n < {d.randrange(3, 12)}"
        else:
            step = (f"select t.id + 1, {self.e.make(own + scope, kind, 1)} from r {d.choice(('join', 'join', 'left join'))} {table.name} t "
                    f"on t.id = r.n + 1 where r.n < {d.randrange(3, 30)}")
        text, _ = self.target(own, 1)
        return (f"with recursive r(n, x) as ({start} {d.choice(('union', 'union all'))} {step}) "
                f"select r.n, r.x, {text} from r{self.where(own, 1)}")

    def query(self):
        d = self.dice
        if d.random() < 0.05:
            return self.recursive()
        if d.random() < 0.12:
            inner, kinds = self.select(1)
            names = [f"w{i}" for i in range(len(kinds))]
            scope = [(f"w.{n}", k) for n, k in zip(names, kinds)]
            kept = d.choice(("", "materialized ", "not materialized "))
            text, _ = self.target(scope, 0)
            return f"with w({', '.join(names)}) as {kept}({inner}) select w.*, {text} from w{self.where(scope, 1)}"
        return self.select(2)[0]

    # ---- changes --------------------------------------------------------------------------------

    def change(self):
        """One statement that changes a table, and that table."""
        d = self.dice
        table = d.choice(self.tables)
        scope = [(f"{table.name}.{c.name}", c.type) for c in table.columns]
        able = table.columns[1:]
        how = d.randrange(4)
        if how == 0:
            return f"delete from {table.name}{self.where(scope, 1)} returning *", table
        if how == 1 and able:
            column = d.choice(able)
            return (f"update {table.name} set {column.name} = {self.e.make(scope, column.type, 2)}{self.where(scope, 1)} "
                    "returning *"), table
        if how == 2:
            other = d.choice(self.tables)
            more = [(f"o.{c.name}", c.type) for c in other.columns]
            values = ", ".join(self.e.make(more, c.type, 1) for c in able)
            return (f"insert into {table.name} select o.id + 1000, {values} from {other.name} o{self.where(more, 0)} returning *"
                    if values else f"insert into {table.name} select o.id + 1000 from {other.name} o"), table
        values = ", ".join(literal(d, c.type) for c in able)
        action = d.choice(("do nothing", f"do update set {able[0].name} = excluded.{able[0].name}")) if able else "do nothing"
        key = d.randrange(1, 40)
        return (f"insert into {table.name} values ({key}{', ' + values if values else ''}) on conflict "
                f"{'(id) ' if 'update' in action else ''}{action} returning *"), table
