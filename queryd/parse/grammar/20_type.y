/* ---- type names ------------------------------------------------------------------------------ */

type_name(A) ::= simple_type_name(B) array_bounds(C). { A = set_ndims(B, C, false); }
type_name(A) ::= SETOF simple_type_name(B) array_bounds(C). { A = set_ndims(B, C, true); }
type_name(A) ::= simple_type_name(B) ARRAY LBRACK integer RBRACK. { A = set_ndims(B, 1, false); }
type_name(A) ::= SETOF simple_type_name(B) ARRAY LBRACK integer RBRACK. { A = set_ndims(B, 1, true); }
type_name(A) ::= simple_type_name(B) ARRAY. { A = set_ndims(B, 1, false); }
type_name(A) ::= SETOF simple_type_name(B) ARRAY. { A = set_ndims(B, 1, true); }

%type array_bounds {int}
array_bounds(A) ::= . { A = 0; }
array_bounds(A) ::= array_bounds(B) LBRACK RBRACK. { A = B + 1; }
array_bounds(A) ::= array_bounds(B) LBRACK integer RBRACK. { A = B + 1; }

simple_type_name(A) ::= generic_type(A).
simple_type_name(A) ::= numeric_type(A).
simple_type_name(A) ::= bit_type(A).
simple_type_name(A) ::= character_type(A).
simple_type_name(A) ::= datetime_type(A).
simple_type_name(A) ::= INTERVAL(T) opt_interval(B). {
    A = make_system_type(p, T.location, "interval", B);
}
simple_type_name(A) ::= INTERVAL(T) LPAREN integer(B) RPAREN. {
    A = make_system_type(p, T.location, "interval",
                         list2(p, make_integer(p, INTERVAL_MASK_FULL, -1), make_integer(p, B, -1)));
}

/* The types that may lead a literal: const_type 'string'. Bit and character types have no length of
 * their own there. */
const_type(A) ::= numeric_type(A).
const_type(A) ::= const_bit_type(A).
const_type(A) ::= const_character_type(A).
const_type(A) ::= datetime_type(A).

generic_type(A) ::= type_function_name(B) type_modifiers(C). { A = make_type(p, qname1(p, B), C); }
generic_type(A) ::= type_function_name(B) attrs(C) type_modifiers(D). {
    struct qname name = qname1(p, B);
    name.names = list_concat(p, name.names, C);
    A = make_type(p, name, D);
}

%type type_modifiers {struct list *}
type_modifiers(A) ::= . { A = NULL; }
type_modifiers(A) ::= LPAREN expr_list(B) RPAREN. { A = B; }

numeric_type(A) ::= INT(T). { A = make_system_type(p, T.location, "int4", NULL); }
numeric_type(A) ::= INTEGER(T). { A = make_system_type(p, T.location, "int4", NULL); }
numeric_type(A) ::= SMALLINT(T). { A = make_system_type(p, T.location, "int2", NULL); }
numeric_type(A) ::= BIGINT(T). { A = make_system_type(p, T.location, "int8", NULL); }
numeric_type(A) ::= REAL(T). { A = make_system_type(p, T.location, "float4", NULL); }
numeric_type(A) ::= FLOAT(T). { A = make_system_type(p, T.location, "float8", NULL); }
numeric_type(A) ::= FLOAT(T) LPAREN ICONST(B) RPAREN. { A = make_float_type(p, T.location, B); }
numeric_type(A) ::= DOUBLE(T) PRECISION. { A = make_system_type(p, T.location, "float8", NULL); }
numeric_type(A) ::= DECIMAL(T) type_modifiers(B). { A = make_system_type(p, T.location, "numeric", B); }
numeric_type(A) ::= DEC(T) type_modifiers(B). { A = make_system_type(p, T.location, "numeric", B); }
numeric_type(A) ::= NUMERIC(T) type_modifiers(B). { A = make_system_type(p, T.location, "numeric", B); }
numeric_type(A) ::= BOOLEAN(T). { A = make_system_type(p, T.location, "bool", NULL); }

bit_type(A) ::= bit_with_length(A).
bit_type(A) ::= BIT(T). {
    A = make_system_type(p, T.location, "bit", list1(p, make_integer(p, 1, -1)));
}
bit_type(A) ::= BIT(T) VARYING. { A = make_system_type(p, T.location, "varbit", NULL); }
const_bit_type(A) ::= bit_with_length(A).
const_bit_type(A) ::= BIT(T). { A = make_system_type(p, T.location, "bit", NULL); }
const_bit_type(A) ::= BIT(T) VARYING. { A = make_system_type(p, T.location, "varbit", NULL); }
bit_with_length(A) ::= BIT(T) LPAREN expr_list(B) RPAREN. {
    A = make_system_type(p, T.location, "bit", B);
}
bit_with_length(A) ::= BIT(T) VARYING LPAREN expr_list(B) RPAREN. {
    A = make_system_type(p, T.location, "varbit", B);
}

