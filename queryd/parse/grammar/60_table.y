/* ---- CREATE TABLE, CREATE INDEX, constraints -------------------------------------------------- */

/* TEMP and its spellings before TABLE, VIEW, SEQUENCE. */
%type opt_temp {int}
opt_temp(A) ::= . { A = PERSIST_PERMANENT; }
opt_temp(A) ::= TEMPORARY. { A = PERSIST_TEMP; }
opt_temp(A) ::= TEMP. { A = PERSIST_TEMP; }
opt_temp(A) ::= LOCAL TEMPORARY. { A = PERSIST_TEMP; }
opt_temp(A) ::= LOCAL TEMP. { A = PERSIST_TEMP; }
opt_temp(A) ::= GLOBAL TEMPORARY. { A = PERSIST_TEMP; }
opt_temp(A) ::= GLOBAL TEMP. { A = PERSIST_TEMP; }
opt_temp(A) ::= UNLOGGED. { A = PERSIST_UNLOGGED; }

create_element(A) ::= CREATE(T) opt_temp(X) TABLE qualified_name(B) LPAREN table_elements(C) RPAREN inherit_clause(D) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->elements = C;
    c->inherits = D;
}
create_element(A) ::= CREATE(T) opt_temp(X) TABLE IF NOT EXISTS qualified_name(B) LPAREN table_elements(C) RPAREN inherit_clause(D) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->elements = C;
    c->inherits = D;
    c->if_not_exists = true;
}
create_element(A) ::= CREATE(T) opt_temp(X) TABLE qualified_name(B) OF any_name(C) typed_elements(D) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->of_type = P(make_type(p, C, NULL));
    c->elements = D;
}
create_element(A) ::= CREATE(T) opt_temp(X) TABLE IF NOT EXISTS qualified_name(B) OF any_name(C) typed_elements(D) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->of_type = P(make_type(p, C, NULL));
    c->elements = D;
    c->if_not_exists = true;
}
create_element(A) ::= CREATE(T) opt_temp(X) TABLE qualified_name(B) PARTITION OF qualified_name(C) typed_elements(D) partition_bound(F) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->partition_of = P(C);
    c->elements = D;
    c->bound = P(F);
}
create_element(A) ::= CREATE(T) opt_temp(X) TABLE IF NOT EXISTS qualified_name(B) PARTITION OF qualified_name(C) typed_elements(D) partition_bound(F) table_tail(E). {
    ast_as_range_var(B)->persistence = X;
    A = E;
    A->location = T.location;
    struct ast_create_table *c = ast_as_create_table(A);
    c->relation = P(B);
    c->partition_of = P(C);
    c->elements = D;
    c->bound = P(F);
    c->if_not_exists = true;
}

/* PARTITION BY, USING, WITH, ON COMMIT, TABLESPACE. */
table_tail(A) ::= partition_spec(B) access_method_clause(C) opt_table_with(D) on_commit(E) opt_tablespace(F). {
    A = MAKE(create_table, -1, .partition_by = P(B), .access_method = C, .options = D,
             .on_commit = (char)E, .tablespace = F);
}
partition_spec(A) ::= . { A = NULL; }
partition_spec(A) ::= PARTITION(T) BY col_id(B) LPAREN partition_elements(C) RPAREN. {
    A = MAKE(partition_by, T.location, .strategy = P(B.text), .elements = C);
}
%type partition_elements {struct list *}
partition_elements(A) ::= partition_element(B). { A = list1(p, B); }
partition_elements(A) ::= partition_elements(A) COMMA partition_element(B). { A = list_add(p, A, B); }
partition_element(A) ::= col_id(B) opt_collate(C) opt_opclass(D). {
    A = MAKE(index_element, B.location, .name = P(B.text), .collation = C, .opclass = D);
}
partition_element(A) ::= func_expr_windowless(B) opt_collate(C) opt_opclass(D). {
    A = MAKE(index_element, B->location, .expression = B, .collation = C, .opclass = D);
}
partition_element(A) ::= LPAREN(T) a_expr(B) RPAREN opt_collate(C) opt_opclass(D). {
    A = MAKE(index_element, T.location, .expression = B, .collation = C, .opclass = D);
}
%type opt_opclass {struct list *}
opt_opclass(A) ::= . { A = NULL; }
opt_opclass(A) ::= any_name(B). { A = B.names; }

