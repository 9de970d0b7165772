/* ---- expressions -----------------------------------------------------------------------------
 *
 * a_expr is any expression; b_expr is what can stand where AND, IN or a column constraint's words
 * follow (BETWEEN's bounds, DEFAULT, POSITION); c_expr needs no precedence. */

a_expr(A) ::= c_expr(A).
a_expr(A) ::= a_expr(B) TYPECAST(O) type_name(C). { A = MAKE(type_cast, O.location, .arg = B, .type = P(C)); }
a_expr(A) ::= a_expr(B) COLLATE(O) any_name(C). { A = MAKE(collate, O.location, .arg = B, .names = C.names); }
a_expr(A) ::= a_expr(B) AT(O) TIME ZONE a_expr(C). [AT] {
    A = make_system_call(p, O.location, "timezone", list2(p, C, B));
}
a_expr(A) ::= PLUS(O) a_expr(B). [UMINUS] { A = make_op(p, O.location, "+", NULL, B); }
a_expr(A) ::= MINUS(O) a_expr(B). [UMINUS] { A = make_minus(p, O.location, B); }
a_expr(A) ::= a_expr(B) PLUS(O) a_expr(C). { A = make_op(p, O.location, "+", B, C); }
a_expr(A) ::= a_expr(B) MINUS(O) a_expr(C). { A = make_op(p, O.location, "-", B, C); }
a_expr(A) ::= a_expr(B) STAR(O) a_expr(C). { A = make_op(p, O.location, "*", B, C); }
a_expr(A) ::= a_expr(B) SLASH(O) a_expr(C). { A = make_op(p, O.location, "/", B, C); }
a_expr(A) ::= a_expr(B) PERCENT(O) a_expr(C). { A = make_op(p, O.location, "%", B, C); }
a_expr(A) ::= a_expr(B) CARET(O) a_expr(C). { A = make_op(p, O.location, "^", B, C); }
a_expr(A) ::= a_expr(B) LT(O) a_expr(C). { A = make_op(p, O.location, "<", B, C); }
a_expr(A) ::= a_expr(B) GT(O) a_expr(C). { A = make_op(p, O.location, ">", B, C); }
a_expr(A) ::= a_expr(B) EQ(O) a_expr(C). { A = make_op(p, O.location, "=", B, C); }
a_expr(A) ::= a_expr(B) LE(O) a_expr(C). { A = make_op(p, O.location, "<=", B, C); }
a_expr(A) ::= a_expr(B) GE(O) a_expr(C). { A = make_op(p, O.location, ">=", B, C); }
a_expr(A) ::= a_expr(B) NE(O) a_expr(C). { A = make_op(p, O.location, "<>", B, C); }
a_expr(A) ::= a_expr(B) qualified_op(O) a_expr(C). [OP] { A = make_named_op(p, O, B, C); }
a_expr(A) ::= qualified_op(O) a_expr(B). [OP] { A = make_named_op(p, O, NULL, B); }

a_expr(A) ::= a_expr(B) AND(O) a_expr(C). { A = make_and_or(p, BOOL_AND, O.location, B, C); }
a_expr(A) ::= a_expr(B) OR(O) a_expr(C). { A = make_and_or(p, BOOL_OR, O.location, B, C); }
a_expr(A) ::= NOT(O) a_expr(B). { A = make_not(p, O.location, B); }
a_expr(A) ::= NOT_LA(O) a_expr(B). [NOT] { A = make_not(p, O.location, B); }

