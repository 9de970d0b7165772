/* collated_fn.c: functions by a collation. A call whose collation is that of bytes has the plain
 * body; which one a call has is settled when its site is made. */
#include "types/collator.h"
#include "types/internal.h"
#include "types/like.h"

enum why {
    WHY_ORDER,
    WHY_HASH,
    WHY_SEARCH,
    WHY_LIKE,
    WHY_ILIKE,
    WHY_REGEX,
    WHY_LOWER,
    WHY_UPPER,
    WHY_INITCAP
};

/* ---- comparisons ----------------------------------------------------------------------------- */

static void text_argument(const struct fn_call *c, uint16_t i, const char **ret, size_t *ret_len) {
    bool name = c->site->function->args[i] == NAMEOID;
    *ret = name ? c->args[i].s : c->args[i].v->data;
    *ret_len = name ? strnlen(c->args[i].s, NAME_BYTES) : c->args[i].v->len;
}

static int compare_texts(const struct fn_call *c) {
    const char *a, *b;
    size_t a_len, b_len;
    text_argument(c, 0, &a, &a_len);
    text_argument(c, 1, &b, &b_len);
    return collator_compare(c->site->collator, a, a_len, b, b_len);
}

#define COLLATED_COMPARE(name, op)                                                                 \
    static status fn_collated_##name(struct fn_call *c) {                                          \
        return give_bool(c, compare_texts(c) op 0);                                                \
    }
COLLATED_COMPARE(eq, ==)
COLLATED_COMPARE(ne, !=)
COLLATED_COMPARE(lt, <)
COLLATED_COMPARE(le, <=)
COLLATED_COMPARE(gt, >)
COLLATED_COMPARE(ge, >=)

/* ---- case ------------------------------------------------------------------------------------ */

static status change_case(struct fn_call *c, uint16_t i, enum case_change change, datum *ret) {
    const char *text;
    size_t len;
    text_argument(c, i, &text, &len);
    return collator_change_case(c->site->collator, c->env, change, text, len, ret);
}

static status fn_collated_lower(struct fn_call *c) {
    return change_case(c, 0, CASE_TO_LOWER, &c->result);
}
static status fn_collated_upper(struct fn_call *c) {
    return change_case(c, 0, CASE_TO_UPPER, &c->result);
}
static status fn_collated_initcap(struct fn_call *c) {
    return change_case(c, 0, CASE_TO_TITLE, &c->result);
}

static status ilike(struct fn_call *c, bool wanted) {
    datum text, pattern;
    TRY(change_case(c, 0, CASE_TO_LOWER, &text));
    TRY(change_case(c, 1, CASE_TO_LOWER, &pattern));
    return like_match(c->env, text, pattern, wanted, &c->result);
}
static status fn_collated_ilike(struct fn_call *c) {
    return ilike(c, true);
}
static status fn_collated_not_ilike(struct fn_call *c) {
    return ilike(c, false);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static status refuse(struct fn_call *c, const char *what) {
    return error_set(c->env->error, ST_FEATURE_NOT_SUPPORTED,
                     "nondeterministic collations are not supported for %s", what);
}
static status refuse_search(struct fn_call *c) {
    return refuse(c, "substring searches");
}
static status refuse_like(struct fn_call *c) {
    return refuse(c, "LIKE");
}
static status refuse_ilike(struct fn_call *c) {
    return refuse(c, "ILIKE");
}
static status refuse_regex(struct fn_call *c) {
    return refuse(c, "regular expressions");
}

status collation_undetermined(const struct eval_env *env, const char *what) {
    status st = error_set(env->error, ST_INDETERMINATE_COLLATION,
                          "could not determine which collation to use for %s", what);
    error_hint(env->error, "Use the COLLATE clause to set the collation explicitly.");
    return st;
}

#define UNDETERMINED(name, words)                                                                  \
    static status undetermined_##name(struct fn_call *c) {                                         \
        return collation_undetermined(c->env, words);                                              \
    }
UNDETERMINED(order, "string comparison")
UNDETERMINED(hash, "string hashing")
UNDETERMINED(ilike, "ILIKE")
UNDETERMINED(regex, "regular expression")
UNDETERMINED(lower, "lower() function")
UNDETERMINED(upper, "upper() function")
UNDETERMINED(initcap, "initcap() function")

static const struct {
    fn_scalar *undetermined; /* there is no collation; NULL: does not matter */
    fn_scalar *refused;      /* it is nondeterministic; NULL: may be so */
} reasons[] = {
    [WHY_ORDER] = {undetermined_order, NULL},
    [WHY_HASH] = {undetermined_hash, NULL},
    [WHY_SEARCH] = {undetermined_order, refuse_search},
    [WHY_LIKE] = {NULL, refuse_like},
    [WHY_ILIKE] = {undetermined_ilike, refuse_ilike},
    [WHY_REGEX] = {undetermined_regex, refuse_regex},
    [WHY_LOWER] = {undetermined_lower, NULL},
    [WHY_UPPER] = {undetermined_upper, NULL},
    [WHY_INITCAP] = {undetermined_initcap, NULL},
};

/* ---- sites ----------------------------------------------------------------------------------- */

static const struct collated {
    fn_scalar *plain;
    enum why why;
    fn_scalar *collated;
} functions[] = {
#define X(plain, why, collated) {plain, WHY_##why, collated},
#include "types/collated.def"
#undef X
};

static const struct collated *find(fn_scalar *body) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].plain == body) return &functions[i];
    return NULL;
}

static bool takes_texts(const struct fn_site *site) {
    for (uint16_t i = 0; i < site->nargs; i++) {
        const struct type *t = type_find(site->arg_types[i]);
        if (t && t->collation) return true;
    }
    return false;
}

/* Of the operator classes that order by bytes whatever the collation. */
static bool is_pattern_function(oid function) {
    return (function >= 2160 && function <= 2166) || (function >= 2174 && function <= 2180);
}

static fn_scalar *body_for(const struct collated *f, const struct fn_site *site) {
    const struct collator *c = site->collator;
    if (!site->collation) return reasons[f->why].undetermined;
    if (!c) return NULL;
    if (collator_is_deterministic(c)) {
        bool equality = f->collated == fn_collated_eq || f->collated == fn_collated_ne;
        return equality ? NULL : f->collated;
    }
    return reasons[f->why].refused ? reasons[f->why].refused : f->collated;
}

status site_by_collation(struct fn_site *site) {
    const struct function *f = site->function;
    if (site->collation == COLLATION_C || !takes_texts(site) || is_pattern_function(f->oid))
        return OK;
    site->collator = collator_of(site->collation);
    const struct collated *known = !site->collation || site->collator ? find(f->scalar) : NULL;
    fn_scalar *body = known ? body_for(known, site) : NULL;
    if (!body) return OK;
    struct function *own = arena_memdup(site->memo_arena, f, sizeof *f);
    if (!own) return STATUS(OUT_OF_MEMORY);
    own->scalar = body;
    own->vector = NULL;
    site->function = own;
    return OK;
}