partition_bound(A) ::= FOR(T) VALUES WITH LPAREN hash_bounds(B) RPAREN. {
    int32_t modulus = -1;
    int32_t remainder = -1;
    LIST_EACH(struct ast_def_elem *, d, B) {
        bool is_modulus = strcmp(d->name, "modulus") == 0;
        if (!is_modulus && strcmp(d->name, "remainder") != 0)
            parse_fail_at(p, ST_SYNTAX_ERROR, d->node.location,
                          parse_join(p, "unrecognized hash partition bound specification \"", d->name, "\""));
        if ((is_modulus ? modulus : remainder) != -1)
            parse_fail_at(p, ST_DUPLICATE_OBJECT, d->node.location,
                          is_modulus ? "modulus for hash partition provided more than once"
                                     : "remainder for hash partition provided more than once");
        *(is_modulus ? &modulus : &remainder) = ast_as_literal(d->value)->integer;
    }
    if (modulus == -1)
        parse_fail_at(p, ST_SYNTAX_ERROR, -1, "modulus for hash partition must be specified");
    if (remainder == -1)
        parse_fail_at(p, ST_SYNTAX_ERROR, -1, "remainder for hash partition must be specified");
    A = MAKE(partition_bound, T.location, .modulus = modulus, .remainder = remainder);
}
partition_bound(A) ::= FOR(T) VALUES IN LPAREN expr_list(B) RPAREN. {
    A = MAKE(partition_bound, T.location, .in_values = B, .modulus = -1);
}
partition_bound(A) ::= FOR(T) VALUES FROM LPAREN expr_list(B) RPAREN TO LPAREN expr_list(C) RPAREN. {
    A = MAKE(partition_bound, T.location, .from_values = B, .to_values = C, .modulus = -1);
}
partition_bound(A) ::= DEFAULT(T). { A = MAKE(partition_bound, T.location, .is_default = true, .modulus = -1); }
%type hash_bounds {struct list *}
hash_bounds(A) ::= hash_bound(B). { A = list1(p, B); }
hash_bounds(A) ::= hash_bounds(A) COMMA hash_bound(B). { A = list_add(p, A, B); }
hash_bound(A) ::= non_reserved_word(B) integer(C). { A = make_def(p, B.location, B.text, make_integer(p, C, -1)); }

%type inherit_clause {struct list *}
inherit_clause(A) ::= . { A = NULL; }
inherit_clause(A) ::= INHERITS LPAREN qualified_name_list(B) RPAREN. { A = B; }
%type access_method_clause {char *}
access_method_clause(A) ::= . { A = NULL; }
access_method_clause(A) ::= USING name(B). { A = B; }
%type opt_table_with {struct list *}
opt_table_with(A) ::= . { A = NULL; }
opt_table_with(A) ::= WITH reloptions(B). { A = B; }
opt_table_with(A) ::= WITHOUT OIDS. { A = NULL; }
%type on_commit {int}
on_commit(A) ::= . { A = 0; }
on_commit(A) ::= ON COMMIT DROP. { A = 'D'; }
on_commit(A) ::= ON COMMIT DELETE ROWS. { A = 'd'; }
on_commit(A) ::= ON COMMIT PRESERVE ROWS. { A = 'p'; }
%type opt_tablespace {char *}
opt_tablespace(A) ::= . { A = NULL; }
opt_tablespace(A) ::= TABLESPACE name(B). { A = B; }

