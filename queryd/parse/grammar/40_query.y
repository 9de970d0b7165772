/* ---- SELECT ----------------------------------------------------------------------------------
 *
 * A query with or without parentheses around it: the two are kept apart so that "((SELECT 1))" has
 * one reading although expressions have parentheses too. */

select_statement(A) ::= select_no_parens(B). [UMINUS] { A = B; }
select_statement(A) ::= select_with_parens(B). [UMINUS] { A = B.node; }

%type select_with_parens {struct located}
select_with_parens(A) ::= LPAREN(T) select_no_parens(B) RPAREN. { A = (struct located){B, T.location}; }
select_with_parens(A) ::= LPAREN(T) select_with_parens(B) RPAREN. { A = (struct located){B.node, T.location}; }

select_no_parens(A) ::= simple_select(A).
select_no_parens(A) ::= select_clause(B) sort_clause(C). { A = finish_select(p, B, NULL, C, NULL, NULL); }
select_no_parens(A) ::= select_clause(B) opt_sort_clause(C) locking_clause(D) opt_select_limit(E). {
    A = finish_select(p, B, NULL, C, D, E);
}
select_no_parens(A) ::= select_clause(B) opt_sort_clause(C) select_limit(D) opt_locking_clause(E). {
    A = finish_select(p, B, NULL, C, E, D);
}
select_no_parens(A) ::= with_clause(W) select_clause(B). { A = finish_select(p, B, W, NULL, NULL, NULL); }
select_no_parens(A) ::= with_clause(W) select_clause(B) sort_clause(C). {
    A = finish_select(p, B, W, C, NULL, NULL);
}
select_no_parens(A) ::= with_clause(W) select_clause(B) opt_sort_clause(C) locking_clause(D) opt_select_limit(E). {
    A = finish_select(p, B, W, C, D, E);
}
select_no_parens(A) ::= with_clause(W) select_clause(B) opt_sort_clause(C) select_limit(D) opt_locking_clause(E). {
    A = finish_select(p, B, W, C, E, D);
}

select_clause(A) ::= simple_select(A).
select_clause(A) ::= select_with_parens(B). { A = B.node; }

simple_select(A) ::= SELECT(T) opt_all opt_target_list(B) into_clause(C) from_clause(D) where_clause(E) group_clause(F) having_clause(G) window_clause(H). {
    A = MAKE(select, T.location, .targets = B, .into = P(C), .from = D, .where = E,
             .group_by = ((struct ast_select *)F)->group_by,
             .group_distinct = ((struct ast_select *)F)->group_distinct, .having = G, .windows = H);
}
simple_select(A) ::= SELECT(T) distinct_clause(X) target_list(B) into_clause(C) from_clause(D) where_clause(E) group_clause(F) having_clause(G) window_clause(H). {
    A = MAKE(select, T.location, .distinct = true, .distinct_on = X, .targets = B, .into = P(C),
             .from = D, .where = E, .group_by = ((struct ast_select *)F)->group_by,
             .group_distinct = ((struct ast_select *)F)->group_distinct, .having = G, .windows = H);
}
simple_select(A) ::= values_clause(A).
simple_select(A) ::= TABLE(T) relation_expr(B). {
    struct node *all = MAKE(column_ref, T.location, .star = true);
    A = MAKE(select, T.location, .targets = list1(p, MAKE(target, T.location, .value = all)),
             .from = list1(p, B));
}
simple_select(A) ::= select_clause(B) UNION(T) set_quantifier(Q) select_clause(C). {
    A = make_set_op(p, SETOP_UNION, Q, T.location, B, C);
}
simple_select(A) ::= select_clause(B) INTERSECT(T) set_quantifier(Q) select_clause(C). {
    A = make_set_op(p, SETOP_INTERSECT, Q, T.location, B, C);
}
simple_select(A) ::= select_clause(B) EXCEPT(T) set_quantifier(Q) select_clause(C). {
    A = make_set_op(p, SETOP_EXCEPT, Q, T.location, B, C);
}

