/* ---- views, sequences, schemas, databases, types, functions ----------------------------------- */

create_element(A) ::= CREATE(T) opt_temp(X) VIEW view_rest(B). {
    A = B;
    A->location = T.location;
    ast_as_create_view(A)->relation->persistence = X;
}
create_element(A) ::= CREATE(T) OR REPLACE opt_temp(X) VIEW view_rest(B). {
    A = B;
    A->location = T.location;
    ast_as_create_view(A)->relation->persistence = X;
    ast_as_create_view(A)->replace = true;
}
create_element(A) ::= CREATE(T) opt_temp(X) RECURSIVE VIEW recursive_view_rest(B). {
    A = B;
    A->location = T.location;
    ast_as_create_view(A)->relation->persistence = X;
}
create_element(A) ::= CREATE(T) OR REPLACE opt_temp(X) RECURSIVE VIEW recursive_view_rest(B). {
    A = B;
    A->location = T.location;
    ast_as_create_view(A)->relation->persistence = X;
    ast_as_create_view(A)->replace = true;
}
view_rest(A) ::= qualified_name(B) opt_name_list(C) opt_reloptions(D) AS select_statement(E) check_option(F). {
    A = MAKE(create_view, -1, .relation = P(B), .columns = C, .options = D, .query = E, .check_option = F);
}
recursive_view_rest(A) ::= qualified_name(B) LPAREN name_list(C) RPAREN opt_reloptions(D) AS select_statement(E) check_option(F). {
    A = MAKE(create_view, -1, .relation = P(B), .columns = C, .options = D,
             .query = make_recursive_query(p, B, C, E), .check_option = F);
}
%type check_option {int}
check_option(A) ::= . { A = 0; }
check_option(A) ::= WITH CHECK OPTION. { A = 2; }
check_option(A) ::= WITH CASCADED CHECK OPTION. { A = 2; }
check_option(A) ::= WITH LOCAL CHECK OPTION. { A = 1; }
refresh_statement(A) ::= REFRESH(T) MATERIALIZED VIEW opt_concurrently(C) qualified_name(B) with_data(D). {
    A = MAKE(refresh, T.location, .relation = P(B), .concurrently = C, .no_data = !D);
}

create_element(A) ::= CREATE(T) opt_temp(X) SEQUENCE qualified_name(B) opt_sequence_options(C). {
    ast_as_range_var(B)->persistence = X;
    A = MAKE(sequence, T.location, .relation = P(B), .options = C);
}
create_element(A) ::= CREATE(T) opt_temp(X) SEQUENCE IF NOT EXISTS qualified_name(B) opt_sequence_options(C). {
    ast_as_range_var(B)->persistence = X;
    A = MAKE(sequence, T.location, .relation = P(B), .options = C, .if_exists = true);
}
%type opt_sequence_options {struct list *}
opt_sequence_options(A) ::= . { A = NULL; }
opt_sequence_options(A) ::= sequence_options(A).
%type sequence_parens {struct list *}
sequence_parens(A) ::= . { A = NULL; }
sequence_parens(A) ::= LPAREN sequence_options(B) RPAREN. { A = B; }
%type sequence_options {struct list *}
sequence_options(A) ::= sequence_option(B). { A = list1(p, B); }
sequence_options(A) ::= sequence_options(A) sequence_option(B). { A = list_add(p, A, B); }
sequence_option(A) ::= AS(T) simple_type_name(B). { A = make_def(p, T.location, "as", B); }
sequence_option(A) ::= CACHE(T) signed_number(B). { A = make_def(p, T.location, "cache", B); }
sequence_option(A) ::= CYCLE(T). { A = make_def(p, T.location, "cycle", make_bool(p, true, T.location)); }
sequence_option(A) ::= NO(T) CYCLE. { A = make_def(p, T.location, "cycle", make_bool(p, false, T.location)); }
sequence_option(A) ::= INCREMENT(T) opt_by signed_number(B). { A = make_def(p, T.location, "increment", B); }
sequence_option(A) ::= MAXVALUE(T) signed_number(B). { A = make_def(p, T.location, "maxvalue", B); }
sequence_option(A) ::= MINVALUE(T) signed_number(B). { A = make_def(p, T.location, "minvalue", B); }
sequence_option(A) ::= NO(T) MAXVALUE. { A = make_def(p, T.location, "maxvalue", NULL); }
sequence_option(A) ::= NO(T) MINVALUE. { A = make_def(p, T.location, "minvalue", NULL); }
sequence_option(A) ::= OWNED(T) BY any_name(B). { A = make_def(p, T.location, "owned_by", make_names(p, B)); }
sequence_option(A) ::= SEQUENCE(T) NAME any_name(B). { A = make_def(p, T.location, "sequence_name", make_names(p, B)); }
sequence_option(A) ::= START(T) opt_with signed_number(B). { A = make_def(p, T.location, "start", B); }
sequence_option(A) ::= RESTART(T). { A = make_def(p, T.location, "restart", NULL); }
sequence_option(A) ::= RESTART(T) opt_with signed_number(B). { A = make_def(p, T.location, "restart", B); }
sequence_option(A) ::= LOGGED(T). { A = make_def(p, T.location, "logged", make_bool(p, true, T.location)); }
sequence_option(A) ::= UNLOGGED(T). { A = make_def(p, T.location, "logged", make_bool(p, false, T.location)); }
opt_by ::= .
opt_by ::= BY.

create_statement(A) ::= CREATE(T) SCHEMA opt_single_name(B) AUTHORIZATION role(C) schema_elements(D). {
    A = MAKE(create_schema, T.location, .name = B, .owner = C, .elements = D);
}
create_statement(A) ::= CREATE(T) SCHEMA col_id(B) schema_elements(D). {
    A = MAKE(create_schema, T.location, .name = P(B.text), .elements = D);
}
create_statement(A) ::= CREATE(T) SCHEMA IF NOT EXISTS opt_single_name(B) AUTHORIZATION role(C) schema_elements(D). {
    if (D)
        parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, ((struct node *)list_at(D, 0))->location,
                      "CREATE SCHEMA IF NOT EXISTS cannot include schema elements");
    A = MAKE(create_schema, T.location, .name = B, .owner = C, .if_not_exists = true);
}
create_statement(A) ::= CREATE(T) SCHEMA IF NOT EXISTS col_id(B) schema_elements(D). {
    if (D)
        parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, ((struct node *)list_at(D, 0))->location,
                      "CREATE SCHEMA IF NOT EXISTS cannot include schema elements");
    A = MAKE(create_schema, T.location, .name = P(B.text), .if_not_exists = true);
}
%type schema_elements {struct list *}
schema_elements(A) ::= . { A = NULL; }
schema_elements(A) ::= schema_elements(B) schema_element(C). { A = list_add(p, B, C); }
schema_element(A) ::= create_element(A).
schema_element(A) ::= grant_statement(A).

