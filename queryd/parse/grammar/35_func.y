/* ---- functions, windows, CASE ---------------------------------------------------------------- */

func_application(A) ::= func_name(B) LPAREN RPAREN. { A = make_call(p, B, NULL, NULL); }
func_application(A) ::= func_name(B) LPAREN func_arg_list(C) opt_sort_clause(D) RPAREN. {
    A = make_call(p, B, C, D);
}
func_application(A) ::= func_name(B) LPAREN VARIADIC func_arg(C) opt_sort_clause(D) RPAREN. {
    A = make_call(p, B, list1(p, C), D);
    ast_as_func_call(A)->variadic = true;
}
func_application(A) ::= func_name(B) LPAREN func_arg_list(C) COMMA VARIADIC func_arg(D) opt_sort_clause(E) RPAREN. {
    A = make_call(p, B, list_add(p, C, D), E);
    ast_as_func_call(A)->variadic = true;
}
func_application(A) ::= func_name(B) LPAREN ALL func_arg_list(C) opt_sort_clause(D) RPAREN. {
    A = make_call(p, B, C, D);
}
func_application(A) ::= func_name(B) LPAREN DISTINCT func_arg_list(C) opt_sort_clause(D) RPAREN. {
    A = make_call(p, B, C, D);
    ast_as_func_call(A)->distinct = true;
}
func_application(A) ::= func_name(B) LPAREN STAR RPAREN. {
    A = make_call(p, B, NULL, NULL);
    ast_as_func_call(A)->star = true;
}

%type func_arg_list {struct list *}
func_arg_list(A) ::= func_arg(B). { A = list1(p, B); }
func_arg_list(A) ::= func_arg_list(A) COMMA func_arg(B). { A = list_add(p, A, B); }
func_arg(A) ::= a_expr(A).
func_arg(A) ::= type_function_name(B) COLON_EQUALS a_expr(C). {
    A = MAKE(named_arg, B.location, .name = P(B.text), .arg = C);
}
func_arg(A) ::= type_function_name(B) EQUALS_GREATER a_expr(C). {
    A = MAKE(named_arg, B.location, .name = P(B.text), .arg = C);
}
%type opt_func_args {struct list *}
opt_func_args(A) ::= . { A = NULL; }
opt_func_args(A) ::= func_arg_list(A).

func_expr(A) ::= func_application(B) within_group(C) filter_clause(F) over_clause(O). {
    A = finish_call(p, B, C.names, C.location, F, O);
}
func_expr(A) ::= func_special(A).

/* Calls where a window is not allowed: in FROM, in an index. */
func_expr_windowless(A) ::= func_application(A).
func_expr_windowless(A) ::= func_special(A).

/* The order and where the clause stands. */
%type within_group {struct qname}
within_group(A) ::= . { A = (struct qname){NULL, -1}; }
within_group(A) ::= WITHIN(T) GROUP LPAREN sort_clause(B) RPAREN. { A = (struct qname){B, T.location}; }
filter_clause(A) ::= . { A = NULL; }
filter_clause(A) ::= FILTER LPAREN WHERE a_expr(B) RPAREN. { A = B; }
over_clause(A) ::= . { A = NULL; }
over_clause(A) ::= OVER window_specification(B). { A = B; }
over_clause(A) ::= OVER col_id(B). { A = MAKE(window_def, B.location, .name = P(B.text)); }

