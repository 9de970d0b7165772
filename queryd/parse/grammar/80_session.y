/* ---- every statement -------------------------------------------------------------------------- */

statement(A) ::= preparable(A).
statement(A) ::= merge_statement(A).
statement(A) ::= create_statement(A).
statement(A) ::= create_element(A).
statement(A) ::= alter_statement(A).
statement(A) ::= drop_statement(A).
statement(A) ::= grant_statement(A).
statement(A) ::= revoke_statement(A).
statement(A) ::= comment_statement(A).
statement(A) ::= truncate_statement(A).
statement(A) ::= copy_statement(A).
statement(A) ::= refresh_statement(A).
statement(A) ::= do_statement(A).
statement(A) ::= call_statement(A).
statement(A) ::= reassign_statement(A).
statement(A) ::= transaction_statement(A).
statement(A) ::= set_statement(A).
statement(A) ::= tool_statement(A).

/* What PREPARE, DECLARE, COPY and WITH can hold. */
preparable(A) ::= select_statement(A).
preparable(A) ::= insert_statement(A).
preparable(A) ::= update_statement(A).
preparable(A) ::= delete_statement(A).

/* ---- transactions ----------------------------------------------------------------------------- */

/* Not inside BEGIN ATOMIC … END. */
begin_end(A) ::= BEGIN(T) opt_transaction opt_modes(B). { A = MAKE(transaction, T.location, TXN_BEGIN, B); }
transaction_statement(A) ::= START(T) TRANSACTION opt_modes(B). { A = MAKE(transaction, T.location, TXN_START, B); }
transaction_statement(A) ::= COMMIT(T) opt_transaction opt_chain(C). { A = MAKE(transaction, T.location, TXN_COMMIT, .chain = C); }
begin_end(A) ::= END(T) opt_transaction opt_chain(C). { A = MAKE(transaction, T.location, TXN_COMMIT, .chain = C); }
transaction_statement(A) ::= ROLLBACK(T) opt_transaction opt_chain(C). { A = MAKE(transaction, T.location, TXN_ROLLBACK, .chain = C); }
transaction_statement(A) ::= ABORT(T) opt_transaction opt_chain(C). { A = MAKE(transaction, T.location, TXN_ROLLBACK, .chain = C); }
transaction_statement(A) ::= SAVEPOINT(T) col_id(B). { A = MAKE(transaction, T.location, TXN_SAVEPOINT, .name = P(B.text)); }
transaction_statement(A) ::= RELEASE(T) SAVEPOINT col_id(B). { A = MAKE(transaction, T.location, TXN_RELEASE, .name = P(B.text)); }
transaction_statement(A) ::= RELEASE(T) col_id(B). { A = MAKE(transaction, T.location, TXN_RELEASE, .name = P(B.text)); }
transaction_statement(A) ::= ROLLBACK(T) opt_transaction TO SAVEPOINT col_id(B). { A = MAKE(transaction, T.location, TXN_ROLLBACK_TO, .name = P(B.text)); }
transaction_statement(A) ::= ROLLBACK(T) opt_transaction TO col_id(B). { A = MAKE(transaction, T.location, TXN_ROLLBACK_TO, .name = P(B.text)); }
transaction_statement(A) ::= PREPARE(T) TRANSACTION string(B). { A = MAKE(transaction, T.location, TXN_PREPARE, .name = B); }
transaction_statement(A) ::= COMMIT(T) PREPARED string(B). { A = MAKE(transaction, T.location, TXN_COMMIT_PREPARED, .name = B); }
transaction_statement(A) ::= ROLLBACK(T) PREPARED string(B). { A = MAKE(transaction, T.location, TXN_ROLLBACK_PREPARED, .name = B); }
opt_transaction ::= .
opt_transaction ::= WORK.
opt_transaction ::= TRANSACTION.
%type opt_chain {int}
opt_chain(A) ::= . { A = 0; }
opt_chain(A) ::= AND CHAIN. { A = 1; }
opt_chain(A) ::= AND NO CHAIN. { A = 0; }
%type opt_modes {struct list *}
opt_modes(A) ::= . { A = NULL; }
opt_modes(A) ::= modes(A).
%type modes {struct list *}
modes(A) ::= mode(B). { A = list1(p, B); }
modes(A) ::= modes(A) mode(B). { A = list_add(p, A, B); }
modes(A) ::= modes(A) COMMA mode(B). { A = list_add(p, A, B); }
mode(A) ::= ISOLATION(T) LEVEL isolation(B). { A = make_def(p, T.location, "transaction_isolation", B); }
mode(A) ::= READ(T) ONLY. { A = make_def(p, T.location, "transaction_read_only", make_integer(p, 1, T.location)); }
mode(A) ::= READ(T) WRITE. { A = make_def(p, T.location, "transaction_read_only", make_integer(p, 0, T.location)); }
mode(A) ::= DEFERRABLE(T). { A = make_def(p, T.location, "transaction_deferrable", make_integer(p, 1, T.location)); }
mode(A) ::= NOT(T) DEFERRABLE. { A = make_def(p, T.location, "transaction_deferrable", make_integer(p, 0, T.location)); }
isolation(A) ::= READ(T) UNCOMMITTED. { A = make_string(p, "read uncommitted", T.location); }
isolation(A) ::= READ(T) COMMITTED. { A = make_string(p, "read committed", T.location); }
isolation(A) ::= REPEATABLE(T) READ. { A = make_string(p, "repeatable read", T.location); }
isolation(A) ::= SERIALIZABLE(T). { A = make_string(p, "serializable", T.location); }

