"""Expressions that have a syntax or arguments of their own: {type} is a place for any expression of that type. What stands in
HARMLESS fails for no value."""

FIELDS = ("year", "month", "day", "hour", "minute", "quarter", "dow", "doy", "isodow", "week", "isoyear", "decade", "century",
          "millennium", "second", "milliseconds", "microseconds")
UNITS = ("microseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century")

HARMLESS = (
    # arrays
    ("_int4", "array[{int4}, {int4}]"), ("_int4", "array_append({_int4}, {int4})"), ("_int4", "array_remove({_int4}, {int4})"),
    ("_int4", "array_replace({_int4}, {int4}, {int4})"), ("_int4", "({_int4})[1:2]"), ("_int4", "({_int4})[2:]"),
    ("_int4", "array(select x + 1 from unnest({_int4}) with ordinality u(x, i) where x < 100 order by i)"),
    ("_text", "array[{text}, {text}, null]"), ("_text", "array_prepend({text}, {_text})"), ("_text", "string_to_array({text}, {text})"),
    ("_text", "string_to_array({text}, ',', {text})"), ("_text", "regexp_split_to_array({text}, '[ ab]')"),
    ("int4", "({_int4})[{int4}]"), ("text", "({_text})[{int4}]"), ("int4", "array_length({_int4}, 1)"), ("int4", "cardinality({_text})"),
    ("int4", "array_upper({_text}, 1)"), ("int4", "array_ndims({_int4})"), ("text", "array_dims({_int4})"),
    ("text", "array_to_string({_text}, ',', {text})"), ("text", "array_to_string({_int4}, '-')"),
    ("bool", "({int4} = any ({_int4}))"), ("bool", "({int4} <> all ({_int4}))"), ("bool", "({text} < any ({_text}))"),
    ("bool", "({_int4} @> {_int4})"), ("bool", "({_text} && {_text})"),
    # rows
    ("bool", "(({int4}, {text}) < ({int4}, {text}))"), ("bool", "(({int4}, {date}) = ({int4}, {date}))"),
    ("bool", "(({int4}, {text}) in ((1, 'a'), ({int4}, {text})))"), ("bool", "(row({int4}, {text}) is null)"),
    ("bool", "(row({int4}, {text}) is not null)"), ("bool", "(row({int4}, {text}) is distinct from row({int4}, {text}))"),
    ("int4", "({own_pair}).x"), ("text", "({own_pair}).y"), ("text", "row({int4}, {text}, {bool})::text"),
    ("own_pair", "row({int4}, {text})::own_pair"),
    # json
    ("jsonb", "jsonb_build_object('a', {int4}, 'b', {text})"), ("jsonb", "jsonb_build_array({int4}, {jsonb}, {date})"),
    ("jsonb", "to_jsonb({_int4})"), ("jsonb", "to_jsonb({own_pair})"), ("jsonb", "to_jsonb({numeric})"), ("jsonb", "({jsonb} -> 'a')"),
    ("jsonb", "({jsonb} -> 0)"), ("jsonb", "({jsonb} #> '{{a,b}}')"), ("jsonb", "jsonb_strip_nulls({jsonb})"),
    ("text", "({jsonb} ->> 'b')"), ("text", "({jsonb} #>> '{{a,0}}')"), ("text", "jsonb_typeof({jsonb})"), ("text", "row_to_json({own_pair})::text"),
    ("text", "json_build_object('k', {text}, 'n', {numeric})::text"), ("text", "array_to_json({_text})::text"),
    ("bool", "({jsonb} ? 'a')"), ("bool", "({jsonb} ?| array['a', 'b'])"), ("bool", "({jsonb} @> {jsonb})"), ("bool", "({jsonb} is null)"),
    # dates
    *(("numeric", f"extract({f} from {{timestamp}})") for f in FIELDS),
    *(("int4", f"extract({f} from {{date}})::int4") for f in FIELDS if f not in ("hour", "minute", "second", "milliseconds", "microseconds")),
    *(("numeric", f"extract({f} from {{interval}})") for f in FIELDS[:6] + FIELDS[11:]),
    *(("timestamp", f"date_trunc('{u}', {{timestamp}})") for u in UNITS), *(("interval", f"date_trunc('{u}', {{interval}})") for u in UNITS if u != "week"),
    ("timestamp", "({date} + {time})"), ("interval", "({timestamp} - {timestamp})"), ("interval", "age({timestamp}, {timestamp})"),
    ("interval", "justify_hours({interval})"), ("interval", "justify_days({interval})"), ("int4", "({date} - {date})"),
    ("text", "to_char({timestamp}, 'YYYY-MM-DD HH12:MI:SS.US am Day Mon WW Q')"), ("text", "to_char({date}, 'FMDDth FMMonth, YYYY BC J')"),
    ("text", "to_char({interval}, 'DD HH24:MI:SS')"), ("timestamp", "({timestamptz} at time zone 'Europe/Berlin')"),
    ("timestamptz", "({timestamp} at time zone 'America/New_York')"), ("bool", "(({date}, {date}) overlaps ({date}, {date}))"),
    # texts
    ("text", "to_char({int4}, '999,990S')"), ("text", "to_char({numeric}, 'FM9990.00')"), ("text", "to_char({numeric}, '9.99EEEE')"),
    ("text", "substring({text} from 2)"), ("text", "substring({text}, 'a(.)')"), ("text", "trim(both 'a ' from {text})"), ("text", "ltrim({text}, 'ab')"),
    ("int4", "position({text} in {text})"), ("int4", "char_length({text})"), ("int4", "octet_length({text})"), ("text", "translate({text}, 'abc', 'xy')"),
    ("text", "initcap({text})"), ("text", "upper({text})"), ("text", "reverse({text})"), ("text", "replace({text}, 'a', {text})"),
    ("text", "concat({text}, {int4}, {bool}, {date})"), ("text", "concat_ws('-', {text}, {numeric}, {text})"), ("text", "left({text}, 2)"),
    ("text", "right({text}, -1)"), ("text", "format('%s|%L|%5s', {text}, {int4}, {text})"), ("text", "quote_nullable({text})"),
    ("text", "regexp_replace({text}, '[a-c]', '<\\&>', 'g')"), ("text", "regexp_substr({text}, '[0-9]+')"), ("int4", "regexp_count({text}, 'a|b')"),
    ("bool", "({text} ~ '^[ab]')"), ("bool", "({text} similar to '%(a|b)%')"), ("bool", "starts_with({text}, {text})"), ("text", "md5({text})"),
    ("text", "encode({bytea}, 'hex')"), ("bytea", "sha256({bytea})"), ("text", "lpad({text}, 6, 'xy')"), ("text", "split_part({text}, ' ', 1)"),
    ("bool", '({text} < {text} collate "C")'),
    # numbers, enums
    ("int4", "width_bucket({int4}, array[0, 3, 7])"), ("numeric", "round({numeric}, 1)"), ("numeric", "trunc({numeric}, -1)"),
    ("int4", "num_nonnulls({int4}, {text}, {date})"), ("own_mood", "enum_first({own_mood})"), ("_own_mood", "enum_range({own_mood})"),
    ("_own_mood", "enum_range(null, {own_mood})"), ("bool", "({own_mood} > 'sad')"),
)
RISKY = (
    ("_int4", "array_cat({_int4}, {_int4})"), ("int4", "array_position({_int4}, {int4})"), ("_int4", "array_positions({_int4}, {int4})"),
    ("_int4", "trim_array({_int4}, 1)"), ("_int4", "array_fill({int4}, array[2])"), ("text", "substring({text} from {int4} for {int4})"),
    ("text", "overlay({text} placing {text} from {int4} for {int4})"), ("text", "split_part({text}, {text}, {int4})"), ("text", "repeat({text}, 3)"),
    ("jsonb", "jsonb_set({jsonb}, '{{a}}', {jsonb})"), ("jsonb", "jsonb_insert({jsonb}, '{{0}}', {jsonb})"), ("jsonb", "({jsonb} - 'a')"),
    ("jsonb", "({jsonb} - {int4})"), ("jsonb", "({jsonb} #- '{{a,0}}')"), ("jsonb", "({jsonb} || {jsonb})"), ("int4", "({jsonb} ->> 'a')::int4"),
    ("int4", "({jsonb})::int4"), ("bool", "({jsonb} -> 'a')::bool"), ("int4", "jsonb_array_length({jsonb})"), ("numeric", "({text})::numeric"),
    ("date", "({text})::date"), ("date", "make_date({int4}, {int4}, {int4})"), ("interval", "make_interval(days => {int4}, hours => {int4})"),
    ("date", "to_date({text}, 'YYYY-MM-DD')"), ("timestamp", "date_bin('15 minutes', {timestamp}, '2001-01-01')"), ("date", "({date} + {int4})"),
    ("timestamp", "({timestamp} + {interval})"), ("interval", "({interval} * {float8})"), ("numeric", "to_number({text}, '99.9')"),
    ("text", "convert_from({bytea}, 'UTF8')"), ("bytea", "decode({text}, 'hex')"), ("own_mood", "({text})::own_mood"), ("int4", "({numeric})::int4"),
    ("numeric", "mod({numeric}, {numeric})"), ("int4", "gcd({int4}, {int4})"), ("numeric", "({int4} / {numeric})"), ("int4", "({int4})::own_small"),
    ("text", "to_char({float8}, '999.99')"), ("text", "({text} || {int4})"), ("_int4", "({text})::int4[]"), ("numeric", "sqrt(abs({numeric}))"),
)

