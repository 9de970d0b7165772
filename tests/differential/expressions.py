"""Random typed expressions. What functions and operators there are is read from PostgreSQL's own catalogs, so that whatever
it has for the types in use is tried."""
import collections
import re

from forms import HARMLESS, RISKY
from schema import UNORDERED, declared_name, literal

Function = collections.namedtuple("Function", "name arguments result")
Operator = collections.namedtuple("Operator", "name left right result")

# Their answers depend on the machine, the version, a setting or the order of rows; or they are made to take long.
LEFT_OUT = ("pg_%", "%send", "%recv", "%in", "%out", "hash%", "%hash%", "%sel", "has_%", "json%", "to_ascii", "crc%", "set_%",
            "current_%", "query_%", "%support", "%typmod%", "gen_%", "repeat", "lpad", "rpad", "generate_%", "numeric_%power%",
            "bt%sortsupport", "%_transition%", "to_json%", "getdatabaseencoding", "enum_%", "ts%", "%cmp", "%_subdiff", "int4inc%", "int8dec%", "int8inc%", "gin_%", "width_bucket", "%_combine",
            "factorial", "%_accum%", "int4_sum", "int2_sum", "int8_sum", "%_avg_%", "%_inv", "array_fill", "normalize", "is_normalized",
            "power", "dpow", "%pow", "exp", "dexp", "shobj_description", "obj_description", "col_description", "unistr", "convert%")
KEEP = ("min", "begin", "asin", "sin", "in", "asinh", "sinh", "dsin", "dasin", "jsonb_typeof", "jsonb_array_length", "jsonb_strip_nulls",
        "jsonb_pretty", "jsonb_object_field", "jsonb_object_field_text", "jsonb_array_element", "jsonb_array_element_text", "jsonb_delete",
        "jsonb_concat", "jsonb_contains", "jsonb_exists", "jsonb_extract_path", "jsonb_set", "jsonb_insert")


class Catalog:
    """What can be said about values of the types `kinds`, by the type of its result."""

    def __init__(self, session, kinds):
        self.kinds = list(kinds)
        names = ", ".join(f"'{k}'" for k in kinds)
        left_out = " or ".join(f"proname like '{p}'" for p in LEFT_OUT)
        keep = ", ".join(f"'{k}'" for k in KEEP)
        self.functions, self.operators, self.casts, self.harmless, self.risky = (collections.defaultdict(list) for _ in range(5))
        for forms, kept in ((HARMLESS, self.harmless), (RISKY, self.risky)):
            for result, text in forms:
                if set(re.findall(r"(?<!{){(\w+)}", text)) <= set(kinds):
                    kept[result].append(text)
        for name, arguments, result in session.ask(f"""
                select proname, (select string_agg(a.typname, ' ' order by i) from unnest(proargtypes::oid[]) with ordinality u(o, i)
                                 join pg_type a on a.oid = o), t.typname
                from pg_proc p join pg_type t on t.oid = prorettype
                where prokind = 'f' and provolatile = 'i' and not proretset and pronargs between 1 and 4 and provariadic = 0
                  and t.typname in ({names}) and proname !~ '^(int|float|text|bpchar|bool|date|time|interval|uuid|bytea|bit|num|cash|name|char)[a-z0-9]*_?(eq|ne|lt|le|gt|ge|pl|mi|mul|div|cmp|larger|smaller|and|or|not|xor|shl|shr|cat|like|regex.*|ic.*|um|up|mod|abs)$'
                  and pronamespace = 'pg_catalog'::regnamespace and (proname in ({keep}) or not ({left_out}))
                  and not exists (select from pg_cast where castfunc = p.oid and castsource = casttarget)
                  and not exists (select from unnest(proargtypes::oid[]) o join pg_type a on a.oid = o where a.typname not in ({names}))
                order by p.oid""").rows:
            self.functions[result].append(Function(name, arguments.split(), result))
        for name, left, right, result in session.ask(f"""
                select oprname, l.typname, r.typname, t.typname from pg_operator o join pg_type l on l.oid = oprleft
                join pg_type r on r.oid = oprright join pg_type t on t.oid = oprresult join pg_proc p on p.oid = oprcode
                where l.typname in ({names}) and r.typname in ({names}) and t.typname in ({names}) and provolatile = 'i'
                  and oprname <> '^' and oprname not like '~%~' and oprname not in ('~', '~*', '!~', '!~*')
                order by o.oid""").rows:
            self.operators[result].append(Operator(name, left, right, result))
        for source, target in session.ask(f"""
                select s.typname, t.typname from pg_cast join pg_type s on s.oid = castsource join pg_type t on t.oid = casttarget
                where s.typname in ({names}) and t.typname in ({names}) and s.oid <> t.oid order by 1, 2""").rows:
            self.casts[target].append(source)