create_statement(A) ::= CREATE(T) DATABASE name(B) opt_with database_options(C). {
    A = MAKE(database, T.location, DATABASE_CREATE, B, C);
}
alter_statement(A) ::= ALTER(T) DATABASE name(B) WITH database_option_list(C). { A = MAKE(database, T.location, DATABASE_ALTER, B, C); }
alter_statement(A) ::= ALTER(T) DATABASE name(B) database_options(C). { A = MAKE(database, T.location, DATABASE_ALTER, B, C); }
alter_statement(A) ::= ALTER(T) DATABASE name(B) SET TABLESPACE name(C). {
    A = MAKE(database, T.location, DATABASE_ALTER, B, list1(p, make_def(p, T.location, "tablespace", make_string(p, C, -1))));
}
alter_statement(A) ::= ALTER(T) DATABASE name(B) REFRESH COLLATION VERSION. {
    A = MAKE(database, T.location, DATABASE_ALTER, B, list1(p, make_def(p, T.location, "refresh_version", NULL)));
}
alter_statement(A) ::= ALTER(T) DATABASE name(B) set_reset_clause(C). { A = MAKE(database, T.location, DATABASE_SET, B, .set = P(C)); }
drop_statement(A) ::= DROP(T) DATABASE if_exists(E) name(B). { A = MAKE(database, T.location, DATABASE_DROP, B, .if_exists = E); }
drop_statement(A) ::= DROP(T) DATABASE if_exists(E) name(B) opt_with LPAREN drop_database_options(C) RPAREN. {
    A = MAKE(database, T.location, DATABASE_DROP, B, C, .if_exists = E);
}
%type drop_database_options {struct list *}
drop_database_options(A) ::= FORCE(T). { A = list1(p, make_def(p, T.location, "force", NULL)); }
drop_database_options(A) ::= drop_database_options(A) COMMA FORCE(T). { A = list_add(p, A, make_def(p, T.location, "force", NULL)); }
%type database_options {struct list *}
database_options(A) ::= . { A = NULL; }
database_options(A) ::= database_option_list(A).
%type database_option_list {struct list *}
database_option_list(A) ::= database_option(B). { A = list1(p, B); }
database_option_list(A) ::= database_option_list(A) database_option(B). { A = list_add(p, A, B); }
database_option(A) ::= database_option_name(B) opt_equal signed_integer(C). { A = make_def(p, B.location, B.text, make_integer(p, C, -1)); }
database_option(A) ::= database_option_name(B) opt_equal word(C). { A = make_def(p, B.location, B.text, make_string(p, C.text, C.location)); }
database_option(A) ::= database_option_name(B) opt_equal DEFAULT(C). { A = make_def(p, B.location, B.text, MAKE(default, C.location)); }
%type database_option_name {struct token}
database_option_name(A) ::= IDENT(A).
database_option_name(A) ::= CONNECTION(T) LIMIT. { A = T; A.text = "connection_limit"; }
database_option_name(A) ::= ENCODING(A).
database_option_name(A) ::= LOCATION(A).
database_option_name(A) ::= OWNER(A).
database_option_name(A) ::= TABLESPACE(A).
database_option_name(A) ::= TEMPLATE(A).
opt_equal ::= .
opt_equal ::= EQ.

/* Types and domains */
create_statement(A) ::= CREATE(T) TYPE any_name(B) definition(C). { A = MAKE(create_type, T.location, TYPE_BASE, B.names, .options = C); }
create_statement(A) ::= CREATE(T) TYPE any_name(B). { A = MAKE(create_type, T.location, TYPE_SHELL, B.names); }
create_statement(A) ::= CREATE(T) TYPE any_name(B) AS LPAREN opt_composite_columns(C) RPAREN. {
    A = MAKE(create_type, T.location, TYPE_COMPOSITE, B.names, .columns = C);
}
create_statement(A) ::= CREATE(T) TYPE any_name(B) AS ENUM LPAREN opt_enum_labels(C) RPAREN. {
    A = MAKE(create_type, T.location, TYPE_ENUM, B.names, .labels = C);
}
create_statement(A) ::= CREATE(T) TYPE any_name(B) AS RANGE definition(C). { A = MAKE(create_type, T.location, TYPE_RANGE, B.names, .options = C); }
%type opt_composite_columns {struct list *}
opt_composite_columns(A) ::= . { A = NULL; }
opt_composite_columns(A) ::= table_func_columns(A).
%type opt_enum_labels {struct list *}
opt_enum_labels(A) ::= . { A = NULL; }
opt_enum_labels(A) ::= enum_labels(A).
%type enum_labels {struct list *}
enum_labels(A) ::= string(B). { A = list1(p, B); }
enum_labels(A) ::= enum_labels(A) COMMA string(B). { A = list_add(p, A, B); }
alter_statement(A) ::= ALTER(T) TYPE any_name(B) ADD VALUE if_not_exists(E) string(C). {
    A = MAKE(alter_enum, T.location, B.names, .label = C, .after = true, .if_not_exists = E);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) ADD VALUE if_not_exists(E) string(C) BEFORE string(D). {
    A = MAKE(alter_enum, T.location, B.names, .label = C, .neighbour = D, .if_not_exists = E);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) ADD VALUE if_not_exists(E) string(C) AFTER string(D). {
    A = MAKE(alter_enum, T.location, B.names, .label = C, .neighbour = D, .after = true, .if_not_exists = E);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) RENAME VALUE string(C) TO string(D). {
    A = MAKE(alter_enum, T.location, B.names, .old_label = C, .label = D);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) RENAME TO name(C). {
    A = MAKE(rename, T.location, .type = OBJECT_TYPE, .object = make_names(p, B), .new_name = C);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) RENAME ATTRIBUTE name(C) TO name(D) drop_behavior(E). {
    A = MAKE(rename, T.location, .type = OBJECT_ATTRIBUTE, .relation_type = OBJECT_TYPE,
             .relation = P(make_range_var(p, B)), .name = C, .new_name = D, .cascade = E);
}
alter_statement(A) ::= ALTER(T) TYPE any_name(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_TYPE, make_names(p, B), .new_owner = C); }
alter_statement(A) ::= ALTER(T) TYPE any_name(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_TYPE, make_names(p, B), .new_schema = C); }
alter_statement(A) ::= ALTER(T) TYPE any_name SET definition. { A = MAKE(unsupported, T.location, "ALTER TYPE SET"); }
%type if_not_exists {int}
if_not_exists(A) ::= . { A = 0; }
if_not_exists(A) ::= IF NOT EXISTS. { A = 1; }
create_statement(A) ::= CREATE(T) DOMAIN any_name(B) opt_as type_name(C) column_qualifiers(D). {
    A = MAKE(create_domain, T.location, B.names, .type = P(C));
    ast_as_create_domain(A)->constraints = finish_column_constraints(p, D, &ast_as_create_domain(A)->collation);
}
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) SET DEFAULT a_expr(C). { A = MAKE(alter_domain, T.location, DOMAIN_DEFAULT, B.names, .def = C); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) DROP DEFAULT. { A = MAKE(alter_domain, T.location, DOMAIN_DEFAULT, B.names); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) DROP NOT NULL. { A = MAKE(alter_domain, T.location, DOMAIN_DROP_NOT_NULL, B.names); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) SET NOT NULL. { A = MAKE(alter_domain, T.location, DOMAIN_SET_NOT_NULL, B.names); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) ADD table_constraint(C). { A = MAKE(alter_domain, T.location, DOMAIN_ADD, B.names, .def = C); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) DROP CONSTRAINT if_exists(E) name(C) drop_behavior(D). {
    A = MAKE(alter_domain, T.location, DOMAIN_DROP, B.names, C, .cascade = D, .missing_ok = E);
}
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) VALIDATE CONSTRAINT name(C). { A = MAKE(alter_domain, T.location, DOMAIN_VALIDATE, B.names, C); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) RENAME TO name(C). { A = MAKE(rename, T.location, .type = OBJECT_DOMAIN, .object = make_names(p, B), .new_name = C); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) RENAME CONSTRAINT name(C) TO name(D). {
    A = MAKE(rename, T.location, .type = OBJECT_DOMAIN_CONSTRAINT, .object = make_names(p, B), .name = C, .new_name = D);
}
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_DOMAIN, make_names(p, B), .new_owner = C); }
alter_statement(A) ::= ALTER(T) DOMAIN any_name(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_DOMAIN, make_names(p, B), .new_schema = C); }

