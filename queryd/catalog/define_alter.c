/* define_alter.c: ALTER TABLE: its commands in PostgreSQL's passes. */
#include "catalog/options.h"

/* What is carried out first does not depend on the order in which it was written: things go before
 * others come, columns are there before what names them. */
enum pass {
    PASS_DROP,
    PASS_TYPE,
    PASS_ADD_COLUMN,
    PASS_ATTRIBUTES,
    PASS_KEYS,
    PASS_CONSTRAINTS,
    PASS_OTHERS,
    PASS_COUNT
};

/* A constraint that was written on a new column. */
struct column_constraint {
    const struct ast_constraint *constraint;
    const char *column;
};

struct alter {
    struct sql_env *env;
    oid table;
    struct list *commands[PASS_COUNT];    /* ast_alter_cmd */
    struct list *constraints[PASS_COUNT]; /* column_constraint, after the commands of their pass */
};

static enum pass pass_of_constraint(const struct ast_constraint *c) {
    return c->kind == CONSTRAINT_PRIMARY_KEY || c->kind == CONSTRAINT_UNIQUE ? PASS_KEYS
                                                                             : PASS_CONSTRAINTS;
}

static enum pass pass_of(const struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_DROP_COLUMN:
    case ALTER_DROP_CONSTRAINT:
    case ALTER_DROP_NOT_NULL:
    case ALTER_DROP_IDENTITY:
    case ALTER_SET_EXPRESSION_DROP: return PASS_DROP;
    case ALTER_COLUMN_DEFAULT: return cmd->def ? PASS_CONSTRAINTS : PASS_DROP;
    case ALTER_COLUMN_TYPE: return PASS_TYPE;
    case ALTER_ADD_COLUMN: return PASS_ADD_COLUMN;
    case ALTER_SET_NOT_NULL:
    case ALTER_SET_IDENTITY: return PASS_ATTRIBUTES;
    case ALTER_ADD_CONSTRAINT: return pass_of_constraint(ast_as_constraint(cmd->def));
    case ALTER_ADD_IDENTITY: return PASS_CONSTRAINTS;
    default: return PASS_OTHERS;
    }
}

/* ---- one command ----------------------------------------------------------------------------- */

static status add_column(struct alter *a, const struct relation *r, struct ast_alter_cmd *cmd) {
    struct ast_column_def *c = ast_as_column_def(cmd->def);
    bool added;
    TRY(define_add_column(a->env, r, cmd, &added));
    LIST_EACH(struct ast_constraint *, k, c->constraints) {
        if (!added || (k->kind != CONSTRAINT_CHECK && k->kind != CONSTRAINT_UNIQUE &&
                       k->kind != CONSTRAINT_PRIMARY_KEY && k->kind != CONSTRAINT_FOREIGN_KEY))
            continue;
        struct column_constraint x = {k, c->name}, *kept;
        kept = arena_memdup(a->env->eval.arena, &x, sizeof x);
        if (!kept) return no_memory(a->env);
        TRY(list_append(a->env->eval.arena, &a->constraints[pass_of_constraint(k)], kept));
    }
    return OK;
}

static status alter_column(struct sql_env *env, const struct relation *r,
                           struct ast_alter_cmd *cmd) {
    TRY(define_refuse_system_column(env, cmd->name, "alter"));
    switch (cmd->kind) {
    case ALTER_COLUMN_DEFAULT: return define_set_default(env, r, cmd);
    case ALTER_SET_NOT_NULL: return define_set_not_null(env, r, cmd->name, true);
    case ALTER_DROP_NOT_NULL: return define_set_not_null(env, r, cmd->name, false);
    case ALTER_SET_STATISTICS:
    case ALTER_SET_STORAGE:
    case ALTER_SET_COMPRESSION: return define_alter_storage(env, r, cmd);
    case ALTER_SET_COLUMN_OPTIONS: return define_set_column_options(env, r, cmd, false);
    case ALTER_RESET_COLUMN_OPTIONS: return define_set_column_options(env, r, cmd, true);
    default: return define_alter_identity(env, r, cmd);
    }
}

static status alter_constraint(struct sql_env *env, const struct relation *r,
                               struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_ADD_CONSTRAINT:
        return define_add_constraint(env, r->oid, ast_as_constraint(cmd->def), NULL);
    case ALTER_ALTER_CONSTRAINT:
        return define_alter_constraint(env, r, ast_as_constraint(cmd->def));
    case ALTER_DROP_CONSTRAINT:
        return define_drop_constraint(env, r, cmd->name, cmd->missing_ok, cmd->cascade);
    default: return define_validate_constraint(env, r, cmd->name);
    }
}

/* Columns that come or go are among those of joins in views. */
static status change_columns(struct alter *a, const struct relation *r, struct ast_alter_cmd *cmd) {
    struct list *views = NULL;
    TRY(define_keep_texts(a->env, OID_pg_class, r->oid, &views));
    TRY(cmd->kind == ALTER_ADD_COLUMN ? add_column(a, r, cmd) : define_drop_column(a->env, r, cmd));
    return define_rewrite_texts(a->env, views);
}

