/* Rows of a store in order: the quicksort of Bentley and McIlroy ("Engineering a sort function"),
 * with a look whether all is in order already. Which of equal rows comes first is this algorithm's
 * doing, and so the same as on PostgreSQL, whose sort it is too, when the rows come in the same
 * order. */
#include <stdlib.h>

#include "exec/internal.h"

struct sorting {
    const struct row_store *s;
    const struct plan_sort_column *columns;
    uint16_t n;
    uint64_t compared;
};

static int compare_rows(const struct sorting *o, struct stored_row *a, struct stored_row *b) {
    const uint8_t *a_nulls = stored_nulls(o->s, a), *b_nulls = stored_nulls(o->s, b);
    for (uint16_t i = 0; i < o->n; i++) {
        const struct plan_sort_column *k = &o->columns[i];
        int c =
            compare_values(k->type, a->values[k->column], a_nulls[k->column], b->values[k->column],
                           b_nulls[k->column], k->descending, k->nulls_first);
        if (c) return c;
    }
    return 0;
}

/* Fewer rows are sorted by insertion, no more take the middle one as pivot, more than MANY the
 * middle of nine. */
#define INSERTED 7
#define MANY 40
/* Comparisons after which others have a turn. */
#define SORT_BREATH 4096

static status count(struct sorting *o) {
    if (++o->compared % SORT_BREATH != 0) return OK;
    return sql_env_breathe(o->s->x->env);
}

static void swap(struct stored_row **a, struct stored_row **b) {
    struct stored_row *r = *a;
    *a = *b;
    *b = r;
}

static void swap_many(struct stored_row **a, struct stored_row **b, size_t n) {
    for (size_t i = 0; i < n; i++) swap(a + i, b + i);
}

static void insert_each(const struct sorting *o, struct stored_row **rows, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct stored_row *r = rows[i];
        size_t at = i;
        for (; at > 0 && compare_rows(o, rows[at - 1], r) > 0; at--) rows[at] = rows[at - 1];
        rows[at] = r;
    }
}

static status in_order(struct sorting *o, struct stored_row **rows, size_t n, bool *ret) {
    *ret = false;
    for (size_t i = 1; i < n; i++) {
        if (compare_rows(o, rows[i - 1], rows[i]) > 0) return OK;
        TRY(count(o));
    }
    *ret = true;
    return OK;
}

static struct stored_row **middle(const struct sorting *o, struct stored_row **a,
                                  struct stored_row **b, struct stored_row **c) {
    if (compare_rows(o, *a, *b) < 0)
        return compare_rows(o, *b, *c) < 0 ? b : compare_rows(o, *a, *c) < 0 ? c : a;
    return compare_rows(o, *b, *c) > 0 ? b : compare_rows(o, *a, *c) < 0 ? a : c;
}

static struct stored_row **pivot(const struct sorting *o, struct stored_row **rows, size_t n) {
    struct stored_row **low = rows, **mid = rows + n / 2, **high = rows + n - 1;
    if (n == INSERTED) return mid;
    if (n > MANY) {
        size_t d = n / 8;
        low = middle(o, low, low + d, low + 2 * d);
        mid = middle(o, mid - d, mid, mid + d);
        high = middle(o, high - 2 * d, high - d, high);
    }
    return middle(o, low, mid, high);
}

/* Around rows[0]: *ret_less rows before those that are equal to it, *ret_greater behind them. Equal
 * ones are gathered at both ends first. */
static status part(struct sorting *o, struct stored_row **rows, size_t n, size_t *ret_less,
                   size_t *ret_greater) {
    struct stored_row **a = rows + 1, **b = rows + 1, **c = rows + n - 1, **d = rows + n - 1;
    for (;;) {
        int r;
        for (; b <= c && (r = compare_rows(o, *b, *rows)) <= 0; b++) {
            if (r == 0) swap(a++, b);
            TRY(count(o));
        }
        for (; b <= c && (r = compare_rows(o, *c, *rows)) >= 0; c--) {
            if (r == 0) swap(c, d--);
            TRY(count(o));
        }
        if (b > c) break;
        swap(b++, c--);
    }
    size_t less = (size_t)(b - a), greater = (size_t)(d - c);
    size_t front = (size_t)(a - rows), back = (size_t)(rows + n - 1 - d);
    size_t move = front < less ? front : less;
    swap_many(rows, b - move, move);
    move = greater < back ? greater : back;
    swap_many(b, rows + n - move, move);
    *ret_less = less;
    *ret_greater = greater;
    return OK;
}

/* The smaller part by recursion, so no deeper than the logarithm of n. */
static status sort_rows(struct sorting *o, struct stored_row **rows, size_t n) {
    while (n >= INSERTED) {
        bool done;
        size_t less, greater;
        TRY(in_order(o, rows, n, &done));
        if (done) return OK;
        swap(rows, pivot(o, rows, n));
        TRY(part(o, rows, n, &less, &greater));
        struct stored_row **behind = rows + n - greater;
        if (less <= greater) {
            TRY(sort_rows(o, rows, less));
            rows = behind;
            n = greater;
        } else {
            TRY(sort_rows(o, behind, greater));
            n = less;
        }
    }
    insert_each(o, rows, n);
    return OK;
}

int row_store_compare(const struct row_store *s, const struct plan_sort_column *columns, uint16_t n,
                      struct stored_row *a, struct stored_row *b) {
    struct sorting o = {s, columns, n, 0};
    return compare_rows(&o, a, b);
}

status row_store_sort(struct row_store *s, const struct plan_sort_column *columns, uint16_t n) {
    struct sorting o = {s, columns, n, 0};
    return sort_rows(&o, s->rows, s->n);
}
