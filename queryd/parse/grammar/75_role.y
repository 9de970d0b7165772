/* ---- roles ------------------------------------------------------------------------------------ */

%type role {char *}
role(A) ::= non_reserved_word(B). {
    if (strcmp(B.text, "none") == 0)
        parse_fail_at(p, ST_RESERVED_NAME, B.location, "role name \"none\" is reserved");
    /* A quoted "public" is as good as none at all: PostgreSQL has no such role either. */
    A = strcmp(B.text, "public") == 0 ? make_special_role(p, "public") : P(B.text);
}
role(A) ::= CURRENT_ROLE. { A = make_special_role(p, "current_role"); }
role(A) ::= CURRENT_USER. { A = make_special_role(p, "current_user"); }
role(A) ::= SESSION_USER. { A = make_special_role(p, "session_user"); }
%type role_list {struct list *}
role_list(A) ::= role(B). { A = list1(p, B); }
role_list(A) ::= role_list(A) COMMA role(B). { A = list_add(p, A, B); }
/* ROLE r, USER r, GROUP r as an ast_role of which type and name are set. */
one_role(A) ::= ROLE role(B). { A = MAKE(role, -1, .type = OBJECT_ROLE, .name = B); }
one_role(A) ::= USER role(B). { A = MAKE(role, -1, .type = OBJECT_USER, .name = B); }
one_role(A) ::= GROUP role(B). { A = MAKE(role, -1, .type = OBJECT_GROUP, .name = B); }

create_statement(A) ::= CREATE(T) one_role(R) opt_with create_role_options(C). {
    A = R;
    A->location = T.location;
    ast_as_role(A)->action = ROLE_CREATE;
    ast_as_role(A)->options = C;
}
alter_statement(A) ::= ALTER(T) one_role(R) opt_with alter_role_options(C). {
    A = R;
    A->location = T.location;
    ast_as_role(A)->action = ROLE_ALTER;
    ast_as_role(A)->options = C;
}
alter_statement(A) ::= ALTER(T) one_role(R) in_database(D) set_reset_clause(C). {
    A = R;
    A->location = T.location;
    ast_as_role(A)->action = ROLE_SET;
    ast_as_role(A)->database = D;
    ast_as_role(A)->set = P(C);
}
alter_statement(A) ::= ALTER(T) ROLE ALL in_database(D) set_reset_clause(C). {
    A = MAKE(role, T.location, ROLE_SET, OBJECT_ROLE, .database = D, .set = P(C));
}
alter_statement(A) ::= ALTER(T) USER ALL in_database(D) set_reset_clause(C). {
    A = MAKE(role, T.location, ROLE_SET, OBJECT_USER, .database = D, .set = P(C));
}
alter_statement(A) ::= ALTER(T) one_role(R) RENAME TO role(C). {
    struct ast_role *r = ast_as_role(R);
    A = MAKE(rename, T.location, r->type, .object = make_string(p, r->name, -1), .new_name = C);
}
alter_statement(A) ::= ALTER(T) GROUP role(B) ADD USER role_list(C). { A = MAKE(role, T.location, ROLE_ALTER_GROUP, OBJECT_GROUP, B, C); }
alter_statement(A) ::= ALTER(T) GROUP role(B) DROP USER role_list(C). { A = MAKE(role, T.location, ROLE_ALTER_GROUP, OBJECT_GROUP, B, C, .drop = true); }
drop_statement(A) ::= DROP(T) role_kind(K) role_list(B). { A = MAKE(role, T.location, ROLE_DROP, K, .names = B); }
drop_statement(A) ::= DROP(T) role_kind(K) IF_LA EXISTS role_list(B). { A = MAKE(role, T.location, ROLE_DROP, K, .names = B, .if_exists = true); }
drop_statement(A) ::= DROP(T) USER role_list(B). { A = MAKE(role, T.location, ROLE_DROP, OBJECT_USER, .names = B); }
drop_statement(A) ::= DROP(T) USER IF_LA EXISTS role_list(B). { A = MAKE(role, T.location, ROLE_DROP, OBJECT_USER, .names = B, .if_exists = true); }
%type role_kind {int}
role_kind(A) ::= ROLE. { A = OBJECT_ROLE; }
role_kind(A) ::= GROUP. { A = OBJECT_GROUP; }
drop_statement(A) ::= DROP(T) OWNED BY role_list(B) drop_behavior(C). { A = MAKE(owned, T.location, B, .cascade = C); }
reassign_statement(A) ::= REASSIGN(T) OWNED BY role_list(B) TO role(C). { A = MAKE(owned, T.location, B, C); }
%type in_database {char *}
in_database(A) ::= . { A = NULL; }
in_database(A) ::= IN DATABASE name(B). { A = B; }

