/* The extended query protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync. */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "base/probe.h"
#include "session/session_private.h"
#include "session/worker.h"
#include "types/client_text.h"

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
    TRY(read_string(s, r, &name));
    TRY(read_string(s, r, &text));
    TRY(wire_get16(r, &ntypes));
    oid *types = arena_array(&s->statement_arena, ntypes, sizeof *types);
    if (!types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < ntypes; i++) TRY(wire_get32(r, &types[i]));
    TRY(wire_get_end(r));
    TRY(session_read_text(s, &text));
    TRY(send_cut_names(s, text, strlen(text)));
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

static status read_binary(struct session *s, const struct type *t, const char *bytes, size_t len,
                          unsigned number, datum *ret) {
    status st = type_receive(&s->env.eval, t, -1, bytes, len, ret);
    if (strcmp(s->error.message, TYPE_BINARY_TOO_LONG) != 0) return st;
    error_clear(&s->error);
    return error_set(&s->error, st.code, TYPE_BINARY_TOO_LONG " in bind parameter %u", number);
}

/* number: of the parameter, from 1. */
static status read_value(struct session *s, struct wire_reader *r, oid type, uint16_t format,
                         unsigned number, datum *ret, uint8_t *ret_null) {
    uint32_t len;
    const char *bytes;
    TRY(wire_get32(r, &len));
    *ret_null = len == UINT32_MAX;
    if (*ret_null) return OK;
    TRY(wire_get(r, len, &bytes));
    const struct type *t = type_find(type);
    if (!t)
        return error_set(&s->error, ST_UNDEFINED_OBJECT, "type with OID %u does not exist", type);
    if (format == 0) {
        size_t n = len;
        if (client_converts(&s->values))
            TRY(client_text_in(&s->env.eval, s->values.client_encoding, bytes, n, &bytes, &n));
        TRY(type_check_text(&s->env.eval, bytes, n));
        return type_input(&s->env.eval, t, -1, bytes, n, ret);
    }
    if (format == 1) return read_binary(s, t, bytes, len, number, ret);
    return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "unsupported format code: %u", format);
}

struct param_formats {
    uint16_t n; /* parameters */
    uint16_t nformats;
    uint16_t *formats; /* 0 or 1 entries speak for all */
};

static status read_param_formats(struct session *s, struct wire_reader *r, const struct prepared *p,
                                 struct param_formats *ret) {
    uint16_t wanted;
    prepared_param_types(p, &wanted);
    TRY(read_formats(r, &s->statement_arena, &ret->nformats, &ret->formats));
    TRY(wire_get16(r, &ret->n));
    if (ret->nformats > 1 && ret->nformats != ret->n)
        return error_set(&s->error, ST_PROTOCOL_VIOLATION,
                         "bind message has %u parameter formats but %u parameters", ret->nformats,
                         ret->n);
    if (ret->n != wanted)
        return error_set(&s->error, ST_PROTOCOL_VIOLATION,
                         "bind message supplies %u parameters, but prepared statement \"%s\" "
                         "requires %u",
                         ret->n, p->name, wanted);
    return OK;
}

static status read_params(struct session *s, struct wire_reader *r, const struct prepared *p,
                          const struct param_formats *f, struct portal *portal) {
    uint16_t n;
    const oid *types = prepared_param_types(p, &n);
    portal->nparams = n;
    portal->params = arena_array(&portal->arena, n, sizeof *portal->params);
    portal->nulls = arena_array(&portal->arena, n, 1);
    if (!portal->params || !portal->nulls) return STATUS(OUT_OF_MEMORY);
    struct arena *outer = s->env.eval.arena;
    s->env.eval.arena = &portal->arena;
    status st = OK;
    for (uint16_t i = 0; ok(st) && i < n; i++) {
        uint16_t format = f->nformats == 0 ? 0 : f->formats[f->nformats == 1 ? 0 : i];
        st = read_value(s, r, types[i], format, i + 1u, &portal->params[i], &portal->nulls[i]);
    }
    s->env.eval.arena = outer;
    return st;
}