/* ---- settings --------------------------------------------------------------------------------- */

set_statement(A) ::= SET(T) set_rest(B). { A = B; A->location = T.location; }
set_statement(A) ::= SET(T) LOCAL set_rest(B). { A = B; A->location = T.location; ast_as_set_variable(A)->local = true; }
set_statement(A) ::= SET(T) SESSION set_rest(B). { A = B; A->location = T.location; }
set_statement(A) ::= reset(A).
set_statement(A) ::= SHOW(T) variable(B). { A = MAKE(show, T.location, B); }
set_statement(A) ::= SHOW(T) TIME ZONE. { A = MAKE(show, T.location, P("timezone")); }
set_statement(A) ::= SHOW(T) TRANSACTION ISOLATION LEVEL. { A = MAKE(show, T.location, P("transaction_isolation")); }
set_statement(A) ::= SHOW(T) SESSION AUTHORIZATION. { A = MAKE(show, T.location, P("session_authorization")); }
set_statement(A) ::= SHOW(T) ALL. { A = MAKE(show, T.location, P("all")); }
set_statement(A) ::= SET(T) CONSTRAINTS constraints_list(B) constraints_mode(C). { A = MAKE(set_constraints, T.location, B, C); }
%type constraints_list {struct list *}
constraints_list(A) ::= ALL. { A = NULL; }
constraints_list(A) ::= qualified_name_list(A).
%type constraints_mode {int}
constraints_mode(A) ::= DEFERRED. { A = 1; }
constraints_mode(A) ::= IMMEDIATE. { A = 0; }