%type alter_role_options {struct list *}
alter_role_options(A) ::= . { A = NULL; }
alter_role_options(A) ::= alter_role_options(B) role_option(C). { A = list_add(p, B, C); }
%type create_role_options {struct list *}
create_role_options(A) ::= . { A = NULL; }
create_role_options(A) ::= create_role_options(B) create_role_option(C). { A = list_add(p, B, C); }
create_role_option(A) ::= role_option(A).
role_option(A) ::= PASSWORD(T) SCONST(B). { A = make_def(p, T.location, "password", make_token_literal(p, LITERAL_STRING, B)); }
role_option(A) ::= PASSWORD(T) NULL. { A = make_def(p, T.location, "password", NULL); }
role_option(A) ::= ENCRYPTED(T) PASSWORD SCONST(B). { A = make_def(p, T.location, "password", make_token_literal(p, LITERAL_STRING, B)); }
role_option(A) ::= INHERIT(T). { A = make_def(p, T.location, "inherit", make_bool(p, true, T.location)); }
role_option(A) ::= CONNECTION(T) LIMIT signed_integer(B). { A = make_def(p, T.location, "connectionlimit", make_integer(p, B, -1)); }
role_option(A) ::= VALID(T) UNTIL SCONST(B). { A = make_def(p, T.location, "validUntil", make_token_literal(p, LITERAL_STRING, B)); }
role_option(A) ::= USER(T) role_list(B). { A = make_def(p, T.location, "rolemembers", MAKE(name_list, T.location, B)); }
create_role_option(A) ::= SYSID(T) integer(B). { A = make_def(p, T.location, "sysid", make_integer(p, B, -1)); }
create_role_option(A) ::= ADMIN(T) role_list(B). { A = make_def(p, T.location, "adminmembers", MAKE(name_list, T.location, B)); }
create_role_option(A) ::= ROLE(T) role_list(B). { A = make_def(p, T.location, "rolemembers", MAKE(name_list, T.location, B)); }
create_role_option(A) ::= IN(T) ROLE role_list(B). { A = make_def(p, T.location, "addroleto", MAKE(name_list, T.location, B)); }
create_role_option(A) ::= IN(T) GROUP role_list(B). { A = make_def(p, T.location, "addroleto", MAKE(name_list, T.location, B)); }
role_option(A) ::= IDENT(B). {
    static const struct {
        const char *word;
        const char *name;
        bool value;
    } words[] = {{"superuser", "superuser", true},       {"nosuperuser", "superuser", false},
                 {"createrole", "createrole", true},     {"nocreaterole", "createrole", false},
                 {"replication", "isreplication", true}, {"noreplication", "isreplication", false},
                 {"createdb", "createdb", true},         {"nocreatedb", "createdb", false},
                 {"login", "canlogin", true},            {"nologin", "canlogin", false},
                 {"bypassrls", "bypassrls", true},       {"nobypassrls", "bypassrls", false},
                 {"noinherit", "inherit", false}};
    A = NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0] && !A; i++)
        if (strcmp(words[i].word, B.text) == 0)
            A = make_def(p, B.location, words[i].name, make_bool(p, words[i].value, B.location));
    if (!A)
        parse_fail_at(p, ST_SYNTAX_ERROR, B.location, parse_join(p, "unrecognized role option \"", B.text, "\""));
}

/* ---- privileges ------------------------------------------------------------------------------- */

