/* COPY's side of the protocol. */
#include <stdio.h>
#include <stdlib.h>

#include "session/session_private.h"

static void copy_response(struct session *s, char type, const struct copy *c) {
    struct wire *w = &s->wire;
    uint16_t n = copy_columns(c), format = copy_is_binary(c);
    wire_begin(w, type);
    wire_put8(w, (uint8_t)format);
    wire_put16(w, n);
    for (uint16_t i = 0; i < n; i++) wire_put16(w, format);
    wire_end(w);
}

static status copy_tag(struct session *s, uint64_t rows, const char **ret_tag) {
    *ret_tag = arena_printf(&s->statement_arena, "COPY %llu", (unsigned long long)rows);
    return *ret_tag ? OK : STATUS(OUT_OF_MEMORY);
}

static status copy_out(struct session *s, struct copy *c, const char **ret_tag) {
    copy_response(s, 'H', c);
    struct buf row = {0};
    status st;
    while (ok(st = copy_out_row(c, &row))) {
        wire_begin(&s->wire, 'd');
        wire_put(&s->wire, row.data, row.len);
        wire_end(&s->wire);
        row.len = 0;
    }
    buf_free(&row);
    uint64_t rows = copy_rows(c);
    copy_end(c);
    if (!status_is(st, ST_END)) return st;
    wire_begin(&s->wire, 'c');
    wire_end(&s->wire);
    return copy_tag(s, rows, ret_tag);
}

static status copy_of_file(struct session *s, struct copy *c, const struct ast_copy *stmt,
                           const char **ret_tag) {
    uint64_t rows;
    session_note_effect(s);
    status st = copy_file(c, stmt, &rows);
    copy_end(c);
    return ok(st) ? copy_tag(s, rows, ret_tag) : st;
}

status copy_io_begin(struct session *s, const struct ast_copy *stmt, bool extended,
                     const char **ret_tag) {
    struct copy *c;
    TRY(block_statement_begin(s));
    if (stmt->from && s->txn.read_only)
        return error_set(&s->error, ST_READ_ONLY_SQL_TRANSACTION,
                         "cannot execute COPY FROM in a read-only transaction");
    status st = copy_begin(&s->env, stmt, &c);
    if (!ok(st)) {
        if (!stmt->query) s->error.position = 0; /* PostgreSQL does not point at COPY's table */
        return st;
    }
    if (stmt->file) return copy_of_file(s, c, stmt, ret_tag);
    if (!stmt->from) return copy_out(s, c, ret_tag);
    session_note_effect(s);
    copy_response(s, 'G', c);
    s->slot->copying_in = true;
    s->copy_in = c;
    s->copy_extended = extended;
    return OK;
}

void copy_io_forget(struct session *s) {
    if (s->copy_in) copy_end(s->copy_in);
    s->copy_in = NULL;
    s->slot->copying_in = false;
    free(s->copy_text);
    s->copy_text = NULL;
}

/* The statement has failed. The client may go on sending data, which is thrown away wherever it
 * comes outside of COPY. */
static void give_up(struct session *s, status st) {
    copy_io_forget(s);
    status_ignore(block_words(s, st)); /* sent now */
    send_error(s, "ERROR");
    block_abort(s);
    s->slot->skip_until_sync = s->copy_extended;
    if (!s->copy_extended) simple_ready(s);
}

static void done(struct session *s) {
    uint64_t rows;
    const char *tag;
    status st = copy_in_done(s->copy_in, &rows);
    copy_end(s->copy_in);
    s->copy_in = NULL;
    s->slot->copying_in = false;
    if (ok(st)) block_statement_end(s);
    if (ok(st)) st = copy_tag(s, rows, &tag);
    s->last_statement = true;
    if (ok(st) && !s->copy_extended && !s->copy_text) st = block_finish_implicit(s, tag);
    if (!ok(st)) {
        give_up(s, st);
        return;
    }
    send_complete(s, tag);
    if (s->copy_text)
        simple_resume(s);
    else if (!s->copy_extended)
        simple_ready(s);
}

static void fail(struct session *s, const struct wire_message *m) {
    struct wire_reader r = wire_reader(m);
    const char *why;
    status st = read_string(s, &r, &why);
    give_up(s, ok(st) ? error_set(&s->error, ST_QUERY_CANCELED, "COPY from stdin failed: %s", why)
               : r.wrong ? error_set(&s->error, st.code, "%s", r.wrong)
                         : st);
}

void copy_io_message(struct session *s, const struct wire_message *m) {
    switch (m->type) {
    case 'd': {
        status st = copy_in_data(s->copy_in, m->body, m->len);
        if (!ok(st)) give_up(s, st);
        break;
    }
    case 'c': done(s); break;
    case 'f': fail(s, m); break;
    case 'H':
    case 'S': break; /* to be ignored, says the manual, for the sake of pipelining clients */
    case 'X': s->ending = true; break;
    default:
        status_ignore(error_set(&s->error, ST_PROTOCOL_VIOLATION,
                                "unexpected message type 0x%02X during COPY from stdin",
                                (unsigned char)m->type)); /* sent here */
        send_error(s, "ERROR");
        error_clear(&s->error);
        status_ignore(
            error_set(&s->error, ST_PROTOCOL_VIOLATION,
                      "terminating connection because protocol synchronization was lost"));
        send_error(s, "FATAL");
        s->ending = true;
    }
}