set_rest(A) ::= TRANSACTION(T) modes(B). { A = MAKE(set_variable, T.location, SET_MULTI, P("TRANSACTION"), B); }
set_rest(A) ::= SESSION(T) CHARACTERISTICS AS TRANSACTION modes(B). { A = MAKE(set_variable, T.location, SET_MULTI, P("SESSION CHARACTERISTICS"), B); }
set_rest(A) ::= set_rest_more(A).
set_rest_more(A) ::= generic_set(A).
set_rest_more(A) ::= variable(B) FROM CURRENT. { A = MAKE(set_variable, -1, SET_FROM_CURRENT, B); }
set_rest_more(A) ::= TIME ZONE zone_value(B). {
    A = MAKE(set_variable, -1, B ? SET_VALUE : SET_DEFAULT, P("timezone"), B ? list1(p, B) : NULL);
}
set_rest_more(A) ::= CATALOG(T) string. {
    A = NULL;
    parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, T.location, "current database cannot be changed");
}
set_rest_more(A) ::= SCHEMA(T) SCONST(B). { A = MAKE(set_variable, T.location, SET_VALUE, P("search_path"), list1(p, make_token_literal(p, LITERAL_STRING, B))); }
set_rest_more(A) ::= NAMES(T) set_encoding(B). {
    A = MAKE(set_variable, T.location, B ? SET_VALUE : SET_DEFAULT, P("client_encoding"), B ? list1(p, B) : NULL);
}
set_rest_more(A) ::= ROLE(T) word_or_string(B). { A = MAKE(set_variable, T.location, SET_VALUE, P("role"), list1(p, B)); }
set_rest_more(A) ::= SESSION(T) AUTHORIZATION word_or_string(B). { A = MAKE(set_variable, T.location, SET_VALUE, P("session_authorization"), list1(p, B)); }
set_rest_more(A) ::= SESSION(T) AUTHORIZATION DEFAULT. { A = MAKE(set_variable, T.location, SET_DEFAULT, P("session_authorization")); }
set_rest_more(A) ::= XML(T) OPTION document_or_content. { A = MAKE(set_variable, T.location, SET_VALUE, P("xmloption"), list1(p, make_string(p, "content", -1))); }
set_rest_more(A) ::= TRANSACTION(T) SNAPSHOT SCONST(B). { A = MAKE(set_variable, T.location, SET_MULTI, P("TRANSACTION SNAPSHOT"), list1(p, make_token_literal(p, LITERAL_STRING, B))); }
generic_set(A) ::= variable(B) TO set_values(C). { A = MAKE(set_variable, -1, SET_VALUE, B, C); }
generic_set(A) ::= variable(B) EQ set_values(C). { A = MAKE(set_variable, -1, SET_VALUE, B, C); }
generic_set(A) ::= variable(B) TO DEFAULT. { A = MAKE(set_variable, -1, SET_DEFAULT, B); }
generic_set(A) ::= variable(B) EQ DEFAULT. { A = MAKE(set_variable, -1, SET_DEFAULT, B); }
%type variable {char *}
variable(A) ::= col_id(B). { A = P(B.text); }
variable(A) ::= variable(B) DOT col_id(C). { A = parse_join(p, B, ".", C.text); }
%type set_values {struct list *}
set_values(A) ::= set_value(B). { A = list1(p, B); }
set_values(A) ::= set_values(A) COMMA set_value(B). { A = list_add(p, A, B); }
set_value(A) ::= word_or_string(A).
set_value(A) ::= signed_number(A).
/* NULL: LOCAL or DEFAULT */
zone_value(A) ::= SCONST(B). { A = make_token_literal(p, LITERAL_STRING, B); }
zone_value(A) ::= IDENT(B). { A = make_string(p, B.text, B.location); }
zone_value(A) ::= INTERVAL(T) SCONST(B) opt_interval(C). {
    A = MAKE(type_cast, T.location, .arg = make_token_literal(p, LITERAL_STRING, B), .type = P(make_system_type(p, T.location, "interval", C)));
}
zone_value(A) ::= INTERVAL(T) LPAREN integer(N) RPAREN SCONST(B). {
    struct list *modifiers = list2(p, make_integer(p, INTERVAL_MASK_FULL, -1), make_integer(p, N, -1));
    A = MAKE(type_cast, T.location, .arg = make_token_literal(p, LITERAL_STRING, B), .type = P(make_system_type(p, T.location, "interval", modifiers)));
}
zone_value(A) ::= signed_number(A).
zone_value(A) ::= DEFAULT. { A = NULL; }
zone_value(A) ::= LOCAL. { A = NULL; }
set_encoding(A) ::= . { A = NULL; }
set_encoding(A) ::= DEFAULT. { A = NULL; }
set_encoding(A) ::= SCONST(B). { A = make_token_literal(p, LITERAL_STRING, B); }