grant_statement(A) ::= GRANT(T) privileges(B) ON privilege_target(C) TO grantee_list(D) grant_option(E) granted_by(F). {
    A = C;
    A->location = T.location;
    struct ast_grant *g = ast_as_grant(A);
    g->privileges = B;
    g->grantees = D;
    g->grant_option = E;
    g->grantor = F;
}
revoke_statement(A) ::= REVOKE(T) privileges(B) ON privilege_target(C) FROM grantee_list(D) granted_by(F) drop_behavior(G). {
    A = C;
    A->location = T.location;
    struct ast_grant *g = ast_as_grant(A);
    g->revoke = true;
    g->privileges = B;
    g->grantees = D;
    g->grantor = F;
    g->cascade = G;
}
revoke_statement(A) ::= REVOKE(T) GRANT OPTION FOR privileges(B) ON privilege_target(C) FROM grantee_list(D) granted_by(F) drop_behavior(G). {
    A = C;
    A->location = T.location;
    struct ast_grant *g = ast_as_grant(A);
    g->revoke = true;
    g->grant_option = true;
    g->privileges = B;
    g->grantees = D;
    g->grantor = F;
    g->cascade = G;
}
grant_statement(A) ::= GRANT(T) privilege_list(B) TO role_list(C) admin_option(D) granted_by(E). {
    A = MAKE(grant_role, T.location, .roles = B, .grantees = C, .admin_option = D, .grantor = E);
}
revoke_statement(A) ::= REVOKE(T) privilege_list(B) FROM role_list(C) granted_by(E) drop_behavior(F). {
    A = MAKE(grant_role, T.location, .revoke = true, .roles = B, .grantees = C, .grantor = E, .cascade = F);
}
revoke_statement(A) ::= REVOKE(T) ADMIN OPTION FOR privilege_list(B) FROM role_list(C) granted_by(E) drop_behavior(F). {
    A = MAKE(grant_role, T.location, .revoke = true, .roles = B, .grantees = C, .grantor = E, .cascade = F,
             .admin_option = true);
}
%type grantee {char *}
grantee(A) ::= role(A).
grantee(A) ::= GROUP role(B). { A = B; }
%type grantee_list {struct list *}
grantee_list(A) ::= grantee(B). { A = list1(p, B); }
grantee_list(A) ::= grantee_list(A) COMMA grantee(B). { A = list_add(p, A, B); }
%type grant_option {int}
grant_option(A) ::= . { A = 0; }
grant_option(A) ::= WITH GRANT OPTION. { A = 1; }
%type admin_option {int}
admin_option(A) ::= . { A = 0; }
admin_option(A) ::= WITH ADMIN OPTION. { A = 1; }
%type granted_by {char *}
granted_by(A) ::= . { A = NULL; }
granted_by(A) ::= GRANTED BY role(B). { A = B; }

/* An empty list is ALL; ALL (columns) is an ast_privilege without name. */
%type privileges {struct list *}
privileges(A) ::= privilege_list(A).
privileges(A) ::= ALL. { A = NULL; }
privileges(A) ::= ALL PRIVILEGES. { A = NULL; }
privileges(A) ::= ALL(T) LPAREN name_list(B) RPAREN. { A = list1(p, MAKE(privilege, T.location, NULL, B)); }
privileges(A) ::= ALL(T) PRIVILEGES LPAREN name_list(B) RPAREN. { A = list1(p, MAKE(privilege, T.location, NULL, B)); }
%type privilege_list {struct list *}
privilege_list(A) ::= privilege(B). { A = list1(p, B); }
privilege_list(A) ::= privilege_list(A) COMMA privilege(B). { A = list_add(p, A, B); }
privilege(A) ::= privilege_word(B) opt_name_list(C). { A = MAKE(privilege, B.location, P(B.text), C); }
privilege(A) ::= ALTER(T) SYSTEM. { A = MAKE(privilege, T.location, P("alter system")); }
%type privilege_word {struct token}
privilege_word(A) ::= SELECT(A).
privilege_word(A) ::= REFERENCES(A).
privilege_word(A) ::= CREATE(A).
privilege_word(A) ::= col_id(A).