class Expressions:
    """dice: random.Random; scope: [(text of a column, type)]; missing: what the server under test does not have."""

    def __init__(self, dice, catalog, missing=()):
        self.dice, self.catalog, self.missing = dice, catalog, missing
        self.strict = False  # True: functions, operators and casts alone, which compute all of their arguments
        self.total = False   # True: nothing that can fail for some value, so that the order of evaluation does not show

    def column(self, scope, kind):
        able = [text for text, k in scope if k == kind]
        return self.dice.choice(able) if able else self.constant(kind)

    def constant(self, kind):
        return literal(self.dice, kind, 0 if self.strict else 0.06)

    def any(self, scope, depth):
        kind = self.dice.choice([k for _, k in scope] + self.catalog.kinds[:4])
        return self.make(scope, kind, depth), kind

    def make(self, scope, kind, depth):
        d = self.dice
        if depth <= 0 or d.random() < 0.15:
            return self.column(scope, kind) if d.random() < 0.8 else self.constant(kind)
        if self.strict:
            return d.choice((self.function, self.operator, self.cast))(scope, kind, depth - 1)
        if d.random() < 0.3:
            return self.form(scope, kind, depth - 1)
        if kind == "bool":
            return self.condition(scope, depth)
        if self.total:
            return self.harmless(scope, kind, depth)
        return d.choice((self.function, self.operator, self.operator, self.case, self.coalesce, self.cast))(scope, kind, depth - 1)

    def fill(self, scope, text, depth):
        """A form's text with expressions in its places."""
        return re.sub(r"{{|}}|{(\w+)}", lambda m: self.make(scope, m[1], depth) if m[1] else m[0][0], text)

    def form(self, scope, kind, depth):
        able = self.catalog.harmless[kind] + ([] if self.total else self.catalog.risky[kind])
        return self.fill(scope, self.dice.choice(able), min(depth, 1)) if able else self.column(scope, kind)

    def harmless(self, scope, kind, depth):
        return self.dice.choice((self.case, self.coalesce))(scope, kind, depth - 1)

    def function(self, scope, kind, depth):
        able = self.catalog.functions[kind]
        if not able:
            return self.column(scope, kind)
        f = self.dice.choice(able)
        if ("function", f.name, *f.arguments) in self.missing:
            return self.column(scope, kind)
        return f'"{f.name}"({", ".join(self.make(scope, a, depth) for a in f.arguments)})'

    def operator(self, scope, kind, depth):
        able = self.catalog.operators[kind]
        if not able:
            return self.column(scope, kind)
        o = self.dice.choice(able)
        return f"({self.make(scope, o.left, depth)} {o.name} {self.make(scope, o.right, depth)})"

    def case(self, scope, kind, depth):
        return (f"case when {self.condition(scope, depth)} then {self.make(scope, kind, depth)} "
                f"else {self.make(scope, kind, depth)} end")

    def coalesce(self, scope, kind, depth):
        how = self.dice.choice(("coalesce", "nullif", "greatest", "least"))
        if how in ("nullif", "greatest", "least") and (kind.startswith("_") or kind in UNORDERED):
            how = "coalesce"
        return f"{how}({self.make(scope, kind, depth)}, {self.make(scope, kind, depth)})"

    def cast(self, scope, kind, depth):
        able = self.catalog.casts[kind]
        if kind == "text" and self.dice.random() < 0.4:
            able = self.catalog.kinds
        if self.strict and self.dice.random() < 0.15 and kind not in ("text", "varchar", "bpchar", "name", "json", "jsonb"):
            return f"({self.make(scope, 'text', depth)})::{declared_name(kind)}"  # by the type's input function
        if not able:
            return self.column(scope, kind)
        return f"({self.make(scope, self.dice.choice(able), depth)})::{declared_name(kind)}"

    def comparison(self, scope, depth):
        kind = self.dice.choice([k for _, k in scope] or ["int4", "text"])
        if kind in UNORDERED:
            return f"({self.make(scope, kind, depth)} is null)"
        left = self.make(scope, kind, depth)
        how = self.dice.randrange(7)
        if how < 3:
            return f"({left} {self.dice.choice(('=', '<>', '<', '<=', '>', '>='))} {self.make(scope, kind, depth)})"
        if how == 3:
            return f"({left} is {self.dice.choice(('', 'not '))}null)"
        if how == 4:
            between = self.dice.choice(("between", "not between", "between symmetric"))
            return f"({left} {between} {self.make(scope, kind, 0)} and {self.make(scope, kind, 0)})"
        if how == 5:
            members = ", ".join(self.make(scope, kind, 0) for _ in range(self.dice.randrange(1, 4)))
            return f"({left} {self.dice.choice(('in', 'not in'))} ({members}))"
        return f"({left} is {self.dice.choice(('', 'not '))}distinct from {self.make(scope, kind, depth)})"

    def like(self, scope, depth):
        pattern = self.dice.choice(("'a%'", "'%b'", "'_'", "'%b%'", "''", "'a_c'", "'%'"))
        how = self.dice.choice(("like", "not like", "ilike"))
        return f"({self.make(scope, 'text', depth)} {how} {pattern})"

    def condition(self, scope, depth):
        d, how = self.dice, self.dice.randrange(10)
        if depth <= 0 or how < 4:
            return self.comparison(scope, depth - 1 if depth > 0 else 0)
        if how == 4:
            return self.like(scope, depth - 1)
        if how == 5:
            return f"(not {self.condition(scope, depth - 1)})"
        if how == 6 and not self.total:
            return self.operator(scope, "bool", depth - 1)
        if how == 7:
            return f"({self.condition(scope, depth - 1)} is {d.choice(('true', 'not true', 'false', 'unknown'))})"
        return f"({self.condition(scope, depth - 1)} {d.choice(('and', 'or'))} {self.condition(scope, depth - 1)})"
