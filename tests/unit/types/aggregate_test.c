/* Aggregates against PostgreSQL's answers: row by row, as batches, and from two halves combined. */
#include "harness.h"
#include "types/collator.h"

#define ROWS_MAX 64
#define STATE_MAX 256

static const struct {
    const char *name, *type, *rows, *expected;
} cases[] = {
#define X(name, type, rows, expected) {name, type, rows, expected},
#include "aggregate_case.def"
#undef X
};

struct input {
    oid type;
    datum values[ROWS_MAX];
    uint8_t nulls[ROWS_MAX];
    uint16_t n;
};

static void load(struct harness *h, const char *type, const char *rows, struct input *in) {
    in->type = type_named(h, type, NULL);
    in->n = 0;
    char *copy = arena_strdup(&h->arena, rows);
    for (char *p = *copy ? copy : NULL; p;) {
        char *next = strchr(p, '|');
        if (next) *next++ = '\0';
        in->nulls[in->n] = !strcmp(p, "(null)");
        in->values[in->n].u64 = 0;
        if (!in->nulls[in->n]) in->values[in->n] = value_of(h, in->type, p);
        in->n++;
        p = next;
    }
}

static status steps(const struct aggregate *a, struct agg_call *c, const struct input *in,
                    uint16_t from, uint16_t to) {
    for (uint16_t i = from; i < to; i++) {
        c->args = &in->values[i];
        c->nulls = &in->nulls[i];
        TRY(aggregate_step(a, c));
    }
    return OK;
}

enum way { ROW_BY_ROW, BATCH, HALVES, WAYS };

static status run(const struct aggregate *a, struct agg_call *c, struct input *in, enum way way) {
    static _Alignas(16) char states[2][STATE_MAX];
    memset(states, 0, sizeof states);
    assert_true(a->state_bytes <= STATE_MAX);
    c->state = states[0];
    if (way == ROW_BY_ROW) {
        TRY(steps(a, c, in, 0, in->n));
    } else if (way == BATCH) {
        struct vec column = {in->values, in->nulls};
        const struct vec *args[] = {&column};
        uint16_t sel[ROWS_MAX];
        uint16_t half = in->n / 2;
        for (uint16_t i = half; i < in->n; i++) sel[i - half] = i;
        TRY(aggregate_step_vec(a, c, args, NULL, half));
        TRY(aggregate_step_vec(a, c, args, sel, (uint16_t)(in->n - half)));
    } else {
        c->state = states[1];
        TRY(steps(a, c, in, in->n / 2, in->n));
        c->state = states[0];
        TRY(steps(a, c, in, 0, in->n / 2));
        TRY(a->combine(c, states[1]));
    }
    return a->final(c);
}

static void test_cases(void **) {
    struct harness h;
    size_t failures = 0;
    harness_open(&h);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct input in;
        struct function_choice choice;
        harness_reset(&h);
        load(&h, cases[i].type, cases[i].rows, &in);
        assert_true(ok(resolve_function(&h.env, cases[i].name, &in.type, 1, false, &choice)));
        const struct aggregate *a = aggregate_find(choice.function->oid);
        assert_non_null(a);
        for (enum way way = 0; way < WAYS; way++) {
            if (way == HALVES && !a->combine) continue;
            struct fn_site site = {.function = choice.function,
                                   .collation = COLLATION_DEFAULT,
                                   .result_type = choice.result,
                                   .arg_types = choice.arg_types,
                                   .nargs = 1};
            struct agg_call c = {.nargs = 1, .state_arena = &h.arena, .env = &h.env, .site = &site};
            error_clear(&h.error);
            status s = run(a, &c, &in, way);
            char *got = ok(s) && !c.is_null ? text_of(&h, choice.result, c.result)
                        : ok(s)             ? "(null)"
                                : arena_printf(&h.arena, "ERROR %s %s", status_sqlstate(s),
                                               h.error.message);
            if (!strcmp(got, cases[i].expected)) continue;
            print_error("%s(%s) of <%s>, way %d\n  expected %s\n  got      %s\n", cases[i].name,
                        cases[i].type, cases[i].rows, way, cases[i].expected, got);
            failures++;
        }
    }
    harness_close(&h);
    assert_int_equal(failures, 0);
}