/* Storage options: (fillfactor = 70, toast.x = on) */
%type reloptions {struct list *}
reloptions(A) ::= LPAREN reloption_list(B) RPAREN. { A = B; }
%type opt_reloptions {struct list *}
opt_reloptions(A) ::= . { A = NULL; }
opt_reloptions(A) ::= WITH reloptions(B). { A = B; }
%type reloption_list {struct list *}
reloption_list(A) ::= reloption(B). { A = list1(p, B); }
reloption_list(A) ::= reloption_list(A) COMMA reloption(B). { A = list_add(p, A, B); }
reloption(A) ::= col_label(B). { A = make_def(p, B.location, B.text, NULL); }
reloption(A) ::= col_label(B) EQ def_value(C). { A = make_def(p, B.location, B.text, C); }
reloption(A) ::= col_label(B) DOT col_label(C). {
    A = make_def(p, B.location, C.text, NULL);
    ast_as_def_elem(A)->space = P(B.text);
}
reloption(A) ::= col_label(B) DOT col_label(C) EQ def_value(D). {
    A = make_def(p, B.location, C.text, D);
    ast_as_def_elem(A)->space = P(B.text);
}
/* A value of an option in a list such as these: a type name stands for any word. */
def_value(A) ::= func_type(A).
def_value(A) ::= reserved_keyword(B). { A = make_string(p, B.text, B.location); }
def_value(A) ::= qualified_all_op(B). { A = make_names(p, B); }
def_value(A) ::= signed_number(A).
def_value(A) ::= SCONST(B). { A = make_token_literal(p, LITERAL_STRING, B); }
def_value(A) ::= NONE(B). { A = make_string(p, B.text, B.location); }
/* (name = value, …) of CREATE TYPE. */
%type definition {struct list *}
definition(A) ::= LPAREN def_list(B) RPAREN. { A = B; }
%type def_list {struct list *}
def_list(A) ::= def_elem(B). { A = list1(p, B); }
def_list(A) ::= def_list(A) COMMA def_elem(B). { A = list_add(p, A, B); }
def_elem(A) ::= col_label(B) EQ def_value(C). { A = make_def(p, B.location, B.text, C); }
def_elem(A) ::= col_label(B). { A = make_def(p, B.location, B.text, NULL); }

%type table_elements {struct list *}
table_elements(A) ::= . { A = NULL; }
table_elements(A) ::= table_element_list(A).
%type table_element_list {struct list *}
table_element_list(A) ::= table_element(B). { A = list1(p, B); }
table_element_list(A) ::= table_element_list(A) COMMA table_element(B). { A = list_add(p, A, B); }
table_element(A) ::= column_def(A).
table_element(A) ::= table_like(A).
table_element(A) ::= table_constraint(A).
%type typed_elements {struct list *}
typed_elements(A) ::= . { A = NULL; }
typed_elements(A) ::= LPAREN typed_element_list(B) RPAREN. { A = B; }
%type typed_element_list {struct list *}
typed_element_list(A) ::= typed_element(B). { A = list1(p, B); }
typed_element_list(A) ::= typed_element_list(A) COMMA typed_element(B). { A = list_add(p, A, B); }
typed_element(A) ::= table_constraint(A).
typed_element(A) ::= col_id(B) column_qualifiers(C). {
    A = MAKE(column_def, B.location, .name = P(B.text));
    ast_as_column_def(A)->constraints = finish_column_constraints(p, C, &ast_as_column_def(A)->collation);
}
typed_element(A) ::= col_id(B) WITH OPTIONS column_qualifiers(C). {
    A = MAKE(column_def, B.location, .name = P(B.text));
    ast_as_column_def(A)->constraints = finish_column_constraints(p, C, &ast_as_column_def(A)->collation);
}

column_def(A) ::= col_id(B) type_name(C) column_compression(D) fdw_options(E) column_qualifiers(F). {
    A = MAKE(column_def, B.location, .name = P(B.text), .type = P(C), .compression = D, .options = E);
    ast_as_column_def(A)->constraints = finish_column_constraints(p, F, &ast_as_column_def(A)->collation);
}
%type column_compression {char *}
column_compression(A) ::= . { A = NULL; }
column_compression(A) ::= COMPRESSION col_id(B). { A = P(B.text); }
column_compression(A) ::= COMPRESSION DEFAULT(T). { A = P(T.text); }
%type fdw_options {struct list *}
fdw_options(A) ::= . { A = NULL; }
fdw_options(A) ::= OPTIONS LPAREN fdw_option_list(B) RPAREN. { A = B; }
%type fdw_option_list {struct list *}
fdw_option_list(A) ::= fdw_option(B). { A = list1(p, B); }
fdw_option_list(A) ::= fdw_option_list(A) COMMA fdw_option(B). { A = list_add(p, A, B); }
fdw_option(A) ::= col_label(B) SCONST(C). { A = make_def(p, B.location, B.text, make_token_literal(p, LITERAL_STRING, C)); }