static status fill_portal(struct session *s, struct wire_reader *r, struct prepared *p,
                          const struct param_formats *f, struct portal *portal) {
    TRY(read_params(s, r, p, f, portal));
    TRY(read_formats(r, &portal->arena, &portal->nformats, &portal->formats));
    TRY(wire_get_end(r));
    uint16_t columns = p->statement ? p->statement->ncolumns : 0;
    const struct result_column *described;
    if (p->utility) TRY(utility_columns(s, p->utility, &s->statement_arena, &columns, &described));
    if (columns && portal->nformats > 1 && portal->nformats != columns)
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
    TRY(read_string(s, r, &portal_name));
    TRY(read_string(s, r, &name));
    struct prepared *p = find_or_error(s, name);
    if (!p) return s->error.status;
    TRY(prepared_plan(s, p));
    struct param_formats formats;
    TRY(read_param_formats(s, r, p, &formats));
    TRY(block_check_failed(s, p->utility));
    /* reading values may be what ends it */
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    s->slot->bound = true;
    struct portal *portal;
    TRY(portal_new(s, portal_name, &portal));
    status st = fill_portal(s, r, p, &formats, portal);
    if (ok(st) && p->statement) st = choose_plan(s, p, portal);
    TRY(st); /* the portal goes with its transaction */
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
    if (!n && !(st && statement_gives_rows(st))) {
        empty_message(s, 'n');
        return OK;
    }
    TRY(block_check_failed(s, NULL));
    return send_row_description(s, n, columns, nformats, formats);
}

static status describe_message(struct session *s, struct wire_reader *r) {
    uint8_t what;
    const char *name;
    TRY(wire_get8(r, &what));
    TRY(read_string(s, r, &name));
    TRY(wire_get_end(r));
    if (what == 'P') {
        struct portal *p = portal_find(s, name);
        if (!p) return no_portal(s, name);
        return describe_rows(s, p->statement, p->utility ? p->utility->utility : NULL, p->nformats,
                             p->formats);
    }
    if (what != 'S')
        return error_set(&s->error, ST_PROTOCOL_VIOLATION, "invalid DESCRIBE message subtype %d",
                         what);
    struct prepared *p = find_or_error(s, name);
    if (!p) return s->error.status;
    TRY(prepared_plan(s, p));
    if (p->statement && statement_gives_rows(p->statement)) TRY(block_check_failed(s, NULL));
    uint16_t n;
    const oid *types = prepared_param_types(p, &n);
    wire_begin(&s->wire, 't');
    wire_put16(&s->wire, n);
    for (uint16_t i = 0; i < n; i++) wire_put32(&s->wire, types[i]);
    wire_end(&s->wire);
    return describe_rows(s, p->statement, p->utility, 0, NULL);
}

/* ---- Execute --------------------------------------------------------------------------------- */

/* What is said when it is asked again, and has given all its rows: "FETCH 2" becomes "FETCH 0". */
static status note_done(struct portal *p, bool gives_rows, const char *tag) {
    p->done = true;
    if (!gives_rows || !tag) return OK;
    size_t len = strlen(tag), words = tag_words(tag);
    p->tag_again = arena_printf(&p->arena, "%.*s%s", (int)words, tag, words < len ? "0" : "");
    return p->tag_again ? OK : STATUS(OUT_OF_MEMORY);
}

static status utility_again(struct session *s, struct portal *p) {
    if (!p->tag_again) return portal_refuse(s, p);
    send_complete(s, p->tag_again);
    return OK;
}

/* Runs it; its rows go to the client or, when that takes a few at a time, into p->answer. */
static status run_utility(struct session *s, struct portal *p, struct prepared *owner, bool keep,
                          const char **ret_tag) {
    if (keep) TRY(kept_answer_new(s, &p->answer));
    s->statement_end = 0;
    s->utility_nformats = p->nformats;
    s->utility_formats = p->formats;
    s->answer = p->answer;
    status st = utility_execute(s, owner->utility, false, ret_tag);
    s->utility_nformats = 0;
    s->utility_formats = NULL;
    s->answer = NULL;
    TRY(st);
    return keep ? kept_answer_end(p->answer, *ret_tag) : OK;
}