values_clause(A) ::= VALUES(T) LPAREN expr_list(B) RPAREN. { A = MAKE(select, T.location, .values = list1(p, B)); }
values_clause(A) ::= values_clause(B) COMMA LPAREN expr_list(C) RPAREN. {
    A = B;
    ast_as_select(A)->values = list_add(p, ast_as_select(A)->values, C);
}

opt_all ::= .
opt_all ::= ALL.
/* true: ALL */
%type set_quantifier {int}
set_quantifier(A) ::= . { A = 0; }
set_quantifier(A) ::= ALL. { A = 1; }
set_quantifier(A) ::= DISTINCT. { A = 0; }
%type distinct_clause {struct list *}
distinct_clause(A) ::= DISTINCT. { A = NULL; }
distinct_clause(A) ::= DISTINCT ON LPAREN expr_list(B) RPAREN. { A = B; }

%type target_list {struct list *}
target_list(A) ::= target(B). { A = list1(p, B); }
target_list(A) ::= target_list(A) COMMA target(B). { A = list_add(p, A, B); }
%type opt_target_list {struct list *}
opt_target_list(A) ::= . { A = NULL; }
opt_target_list(A) ::= target_list(A).
target(A) ::= a_expr(B) AS col_label(C). { A = MAKE(target, ast_leftmost(B), .name = P(C.text), .value = B); }
target(A) ::= a_expr(B) bare_col_label(C). { A = MAKE(target, ast_leftmost(B), .name = P(C.text), .value = B); }
target(A) ::= a_expr(B). { A = MAKE(target, ast_leftmost(B), .value = B); }
target(A) ::= STAR(T). {
    A = MAKE(target, T.location, .value = MAKE(column_ref, T.location, .star = true));
}

/* SELECT INTO */
into_clause(A) ::= . { A = NULL; }
into_clause(A) ::= INTO temp_table_name(B). { A = MAKE(into, B->location, .relation = P(B)); }
temp_table_name(A) ::= TEMPORARY opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= TEMP opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= LOCAL TEMPORARY opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= LOCAL TEMP opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= GLOBAL TEMPORARY opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= GLOBAL TEMP opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_TEMP; }
temp_table_name(A) ::= UNLOGGED opt_table qualified_name(B). { A = B; ast_as_range_var(A)->persistence = PERSIST_UNLOGGED; }
temp_table_name(A) ::= TABLE qualified_name(B). { A = B; }
temp_table_name(A) ::= qualified_name(A).

/* WITH */
with_clause(A) ::= WITH(T) cte_list(B). { A = MAKE(with, T.location, .ctes = B); }
with_clause(A) ::= WITH_LA(T) cte_list(B). { A = MAKE(with, T.location, .ctes = B); }
with_clause(A) ::= WITH(T) RECURSIVE cte_list(B). { A = MAKE(with, T.location, .ctes = B, .recursive = true); }
opt_with_clause(A) ::= . { A = NULL; }
opt_with_clause(A) ::= with_clause(A).
%type cte_list {struct list *}
cte_list(A) ::= cte(B). { A = list1(p, B); }
cte_list(A) ::= cte_list(A) COMMA cte(B). { A = list_add(p, A, B); }
cte(A) ::= col_id(N) opt_name_list(C) AS materialized(M) LPAREN preparable(Q) RPAREN search_clause(S) cycle_clause(Y). {
    A = MAKE(cte, N.location, .name = P(N.text), .columns = C, .materialize = M, .query = Q,
             .search = S, .cycle = Y);
}
%type materialized {int}
materialized(A) ::= . { A = CTE_DEFAULT; }
materialized(A) ::= MATERIALIZED. { A = CTE_MATERIALIZED; }
materialized(A) ::= NOT MATERIALIZED. { A = CTE_NOT_MATERIALIZED; }
search_clause(A) ::= . { A = NULL; }
search_clause(A) ::= SEARCH(T) DEPTH FIRST BY name_list(B) SET name(C). {
    A = MAKE(cte_search, T.location, .columns = B, .path_column = C);
}
search_clause(A) ::= SEARCH(T) BREADTH FIRST BY name_list(B) SET name(C). {
    A = MAKE(cte_search, T.location, .columns = B, .path_column = C, .breadth_first = true);
}
cycle_clause(A) ::= . { A = NULL; }
cycle_clause(A) ::= CYCLE(T) name_list(B) SET name(C) TO cycle_mark(D) DEFAULT cycle_mark(E) USING name(F). {
    A = MAKE(cte_search, T.location, .is_cycle = true, .columns = B, .mark_column = C,
             .path_column = F, .mark_value = D, .mark_default = E);
}
cycle_clause(A) ::= CYCLE(T) name_list(B) SET name(C) USING name(F). {
    A = MAKE(cte_search, T.location, .is_cycle = true, .columns = B, .mark_column = C,
             .path_column = F);
}