/* Functions with a syntax of their own, and the values that look like functions. */
func_special(A) ::= COLLATION(T) FOR LPAREN a_expr(B) RPAREN. {
    A = make_system_call(p, T.location, "pg_collation_for", list1(p, B));
}
func_special(A) ::= CURRENT_DATE(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_DATE, -1); }
func_special(A) ::= CURRENT_TIME(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_TIME, -1); }
func_special(A) ::= CURRENT_TIME(T) LPAREN integer(N) RPAREN. { A = MAKE(sql_value, T.location, VALUE_CURRENT_TIME, N); }
func_special(A) ::= CURRENT_TIMESTAMP(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_TIMESTAMP, -1); }
func_special(A) ::= CURRENT_TIMESTAMP(T) LPAREN integer(N) RPAREN. { A = MAKE(sql_value, T.location, VALUE_CURRENT_TIMESTAMP, N); }
func_special(A) ::= LOCALTIME(T). { A = MAKE(sql_value, T.location, VALUE_LOCALTIME, -1); }
func_special(A) ::= LOCALTIME(T) LPAREN integer(N) RPAREN. { A = MAKE(sql_value, T.location, VALUE_LOCALTIME, N); }
func_special(A) ::= LOCALTIMESTAMP(T). { A = MAKE(sql_value, T.location, VALUE_LOCALTIMESTAMP, -1); }
func_special(A) ::= LOCALTIMESTAMP(T) LPAREN integer(N) RPAREN. { A = MAKE(sql_value, T.location, VALUE_LOCALTIMESTAMP, N); }
func_special(A) ::= CURRENT_ROLE(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_ROLE, -1); }
func_special(A) ::= CURRENT_USER(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_USER, -1); }
func_special(A) ::= SESSION_USER(T). { A = MAKE(sql_value, T.location, VALUE_SESSION_USER, -1); }
func_special(A) ::= USER(T). { A = MAKE(sql_value, T.location, VALUE_USER, -1); }
func_special(A) ::= CURRENT_CATALOG(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_CATALOG, -1); }
func_special(A) ::= CURRENT_SCHEMA(T). { A = MAKE(sql_value, T.location, VALUE_CURRENT_SCHEMA, -1); }
func_special(A) ::= CAST(T) LPAREN a_expr(B) AS type_name(C) RPAREN. { A = MAKE(type_cast, T.location, .arg = B, .type = P(C)); }
func_special(A) ::= EXTRACT(T) LPAREN extract_field(F) FROM a_expr(B) RPAREN. {
    A = make_system_call(p, T.location, "extract", list2(p, make_string(p, F.text, F.location), B));
}
func_special(A) ::= NORMALIZE(T) LPAREN a_expr(B) RPAREN. {
    A = make_system_call(p, T.location, "normalize", list1(p, B));
}
func_special(A) ::= NORMALIZE(T) LPAREN a_expr(B) COMMA normal_form(F) RPAREN. {
    A = make_system_call(p, T.location, "normalize", list2(p, B, F));
}
func_special(A) ::= OVERLAY(T) LPAREN a_expr(B) PLACING a_expr(C) FROM a_expr(D) FOR a_expr(E) RPAREN. {
    A = make_system_call(p, T.location, "overlay", list_add(p, list_add(p, list2(p, B, C), D), E));
}
func_special(A) ::= OVERLAY(T) LPAREN a_expr(B) PLACING a_expr(C) FROM a_expr(D) RPAREN. {
    A = make_system_call(p, T.location, "overlay", list_add(p, list2(p, B, C), D));
}
func_special(A) ::= OVERLAY(T) LPAREN opt_func_args(B) RPAREN. { A = make_call(p, qname1(p, T), B, NULL); }
func_special(A) ::= POSITION(T) LPAREN b_expr(B) IN b_expr(C) RPAREN. {
    A = make_system_call(p, T.location, "position", list2(p, C, B));
}
func_special(A) ::= POSITION(T) LPAREN RPAREN. { A = make_system_call(p, T.location, "position", NULL); }
func_special(A) ::= SUBSTRING(T) LPAREN a_expr(B) FROM a_expr(C) FOR a_expr(D) RPAREN. {
    A = make_system_call(p, T.location, "substring", list_add(p, list2(p, B, C), D));
}
func_special(A) ::= SUBSTRING(T) LPAREN a_expr(B) FOR a_expr(D) FROM a_expr(C) RPAREN. {
    A = make_system_call(p, T.location, "substring", list_add(p, list2(p, B, C), D));
}
func_special(A) ::= SUBSTRING(T) LPAREN a_expr(B) FROM a_expr(C) RPAREN. {
    A = make_system_call(p, T.location, "substring", list2(p, B, C));
}
/* The length must be an integer here, or a regular expression's substring(text, text, text) would be
 * a candidate. */
