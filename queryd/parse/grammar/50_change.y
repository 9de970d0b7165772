/* ---- INSERT, UPDATE, DELETE, MERGE, TRUNCATE, COPY -------------------------------------------- */

insert_statement(A) ::= opt_with_clause(W) INSERT(T) INTO insert_target(B) insert_rest(C) on_conflict(D) returning_clause(E). {
    A = C;
    A->location = T.location;
    struct ast_insert *i = ast_as_insert(A);
    i->with = P(W);
    i->relation = P(B);
    i->on_conflict = P(D);
    i->returning = E;
}
insert_target(A) ::= qualified_name(A).
insert_target(A) ::= qualified_name(B) AS col_id(C). {
    A = B;
    ast_as_range_var(A)->alias = P(MAKE(alias, C.location, .name = P(C.text)));
}
insert_rest(A) ::= select_statement(B). { A = MAKE(insert, -1, .source = P(B)); }
insert_rest(A) ::= OVERRIDING override(O) VALUE select_statement(B). { A = MAKE(insert, -1, .source = P(B), .override = O); }
insert_rest(A) ::= LPAREN insert_columns(C) RPAREN select_statement(B). { A = MAKE(insert, -1, .columns = C, .source = P(B)); }
insert_rest(A) ::= LPAREN insert_columns(C) RPAREN OVERRIDING override(O) VALUE select_statement(B). {
    A = MAKE(insert, -1, .columns = C, .source = P(B), .override = O);
}
insert_rest(A) ::= DEFAULT VALUES. { A = MAKE(insert, -1); }
%type override {int}
override(A) ::= USER. { A = OVERRIDE_USER; }
override(A) ::= SYSTEM. { A = OVERRIDE_SYSTEM; }
%type insert_columns {struct list *}
insert_columns(A) ::= column_target(B). { A = list1(p, B); }
insert_columns(A) ::= insert_columns(A) COMMA column_target(B). { A = list_add(p, A, B); }
column_target(A) ::= col_id(B) opt_indirection(C). { A = MAKE(column_target, B.location, .name = P(B.text), .steps = C); }

on_conflict(A) ::= . { A = NULL; }
on_conflict(A) ::= ON(T) CONFLICT conflict_target(B) DO UPDATE SET set_list(C) where_clause(D). {
    A = MAKE(on_conflict, T.location, .do_update = true, .infer = P(B), .sets = C, .where = D);
}
on_conflict(A) ::= ON(T) CONFLICT conflict_target(B) DO NOTHING. { A = MAKE(on_conflict, T.location, .infer = P(B)); }
conflict_target(A) ::= . { A = NULL; }
conflict_target(A) ::= LPAREN(T) index_elements(B) RPAREN where_clause(C). { A = MAKE(infer, T.location, .elements = B, .where = C); }
conflict_target(A) ::= ON(T) CONSTRAINT name(B). { A = MAKE(infer, T.location, .constraint = B); }

%type returning_clause {struct list *}
returning_clause(A) ::= . { A = NULL; }
returning_clause(A) ::= RETURNING target_list(B). { A = B; }

delete_statement(A) ::= opt_with_clause(W) DELETE(T) FROM target_relation(B) using_clause(C) where_or_current(D) returning_clause(E). {
    A = MAKE(delete, T.location, .with = P(W), .relation = P(B), .using_tables = C, .where = D, .returning = E);
}
%type using_clause {struct list *}
using_clause(A) ::= . { A = NULL; }
using_clause(A) ::= USING from_list(B). { A = B; }

update_statement(A) ::= opt_with_clause(W) UPDATE(T) target_relation(B) SET set_list(C) from_clause(D) where_or_current(E) returning_clause(F). {
    A = MAKE(update, T.location, .with = P(W), .relation = P(B), .sets = C, .from = D, .where = E, .returning = F);
}
%type set_list {struct list *}
set_list(A) ::= set_item(B). { A = list1(p, B); }
set_list(A) ::= set_list(A) COMMA set_item(B). { A = list_add(p, A, B); }
set_item(A) ::= column_target(B) EQ a_expr(C). { A = MAKE(set, B->location, .targets = list1(p, B), .value = C); }
set_item(A) ::= LPAREN set_targets(B) RPAREN EQ a_expr(C). { A = make_set_multi(p, B, C); }
%type set_targets {struct list *}
set_targets(A) ::= column_target(B). { A = list1(p, B); }
set_targets(A) ::= set_targets(A) COMMA column_target(B). { A = list_add(p, A, B); }