/* A constant; with its type as it is printed. */
%type cycle_mark {struct node *}
cycle_mark(A) ::= constant(B). { A = B; }
cycle_mark(A) ::= constant(B) TYPECAST(O) type_name(C). { A = MAKE(type_cast, O.location, .arg = B, .type = P(C)); }
cycle_mark(A) ::= LPAREN constant(B) RPAREN TYPECAST(O) type_name(C). {
    A = MAKE(type_cast, O.location, .arg = B, .type = P(C));
}

/* GROUP BY as an ast_select of which only that part is used. */
group_clause(A) ::= . { A = MAKE(select, -1); }
group_clause(A) ::= GROUP(T) BY group_list(B). { A = MAKE(select, T.location, .group_by = B); }
group_clause(A) ::= GROUP(T) BY ALL group_list(B). { A = MAKE(select, T.location, .group_by = B); }
group_clause(A) ::= GROUP(T) BY DISTINCT group_list(B). {
    A = MAKE(select, T.location, .group_by = B, .group_distinct = true);
}
%type group_list {struct list *}
group_list(A) ::= group_item(B). { A = list1(p, B); }
group_list(A) ::= group_list(A) COMMA group_item(B). { A = list_add(p, A, B); }
group_item(A) ::= a_expr(A).
group_item(A) ::= LPAREN(T) RPAREN. { A = MAKE(grouping_set, T.location, .kind = GROUPING_EMPTY); }
group_item(A) ::= ROLLUP(T) LPAREN expr_list(B) RPAREN. { A = MAKE(grouping_set, T.location, GROUPING_ROLLUP, B); }
group_item(A) ::= CUBE(T) LPAREN expr_list(B) RPAREN. { A = MAKE(grouping_set, T.location, GROUPING_CUBE, B); }
group_item(A) ::= GROUPING(T) SETS LPAREN group_list(B) RPAREN. { A = MAKE(grouping_set, T.location, GROUPING_SETS, B); }
having_clause(A) ::= . { A = NULL; }
having_clause(A) ::= HAVING a_expr(B). { A = B; }
where_clause(A) ::= . { A = NULL; }
where_clause(A) ::= WHERE a_expr(B). { A = B; }
where_or_current(A) ::= where_clause(A).
where_or_current(A) ::= WHERE CURRENT(T) OF name(B). { A = MAKE(current_of, T.location, .cursor = B); }