reset(A) ::= RESET(T) variable(B). { A = MAKE(set_variable, T.location, SET_RESET, B); }
reset(A) ::= RESET(T) TIME ZONE. { A = MAKE(set_variable, T.location, SET_RESET, P("timezone")); }
reset(A) ::= RESET(T) TRANSACTION ISOLATION LEVEL. { A = MAKE(set_variable, T.location, SET_RESET, P("transaction_isolation")); }
reset(A) ::= RESET(T) SESSION AUTHORIZATION. { A = MAKE(set_variable, T.location, SET_RESET, P("session_authorization")); }
reset(A) ::= RESET(T) ALL. { A = MAKE(set_variable, T.location, SET_RESET_ALL); }
set_reset_clause(A) ::= SET set_rest(B). { A = B; }
set_reset_clause(A) ::= reset(A).
func_set_clause(A) ::= SET set_rest_more(B). { A = B; }
func_set_clause(A) ::= reset(A).
alter_statement(A) ::= ALTER(T) SYSTEM SET generic_set(B). { A = MAKE(alter_system, T.location, P(B)); }
alter_statement(A) ::= ALTER(T) SYSTEM reset(B). { A = MAKE(alter_system, T.location, P(B)); }

/* ---- prepared statements, cursors ------------------------------------------------------------- */

tool_statement(A) ::= PREPARE(T) name(B) prepare_types(C) AS(K) preparable(D). { A = MAKE(prepare, T.location, B, C, D, .query_at = K.location + 2); }
%type prepare_types {struct list *}
prepare_types(A) ::= . { A = NULL; }
prepare_types(A) ::= LPAREN type_list(B) RPAREN. { A = B; }
tool_statement(A) ::= EXECUTE(T) name(B) execute_args(C). { A = MAKE(execute, T.location, B, C); }
%type execute_args {struct list *}
execute_args(A) ::= . { A = NULL; }
execute_args(A) ::= LPAREN expr_list(B) RPAREN. { A = B; }
tool_statement(A) ::= DEALLOCATE(T) name(B). { A = MAKE(deallocate, T.location, B); }
tool_statement(A) ::= DEALLOCATE(T) PREPARE name(B). { A = MAKE(deallocate, T.location, B); }
tool_statement(A) ::= DEALLOCATE(T) ALL. { A = MAKE(deallocate, T.location); }
tool_statement(A) ::= DEALLOCATE(T) PREPARE ALL. { A = MAKE(deallocate, T.location); }
tool_statement(A) ::= DECLARE(T) name(B) cursor_options(C) CURSOR cursor_hold(D) FOR select_statement(E). {
    A = MAKE(declare_cursor, T.location, B, C | D, E);
}
%type cursor_options {int}
cursor_options(A) ::= . { A = 0; }
cursor_options(A) ::= cursor_options(B) NO SCROLL. { A = B | CURSOR_NO_SCROLL; }
cursor_options(A) ::= cursor_options(B) SCROLL. { A = B | CURSOR_SCROLL; }
cursor_options(A) ::= cursor_options(B) BINARY. { A = B | CURSOR_BINARY; }
cursor_options(A) ::= cursor_options(B) ASENSITIVE. { A = B | CURSOR_ASENSITIVE; }
cursor_options(A) ::= cursor_options(B) INSENSITIVE. { A = B | CURSOR_INSENSITIVE; }
%type cursor_hold {int}
cursor_hold(A) ::= . { A = 0; }
cursor_hold(A) ::= WITH HOLD. { A = CURSOR_HOLD; }
cursor_hold(A) ::= WITHOUT HOLD. { A = 0; }
tool_statement(A) ::= FETCH(T) fetch_args(B). { A = B; A->location = T.location; }
tool_statement(A) ::= MOVE(T) fetch_args(B). { A = B; A->location = T.location; ast_as_fetch(A)->move = true; }
fetch_args(A) ::= name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, 1, N); }
fetch_args(A) ::= from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, 1, N); }
fetch_args(A) ::= NEXT opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, 1, N); }
fetch_args(A) ::= PRIOR opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_BACKWARD, 1, N); }
fetch_args(A) ::= FIRST opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_ABSOLUTE, 1, N); }
fetch_args(A) ::= LAST opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_ABSOLUTE, -1, N); }
fetch_args(A) ::= ABSOLUTE signed_integer(C) opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_ABSOLUTE, C, N); }
fetch_args(A) ::= RELATIVE signed_integer(C) opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_RELATIVE, C, N); }
fetch_args(A) ::= signed_integer(C) opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, C, N); }
fetch_args(A) ::= ALL opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, FETCH_ALL, N); }
fetch_args(A) ::= FORWARD opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, 1, N); }
fetch_args(A) ::= FORWARD signed_integer(C) opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, C, N); }
fetch_args(A) ::= FORWARD ALL opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_FORWARD, FETCH_ALL, N); }
fetch_args(A) ::= BACKWARD opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_BACKWARD, 1, N); }
fetch_args(A) ::= BACKWARD signed_integer(C) opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_BACKWARD, C, N); }
fetch_args(A) ::= BACKWARD ALL opt_from_in name(N). { A = MAKE(fetch, -1, FETCH_BACKWARD, FETCH_ALL, N); }
from_in ::= FROM.
from_in ::= IN.
opt_from_in ::= .
opt_from_in ::= from_in.
tool_statement(A) ::= CLOSE(T) name(B). { A = MAKE(close, T.location, B); }
tool_statement(A) ::= CLOSE(T) ALL. { A = MAKE(close, T.location); }

