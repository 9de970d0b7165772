/* Every line of case.def: resolution, casts, evaluation and text, against PostgreSQL's answers. */
#include "harness.h"

#define ARGS_MAX 16

struct oracle_case {
    char kind;
    const char *name, *types, *args, *expected;
};

static const struct oracle_case cases[] = {
#define X(kind, name, types, args, expected) {kind, name, types, args, expected},
#include "case.def"
#undef X
};

struct operands {
    oid types[ARGS_MAX];
    const char *texts[ARGS_MAX];
    datum values[ARGS_MAX];
    uint8_t nulls[ARGS_MAX];
    uint16_t n;
    int32_t typmod;
};

static void split(struct harness *h, const struct oracle_case *k, struct operands *o) {
    char *types = arena_strdup(&h->arena, k->types), *args = arena_strdup(&h->arena, k->args);
    *o = (struct operands){0};
    for (char *t = types; t && *t; o->n++) {
        char *end = strchr(t, ';');
        if (end) *end++ = '\0';
        o->types[o->n] = type_named(h, t, &o->typmod);
        o->texts[o->n] = args ? args : "";
        char *next = args ? strchr(args, '\t') : NULL;
        if (next) *next++ = '\0';
        args = next;
        t = end;
    }
}

static status load_operands(struct harness *h, struct operands *o, const oid *want) {
    for (uint16_t i = 0; i < o->n; i++) {
        bool is_null = false;
        oid from = o->types[i];
        o->nulls[i] = !strcmp(o->texts[i], "(null)");
        if (o->nulls[i]) continue;
        TRY(type_input(&h->env, type_find(from == UNKNOWNOID ? want[i] : from), -1, o->texts[i],
                       strlen(o->texts[i]), &o->values[i]));
        if (from == UNKNOWNOID || from == want[i]) continue;
        TRY(cast_value(&h->env, resolve_cast(from, want[i], CAST_IMPLICIT), from, want[i], -1,
                       false, o->values[i], &o->values[i], &is_null));
    }
    return OK;
}

static status add_text(struct harness *h, struct buf *out, oid type, datum value, bool is_null) {
    if (is_null) return buf_add_str(out, "(null)");
    if (type == BOOLOID) return buf_add_str(out, value.b ? "true" : "false");
    return type_output(&h->env, type_find(type), value, out);
}

static status call(struct harness *h, const struct function *f, struct operands *o, const oid *want,
                   oid result, struct buf *out) {
    TRY(load_operands(h, o, want));
    struct fn_site site = {.function = f, .result_type = result, .arg_types = want, .nargs = o->n};
    struct fn_call c = {.args = o->values,
                        .nulls = o->nulls,
                        .nargs = o->n,
                        .env = &h->env,
                        .site = &site,
                        .set_arena = &h->arena};
    if (!f->returns_set) {
        TRY(function_call(&c));
        return add_text(h, out, result, c.result, c.is_null);
    }
    for (int row = 0;; row++) {
        TRY(function_call(&c));
        if (c.set_done) return OK;
        if (row) TRY(buf_add_str(out, "|"));
        TRY(add_text(h, out, result, c.result, c.is_null));
    }
}

static status run_function(struct harness *h, const struct oracle_case *k, struct operands *o,
                           struct buf *out) {
    struct function_choice choice;
    TRY(resolve_function(&h->env, k->name, o->types, o->n, false, &choice));
    if (!choice.is_coercion)
        return call(h, choice.function, o, choice.arg_types, choice.result, out);
    datum value;
    bool is_null;
    oid from = o->types[0];
    TRY(type_input(&h->env, type_find(from), -1, o->texts[0], strlen(o->texts[0]), &value));
    TRY(cast_value(&h->env, resolve_cast(from, choice.result, CAST_EXPLICIT), from, choice.result,
                   -1, true, value, &value, &is_null));
    return add_text(h, out, choice.result, value, is_null);
}

static status run_operator(struct harness *h, const struct oracle_case *k, struct operands *o,
                           struct buf *out) {
    struct operator_choice choice;
    TRY(resolve_operator(&h->env, k->name, o->n == 2 ? o->types[0] : 0, o->types[o->n - 1],
                         &choice));
    oid want[2] = {o->n == 2 ? choice.left : choice.right, choice.right};
    return call(h, function_find(choice.op->function), o, want, choice.result, out);
}

static status run_cast(struct harness *h, struct operands *o, const char *text, struct buf *out) {
    datum value;
    bool is_null;
    TRY(type_input(&h->env, type_find(o->types[0]), -1, text, strlen(text), &value));
    TRY(cast_value(&h->env, resolve_cast(o->types[0], o->types[1], CAST_EXPLICIT), o->types[0],
                   o->types[1], -1, true, value, &value, &is_null));
    return add_text(h, out, o->types[1], value, is_null);
}

/* Text in, text out; the binary form and a copy must say the same. */
static status run_input(struct harness *h, struct operands *o, const char *text, struct buf *out) {
    const struct type *t = type_find(o->types[0]);
    datum value, again;
    struct buf binary = {0}, second = {0};
    TRY(type_input(&h->env, t, o->typmod, text, strlen(text), &value));
    TRY(type_output(&h->env, t, value, out));
    assert_true(ok(type_send(&h->env, t, value, &binary)));
    assert_true(
        ok(type_receive(&h->env, t, o->typmod, binary.len ? binary.data : "", binary.len, &again)));
    assert_true(ok(type_copy(t, again, &h->arena, &again)));
    assert_true(ok(type_output(&h->env, t, again, &second)));
    assert_int_equal(second.len, out->len);
    if (out->len) assert_memory_equal(second.data, out->data, out->len);
    if (type_is_ordered(t)) assert_int_equal(type_compare(t, value, again), 0);
    buf_free(&binary);
    buf_free(&second);
    return OK;
}

static void test_cases(void **) {
    struct harness h;
    size_t failures = 0;
    harness_open(&h);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct oracle_case *k = &cases[i];
        struct operands o;
        struct buf out = {0};
        char got[8192];
        harness_reset(&h);
        split(&h, k, &o);
        status s = k->kind == 'F'   ? run_function(&h, k, &o, &out)
                   : k->kind == 'O' ? run_operator(&h, k, &o, &out)
                   : k->kind == 'C' ? run_cast(&h, &o, k->args, &out)
                                    : run_input(&h, &o, k->args, &out);
        if (ok(s))
            snprintf(got, sizeof got, "%.*s", (int)out.len, out.len ? out.data : "");
        else
            snprintf(got, sizeof got, "ERROR %s %s", status_sqlstate(s), h.error.message);
        const char *expected = k->expected;
        if (k->kind == 'T' && o.types[0] == BOOLOID && strlen(expected) > 1 && expected[0] != 'E')
            expected = expected[0] == 't' ? "t" : "f";
        if (strcmp(got, expected) != 0) {
            print_error("%c %s(%s) of <%s>\n  expected %s\n  got      %s\n", k->kind, k->name,
                        k->types, k->args, expected, got);
            failures++;
        }
        buf_free(&out);
    }
    harness_close(&h);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