%type sort_clause {struct list *}
sort_clause(A) ::= ORDER BY sort_list(B). { A = B; }
%type opt_sort_clause {struct list *}
opt_sort_clause(A) ::= . { A = NULL; }
opt_sort_clause(A) ::= sort_clause(A).
%type sort_list {struct list *}
sort_list(A) ::= sort_item(B). { A = list1(p, B); }
sort_list(A) ::= sort_list(A) COMMA sort_item(B). { A = list_add(p, A, B); }
sort_item(A) ::= a_expr(B) USING qualified_all_op(O) nulls_order(N). {
    A = MAKE(sort_by, O.location, .value = B, .direction = SORT_USING, .nulls = N, .using_names = O.names);
}
sort_item(A) ::= a_expr(B) sort_direction(D) nulls_order(N). {
    A = MAKE(sort_by, -1, .value = B, .direction = D, .nulls = N);
}
%type qualified_all_op {struct qname}
qualified_all_op(A) ::= all_op(B). { A = qname1(p, B); }
qualified_all_op(A) ::= OPERATOR(T) LPAREN any_operator(B) RPAREN. { A = B; A.location = T.location; }
%type sort_direction {int}
sort_direction(A) ::= . { A = SORT_DEFAULT; }
sort_direction(A) ::= ASC. { A = SORT_ASC; }
sort_direction(A) ::= DESC. { A = SORT_DESC; }
%type nulls_order {int}
nulls_order(A) ::= . { A = SORT_NULLS_DEFAULT; }
nulls_order(A) ::= NULLS_LA FIRST. { A = SORT_NULLS_FIRST; }
nulls_order(A) ::= NULLS_LA LAST. { A = SORT_NULLS_LAST; }

/* LIMIT and OFFSET in either order, as an ast_select of which only those parts are used. */
select_limit(A) ::= limit_clause(B) offset_clause(C). { A = merge_limit(p, B, C); }
select_limit(A) ::= offset_clause(B) limit_clause(C). { A = merge_limit(p, C, B); }
select_limit(A) ::= limit_clause(A).
select_limit(A) ::= offset_clause(A).
opt_select_limit(A) ::= . { A = NULL; }
opt_select_limit(A) ::= select_limit(A).
limit_clause(A) ::= LIMIT(T) limit_value(B). { A = MAKE(select, T.location, .limit = B); }
limit_clause(A) ::= LIMIT(T) limit_value(B) COMMA a_expr(C). {
    (void)B;
    (void)C;
    A = NULL;
    parse_fail_hint(p, ST_SYNTAX_ERROR, T.location, "LIMIT #,# syntax is not supported",
                    "Use separate LIMIT and OFFSET clauses.");
}
limit_clause(A) ::= FETCH(T) first_or_next fetch_value(B) row_or_rows ONLY. { A = MAKE(select, T.location, .limit = B); }
limit_clause(A) ::= FETCH(T) first_or_next fetch_value(B) row_or_rows WITH TIES. {
    A = MAKE(select, T.location, .limit = B, .with_ties = true);
}
limit_clause(A) ::= FETCH(T) first_or_next row_or_rows ONLY. { A = MAKE(select, T.location, .limit = make_integer(p, 1, -1)); }
limit_clause(A) ::= FETCH(T) first_or_next row_or_rows WITH TIES. {
    A = MAKE(select, T.location, .limit = make_integer(p, 1, -1), .with_ties = true);
}
limit_value(A) ::= a_expr(A).
limit_value(A) ::= ALL(T). { A = make_null(p, T.location); }
offset_clause(A) ::= OFFSET(T) a_expr(B). { A = MAKE(select, T.location, .offset = B); }
offset_clause(A) ::= OFFSET(T) fetch_value(B) row_or_rows. { A = MAKE(select, T.location, .offset = B); }
fetch_value(A) ::= c_expr(A).
fetch_value(A) ::= PLUS(T) number(B). { A = make_op(p, T.location, "+", NULL, B); }
fetch_value(A) ::= MINUS(T) number(B). { A = make_minus(p, T.location, B); }
row_or_rows ::= ROW.
row_or_rows ::= ROWS.
first_or_next ::= FIRST.
first_or_next ::= NEXT.

