/* pg_timezone_names and pg_timezone_abbrevs. */
#include "types/datetime.h"
#include "types/internal.h"
#include "types/tz.h"

#define UNIX_TO_2000_S 946684800

static status offset_datum(const struct eval_env *env, int32_t offset_s, datum *ret) {
    struct interval *i = arena_zalloc(env->arena, sizeof *i);
    if (!i) return out_of_memory(env);
    i->time_us = (int64_t)offset_s * 1000000;
    *ret = datum_ptr(i);
    return OK;
}

/* As they apply when the transaction began. */
status fn_timezone_names(struct fn_call *c) {
    static bool all_read;
    if (!all_read) TRY(tz_preload());
    all_read = true;
    const struct tz **last = c->set_state;
    if (!last) last = c->set_state = arena_zalloc(c->set_arena, sizeof *last);
    if (!last) return out_of_memory(c->env);
    const struct tz *z = tz_next(*last);
    c->set_done = !z;
    if (!z) return OK;
    *last = z;
    struct tz_local now = tz_at(z, c->env->session->transaction_us / 1000000 + UNIX_TO_2000_S);
    datum values[4] = {[3] = datum_bool(now.is_dst)};
    TRY(text_datum(c->env, tz_name(z), &values[0]));
    TRY(text_datum(c->env, now.abbreviation, &values[1]));
    TRY(offset_datum(c->env, now.offset_s, &values[2]));
    return give_row(c, values, (const uint8_t[4]){0});
}

status fn_timezone_abbrevs(struct fn_call *c) {
    uint32_t *at;
    struct tz_abbreviation a;
    char upper[16];
    size_t n = 0;
    TRY(set_counter(c, &at));
    c->set_done = !tz_abbreviation_at((*at)++, &a);
    if (c->set_done) return OK;
    for (; a.word[n] && n < sizeof upper - 1; n++) upper[n] = upper_ascii(a.word[n]);
    upper[n] = 0;
    if (a.zone) {
        struct tz_local now =
            tz_at(a.zone, c->env->session->transaction_us / 1000000 + UNIX_TO_2000_S);
        a.offset_s = now.offset_s;
        a.is_dst = now.is_dst;
    }
    datum values[3] = {[2] = datum_bool(a.is_dst)};
    TRY(text_datum(c->env, upper, &values[0]));
    TRY(offset_datum(c->env, a.offset_s, &values[1]));
    return give_row(c, values, (const uint8_t[3]){0});
}