/* ---- tools ------------------------------------------------------------------------------------ */

tool_statement(A) ::= EXPLAIN(T) explainable(B). { A = MAKE(explain, T.location, B); }
tool_statement(A) ::= EXPLAIN(T) analyze_word(W) opt_verbose(V) explainable(B). {
    struct list *options = list1(p, make_def(p, W.location, "analyze", NULL));
    if (V) options = list_add(p, options, make_def(p, W.location, "verbose", NULL));
    A = MAKE(explain, T.location, B, options);
}
tool_statement(A) ::= EXPLAIN(T) VERBOSE(V) explainable(B). { A = MAKE(explain, T.location, B, list1(p, make_def(p, V.location, "verbose", NULL))); }
tool_statement(A) ::= EXPLAIN(T) LPAREN utility_options(O) RPAREN explainable(B). { A = MAKE(explain, T.location, B, O); }
%type analyze_word {struct token}
analyze_word(A) ::= ANALYZE(A).
analyze_word(A) ::= ANALYSE(A).
%type opt_verbose {int}
opt_verbose(A) ::= . { A = 0; }
opt_verbose(A) ::= VERBOSE. { A = 1; }
explainable(A) ::= preparable(A).
explainable(A) ::= merge_statement(A).
explainable(A) ::= DECLARE(T) name(B) cursor_options(C) CURSOR cursor_hold(D) FOR select_statement(E). {
    A = MAKE(declare_cursor, T.location, B, C | D, E);
}
explainable(A) ::= CREATE(T) opt_temp(X) TABLE create_as_target(B) AS create_as_query(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C);
}
explainable(A) ::= CREATE(T) opt_temp(X) TABLE IF NOT EXISTS create_as_target(B) AS create_as_query(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C, .if_not_exists = true);
}
explainable(A) ::= CREATE(T) opt_unlogged(X) MATERIALIZED VIEW matview_target(B) AS select_statement(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C, .materialized_view = true);
}
explainable(A) ::= REFRESH(T) MATERIALIZED VIEW opt_concurrently(C) qualified_name(B) with_data(D). {
    A = MAKE(refresh, T.location, .relation = P(B), .concurrently = C, .no_data = !D);
}
explainable(A) ::= EXECUTE(T) name(B) execute_args(C). { A = MAKE(execute, T.location, B, C); }

/* (option [value], …) of EXPLAIN, VACUUM, ANALYZE, REINDEX, CLUSTER. */
%type utility_options {struct list *}
utility_options(A) ::= utility_option(B). { A = list1(p, B); }
utility_options(A) ::= utility_options(A) COMMA utility_option(B). { A = list_add(p, A, B); }
utility_option(A) ::= utility_option_name(B) utility_option_value(C). { A = make_def(p, B.location, B.text, C); }
%type utility_option_name {struct token}
utility_option_name(A) ::= non_reserved_word(A).
utility_option_name(A) ::= analyze_word(T). { A = T; A.text = "analyze"; }
utility_option_value(A) ::= . { A = NULL; }
utility_option_value(A) ::= word_or_string(A).
utility_option_value(A) ::= signed_number(A).