/* FOR UPDATE and the like */
%type locking_clause {struct list *}
locking_clause(A) ::= locking_items(A).
locking_clause(A) ::= FOR READ ONLY. { A = NULL; }
%type opt_locking_clause {struct list *}
opt_locking_clause(A) ::= . { A = NULL; }
opt_locking_clause(A) ::= locking_clause(A).
%type locking_items {struct list *}
locking_items(A) ::= locking_item(B). { A = list1(p, B); }
locking_items(A) ::= locking_items(A) locking_item(B). { A = list_add(p, A, B); }
locking_item(A) ::= FOR(T) lock_strength(S) locked_tables(B) lock_wait(W). {
    A = MAKE(locking, T.location, .strength = S, .wait = W, .relations = B);
}
%type lock_strength {int}
lock_strength(A) ::= UPDATE. { A = LOCK_FOR_UPDATE; }
lock_strength(A) ::= NO KEY UPDATE. { A = LOCK_FOR_NO_KEY_UPDATE; }
lock_strength(A) ::= SHARE. { A = LOCK_FOR_SHARE; }
lock_strength(A) ::= KEY SHARE. { A = LOCK_FOR_KEY_SHARE; }
%type locked_tables {struct list *}
locked_tables(A) ::= . { A = NULL; }
locked_tables(A) ::= OF qualified_name_list(B). { A = B; }
%type lock_wait {int}
lock_wait(A) ::= . { A = LOCK_WAIT_BLOCK; }
lock_wait(A) ::= NOWAIT. { A = LOCK_WAIT_ERROR; }
lock_wait(A) ::= SKIP LOCKED. { A = LOCK_WAIT_SKIP; }

/* ---- what can stand in FROM ------------------------------------------------------------------ */

%type from_clause {struct list *}
from_clause(A) ::= . { A = NULL; }
from_clause(A) ::= FROM from_list(B). { A = B; }
%type from_list {struct list *}
from_list(A) ::= table_ref(B). { A = list1(p, B); }
from_list(A) ::= from_list(A) COMMA table_ref(B). { A = list_add(p, A, B); }

table_ref(A) ::= relation_expr(B) opt_alias(C). { A = B; ast_as_range_var(A)->alias = P(C); }
table_ref(A) ::= relation_expr(B) opt_alias(C) tablesample(D). {
    A = B;
    ast_as_range_var(A)->alias = P(C);
    ast_as_range_var(A)->sample = P(D);
}
table_ref(A) ::= relation_expr(B) as_of(D). { A = B; ast_as_range_var(A)->as_of = D; }
table_ref(A) ::= relation_expr(B) alias_clause(C) as_of(D). {
    A = B;
    ast_as_range_var(A)->alias = P(C);
    ast_as_range_var(A)->as_of = D;
}
table_ref(A) ::= relation_expr(B) as_of(D) AS(T) col_id(C). {
    A = B;
    ast_as_range_var(A)->alias = P(MAKE(alias, T.location, .name = P(C.text)));
    ast_as_range_var(A)->as_of = D;
}
table_ref(A) ::= func_table(B) func_alias(C). {
    A = B;
    ast_as_range_function(A)->alias = ast_as_range_function(C)->alias;
    ast_as_range_function(A)->columns = ast_as_range_function(C)->columns;
}
table_ref(A) ::= LATERAL func_table(B) func_alias(C). {
    A = B;
    struct ast_range_function *f = ast_as_range_function(A);
    f->lateral = true;
    f->alias = ast_as_range_function(C)->alias;
    f->columns = ast_as_range_function(C)->columns;
}
table_ref(A) ::= xmltable(B) opt_alias(C). { A = B; ast_as_range_xml(A)->alias = P(C); }
table_ref(A) ::= LATERAL xmltable(B) opt_alias(C). { A = B; ast_as_range_xml(A)->alias = P(C); }
table_ref(A) ::= select_with_parens(B) opt_alias(C). {
    check_alias(p, B, C);
    A = MAKE(range_subquery, B.location, .query = B.node, .alias = P(C));
}
table_ref(A) ::= LATERAL(T) select_with_parens(B) opt_alias(C). {
    check_alias(p, B, C);
    A = MAKE(range_subquery, T.location, .lateral = true, .query = B.node, .alias = P(C));
}
table_ref(A) ::= joined_table(A).
table_ref(A) ::= LPAREN joined_table(B) RPAREN alias_clause(C). { A = B; ast_as_join(A)->alias = P(C); }