merge_statement(A) ::= opt_with_clause(W) MERGE(T) INTO target_relation(B) USING table_ref(C) ON a_expr(D) merge_whens(E). {
    A = MAKE(merge, T.location, .with = P(W), .relation = P(B), .source = C, .on = D, .whens = E);
}
%type merge_whens {struct list *}
merge_whens(A) ::= merge_when(B). { A = list1(p, B); }
merge_whens(A) ::= merge_whens(A) merge_when(B). { A = list_add(p, A, B); }
merge_when(A) ::= WHEN(T) MATCHED merge_condition(C) THEN merge_matched(D). {
    A = D;
    A->location = T.location;
    ast_as_merge_when(A)->matched = true;
    ast_as_merge_when(A)->condition = C;
}
merge_when(A) ::= WHEN(T) NOT MATCHED merge_condition(C) THEN merge_not_matched(D). {
    A = D;
    A->location = T.location;
    ast_as_merge_when(A)->condition = C;
}
merge_condition(A) ::= . { A = NULL; }
merge_condition(A) ::= AND a_expr(B). { A = B; }
merge_matched(A) ::= UPDATE SET set_list(B). { A = MAKE(merge_when, -1, .action = MERGE_UPDATE, .sets = B); }
merge_matched(A) ::= DELETE. { A = MAKE(merge_when, -1, .action = MERGE_DELETE); }
merge_matched(A) ::= DO NOTHING. { A = MAKE(merge_when, -1, .action = MERGE_NOTHING); }
merge_not_matched(A) ::= INSERT merge_columns(B) merge_override(C) VALUES LPAREN expr_list(D) RPAREN. {
    A = MAKE(merge_when, -1, .action = MERGE_INSERT, .columns = B, .override = C, .values = D);
}
merge_not_matched(A) ::= INSERT DEFAULT VALUES. { A = MAKE(merge_when, -1, .action = MERGE_INSERT); }
merge_not_matched(A) ::= DO NOTHING. { A = MAKE(merge_when, -1, .action = MERGE_NOTHING); }
%type merge_columns {struct list *}
merge_columns(A) ::= . { A = NULL; }
merge_columns(A) ::= LPAREN insert_columns(B) RPAREN. { A = B; }
%type merge_override {int}
merge_override(A) ::= . { A = OVERRIDE_NONE; }
merge_override(A) ::= OVERRIDING override(B) VALUE. { A = B; }

truncate_statement(A) ::= TRUNCATE(T) opt_table relation_expr_list(B) restart_seqs(C) drop_behavior(D). {
    A = MAKE(truncate, T.location, .relations = B, .restart_identity = C, .cascade = D);
}
%type restart_seqs {int}
restart_seqs(A) ::= . { A = 0; }
restart_seqs(A) ::= CONTINUE IDENTITY. { A = 0; }
restart_seqs(A) ::= RESTART IDENTITY. { A = 1; }