tool_statement(A) ::= VACUUM(T) vacuum_words(B) opt_vacuum_relations(C). { A = MAKE(vacuum, T.location, .options = B, .relations = C); }
tool_statement(A) ::= VACUUM(T) LPAREN utility_options(B) RPAREN opt_vacuum_relations(C). { A = MAKE(vacuum, T.location, .options = B, .relations = C); }
tool_statement(A) ::= analyze_word(T) opt_verbose(V) opt_vacuum_relations(C). {
    A = MAKE(vacuum, T.location, .analyze_only = true, .relations = C,
             .options = V ? list1(p, make_def(p, T.location, "verbose", NULL)) : NULL);
}
tool_statement(A) ::= analyze_word(T) LPAREN utility_options(B) RPAREN opt_vacuum_relations(C). {
    A = MAKE(vacuum, T.location, .analyze_only = true, .options = B, .relations = C);
}
/* VACUUM FULL FREEZE VERBOSE ANALYZE, in that order. */
%type vacuum_words {struct list *}
vacuum_words(A) ::= vacuum_full(B) vacuum_freeze(C) vacuum_verbose(D) vacuum_analyze(E). {
    A = NULL;
    if (B) A = list_add(p, A, B);
    if (C) A = list_add(p, A, C);
    if (D) A = list_add(p, A, D);
    if (E) A = list_add(p, A, E);
}
vacuum_full(A) ::= . { A = NULL; }
vacuum_full(A) ::= FULL(T). { A = make_def(p, T.location, "full", NULL); }
vacuum_freeze(A) ::= . { A = NULL; }
vacuum_freeze(A) ::= FREEZE(T). { A = make_def(p, T.location, "freeze", NULL); }
vacuum_verbose(A) ::= . { A = NULL; }
vacuum_verbose(A) ::= VERBOSE(T). { A = make_def(p, T.location, "verbose", NULL); }
vacuum_analyze(A) ::= . { A = NULL; }
vacuum_analyze(A) ::= analyze_word(T). { A = make_def(p, T.location, "analyze", NULL); }
%type opt_vacuum_relations {struct list *}
opt_vacuum_relations(A) ::= . { A = NULL; }
opt_vacuum_relations(A) ::= vacuum_relations(A).
%type vacuum_relations {struct list *}
vacuum_relations(A) ::= vacuum_relation(B). { A = list1(p, B); }
vacuum_relations(A) ::= vacuum_relations(A) COMMA vacuum_relation(B). { A = list_add(p, A, B); }
vacuum_relation(A) ::= qualified_name(B) opt_name_list(C). { A = MAKE(vacuum_relation, B->location, P(B), C); }

tool_statement(A) ::= CHECKPOINT(T). { A = MAKE(checkpoint, T.location); }
tool_statement(A) ::= LOAD(T) string(B). { A = MAKE(load, T.location, B); }
tool_statement(A) ::= DISCARD(T) ALL. { A = MAKE(discard, T.location, DISCARD_ALL); }
tool_statement(A) ::= DISCARD(T) TEMP. { A = MAKE(discard, T.location, DISCARD_TEMP); }
tool_statement(A) ::= DISCARD(T) TEMPORARY. { A = MAKE(discard, T.location, DISCARD_TEMP); }
tool_statement(A) ::= DISCARD(T) PLANS. { A = MAKE(discard, T.location, DISCARD_PLANS); }
tool_statement(A) ::= DISCARD(T) SEQUENCES. { A = MAKE(discard, T.location, DISCARD_SEQUENCES); }
tool_statement(A) ::= LISTEN(T) col_id(B). { A = MAKE(notify, T.location, NOTIFY_LISTEN, P(B.text)); }
tool_statement(A) ::= UNLISTEN(T) col_id(B). { A = MAKE(notify, T.location, NOTIFY_UNLISTEN, P(B.text)); }
tool_statement(A) ::= UNLISTEN(T) STAR. { A = MAKE(notify, T.location, NOTIFY_UNLISTEN); }
tool_statement(A) ::= NOTIFY(T) col_id(B). { A = MAKE(notify, T.location, NOTIFY_NOTIFY, P(B.text)); }
tool_statement(A) ::= NOTIFY(T) col_id(B) COMMA string(C). { A = MAKE(notify, T.location, NOTIFY_NOTIFY, P(B.text), C); }

