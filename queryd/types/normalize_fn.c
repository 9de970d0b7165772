/* normalize and is_normalized: Unicode's normal forms, by ICU. */
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "types/internal.h"

static status no_form(struct fn_call *c, const struct varlena *form) {
    return error_set(c->env->error, ST_INVALID_PARAMETER_VALUE, "invalid normalization form: %.*s",
                     (int)form->len, form->data);
}

/* The second argument; NFC when it was left out. */
static status form_of(struct fn_call *c, const UNormalizer2 **ret) {
    static const struct {
        const char *name;
        const UNormalizer2 *(*instance)(UErrorCode *);
    } forms[] = {{"nfc", unorm2_getNFCInstance},
                 {"nfd", unorm2_getNFDInstance},
                 {"nfkc", unorm2_getNFKCInstance},
                 {"nfkd", unorm2_getNFKDInstance}};
    UErrorCode code = U_ZERO_ERROR;
    const struct varlena *form = c->nargs > 1 ? c->args[1].v : NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (form && !same_word(form->data, form->len, forms[i].name)) continue;
        *ret = forms[i].instance(&code);
        return U_FAILURE(code) ? out_of_memory(c->env) : OK;
    }
    return no_form(c, form);
}

static status as_units(struct fn_call *c, const struct varlena *v, UChar **ret, int32_t *ret_n) {
    UErrorCode code = U_ZERO_ERROR;
    *ret = arena_array(c->env->arena, v->len + 1u, sizeof **ret);
    if (v->len > VARLENA_MAX / 16 || !*ret) return out_of_memory(c->env);
    u_strFromUTF8(*ret, (int32_t)v->len + 1, ret_n, v->data, (int32_t)v->len, &code);
    return U_FAILURE(code) ? out_of_memory(c->env) : OK;
}

static status give_units(struct fn_call *c, const UChar *units, int32_t n) {
    UErrorCode code = U_ZERO_ERROR;
    int32_t bytes;
    struct varlena *v = varlena_new(c->env->arena, (size_t)n * 3 + 1);
    if (!v) return out_of_memory(c->env);
    u_strToUTF8(v->data, n * 3 + 1, &bytes, units, n, &code);
    if (U_FAILURE(code)) return out_of_memory(c->env);
    v->len = (uint32_t)bytes;
    c->result = datum_ptr(v);
    return OK;
}

status fn_normalize(struct fn_call *c) {
    const UNormalizer2 *form;
    UErrorCode code = U_ZERO_ERROR;
    UChar *from;
    int32_t n;
    TRY(form_of(c, &form));
    TRY(as_units(c, c->args[0].v, &from, &n));
    int32_t room = unorm2_normalize(form, from, n, NULL, 0, &code);
    if (code != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(code)) return out_of_memory(c->env);
    UChar *to = arena_array(c->env->arena, (size_t)room + 1, sizeof *to);
    if (!to) return out_of_memory(c->env);
    code = U_ZERO_ERROR;
    unorm2_normalize(form, from, n, to, room + 1, &code);
    return U_FAILURE(code) ? out_of_memory(c->env) : give_units(c, to, room);
}

status fn_is_normalized(struct fn_call *c) {
    const UNormalizer2 *form;
    UErrorCode code = U_ZERO_ERROR;
    UChar *from;
    int32_t n;
    TRY(form_of(c, &form));
    TRY(as_units(c, c->args[0].v, &from, &n));
    c->result = datum_bool(unorm2_isNormalized(form, from, n, &code));
    return U_FAILURE(code) ? out_of_memory(c->env) : OK;
}