func_special(A) ::= SUBSTRING(T) LPAREN a_expr(B) FOR a_expr(D) RPAREN. {
    struct node *length = MAKE(type_cast, -1, .arg = D, .type = P(make_system_type(p, -1, "int4", NULL)));
    A = make_system_call(p, T.location, "substring",
                         list_add(p, list2(p, B, make_integer(p, 1, -1)), length));
}
func_special(A) ::= SUBSTRING(T) LPAREN a_expr(B) SIMILAR a_expr(C) ESCAPE a_expr(D) RPAREN. {
    A = make_system_call(p, T.location, "substring", list_add(p, list2(p, B, C), D));
}
func_special(A) ::= SUBSTRING(T) LPAREN opt_func_args(B) RPAREN. { A = make_call(p, qname1(p, T), B, NULL); }
func_special(A) ::= TREAT(T) LPAREN a_expr(B) AS type_name(C) RPAREN. {
    struct list *names = ast_as_type_name(C)->names;
    A = make_system_call(p, T.location, list_at(names, names->n - 1), list1(p, B));
}
func_special(A) ::= TRIM(T) LPAREN BOTH trim_list(B) RPAREN. { A = make_system_call(p, T.location, "btrim", B); }
func_special(A) ::= TRIM(T) LPAREN LEADING trim_list(B) RPAREN. { A = make_system_call(p, T.location, "ltrim", B); }
func_special(A) ::= TRIM(T) LPAREN TRAILING trim_list(B) RPAREN. { A = make_system_call(p, T.location, "rtrim", B); }
func_special(A) ::= TRIM(T) LPAREN trim_list(B) RPAREN. { A = make_system_call(p, T.location, "btrim", B); }
func_special(A) ::= NULLIF(T) LPAREN a_expr(B) COMMA a_expr(C) RPAREN. { A = MAKE(nullif, T.location, .left = B, .right = C); }
func_special(A) ::= COALESCE(T) LPAREN expr_list(B) RPAREN. { A = MAKE(coalesce, T.location, .args = B); }
func_special(A) ::= GREATEST(T) LPAREN expr_list(B) RPAREN. { A = MAKE(min_max, T.location, .args = B); }
func_special(A) ::= LEAST(T) LPAREN expr_list(B) RPAREN. { A = MAKE(min_max, T.location, .args = B, .least = true); }
func_special(A) ::= XMLCONCAT(T) LPAREN expr_list(B) RPAREN. { A = MAKE(xml, T.location, XML_CONCAT, .args = B); }
func_special(A) ::= XMLELEMENT(T) LPAREN NAME col_label(N) RPAREN. { A = MAKE(xml, T.location, XML_ELEMENT, P(N.text)); }
func_special(A) ::= XMLELEMENT(T) LPAREN NAME col_label(N) COMMA xml_attributes(B) RPAREN. {
    A = MAKE(xml, T.location, XML_ELEMENT, P(N.text), .named_args = B);
}
func_special(A) ::= XMLELEMENT(T) LPAREN NAME col_label(N) COMMA expr_list(C) RPAREN. {
    A = MAKE(xml, T.location, XML_ELEMENT, P(N.text), .args = C);
}
func_special(A) ::= XMLELEMENT(T) LPAREN NAME col_label(N) COMMA xml_attributes(B) COMMA expr_list(C) RPAREN. {
    A = MAKE(xml, T.location, XML_ELEMENT, P(N.text), .named_args = B, .args = C);
}
func_special(A) ::= XMLEXISTS(T) LPAREN c_expr(B) xmlexists_argument(C) RPAREN. {
    A = MAKE(xml, T.location, XML_EXISTS, .args = list2(p, B, C));
}
func_special(A) ::= XMLFOREST(T) LPAREN xml_attribute_list(B) RPAREN. { A = MAKE(xml, T.location, XML_FOREST, .named_args = B); }
func_special(A) ::= XMLPARSE(T) LPAREN document_or_content a_expr(B) xml_whitespace RPAREN. {
    A = MAKE(xml, T.location, XML_PARSE, .args = list1(p, B));
}
func_special(A) ::= XMLPI(T) LPAREN NAME col_label(N) RPAREN. { A = MAKE(xml, T.location, XML_PI, P(N.text)); }
func_special(A) ::= XMLPI(T) LPAREN NAME col_label(N) COMMA a_expr(B) RPAREN. {
    A = MAKE(xml, T.location, XML_PI, P(N.text), .args = list1(p, B));
}
func_special(A) ::= XMLROOT(T) LPAREN a_expr(B) COMMA xml_version(C) xml_standalone RPAREN. {
    A = MAKE(xml, T.location, XML_ROOT, .args = list2(p, B, C));
}
func_special(A) ::= XMLSERIALIZE(T) LPAREN document_or_content a_expr(B) AS simple_type_name(C) RPAREN. {
    A = MAKE(xml, T.location, XML_SERIALIZE, .args = list2(p, B, C));
}
%type xml_attributes {struct list *}
xml_attributes(A) ::= XMLATTRIBUTES LPAREN xml_attribute_list(B) RPAREN. { A = B; }
%type xml_attribute_list {struct list *}
xml_attribute_list(A) ::= xml_attribute(B). { A = list1(p, B); }
xml_attribute_list(A) ::= xml_attribute_list(A) COMMA xml_attribute(B). { A = list_add(p, A, B); }
xml_attribute(A) ::= a_expr(B) AS col_label(C). { A = MAKE(target, B->location, .name = P(C.text), .value = B); }
xml_attribute(A) ::= a_expr(B). { A = MAKE(target, B->location, .value = B); }
xmlexists_argument(A) ::= PASSING c_expr(B). { A = B; }
xmlexists_argument(A) ::= PASSING c_expr(B) xml_passing. { A = B; }
xmlexists_argument(A) ::= PASSING xml_passing c_expr(B). { A = B; }
xmlexists_argument(A) ::= PASSING xml_passing c_expr(B) xml_passing. { A = B; }
xml_passing ::= BY REF.
xml_passing ::= BY VALUE.
document_or_content ::= DOCUMENT.
document_or_content ::= CONTENT.
xml_whitespace ::= .
xml_whitespace ::= PRESERVE WHITESPACE.
xml_whitespace ::= STRIP WHITESPACE.
xml_version(A) ::= VERSION a_expr(B). { A = B; }
xml_version(A) ::= VERSION NO(T) VALUE. { A = make_null(p, T.location); }
xml_standalone ::= .
xml_standalone ::= COMMA STANDALONE YES.
xml_standalone ::= COMMA STANDALONE NO.
xml_standalone ::= COMMA STANDALONE NO VALUE.