/* Functions */
create_statement(A) ::= CREATE(T) opt_or_replace(R) FUNCTION func_name(B) func_params(C) RETURNS func_type(D) opt_func_options(E) func_body(F). {
    A = MAKE(create_function, T.location, .replace = R, .names = B.names, .params = C, .returns = P(D), .options = E, .body = F);
}
create_statement(A) ::= CREATE(T) opt_or_replace(R) FUNCTION func_name(B) func_params(C) RETURNS TABLE LPAREN table_params(D) RPAREN opt_func_options(E) func_body(F). {
    A = MAKE(create_function, T.location, .replace = R, .names = B.names, .params = list_concat(p, C, D), .options = E, .body = F);
}
create_statement(A) ::= CREATE(T) opt_or_replace(R) FUNCTION func_name(B) func_params(C) opt_func_options(E) func_body(F). {
    A = MAKE(create_function, T.location, .replace = R, .names = B.names, .params = C, .options = E, .body = F);
}
create_statement(A) ::= CREATE(T) opt_or_replace(R) PROCEDURE func_name(B) func_params(C) opt_func_options(E) func_body(F). {
    A = MAKE(create_function, T.location, .procedure = true, .replace = R, .names = B.names, .params = C, .options = E, .body = F);
}
%type opt_or_replace {int}
opt_or_replace(A) ::= . { A = 0; }
opt_or_replace(A) ::= OR REPLACE. { A = 1; }
%type func_params {struct list *}
func_params(A) ::= LPAREN RPAREN. { A = NULL; }
func_params(A) ::= LPAREN func_param_list(B) RPAREN. { A = B; }
%type func_param_list {struct list *}
func_param_list(A) ::= func_param_default(B). { A = list1(p, B); }
func_param_list(A) ::= func_param_list(A) COMMA func_param_default(B). { A = list_add(p, A, B); }
func_param_default(A) ::= func_param(A).
func_param_default(A) ::= func_param(B) DEFAULT a_expr(C). { A = B; ast_as_func_param(A)->otherwise = C; }
func_param_default(A) ::= func_param(B) EQ a_expr(C). { A = B; ast_as_func_param(A)->otherwise = C; }
func_param(A) ::= param_mode(M) type_function_name(N) func_type(B). { A = MAKE(func_param, N.location, P(N.text), (char)M, P(B)); }
func_param(A) ::= type_function_name(N) param_mode(M) func_type(B). { A = MAKE(func_param, N.location, P(N.text), (char)M, P(B)); }
func_param(A) ::= type_function_name(N) func_type(B). { A = MAKE(func_param, N.location, P(N.text), 'd', P(B)); }
func_param(A) ::= param_mode(M) func_type(B). { A = MAKE(func_param, B->location, NULL, (char)M, P(B)); }
func_param(A) ::= func_type(B). { A = MAKE(func_param, B->location, NULL, 'd', P(B)); }
%type param_mode {int}
param_mode(A) ::= IN. { A = 'i'; }
param_mode(A) ::= OUT. { A = 'o'; }
param_mode(A) ::= INOUT. { A = 'b'; }
param_mode(A) ::= IN OUT. { A = 'b'; }
param_mode(A) ::= VARIADIC. { A = 'v'; }
%type table_params {struct list *}
table_params(A) ::= table_param(B). { A = list1(p, B); }
table_params(A) ::= table_params(A) COMMA table_param(B). { A = list_add(p, A, B); }
table_param(A) ::= type_function_name(N) func_type(B). { A = MAKE(func_param, N.location, P(N.text), 't', P(B)); }
func_type(A) ::= type_name(A).
func_type(A) ::= type_function_name(B) attrs(C) PERCENT TYPE. {
    struct qname name = qname1(p, B);
    name.names = list_concat(p, name.names, C);
    A = make_type(p, name, NULL);
    ast_as_type_name(A)->pct_type = true;
}
func_type(A) ::= SETOF type_function_name(B) attrs(C) PERCENT TYPE. {
    struct qname name = qname1(p, B);
    name.names = list_concat(p, name.names, C);
    A = make_type(p, name, NULL);
    ast_as_type_name(A)->pct_type = true;
    ast_as_type_name(A)->setof = true;
}
%type opt_func_options {struct list *}
opt_func_options(A) ::= . { A = NULL; }
opt_func_options(A) ::= func_options(A).
%type func_options {struct list *}
func_options(A) ::= func_option(B). { A = list1(p, B); }
func_options(A) ::= func_options(A) func_option(B). { A = list_add(p, A, B); }
func_option(A) ::= AS(T) SCONST(B). { A = make_def(p, T.location, "as", MAKE(name_list, B.location, .names = list1(p, B.text))); }
func_option(A) ::= AS(T) SCONST(B) COMMA SCONST(C). { A = make_def(p, T.location, "as", MAKE(name_list, B.location, .names = list2(p, B.text, C.text))); }
func_option(A) ::= LANGUAGE(T) word_or_string(B). { A = make_def(p, T.location, "language", B); }
func_option(A) ::= TRANSFORM(T) transform_types(B). { A = make_def(p, T.location, "transform", MAKE(node_list, T.location, B)); }
func_option(A) ::= WINDOW(T). { A = make_def(p, T.location, "window", make_bool(p, true, T.location)); }
func_option(A) ::= common_func_option(A).
%type transform_types {struct list *}
transform_types(A) ::= FOR TYPE type_name(B). { A = list1(p, B); }
transform_types(A) ::= transform_types(A) COMMA FOR TYPE type_name(B). { A = list_add(p, A, B); }
common_func_option(A) ::= CALLED(T) ON NULL INPUT. { A = make_def(p, T.location, "strict", make_bool(p, false, T.location)); }
common_func_option(A) ::= RETURNS(T) NULL ON NULL INPUT. { A = make_def(p, T.location, "strict", make_bool(p, true, T.location)); }
common_func_option(A) ::= STRICT(T). { A = make_def(p, T.location, "strict", make_bool(p, true, T.location)); }
common_func_option(A) ::= IMMUTABLE(T). { A = make_def(p, T.location, "volatility", make_string(p, "immutable", T.location)); }
common_func_option(A) ::= STABLE(T). { A = make_def(p, T.location, "volatility", make_string(p, "stable", T.location)); }
common_func_option(A) ::= VOLATILE(T). { A = make_def(p, T.location, "volatility", make_string(p, "volatile", T.location)); }
common_func_option(A) ::= EXTERNAL(T) SECURITY DEFINER. { A = make_def(p, T.location, "security", make_bool(p, true, T.location)); }
common_func_option(A) ::= EXTERNAL(T) SECURITY INVOKER. { A = make_def(p, T.location, "security", make_bool(p, false, T.location)); }
common_func_option(A) ::= SECURITY(T) DEFINER. { A = make_def(p, T.location, "security", make_bool(p, true, T.location)); }
common_func_option(A) ::= SECURITY(T) INVOKER. { A = make_def(p, T.location, "security", make_bool(p, false, T.location)); }
common_func_option(A) ::= LEAKPROOF(T). { A = make_def(p, T.location, "leakproof", make_bool(p, true, T.location)); }
common_func_option(A) ::= NOT(T) LEAKPROOF. { A = make_def(p, T.location, "leakproof", make_bool(p, false, T.location)); }
common_func_option(A) ::= COST(T) signed_number(B). { A = make_def(p, T.location, "cost", B); }
common_func_option(A) ::= ROWS(T) signed_number(B). { A = make_def(p, T.location, "rows", B); }
common_func_option(A) ::= SUPPORT(T) any_name(B). { A = make_def(p, T.location, "support", make_names(p, B)); }
common_func_option(A) ::= PARALLEL(T) col_id(B). { A = make_def(p, T.location, "parallel", make_string(p, B.text, B.location)); }
common_func_option(A) ::= func_set_clause(B). { A = make_def(p, B->location, "set", B); }
%type func_body {struct list *}
func_body(A) ::= . { A = NULL; }
func_body(A) ::= RETURN(T) a_expr(B). { A = list1(p, MAKE(return, T.location, .value = B)); }
func_body(A) ::= BEGIN ATOMIC body_statements(B) END. { A = B ? B : list_none(p); }
%type body_statements {struct list *}
body_statements(A) ::= . { A = NULL; }
body_statements(A) ::= body_statements(B) body_statement(C) SEMI. { A = C ? list_add(p, B, C) : B; }
body_statement(A) ::= statement(A).
body_statement(A) ::= RETURN(T) a_expr(B). { A = MAKE(return, T.location, .value = B); }