# What gives rows in FROM: text, names and types of its columns.
SOURCES = (
    ("unnest({_int4})", (("a", "int4"),)), ("unnest({_text}) with ordinality", (("a", "text"), ("b", "int8"))),
    ("unnest({_int4}, {_text})", (("a", "int4"), ("b", "text"))), ("generate_series({date}::timestamp, {date}::timestamp + '3 days', '1 day')", (("a", "timestamp"),)),
    ("rows from (generate_series(1, 2), unnest({_text})) with ordinality", (("a", "int4"), ("b", "text"), ("c", "int8"))),
    ("regexp_split_to_table({text}, '[ ab]')", (("a", "text"),)), ("string_to_table({text}, 'b')", (("a", "text"),)),
    ("jsonb_each(jsonb_build_object('a', {int4}, 'b', {text}))", (("a", "text"), ("b", "jsonb"))),
    ("jsonb_array_elements_text(to_jsonb({_text}))", (("a", "text"),)), ("jsonb_object_keys(jsonb_build_object('k', {int4}))", (("a", "text"),)),
    ("jsonb_to_recordset(jsonb_build_array(to_jsonb({own_pair})))", (("x", "int4"), ("y", "text"))),
    ("generate_subscripts({_int4}, 1)", (("a", "int4"),)), ("jsonb_populate_record(null::own_pair, to_jsonb({own_pair}))", (("a", "int4"), ("b", "text"))),
    ("regexp_matches({text}, '(a)(.)?', 'g')", (("a", "_text"),)),
)
