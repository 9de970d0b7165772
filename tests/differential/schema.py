"""Random tables with random rows, the same text for every server."""
import collections

Column = collections.namedtuple("Column", "name type not_null")
Table = collections.namedtuple("Table", "name columns rows")

# type of a column → type of an expression over it
COLUMN_TYPES = {
    "smallint": "int2", "integer": "int4", "bigint": "int8", "numeric(30,2)": "numeric", "numeric": "numeric",
    "real": "float4", "double precision": "float8", "boolean": "bool", "text": "text", "varchar(20)": "varchar", "char(5)": "bpchar",
    "date": "date", "time": "time", "timestamp": "timestamp", "timestamptz": "timestamptz", "interval": "interval",
    "uuid": "uuid", "bytea": "bytea", "integer[]": "_int4", "text[]": "_text", "jsonb": "jsonb", "bit varying(8)": "varbit",
    "timetz": "timetz", "name": "name", "oid": "oid", "bit(4)": "bit", "date[]": "_date", "numeric[]": "_numeric", "json": "json",
    "own_mood": "own_mood", "own_pair": "own_pair", "own_small": "int4", "own_word": "text", "own_mood[]": "_own_mood",
}
# Types that the round makes. An expression over a domain has the domain's base type.
OWN_TYPES = ("create type own_mood as enum ('sad', 'ok', 'happy')", "create type own_pair as (x int4, y text)",
             "create domain own_small as int4 check (value > -100)", "create domain own_word as text check (length(value) < 40)")
# Types without an order.
UNORDERED = ("json",)
WORDS = ("", "a", "b", "ab", "abc", "Abc", "ABC", "b c", "zz", "é", "日本", "1", "10", "-2", "x_y", "100%", "a.b", " a", "a ")
EDGES = {"int2": (-32768, 32767), "int4": (-2147483648, 2147483647), "int8": (-9223372036854775808, 9223372036854775807)}


def declared_name(kind):
    """A type's name in a statement."""
    return kind[1:] + "[]" if kind[0] == "_" else kind


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def json_text(dice, depth=2):
    what = dice.randrange(8 if depth else 5)
    if what == 0:
        return dice.choice(("null", "true", "false"))
    if what < 3:
        return dice.choice(("0", "1", "2", "-1", "1.5", "10"))
    if what < 5:
        return '"' + dice.choice(("a", "b", "", "abc", "é")) + '"'
    if what < 6:
        return "[" + ", ".join(json_text(dice, depth - 1) for _ in range(dice.randrange(4))) + "]"
    keys = dice.sample(("a", "b", "c", "k"), dice.randrange(4))
    return "{" + ", ".join(f'"{k}": {json_text(dice, depth - 1)}' for k in keys) + "}"


def literal(dice, kind, null=0.06):
    """A constant of a type, small values by preference: they meet each other."""
    if dice.random() < null:
        return f"null::{declared_name(kind)}"
    if kind in EDGES:
        low, high = EDGES[kind]
        n = dice.choice((low, high)) if dice.random() < 0.04 else dice.randrange(-3, 12)
        return f"({n})" if kind == "int4" and n > low else f"'{n}'::{kind}"
    if kind == "numeric":
        return dice.choice(("0", "0.00", "1.5", "(-2.25)", "10", "3.14159", "100.10", "0.001", "12345678901234567890.5")) + "::numeric"
    if kind in ("float4", "float8"):
        return "'" + dice.choice(("0", "-0", "1.5", "-2.25", "10", "1e10", "3.5e-5", "NaN", "Infinity")) + f"'::{kind}"
    if kind == "bool":
        return dice.choice(("true", "false"))
    if kind in ("text", "varchar", "bpchar"):
        return f"{quoted(dice.choice(WORDS))}::{kind}"
    if kind == "date":
        return f"'{dice.choice(('2000-01-01', '2024-02-29', '1999-12-31', '2020-06-15', '0044-03-15 BC'))}'::date"
    if kind == "time":
        return f"'{dice.choice(('00:00', '12:30:15', '23:59:59.999999', '24:00'))}'::time"
    if kind in ("timestamp", "timestamptz"):
        return f"'{dice.choice(('2000-01-01 00:00', '2024-02-29 12:34:56.789', '1970-01-01 00:00:01', '2020-03-29 02:30'))}'::{kind}"
    if kind == "interval":
        return f"'{dice.choice(('0', '1 day', '1 mon', '-3 days 04:05', '1 year 2 mons', '90 min', '24:00:00'))}'::interval"
    if kind == "uuid":
        return f"'{dice.choice(('0' * 8, '1' * 8, 'abcdef01'))}-0000-4000-8000-000000000000'::uuid"
    if kind == "bytea":
        return "'\\x" + dice.choice(("", "00", "ff", "616263", "0102ff")) + "'::bytea"
    if kind == "_int4":
        return "'" + dice.choice(("{}", "{1}", "{1,2,3}", "{NULL,2}", "{{1,2},{3,4}}", "{-1,0}")) + "'::int4[]"
    if kind == "_text":
        return "'" + dice.choice(("{}", "{a}", "{a,b}", "{NULL,a}", '{"b c",""}')) + "'::text[]"
    if kind == "jsonb":
        return f"{quoted(json_text(dice))}::jsonb"
    if kind == "varbit":
        return f"B'{dice.choice(('', '0', '1', '101', '11110000'))}'::varbit"
    if kind == "bit":
        return f"B'{dice.choice(('0000', '1010', '1111'))}'::bit(4)"
    if kind == "timetz":
        return f"'{dice.choice(('00:00+00', '12:30:15-05', '23:59:59.5+14', '24:00+00'))}'::timetz"
    if kind == "name":
        return f"{quoted(dice.choice(WORDS))}::name"
    if kind == "oid":
        return f"'{dice.choice((0, 1, 25, 4294967295))}'::oid"
    if kind == "_date":
        return "'" + dice.choice(("{}", "{2000-01-01}", "{NULL,2024-02-29}")) + "'::date[]"
    if kind == "_numeric":
        return "'" + dice.choice(("{}", "{1.50}", "{1,2.25,NULL}", "{{1},{2}}")) + "'::numeric[]"
    if kind == "json":
        return f"{quoted(json_text(dice))}::json"
    if kind == "own_mood":
        return f"'{dice.choice(('sad', 'ok', 'happy'))}'::own_mood"
    if kind == "_own_mood":
        return "'" + dice.choice(("{}", "{ok}", "{sad,NULL,happy}")) + "'::own_mood[]"
    if kind == "own_pair":
        return f"row({dice.randrange(4)}, {quoted(dice.choice(WORDS))})::own_pair"
    raise KeyError(kind)


