/* Messages to the client. */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "parse/cut_names.h"
#include "session/session_private.h"
#include "types/client_text.h"
#include "types/type.h"

status read_string(struct session *s, struct wire_reader *r, const char **ret) {
    size_t len;
    TRY(wire_gets(r, ret));
    if (!client_converts(&s->values)) return OK;
    struct eval_env env = {&s->statement_arena, &s->error, &s->values};
    return client_text_in(&env, s->values.client_encoding, *ret, strlen(*ret), ret, &len);
}

static status put_converted(struct session *s, const char *text, struct error *error) {
    if (!client_converts(&s->values)) {
        wire_puts(&s->wire, text);
        return OK;
    }
    struct buf out = {0};
    status st = client_text_out(error, s->values.client_encoding, text, strlen(text) + 1, &out);
    if (ok(st)) wire_put(&s->wire, out.data, out.len);
    buf_free(&out);
    return st;
}

status put_string(struct session *s, const char *text) {
    return put_converted(s, text, &s->error);
}

static status field(struct session *s, char code, const char *text, struct error *error) {
    if (!text[0]) return OK;
    wire_put8(&s->wire, (uint8_t)code);
    return put_converted(s, text, error);
}

/* What ends the session takes the place of whatever came of its statement. */
static const char *say_end(struct session *s) {
    error_clear(&s->error);
    status_ignore(error_set(&s->error, s->end_code, "%s", s->end_words)); /* sent by the caller */
    s->end_code = ST_OK;
    return "FATAL";
}

static status error_fields(struct session *s, const struct error *e, const char *severity,
                           struct error *why) {
    char position[16] = "";
    if (e->position > 0) snprintf(position, sizeof position, "%d", e->position);
    TRY(field(s, 'S', severity, why));
    TRY(field(s, 'V', severity, why));
    TRY(field(s, 'C', status_sqlstate(e->status), why));
    TRY(field(s, 'M', e->message, why));
    TRY(field(s, 'D', e->detail, why));
    TRY(field(s, 'H', e->hint, why));
    TRY(field(s, 'P', position, why));
    TRY(field(s, 'W', e->context, why));
    TRY(field(s, 's', e->schema, why));
    TRY(field(s, 't', e->table, why));
    TRY(field(s, 'c', e->column, why));
    return field(s, 'n', e->constraint, why);
}

void send_error(struct session *s, const char *severity) {
    if (s->end_code) severity = say_end(s);
    counter_add(s->env.proc, COUNTER_ERRORS, 1);
    wire_begin(&s->wire, 'E');
    struct error untold = {0};
    status st = error_fields(s, &s->error, severity, &untold);
    if (!ok(st)) { /* the client's encoding cannot say it: it hears why, in ASCII */
        wire_withdraw(&s->wire);
        wire_begin(&s->wire, 'E');
        status_ignore(error_fields(s, &untold, severity, &untold)); /* cannot fail */
    }
    wire_put8(&s->wire, 0);
    wire_end(&s->wire);
}

/* client_min_messages in the order of its choices; a notice below it stays here. */
static bool wanted(const struct session *s, const char *severity) {
    const char *least = setting_show(s, SETTING_client_min_messages);
    if (strcmp(least, "error") == 0) return false;
    return strcmp(least, "warning") != 0 || strcmp(severity, "WARNING") == 0;
}

static status notice_fields(struct session *s, const char *severity, const char *sqlstate,
                            const char *message, const char *detail) {
    struct error untold = {0}, *why = &untold;
    TRY(field(s, 'S', severity, why));
    TRY(field(s, 'V', severity, why));
    TRY(field(s, 'C', sqlstate, why));
    TRY(field(s, 'M', message, why));
    return detail ? field(s, 'D', detail, why) : OK;
}

void send_notice(struct sql_env *env, const char *severity, const char *sqlstate,
                 const char *message, const char *detail) {
    struct session *s = env->session;
    if (!wanted(s, severity)) return;
    wire_begin(&s->wire, 'N');
    if (!ok(notice_fields(s, severity, sqlstate, message,
                          detail))) { /* what cannot be said stays here */
        wire_withdraw(&s->wire);
        return;
    }
    wire_put8(&s->wire, 0);
    wire_end(&s->wire);
}

status send_cut_names(struct session *s, const char *text, size_t len) {
    struct list *cut;
    TRY(parse_cut_names(&s->statement_arena, text, len, &cut));
    LIST_EACH(const struct cut_name *, c, cut) {
        const char *words =
            arena_printf(&s->statement_arena, "identifier \"%s\" will be truncated to \"%.*s\"",
                         c->written, (int)c->kept, c->written);
        if (!words) return STATUS(OUT_OF_MEMORY);
        send_notice(&s->env, "NOTICE", "42622", words, NULL);
    }
    return OK;
}

void send_parameter_status(struct session *s, const char *name, const char *value) {
    struct error untold = {0};
    wire_begin(&s->wire, 'S');
    wire_puts(&s->wire, name);
    if (ok(put_converted(s, value, &untold)))
        wire_end(&s->wire);
    else
        wire_withdraw(&s->wire);
}

void send_ready(struct session *s) {
    if (notify_is_due(s)) notify_tell(s);
    char state = s->block == BLOCK_NONE ? 'I' : s->block == BLOCK_OPEN ? 'T' : 'E';
    wire_begin(&s->wire, 'Z');
    wire_put8(&s->wire, (uint8_t)state);
    wire_end_sequence(&s->wire);
}