alter_statement(A) ::= ALTER(T) function_kind(K) function_args(B) common_func_options(C) opt_restrict. {
    A = MAKE(alter_function, T.location, K, P(B), C);
}
opt_restrict ::= .
opt_restrict ::= RESTRICT.
%type common_func_options {struct list *}
common_func_options(A) ::= common_func_option(B). { A = list1(p, B); }
common_func_options(A) ::= common_func_options(A) common_func_option(B). { A = list_add(p, A, B); }

%type plain_params {struct list *}
plain_params(A) ::= func_param(B). { A = list1(p, B); }
plain_params(A) ::= plain_params(A) COMMA func_param(B). { A = list_add(p, A, B); }
function_args(A) ::= func_name(B) LPAREN RPAREN. { A = make_function_args(p, B, NULL); }
function_args(A) ::= func_name(B) LPAREN plain_params(C) RPAREN. { A = make_function_args(p, B, C); }
function_args(A) ::= type_func_name_keyword(B). { A = MAKE(object_args, B.location, .names = list1(p, B.text)); }
function_args(A) ::= col_id(B). { A = MAKE(object_args, B.location, .names = list1(p, B.text)); }
function_args(A) ::= col_id(B) indirection(C). { A = MAKE(object_args, B.location, .names = qname_steps(p, B, C).names); }
%type function_args_list {struct list *}
function_args_list(A) ::= function_args(B). { A = list1(p, B); }
function_args_list(A) ::= function_args_list(A) COMMA function_args(B). { A = list_add(p, A, B); }
create_statement(A) ::= CREATE(T) opt_or_replace(R) AGGREGATE func_name(B) LPAREN STAR RPAREN definition(D). { A = MAKE(create_aggregate, T.location, R, false, false, B.names, NULL, D); }
create_statement(A) ::= CREATE(T) opt_or_replace(R) AGGREGATE func_name(B) LPAREN plain_params(C) RPAREN definition(D). { A = MAKE(create_aggregate, T.location, R, false, false, B.names, C, D); }
create_statement(A) ::= CREATE(T) opt_or_replace(R) AGGREGATE func_name(B) LPAREN ORDER BY plain_params(C) RPAREN definition(D). { A = MAKE(create_aggregate, T.location, R, true, false, B.names, C, D); }
create_statement(A) ::= CREATE(T) opt_or_replace(R) AGGREGATE func_name(B) LPAREN plain_params(C) ORDER BY plain_params(E) RPAREN definition(D). { A = MAKE(create_aggregate, T.location, R, true, false, B.names, list_concat(p, C, E), D); }
create_statement(A) ::= CREATE(T) opt_or_replace(R) AGGREGATE func_name(B) LPAREN old_aggregate_list(D) RPAREN. { A = MAKE(create_aggregate, T.location, R, false, true, B.names, NULL, D); }
%type old_aggregate_list {struct list *}
old_aggregate_list(A) ::= old_aggregate_elem(B). { A = list1(p, B); }
old_aggregate_list(A) ::= old_aggregate_list(A) COMMA old_aggregate_elem(B). { A = list_add(p, A, B); }
old_aggregate_elem(A) ::= IDENT(B) EQ def_value(C). { A = make_def(p, B.location, B.text, C); }
aggregate_args(A) ::= func_name(B) LPAREN STAR RPAREN. { A = make_function_args(p, B, NULL); }
aggregate_args(A) ::= func_name(B) LPAREN plain_params(C) RPAREN. { A = make_function_args(p, B, C); }
aggregate_args(A) ::= func_name(B) LPAREN ORDER BY plain_params(C) RPAREN. { A = make_function_args(p, B, C); }
aggregate_args(A) ::= func_name(B) LPAREN plain_params(C) ORDER BY plain_params(D) RPAREN. { A = make_function_args(p, B, list_concat(p, C, D)); }
%type aggregate_args_list {struct list *}
aggregate_args_list(A) ::= aggregate_args(B). { A = list1(p, B); }
aggregate_args_list(A) ::= aggregate_args_list(A) COMMA aggregate_args(B). { A = list_add(p, A, B); }
operator_args(A) ::= any_operator(B) LPAREN type_name(C) COMMA type_name(D) RPAREN. { A = MAKE(object_args, B.location, B.names, list2(p, C, D), true); }
operator_args(A) ::= any_operator(B) LPAREN NONE COMMA type_name(D) RPAREN. { A = MAKE(object_args, B.location, B.names, list2(p, NULL, D), true); }
operator_args(A) ::= any_operator(B) LPAREN type_name(C) COMMA NONE RPAREN. { A = MAKE(object_args, B.location, B.names, list2(p, C, NULL), true); }
operator_args(A) ::= any_operator LPAREN type_name RPAREN(T). {
    A = NULL;
    parse_fail_hint(p, ST_SYNTAX_ERROR, T.location, "missing argument",
                    "Use NONE to denote the missing argument of a unary operator.");
}
%type operator_args_list {struct list *}
operator_args_list(A) ::= operator_args(B). { A = list1(p, B); }
operator_args_list(A) ::= operator_args_list(A) COMMA operator_args(B). { A = list_add(p, A, B); }