/* The table as it was at a past time. */
as_of(A) ::= AS_LA OF SYSTEM TIME a_expr(B). { A = B; }

joined_table(A) ::= LPAREN joined_table(B) RPAREN. { A = B; }
joined_table(A) ::= table_ref(B) CROSS(T) JOIN table_ref(C). { A = MAKE(join, T.location, .left = B, .right = C); }
joined_table(A) ::= table_ref(B) join_type(Y) JOIN(T) table_ref(C) join_condition(D). {
    A = D;
    A->location = T.location;
    struct ast_join *j = ast_as_join(A);
    j->type = Y;
    j->left = B;
    j->right = C;
}
joined_table(A) ::= table_ref(B) JOIN(T) table_ref(C) join_condition(D). {
    A = D;
    A->location = T.location;
    struct ast_join *j = ast_as_join(A);
    j->left = B;
    j->right = C;
}
joined_table(A) ::= table_ref(B) NATURAL(T) join_type(Y) JOIN table_ref(C). {
    A = MAKE(join, T.location, .type = Y, .natural = true, .left = B, .right = C);
}
joined_table(A) ::= table_ref(B) NATURAL(T) JOIN table_ref(C). {
    A = MAKE(join, T.location, .natural = true, .left = B, .right = C);
}
%type join_type {int}
join_type(A) ::= FULL opt_outer. { A = JOIN_FULL; }
join_type(A) ::= LEFT opt_outer. { A = JOIN_LEFT; }
join_type(A) ::= RIGHT opt_outer. { A = JOIN_RIGHT; }
join_type(A) ::= INNER. { A = JOIN_INNER; }
opt_outer ::= .
opt_outer ::= OUTER.
join_condition(A) ::= USING LPAREN name_list(B) RPAREN. { A = MAKE(join, -1, .using_columns = B); }
join_condition(A) ::= USING LPAREN name_list(B) RPAREN AS(T) col_id(C). {
    A = MAKE(join, -1, .using_columns = B, .using_alias = P(MAKE(alias, T.location, .name = P(C.text))));
}
join_condition(A) ::= ON a_expr(B). { A = MAKE(join, -1, .on = B); }

alias_clause(A) ::= AS(T) col_id(B) LPAREN name_list(C) RPAREN. { A = MAKE(alias, T.location, .name = P(B.text), .columns = C); }
alias_clause(A) ::= AS(T) col_id(B). { A = MAKE(alias, T.location, .name = P(B.text)); }
alias_clause(A) ::= col_id(B) LPAREN name_list(C) RPAREN. { A = MAKE(alias, B.location, .name = P(B.text), .columns = C); }
alias_clause(A) ::= col_id(B). { A = MAKE(alias, B.location, .name = P(B.text)); }
opt_alias(A) ::= . { A = NULL; }
opt_alias(A) ::= alias_clause(A).
/* The alias of a function as an ast_range_function of which only alias and columns are used. */
func_alias(A) ::= . { A = MAKE(range_function, -1); }
func_alias(A) ::= alias_clause(B). { A = MAKE(range_function, -1, .alias = P(B)); }
func_alias(A) ::= AS LPAREN table_func_columns(B) RPAREN. { A = MAKE(range_function, -1, .columns = B); }
func_alias(A) ::= AS(T) col_id(B) LPAREN table_func_columns(C) RPAREN. {
    A = MAKE(range_function, -1, .columns = C, .alias = P(MAKE(alias, T.location, .name = P(B.text))));
}
func_alias(A) ::= col_id(B) LPAREN table_func_columns(C) RPAREN. {
    A = MAKE(range_function, -1, .columns = C, .alias = P(MAKE(alias, B.location, .name = P(B.text))));
}

