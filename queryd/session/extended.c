/* The extended query protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync. */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/probe.h"
#include "session/session_private.h"
#include "session/worker.h"

static void empty_message(struct session *s, char type) {
    wire_begin(&s->wire, type);
    wire_end(&s->wire);
}

static struct prepared *find_or_error(struct session *s, const char *name) {
    struct prepared *p = prepared_find(s, name);
    if (p) return p;
    status_ignore(*name ? error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                                    "prepared statement \"%s\" does not exist", name)
                        : error_set(&s->error, ST_INVALID_SQL_STATEMENT_NAME,
                                    "unnamed prepared statement does not exist"));
    return NULL; /* the caller returns the recorded status */
}

static status parse_message(struct session *s, struct wire_reader *r) {
    const char *name, *text;
    uint16_t ntypes;
    TRY(wire_gets(r, &name));
    TRY(wire_gets(r, &text));
    TRY(wire_get16(r, &ntypes));
    oid *types = arena_array(&s->statement_arena, ntypes, sizeof *types);
    if (!types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < ntypes; i++) TRY(wire_get32(r, &types[i]));
    struct prepared *p;
    if (s->slot->bound && !*name) session_note_effect(s); /* an earlier Bind meant another text */
    TRY(prepared_store(s, name, text, strlen(text), types, ntypes, false, &p));
    empty_message(s, '1');
    return OK;
}

/* ---- Bind ------------------------------------------------------------------------------------ */

static status read_formats(struct wire_reader *r, struct arena *a, uint16_t *ret_n,
                           uint16_t **ret_formats) {
    uint16_t n;
    TRY(wire_get16(r, &n));
    uint16_t *formats = arena_alloc(a, n * sizeof *formats);
    if (!formats) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) TRY(wire_get16(r, &formats[i]));
    *ret_n = n;
    *ret_formats = formats;
    return OK;
}

static status read_value(struct session *s, struct wire_reader *r, oid type, uint16_t format,
                         datum *ret, uint8_t *ret_null) {
    uint32_t len;
    const char *bytes;
    TRY(wire_get32(r, &len));
    *ret_null = len == UINT32_MAX;
    if (*ret_null) return OK;
    TRY(wire_get(r, len, &bytes));
    const struct type *t = type_find(type);
    if (!t)
        return error_set(&s->error, ST_UNDEFINED_OBJECT, "type with OID %u does not exist", type);
    if (format == 0) return type_input(&s->env.eval, t, -1, bytes, len, ret);
    if (format == 1) return type_receive(&s->env.eval, t, -1, bytes, len, ret);
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "unsupported format code: %u", format);
}

static status read_params(struct session *s, struct wire_reader *r, const struct prepared *p,
                          struct portal *portal) {
    uint16_t nformats, n, wanted = p->statement ? p->statement->nparams : 0;
    uint16_t *formats;
    TRY(read_formats(r, &portal->arena, &nformats, &formats));
    TRY(wire_get16(r, &n));
    if (nformats > 1 && nformats != n)
        return error_set(&s->error, ST_PROTOCOL_VIOLATION,
                         "bind message has %u parameter formats but %u parameters", nformats, n);
    if (n != wanted)
        return error_set(&s->error, ST_PROTOCOL_VIOLATION,
                         "bind message supplies %u parameters, but prepared statement \"%s\" "
                         "requires %u",
                         n, p->name, wanted);
    portal->nparams = n;
    portal->params = arena_array(&portal->arena, n, sizeof *portal->params);
    portal->nulls = arena_array(&portal->arena, n, 1);
    if (!portal->params || !portal->nulls) return STATUS(OUT_OF_MEMORY);
    struct arena *outer = s->env.eval.arena;
    s->env.eval.arena = &portal->arena;
    status st = OK;
    for (uint16_t i = 0; ok(st) && i < n; i++) {
        uint16_t format = nformats == 0 ? 0 : nformats == 1 ? formats[0] : formats[i];
        st = read_value(s, r, p->statement->param_types[i], format, &portal->params[i],
                        &portal->nulls[i]);
    }
    s->env.eval.arena = outer;
    return st;
}