/* ast_constraint, or ast_collate for COLLATE. */
%type column_qualifiers {struct list *}
column_qualifiers(A) ::= . { A = NULL; }
column_qualifiers(A) ::= column_qualifiers(B) column_qualifier(C). { A = list_add(p, B, C); }
column_qualifier(A) ::= CONSTRAINT(T) name(B) column_constraint(C). {
    A = C;
    A->location = T.location;
    ast_as_constraint(A)->name = B;
}
column_qualifier(A) ::= column_constraint(A).
column_qualifier(A) ::= DEFERRABLE(T). { A = MAKE(constraint, T.location, CONSTRAINT_ATTR_DEFERRABLE); }
column_qualifier(A) ::= NOT(T) DEFERRABLE. { A = MAKE(constraint, T.location, CONSTRAINT_ATTR_NOT_DEFERRABLE); }
column_qualifier(A) ::= INITIALLY(T) DEFERRED. { A = MAKE(constraint, T.location, CONSTRAINT_ATTR_DEFERRED); }
column_qualifier(A) ::= INITIALLY(T) IMMEDIATE. { A = MAKE(constraint, T.location, CONSTRAINT_ATTR_IMMEDIATE); }
column_qualifier(A) ::= COLLATE(T) any_name(B). { A = MAKE(collate, T.location, .names = B.names); }
column_constraint(A) ::= NOT(T) NULL. { A = MAKE(constraint, T.location, CONSTRAINT_NOT_NULL); }
column_constraint(A) ::= NULL(T). { A = MAKE(constraint, T.location, CONSTRAINT_NULL); }
column_constraint(A) ::= UNIQUE(T) nulls_distinct(N) opt_definition(B) index_tablespace(C). {
    A = MAKE(constraint, T.location, CONSTRAINT_UNIQUE, .nulls_not_distinct = N, .options = B, .tablespace = C);
}
column_constraint(A) ::= PRIMARY(T) KEY opt_definition(B) index_tablespace(C). {
    A = MAKE(constraint, T.location, CONSTRAINT_PRIMARY_KEY, .options = B, .tablespace = C);
}
column_constraint(A) ::= CHECK(T) LPAREN a_expr(B) RPAREN no_inherit(N). {
    A = MAKE(constraint, T.location, CONSTRAINT_CHECK, .expression = B, .no_inherit = N);
}
column_constraint(A) ::= DEFAULT(T) b_expr(B). { A = MAKE(constraint, T.location, CONSTRAINT_DEFAULT, .expression = B); }
column_constraint(A) ::= GENERATED(T) generated_when(W) AS IDENTITY sequence_parens(B). {
    A = MAKE(constraint, T.location, CONSTRAINT_IDENTITY, .identity_always = W, .options = B);
}
column_constraint(A) ::= GENERATED(T) generated_when(W) AS LPAREN a_expr(B) RPAREN STORED. {
    if (!W)
        parse_fail_at(p, ST_SYNTAX_ERROR, T.location, "for a generated column, GENERATED ALWAYS must be specified");
    A = MAKE(constraint, T.location, CONSTRAINT_GENERATED, .expression = B, .identity_always = true);
}
column_constraint(A) ::= REFERENCES(T) qualified_name(B) opt_name_list(C) key_match(M) key_actions(D). {
    A = D;
    A->location = T.location;
    struct ast_constraint *c = ast_as_constraint(A);
    c->ref_table = P(B);
    c->ref_columns = C;
    c->match = M;
}
%type nulls_distinct {int}
nulls_distinct(A) ::= . { A = 0; }
nulls_distinct(A) ::= NULLS DISTINCT. { A = 0; }
nulls_distinct(A) ::= NULLS NOT DISTINCT. { A = 1; }
%type opt_definition {struct list *}
opt_definition(A) ::= . { A = NULL; }
opt_definition(A) ::= WITH definition(B). { A = B; }
%type index_tablespace {char *}
index_tablespace(A) ::= . { A = NULL; }
index_tablespace(A) ::= USING INDEX TABLESPACE name(B). { A = B; }
%type no_inherit {int}
no_inherit(A) ::= . { A = 0; }
no_inherit(A) ::= NO INHERIT. { A = 1; }
%type generated_when {int}
generated_when(A) ::= ALWAYS. { A = 1; }
generated_when(A) ::= BY DEFAULT. { A = 0; }

