/* Calls that take long over one large value let others have their turn, and end when they are told
 * to (eval_work); what they keep at their call site stands that. */
#include "harness.h"

#define LARGE (1u << 20)

static struct harness h;
static uint32_t turns;

static status count_turn(struct session_env *, struct error *) {
    turns++;
    return OK;
}

static status end_third_turn(struct session_env *, struct error *e) {
    return ++turns < 3 ? OK : error_set(e, ST_QUERY_CANCELED, "told to end");
}

static datum repeated(const char *unit, size_t n) {
    size_t len = strlen(unit);
    struct varlena *v = varlena_new(&h.arena, len * n);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++) memcpy(v->data + i * len, unit, len);
    return datum_ptr(v);
}

/* A list of n numbers between two characters. */
static datum numbers(oid type, char open, char close, size_t n) {
    char *text = malloc(n * 8 + 3), *p = text;
    assert_non_null(text);
    *p++ = open;
    for (size_t i = 0; i < n; i++) p += sprintf(p, i ? ",%zu" : "%zu", i);
    *p++ = close;
    *p = '\0';
    datum d = value_of(&h, type, text);
    free(text);
    return d;
}

static datum text(const char *s) {
    return value_of(&h, TEXTOID, s);
}

/* A function by its name and the types of its arguments. */
static const struct function *find(const char *name, const oid *types, uint8_t n) {
    size_t first, count = function_find_by_name(name, &first);
    for (size_t i = 0; i < count; i++) {
        const struct function *f = function_by_name_at(first + i);
        if (f->nargs == n && !memcmp(f->args, types, n * sizeof *types)) return f;
    }
    fail_msg("there is no such %s", name);
    return NULL;
}

static status call(const char *name, uint8_t n, const oid *types, const datum *args) {
    const struct function *f = find(name, types, n);
    datum ret;
    bool is_null;
    turns = 0;
    error_clear(&h.error);
    return function_call_simple(&h.env, f, types, args, (uint8_t[4]){0}, n, f->result, &ret,
                                &is_null);
}

struct long_call {
    const char *name;
    uint8_t n;
    oid types[4];
    datum args[4];
};

static void test_long_calls_end(void **) {
    datum many = repeated("abc d", LARGE), bytes = repeated("\x01\xF0q", LARGE);
    datum array = numbers(INT4ARRAYOID, '{', '}', 20000);
    datum tree = numbers(JSONBOID, '[', ']', 5000);
    const struct long_call calls[] = {
        {"upper", 1, {TEXTOID}, {many}},
        {"reverse", 1, {TEXTOID}, {many}},
        {"replace", 3, {TEXTOID, TEXTOID, TEXTOID}, {many, text("c"), text("xyz")}},
        {"translate", 3, {TEXTOID, TEXTOID, TEXTOID}, {many, text("db"), text("12")}},
        {"btrim", 2, {TEXTOID, TEXTOID}, {many, text("abcd ")}},
        {"encode", 2, {BYTEAOID, TEXTOID}, {bytes, text("hex")}},
        {"encode", 2, {BYTEAOID, TEXTOID}, {bytes, text("base64")}},
        {"encode", 2, {BYTEAOID, TEXTOID}, {bytes, text("escape")}},
        {"decode", 2, {TEXTOID, TEXTOID}, {repeated("ab12", LARGE), text("hex")}},
        {"decode", 2, {TEXTOID, TEXTOID}, {repeated("ab12", LARGE), text("base64")}},
        {"md5", 1, {BYTEAOID}, {bytes}},
        {"sha512", 1, {BYTEAOID}, {bytes}},
        {"texticlike", 2, {TEXTOID, TEXTOID}, {many, text("%a_c%_d%q")}},
        {"textregexeq", 2, {TEXTOID, TEXTOID}, {many, text("^(abc|abc d)*q")}},
        {"regexp_count", 2, {TEXTOID, TEXTOID}, {many, text("c")}},
        {"regexp_replace",
         4,
         {TEXTOID, TEXTOID, TEXTOID, TEXTOID},
         {many, text("[ab]"), text("<\\&>"), text("g")}},
        {"arraycontains", 2, {ANYARRAYOID, ANYARRAYOID}, {array, array}},
        {"jsonb_contains", 2, {JSONBOID, JSONBOID}, {tree, tree}},
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const struct long_call *c = &calls[i];
        h.session.turn = end_third_turn;
        status s = call(c->name, c->n, c->types, c->args);
        if (!status_is(s, ST_QUERY_CANCELED) || turns != 3)
            fail_msg("%s (%zu): %u turns, %s", c->name, i, turns, h.error.message);
        h.session.turn = NULL;
    }
}

static void test_short_calls_take_none(void **) {
    h.session.work_ns = 0;
    h.session.turn = count_turn;
    datum args[] = {text("abc"), text("b"), text("c")};
    assert_true(ok(call("replace", 3, (oid[]){TEXTOID, TEXTOID, TEXTOID}, args)));
    assert_int_equal(turns, 0);
    h.session.turn = NULL;
}

/* ---- a second call from the same site within a turn of the first ---- */

static struct fn_site site;
static datum second_text;
static bool second_result;

static status at_site(datum of, bool *ret) {
    datum args[2] = {of, text("x(a|ab)*y$")};
    struct fn_call c = {
        .args = args, .nulls = (uint8_t[2]){0}, .nargs = 2, .env = &h.env, .site = &site};
    status s = function_call(&c);
    *ret = c.result.b;
    return s;
}

static status call_within(struct session_env *e, struct error *) {
    if (turns++ % 7) return OK;
    e->turn = NULL;
    status s = at_site(second_text, &second_result);
    e->turn = call_within;
    return s;
}

static void test_a_site_in_use(void **) {
    struct arena memo;
    arena_init(&memo, 0);
    site = (struct fn_site){.function = find("textregexeq", (oid[]){TEXTOID, TEXTOID}, 2),
                            .result_type = BOOLOID,
                            .arg_types = (oid[]){TEXTOID, TEXTOID},
                            .nargs = 2,
                            .memo_arena = &memo};
    struct varlena *v = (struct varlena *)repeated("xabaaby ", LARGE / 8).v;
    v->data[v->len - 1] = 'y';
    bool found;
    turns = 0;
    second_text = text("xqy xqy");
    assert_true(ok(at_site(second_text, &found)));
    assert_false(found);
    h.session.turn = call_within;
    assert_true(ok(at_site(datum_ptr(v), &found)));
    h.session.turn = NULL;
    assert_false(found);
    assert_false(second_result);
    assert_true(turns > 7);
    v->data[v->len - 2] = 'a'; /* and now it does */
    second_text = text("xy");
    turns = 0;
    h.session.turn = call_within;
    assert_true(ok(at_site(datum_ptr(v), &found)));
    h.session.turn = NULL;
    assert_true(found);
    assert_true(second_result);
    arena_free(&memo);
}

static int setup(void **) {
    harness_open(&h);
    return 0;
}

static int teardown(void **) {
    harness_close(&h);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_long_calls_end),
                                       cmocka_unit_test(test_short_calls_take_none),
                                       cmocka_unit_test(test_a_site_in_use)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
