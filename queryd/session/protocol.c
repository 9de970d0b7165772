/* Messages to the client. */
#include <stdio.h>
#include <string.h>

#include "base/counter.h"
#include "session/session_private.h"
#include "types/type.h"

static void field(struct wire *w, char code, const char *text) {
    if (!text[0]) return;
    wire_put8(w, (uint8_t)code);
    wire_puts(w, text);
}

/* What ends the session takes the place of whatever came of its statement. */
static const char *say_end(struct session *s) {
    error_clear(&s->error);
    status_ignore(error_set(&s->error, s->end_code, "%s", s->end_words)); /* sent by the caller */
    s->end_code = ST_OK;
    return "FATAL";
}

void send_error(struct session *s, const char *severity) {
    struct wire *w = &s->wire;
    const struct error *e = &s->error;
    if (s->end_code) severity = say_end(s);
    counter_add(s->env.proc, COUNTER_ERRORS, 1);
    char position[16] = "";
    if (e->position > 0) snprintf(position, sizeof position, "%d", e->position);
    wire_begin(w, 'E');
    field(w, 'S', severity);
    field(w, 'V', severity);
    field(w, 'C', status_sqlstate(e->status));
    field(w, 'M', e->message);
    field(w, 'D', e->detail);
    field(w, 'H', e->hint);
    field(w, 'P', position);
    field(w, 'W', e->context);
    field(w, 's', e->schema);
    field(w, 't', e->table);
    field(w, 'c', e->column);
    field(w, 'n', e->constraint);
    wire_put8(w, 0);
    wire_end(w);
}

/* client_min_messages in the order of its choices; a notice below it stays here. */
static bool wanted(const struct session *s, const char *severity) {
    const char *least = setting_show(s, SETTING_client_min_messages);
    if (strcmp(least, "error") == 0) return false;
    return strcmp(least, "warning") != 0 || strcmp(severity, "WARNING") == 0;
}

void send_notice(struct sql_env *env, const char *severity, const char *sqlstate,
                 const char *message, const char *detail) {
    struct session *s = env->session;
    if (!wanted(s, severity)) return;
    struct wire *w = &s->wire;
    wire_begin(w, 'N');
    field(w, 'S', severity);
    field(w, 'V', severity);
    field(w, 'C', sqlstate);
    field(w, 'M', message);
    if (detail) field(w, 'D', detail);
    wire_put8(w, 0);
    wire_end(w);
}

void send_parameter_status(struct session *s, const char *name, const char *value) {
    wire_begin(&s->wire, 'S');
    wire_puts(&s->wire, name);
    wire_puts(&s->wire, value);
    wire_end(&s->wire);
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

void send_row_description(struct session *s, uint16_t n, const struct result_column *columns,
                          uint16_t nformats, const uint16_t *formats) {
    struct wire *w = &s->wire;
    wire_begin(w, 'T');
    wire_put16(w, n);
    for (uint16_t i = 0; i < n; i++) {
        const struct result_column *c = &columns[i];
        const struct type *t = type_find(c->type);
        int32_t typmod = c->typmod;
        for (; t && t->base; t = t->base) typmod = t->typmod; /* clients know no domains */
        wire_puts(w, c->name);
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

static status send_value(struct row_sender *r, uint16_t column, datum value) {
    struct wire *w = &r->s->wire;
    r->text.len = 0;
    const struct eval_env *eval = &r->s->env.eval;
    TRY(r->binary[column] ? type_send(eval, r->types[column], value, &r->text)
                          : type_output(eval, r->types[column], value, &r->text));
    wire_put32(w, (uint32_t)r->text.len);
    wire_put(w, r->text.data, r->text.len);
    return OK;
}

/* A message once begun must be ended: when a value fails, it and the rest go out as nulls and the
 * error follows, which takes the whole result back. */
static status send_row(struct row_sender *r, const struct batch *b, uint16_t row) {
    struct wire *w = &r->s->wire;
    status s = OK;
    wire_begin(w, 'D');
    wire_put16(w, r->n);
    for (uint16_t c = 0; c < r->n; c++) {
        if (b->columns[c].nulls[row] || !ok(s))
            wire_put32(w, UINT32_MAX);
        else if (!ok(s = send_value(r, c, b->columns[c].values[row])))
            wire_put32(w, UINT32_MAX);
    }
    status ended = row_end(r->s);
    return ok(s) ? ended : s;
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
        size_t len = strlen(values[i]);
        wire_put32(w, (uint32_t)len);
        wire_put(w, values[i], len);
    }
    return row_end(s);
}