do_statement(A) ::= DO(T) do_args(B). { A = MAKE(do, T.location, .args = B); }
%type do_args {struct list *}
do_args(A) ::= do_arg(B). { A = list1(p, B); }
do_args(A) ::= do_args(A) do_arg(B). { A = list_add(p, A, B); }
do_arg(A) ::= SCONST(B). { A = make_def(p, B.location, "as", make_token_literal(p, LITERAL_STRING, B)); }
do_arg(A) ::= LANGUAGE(T) word_or_string(B). { A = make_def(p, T.location, "language", B); }
call_statement(A) ::= CALL(T) func_application(B). { A = MAKE(call, T.location, .call = P(B)); }

create_statement(A) ::= CREATE(T) EXTENSION name(B) opt_with extension_options(C). { A = MAKE(extension, T.location, .name = B, .options = C); }
create_statement(A) ::= CREATE(T) EXTENSION IF NOT EXISTS name(B) opt_with extension_options(C). {
    A = MAKE(extension, T.location, .name = B, .options = C, .if_not_exists = true);
}
%type extension_options {struct list *}
extension_options(A) ::= . { A = NULL; }
extension_options(A) ::= extension_options(B) extension_option(C). { A = list_add(p, B, C); }
extension_option(A) ::= SCHEMA(T) name(B). { A = make_def(p, T.location, "schema", make_string(p, B, -1)); }
extension_option(A) ::= VERSION(T) word_or_string(B). { A = make_def(p, T.location, "new_version", B); }
extension_option(A) ::= CASCADE(T). { A = make_def(p, T.location, "cascade", make_bool(p, true, T.location)); }
alter_statement(A) ::= ALTER(T) EXTENSION name(B) UPDATE. { A = MAKE(extension, T.location, .alter = true, .name = B); }
alter_statement(A) ::= ALTER(T) EXTENSION name(B) UPDATE TO(S) word_or_string(C). {
    A = MAKE(extension, T.location, .alter = true, .name = B, .options = list1(p, make_def(p, S.location, "new_version", C)));
}
alter_statement(A) ::= ALTER(T) EXTENSION name(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_EXTENSION, make_string(p, B, -1), .new_schema = C); }
alter_statement(A) ::= ALTER(T) EXTENSION name ADD rest. { A = MAKE(unsupported, T.location, "ALTER EXTENSION ADD"); }
alter_statement(A) ::= ALTER(T) EXTENSION name DROP rest. { A = MAKE(unsupported, T.location, "ALTER EXTENSION DROP"); }

/* RENAME, OWNER TO, SET SCHEMA of what has no rules of its own above. */
alter_statement(A) ::= ALTER(T) SCHEMA name(B) RENAME TO name(C). { A = MAKE(rename, T.location, OBJECT_SCHEMA, .object = make_string(p, B, -1), .new_name = C); }
alter_statement(A) ::= ALTER(T) SCHEMA name(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_SCHEMA, make_string(p, B, -1), .new_owner = C); }
alter_statement(A) ::= ALTER(T) DATABASE name(B) RENAME TO name(C). { A = MAKE(rename, T.location, OBJECT_DATABASE, .object = make_string(p, B, -1), .new_name = C); }
alter_statement(A) ::= ALTER(T) DATABASE name(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_DATABASE, make_string(p, B, -1), .new_owner = C); }
alter_statement(A) ::= ALTER(T) function_kind(K) function_args(B) RENAME TO name(C). { A = MAKE(rename, T.location, K, .object = B, .new_name = C); }
alter_statement(A) ::= ALTER(T) function_kind(K) function_args(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, K, B, .new_owner = C); }
alter_statement(A) ::= ALTER(T) function_kind(K) function_args(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, K, B, .new_schema = C); }
alter_statement(A) ::= ALTER(T) function_kind(K) function_args(B) opt_no(N) DEPENDS ON EXTENSION name(C). {
    A = MAKE(alter_object, T.location, K, B, .extension = C, .remove = N);
}
alter_statement(A) ::= ALTER(T) AGGREGATE aggregate_args(B) RENAME TO name(C). { A = MAKE(rename, T.location, OBJECT_AGGREGATE, .object = B, .new_name = C); }
alter_statement(A) ::= ALTER(T) AGGREGATE aggregate_args(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_AGGREGATE, B, .new_owner = C); }
alter_statement(A) ::= ALTER(T) AGGREGATE aggregate_args(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_AGGREGATE, B, .new_schema = C); }
alter_statement(A) ::= ALTER(T) TRIGGER name(B) ON qualified_name(C) RENAME TO name(D). { A = MAKE(rename, T.location, OBJECT_TRIGGER, .relation = P(C), .name = B, .new_name = D); }
alter_statement(A) ::= ALTER(T) RULE name(B) ON qualified_name(C) RENAME TO name(D). { A = MAKE(rename, T.location, OBJECT_RULE, .relation = P(C), .name = B, .new_name = D); }
%type function_kind {int}
function_kind(A) ::= FUNCTION. { A = OBJECT_FUNCTION; }
function_kind(A) ::= PROCEDURE. { A = OBJECT_PROCEDURE; }
function_kind(A) ::= ROUTINE. { A = OBJECT_ROUTINE; }