def make_tables(dice, kinds, prefix):
    """Tables and the statements that make them. kinds: the types to use, of COLUMN_TYPES' values."""
    able = [t for t, kind in COLUMN_TYPES.items() if kind in kinds]
    tables, statements = [], []
    for number in range(dice.randrange(2, 5)):
        name = f"{prefix}{number}"
        columns = [Column("id", "int4", True)]
        declared = ["id integer primary key" if dice.random() < 0.7 else "id integer not null"]
        for c in range(dice.randrange(2, 8)):
            kind = dice.choice(able)
            not_null = dice.random() < 0.2
            columns.append(Column(f"c{c}", COLUMN_TYPES[kind], not_null))
            declared.append(f"c{c} {kind}" + (" not null" if not_null else ""))
        rows = dice.choice((0, 1, 5, 30, 100))
        statements.append(f"create table {name} ({', '.join(declared)})")
        statements += fill(dice, name, columns, rows)
        statements += indexes(dice, name, columns)
        if dice.random() < 0.6:
            statements.append(f"analyze {name}")
        tables.append(Table(name, columns, rows))
    return tables, statements


def value(dice, column):
    return literal(dice, column.type, 0 if column.not_null else 0.06)


def fill(dice, name, columns, rows):
    if not rows:
        return []
    pools = [[value(dice, c) for _ in range(dice.choice((2, 6, 20)))] for c in columns[1:]]
    lines = ("(" + ", ".join([str(i), *(dice.choice(p) for p in pools)]) + ")" for i in range(1, rows + 1))
    return [f"insert into {name} values {', '.join(lines)}"]


ORDERED = ("int2", "int4", "int8", "numeric", "float4", "float8", "text", "varchar", "bpchar", "date", "time", "timestamp",
           "timestamptz", "interval", "uuid", "bytea", "bool", "timetz", "name", "oid", "bit", "own_mood", "own_pair", "_int4", "_text")


def partial(dice, columns):
    column = dice.choice(columns)
    if column.type == "bool" or column.type not in ORDERED or column.type == "own_pair":
        return f" where {column.name} is {dice.choice(('', 'not '))}null"
    return f" where {column.name} {dice.choice(('<', '>', '=', '<>'))} {literal(dice, column.type, 0)}"


def indexes(dice, name, columns):
    able = [c.name for c in columns if c.type in ORDERED]
    made = []
    for _ in range(dice.randrange(3)):
        chosen = dice.sample(able, min(len(able), dice.randrange(1, 4)))
        how = ", ".join(c + dice.choice(("", "", " desc", " nulls first", " desc nulls last")) for c in chosen)
        made.append(f"create index on {name} ({how}){partial(dice, columns) if dice.random() < 0.25 else ''}")
    texts = [c.name for c in columns if c.type == "text"]
    numbers = [c.name for c in columns if c.type == "int4"]
    if texts and dice.random() < 0.3:
        made.append(f"create index on {name} (lower({dice.choice(texts)}), {dice.choice(able)})")
    elif dice.random() < 0.2:
        made.append(f"create index on {name} (({dice.choice(numbers)} % 3)) include ({dice.choice(able)})")
    return made