static status fill_portal(struct session *s, struct wire_reader *r, struct prepared *p,
                          struct portal *portal) {
    TRY(read_params(s, r, p, portal));
    TRY(read_formats(r, &portal->arena, &portal->nformats, &portal->formats));
    uint16_t columns = p->statement ? p->statement->ncolumns : 0;
    if (p->statement && portal->nformats > 1 && portal->nformats != columns)
        return error_set(&s->error, ST_PROTOCOL_VIOLATION,
                         "bind message has %u result formats but query has %u columns",
                         portal->nformats, columns);
    portal->text = arena_strndup(&portal->arena, p->text, p->text_len);
    if (!portal->text) return STATUS(OUT_OF_MEMORY);
    portal->text_len = p->text_len;
    portal->fingerprint = p->fingerprint;
    portal->statement = p->statement;
    if (p->statement) p->statement->references++;
    if (p->utility) {
        portal->utility = p;
        p->references++;
    }
    return OK;
}

static status choose_plan(struct session *s, struct prepared *p, struct portal *portal) {
    struct statement *st;
    TRY(prepared_choose(s, p, portal->params, portal->nulls, &st));
    statement_release(portal->statement);
    portal->statement = st;
    return OK;
}

static status bind_message(struct session *s, struct wire_reader *r) {
    const char *portal_name, *name;
    TRY(wire_gets(r, &portal_name));
    TRY(wire_gets(r, &name));
    struct prepared *p = find_or_error(s, name);
    if (!p) return s->error.status;
    TRY(block_check_failed(s, p->utility));
    TRY(prepared_plan(s, p));
    /* reading values may be what ends it */
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    s->slot->bound = true;
    struct portal *portal;
    TRY(portal_new(s, portal_name, &portal));
    status st = fill_portal(s, r, p, portal);
    if (ok(st) && p->statement) st = choose_plan(s, p, portal);
    if (!ok(st)) {
        portal_drop(s, portal);
        return st;
    }
    empty_message(s, '2');
    return OK;
}

/* It was bound, and died with its worker; or there never was such a portal. */
static status no_portal(struct session *s, const char *name) {
    if (s->portals_lost) return error_set(&s->error, ST_SERIALIZATION_FAILURE, SESSION_LOST_WORDS);
    return error_set(&s->error, ST_INVALID_CURSOR_NAME, "portal \"%s\" does not exist", name);
}

/* ---- Describe -------------------------------------------------------------------------------- */

static status describe_rows(struct session *s, const struct statement *st, struct node *utility,
                            uint16_t nformats, const uint16_t *formats) {
    uint16_t n = st ? st->ncolumns : 0;
    const struct result_column *columns = st ? st->columns : NULL;
    if (utility) TRY(utility_columns(s, utility, &s->statement_arena, &n, &columns));
    if (n || (st && statement_gives_rows(st)))
        send_row_description(s, n, columns, nformats, formats);
    else
        empty_message(s, 'n');
    return OK;
}

static status describe_message(struct session *s, struct wire_reader *r) {
    const char *what, *name;
    TRY(wire_get(r, 1, &what));
    TRY(wire_gets(r, &name));
    if (*what == 'P') {
        struct portal *p = portal_find(s, name);
        if (!p) return no_portal(s, name);
        return describe_rows(s, p->statement, p->utility ? p->utility->utility : NULL, p->nformats,
                             p->formats);
    }
    if (*what != 'S')
        return error_set(&s->error, ST_PROTOCOL_VIOLATION, "invalid DESCRIBE message subtype %d",
                         *what);
    struct prepared *p = find_or_error(s, name);
    if (!p) return s->error.status;
    TRY(prepared_plan(s, p));
    uint16_t n = p->statement ? p->statement->nparams : 0;
    wire_begin(&s->wire, 't');
    wire_put16(&s->wire, n);
    for (uint16_t i = 0; i < n; i++) wire_put32(&s->wire, p->statement->param_types[i]);
    wire_end(&s->wire);
    return describe_rows(s, p->statement, p->utility, 0, NULL);
}

/* ---- Execute --------------------------------------------------------------------------------- */

static status execute_utility(struct session *s, struct portal *p) {
    const char *tag = NULL;
    s->env.text = p->text;
    s->env.text_len = p->text_len;
    struct prepared *owner = p->utility;
    owner->references++; /* COMMIT drops portals, DEALLOCATE statements */
    status st = block_check_failed(s, owner->utility);
    s->statement_end = 0;
    s->utility_nformats = p->nformats;
    s->utility_formats = p->formats;
    if (ok(st)) st = utility_execute(s, owner->utility, false, &tag);
    s->utility_nformats = 0;
    prepared_release(owner);
    TRY(st);
    if (s->copy_in) return OK;
    block_statement_end(s);
    if (tag) send_complete(s, tag);
    return OK;
}