/* ---- DROP, COMMENT ---------------------------------------------------------------------------- */

drop_statement(A) ::= DROP(T) any_name_kind(K) if_exists(E) any_name_list(B) drop_behavior(C). { A = MAKE(drop, T.location, K, B, E, C); }
drop_statement(A) ::= DROP(T) INDEX CONCURRENTLY if_exists(E) any_name_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_INDEX, B, E, C, true); }
drop_statement(A) ::= DROP(T) name_kind(K) if_exists(E) name_list(B) drop_behavior(C). {
    struct list *objects = NULL;
    LIST_EACH(char *, n, B) {
        objects = list_add(p, objects, MAKE(name_list, -1, .names = list1(p, n)));
    }
    A = MAKE(drop, T.location, K, objects, E, C);
}
drop_statement(A) ::= DROP(T) on_table_kind(K) if_exists(E) name(B) ON any_name(C) drop_behavior(D). {
    C.names = list_add(p, C.names, B);
    A = MAKE(drop, T.location, K, list1(p, make_names(p, C)), E, D);
}
drop_statement(A) ::= DROP(T) TYPE if_exists(E) type_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_TYPE, B, E, C); }
drop_statement(A) ::= DROP(T) DOMAIN if_exists(E) type_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_DOMAIN, B, E, C); }
drop_statement(A) ::= DROP(T) function_kind(K) if_exists(E) function_args_list(B) drop_behavior(C). { A = MAKE(drop, T.location, K, B, E, C); }
drop_statement(A) ::= DROP(T) AGGREGATE if_exists(E) aggregate_args_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_AGGREGATE, B, E, C); }
drop_statement(A) ::= DROP(T) OPERATOR operator_args_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_OPERATOR, B, false, C); }
drop_statement(A) ::= DROP(T) OPERATOR IF_LA EXISTS operator_args_list(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_OPERATOR, B, true, C); }
drop_statement(A) ::= DROP(T) OPERATOR class_or_family(K) if_exists(E) any_name(B) USING name(M) drop_behavior(C). {
    A = MAKE(drop, T.location, K, list1(p, MAKE(object_args, B.location, .names = B.names, .access_method = M)), E, C);
}
drop_statement(A) ::= DROP(T) CAST if_exists(E) LPAREN type_name(B) AS type_name(C) RPAREN drop_behavior(D). {
    A = MAKE(drop, T.location, OBJECT_CAST, list1(p, MAKE(object_args, B->location, .args = list2(p, B, C), .args_given = true)), E, D);
}
drop_statement(A) ::= DROP(T) TRANSFORM if_exists(E) FOR type_name(B) LANGUAGE name(C) drop_behavior(D). {
    A = MAKE(drop, T.location, OBJECT_TRANSFORM, list1(p, MAKE(object_args, B->location, .names = list1(p, C), .args = list1(p, B), .args_given = true)), E, D);
}
drop_statement(A) ::= DROP(T) TABLESPACE if_exists(E) name(B). { A = MAKE(drop, T.location, OBJECT_TABLESPACE, list1(p, MAKE(name_list, -1, .names = list1(p, B))), E); }
drop_statement(A) ::= DROP(T) SUBSCRIPTION if_exists(E) name(B) drop_behavior(C). { A = MAKE(drop, T.location, OBJECT_SUBSCRIPTION, list1(p, MAKE(name_list, -1, .names = list1(p, B))), E, C); }
drop_statement(A) ::= DROP(T) USER MAPPING if_exists(E) FOR role SERVER name(C). { A = MAKE(drop, T.location, OBJECT_USER_MAPPING, list1(p, MAKE(name_list, -1, .names = list1(p, C))), E); }
%type class_or_family {int}
class_or_family(A) ::= CLASS. { A = OBJECT_OPCLASS; }
class_or_family(A) ::= FAMILY. { A = OBJECT_OPFAMILY; }

%type any_name_kind {int}
any_name_kind(A) ::= relation_kind(A).
any_name_kind(A) ::= COLLATION. { A = OBJECT_COLLATION; }
any_name_kind(A) ::= CONVERSION. { A = OBJECT_CONVERSION; }
any_name_kind(A) ::= STATISTICS. { A = OBJECT_STATISTICS; }
any_name_kind(A) ::= TEXT SEARCH PARSER. { A = OBJECT_TS_PARSER; }
any_name_kind(A) ::= TEXT SEARCH DICTIONARY. { A = OBJECT_TS_DICTIONARY; }
any_name_kind(A) ::= TEXT SEARCH TEMPLATE. { A = OBJECT_TS_TEMPLATE; }
any_name_kind(A) ::= TEXT SEARCH CONFIGURATION. { A = OBJECT_TS_CONFIGURATION; }
%type name_kind {int}
name_kind(A) ::= ACCESS METHOD. { A = OBJECT_ACCESS_METHOD; }
name_kind(A) ::= EVENT TRIGGER. { A = OBJECT_EVENT_TRIGGER; }
name_kind(A) ::= EXTENSION. { A = OBJECT_EXTENSION; }
name_kind(A) ::= FOREIGN DATA WRAPPER. { A = OBJECT_FDW; }
name_kind(A) ::= opt_procedural LANGUAGE. { A = OBJECT_LANGUAGE; }
name_kind(A) ::= PUBLICATION. { A = OBJECT_PUBLICATION; }
name_kind(A) ::= SCHEMA. { A = OBJECT_SCHEMA; }
name_kind(A) ::= SERVER. { A = OBJECT_FOREIGN_SERVER; }
opt_procedural ::= .
opt_procedural ::= PROCEDURAL.
%type on_table_kind {int}
on_table_kind(A) ::= POLICY. { A = OBJECT_POLICY; }
on_table_kind(A) ::= RULE. { A = OBJECT_RULE; }
on_table_kind(A) ::= TRIGGER. { A = OBJECT_TRIGGER; }

