/* COPY: the statement, its columns, its end. */
#include "catalog/progress.h"
#include "exec/copy_private.h"
#include "exec/private.h"
#include "types/acl.h"

static status at_location(struct copy *c, int32_t location, status s) {
    if (location >= 0)
        error_at(c->env->eval.error, parse_position(c->env->text, c->env->text_len, location));
    return s;
}

static int find_attribute(const struct relation *r, const char *name) {
    for (uint16_t i = 0; i < r->natts; i++)
        if (!r->atts[i].dropped && strcmp(r->atts[i].name, name) == 0) return i;
    return -1;
}

static status named_columns(struct copy *c, const struct ast_copy *stmt) {
    const struct relation *r = c->relation;
    struct error *e = c->env->eval.error;
    LIST_EACH(char *, name, stmt->columns) {
        int att = find_attribute(r, name);
        if (att < 0)
            return error_set(e, ST_UNDEFINED_COLUMN,
                             "column \"%s\" of relation \"%s\" does not exist", name, r->name);
        for (uint16_t i = 0; i < c->n; i++)
            if (c->columns[i] == att)
                return error_set(e, ST_DUPLICATE_COLUMN, "column \"%s\" specified more than once",
                                 name);
        c->columns[c->n++] = (uint16_t)att;
    }
    return OK;
}

static status choose_columns(struct copy *c, const struct ast_copy *stmt) {
    const struct relation *r = c->relation;
    uint16_t room = (uint16_t)(r->natts + 1);
    NEW_N(&c->x, c->columns, room);
    NEW_N(&c->x, c->types, room);
    NEW_N(&c->x, c->names, room);
    if (stmt->columns)
        TRY(named_columns(c, stmt));
    else
        for (uint16_t i = 0; i < r->natts; i++)
            if (!r->atts[i].dropped && !r->atts[i].generated) c->columns[c->n++] = i;
    for (uint16_t i = 0; i < c->n; i++) {
        c->types[i] = type_find(r->atts[c->columns[i]].type);
        NEEDS(&c->x, c->names[i] = arena_strdup(c->x.arena, r->atts[c->columns[i]].name));
    }
    return OK;
}

static status mark_columns(struct copy *c, const struct list *names, const char *what, bool *set) {
    LIST_EACH(char *, name, names) {
        bool found = false;
        for (uint16_t i = 0; i < c->n; i++)
            if (strcmp(c->names[i], name) == 0) set[i] = found = true;
        if (!found)
            return error_set(c->env->eval.error, ST_INVALID_COLUMN_REFERENCE,
                             "%s column \"%s\" not referenced by COPY", what, name);
    }
    return OK;
}

static status force_columns(struct copy *c) {
    const struct copy_options *o = &c->options;
    NEW_N(&c->x, c->force_quote, c->n + 1);
    NEW_N(&c->x, c->force_not_null, c->n + 1);
    NEW_N(&c->x, c->force_null, c->n + 1);
    if (o->force_quote_all) memset(c->force_quote, true, c->n);
    TRY(mark_columns(c, o->force_quote, "FORCE_QUOTE", c->force_quote));
    TRY(mark_columns(c, o->force_not_null, "FORCE_NOT_NULL", c->force_not_null));
    return mark_columns(c, o->force_null, "FORCE_NULL", c->force_null);
}

static status lock_relation(struct copy *c, const struct ast_copy *stmt) {
    struct error *e = c->env->eval.error;
    const struct ast_range_var *v = stmt->relation;
    enum relation_mode mode = stmt->from ? MODE_ROW_EXCLUSIVE : MODE_ACCESS_SHARE;
    TRY(catalog_relation_lock(c->env, v->schema, v->name, mode, v->node.location, &c->relation));
    const struct relation *r = c->relation;
    if (r->kind == 'v') {
        status s = error_set(e, ST_WRONG_OBJECT_TYPE, "cannot copy %s view \"%s\"",
                             stmt->from ? "to" : "from", r->name);
        if (!stmt->from) error_hint(e, "Try the COPY (SELECT ...) TO variant.");
        return s;
    }
    if (r->kind != 'r')
        return error_set(e, ST_WRONG_OBJECT_TYPE, "cannot copy %s non-table relation \"%s\"",
                         stmt->from ? "to" : "from", r->name);
    if (stmt->from && r->is_catalog)
        return error_set(e, ST_INSUFFICIENT_PRIVILEGE,
                         "permission denied: \"%s\" is a system catalog", r->name);
    return OK;
}

