/* Command tags of definitions. */
#include "catalog/define.h"

static const char *drop_tag(enum ast_object_type type) {
    switch (type) {
    case OBJECT_TABLE: return "DROP TABLE";
    case OBJECT_VIEW: return "DROP VIEW";
    case OBJECT_INDEX: return "DROP INDEX";
    case OBJECT_SCHEMA: return "DROP SCHEMA";
    case OBJECT_SEQUENCE: return "DROP SEQUENCE";
    case OBJECT_FUNCTION: return "DROP FUNCTION";
    case OBJECT_PROCEDURE: return "DROP PROCEDURE";
    case OBJECT_ROUTINE: return "DROP ROUTINE";
    case OBJECT_TYPE: return "DROP TYPE";
    case OBJECT_DOMAIN: return "DROP DOMAIN";
    case OBJECT_COLLATION: return "DROP COLLATION";
#define FIXED(kind, words)                                                                         \
    case OBJECT_##kind: return "DROP " words
        FIXED(AGGREGATE, "AGGREGATE");
        FIXED(OPERATOR, "OPERATOR");
        FIXED(OPCLASS, "OPERATOR CLASS");
        FIXED(OPFAMILY, "OPERATOR FAMILY");
        FIXED(CAST, "CAST");
        FIXED(CONVERSION, "CONVERSION");
        FIXED(STATISTICS, "STATISTICS");
        FIXED(TS_PARSER, "TEXT SEARCH PARSER");
        FIXED(TS_DICTIONARY, "TEXT SEARCH DICTIONARY");
        FIXED(TS_TEMPLATE, "TEXT SEARCH TEMPLATE");
        FIXED(TS_CONFIGURATION, "TEXT SEARCH CONFIGURATION");
        FIXED(FOREIGN_TABLE, "FOREIGN TABLE");
        FIXED(LANGUAGE, "LANGUAGE");
        FIXED(EXTENSION, "EXTENSION");
        FIXED(FDW, "FOREIGN DATA WRAPPER");
        FIXED(FOREIGN_SERVER, "SERVER");
        FIXED(USER_MAPPING, "USER MAPPING");
        FIXED(ACCESS_METHOD, "ACCESS METHOD");
        FIXED(EVENT_TRIGGER, "EVENT TRIGGER");
        FIXED(PUBLICATION, "PUBLICATION");
        FIXED(SUBSCRIPTION, "SUBSCRIPTION");
        FIXED(TABLESPACE, "TABLESPACE");
        FIXED(RULE, "RULE");
        FIXED(TRIGGER, "TRIGGER");
        FIXED(POLICY, "POLICY");
#undef FIXED
    default: return "DROP";
    }
}

static const char *alter_tag(enum ast_object_type type) {
    switch (type) {
    case OBJECT_ROLE:
    case OBJECT_USER:
    case OBJECT_GROUP: return "ALTER ROLE";
    case OBJECT_DATABASE: return "ALTER DATABASE";
    case OBJECT_AGGREGATE: return "ALTER AGGREGATE";
    case OBJECT_LANGUAGE: return "ALTER LANGUAGE";
    case OBJECT_OPERATOR: return "ALTER OPERATOR";
    case OBJECT_VIEW: return "ALTER VIEW";
    case OBJECT_INDEX: return "ALTER INDEX";
    case OBJECT_SEQUENCE: return "ALTER SEQUENCE";
    case OBJECT_SCHEMA: return "ALTER SCHEMA";
    case OBJECT_FUNCTION: return "ALTER FUNCTION";
    case OBJECT_PROCEDURE: return "ALTER PROCEDURE";
    case OBJECT_ROUTINE: return "ALTER ROUTINE";
    case OBJECT_ATTRIBUTE:
    case OBJECT_TYPE: return "ALTER TYPE";
    case OBJECT_DOMAIN_CONSTRAINT:
    case OBJECT_DOMAIN: return "ALTER DOMAIN";
    case OBJECT_COLLATION: return "ALTER COLLATION";
    default: return "ALTER TABLE";
    }
}