static status alter_one(struct alter *a, const struct relation *r, struct ast_alter_cmd *cmd) {
    struct sql_env *env = a->env;
    switch (cmd->kind) {
    case ALTER_ADD_COLUMN:
    case ALTER_DROP_COLUMN: return change_columns(a, r, cmd);
    case ALTER_COLUMN_DEFAULT:
    case ALTER_SET_NOT_NULL:
    case ALTER_DROP_NOT_NULL:
    case ALTER_SET_STATISTICS:
    case ALTER_SET_COLUMN_OPTIONS:
    case ALTER_RESET_COLUMN_OPTIONS:
    case ALTER_SET_STORAGE:
    case ALTER_SET_COMPRESSION:
    case ALTER_ADD_IDENTITY:
    case ALTER_SET_IDENTITY:
    case ALTER_DROP_IDENTITY:
    case ALTER_SET_EXPRESSION_DROP: return alter_column(env, r, cmd);
    case ALTER_ADD_CONSTRAINT:
    case ALTER_ALTER_CONSTRAINT:
    case ALTER_DROP_CONSTRAINT:
    case ALTER_VALIDATE_CONSTRAINT: return alter_constraint(env, r, cmd);
    case ALTER_OWNER: return define_change_owner(env, r, cmd->new_owner);
    default: return define_alter_property(env, r, cmd);
    }
}

/* ---- what it may be done to ------------------------------------------------------------------ */

static bool allowed(char relkind, const struct ast_alter_cmd *cmd) {
    switch (cmd->kind) {
    case ALTER_OWNER:
    case ALTER_SET_OPTIONS:
    case ALTER_RESET_OPTIONS: return strchr("rviS", relkind);
    case ALTER_COLUMN_DEFAULT: return relkind == 'r' || relkind == 'v';
    case ALTER_SET_STATISTICS: return relkind == 'r' || relkind == 'i';
    case ALTER_SET_TABLESPACE: return relkind == 'r' || relkind == 'i';
    case ALTER_SET_LOGGED:
    case ALTER_SET_UNLOGGED: return relkind == 'r' || relkind == 'S';
    default: return relkind == 'r';
    }
}

static const char *command_words(enum ast_alter_kind kind) {
    static const char *const words[ALTER_KIND_COUNT] = {
        [ALTER_ADD_COLUMN] = "ADD COLUMN",
        [ALTER_COLUMN_DEFAULT] = "ALTER COLUMN ... SET DEFAULT",
        [ALTER_DROP_NOT_NULL] = "ALTER COLUMN ... DROP NOT NULL",
        [ALTER_SET_NOT_NULL] = "ALTER COLUMN ... SET NOT NULL",
        [ALTER_SET_EXPRESSION_DROP] = "ALTER COLUMN ... DROP EXPRESSION",
        [ALTER_SET_STATISTICS] = "ALTER COLUMN ... SET STATISTICS",
        [ALTER_SET_COLUMN_OPTIONS] = "ALTER COLUMN ... SET",
        [ALTER_RESET_COLUMN_OPTIONS] = "ALTER COLUMN ... RESET",
        [ALTER_SET_STORAGE] = "ALTER COLUMN ... SET STORAGE",
        [ALTER_SET_COMPRESSION] = "ALTER COLUMN ... SET COMPRESSION",
        [ALTER_ADD_IDENTITY] = "ALTER COLUMN ... ADD IDENTITY",
        [ALTER_SET_IDENTITY] = "ALTER COLUMN ... SET",
        [ALTER_DROP_IDENTITY] = "ALTER COLUMN ... DROP IDENTITY",
        [ALTER_DROP_COLUMN] = "DROP COLUMN",
        [ALTER_COLUMN_TYPE] = "ALTER COLUMN ... SET DATA TYPE",
        [ALTER_ADD_CONSTRAINT] = "ADD CONSTRAINT",
        [ALTER_ALTER_CONSTRAINT] = "ALTER CONSTRAINT",
        [ALTER_VALIDATE_CONSTRAINT] = "VALIDATE CONSTRAINT",
        [ALTER_DROP_CONSTRAINT] = "DROP CONSTRAINT",
        [ALTER_CLUSTER_ON] = "CLUSTER ON",
        [ALTER_SET_WITHOUT_CLUSTER] = "SET WITHOUT CLUSTER",
        [ALTER_SET_LOGGED] = "SET LOGGED",
        [ALTER_SET_UNLOGGED] = "SET UNLOGGED",
        [ALTER_SET_TABLESPACE] = "SET TABLESPACE",
        [ALTER_SET_ACCESS_METHOD] = "SET ACCESS METHOD",
        [ALTER_INHERIT] = "INHERIT",
        [ALTER_NO_INHERIT] = "NO INHERIT",
        [ALTER_OF_TYPE] = "OF",
        [ALTER_NOT_OF] = "NOT OF",
        [ALTER_REPLICA_IDENTITY] = "REPLICA IDENTITY",
        [ALTER_SET_WITHOUT_OIDS] = "SET WITHOUT OIDS",
        [ALTER_ENABLE_TRIGGER] = "ENABLE TRIGGER",
        [ALTER_ENABLE_ALWAYS_TRIGGER] = "ENABLE ALWAYS TRIGGER",
        [ALTER_ENABLE_REPLICA_TRIGGER] = "ENABLE REPLICA TRIGGER",
        [ALTER_ENABLE_TRIGGER_ALL] = "ENABLE TRIGGER ALL",
        [ALTER_ENABLE_TRIGGER_USER] = "ENABLE TRIGGER USER",
        [ALTER_DISABLE_TRIGGER] = "DISABLE TRIGGER",
        [ALTER_DISABLE_TRIGGER_ALL] = "DISABLE TRIGGER ALL",
        [ALTER_DISABLE_TRIGGER_USER] = "DISABLE TRIGGER USER",
        [ALTER_ENABLE_RULE] = "ENABLE RULE",
        [ALTER_ENABLE_ALWAYS_RULE] = "ENABLE ALWAYS RULE",
        [ALTER_ENABLE_REPLICA_RULE] = "ENABLE REPLICA RULE",
        [ALTER_DISABLE_RULE] = "DISABLE RULE",
        [ALTER_ENABLE_ROW_SECURITY] = "ENABLE ROW SECURITY",
        [ALTER_DISABLE_ROW_SECURITY] = "DISABLE ROW SECURITY",
        [ALTER_FORCE_ROW_SECURITY] = "FORCE ROW SECURITY",
        [ALTER_NO_FORCE_ROW_SECURITY] = "NO FORCE ROW SECURITY",
        [ALTER_ATTACH_PARTITION] = "ATTACH PARTITION",
        [ALTER_DETACH_PARTITION] = "DETACH PARTITION",
        [ALTER_DETACH_PARTITION_FINALIZE] = "DETACH PARTITION ... FINALIZE",
    };
    return words[kind];
}