comment_statement(A) ::= COMMENT(T) ON comment_object(B) IS comment_text(C). {
    A = B;
    A->location = T.location;
    ast_as_comment(A)->text = C;
}
%type comment_text {char *}
comment_text(A) ::= string(A).
comment_text(A) ::= NULL. { A = NULL; }
comment_object(A) ::= any_name_kind(K) any_name(B). { A = MAKE(comment, -1, K, make_names(p, B)); }
comment_object(A) ::= COLUMN any_name(B). { A = MAKE(comment, -1, OBJECT_COLUMN, make_names(p, B)); }
comment_object(A) ::= name_kind(K) name(B). { A = MAKE(comment, -1, K, MAKE(name_list, -1, list1(p, B))); }
comment_object(A) ::= DATABASE name(B). { A = MAKE(comment, -1, OBJECT_DATABASE, MAKE(name_list, -1, list1(p, B))); }
comment_object(A) ::= ROLE name(B). { A = MAKE(comment, -1, OBJECT_ROLE, MAKE(name_list, -1, list1(p, B))); }
comment_object(A) ::= SUBSCRIPTION name(B). { A = MAKE(comment, -1, OBJECT_SUBSCRIPTION, MAKE(name_list, -1, list1(p, B))); }
comment_object(A) ::= TABLESPACE name(B). { A = MAKE(comment, -1, OBJECT_TABLESPACE, MAKE(name_list, -1, list1(p, B))); }
comment_object(A) ::= TYPE type_name(B). { A = MAKE(comment, -1, OBJECT_TYPE, B); }
comment_object(A) ::= DOMAIN type_name(B). { A = MAKE(comment, -1, OBJECT_DOMAIN, B); }
comment_object(A) ::= AGGREGATE aggregate_args(B). { A = MAKE(comment, -1, OBJECT_AGGREGATE, B); }
comment_object(A) ::= function_kind(K) function_args(B). { A = MAKE(comment, -1, K, B); }
comment_object(A) ::= OPERATOR operator_args(B). { A = MAKE(comment, -1, OBJECT_OPERATOR, B); }
comment_object(A) ::= OPERATOR class_or_family(K) any_name(B) USING name(C). { A = MAKE(comment, -1, K, MAKE(object_args, B.location, .names = B.names, .access_method = C)); }
comment_object(A) ::= CONSTRAINT name(B) ON any_name(C). { A = MAKE(comment, -1, OBJECT_TABLE_CONSTRAINT, MAKE(name_list, C.location, list_add(p, C.names, B))); }
comment_object(A) ::= CONSTRAINT name(B) ON DOMAIN any_name(C). { A = MAKE(comment, -1, OBJECT_DOMAIN_CONSTRAINT, MAKE(name_list, C.location, list_add(p, C.names, B))); }
comment_object(A) ::= on_table_kind(K) name(B) ON any_name(C). { A = MAKE(comment, -1, K, MAKE(name_list, C.location, list_add(p, C.names, B))); }
comment_object(A) ::= LARGE OBJECT number(B). { A = MAKE(comment, -1, OBJECT_LARGE_OBJECT, B); }
comment_object(A) ::= CAST LPAREN type_name(B) AS type_name(C) RPAREN. { A = MAKE(comment, -1, OBJECT_CAST, MAKE(object_args, B->location, .args = list2(p, B, C), .args_given = true)); }
comment_object(A) ::= TRANSFORM FOR type_name(B) LANGUAGE name(C). { A = MAKE(comment, -1, OBJECT_TRANSFORM, MAKE(object_args, B->location, .names = list1(p, C), .args = list1(p, B), .args_given = true)); }

/* ---- known by their first words only ---------------------------------------------------------- */