%type key_match {int}
key_match(A) ::= . { A = FK_MATCH_SIMPLE; }
key_match(A) ::= MATCH FULL. { A = FK_MATCH_FULL; }
key_match(A) ::= MATCH SIMPLE. { A = FK_MATCH_SIMPLE; }
key_match(A) ::= MATCH(T) PARTIAL. {
    A = FK_MATCH_PARTIAL;
    parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, T.location, "MATCH PARTIAL not yet implemented");
}
/* A foreign key of which only the actions are set. */
key_actions(A) ::= . { A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY); }
key_actions(A) ::= key_update(A).
key_actions(A) ::= key_delete(A).
key_actions(A) ::= key_update(B) key_delete(C). {
    A = C;
    ast_as_constraint(A)->on_update = ast_as_constraint(B)->on_update;
}
key_actions(A) ::= key_delete(B) key_update(C). {
    A = B;
    ast_as_constraint(A)->on_update = ast_as_constraint(C)->on_update;
}
key_update(A) ::= ON(T) UPDATE key_action(B). {
    if (ast_as_constraint(B)->on_delete_columns)
        parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, T.location,
                      "a column list with SET NULL or SET DEFAULT is only supported for ON DELETE actions");
    A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY, .on_update = ast_as_constraint(B)->on_delete);
}
key_delete(A) ::= ON DELETE key_action(B). { A = B; }
key_action(A) ::= NO ACTION. { A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY); }
key_action(A) ::= RESTRICT. { A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY, .on_delete = FK_RESTRICT); }
key_action(A) ::= CASCADE. { A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY, .on_delete = FK_CASCADE); }
key_action(A) ::= SET NULL opt_name_list(B). {
    A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY, .on_delete = FK_SET_NULL, .on_delete_columns = B);
}
key_action(A) ::= SET DEFAULT opt_name_list(B). {
    A = MAKE(constraint, -1, CONSTRAINT_FOREIGN_KEY, .on_delete = FK_SET_DEFAULT, .on_delete_columns = B);
}

table_like(A) ::= LIKE(T) qualified_name(B) like_options(C). { A = MAKE(table_like, T.location, .relation = P(B), .options = C); }
%type like_options {int}
like_options(A) ::= . { A = 0; }
like_options(A) ::= like_options(B) INCLUDING like_option(C). { A = B | C; }
like_options(A) ::= like_options(B) EXCLUDING like_option(C). { A = B & ~C; }
%type like_option {int}
like_option(A) ::= COMMENTS. { A = LIKE_COMMENTS; }
like_option(A) ::= COMPRESSION. { A = LIKE_COMPRESSION; }
like_option(A) ::= CONSTRAINTS. { A = LIKE_CONSTRAINTS; }
like_option(A) ::= DEFAULTS. { A = LIKE_DEFAULTS; }
like_option(A) ::= GENERATED. { A = LIKE_GENERATED; }
like_option(A) ::= IDENTITY. { A = LIKE_IDENTITY; }
like_option(A) ::= INDEXES. { A = LIKE_INDEXES; }
like_option(A) ::= STATISTICS. { A = LIKE_STATISTICS; }
like_option(A) ::= STORAGE. { A = LIKE_STORAGE; }
like_option(A) ::= ALL. { A = LIKE_ALL; }