static status refuse_kind(struct sql_env *env, const struct relation *r,
                          const struct ast_alter_cmd *cmd) {
    const char *words = command_words(cmd->kind);
    if (!words) return define_unsupported(env, "this form of ALTER");
    status st = error_set(env->eval.error, ST_WRONG_OBJECT_TYPE,
                          "ALTER action %s cannot be performed on relation \"%s\"", words, r->name);
    error_detail(env->eval.error, "This operation is not supported for %s.",
                 r->kind == 'v'   ? "views"
                 : r->kind == 'i' ? "indexes"
                                  : "sequences");
    return st;
}

const char *define_kinds_of(enum ast_object_type type) {
    switch (type) {
    case OBJECT_VIEW: return "v";
    case OBJECT_INDEX: return "i";
    case OBJECT_SEQUENCE: return "S";
    case OBJECT_MATVIEW: return "m";
    case OBJECT_FOREIGN_TABLE: return "f";
    default: return "rviS";
    }
}

/* ---- the statement --------------------------------------------------------------------------- */

static status run_types(struct alter *a) {
    const struct relation *r;
    if (!list_n(a->commands[PASS_TYPE])) return OK;
    TRY(catalog_relation(a->env, a->table, &r));
    TRY(define_alter_types(a->env, r, a->commands[PASS_TYPE]));
    catalog_changed(a->env);
    return OK;
}

static status run_pass(struct alter *a, enum pass pass) {
    if (pass == PASS_TYPE) return run_types(a);
    LIST_EACH(struct ast_alter_cmd *, cmd, a->commands[pass]) {
        const struct relation *r;
        TRY(catalog_relation(a->env, a->table, &r));
        TRY(alter_one(a, r, cmd));
        catalog_changed(a->env);
    }
    LIST_EACH(const struct column_constraint *, x, a->constraints[pass]) {
        TRY(define_add_constraint(a->env, a->table, x->constraint, x->column));
        catalog_changed(a->env);
    }
    return OK;
}

status define_alter_table(struct sql_env *env, struct ast_alter_table *s) {
    if (s->type == OBJECT_TYPE) return define_alter_composite(env, s);
    const struct relation *r;
    status st = define_lock(env, s->relation, MODE_ACCESS_EXCLUSIVE, define_kinds_of(s->type),
                            s->if_exists, &r);
    if (status_is(st, ST_NOT_FOUND)) {
        define_notice(env, "00000", "relation \"%s\" does not exist, skipping", s->relation->name);
        return OK;
    }
    TRY(st);
    struct alter a = {.env = env, .table = r->oid};
    LIST_EACH(struct ast_alter_cmd *, cmd, s->commands) {
        if (!allowed(r->kind, cmd)) return refuse_kind(env, r, cmd);
        TRY(list_append(env->eval.arena, &a.commands[pass_of(cmd)], cmd));
    }
    for (enum pass pass = 0; pass < PASS_COUNT; pass++) TRY(run_pass(&a, pass));
    return OK;
}
