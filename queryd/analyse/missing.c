/* Names that mean nothing: what the client may have meant. */
#include "analyse/internal.h"

#define FUZZY_DISTANCE_MAX 3 /* PostgreSQL's */

status scope_missing_item(struct scope *s, const char *name, int32_t location) {
    for (struct scope *at = s; at; at = at->parent)
        for (uint16_t i = 0; i < at->query->nrtes; i++) {
            const struct rte *r = at->query->rtes[i];
            bool by_alias = r->alias && strcmp(r->alias, name) == 0;
            bool by_name = r->relation && strcmp(r->relation->name, name) == 0;
            if (!by_alias && !by_name) continue;
            status st = FAIL_AT(s->a, location, UNDEFINED_TABLE,
                                "invalid reference to FROM-clause entry for table \"%s\"", name);
            if (by_alias)
                error_hint(s->a->error,
                           "There is an entry for table \"%s\", but it cannot be referenced from "
                           "this part of the query.",
                           name);
            else
                error_hint(s->a->error, "Perhaps you meant to reference the table alias \"%s\".",
                           r->alias);
            return st;
        }
    return FAIL_AT(s->a, location, UNDEFINED_TABLE, "missing FROM-clause entry for table \"%s\"",
                   name);
}

/* ---- columns --------------------------------------------------------------------------------- */

/* One column of one entry. */
struct guess {
    const struct rte *r; /* NULL: none */
    uint16_t column;
};

struct guesses {
    int distance; /* of those kept; what is further away is no guess */
    struct guess first, second;
};

/* Edits between two names, in bytes; limit: more than that is as good as limit + 1. */
static int distance_of(const char *a, const char *b, int limit) {
    int row[NAME_BYTES + 1];
    size_t n = strlen(a), m = strlen(b);
    if (n > NAME_BYTES || m > NAME_BYTES) return limit + 1;
    for (size_t j = 0; j <= m; j++) row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int change = corner + (a[i - 1] != b[j - 1]);
            int shorter = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            corner = row[j];
            row[j] = change < shorter ? change : shorter;
        }
    }
    return row[m] > limit ? limit + 1 : row[m];
}

/* Two that are equally near are both told; of three none. */
static void consider(struct guesses *g, struct guess new, const char *name, int penalty) {
    if (penalty > g->distance) return;
    int distance = distance_of(new.r->columns[new.column].name, name, g->distance + 1 - penalty);
    if (distance > (int)(strlen(name) / 2)) return;
    distance += penalty;
    if (distance < g->distance) {
        *g = (struct guesses){distance, new, {0}};
    } else if (distance == g->distance) {
        if (g->second.r)
            *g = (struct guesses){.distance = distance - 1};
        else if (g->first.r)
            g->second = new;
        else if (distance <= FUZZY_DISTANCE_MAX)
            g->first = new;
    }
}

/* True: it has a column of just that name, under just that table's. */
static bool look_in(struct guesses *g, const struct rte *r, const char *table, const char *name) {
    int penalty = table && r->alias ? distance_of(table, r->alias, FUZZY_DISTANCE_MAX + 1) : 0;
    bool found = false;
    for (uint16_t i = 0; i < r->ncolumns; i++) {
        const struct rte_column *c = &r->columns[i];
        if (!c->type || !*c->name) continue;
        found |= strcmp(c->name, name) == 0;
        consider(g, (struct guess){r, i}, name, penalty);
    }
    return found && penalty == 0;
}

static const char *words_of(struct analyse *a, struct guess g) {
    return arena_printf(a->arena, "\"%s.%s\"", g.r->alias, g.r->columns[g.column].name);
}

static status tell(struct analyse *a, const struct guesses *g) {
    if (!g->first.r) return OK;
    const char *first = words_of(a, g->first);
    const char *second = g->second.r ? words_of(a, g->second) : NULL;
    NEEDS(a, first && (second || !g->second.r));
    error_hint(a->error, "Perhaps you meant to reference the column %s%s%s.", first,
               second ? " or the column " : "", second ? second : "");
    return OK;
}

status scope_missing_column(struct scope *s, const char *table, const char *name,
                            int32_t location) {
    struct analyse *a = s->a;
    struct guesses g = {.distance = FUZZY_DISTANCE_MAX + 1};
    status st =
        table ? FAIL_AT(a, location, UNDEFINED_COLUMN, "column %s.%s does not exist", table, name)
              : FAIL_AT(a, location, UNDEFINED_COLUMN, "column \"%s\" does not exist", name);
    for (const struct scope *at = s; at; at = at->parent)
        for (uint16_t i = 0; i < at->query->nrtes; i++) {
            const struct rte *r = at->query->rtes[i];
            if (!r->alias || !look_in(&g, r, table, name)) continue;
            error_hint(a->error,
                       "There is a column named \"%s\" in table \"%s\", but it cannot be "
                       "referenced from this part of the query.",
                       name, r->alias);
            return st;
        }
    TRY(tell(a, &g));
    return st;
}