table_constraint(A) ::= CONSTRAINT(T) name(B) constraint_body(C). {
    A = C;
    A->location = T.location;
    ast_as_constraint(A)->name = B;
}
table_constraint(A) ::= constraint_body(A).
constraint_body(A) ::= CHECK(T) LPAREN a_expr(B) RPAREN attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_CHECK, .expression = B), X);
}
constraint_body(A) ::= UNIQUE(T) nulls_distinct(N) LPAREN name_list(B) RPAREN include_names(C) opt_definition(D) index_tablespace(E) attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_UNIQUE, .nulls_not_distinct = N, .keys = B,
                                 .including = C, .options = D, .tablespace = E), X);
}
constraint_body(A) ::= UNIQUE(T) USING INDEX name(B) attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_UNIQUE, .index = B), X);
}
constraint_body(A) ::= PRIMARY(T) KEY LPAREN name_list(B) RPAREN include_names(C) opt_definition(D) index_tablespace(E) attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_PRIMARY_KEY, .keys = B, .including = C,
                                 .options = D, .tablespace = E), X);
}
constraint_body(A) ::= PRIMARY(T) KEY USING INDEX name(B) attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_PRIMARY_KEY, .index = B), X);
}
constraint_body(A) ::= EXCLUDE(T) access_method_clause(M) LPAREN exclusions(B) RPAREN include_names(C) opt_definition(D) index_tablespace(E) exclusion_where(W) attributes(X). {
    A = apply_attributes(p, MAKE(constraint, T.location, CONSTRAINT_EXCLUDE, .access_method = M, .exclusions = B,
                                 .including = C, .options = D, .tablespace = E, .where = W), X);
}
constraint_body(A) ::= FOREIGN(T) KEY LPAREN name_list(B) RPAREN REFERENCES qualified_name(C) opt_name_list(D) key_match(M) key_actions(E) attributes(X). {
    E->location = T.location;
    struct ast_constraint *c = ast_as_constraint(E);
    c->keys = B;
    c->ref_table = P(C);
    c->ref_columns = D;
    c->match = M;
    A = apply_attributes(p, E, X);
}
%type include_names {struct list *}
include_names(A) ::= . { A = NULL; }
include_names(A) ::= INCLUDE LPAREN name_list(B) RPAREN. { A = B; }
%type exclusions {struct list *}
exclusions(A) ::= exclusion(B). { A = list1(p, B); }
exclusions(A) ::= exclusions(A) COMMA exclusion(B). { A = list_add(p, A, B); }
exclusion(A) ::= index_element(B) WITH all_op(C). {
    A = MAKE(exclusion, B->location, .element = P(B), .names = list1(p, C.text));
}
exclusion(A) ::= index_element(B) WITH OPERATOR LPAREN any_operator(C) RPAREN. {
    A = MAKE(exclusion, B->location, .element = P(B), .names = C.names);
}
exclusion_where(A) ::= . { A = NULL; }
exclusion_where(A) ::= WHERE LPAREN a_expr(B) RPAREN. { A = B; }
%type attributes {int}
attributes(A) ::= . { A = 0; }
attributes(A) ::= attributes(B) NOT(T) DEFERRABLE. { A = add_attribute(p, B, ATTRIBUTE_NOT_DEFERRABLE, T.location); }
attributes(A) ::= attributes(B) DEFERRABLE(T). { A = add_attribute(p, B, ATTRIBUTE_DEFERRABLE, T.location); }
attributes(A) ::= attributes(B) INITIALLY(T) IMMEDIATE. { A = add_attribute(p, B, ATTRIBUTE_IMMEDIATE, T.location); }
attributes(A) ::= attributes(B) INITIALLY(T) DEFERRED. { A = add_attribute(p, B, ATTRIBUTE_DEFERRED, T.location); }
attributes(A) ::= attributes(B) NOT(T) VALID. { A = add_attribute(p, B, ATTRIBUTE_NOT_VALID, T.location); }
attributes(A) ::= attributes(B) NO(T) INHERIT. { A = add_attribute(p, B, ATTRIBUTE_NO_INHERIT, T.location); }