a_expr(A) ::= a_expr(B) LIKE(O) a_expr(C). [LIKE] {
    A = make_like(p, OP_LIKE, false, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) LIKE(O) a_expr(C) ESCAPE a_expr(D). [LIKE] {
    A = make_like(p, OP_LIKE, false, O.location, B, C, D);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) LIKE a_expr(C). [NOT_LA] {
    A = make_like(p, OP_LIKE, true, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) LIKE a_expr(C) ESCAPE a_expr(D). [NOT_LA] {
    A = make_like(p, OP_LIKE, true, O.location, B, C, D);
}
a_expr(A) ::= a_expr(B) ILIKE(O) a_expr(C). [ILIKE] {
    A = make_like(p, OP_ILIKE, false, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) ILIKE(O) a_expr(C) ESCAPE a_expr(D). [ILIKE] {
    A = make_like(p, OP_ILIKE, false, O.location, B, C, D);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) ILIKE a_expr(C). [NOT_LA] {
    A = make_like(p, OP_ILIKE, true, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) ILIKE a_expr(C) ESCAPE a_expr(D). [NOT_LA] {
    A = make_like(p, OP_ILIKE, true, O.location, B, C, D);
}
a_expr(A) ::= a_expr(B) SIMILAR(O) TO a_expr(C). [SIMILAR] {
    A = make_like(p, OP_SIMILAR, false, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) SIMILAR(O) TO a_expr(C) ESCAPE a_expr(D). [SIMILAR] {
    A = make_like(p, OP_SIMILAR, false, O.location, B, C, D);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) SIMILAR TO a_expr(C). [NOT_LA] {
    A = make_like(p, OP_SIMILAR, true, O.location, B, C, NULL);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) SIMILAR TO a_expr(C) ESCAPE a_expr(D). [NOT_LA] {
    A = make_like(p, OP_SIMILAR, true, O.location, B, C, D);
}

a_expr(A) ::= a_expr(B) IS(O) NULL. [IS] { A = MAKE(null_test, O.location, .arg = B); }
a_expr(A) ::= a_expr(B) ISNULL(O). [IS] { A = MAKE(null_test, O.location, .arg = B); }
a_expr(A) ::= a_expr(B) IS(O) NOT NULL. [IS] { A = MAKE(null_test, O.location, .arg = B, .negated = true); }
a_expr(A) ::= a_expr(B) NOTNULL(O). [IS] { A = MAKE(null_test, O.location, .arg = B, .negated = true); }
a_expr(A) ::= a_expr(B) IS(O) TRUE. [IS] { A = MAKE(bool_test, O.location, TEST_TRUE, B); }
a_expr(A) ::= a_expr(B) IS(O) NOT TRUE. [IS] { A = MAKE(bool_test, O.location, TEST_TRUE, B, true); }
a_expr(A) ::= a_expr(B) IS(O) FALSE. [IS] { A = MAKE(bool_test, O.location, TEST_FALSE, B); }
a_expr(A) ::= a_expr(B) IS(O) NOT FALSE. [IS] { A = MAKE(bool_test, O.location, TEST_FALSE, B, true); }
a_expr(A) ::= a_expr(B) IS(O) UNKNOWN. [IS] { A = MAKE(bool_test, O.location, TEST_UNKNOWN, B); }
a_expr(A) ::= a_expr(B) IS(O) NOT UNKNOWN. [IS] { A = MAKE(bool_test, O.location, TEST_UNKNOWN, B, true); }
a_expr(A) ::= a_expr(B) IS(O) DISTINCT FROM a_expr(C). [IS] {
    A = MAKE(distinct, O.location, .left = B, .right = C);
}
a_expr(A) ::= a_expr(B) IS(O) NOT DISTINCT FROM a_expr(C). [IS] {
    A = MAKE(distinct, O.location, .left = B, .right = C, .negated = true);
}
a_expr(A) ::= a_expr(B) IS(O) DOCUMENT. [IS] {
    A = MAKE(xml, O.location, .kind = XML_IS_DOCUMENT, .args = list1(p, B));
}
a_expr(A) ::= a_expr(B) IS(O) NOT DOCUMENT. [IS] {
    A = make_not(p, O.location, MAKE(xml, O.location, .kind = XML_IS_DOCUMENT, .args = list1(p, B)));
}
a_expr(A) ::= a_expr(B) IS(O) NORMALIZED. [IS] {
    A = make_system_call(p, O.location, "is_normalized", list1(p, B));
}
a_expr(A) ::= a_expr(B) IS(O) normal_form(F) NORMALIZED. [IS] {
    A = make_system_call(p, O.location, "is_normalized", list2(p, B, F));
}
a_expr(A) ::= a_expr(B) IS(O) NOT NORMALIZED. [IS] {
    A = make_not(p, O.location, make_system_call(p, O.location, "is_normalized", list1(p, B)));
}
a_expr(A) ::= a_expr(B) IS(O) NOT normal_form(F) NORMALIZED. [IS] {
    A = make_not(p, O.location, make_system_call(p, O.location, "is_normalized", list2(p, B, F)));
}
a_expr(A) ::= row(B) OVERLAPS(O) row(C). { A = make_overlaps(p, B, O.location, C); }

a_expr(A) ::= a_expr(B) BETWEEN(O) opt_asymmetric b_expr(C) AND a_expr(D). [BETWEEN] {
    A = MAKE(between, O.location, .arg = B, .low = C, .high = D);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) BETWEEN opt_asymmetric b_expr(C) AND a_expr(D). [NOT_LA] {
    A = MAKE(between, O.location, .arg = B, .low = C, .high = D, .negated = true);
}
a_expr(A) ::= a_expr(B) BETWEEN(O) SYMMETRIC b_expr(C) AND a_expr(D). [BETWEEN] {
    A = MAKE(between, O.location, .arg = B, .low = C, .high = D, .symmetric = true);
}
a_expr(A) ::= a_expr(B) NOT_LA(O) BETWEEN SYMMETRIC b_expr(C) AND a_expr(D). [NOT_LA] {
    A = MAKE(between, O.location, .arg = B, .low = C, .high = D, .negated = true, .symmetric = true);
}
opt_asymmetric ::= .
opt_asymmetric ::= ASYMMETRIC.

a_expr(A) ::= a_expr(B) IN(O) in_expr(C). { A = make_in(p, false, O.location, B, C); }
a_expr(A) ::= a_expr(B) NOT_LA(O) IN in_expr(C). [NOT_LA] { A = make_in(p, true, O.location, B, C); }
/* A subquery as ast_sublink, a list as ast_node_list. */
in_expr(A) ::= select_with_parens(B). { A = MAKE(sublink, -1, .kind = SUBLINK_ANY, .query = B.node); }
in_expr(A) ::= LPAREN expr_list(B) RPAREN. { A = MAKE(node_list, -1, .items = B); }

a_expr(A) ::= a_expr(B) subquery_op(O) any_or_all(K) select_with_parens(C). [OP] {
    A = MAKE(sublink, O.location, .kind = K ? SUBLINK_ALL : SUBLINK_ANY, .left = B,
             .names = O.names, .query = C.node);
}
a_expr(A) ::= a_expr(B) subquery_op(O) any_or_all(K) LPAREN a_expr(C) RPAREN. [OP] {
    A = MAKE(op_array, O.location, .names = O.names, .left = B, .right = C, .is_all = K);
}
%type any_or_all {int}
any_or_all(A) ::= ANY. { A = 0; }
any_or_all(A) ::= SOME. { A = 0; }
any_or_all(A) ::= ALL. { A = 1; }
a_expr(A) ::= UNIQUE(O) select_with_parens(B). {
    (void)B.node;
    A = NULL;
    parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, O.location, "UNIQUE predicate is not yet implemented");
}
a_expr(A) ::= DEFAULT(O). { A = MAKE(default, O.location); }

b_expr(A) ::= c_expr(A).
b_expr(A) ::= b_expr(B) TYPECAST(O) type_name(C). { A = MAKE(type_cast, O.location, .arg = B, .type = P(C)); }
b_expr(A) ::= PLUS(O) b_expr(B). [UMINUS] { A = make_op(p, O.location, "+", NULL, B); }
b_expr(A) ::= MINUS(O) b_expr(B). [UMINUS] { A = make_minus(p, O.location, B); }
b_expr(A) ::= b_expr(B) PLUS(O) b_expr(C). { A = make_op(p, O.location, "+", B, C); }
b_expr(A) ::= b_expr(B) MINUS(O) b_expr(C). { A = make_op(p, O.location, "-", B, C); }
b_expr(A) ::= b_expr(B) STAR(O) b_expr(C). { A = make_op(p, O.location, "*", B, C); }
b_expr(A) ::= b_expr(B) SLASH(O) b_expr(C). { A = make_op(p, O.location, "/", B, C); }
b_expr(A) ::= b_expr(B) PERCENT(O) b_expr(C). { A = make_op(p, O.location, "%", B, C); }
b_expr(A) ::= b_expr(B) CARET(O) b_expr(C). { A = make_op(p, O.location, "^", B, C); }
b_expr(A) ::= b_expr(B) LT(O) b_expr(C). { A = make_op(p, O.location, "<", B, C); }
b_expr(A) ::= b_expr(B) GT(O) b_expr(C). { A = make_op(p, O.location, ">", B, C); }
b_expr(A) ::= b_expr(B) EQ(O) b_expr(C). { A = make_op(p, O.location, "=", B, C); }
b_expr(A) ::= b_expr(B) LE(O) b_expr(C). { A = make_op(p, O.location, "<=", B, C); }
b_expr(A) ::= b_expr(B) GE(O) b_expr(C). { A = make_op(p, O.location, ">=", B, C); }
b_expr(A) ::= b_expr(B) NE(O) b_expr(C). { A = make_op(p, O.location, "<>", B, C); }
b_expr(A) ::= b_expr(B) qualified_op(O) b_expr(C). [OP] { A = make_named_op(p, O, B, C); }
b_expr(A) ::= qualified_op(O) b_expr(B). [OP] { A = make_named_op(p, O, NULL, B); }
b_expr(A) ::= b_expr(B) IS(O) DISTINCT FROM b_expr(C). [IS] {
    A = MAKE(distinct, O.location, .left = B, .right = C);
}
b_expr(A) ::= b_expr(B) IS(O) NOT DISTINCT FROM b_expr(C). [IS] {
    A = MAKE(distinct, O.location, .left = B, .right = C, .negated = true);
}
b_expr(A) ::= b_expr(B) IS(O) DOCUMENT. [IS] {
    A = MAKE(xml, O.location, .kind = XML_IS_DOCUMENT, .args = list1(p, B));
}
b_expr(A) ::= b_expr(B) IS(O) NOT DOCUMENT. [IS] {
    A = make_not(p, O.location, MAKE(xml, O.location, .kind = XML_IS_DOCUMENT, .args = list1(p, B)));
}

c_expr(A) ::= column_ref(A).
c_expr(A) ::= constant(A).
c_expr(A) ::= PARAM(T) opt_indirection(B). { A = make_indirection(p, make_param(p, T), B); }
c_expr(A) ::= LPAREN a_expr(B) RPAREN opt_indirection(C). { A = make_indirection(p, B, C); }
c_expr(A) ::= case_expr(A).
c_expr(A) ::= func_expr(A).
c_expr(A) ::= select_with_parens(B). [UMINUS] {
    A = MAKE(sublink, B.location, .kind = SUBLINK_SCALAR, .query = B.node);
}
c_expr(A) ::= select_with_parens(B) indirection(C). {
    A = make_indirection(p, MAKE(sublink, B.location, .kind = SUBLINK_SCALAR, .query = B.node), C);
}
c_expr(A) ::= EXISTS(T) select_with_parens(B). {
    A = MAKE(sublink, T.location, .kind = SUBLINK_EXISTS, .query = B.node);
}
c_expr(A) ::= ARRAY(T) select_with_parens(B). {
    A = MAKE(sublink, T.location, .kind = SUBLINK_ARRAY, .query = B.node);
}
c_expr(A) ::= ARRAY(T) array_expr(B). {
    A = B;
    A->location = T.location;
}
c_expr(A) ::= explicit_row(A).
c_expr(A) ::= implicit_row(A).
c_expr(A) ::= GROUPING(T) LPAREN expr_list(B) RPAREN. { A = MAKE(grouping_func, T.location, .args = B); }

row(A) ::= explicit_row(A).
row(A) ::= implicit_row(A).
explicit_row(A) ::= ROW(T) LPAREN expr_list(B) RPAREN. { A = MAKE(row, T.location, .args = B, .explicit_row = true); }
explicit_row(A) ::= ROW(T) LPAREN RPAREN. { A = MAKE(row, T.location, .explicit_row = true); }
implicit_row(A) ::= LPAREN(T) expr_list(B) COMMA a_expr(C) RPAREN. {
    A = MAKE(row, T.location, .args = list_add(p, B, C));
}

array_expr(A) ::= LBRACK(T) expr_list(B) RBRACK. { A = MAKE(array, T.location, .elements = B); }
array_expr(A) ::= LBRACK(T) array_expr_list(B) RBRACK. { A = MAKE(array, T.location, .elements = B); }
array_expr(A) ::= LBRACK(T) RBRACK. { A = MAKE(array, T.location); }
%type array_expr_list {struct list *}
array_expr_list(A) ::= array_expr(B). { A = list1(p, B); }
array_expr_list(A) ::= array_expr_list(A) COMMA array_expr(B). { A = list_add(p, A, B); }

%type expr_list {struct list *}
expr_list(A) ::= a_expr(B). { A = list1(p, B); }
expr_list(A) ::= expr_list(A) COMMA a_expr(B). { A = list_add(p, A, B); }

column_ref(A) ::= col_id(B). { A = make_column_ref(p, B, NULL); }
column_ref(A) ::= col_id(B) indirection(C). { A = make_column_ref(p, B, C); }

%type indirection {struct list *}
indirection(A) ::= indirection_step(B). { A = list1(p, B); }
indirection(A) ::= indirection(A) indirection_step(B). { A = list_add(p, A, B); }
%type opt_indirection {struct list *}
opt_indirection(A) ::= . { A = NULL; }
opt_indirection(A) ::= opt_indirection(B) indirection_step(C). { A = list_add(p, B, C); }
indirection_step(A) ::= DOT col_label(B). { A = MAKE(field, B.location, .name = P(B.text)); }
indirection_step(A) ::= DOT STAR(T). { A = MAKE(field, T.location); }
indirection_step(A) ::= LBRACK(T) a_expr(B) RBRACK. { A = MAKE(subscript, T.location, .high = B); }
indirection_step(A) ::= LBRACK(T) opt_slice_bound(B) COLON opt_slice_bound(C) RBRACK. {
    A = MAKE(subscript, T.location, .slice = true, .low = B, .high = C);
}
opt_slice_bound(A) ::= . { A = NULL; }
opt_slice_bound(A) ::= a_expr(A).

constant(A) ::= ICONST(T). { A = make_token_literal(p, LITERAL_INTEGER, T); }
constant(A) ::= FCONST(T). { A = make_token_literal(p, LITERAL_NUMERIC, T); }
constant(A) ::= SCONST(T). { A = make_token_literal(p, LITERAL_STRING, T); }
constant(A) ::= BCONST(T). { A = make_token_literal(p, LITERAL_BITS, T); }
constant(A) ::= XCONST(T). { A = make_token_literal(p, LITERAL_HEX, T); }
constant(A) ::= TRUE(T). { A = make_bool(p, true, T.location); }
constant(A) ::= FALSE(T). { A = make_bool(p, false, T.location); }
constant(A) ::= NULL(T). { A = make_null(p, T.location); }
constant(A) ::= func_name(B) SCONST(C). {
    A = MAKE(type_cast, B.location, .arg = make_token_literal(p, LITERAL_STRING, C),
             .type = P(make_type(p, B, NULL)));
}
constant(A) ::= func_name(B) LPAREN func_arg_list(C) opt_sort_clause(D) RPAREN SCONST(E). {
    LIST_EACH(struct node *, arg, C) {
        if (arg->kind == NODE_NAMED_ARG)
            parse_fail_at(p, ST_SYNTAX_ERROR, arg->location, "type modifier cannot have parameter name");
    }
    if (D) parse_fail_at(p, ST_SYNTAX_ERROR, B.location, "type modifier cannot have ORDER BY");
    A = MAKE(type_cast, B.location, .arg = make_token_literal(p, LITERAL_STRING, E),
             .type = P(make_type(p, B, C)));
}
constant(A) ::= const_type(B) SCONST(C). {
    A = MAKE(type_cast, B->location, .arg = make_token_literal(p, LITERAL_STRING, C), .type = P(B));
}
constant(A) ::= INTERVAL(T) SCONST(B) opt_interval(C). {
    A = MAKE(type_cast, T.location, .arg = make_token_literal(p, LITERAL_STRING, B),
             .type = P(make_system_type(p, T.location, "interval", C)));
}
constant(A) ::= INTERVAL(T) LPAREN integer(N) RPAREN SCONST(B). {
    struct list *modifiers =
        list2(p, make_integer(p, INTERVAL_MASK_FULL, -1), make_integer(p, N, -1));
    A = MAKE(type_cast, T.location, .arg = make_token_literal(p, LITERAL_STRING, B),
             .type = P(make_system_type(p, T.location, "interval", modifiers)));
}

/* Operators by name. */
%type qualified_op {struct qname}
qualified_op(A) ::= OP(T). { A = qname1(p, T); }
qualified_op(A) ::= OPERATOR(T) LPAREN any_operator(B) RPAREN. {
    A = B;
    A.location = T.location;
}
%type any_operator {struct qname}
any_operator(A) ::= all_op(B). { A = qname1(p, B); }
any_operator(A) ::= col_id(B) DOT any_operator(C). {
    A = qname1(p, B);
    A.names = list_concat(p, A.names, C.names);
}
%type all_op {struct token}
all_op(A) ::= OP(A).
all_op(A) ::= math_op(A).
%type math_op {struct token}
math_op(A) ::= PLUS(T). { A = T; A.text = "+"; }
math_op(A) ::= MINUS(T). { A = T; A.text = "-"; }
math_op(A) ::= STAR(T). { A = T; A.text = "*"; }
math_op(A) ::= SLASH(T). { A = T; A.text = "/"; }
math_op(A) ::= PERCENT(T). { A = T; A.text = "%"; }
math_op(A) ::= CARET(T). { A = T; A.text = "^"; }
math_op(A) ::= LT(T). { A = T; A.text = "<"; }
math_op(A) ::= GT(T). { A = T; A.text = ">"; }
math_op(A) ::= EQ(T). { A = T; A.text = "="; }
math_op(A) ::= LE(T). { A = T; A.text = "<="; }
math_op(A) ::= GE(T). { A = T; A.text = ">="; }
math_op(A) ::= NE(T). { A = T; A.text = "<>"; }
%type subquery_op {struct qname}
subquery_op(A) ::= all_op(B). { A = qname1(p, B); }
subquery_op(A) ::= OPERATOR(T) LPAREN any_operator(B) RPAREN. {
    A = B;
    A.location = T.location;
}
subquery_op(A) ::= LIKE(T). { A = qname1(p, (struct token){.text = "~~", .location = T.location}); }
subquery_op(A) ::= NOT_LA(T) LIKE. { A = qname1(p, (struct token){.text = "!~~", .location = T.location}); }
subquery_op(A) ::= ILIKE(T). { A = qname1(p, (struct token){.text = "~~*", .location = T.location}); }
subquery_op(A) ::= NOT_LA(T) ILIKE. { A = qname1(p, (struct token){.text = "!~~*", .location = T.location}); }
