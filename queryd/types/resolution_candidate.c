/* Choosing among candidates that all can be coerced to (manual, 10.2 and 10.3, step 4). */
#include "types/resolution_candidate.h"

#include "types/internal.h"

/* Keeps the candidates with the highest score. */
static void keep_best(struct candidates *c, size_t nargs, const oid *input,
                      bool (*matches)(oid declared, oid actual)) {
    size_t kept = 0, best = 0;
    for (size_t i = 0; i < c->n; i++) {
        size_t score = 0;
        for (size_t a = 0; a < nargs; a++)
            score += input[a] != UNKNOWNOID && matches(c->items[i].args[a], input[a]);
        if (score > best || kept == 0) {
            best = score;
            kept = 0;
        }
        if (score == best) c->items[kept++] = c->items[i];
    }
    c->n = kept;
}

static bool is_exact(oid declared, oid actual) {
    return declared == actual;
}

static bool is_exact_or_preferred(oid declared, oid actual) {
    return declared == actual ||
           (type_category(declared) == type_category(actual) && type_is_preferred(declared));
}

/* For each unknown argument the category its candidates speak for: string if any accepts it, else
 * the one they all share. Candidates of another category go, and those that take a type that is
 * not preferred where another takes a preferred one. False: the categories differ. */
static bool guess_categories(struct candidates *c, size_t nargs, const oid *input) {
    char categories[FUNCTION_ARGS_MAX];
    bool preferred[FUNCTION_ARGS_MAX];
    for (size_t a = 0; a < nargs; a++) {
        if (input[a] != UNKNOWNOID) continue;
        categories[a] = type_category(c->items[0].args[a]);
        preferred[a] = type_is_preferred(c->items[0].args[a]);
        bool conflict = false;
        for (size_t i = 1; i < c->n; i++) {
            char category = type_category(c->items[i].args[a]);
            bool is_preferred_here = type_is_preferred(c->items[i].args[a]);
            if (category == categories[a]) {
                preferred[a] |= is_preferred_here;
            } else if (category == 'S') {
                categories[a] = 'S';
                preferred[a] = is_preferred_here;
            } else {
                conflict = true;
            }
        }
        if (conflict && categories[a] != 'S') return false;
    }
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++) {
        bool keep = true;
        for (size_t a = 0; a < nargs && keep; a++) {
            if (input[a] != UNKNOWNOID) continue;
            oid declared = c->items[i].args[a];
            keep = type_category(declared) == categories[a] &&
                   (!preferred[a] || type_is_preferred(declared));
        }
        if (keep) {
            struct candidate winner = c->items[i];
            c->items[i] = c->items[kept];
            c->items[kept++] = winner;
        }
    }
    if (kept) c->n = kept;
    return true;
}

/* The last resort: unknowns are taken for the one type that all known arguments have. */
static const struct candidate *assume_same_type(struct candidates *c, size_t nargs,
                                                const oid *input) {
    oid known = UNKNOWNOID, assumed[FUNCTION_ARGS_MAX];
    for (size_t a = 0; a < nargs; a++) {
        if (input[a] == UNKNOWNOID) continue;
        if (known != UNKNOWNOID && known != input[a]) return NULL;
        known = input[a];
    }
    if (known == UNKNOWNOID) return NULL;
    for (size_t a = 0; a < nargs; a++) assumed[a] = known;
    const struct candidate *found = NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (!resolve_can_coerce(assumed, c->items[i].args, nargs, CAST_IMPLICIT)) continue;
        if (found) return NULL;
        found = &c->items[i];
    }
    return found;
}

const struct candidate *candidates_select(struct candidates *c, size_t nargs, const oid *input) {
    if (c->n == 0) return NULL;
    keep_best(c, nargs, input, is_exact);
    if (c->n == 1) return &c->items[0];
    keep_best(c, nargs, input, is_exact_or_preferred);
    if (c->n == 1) return &c->items[0];
    size_t unknowns = 0;
    for (size_t a = 0; a < nargs; a++) unknowns += input[a] == UNKNOWNOID;
    if (!unknowns) return NULL;
    if (guess_categories(c, nargs, input) && c->n == 1) return &c->items[0];
    return unknowns < nargs ? assume_same_type(c, nargs, input) : NULL;
}

void candidates_drop_unreachable(struct candidates *c, size_t nargs, const oid *input) {
    size_t kept = 0;
    for (size_t i = 0; i < c->n; i++)
        if (resolve_can_coerce(input, c->items[i].args, nargs, CAST_IMPLICIT))
            c->items[kept++] = c->items[i];
    c->n = kept;
}