/* CREATE TABLE AS */
create_statement(A) ::= CREATE(T) opt_temp(X) TABLE create_as_target(B) AS create_as_query(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C);
}
create_statement(A) ::= CREATE(T) opt_temp(X) TABLE IF NOT EXISTS create_as_target(B) AS create_as_query(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C, .if_not_exists = true);
}
create_as_target(A) ::= qualified_name(B) opt_name_list(C) access_method_clause(D) opt_table_with(E) on_commit(F) opt_tablespace(G). {
    A = MAKE(into, B->location, .relation = P(B), .columns = C, .access_method = D, .options = E,
             .on_commit = (char)F, .tablespace = G);
}
create_as_query(A) ::= select_statement(A).
create_as_query(A) ::= EXECUTE(T) name(B) execute_args(C). { A = MAKE(execute, T.location, .name = B, .args = C); }
%type with_data {int}
with_data(A) ::= . { A = 1; }
with_data(A) ::= WITH DATA. { A = 1; }
with_data(A) ::= WITH NO DATA. { A = 0; }
create_statement(A) ::= CREATE(T) opt_unlogged(X) MATERIALIZED VIEW matview_target(B) AS select_statement(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C, .materialized_view = true);
}
create_statement(A) ::= CREATE(T) opt_unlogged(X) MATERIALIZED VIEW IF NOT EXISTS matview_target(B) AS select_statement(C) with_data(D). {
    ast_as_into(B)->relation->persistence = X;
    ast_as_into(B)->no_data = !D;
    A = MAKE(create_table_as, T.location, .into = P(B), .query = C, .materialized_view = true,
             .if_not_exists = true);
}
%type opt_unlogged {int}
opt_unlogged(A) ::= . { A = PERSIST_PERMANENT; }
opt_unlogged(A) ::= UNLOGGED. { A = PERSIST_UNLOGGED; }
matview_target(A) ::= qualified_name(B) opt_name_list(C) access_method_clause(D) opt_reloptions(E) opt_tablespace(G). {
    A = MAKE(into, B->location, .relation = P(B), .columns = C, .access_method = D, .options = E, .tablespace = G);
}

/* CREATE INDEX */
create_element(A) ::= CREATE(T) opt_unique(U) INDEX opt_concurrently(X) opt_single_name(N) ON relation_expr(B) access_method_clause(M) LPAREN index_elements(C) RPAREN index_include(D) nulls_distinct(V) opt_reloptions(E) opt_tablespace(F) where_clause(W). {
    A = MAKE(create_index, T.location, .unique = U, .concurrently = X, .name = N, .relation = P(B),
             .access_method = M, .elements = C, .including = D, .nulls_not_distinct = V, .options = E,
             .tablespace = F, .where = W);
}
create_element(A) ::= CREATE(T) opt_unique(U) INDEX opt_concurrently(X) IF NOT EXISTS name(N) ON relation_expr(B) access_method_clause(M) LPAREN index_elements(C) RPAREN index_include(D) nulls_distinct(V) opt_reloptions(E) opt_tablespace(F) where_clause(W). {
    A = MAKE(create_index, T.location, .unique = U, .concurrently = X, .name = N, .relation = P(B),
             .access_method = M, .elements = C, .including = D, .nulls_not_distinct = V, .options = E,
             .tablespace = F, .where = W, .if_not_exists = true);
}
%type opt_unique {int}
opt_unique(A) ::= . { A = 0; }
opt_unique(A) ::= UNIQUE. { A = 1; }
%type opt_single_name {char *}
opt_single_name(A) ::= . { A = NULL; }
opt_single_name(A) ::= col_id(B). { A = P(B.text); }
%type index_elements {struct list *}
index_elements(A) ::= index_element(B). { A = list1(p, B); }
index_elements(A) ::= index_elements(A) COMMA index_element(B). { A = list_add(p, A, B); }
index_element(A) ::= col_id(B) index_element_options(C). {
    A = C;
    A->location = B.location;
    ast_as_index_element(A)->name = P(B.text);
}
index_element(A) ::= func_expr_windowless(B) index_element_options(C). {
    A = C;
    A->location = B->location;
    ast_as_index_element(A)->expression = B;
}
index_element(A) ::= LPAREN(T) a_expr(B) RPAREN index_element_options(C). {
    A = C;
    A->location = T.location;
    ast_as_index_element(A)->expression = B;
}
index_element_options(A) ::= opt_collate(B) opt_opclass(C) sort_direction(D) nulls_order(E). {
    A = MAKE(index_element, -1, .collation = B, .opclass = C, .direction = D, .nulls = E);
}
index_element_options(A) ::= opt_collate(B) any_name(C) reloptions(F) sort_direction(D) nulls_order(E). {
    A = MAKE(index_element, -1, .collation = B, .opclass = C.names, .opclass_options = F, .direction = D, .nulls = E);
}
%type index_include {struct list *}
index_include(A) ::= . { A = NULL; }
index_include(A) ::= INCLUDE LPAREN index_elements(B) RPAREN. { A = B; }