static status give_kept(struct session *s, struct portal *p, uint32_t max) {
    uint64_t rows;
    TRY(kept_answer_give(s, p->answer, max, &rows));
    if (max && rows == max) {
        empty_message(s, 's');
        return OK;
    }
    const char *tag = kept_answer_tag(p->answer, rows, &s->statement_arena);
    if (!tag) return STATUS(OUT_OF_MEMORY);
    send_complete(s, tag);
    return OK;
}

static status execute_utility(struct session *s, struct portal *p, uint32_t max, const char *name) {
    const char *tag = NULL;
    s->env.text = p->text;
    s->env.text_len = p->text_len;
    struct prepared *owner = p->utility;
    TRY(block_check_failed(s, owner->utility));
    if (p->failed) return portal_refuse(s, p);
    if (p->answer) return give_kept(s, p, max);
    if (p->done) return utility_again(s, p);
    uint16_t columns;
    const struct result_column *described;
    TRY(utility_columns(s, owner->utility, &s->statement_arena, &columns, &described));
    owner->references++; /* COMMIT drops portals, DEALLOCATE statements */
    status st = run_utility(s, p, owner, max && columns, &tag);
    prepared_release(owner);
    TRY(st);
    if (s->copy_in) return OK;
    block_statement_end(s);
    if (max && columns) return give_kept(s, p, max);
    if (portal_find(s, name) == p) TRY(note_done(p, columns, tag));
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

static status execute_statement(struct session *s, struct portal *p, uint32_t max) {
    TRY(block_check_failed(s, NULL));
    if (p->done && !statement_gives_rows(p->statement)) return portal_refuse(s, p);
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

static status execute_message(struct session *s, struct wire_reader *r) {
    const char *name;
    uint32_t max;
    TRY(read_string(s, r, &name));
    TRY(wire_get32(r, &max));
    TRY(wire_get_end(r));
    struct portal *p = portal_find(s, name);
    if (!p) return no_portal(s, name);
    if (max > INT32_MAX) max = 0;
    TRY(quarantine_enter_known(s, p->fingerprint, p->text, p->text_len));
    counter_add(s->env.proc, COUNTER_STATEMENTS, 1);
    if (!p->utility && !p->statement) {
        empty_message(s, 'I');
        return OK;
    }
    status st = p->utility ? execute_utility(s, p, max, name) : execute_statement(s, p, max);
    s->in_pipeline = true;
    return st;
}

static status close_message(struct session *s, struct wire_reader *r) {
    uint8_t what;
    const char *name;
    TRY(wire_get8(r, &what));
    TRY(read_string(s, r, &name));
    TRY(wire_get_end(r));
    if (what == 'S') {
        prepared_drop(s, name);
    } else if (what == 'P') {
        struct portal *p = portal_find(s, name);
        if (p) portal_drop(s, p);
    } else {
        return error_set(&s->error, ST_PROTOCOL_VIOLATION, "invalid CLOSE message subtype %d",
                         what);
    }
    empty_message(s, '3');
    return OK;
}

/* ---- the sequence ---------------------------------------------------------------------------- */

static status sync_message(struct session *s, struct wire_reader *r) {
    s->slot->skip_until_sync = s->portals_lost = s->in_pipeline = false;
    TRY(wire_get_end(r));
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
    case 'H':
        TRY(wire_get_end(r));
        wire_flush(&s->wire);
        return OK;
    default: return sync_message(s, r);
    }
}

void extended_message(struct session *s, const struct wire_message *m) {
    struct wire_reader r = wire_reader(m);
    if (!ok(s->error.status)) error_clear(&s->error);
    arena_reset(&s->statement_arena);
    if (m->type == 'E') PROBE(axolotl_queryd, statement_begin, s->env.proc->trace, "");
    status st = handle(s, m->type, &r);
    if (m->type == 'E') PROBE(axolotl_queryd, statement_done, s->env.proc->trace, st.code);
    if (ok(st)) return;
    if (status_is(st, ST_PROTOCOL_VIOLATION) && ok(s->error.status))
        status_ignore(error_set(&s->error, st.code, "%s", r.wrong)); /* sent now */
    status_ignore(block_words(s, st));
    send_error(s, "ERROR");
    block_abort(s);
    s->slot->skip_until_sync = m->type != 'S';
    if (m->type == 'S') send_ready(s);
}
