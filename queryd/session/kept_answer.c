/* The rows of a utility statement (SHOW, FETCH, EXECUTE, EXPLAIN EXECUTE) whose client takes a few
 * at a time: it has run to its end at the first Execute, and its rows are kept as the messages that
 * they go out as. */
#include <stdlib.h>
#include <string.h>

#include "exec/kept_rows.h"
#include "session/session_private.h"
#include "types/type.h"

struct kept_answer {
    struct kept_rows *rows; /* one column: the message's body */
    struct arena arena;     /* of one row on its way */
    const struct type *type;
    datum value;
    uint8_t null;
    struct vec column;
    struct batch batch;
    uint64_t at; /* the first that was not given */
    char *tag;
};

void kept_answer_free(struct kept_answer *k) {
    if (!k) return;
    kept_rows_free(k->rows);
    arena_free(&k->arena);
    free(k->tag);
    free(k);
}

status kept_answer_new(struct session *s, struct kept_answer **ret) {
    struct kept_answer *k = calloc(1, sizeof *k);
    if (!k) return STATUS(OUT_OF_MEMORY);
    arena_init(&k->arena, 0);
    k->type = type_find(BYTEAOID);
    k->column = (struct vec){&k->value, &k->null};
    k->batch = (struct batch){.ncolumns = 1, .nrows = 1, .columns = &k->column};
    status st = kept_rows_new(&s->env, 1, &k->type, &k->rows);
    if (!ok(st)) {
        kept_answer_free(k);
        return st;
    }
    *ret = k;
    return OK;
}

status kept_answer_add(struct kept_answer *k, const struct wire_message *row) {
    const struct varlena *body = varlena_from(&k->arena, row->body, row->len);
    if (!body) return STATUS(OUT_OF_MEMORY);
    k->value = datum_ptr(body);
    status st = kept_rows_add(k->rows, &k->batch, 0);
    arena_reset(&k->arena);
    return st;
}

status kept_answer_end(struct kept_answer *k, const char *tag) {
    k->tag = strdup(tag ? tag : "");
    return k->tag ? OK : STATUS(OUT_OF_MEMORY);
}

static status give_row(struct session *s, struct kept_answer *k) {
    TRY(kept_rows_get(k->rows, k->at, &k->arena, &k->column, 0));
    wire_begin(&s->wire, 'D');
    wire_put(&s->wire, k->value.v->data, k->value.v->len);
    wire_end(&s->wire);
    arena_reset(&k->arena);
    k->at++;
    return OK;
}

status kept_answer_give(struct session *s, struct kept_answer *k, uint64_t max,
                        uint64_t *ret_rows) {
    uint64_t n = kept_rows_count(k->rows), rows = 0;
    for (; k->at < n && (max == 0 || rows < max); rows++) {
        TRY(give_row(s, k));
        if (rows % BATCH_ROWS == 0) TRY(sql_env_breathe(&s->env));
    }
    *ret_rows = rows;
    return OK;
}

const char *kept_answer_tag(struct kept_answer *k, uint64_t rows, struct arena *a) {
    size_t words = tag_words(k->tag);
    if (!k->tag[words]) return k->tag;
    return arena_printf(a, "%.*s%llu", (int)words, k->tag, (unsigned long long)rows);
}