/* string_agg has two arguments, and its delimiter belongs to the row that it precedes. */
static void test_string_agg(void **) {
    struct harness h;
    struct function_choice choice;
    oid types[2] = {TEXTOID, TEXTOID};
    _Alignas(16) char state[STATE_MAX] = {0};
    harness_open(&h);
    assert_true(ok(resolve_function(&h.env, "string_agg", types, 2, false, &choice)));
    const struct aggregate *a = aggregate_find(choice.function->oid);
    struct fn_site site = {
        .function = choice.function, .result_type = TEXTOID, .arg_types = types, .nargs = 2};
    struct agg_call c = {
        .nargs = 2, .state = state, .state_arena = &h.arena, .env = &h.env, .site = &site};
    assert_true(ok(a->final(&c)) && c.is_null);
    static const char *const rows[][2] = {{"a", ","}, {NULL, "!"}, {"b", ";"}, {"c", NULL}};
    for (size_t i = 0; i < 4; i++) {
        datum args[2] = {{.u64 = 0}, {.u64 = 0}};
        uint8_t nulls[2] = {!rows[i][0], !rows[i][1]};
        for (int k = 0; k < 2; k++)
            if (!nulls[k]) args[k] = value_of(&h, TEXTOID, rows[i][k]);
        c.args = args;
        c.nulls = nulls;
        assert_true(ok(aggregate_step(a, &c)));
    }
    assert_true(ok(a->final(&c)) && !c.is_null);
    assert_string_equal(text_of(&h, TEXTOID, c.result), "a;bc");
    harness_close(&h);
}

/* A sum over many digits and scales is the exact one, whatever spills. */
static void test_long_sum(void **) {
    struct harness h;
    struct function_choice choice;
    oid type = NUMERICOID;
    _Alignas(16) char state[STATE_MAX] = {0};
    harness_open(&h);
    assert_true(ok(resolve_function(&h.env, "sum", &type, 1, false, &choice)));
    const struct aggregate *a = aggregate_find(choice.function->oid);
    struct arena keep;
    arena_init(&keep, 0);
    struct fn_site site = {
        .function = choice.function, .result_type = type, .arg_types = &type, .nargs = 1};
    struct agg_call c = {
        .nargs = 1, .state = state, .state_arena = &keep, .env = &h.env, .site = &site};
    const struct function *add = function_find(1724); /* numeric + numeric */
    datum expected = value_of(&h, type, "0");
    uint64_t r = 3;
    struct arena model;
    arena_init(&model, 0);
    assert_true(ok(type_copy(type_find(type), expected, &model, &expected)));
    for (int i = 0; i < 3000; i++) {
        char text[80];
        bool is_null;
        harness_reset(&h);
        snprintf(text, sizeof text, "%s%llu%0*d.%0*llu", test_random(&r) & 1 ? "-" : "",
                 (unsigned long long)test_random(&r), 1 + i % 20, i, 1 + i % 25,
                 (unsigned long long)test_random(&r) % 1000);
        datum value = value_of(&h, type, text), pair[2] = {expected, value};
        oid types[2] = {type, type};
        uint8_t nulls[2] = {0};
        c.args = &value;
        c.nulls = nulls;
        assert_true(ok(aggregate_step(a, &c)));
        assert_true(ok(
            function_call_simple(&h.env, add, types, pair, nulls, 2, type, &expected, &is_null)));
        assert_true(ok(type_copy(type_find(type), expected, &model, &expected)));
    }
    assert_true(ok(a->final(&c)));
    assert_string_equal(text_of(&h, type, c.result), text_of(&h, type, expected));
    arena_free(&keep);
    arena_free(&model);
    harness_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                       cmocka_unit_test(test_string_agg),
                                       cmocka_unit_test(test_long_sum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
