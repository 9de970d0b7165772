"""Random sequences of statements of one session: prepared statements, cursors, savepoints, views, and changes that meet
other tables. Every statement's answer is compared; what a sequence leaves behind is rolled back."""
from schema import declared_name, literal


class Statements:
    def __init__(self, dice, tables, queries):
        self.dice, self.tables, self.q, self.e = dice, tables, queries, queries.e

    def some(self):
        """Texts in their order. Where one of them fails, those after it fail alike (25P02)."""
        return self.dice.choice((self.prepared, self.prepared, self.cursor, self.savepoints, self.view, self.with_change,
                                 self.update_from, self.delete_using, self.upsert, self.views_above, self.table_as))()

    def scope(self, table, alias):
        return [(f"{alias}.{c.name}", c.type) for c in table.columns]

    # ---- prepared statements --------------------------------------------------------------------

    def prepared(self):
        """Executed often enough for a plan without the values."""
        d = self.dice
        kinds = [d.choice(("int4", "text", "int8", "date", "bool")) for _ in range(d.randrange(1, 4))]
        self.q.more = [(f"${i + 1}", k) for i, k in enumerate(kinds)]
        text = self.q.select(d.randrange(2))[0]
        self.q.more = []
        runs = [f"execute p({', '.join(literal(d, k) for k in kinds)})" for _ in range(d.choice((2, 7)))]
        return [f"prepare p({', '.join(map(declared_name, kinds))}) as {text}", *runs, "deallocate p"]

    # ---- cursors --------------------------------------------------------------------------------

    def ordered(self):
        table = self.dice.choice(self.tables)
        scope = self.scope(table, "o")
        return f"select o.id, {self.e.any(scope, 1)[0]} from {table.name} o{self.q.where(scope, 1)} order by o.id"

    def fetch(self, scroll):
        d, n = self.dice, self.dice.randrange(-8, 9)
        ways = ["next", f"forward {abs(n)}", str(abs(n)), "forward all", "forward 0"]
        if scroll:
            ways += ["prior", "first", "last", f"absolute {n}", f"relative {n}", f"backward {abs(n)}", "backward all", str(n)]
        return f"{d.choice(('fetch', 'fetch', 'fetch', 'move'))} {d.choice(ways)} from c"

    def cursor(self):
        d = self.dice
        scroll = d.random() < 0.6
        hold = d.random() < 0.3
        declared = f"declare c {'scroll' if scroll else 'no scroll'} cursor {'with hold ' if hold else ''}for {self.ordered()}"
        some = [self.fetch(scroll) for _ in range(d.randrange(2, 8))]
        if hold:
            some[len(some) // 2:len(some) // 2] = ["commit", "begin"]
        return [declared, *some, "close c"]

    # ---- transactions ---------------------------------------------------------------------------

    def savepoints(self):
        d, out = self.dice, []
        for n in range(d.randrange(1, 4)):
            text, table = self.q.change()
            out += [f"savepoint s{n}", text]
            if d.random() < 0.5:
                out.append(f"{d.choice(('rollback to', 'rollback to', 'release'))} s{d.randrange(n + 1)}")
            out.append(f"select * from {table.name}")
        return out

    def table_as(self):
        text, kinds = self.q.select(1)
        names = [f"x{i}" for i in range(len(kinds))]
        return [f"create temp table made({', '.join(names)}) on commit drop as {text}", "select * from made",
                f"select count(*), count(distinct {names[0]}) from made" if kinds[0] not in ("jsonb",) else "select count(*) from made"]

    def view(self):
        """A view, and statements that go through it."""
        d = self.dice
        if d.random() < 0.5:
            text, kinds = self.q.select(1)
            names = [f"x{i}" for i in range(len(kinds))]
            scope = [(f"v.{n}", k) for n, k in zip(names, kinds)]
            return [f"create view v({', '.join(names)}) as {text}",
                    f"select {self.e.any(scope, 1)[0]} from v{self.q.where(scope, 1)}"]
        table = d.choice(self.tables)
        able = table.columns[1:]
        scope = self.scope(table, "v")
        own = [(c.name, c.type) for c in table.columns]
        column = d.choice(able)
        check = d.choice(("", "", " with check option", " with local check option"))
        return [f"create view v as select * from {table.name} where {self.e.condition(own, 1)}{check}", "select * from v",
                f"update v set {column.name} = {self.e.make(scope, column.type, 1)}{self.q.where(scope, 0)} returning *",
                f"delete from v{self.q.where(scope, 0)} returning id", f"select * from {table.name}"]

    # ---- changes --------------------------------------------------------------------------------

    def with_change(self):
        d = self.dice
        text, table = self.q.change()
        scope = self.scope(table, "w")
        seen = d.choice((f"select {self.e.any(scope, 1)[0]} from w{self.q.where(scope, 0)}",
                         f"select count(*), (select count(*) from {table.name}) from w",
                         f"select w.id, t.* from w left join {table.name} t on t.id = w.id"))
        return [f"with w as ({text}) {seen}", f"select * from {table.name}"]

    def update_from(self):
        """At most one row of the other table for each: which of several is taken is left open."""
        d = self.dice
        table, other = d.choice(self.tables), d.choice(self.tables)
        both = self.scope(table, table.name) + self.scope(other, "o")
        columns = d.sample(table.columns[1:], min(len(table.columns) - 1, d.randrange(1, 3)))
        condition = f"o.id = {table.name}.id" + (f" and {self.e.condition(both, 1)}" if d.random() < 0.4 else "")
        if len(columns) > 1 and d.random() < 0.4:
            names = ", ".join(c.name for c in columns)
            values = ", ".join(self.e.make(self.scope(other, "s"), c.type, 1) for c in columns)
            changed = f"({names}) = (select {values} from {other.name} s where s.id = {table.name}.id)"
        else:
            changed = ", ".join(f"{c.name} = {self.e.make(both, c.type, 1)}" for c in columns)
        return [f"update {table.name} set {changed} from {other.name} o where {condition} returning *", f"select * from {table.name}"]

    def delete_using(self):
        d = self.dice
        table, other = d.choice(self.tables), d.choice(self.tables)
        both = self.scope(table, table.name) + self.scope(other, "o")
        return [f"delete from {table.name} using {other.name} o where {self.q.join_condition(*self.halves(both, len(table.columns)))} "
                f"returning {table.name}.*", f"select * from {table.name}"]

    def halves(self, scope, n):
        return scope[:n], scope[n:]

    def upsert(self):
        """Rows that meet others by the primary key, or by an index over an expression or a part of the table."""
        d = self.dice
        table = d.choice(self.tables)
        able = table.columns[1:]
        own = self.scope(table, table.name)
        new = [(f"excluded.{c.name}", c.type) for c in table.columns]
        rows = ", ".join(f"({', '.join([str(i), *(literal(d, c.type) for c in able)])})"
                         for i in d.sample(range(1, 40), d.randrange(1, 5)))
        columns = d.sample(able, min(len(able), d.randrange(1, 3)))
        sets = ", ".join(f"{c.name} = {self.e.make(own + new, c.type, 1)}" for c in columns)
        where = f" where {self.e.condition(own + new, 1)}" if d.random() < 0.4 else ""
        made, target = d.choice((("", "(id)"), ("", "(id)"), (f"create unique index u on {table.name} ((id % 20))", "((id % 20))"),
                                 (f"create unique index u on {table.name} (id) where id > 5", "(id) where id > 6"),
                                 (f"create unique index u on {table.name} (id desc)", "on constraint u")))
        action = d.choice((f"do update set {sets}{where}", f"do update set {sets}{where}", "do nothing"))
        return [*([made] if made else []), f"insert into {table.name} values {rows} on conflict {target} {action} returning *",
                f"select * from {table.name}"]

    def views_above(self):
        """Changes through a view over a view."""
        d = self.dice
        table = d.choice(self.tables)
        own = [(c.name, c.type) for c in table.columns]
        column = d.choice(table.columns[1:])
        scope = [("w.id", "int4"), (f"w.{column.name}", column.type)]
        checks = ("", "", " with check option", " with local check option")
        return [f"create view v as select *, {self.e.any(own, 1)[0]} as more from {table.name} where {self.e.condition(own, 1)}{d.choice(checks)}",
                f"create view w as select {column.name}, id from v where {self.e.condition(own[:1], 1)}{d.choice(checks)}",
                f"insert into w values ({literal(d, column.type)}, {d.randrange(200, 210)}) returning *",
                f"update w set {column.name} = {self.e.make(scope, column.type, 1)}, id = w.id + 300{self.q.where(scope, 0)} returning w.*",
                f"delete from w{self.q.where(scope, 0)} returning *", f"select * from {table.name}"]