/* As of a SELECT or INSERT of these columns. */
static status check_permission(struct copy *c, bool from) {
    const struct relation *r = c->relation;
    struct permission p = {.relation = r->oid,
                           .rights = from ? ACL_INSERT : ACL_SELECT,
                           .words = (uint16_t)(r->natts / 64 + 1)};
    NEW_N(&c->x, p.selected, p.words);
    p.inserted = p.updated = p.selected;
    for (uint16_t i = 0; i < c->n; i++) {
        unsigned bit = c->columns[i] + 1u;
        p.selected[bit / 64] |= (uint64_t)1 << bit % 64;
    }
    return permission_check_one(c->env, &p);
}

static status begin(struct copy *c, const struct ast_copy *stmt) {
    if (stmt->file) TRY(copy_file_allowed(c->env, stmt));
    TRY(copy_options_read(c, stmt));
    if (stmt->from && !stmt->relation)
        return at_location(
            c, stmt->node.location,
            error_set(c->env->eval.error, ST_SYNTAX_ERROR, "COPY FROM needs a table"));
    if (stmt->relation) {
        TRY(lock_relation(c, stmt));
        TRY(choose_columns(c, stmt));
        TRY(check_permission(c, stmt->from));
    }
    if (!stmt->from) TRY(copy_out_begin(c, stmt));
    TRY(force_columns(c));
    return stmt->from ? copy_in_begin(c, stmt) : OK;
}

static void begin_progress(const struct copy *c, const struct ast_copy *stmt) {
    progress_begin(c->env, PROGRESS_COPY, c->relation ? c->relation->oid : 0);
    progress_set(c->env, PROGRESS_COPY_COMMAND, stmt->from ? PROGRESS_COPY_FROM : PROGRESS_COPY_TO);
    progress_set(c->env, PROGRESS_COPY_TYPE,
                 !stmt->file     ? PROGRESS_PIPE
                 : stmt->program ? PROGRESS_PROGRAM
                                 : PROGRESS_FILE);
}

status copy_begin(struct sql_env *env, const struct ast_copy *stmt, struct copy **ret_copy) {
    struct copy *c = arena_zalloc(env->eval.arena, sizeof *c);
    if (!c) return error_set(env->eval.error, ST_OUT_OF_MEMORY, "out of memory");
    c->env = env;
    c->x.env = env;
    c->x.arena = env->eval.arena;
    status s = begin(c, stmt);
    if (ok(s)) {
        begin_progress(c, stmt);
        *ret_copy = c;
        return OK;
    }
    copy_end(c);
    if (env->eval.error->status.code == ST_OK) return catalog_error(env, s);
    return s;
}

bool copy_is_binary(const struct copy *c) {
    return c->options.format == COPY_BINARY;
}

uint16_t copy_columns(const struct copy *c) {
    return c->n;
}

uint64_t copy_rows(const struct copy *c) {
    return c->rows;
}

void copy_end(struct copy *c) {
    progress_end(c->env);
    if (c->execution) execution_end(c->execution);
    if (c->statement) statement_release(c->statement);
    c->execution = NULL;
    c->statement = NULL;
    buf_free(&c->pending);
    buf_free(&c->foreign);
    buf_free(&c->plain);
    if (c->row_arena.chunk) arena_free(&c->row_arena);
    table_load_end(&c->load);
}
