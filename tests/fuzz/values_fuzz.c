/* Any text and any bytes as the forms of a value of each type: an error with its words, or a value
 * that reads back from both of its own forms as the same. */
#include "types/internal.h"
#include "types_of.h"

static void same(const struct type *t, datum a, datum b) {
    if (type_is_ordered(t)) MUST(type_compare(t, a, b) == 0 && type_compare(t, b, a) == 0);
    if (type_is_hashable(t)) MUST(type_hash(t, a) == type_hash(t, b));
}

/* Memory may be short: that alone is no finding. */
static bool worked(struct values *v, status s) {
    MUST(ok(s) || v->error.message[0] || status_is(s, ST_OUT_OF_MEMORY));
    return ok(s);
}

/* Names are understood where there are catalogs, and the other styles are for people: not every
 * value reads back from them. */
static bool text_is_exact(const struct values *v, const struct type *t) {
    bool name = strncmp(t->name, "reg", 3) == 0 || strncmp(t->name, "_reg", 4) == 0;
    return !name && v->session.date_style == DATE_STYLE_ISO &&
           v->session.interval_style == INTERVAL_STYLE_POSTGRES;
}

/* A zone of POSIX's form in a text may be further from UTC than the value's own forms allow. */
static bool no_way_back(status s) {
    return status_is(s, ST_OUT_OF_MEMORY) || status_is(s, ST_INVALID_TIME_ZONE_DISPLACEMENT_VALUE);
}

static void through_text(struct values *v, const struct type *t, datum value) {
    struct buf text = {0};
    datum again;
    if (worked(v, type_output(&v->env, t, value, &text))) {
        status s = type_input(&v->env, t, -1, text.data ? text.data : "", text.len, &again);
        MUST(ok(s) || no_way_back(s) || !text_is_exact(v, t));
        if (ok(s) && text_is_exact(v, t)) same(t, value, again);
    }
    buf_free(&text);
}

static void through_binary(struct values *v, const struct type *t, datum value) {
    struct buf bytes = {0};
    datum again;
    if (t->send_function && worked(v, type_send(&v->env, t, value, &bytes))) {
        status s = type_receive(&v->env, t, -1, bytes.data ? bytes.data : "", bytes.len, &again);
        MUST(ok(s) || no_way_back(s));
        if (ok(s)) same(t, value, again);
    }
    buf_free(&bytes);
}

static void settings(struct values *v, uint8_t bits) {
    v->session.date_style = bits % 4;
    v->session.date_order = DATE_ORDER_MDY;
    v->session.interval_style = bits / 4 % 4;
    v->session.bytea_output = bits / 16 % 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    struct values v;
    datum value;
    size_t len;
    values_open(&v);
    const struct type *t = type_of(&in);
    uint8_t how = input8(&in);
    int32_t typmod = how & 2 ? (int32_t)input16(&in) : -1;
    settings(&v, input8(&in));
    char *bytes = input_take(&in, in.left, &len);
    /* Sessions hand on texts that are UTF-8. */
    if (!(how & 1)) len = utf8_check(bytes, len);
    status s = how & 1 ? type_receive(&v.env, t, typmod, bytes, len, &value)
                       : type_input(&v.env, t, typmod, bytes, len, &value);
    if (worked(&v, s)) {
        through_text(&v, t, value);
        error_clear(&v.error);
        through_binary(&v, t, value);
    }
    free(bytes);
    values_close(&v);
    return 0;
}