tool_statement(A) ::= LOCK(T) opt_table relation_expr_list(B) lock_mode_clause(C) opt_nowait(D). { A = MAKE(lock, T.location, B, C, D); }
%type lock_mode_clause {int}
lock_mode_clause(A) ::= . { A = LOCK_ACCESS_EXCLUSIVE; }
lock_mode_clause(A) ::= IN lock_mode(B) MODE. { A = B; }
%type lock_mode {int}
lock_mode(A) ::= ACCESS SHARE. { A = LOCK_ACCESS_SHARE; }
lock_mode(A) ::= ROW SHARE. { A = LOCK_ROW_SHARE; }
lock_mode(A) ::= ROW EXCLUSIVE. { A = LOCK_ROW_EXCLUSIVE; }
lock_mode(A) ::= SHARE UPDATE EXCLUSIVE. { A = LOCK_SHARE_UPDATE_EXCLUSIVE; }
lock_mode(A) ::= SHARE. { A = LOCK_SHARE; }
lock_mode(A) ::= SHARE ROW EXCLUSIVE. { A = LOCK_SHARE_ROW_EXCLUSIVE; }
lock_mode(A) ::= EXCLUSIVE. { A = LOCK_EXCLUSIVE; }
lock_mode(A) ::= ACCESS EXCLUSIVE. { A = LOCK_ACCESS_EXCLUSIVE; }
%type opt_nowait {int}
opt_nowait(A) ::= . { A = 0; }
opt_nowait(A) ::= NOWAIT. { A = 1; }

tool_statement(A) ::= REINDEX(T) reindex_options(O) reindex_table(K) opt_concurrently(C) qualified_name(B). {
    A = MAKE(reindex, T.location, K, P(B), .options = C ? list_add(p, O, make_def(p, T.location, "concurrently", NULL)) : O);
}
tool_statement(A) ::= REINDEX(T) reindex_options(O) reindex_many(K) opt_concurrently(C) name(B). {
    A = MAKE(reindex, T.location, K, .name = B, .options = C ? list_add(p, O, make_def(p, T.location, "concurrently", NULL)) : O);
}
%type reindex_options {struct list *}
reindex_options(A) ::= . { A = NULL; }
reindex_options(A) ::= LPAREN utility_options(B) RPAREN. { A = B; }
%type reindex_table {int}
reindex_table(A) ::= INDEX. { A = OBJECT_INDEX; }
reindex_table(A) ::= TABLE. { A = OBJECT_TABLE; }
%type reindex_many {int}
reindex_many(A) ::= SCHEMA. { A = OBJECT_SCHEMA; }
reindex_many(A) ::= SYSTEM. { A = OBJECT_SYSTEM; }
reindex_many(A) ::= DATABASE. { A = OBJECT_DATABASE; }

tool_statement(A) ::= CLUSTER(T) opt_verbose(V) qualified_name(B) cluster_index(C). {
    A = MAKE(cluster, T.location, P(B), C, V ? list1(p, make_def(p, T.location, "verbose", NULL)) : NULL);
}
tool_statement(A) ::= CLUSTER(T) LPAREN utility_options(O) RPAREN qualified_name(B) cluster_index(C). { A = MAKE(cluster, T.location, P(B), C, O); }
tool_statement(A) ::= CLUSTER(T) opt_verbose(V). {
    A = MAKE(cluster, T.location, .options = V ? list1(p, make_def(p, T.location, "verbose", NULL)) : NULL);
}
tool_statement(A) ::= CLUSTER(T) opt_verbose(V) name(I) ON qualified_name(B). {
    A = MAKE(cluster, T.location, P(B), I, V ? list1(p, make_def(p, T.location, "verbose", NULL)) : NULL);
}
%type cluster_index {char *}
cluster_index(A) ::= . { A = NULL; }
cluster_index(A) ::= USING name(B). { A = B; }

tool_statement(A) ::= SECURITY(T) LABEL rest. { A = MAKE(unsupported, T.location, "SECURITY LABEL"); }
tool_statement(A) ::= IMPORT(T) FOREIGN SCHEMA rest. { A = MAKE(unsupported, T.location, "IMPORT FOREIGN SCHEMA"); }