/* COPY: the options in parentheses, the words of before 9.0, and those of before 7.3. */
copy_statement(A) ::= COPY(T) copy_binary(X) qualified_name(B) opt_name_list(C) copy_direction(D) opt_program(E) copy_file(F) copy_delimiter(G) opt_with copy_options(H) where_clause(W). {
    struct list *options = list_concat(p, list_concat(p, X, G), H);
    if (E && !F)
        parse_fail_at(p, ST_SYNTAX_ERROR, T.location, "STDIN/STDOUT not allowed with PROGRAM");
    if (!D && W)
        parse_fail_at(p, ST_SYNTAX_ERROR, W->location, "WHERE clause not allowed with COPY TO");
    A = MAKE(copy, T.location, .relation = P(B), .columns = C, .from = D, .program = E, .file = F,
             .options = options, .where = W);
}
copy_statement(A) ::= COPY(T) LPAREN preparable(Q) RPAREN TO opt_program(E) copy_file(F) opt_with copy_options(H). {
    if (E && !F)
        parse_fail_at(p, ST_SYNTAX_ERROR, T.location, "STDIN/STDOUT not allowed with PROGRAM");
    A = MAKE(copy, T.location, .query = Q, .program = E, .file = F, .options = H);
}
%type copy_binary {struct list *}
copy_binary(A) ::= . { A = NULL; }
copy_binary(A) ::= BINARY(T). { A = list1(p, make_def(p, T.location, "format", make_string(p, "binary", T.location))); }
/* true: FROM */
%type copy_direction {int}
copy_direction(A) ::= FROM. { A = 1; }
copy_direction(A) ::= TO. { A = 0; }
%type opt_program {int}
opt_program(A) ::= . { A = 0; }
opt_program(A) ::= PROGRAM. { A = 1; }
%type copy_file {char *}
copy_file(A) ::= string(A).
copy_file(A) ::= STDIN. { A = NULL; }
copy_file(A) ::= STDOUT. { A = NULL; }
%type copy_delimiter {struct list *}
copy_delimiter(A) ::= . { A = NULL; }
copy_delimiter(A) ::= opt_using DELIMITERS(T) SCONST(B). {
    A = list1(p, make_def(p, T.location, "delimiter", make_string(p, B.text, B.location)));
}
opt_using ::= .
opt_using ::= USING.
%type copy_options {struct list *}
copy_options(A) ::= copy_words(A).
copy_options(A) ::= LPAREN copy_generic_list(B) RPAREN. { A = B; }
%type copy_words {struct list *}
copy_words(A) ::= . { A = NULL; }
copy_words(A) ::= copy_words(B) copy_word(C). { A = list_add(p, B, C); }
copy_word(A) ::= BINARY(T). { A = make_def(p, T.location, "format", make_string(p, "binary", T.location)); }
copy_word(A) ::= FREEZE(T). { A = make_def(p, T.location, "freeze", make_bool(p, true, T.location)); }
copy_word(A) ::= DELIMITER(T) opt_as SCONST(B). { A = make_def(p, T.location, "delimiter", make_string(p, B.text, B.location)); }
copy_word(A) ::= NULL(T) opt_as SCONST(B). { A = make_def(p, T.location, "null", make_string(p, B.text, B.location)); }
copy_word(A) ::= CSV(T). { A = make_def(p, T.location, "format", make_string(p, "csv", T.location)); }
copy_word(A) ::= HEADER(T). { A = make_def(p, T.location, "header", make_bool(p, true, T.location)); }
copy_word(A) ::= QUOTE(T) opt_as SCONST(B). { A = make_def(p, T.location, "quote", make_string(p, B.text, B.location)); }
copy_word(A) ::= ESCAPE(T) opt_as SCONST(B). { A = make_def(p, T.location, "escape", make_string(p, B.text, B.location)); }
copy_word(A) ::= FORCE(T) QUOTE name_list(B). { A = make_def(p, T.location, "force_quote", MAKE(name_list, T.location, .names = B)); }
copy_word(A) ::= FORCE(T) QUOTE STAR(S). { A = make_def(p, T.location, "force_quote", MAKE(column_ref, S.location, .star = true)); }
copy_word(A) ::= FORCE(T) NOT NULL name_list(B). { A = make_def(p, T.location, "force_not_null", MAKE(name_list, T.location, .names = B)); }
copy_word(A) ::= FORCE(T) NULL name_list(B). { A = make_def(p, T.location, "force_null", MAKE(name_list, T.location, .names = B)); }
copy_word(A) ::= ENCODING(T) SCONST(B). { A = make_def(p, T.location, "encoding", make_string(p, B.text, B.location)); }
%type copy_generic_list {struct list *}
copy_generic_list(A) ::= copy_generic(B). { A = list1(p, B); }
copy_generic_list(A) ::= copy_generic_list(A) COMMA copy_generic(B). { A = list_add(p, A, B); }
copy_generic(A) ::= col_label(B) copy_generic_value(C). { A = make_def(p, B.location, B.text, C); }
copy_generic_value(A) ::= . { A = NULL; }
copy_generic_value(A) ::= word_or_string(A).
copy_generic_value(A) ::= signed_number(A).
copy_generic_value(A) ::= STAR(T). { A = MAKE(column_ref, T.location, .star = true); }
copy_generic_value(A) ::= LPAREN(T) word_list(B) RPAREN. { A = MAKE(name_list, T.location, .names = B); }
%type word_list {struct list *}
word_list(A) ::= word(B). { A = list1(p, B.text); }
word_list(A) ::= word_list(A) COMMA word(B). { A = list_add(p, A, B.text); }
/* A word or a string, where options take either. */
%type word {struct token}
word(A) ::= TRUE(A).
word(A) ::= FALSE(A).
word(A) ::= ON(A).
word(A) ::= non_reserved_word(A).
word(A) ::= SCONST(A).
word_or_string(A) ::= word(B). { A = make_string(p, B.text, B.location); }