static const char *rename_tag(const struct ast_rename *s) {
    return alter_tag(s->type == OBJECT_COLUMN ? s->relation_type : s->type);
}

static const char *role_tag(const struct ast_role *s) {
    return s->action == ROLE_CREATE ? "CREATE ROLE"
           : s->action == ROLE_DROP ? "DROP ROLE"
                                    : "ALTER ROLE";
}

static const char *grant_tag(const struct ast_grant *s) {
    if (s->target == GRANT_DEFAULTS) return "ALTER DEFAULT PRIVILEGES";
    return s->revoke ? "REVOKE" : "GRANT";
}

static const char *database_tag(const struct ast_database *s) {
    return s->action == DATABASE_CREATE ? "CREATE DATABASE"
           : s->action == DATABASE_DROP ? "DROP DATABASE"
                                        : "ALTER DATABASE";
}

const char *define_command(const struct node *stmt) {
    struct node *n = (struct node *)stmt; /* looked at only */
    switch ((enum node_kind)n->kind) {
    case NODE_CREATE_TABLE: return "CREATE TABLE";
    case NODE_CREATE_INDEX: return "CREATE INDEX";
    case NODE_CREATE_VIEW: return "CREATE VIEW";
    case NODE_SEQUENCE: return ast_as_sequence(n)->alter ? "ALTER SEQUENCE" : "CREATE SEQUENCE";
    case NODE_CREATE_FUNCTION:
        return ast_as_create_function(n)->procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
    case NODE_ALTER_FUNCTION: return alter_tag(ast_as_alter_function(n)->type);
    case NODE_CREATE_SCHEMA: return "CREATE SCHEMA";
    case NODE_ALTER_TABLE: return alter_tag(ast_as_alter_table(n)->type);
    case NODE_RENAME: return rename_tag(ast_as_rename(n));
    case NODE_ALTER_OBJECT: return alter_tag(ast_as_alter_object(n)->type);
    case NODE_DROP: return drop_tag(ast_as_drop(n)->type);
    case NODE_CREATE_TYPE: return "CREATE TYPE";
    case NODE_ALTER_ENUM: return "ALTER TYPE";
    case NODE_CREATE_CAST: return "CREATE CAST";
    case NODE_CREATE_OPERATOR: return "CREATE OPERATOR";
    case NODE_ALTER_OPERATOR: return "ALTER OPERATOR";
    case NODE_CREATE_AGGREGATE: return "CREATE AGGREGATE";
    case NODE_CREATE_COLLATION: return "CREATE COLLATION";
    case NODE_REFRESH_COLLATION: return "ALTER COLLATION";
    case NODE_CREATE_DOMAIN: return "CREATE DOMAIN";
    case NODE_ALTER_DOMAIN: return "ALTER DOMAIN";
    case NODE_TRUNCATE: return "TRUNCATE TABLE";
    case NODE_COMMENT: return "COMMENT";
    case NODE_ROLE: return role_tag(ast_as_role(n));
    case NODE_GRANT: return grant_tag(ast_as_grant(n));
    case NODE_GRANT_ROLE: return ast_as_grant_role(n)->revoke ? "REVOKE ROLE" : "GRANT ROLE";
    case NODE_OWNED: return ast_as_owned(n)->new_owner ? "REASSIGN OWNED" : "DROP OWNED";
    case NODE_DATABASE: return database_tag(ast_as_database(n));
    case NODE_VACUUM: return ast_as_vacuum(n)->analyze_only ? "ANALYZE" : "VACUUM";
    case NODE_REINDEX: return "REINDEX";
    case NODE_CLUSTER: return "CLUSTER";
    case NODE_CHECKPOINT: return "CHECKPOINT";
    default: return NULL;
    }
}