privilege_target(A) ::= qualified_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_TABLE, .objects = B); }
privilege_target(A) ::= TABLE qualified_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_TABLE, .objects = B); }
privilege_target(A) ::= SEQUENCE qualified_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_SEQUENCE, .objects = B); }
privilege_target(A) ::= FOREIGN DATA WRAPPER name_list(B). { A = MAKE(grant, -1, .type = OBJECT_FDW, .objects = list1(p, MAKE(name_list, -1, B))); }
privilege_target(A) ::= FOREIGN SERVER name_list(B). { A = MAKE(grant, -1, .type = OBJECT_FOREIGN_SERVER, .objects = list1(p, MAKE(name_list, -1, B))); }
privilege_target(A) ::= function_kind(K) function_args_list(B). { A = MAKE(grant, -1, .type = K, .objects = B); }
privilege_target(A) ::= grant_name_kind(K) name_list(B). {
    A = MAKE(grant, -1, .type = K);
    LIST_EACH(char *, n, B) {
        ast_as_grant(A)->objects = list_add(p, ast_as_grant(A)->objects, MAKE(name_list, -1, list1(p, n)));
    }
}
privilege_target(A) ::= DOMAIN any_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_DOMAIN, .objects = B); }
privilege_target(A) ::= TYPE any_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_TYPE, .objects = B); }
privilege_target(A) ::= LARGE OBJECT large_objects(B). { A = MAKE(grant, -1, .type = OBJECT_LARGE_OBJECT, .objects = B); }
privilege_target(A) ::= PARAMETER any_name_list(B). { A = MAKE(grant, -1, .type = OBJECT_PARAMETER, .objects = B); }
privilege_target(A) ::= ALL grant_all_kind(K) IN SCHEMA name_list(B). {
    A = MAKE(grant, -1, .target = GRANT_ALL_IN_SCHEMA, .type = K, .objects = list1(p, MAKE(name_list, -1, B)));
}
%type large_objects {struct list *}
large_objects(A) ::= number(B). { A = list1(p, B); }
large_objects(A) ::= large_objects(A) COMMA number(B). { A = list_add(p, A, B); }
%type grant_name_kind {int}
grant_name_kind(A) ::= DATABASE. { A = OBJECT_DATABASE; }
grant_name_kind(A) ::= LANGUAGE. { A = OBJECT_LANGUAGE; }
grant_name_kind(A) ::= SCHEMA. { A = OBJECT_SCHEMA; }
grant_name_kind(A) ::= TABLESPACE. { A = OBJECT_TABLESPACE; }
%type grant_all_kind {int}
grant_all_kind(A) ::= TABLES. { A = OBJECT_TABLE; }
grant_all_kind(A) ::= SEQUENCES. { A = OBJECT_SEQUENCE; }
grant_all_kind(A) ::= FUNCTIONS. { A = OBJECT_FUNCTION; }
grant_all_kind(A) ::= PROCEDURES. { A = OBJECT_PROCEDURE; }
grant_all_kind(A) ::= ROUTINES. { A = OBJECT_ROUTINE; }
%type default_kind {int}
default_kind(A) ::= grant_all_kind(A).
default_kind(A) ::= TYPES. { A = OBJECT_TYPE; }
default_kind(A) ::= SCHEMAS. { A = OBJECT_SCHEMA; }

alter_statement(A) ::= ALTER(T) DEFAULT PRIVILEGES default_options(O) GRANT privileges(B) ON default_kind(K) TO grantee_list(D) grant_option(E). {
    A = MAKE(grant, T.location, .target = GRANT_DEFAULTS, .type = K, .privileges = B, .grantees = D,
             .grant_option = E, .options = O);
}
alter_statement(A) ::= ALTER(T) DEFAULT PRIVILEGES default_options(O) REVOKE privileges(B) ON default_kind(K) FROM grantee_list(D) drop_behavior(E). {
    A = MAKE(grant, T.location, .revoke = true, .target = GRANT_DEFAULTS, .type = K, .privileges = B, .grantees = D,
             .cascade = E, .options = O);
}
alter_statement(A) ::= ALTER(T) DEFAULT PRIVILEGES default_options(O) REVOKE GRANT OPTION FOR privileges(B) ON default_kind(K) FROM grantee_list(D) drop_behavior(E). {
    A = MAKE(grant, T.location, .revoke = true, .grant_option = true, .target = GRANT_DEFAULTS, .type = K,
             .privileges = B, .grantees = D, .cascade = E, .options = O);
}
%type default_options {struct list *}
default_options(A) ::= . { A = NULL; }
default_options(A) ::= default_options(B) default_option(C). { A = list_add(p, B, C); }
default_option(A) ::= IN(T) SCHEMA name_list(B). { A = make_def(p, T.location, "schemas", MAKE(name_list, -1, B)); }
default_option(A) ::= FOR(T) ROLE role_list(B). { A = make_def(p, T.location, "roles", MAKE(name_list, -1, B)); }
default_option(A) ::= FOR(T) USER role_list(B). { A = make_def(p, T.location, "roles", MAKE(name_list, -1, B)); }