create_statement(A) ::= CREATE(T) opt_or_replace TRIGGER rest. { A = MAKE(unsupported, T.location, "CREATE TRIGGER"); }
create_statement(A) ::= CREATE(T) opt_or_replace CONSTRAINT TRIGGER rest. { A = MAKE(unsupported, T.location, "CREATE TRIGGER"); }
create_statement(A) ::= CREATE(T) opt_or_replace RULE rest. { A = MAKE(unsupported, T.location, "CREATE RULE"); }
create_statement(A) ::= CREATE(T) opt_or_replace opt_trusted LANGUAGE rest. { A = MAKE(unsupported, T.location, "CREATE LANGUAGE"); }
create_statement(A) ::= CREATE(T) opt_or_replace TRANSFORM rest. { A = MAKE(unsupported, T.location, "CREATE TRANSFORM"); }
opt_trusted ::= .
opt_trusted ::= TRUSTED.
opt_trusted ::= TRUSTED PROCEDURAL.
opt_trusted ::= PROCEDURAL.
create_statement(A) ::= CREATE(T) OPERATOR any_operator(B) definition(C). { A = MAKE(create_operator, T.location, B.names, C); }
create_statement(A) ::= CREATE(T) OPERATOR CLASS any_name rest. { A = MAKE(unsupported, T.location, "CREATE OPERATOR CLASS"); }
create_statement(A) ::= CREATE(T) OPERATOR FAMILY any_name rest. { A = MAKE(unsupported, T.location, "CREATE OPERATOR FAMILY"); }
create_statement(A) ::= CREATE(T) POLICY rest. { A = MAKE(unsupported, T.location, "CREATE POLICY"); }
create_statement(A) ::= CREATE(T) EVENT TRIGGER rest. { A = MAKE(unsupported, T.location, "CREATE EVENT TRIGGER"); }
create_statement(A) ::= CREATE(T) CAST LPAREN type_name(B) AS type_name(C) RPAREN WITH FUNCTION function_args(F) cast_context(X). {
    A = MAKE(create_cast, T.location, P(B), P(C), .function = P(F), .context = (char)X);
}
create_statement(A) ::= CREATE(T) CAST LPAREN type_name(B) AS type_name(C) RPAREN WITHOUT FUNCTION cast_context(X). {
    A = MAKE(create_cast, T.location, P(B), P(C), .context = (char)X);
}
create_statement(A) ::= CREATE(T) CAST LPAREN type_name(B) AS type_name(C) RPAREN WITH INOUT cast_context(X). {
    A = MAKE(create_cast, T.location, P(B), P(C), .inout = true, .context = (char)X);
}
%type cast_context {int}
cast_context(A) ::= . { A = 'e'; }
cast_context(A) ::= AS IMPLICIT. { A = 'i'; }
cast_context(A) ::= AS ASSIGNMENT. { A = 'a'; }
create_statement(A) ::= CREATE(T) COLLATION any_name(B) definition(C). { A = MAKE(create_collation, T.location, B.names, C); }
create_statement(A) ::= CREATE(T) COLLATION IF NOT EXISTS any_name(B) definition(C). { A = MAKE(create_collation, T.location, B.names, C, true); }
create_statement(A) ::= CREATE(T) COLLATION any_name(B) FROM(F) any_name(C). {
    A = MAKE(create_collation, T.location, B.names, list1(p, make_def(p, F.location, "from", MAKE(type_name, C.location, .names = C.names))));
}
create_statement(A) ::= CREATE(T) COLLATION IF NOT EXISTS any_name(B) FROM(F) any_name(C). {
    A = MAKE(create_collation, T.location, B.names, list1(p, make_def(p, F.location, "from", MAKE(type_name, C.location, .names = C.names))), true);
}
create_statement(A) ::= CREATE(T) opt_default CONVERSION rest. { A = MAKE(unsupported, T.location, "CREATE CONVERSION"); }
opt_default ::= .
opt_default ::= DEFAULT.
create_statement(A) ::= CREATE(T) STATISTICS rest. { A = MAKE(unsupported, T.location, "CREATE STATISTICS"); }
create_statement(A) ::= CREATE(T) TABLESPACE name tablespace_owner LOCATION string opt_reloptions. { A = MAKE(unsupported, T.location, "CREATE TABLESPACE"); }
tablespace_owner ::= .
tablespace_owner ::= OWNER role.
create_statement(A) ::= CREATE(T) TEXT SEARCH rest. { A = MAKE(unsupported, T.location, "CREATE TEXT SEARCH"); }
create_statement(A) ::= CREATE(T) ACCESS METHOD rest. { A = MAKE(unsupported, T.location, "CREATE ACCESS METHOD"); }
create_statement(A) ::= CREATE(T) PUBLICATION rest. { A = MAKE(unsupported, T.location, "CREATE PUBLICATION"); }
create_statement(A) ::= CREATE(T) SUBSCRIPTION rest. { A = MAKE(unsupported, T.location, "CREATE SUBSCRIPTION"); }
create_statement(A) ::= CREATE(T) SERVER rest. { A = MAKE(unsupported, T.location, "CREATE SERVER"); }
create_statement(A) ::= CREATE(T) USER MAPPING FOR rest. { A = MAKE(unsupported, T.location, "CREATE USER MAPPING"); }
create_statement(A) ::= CREATE(T) USER MAPPING IF NOT EXISTS rest. { A = MAKE(unsupported, T.location, "CREATE USER MAPPING"); }
create_statement(A) ::= CREATE(T) FOREIGN DATA WRAPPER rest. { A = MAKE(unsupported, T.location, "CREATE FOREIGN DATA WRAPPER"); }
create_statement(A) ::= CREATE(T) FOREIGN TABLE rest. { A = MAKE(unsupported, T.location, "CREATE FOREIGN TABLE"); }
alter_statement(A) ::= ALTER(T) POLICY rest. { A = MAKE(unsupported, T.location, "ALTER POLICY"); }
alter_statement(A) ::= ALTER(T) OPERATOR operator_args(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_OPERATOR, B, .new_owner = C); }
alter_statement(A) ::= ALTER(T) OPERATOR operator_args(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_OPERATOR, B, .new_schema = C); }
alter_statement(A) ::= ALTER(T) OPERATOR operator_args(B) SET definition(C). { A = MAKE(alter_operator, T.location, P(B), C); }
alter_statement(A) ::= ALTER(T) OPERATOR CLASS any_name rest. { A = MAKE(unsupported, T.location, "ALTER OPERATOR CLASS"); }
alter_statement(A) ::= ALTER(T) OPERATOR FAMILY any_name rest. { A = MAKE(unsupported, T.location, "ALTER OPERATOR FAMILY"); }
alter_statement(A) ::= ALTER(T) EVENT TRIGGER rest. { A = MAKE(unsupported, T.location, "ALTER EVENT TRIGGER"); }
alter_statement(A) ::= ALTER(T) COLLATION any_name(B) REFRESH VERSION. { A = MAKE(refresh_collation, T.location, B.names); }
alter_statement(A) ::= ALTER(T) COLLATION any_name(B) RENAME TO name(C). { A = MAKE(rename, T.location, OBJECT_COLLATION, .object = make_names(p, B), .new_name = C); }
alter_statement(A) ::= ALTER(T) COLLATION any_name(B) OWNER TO role(C). { A = MAKE(alter_object, T.location, OBJECT_COLLATION, make_names(p, B), .new_owner = C); }
alter_statement(A) ::= ALTER(T) COLLATION any_name(B) SET SCHEMA name(C). { A = MAKE(alter_object, T.location, OBJECT_COLLATION, make_names(p, B), .new_schema = C); }
alter_statement(A) ::= ALTER(T) CONVERSION rest. { A = MAKE(unsupported, T.location, "ALTER CONVERSION"); }
alter_statement(A) ::= ALTER(T) STATISTICS rest. { A = MAKE(unsupported, T.location, "ALTER STATISTICS"); }
alter_statement(A) ::= ALTER(T) TABLESPACE rest. { A = MAKE(unsupported, T.location, "ALTER TABLESPACE"); }
alter_statement(A) ::= ALTER(T) TEXT SEARCH rest. { A = MAKE(unsupported, T.location, "ALTER TEXT SEARCH"); }
alter_statement(A) ::= ALTER(T) opt_procedural LANGUAGE rest. { A = MAKE(unsupported, T.location, "ALTER LANGUAGE"); }
alter_statement(A) ::= ALTER(T) LARGE OBJECT rest. { A = MAKE(unsupported, T.location, "ALTER LARGE OBJECT"); }
alter_statement(A) ::= ALTER(T) PUBLICATION rest. { A = MAKE(unsupported, T.location, "ALTER PUBLICATION"); }
alter_statement(A) ::= ALTER(T) SUBSCRIPTION rest. { A = MAKE(unsupported, T.location, "ALTER SUBSCRIPTION"); }
alter_statement(A) ::= ALTER(T) SERVER rest. { A = MAKE(unsupported, T.location, "ALTER SERVER"); }
alter_statement(A) ::= ALTER(T) USER MAPPING FOR rest. { A = MAKE(unsupported, T.location, "ALTER USER MAPPING"); }
alter_statement(A) ::= ALTER(T) FOREIGN DATA WRAPPER rest. { A = MAKE(unsupported, T.location, "ALTER FOREIGN DATA WRAPPER"); }
