/* Any bytes as a row of some columns: an error, or values that can be printed and make the same row
 * again. */
#include "types/row.h"
#include "types_of.h"

#define ATTRIBUTES_MAX 12

struct row {
    struct values v;
    struct row_desc *desc;
    datum values[ATTRIBUTES_MAX];
    uint8_t nulls[ATTRIBUTES_MAX];
    struct row_reference references[ATTRIBUTES_MAX];
};

static struct row_desc *columns(struct row *r, struct input *in) {
    oid types[ATTRIBUTES_MAX];
    struct row_desc *d;
    uint16_t n = (uint16_t)(1 + input8(in) % ATTRIBUTES_MAX);
    for (uint16_t i = 0; i < n; i++) types[i] = type_of(in)->oid;
    MUST(ok(row_desc_new(&r->v.arena, types, n, &d)));
    return d;
}

static void print(struct row *r) {
    for (uint16_t i = 0; i < r->desc->natts; i++) {
        struct buf text = {0};
        if (!r->nulls[i])
            status_ignore(
                type_output(&r->v.env, r->desc->atts[i].type, r->values[i], &text)); /* memory */
        buf_free(&text);
    }
}

/* Values that are formed and taken apart are formed alike. */
static void form_again(struct row *r) {
    struct buf first = {0}, second = {0};
    uint16_t n = r->desc->natts;
    MUST(ok(row_form(r->desc, r->values, r->nulls, &first)));
    MUST(ok(row_deform(r->desc, first.data, first.len, n, r->values, r->nulls, &r->v.arena)));
    MUST(ok(row_form(r->desc, r->values, r->nulls, &second)));
    MUST(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    buf_free(&first);
    buf_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct row r;
    bool chosen[ATTRIBUTES_MAX];
    size_t len;
    values_open(&r.v);
    r.desc = columns(&r, &in);
    uint16_t n = r.desc->natts;
    unsigned which = input16(&in);
    for (uint16_t i = 0; i < n; i++) chosen[i] = which >> i & 1;
    void *bytes = input_take(&in, in.left, &len);
    status_ignore(row_deform_chosen(r.desc, bytes, len, n, chosen, r.values, r.nulls,
                                    &r.v.arena)); /* a verdict */
    status_ignore(row_deform_references(r.desc, bytes, len, n, r.values, r.nulls, r.references,
                                        &r.v.arena)); /* the same */
    if (!row_has_references(bytes, len) &&
        ok(row_deform(r.desc, bytes, len, n, r.values, r.nulls, &r.v.arena))) {
        print(&r);
        form_again(&r);
    }
    free(bytes);
    values_close(&r.v);
    return 0;
}
