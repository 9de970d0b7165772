/* The plan that serves an execution of a prepared statement: the one kept for all values, or one
 * made for these. As plan_cache_mode says; left to itself, values are looked at where the plan says
 * that they matter: the first executions have plans of their own, and what those cost on average
 * decides from then on. */
#include "session/session_private.h"

#define CUSTOM_PLANS_FIRST 5
#define COST_OF_PLANNING 100.0 /* in rows read */

bool prepared_wants_own(struct session *s, const struct prepared *p) {
    if (!p->statement || p->statement->nparams == 0 || p->ntypes > p->statement->nparams)
        return false;
    if (s->plan_mode != PLAN_MODE_AUTO) return s->plan_mode == PLAN_MODE_CUSTOM;
    if (!p->statement->literals_matter) return false;
    if (p->custom_plans < CUSTOM_PLANS_FIRST) return true;
    return p->custom_cost / (double)p->custom_plans + COST_OF_PLANNING < p->statement->cost;
}

static status own_plan(struct session *s, struct prepared *p, const datum *values,
                       const uint8_t *nulls, struct statement **ret) {
    struct list *statements;
    TRY(block_statement_begin(s));
    s->env.text = p->text;
    s->env.text_len = p->text_len;
    TRY(parse_sql(&s->statement_arena, p->text, p->text_len, &s->error, &statements));
    return statement_prepare_for(&s->env, list_at(statements, 0), p->statement->param_types,
                                 p->statement->nparams, values, nulls, ret);
}

status prepared_choose(struct session *s, struct prepared *p, const datum *values,
                       const uint8_t *nulls, struct statement **ret) {
    if (!prepared_wants_own(s, p)) {
        p->generic_plans++;
        *ret = p->statement;
        if (p->statement) p->statement->references++;
        return OK;
    }
    TRY(own_plan(s, p, values, nulls, ret));
    p->custom_plans++;
    p->custom_cost += (*ret)->cost;
    return OK;
}