/* The plan may have become stale since Bind: catalogs changed before its relations were locked. */
static status run_portal(struct session *s, struct portal *p, uint32_t max, uint64_t *ret_rows) {
    status st = portal_run(s, p, max, true, ret_rows);
    for (int tries = 0; status_is(st, ST_INVALID) && tries < PLAN_TRIES_MAX; tries++) {
        struct statement *old = p->statement;
        struct prepared fresh = {.name = p->name,
                                 .text = (char *)p->text,
                                 .text_len = p->text_len,
                                 .fingerprint = p->fingerprint,
                                 .types = old->param_types,
                                 .ntypes = old->nparams};
        arena_init(&fresh.arena, 0);
        st = prepared_plan(s, &fresh);
        arena_free(&fresh.arena);
        TRY(st);
        if (!statement_same_result(fresh.statement, old)) {
            statement_release(fresh.statement);
            return error_set(&s->error, ST_FEATURE_NOT_SUPPORTED,
                             "cached plan must not change result type");
        }
        p->statement = fresh.statement;
        statement_release(old);
        st = portal_run(s, p, max, true, ret_rows);
    }
    return st;
}

static status execute_message(struct session *s, struct wire_reader *r) {
    const char *name;
    uint32_t max;
    TRY(wire_gets(r, &name));
    TRY(wire_get32(r, &max));
    struct portal *p = portal_find(s, name);
    if (!p) return no_portal(s, name);
    if (max > INT32_MAX) max = 0;
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    counter_add(s->env.proc, COUNTER_STATEMENTS, 1);
    if (p->utility) return execute_utility(s, p);
    if (!p->statement) {
        empty_message(s, 'I');
        return OK;
    }
    TRY(block_check_failed(s, NULL));
    if (p->done && !statement_gives_rows(p->statement))
        return error_set(&s->error, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "portal \"%s\" cannot be run", p->name);
    uint64_t rows = 0;
    TRY(run_portal(s, p, max, &rows));
    if (max && rows == max && statement_gives_rows(p->statement)) {
        empty_message(s, 's');
        return OK;
    }
    p->done = true;
    block_statement_end(s);
    send_complete(s, tag_of(s, p->execution, statement_gives_rows(p->statement) ? &rows : NULL,
                            &s->statement_arena));
    return OK;
}

static status close_message(struct session *s, struct wire_reader *r) {
    const char *what, *name;
    TRY(wire_get(r, 1, &what));
    TRY(wire_gets(r, &name));
    if (*what == 'S') {
        prepared_drop(s, name);
    } else {
        struct portal *p = portal_find(s, name);
        if (p) portal_drop(s, p);
    }
    empty_message(s, '3');
    return OK;
}

/* ---- the sequence ---------------------------------------------------------------------------- */

static status sync_message(struct session *s) {
    s->slot->skip_until_sync = s->portals_lost = false;
    block_statement_end(s);
    status st = block_finish_implicit(s, NULL);
    if (ok(st)) send_ready(s);
    return st;
}

static status handle(struct session *s, char type, struct wire_reader *r) {
    switch (type) {
    case 'P': return parse_message(s, r);
    case 'B': return bind_message(s, r);
    case 'D': return describe_message(s, r);
    case 'E': return execute_message(s, r);
    case 'C': return close_message(s, r);
    case 'H': wire_flush(&s->wire); return OK;
    default: return sync_message(s);
    }
}

void extended_message(struct session *s, const struct wire_message *m) {
    if (s->slot->skip_until_sync && m->type != 'S') return;
    struct wire_reader r = wire_reader(m);
    if (!ok(s->error.status)) error_clear(&s->error);
    arena_reset(&s->statement_arena);
    if (m->type == 'E') PROBE(axolotl_queryd, statement_begin, s->env.proc->trace, "");
    status st = handle(s, m->type, &r);
    if (m->type == 'E') PROBE(axolotl_queryd, statement_done, s->env.proc->trace, st.code);
    if (ok(st)) return;
    if (status_is(st, ST_PROTOCOL_VIOLATION) && ok(s->error.status))
        status_ignore(error_set(&s->error, st.code, "invalid message format")); /* sent now */
    status_ignore(block_words(s, st));
    send_error(s, "ERROR");
    block_abort(s);
    s->slot->skip_until_sync = m->type != 'S';
    if (m->type == 'S') send_ready(s);
}