relation_expr(A) ::= qualified_name(A).
relation_expr(A) ::= qualified_name(B) STAR. { A = B; }
relation_expr(A) ::= ONLY qualified_name(B). { A = B; ast_as_range_var(A)->only = true; }
relation_expr(A) ::= ONLY LPAREN qualified_name(B) RPAREN. { A = B; ast_as_range_var(A)->only = true; }
%type relation_expr_list {struct list *}
relation_expr_list(A) ::= relation_expr(B). { A = list1(p, B); }
relation_expr_list(A) ::= relation_expr_list(A) COMMA relation_expr(B). { A = list_add(p, A, B); }

/* The target of UPDATE and DELETE: "set" after it is the keyword, unless AS says otherwise. */
target_relation(A) ::= relation_expr(B). [UMINUS] { A = B; }
target_relation(A) ::= relation_expr(B) col_id(C). {
    A = B;
    ast_as_range_var(A)->alias = P(MAKE(alias, C.location, .name = P(C.text)));
}
target_relation(A) ::= relation_expr(B) AS col_id(C). {
    A = B;
    ast_as_range_var(A)->alias = P(MAKE(alias, C.location, .name = P(C.text)));
}

tablesample(A) ::= TABLESAMPLE func_name(B) LPAREN expr_list(C) RPAREN repeatable(D). {
    A = MAKE(sample, B.location, .method = B.names, .args = C, .repeatable = D);
}
repeatable(A) ::= . { A = NULL; }
repeatable(A) ::= REPEATABLE LPAREN a_expr(B) RPAREN. { A = B; }

func_table(A) ::= func_expr_windowless(B) opt_ordinality(O). {
    struct node *item = MAKE(range_function_item, B->location, .call = B);
    A = MAKE(range_function, B->location, .functions = list1(p, item), .ordinality = O);
}
func_table(A) ::= ROWS(T) FROM LPAREN rows_from_list(B) RPAREN opt_ordinality(O). {
    A = MAKE(range_function, T.location, .rows_from = true, .functions = B, .ordinality = O);
}
%type rows_from_list {struct list *}
rows_from_list(A) ::= rows_from_item(B). { A = list1(p, B); }
rows_from_list(A) ::= rows_from_list(A) COMMA rows_from_item(B). { A = list_add(p, A, B); }
rows_from_item(A) ::= func_expr_windowless(B). { A = MAKE(range_function_item, B->location, .call = B); }
rows_from_item(A) ::= func_expr_windowless(B) AS LPAREN table_func_columns(C) RPAREN. {
    A = MAKE(range_function_item, B->location, .call = B, .columns = C);
}
%type opt_ordinality {int}
opt_ordinality(A) ::= . { A = 0; }
opt_ordinality(A) ::= WITH_LA ORDINALITY. { A = 1; }
%type table_func_columns {struct list *}
table_func_columns(A) ::= table_func_column(B). { A = list1(p, B); }
table_func_columns(A) ::= table_func_columns(A) COMMA table_func_column(B). { A = list_add(p, A, B); }
table_func_column(A) ::= col_id(B) type_name(C) opt_collate(D). {
    A = MAKE(column_def, B.location, .name = P(B.text), .type = P(C), .collation = D);
}
%type opt_collate {struct list *}
opt_collate(A) ::= . { A = NULL; }
opt_collate(A) ::= COLLATE any_name(B). { A = B.names; }

xmltable(A) ::= XMLTABLE(T) LPAREN inner_rest RPAREN. { A = MAKE(range_xml, T.location); }
