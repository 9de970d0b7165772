/* ---- ALTER TABLE and its kin ------------------------------------------------------------------ */

%type relation_kind {int}
relation_kind(A) ::= TABLE. { A = OBJECT_TABLE; }
relation_kind(A) ::= INDEX. { A = OBJECT_INDEX; }
relation_kind(A) ::= SEQUENCE. { A = OBJECT_SEQUENCE; }
relation_kind(A) ::= VIEW. { A = OBJECT_VIEW; }
relation_kind(A) ::= MATERIALIZED VIEW. { A = OBJECT_MATVIEW; }
relation_kind(A) ::= FOREIGN TABLE. { A = OBJECT_FOREIGN_TABLE; }

alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) alter_commands(C). {
    check_attach(p, K, C);
    A = MAKE(alter_table, T.location, .type = K, .relation = P(B), .commands = C, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) RENAME TO name(C). {
    A = MAKE(rename, T.location, .type = K, .relation_type = K, .relation = P(B), .new_name = C, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) RENAME opt_column name(C) TO name(D). {
    A = MAKE(rename, T.location, .type = OBJECT_COLUMN, .relation_type = K, .relation = P(B), .name = C,
             .new_name = D, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) RENAME CONSTRAINT name(C) TO name(D). {
    A = MAKE(rename, T.location, .type = OBJECT_TABLE_CONSTRAINT, .relation_type = K, .relation = P(B),
             .name = C, .new_name = D, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) SET SCHEMA name(C). {
    A = MAKE(alter_object, T.location, .type = K, .object = B, .new_schema = C, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) opt_no(N) DEPENDS ON EXTENSION name(C). {
    A = MAKE(alter_object, T.location, .type = K, .object = B, .extension = C, .remove = N, .if_exists = E);
}
/* Only a sequence has such options; the grammar takes them everywhere to have one reading. */
alter_statement(A) ::= ALTER(T) relation_kind(K) if_exists(E) relation_expr(B) sequence_options(C). {
    if (K != OBJECT_SEQUENCE)
        parse_syntax_error_at(p, ((struct node *)list_at(C, 0))->location);
    A = MAKE(sequence, T.location, .alter = true, .relation = P(B), .options = C, .if_exists = E);
}
alter_statement(A) ::= ALTER(T) relation_kind ALL IN TABLESPACE rest. {
    A = MAKE(unsupported, T.location, .command = "ALTER TABLE ALL IN TABLESPACE");
}
opt_column ::= .
opt_column ::= COLUMN.
%type opt_no {int}
opt_no(A) ::= . { A = 0; }
opt_no(A) ::= NO. { A = 1; }

%type alter_commands {struct list *}
alter_commands(A) ::= alter_command(B). { A = list1(p, B); }
alter_commands(A) ::= alter_commands(A) COMMA alter_command(B). { A = list_add(p, A, B); }

alter_command(A) ::= ADD(T) column_def(B). { A = MAKE(alter_cmd, T.location, ALTER_ADD_COLUMN, .def = B); }
alter_command(A) ::= ADD(T) IF NOT EXISTS column_def(B). { A = MAKE(alter_cmd, T.location, ALTER_ADD_COLUMN, .def = B, .missing_ok = true); }
alter_command(A) ::= ADD(T) COLUMN column_def(B). { A = MAKE(alter_cmd, T.location, ALTER_ADD_COLUMN, .def = B); }
alter_command(A) ::= ADD(T) COLUMN IF NOT EXISTS column_def(B). { A = MAKE(alter_cmd, T.location, ALTER_ADD_COLUMN, .def = B, .missing_ok = true); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET DEFAULT a_expr(B). { A = MAKE(alter_cmd, T.location, ALTER_COLUMN_DEFAULT, P(N.text), .def = B); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) DROP DEFAULT. { A = MAKE(alter_cmd, T.location, ALTER_COLUMN_DEFAULT, P(N.text)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) DROP NOT NULL. { A = MAKE(alter_cmd, T.location, ALTER_DROP_NOT_NULL, P(N.text)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET NOT NULL. { A = MAKE(alter_cmd, T.location, ALTER_SET_NOT_NULL, P(N.text)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) DROP EXPRESSION if_exists(E). { A = MAKE(alter_cmd, T.location, ALTER_SET_EXPRESSION_DROP, P(N.text), .missing_ok = E); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET STATISTICS signed_integer(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_STATISTICS, P(N.text), .number = -1, .def = make_integer(p, B, -1)); }
alter_command(A) ::= ALTER(T) opt_column integer(N) SET STATISTICS signed_integer(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_STATISTICS, .number = N, .def = make_integer(p, B, -1)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET reloptions(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_COLUMN_OPTIONS, P(N.text), .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) RESET reloptions(B). { A = MAKE(alter_cmd, T.location, ALTER_RESET_COLUMN_OPTIONS, P(N.text), .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET STORAGE col_id(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_STORAGE, P(N.text), .def = make_string(p, B.text, B.location)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET COMPRESSION col_id(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_COMPRESSION, P(N.text), .def = make_string(p, B.text, B.location)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) SET COMPRESSION DEFAULT(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_COMPRESSION, P(N.text), .def = make_string(p, B.text, B.location)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) ADD GENERATED(G) generated_when(W) AS IDENTITY sequence_parens(B). {
    A = MAKE(alter_cmd, T.location, ALTER_ADD_IDENTITY, P(N.text),
             .def = MAKE(constraint, G.location, CONSTRAINT_IDENTITY, .identity_always = W, .options = B));
}
alter_command(A) ::= ALTER(T) opt_column col_id(N) identity_changes(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_IDENTITY, P(N.text), .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) DROP IDENTITY if_exists(E). { A = MAKE(alter_cmd, T.location, ALTER_DROP_IDENTITY, P(N.text), .missing_ok = E); }
alter_command(A) ::= ALTER(T) opt_column col_id(N) opt_set_data TYPE type_name(B) opt_collate(C) alter_using(D). {
    A = MAKE(alter_cmd, T.location, ALTER_COLUMN_TYPE, P(N.text),
             .def = MAKE(column_def, N.location, .type = P(B), .collation = C, .constraints = D));
}
alter_command(A) ::= ALTER(T) opt_column col_id(N) alter_options(B). { A = MAKE(alter_cmd, T.location, ALTER_COLUMN_GENERIC_OPTIONS, P(N.text), .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= DROP(T) opt_column IF_LA EXISTS col_id(N) drop_behavior(B). { A = MAKE(alter_cmd, T.location, ALTER_DROP_COLUMN, P(N.text), .cascade = B, .missing_ok = true); }
alter_command(A) ::= DROP(T) opt_column col_id(N) drop_behavior(B). { A = MAKE(alter_cmd, T.location, ALTER_DROP_COLUMN, P(N.text), .cascade = B); }
alter_command(A) ::= ADD(T) table_constraint(B). { A = MAKE(alter_cmd, T.location, ALTER_ADD_CONSTRAINT, .def = B); }
alter_command(A) ::= ALTER(T) CONSTRAINT name(N) attributes(X). {
    A = MAKE(alter_cmd, T.location, ALTER_ALTER_CONSTRAINT, N,
             .def = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_FOREIGN_KEY, .name = N), X));
}
alter_command(A) ::= VALIDATE(T) CONSTRAINT name(N). { A = MAKE(alter_cmd, T.location, ALTER_VALIDATE_CONSTRAINT, N); }
alter_command(A) ::= DROP(T) CONSTRAINT IF_LA EXISTS name(N) drop_behavior(B). { A = MAKE(alter_cmd, T.location, ALTER_DROP_CONSTRAINT, N, .cascade = B, .missing_ok = true); }
alter_command(A) ::= DROP(T) CONSTRAINT name(N) drop_behavior(B). { A = MAKE(alter_cmd, T.location, ALTER_DROP_CONSTRAINT, N, .cascade = B); }
alter_command(A) ::= SET(T) WITHOUT OIDS. { A = MAKE(alter_cmd, T.location, ALTER_SET_WITHOUT_OIDS); }
alter_command(A) ::= CLUSTER(T) ON name(N). { A = MAKE(alter_cmd, T.location, ALTER_CLUSTER_ON, N); }
alter_command(A) ::= SET(T) WITHOUT CLUSTER. { A = MAKE(alter_cmd, T.location, ALTER_SET_WITHOUT_CLUSTER); }
alter_command(A) ::= SET(T) LOGGED. { A = MAKE(alter_cmd, T.location, ALTER_SET_LOGGED); }
alter_command(A) ::= SET(T) UNLOGGED. { A = MAKE(alter_cmd, T.location, ALTER_SET_UNLOGGED); }
alter_command(A) ::= ENABLE(T) TRIGGER name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_TRIGGER, N); }
alter_command(A) ::= ENABLE(T) ALWAYS TRIGGER name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_ALWAYS_TRIGGER, N); }
alter_command(A) ::= ENABLE(T) REPLICA TRIGGER name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_REPLICA_TRIGGER, N); }
alter_command(A) ::= ENABLE(T) TRIGGER ALL. { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_TRIGGER_ALL); }
alter_command(A) ::= ENABLE(T) TRIGGER USER. { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_TRIGGER_USER); }
alter_command(A) ::= DISABLE(T) TRIGGER name(N). { A = MAKE(alter_cmd, T.location, ALTER_DISABLE_TRIGGER, N); }
alter_command(A) ::= DISABLE(T) TRIGGER ALL. { A = MAKE(alter_cmd, T.location, ALTER_DISABLE_TRIGGER_ALL); }
alter_command(A) ::= DISABLE(T) TRIGGER USER. { A = MAKE(alter_cmd, T.location, ALTER_DISABLE_TRIGGER_USER); }
alter_command(A) ::= ENABLE(T) RULE name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_RULE, N); }
alter_command(A) ::= ENABLE(T) ALWAYS RULE name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_ALWAYS_RULE, N); }
alter_command(A) ::= ENABLE(T) REPLICA RULE name(N). { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_REPLICA_RULE, N); }
alter_command(A) ::= DISABLE(T) RULE name(N). { A = MAKE(alter_cmd, T.location, ALTER_DISABLE_RULE, N); }
alter_command(A) ::= INHERIT(T) qualified_name(B). { A = MAKE(alter_cmd, T.location, ALTER_INHERIT, .def = B); }
alter_command(A) ::= NO(T) INHERIT qualified_name(B). { A = MAKE(alter_cmd, T.location, ALTER_NO_INHERIT, .def = B); }
alter_command(A) ::= OF(T) any_name(B). { A = MAKE(alter_cmd, T.location, ALTER_OF_TYPE, .def = make_type(p, B, NULL)); }
alter_command(A) ::= NOT(T) OF. { A = MAKE(alter_cmd, T.location, ALTER_NOT_OF); }
alter_command(A) ::= OWNER(T) TO role(B). { A = MAKE(alter_cmd, T.location, ALTER_OWNER, .new_owner = B); }
alter_command(A) ::= SET(T) ACCESS METHOD name(N). { A = MAKE(alter_cmd, T.location, ALTER_SET_ACCESS_METHOD, N); }
alter_command(A) ::= SET(T) TABLESPACE name(N). { A = MAKE(alter_cmd, T.location, ALTER_SET_TABLESPACE, N); }
alter_command(A) ::= SET(T) reloptions(B). { A = MAKE(alter_cmd, T.location, ALTER_SET_OPTIONS, .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= RESET(T) reloptions(B). { A = MAKE(alter_cmd, T.location, ALTER_RESET_OPTIONS, .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= REPLICA(T) IDENTITY NOTHING. { A = MAKE(alter_cmd, T.location, ALTER_REPLICA_IDENTITY, .def = make_string(p, "n", -1)); }
alter_command(A) ::= REPLICA(T) IDENTITY FULL. { A = MAKE(alter_cmd, T.location, ALTER_REPLICA_IDENTITY, .def = make_string(p, "f", -1)); }
alter_command(A) ::= REPLICA(T) IDENTITY DEFAULT. { A = MAKE(alter_cmd, T.location, ALTER_REPLICA_IDENTITY, .def = make_string(p, "d", -1)); }
alter_command(A) ::= REPLICA(T) IDENTITY USING INDEX name(N). { A = MAKE(alter_cmd, T.location, ALTER_REPLICA_IDENTITY, N, .def = make_string(p, "i", -1)); }
alter_command(A) ::= ENABLE(T) ROW LEVEL SECURITY. { A = MAKE(alter_cmd, T.location, ALTER_ENABLE_ROW_SECURITY); }
alter_command(A) ::= DISABLE(T) ROW LEVEL SECURITY. { A = MAKE(alter_cmd, T.location, ALTER_DISABLE_ROW_SECURITY); }
alter_command(A) ::= FORCE(T) ROW LEVEL SECURITY. { A = MAKE(alter_cmd, T.location, ALTER_FORCE_ROW_SECURITY); }
alter_command(A) ::= NO(T) FORCE ROW LEVEL SECURITY. { A = MAKE(alter_cmd, T.location, ALTER_NO_FORCE_ROW_SECURITY); }
alter_command(A) ::= alter_options(B). { A = MAKE(alter_cmd, -1, ALTER_GENERIC_OPTIONS, .def = MAKE(node_list, -1, B)); }
alter_command(A) ::= ATTACH(T) PARTITION qualified_name(B) partition_bound(C). {
    A = MAKE(alter_cmd, T.location, ALTER_ATTACH_PARTITION, .def = MAKE(node_list, -1, list2(p, B, C)));
}
alter_command(A) ::= ATTACH(T) PARTITION qualified_name(B). {
    A = MAKE(alter_cmd, T.location, ALTER_ATTACH_PARTITION, .def = MAKE(node_list, -1, list1(p, B)));
}
alter_command(A) ::= DETACH(T) PARTITION qualified_name(B) opt_concurrently(C). {
    A = MAKE(alter_cmd, T.location, ALTER_DETACH_PARTITION, .def = B, .missing_ok = C);
}
alter_command(A) ::= DETACH(T) PARTITION qualified_name(B) FINALIZE. {
    A = MAKE(alter_cmd, T.location, ALTER_DETACH_PARTITION_FINALIZE, .def = B);
}
opt_set_data ::= .
opt_set_data ::= SET DATA.
%type alter_using {struct list *}
alter_using(A) ::= . { A = NULL; }
alter_using(A) ::= USING(T) a_expr(B). { A = list1(p, MAKE(constraint, T.location, CONSTRAINT_DEFAULT, .expression = B)); }
%type identity_changes {struct list *}
identity_changes(A) ::= identity_change(B). { A = list1(p, B); }
identity_changes(A) ::= identity_changes(A) identity_change(B). { A = list_add(p, A, B); }
identity_change(A) ::= RESTART(T). { A = make_def(p, T.location, "restart", NULL); }
identity_change(A) ::= RESTART(T) opt_with signed_number(B). { A = make_def(p, T.location, "restart", B); }
identity_change(A) ::= SET sequence_option(B). { A = B; }
identity_change(A) ::= SET(T) GENERATED generated_when(W). { A = make_def(p, T.location, "generated", make_bool(p, W, T.location)); }
%type alter_options {struct list *}
alter_options(A) ::= OPTIONS LPAREN alter_option_list(B) RPAREN. { A = B; }
%type alter_option_list {struct list *}
alter_option_list(A) ::= alter_option(B). { A = list1(p, B); }
alter_option_list(A) ::= alter_option_list(A) COMMA alter_option(B). { A = list_add(p, A, B); }
alter_option(A) ::= fdw_option(A).
alter_option(A) ::= SET fdw_option(B). { A = B; ast_as_def_elem(A)->action = 's'; }
alter_option(A) ::= ADD fdw_option(B). { A = B; ast_as_def_elem(A)->action = 'a'; }
alter_option(A) ::= DROP(T) col_label(B). { A = make_def(p, T.location, B.text, NULL); ast_as_def_elem(A)->action = 'd'; }

/* Composite types */
alter_statement(A) ::= ALTER(T) TYPE any_name(B) attribute_commands(C). {
    A = MAKE(alter_table, T.location, .type = OBJECT_TYPE, .relation = P(make_range_var(p, B)), .commands = C);
}
%type attribute_commands {struct list *}
attribute_commands(A) ::= attribute_command(B). { A = list1(p, B); }
attribute_commands(A) ::= attribute_commands(A) COMMA attribute_command(B). { A = list_add(p, A, B); }
attribute_command(A) ::= ADD(T) ATTRIBUTE table_func_column(B) drop_behavior(C). { A = MAKE(alter_cmd, T.location, ALTER_ADD_COLUMN, .def = B, .cascade = C); }
attribute_command(A) ::= DROP(T) ATTRIBUTE IF_LA EXISTS col_id(N) drop_behavior(C). { A = MAKE(alter_cmd, T.location, ALTER_DROP_COLUMN, P(N.text), .cascade = C, .missing_ok = true); }
attribute_command(A) ::= DROP(T) ATTRIBUTE col_id(N) drop_behavior(C). { A = MAKE(alter_cmd, T.location, ALTER_DROP_COLUMN, P(N.text), .cascade = C); }
attribute_command(A) ::= ALTER(T) ATTRIBUTE col_id(N) opt_set_data TYPE type_name(B) opt_collate(C) drop_behavior(D). {
    A = MAKE(alter_cmd, T.location, ALTER_COLUMN_TYPE, P(N.text), .cascade = D,
             .def = MAKE(column_def, N.location, .type = P(B), .collation = C));
}
