/* What the session keeps as tables: pg_cursors, pg_prepared_statements. */
#include <string.h>

#include "session/functions.h"
#include "session/session_private.h"
#include "types/array.h"

/* ---- cursors --------------------------------------------------------------------------------- */

static const struct portal *portal_at(const struct session *s, uint32_t i) {
    const struct portal *p = s->portals;
    while (p && i--) p = p->next;
    return p;
}

status pg_cursor(struct fn_call *c) {
    uint32_t *i;
    TRY(set_counter(c, &i));
    const struct portal *p = portal_at(session_of_call(c), *i);
    if (!p) {
        c->set_done = true;
        return OK;
    }
    ++*i;
    bool hold = false, binary = false, scroll = false;
    datum values[6];
    uint8_t nulls[6] = {0};
    if (p->cursor) cursor_facts(p->cursor, &hold, &binary, &scroll);
    TRY(text_datum(c->env, p->name, &values[0]));
    TRY(text_datum(c->env, p->text ? p->text : "", &values[1]));
    values[2] = datum_bool(hold);
    values[3] = datum_bool(binary);
    values[4] = datum_bool(scroll);
    values[5] = datum_int8(p->created_us);
    return give_row(c, values, nulls);
}

/* ---- prepared statements --------------------------------------------------------------------- */

/* Those with a name, as PostgreSQL keeps them. */
static const struct prepared *prepared_at(const struct session *s, uint32_t i) {
    const struct prepared *p = s->prepared;
    while (p && (!*p->name || i--)) p = p->next;
    return p;
}

static status type_array(const struct eval_env *env, const struct prepared *p, datum *ret) {
    uint16_t n = p->statement ? p->statement->nparams : p->ntypes;
    datum *types = arena_array(env->arena, n + 1u, sizeof *types);
    if (!types) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < n; i++)
        types[i] = datum_oid(p->statement ? p->statement->param_types[i] : p->types[i]);
    return array_build_1d(env, REGTYPEOID, types, NULL, n, ret);
}

status pg_prepared_statement(struct fn_call *c) {
    uint32_t *i;
    TRY(set_counter(c, &i));
    const struct prepared *p = prepared_at(session_of_call(c), *i);
    if (!p) {
        c->set_done = true;
        return OK;
    }
    ++*i;
    datum values[7];
    uint8_t nulls[7] = {0};
    TRY(text_datum(c->env, p->name, &values[0]));
    TRY(text_datum(c->env, p->written ? p->written : p->text, &values[1]));
    values[2] = datum_int8(p->prepared_us);
    TRY(type_array(c->env, p, &values[3]));
    values[4] = datum_bool(p->from_sql);
    values[5] = datum_int8((int64_t)p->generic_plans);
    values[6] = datum_int8((int64_t)p->custom_plans);
    return give_row(c, values, nulls);
}