%type extract_field {struct token}
extract_field(A) ::= IDENT(A).
extract_field(A) ::= YEAR(A).
extract_field(A) ::= MONTH(A).
extract_field(A) ::= DAY(A).
extract_field(A) ::= HOUR(A).
extract_field(A) ::= MINUTE(A).
extract_field(A) ::= SECOND(A).
extract_field(A) ::= SCONST(A).

normal_form(A) ::= NFC(T). { A = make_string(p, "nfc", T.location); }
normal_form(A) ::= NFD(T). { A = make_string(p, "nfd", T.location); }
normal_form(A) ::= NFKC(T). { A = make_string(p, "nfkc", T.location); }
normal_form(A) ::= NFKD(T). { A = make_string(p, "nfkd", T.location); }

/* What to trim goes behind what is trimmed. */
%type trim_list {struct list *}
trim_list(A) ::= a_expr(B) FROM expr_list(C). { A = list_add(p, C, B); }
trim_list(A) ::= FROM expr_list(B). { A = B; }
trim_list(A) ::= expr_list(A).

/* CASE */
case_expr(A) ::= CASE(T) opt_expr(B) when_list(C) else_clause(D) END. {
    A = MAKE(case, T.location, .arg = B, .whens = C, .otherwise = D);
}
opt_expr(A) ::= . { A = NULL; }
opt_expr(A) ::= a_expr(A).
%type when_list {struct list *}
when_list(A) ::= when_clause(B). { A = list1(p, B); }
when_list(A) ::= when_list(A) when_clause(B). { A = list_add(p, A, B); }
when_clause(A) ::= WHEN(T) a_expr(B) THEN a_expr(C). { A = MAKE(case_when, T.location, .condition = B, .result = C); }
else_clause(A) ::= . { A = NULL; }
else_clause(A) ::= ELSE a_expr(B). { A = B; }