character_type(A) ::= character_with_length(A).
character_type(A) ::= character(B). {
    struct ast_type_name *t = ast_as_type_name(B);
    if (strcmp(list_at(t->names, 1), "bpchar") == 0) t->typmods = list1(p, make_integer(p, 1, -1));
    A = B;
}
const_character_type(A) ::= character_with_length(A).
const_character_type(A) ::= character(A).
character_with_length(A) ::= character(B) LPAREN ICONST(C) RPAREN. {
    A = B;
    ast_as_type_name(A)->typmods = list1(p, make_token_literal(p, LITERAL_INTEGER, C));
}
character(A) ::= CHARACTER(T) opt_varying(V). {
    A = make_system_type(p, T.location, V ? "varchar" : "bpchar", NULL);
}
character(A) ::= CHAR(T) opt_varying(V). {
    A = make_system_type(p, T.location, V ? "varchar" : "bpchar", NULL);
}
character(A) ::= NATIONAL(T) CHARACTER opt_varying(V). {
    A = make_system_type(p, T.location, V ? "varchar" : "bpchar", NULL);
}
character(A) ::= NATIONAL(T) CHAR opt_varying(V). {
    A = make_system_type(p, T.location, V ? "varchar" : "bpchar", NULL);
}
character(A) ::= NCHAR(T) opt_varying(V). {
    A = make_system_type(p, T.location, V ? "varchar" : "bpchar", NULL);
}
character(A) ::= VARCHAR(T). { A = make_system_type(p, T.location, "varchar", NULL); }
%type opt_varying {int}
opt_varying(A) ::= . { A = 0; }
opt_varying(A) ::= VARYING. { A = 1; }

datetime_type(A) ::= TIMESTAMP(T) LPAREN integer(N) RPAREN opt_timezone(Z). {
    A = make_system_type(p, T.location, Z ? "timestamptz" : "timestamp",
                         list1(p, make_integer(p, N, -1)));
}
datetime_type(A) ::= TIMESTAMP(T) opt_timezone(Z). {
    A = make_system_type(p, T.location, Z ? "timestamptz" : "timestamp", NULL);
}
datetime_type(A) ::= TIME(T) LPAREN integer(N) RPAREN opt_timezone(Z). {
    A = make_system_type(p, T.location, Z ? "timetz" : "time", list1(p, make_integer(p, N, -1)));
}
datetime_type(A) ::= TIME(T) opt_timezone(Z). {
    A = make_system_type(p, T.location, Z ? "timetz" : "time", NULL);
}
%type opt_timezone {int}
opt_timezone(A) ::= . { A = 0; }
opt_timezone(A) ::= WITH_LA TIME ZONE. { A = 1; }
opt_timezone(A) ::= WITHOUT TIME ZONE. { A = 0; }

/* The fields of an interval as its type's modifiers. */
%type opt_interval {struct list *}
opt_interval(A) ::= . { A = NULL; }
opt_interval(A) ::= interval_fields(B). { A = list1(p, make_integer(p, B, -1)); }
opt_interval(A) ::= interval_second(A).
opt_interval(A) ::= DAY TO interval_second(B). {
    A = B;
    A->items[0] = make_integer(p, INTERVAL_MASK_DAY | INTERVAL_MASK_HOUR | INTERVAL_MASK_MINUTE |
                                      INTERVAL_MASK_SECOND, -1);
}
opt_interval(A) ::= HOUR TO interval_second(B). {
    A = B;
    A->items[0] = make_integer(p, INTERVAL_MASK_HOUR | INTERVAL_MASK_MINUTE | INTERVAL_MASK_SECOND,
                               -1);
}
opt_interval(A) ::= MINUTE TO interval_second(B). {
    A = B;
    A->items[0] = make_integer(p, INTERVAL_MASK_MINUTE | INTERVAL_MASK_SECOND, -1);
}
%type interval_fields {int}
interval_fields(A) ::= YEAR. { A = INTERVAL_MASK_YEAR; }
interval_fields(A) ::= MONTH. { A = INTERVAL_MASK_MONTH; }
interval_fields(A) ::= DAY. { A = INTERVAL_MASK_DAY; }
interval_fields(A) ::= HOUR. { A = INTERVAL_MASK_HOUR; }
interval_fields(A) ::= MINUTE. { A = INTERVAL_MASK_MINUTE; }
interval_fields(A) ::= YEAR TO MONTH. { A = INTERVAL_MASK_YEAR | INTERVAL_MASK_MONTH; }
interval_fields(A) ::= DAY TO HOUR. { A = INTERVAL_MASK_DAY | INTERVAL_MASK_HOUR; }
interval_fields(A) ::= DAY TO MINUTE. {
    A = INTERVAL_MASK_DAY | INTERVAL_MASK_HOUR | INTERVAL_MASK_MINUTE;
}
interval_fields(A) ::= HOUR TO MINUTE. { A = INTERVAL_MASK_HOUR | INTERVAL_MASK_MINUTE; }
%type interval_second {struct list *}
interval_second(A) ::= SECOND. { A = list1(p, make_integer(p, INTERVAL_MASK_SECOND, -1)); }
interval_second(A) ::= SECOND LPAREN integer(B) RPAREN. {
    A = list2(p, make_integer(p, INTERVAL_MASK_SECOND, -1), make_integer(p, B, -1));
}

%type type_list {struct list *}
type_list(A) ::= type_name(B). { A = list1(p, B); }
type_list(A) ::= type_list(A) COMMA type_name(B). { A = list_add(p, A, B); }
