/* Constraints and their marks. */
#include "parse/build.h"

static bool can_defer(enum ast_constraint_kind kind) {
    return kind == CONSTRAINT_PRIMARY_KEY || kind == CONSTRAINT_UNIQUE ||
           kind == CONSTRAINT_EXCLUDE || kind == CONSTRAINT_FOREIGN_KEY;
}

/* What has been said about the constraint that such marks follow. */
struct deferral {
    struct ast_constraint *of;
    bool when_said;
    bool whether_said;
};

static void apply_mark(struct parser *p, struct deferral *d, const struct ast_constraint *mark) {
    static const char *const misplaced[] = {
        [CONSTRAINT_ATTR_DEFERRABLE] = "misplaced DEFERRABLE clause",
        [CONSTRAINT_ATTR_NOT_DEFERRABLE] = "misplaced NOT DEFERRABLE clause",
        [CONSTRAINT_ATTR_DEFERRED] = "misplaced INITIALLY DEFERRED clause",
        [CONSTRAINT_ATTR_IMMEDIATE] = "misplaced INITIALLY IMMEDIATE clause"};
    int32_t at = mark->node.location;
    if (!d->of || !can_defer(d->of->kind))
        parse_fail_at(p, ST_SYNTAX_ERROR, at, misplaced[mark->kind]);
    bool whether =
        mark->kind == CONSTRAINT_ATTR_DEFERRABLE || mark->kind == CONSTRAINT_ATTR_NOT_DEFERRABLE;
    if (whether ? d->whether_said : d->when_said)
        parse_fail_at(p, ST_SYNTAX_ERROR, at,
                      whether ? "multiple DEFERRABLE/NOT DEFERRABLE clauses not allowed"
                              : "multiple INITIALLY IMMEDIATE/DEFERRED clauses not allowed");
    *(whether ? &d->whether_said : &d->when_said) = true;
    if (mark->kind == CONSTRAINT_ATTR_DEFERRABLE) d->of->deferrable = true;
    if (mark->kind == CONSTRAINT_ATTR_DEFERRED) {
        d->of->initially_deferred = true;
        if (!d->whether_said) d->of->deferrable = true;
    }
    if (d->of->initially_deferred && d->whether_said && !d->of->deferrable)
        parse_fail_at(p, ST_SYNTAX_ERROR, at,
                      "constraint declared INITIALLY DEFERRED must be DEFERRABLE");
}

struct list *finish_column_constraints(struct parser *p, struct list *constraints,
                                       struct list **ret_collation) {
    struct list *kept = NULL;
    struct deferral d = {0};
    LIST_EACH(struct node *, n, constraints) {
        if (n->kind == NODE_COLLATE) {
            if (*ret_collation)
                parse_fail_at(p, ST_SYNTAX_ERROR, n->location,
                              "multiple COLLATE clauses not allowed");
            *ret_collation = ast_as_collate(n)->names;
            continue;
        }
        struct ast_constraint *c = ast_as_constraint(n);
        if (c->kind >= CONSTRAINT_ATTR_DEFERRABLE) {
            apply_mark(p, &d, c);
            continue;
        }
        d = (struct deferral){.of = c};
        kept = list_add(p, kept, c);
    }
    return kept;
}

int add_attribute(struct parser *p, int bits, int bit, int32_t location) {
    bits |= bit;
    const int impossible[] = {ATTRIBUTE_DEFERRABLE | ATTRIBUTE_NOT_DEFERRABLE,
                              ATTRIBUTE_DEFERRED | ATTRIBUTE_IMMEDIATE,
                              ATTRIBUTE_NOT_DEFERRABLE | ATTRIBUTE_DEFERRED};
    for (int i = 0; i < 3; i++)
        if ((bits & impossible[i]) == impossible[i])
            parse_fail_at(p, ST_SYNTAX_ERROR, location,
                          i == 2 ? "constraint declared INITIALLY DEFERRED must be DEFERRABLE"
                                 : "conflicting constraint properties");
    return bits;
}

struct node *apply_attributes(struct parser *p, struct node *constraint, int bits) {
    static const char *const words[] = {[CONSTRAINT_CHECK] = "CHECK",
                                        [CONSTRAINT_PRIMARY_KEY] = "PRIMARY KEY",
                                        [CONSTRAINT_UNIQUE] = "UNIQUE",
                                        [CONSTRAINT_EXCLUDE] = "EXCLUDE",
                                        [CONSTRAINT_FOREIGN_KEY] = "FOREIGN KEY"};
    struct ast_constraint *c = ast_as_constraint(constraint);
    bool checked_later = c->kind == CONSTRAINT_CHECK || c->kind == CONSTRAINT_FOREIGN_KEY;
    const char *refused = NULL;
    if ((bits & (ATTRIBUTE_DEFERRABLE | ATTRIBUTE_DEFERRED)) && !can_defer(c->kind))
        refused = "DEFERRABLE";
    else if ((bits & ATTRIBUTE_NOT_VALID) && !checked_later)
        refused = "NOT VALID";
    else if ((bits & ATTRIBUTE_NO_INHERIT) && c->kind != CONSTRAINT_CHECK)
        refused = "NO INHERIT";
    if (refused)
        parse_fail_at(p, ST_FEATURE_NOT_SUPPORTED, constraint->location,
                      parse_join(p, words[c->kind], " constraints cannot be marked ", refused));
    c->deferrable = bits & (ATTRIBUTE_DEFERRABLE | ATTRIBUTE_DEFERRED);
    c->initially_deferred = bits & ATTRIBUTE_DEFERRED;
    c->not_valid = bits & ATTRIBUTE_NOT_VALID;
    c->no_inherit = bits & ATTRIBUTE_NO_INHERIT;
    return constraint;
}