/* Windows */
%type window_clause {struct list *}
window_clause(A) ::= . { A = NULL; }
window_clause(A) ::= WINDOW window_list(B). { A = B; }
%type window_list {struct list *}
window_list(A) ::= window_definition(B). { A = list1(p, B); }
window_list(A) ::= window_list(A) COMMA window_definition(B). { A = list_add(p, A, B); }
window_definition(A) ::= col_id(B) AS window_specification(C). {
    A = C;
    ast_as_window_def(A)->name = P(B.text);
}
window_specification(A) ::= LPAREN(T) opt_window_name(B) partition_clause(C) opt_sort_clause(D) frame_clause(E) RPAREN. {
    A = E;
    A->location = T.location;
    struct ast_window_def *w = ast_as_window_def(A);
    w->base = B;
    w->partition_by = C;
    w->order_by = D;
}
%type opt_window_name {char *}
opt_window_name(A) ::= . [OP] { A = NULL; }
opt_window_name(A) ::= col_id(B). { A = P(B.text); }
%type partition_clause {struct list *}
partition_clause(A) ::= . { A = NULL; }
partition_clause(A) ::= PARTITION BY expr_list(B). { A = B; }
frame_clause(A) ::= . {
    A = MAKE(window_def, -1, .start = BOUND_UNBOUNDED_PRECEDING, .end = BOUND_CURRENT_ROW);
}
frame_clause(A) ::= frame_mode(M) frame_bound(B) frame_exclude(X). {
    A = make_window_frame(p, M, B->location, B, NULL, X);
}
frame_clause(A) ::= frame_mode(M) BETWEEN frame_bound(B) AND frame_bound(C) frame_exclude(X). {
    A = make_window_frame(p, M, B->location, B, C, X);
}
%type frame_mode {int}
frame_mode(A) ::= RANGE. { A = FRAME_RANGE; }
frame_mode(A) ::= ROWS. { A = FRAME_ROWS; }
frame_mode(A) ::= GROUPS. { A = FRAME_GROUPS; }
/* A bound is an ast_window_def with start and start_offset. */
frame_bound(A) ::= UNBOUNDED(T) PRECEDING. { A = MAKE(window_def, T.location, .start = BOUND_UNBOUNDED_PRECEDING); }
frame_bound(A) ::= UNBOUNDED(T) FOLLOWING. { A = MAKE(window_def, T.location, .start = BOUND_UNBOUNDED_FOLLOWING); }
frame_bound(A) ::= CURRENT(T) ROW. { A = MAKE(window_def, T.location, .start = BOUND_CURRENT_ROW); }
frame_bound(A) ::= a_expr(B) PRECEDING. { A = MAKE(window_def, ast_leftmost(B), .start = BOUND_OFFSET_PRECEDING, .start_offset = B); }
frame_bound(A) ::= a_expr(B) FOLLOWING. { A = MAKE(window_def, ast_leftmost(B), .start = BOUND_OFFSET_FOLLOWING, .start_offset = B); }
%type frame_exclude {int}
frame_exclude(A) ::= . { A = EXCLUDE_NO_OTHERS; }
frame_exclude(A) ::= EXCLUDE CURRENT ROW. { A = EXCLUDE_CURRENT_ROW; }
frame_exclude(A) ::= EXCLUDE GROUP. { A = EXCLUDE_GROUP; }
frame_exclude(A) ::= EXCLUDE TIES. { A = EXCLUDE_TIES; }
frame_exclude(A) ::= EXCLUDE NO OTHERS. { A = EXCLUDE_NO_OTHERS; }