void send_complete(struct session *s, const char *tag) {
    wire_begin(&s->wire, 'C');
    wire_puts(&s->wire, tag);
    wire_end(&s->wire);
}

static uint16_t format_of(uint16_t nformats, const uint16_t *formats, uint16_t column) {
    if (nformats == 0) return 0;
    return nformats == 1 ? formats[0] : formats[column];
}

status send_row_description(struct session *s, uint16_t n, const struct result_column *columns,
                            uint16_t nformats, const uint16_t *formats) {
    struct wire *w = &s->wire;
    wire_begin(w, 'T');
    wire_put16(w, n);
    for (uint16_t i = 0; i < n; i++) {
        const struct result_column *c = &columns[i];
        const struct type *t = type_find(c->type);
        int32_t typmod = c->typmod;
        for (; t && t->base; t = t->base) typmod = t->typmod; /* clients know no domains */
        status told = put_string(s, c->name);
        if (!ok(told)) {
            wire_withdraw(w);
            return told;
        }
        char rest[18];
        store_be32(rest, c->table);
        store_be16(rest + 4, (uint16_t)c->attribute);
        store_be32(rest + 6, t ? t->oid : c->type);
        store_be16(rest + 10, (uint16_t)c->type_len);
        store_be32(rest + 12, (uint32_t)typmod);
        store_be16(rest + 16, format_of(nformats, formats, i));
        wire_put(w, rest, sizeof rest);
    }
    wire_end(w);
    return OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Of a message with a row. */
static status row_end(struct session *s) {
    if (__builtin_expect(s->answer == NULL, 1)) {
        wire_end(&s->wire);
        return OK;
    }
    struct wire_message row = wire_withdraw(&s->wire);
    return kept_answer_add(s->answer, &row);
}

struct row_sender {
    struct session *s;
    uint16_t n;
    const struct type **types;
    bool *binary;
    struct buf text; /* of one value */
    char text_room[64];
};

status row_sender_new(struct session *s, struct arena *a, uint16_t n,
                      const struct result_column *columns, uint16_t nformats,
                      const uint16_t *formats, struct row_sender **ret_sender) {
    struct row_sender *r = arena_zalloc(a, sizeof *r);
    if (!r) return STATUS(OUT_OF_MEMORY);
    r->s = s;
    r->n = n;
    r->types = arena_alloc(a, (n + 1u) * sizeof *r->types);
    r->binary = arena_alloc(a, n + 1u);
    if (!r->types || !r->binary) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++) {
        r->types[i] = type_find(columns[i].type);
        if (!r->types[i])
            return error_set(&s->error, ST_UNDEFINED_OBJECT,
                             "no output function available for type %u", columns[i].type);
        uint16_t format = format_of(nformats, formats, i);
        if (format > 1)
            return error_set(&s->error, ST_INVALID_PARAMETER_VALUE, "unsupported format code: %u",
                             format);
        r->binary[i] = format;
    }
    *ret_sender = r;
    return OK;
}

/* A value's text, or what a setting shows. */
static status put_text(struct session *s, const char *text, size_t len) {
    struct wire *w = &s->wire;
    if (!client_converts(&s->values)) {
        wire_put32(w, (uint32_t)len);
        wire_put(w, text, len);
        return OK;
    }
    struct buf out = {0};
    status st = client_text_out(&s->error, s->values.client_encoding, text, len, &out);
    if (ok(st)) {
        wire_put32(w, (uint32_t)out.len);
        wire_put(w, out.data, out.len);
    }
    buf_free(&out);
    return st;
}

static status send_value(struct row_sender *r, uint16_t column, datum value) {
    struct wire *w = &r->s->wire;
    r->text.len = 0;
    const struct eval_env *eval = &r->s->env.eval;
    if (!r->binary[column]) {
        TRY(type_output(eval, r->types[column], value, &r->text));
        return put_text(r->s, r->text.data, r->text.len);
    }
    TRY(type_send(eval, r->types[column], value, &r->text));
    wire_put32(w, (uint32_t)r->text.len);
    wire_put(w, r->text.data, r->text.len);
    return OK;
}

/* When a value fails, its row has not been sent. */
static status send_row(struct row_sender *r, const struct batch *b, uint16_t row) {
    struct wire *w = &r->s->wire;
    wire_begin(w, 'D');
    wire_put16(w, r->n);
    for (uint16_t c = 0; c < r->n; c++) {
        if (b->columns[c].nulls[row]) {
            wire_put32(w, UINT32_MAX);
            continue;
        }
        status s = send_value(r, c, b->columns[c].values[row]);
        if (!ok(s)) {
            wire_withdraw(w);
            return s;
        }
    }
    return row_end(r->s);
}

status row_sender_send(struct row_sender *r, const struct batch *b, uint16_t from, uint16_t limit) {
    status s = OK;
    buf_borrow(&r->text, r->text_room, sizeof r->text_room);
    for (uint16_t i = from; ok(s) && i < b->nrows && limit; i++, limit--)
        s = send_row(r, b, b->sel ? b->sel[i] : i);
    buf_free(&r->text);
    return s;
}

status send_text_row(struct session *s, uint16_t n, const char *const *values) {
    struct wire *w = &s->wire;
    wire_begin(w, 'D');
    wire_put16(w, n);
    for (uint16_t i = 0; i < n; i++) {
        if (!values[i]) {
            wire_put32(w, UINT32_MAX);
            continue;
        }
        status told = put_text(s, values[i], strlen(values[i]));
        if (!ok(told)) {
            wire_withdraw(w);
            return told;
        }
    }
    return row_end(s);
}
