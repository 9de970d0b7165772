/* Multikey quicksort (Bentley and Sedgewick, "Fast algorithms for sorting and searching strings"),
 * a window at a time: keys are parted by their windows, and where these are equal, by the next
 * ones. So a key's bytes, which lie anywhere, are looked at once a window and not once a
 * comparison. */
#include "exec/key_sort.h"

/* Fewer are sorted by insertion; the pivot is the middle of three, of more than MANY of nine. */
#define INSERTED 12
#define MANY 200
/* Items looked at until others have a turn. */
#define ITEMS_PER_BREATH 16384

struct sorting {
    struct sql_env *env;
    uint64_t looked_at;
};

static status breathe(struct sorting *o) {
    return ++o->looked_at % ITEMS_PER_BREATH == 0 ? sql_env_breathe(o->env) : OK;
}

static void swap(struct key_item *a, struct key_item *b) {
    struct key_item item = *a;
    *a = *b;
    *b = item;
}

static void insert_each(struct key_item *items, size_t n, uint32_t at) {
    for (size_t i = 1; i < n; i++) {
        struct key_item item = items[i];
        size_t to = i;
        for (; to > 0 && key_item_compare(&items[to - 1], &item, at) > 0; to--)
            items[to] = items[to - 1];
        items[to] = item;
    }
}

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c) {
    if (a < b) return b < c ? b : a < c ? c : a;
    return a < c ? a : b < c ? c : b;
}

static uint64_t middle_of(const struct key_item *a, size_t d) {
    return middle(a[0].window, a[d].window, a[2 * d].window);
}

static uint64_t pivot(const struct key_item *items, size_t n) {
    if (n <= MANY) return middle_of(items, (n - 1) / 2);
    size_t d = n / 9;
    return middle(middle_of(items, d), middle_of(items + 3 * d, d), middle_of(items + 6 * d, d));
}

/* *ret_less items whose windows are less than the pivot, then equal ones, then *ret_greater. */
static status part(struct sorting *o, struct key_item *items, size_t n, uint64_t p,
                   size_t *ret_less, size_t *ret_greater) {
    size_t less = 0, end = n;
    for (size_t i = 0; i < end;) {
        TRY(breathe(o));
        if (items[i].window < p)
            swap(&items[less++], &items[i++]);
        else if (items[i].window > p)
            swap(&items[i], &items[--end]);
        else
            i++;
    }
    *ret_less = less;
    *ret_greater = n - end;
    return OK;
}

static status sort_from(struct sorting *o, struct key_item *items, size_t n, uint32_t at);

/* Items whose windows at that byte are all the same. */
static status sort_behind(struct sorting *o, struct key_item *items, size_t n, uint32_t at) {
    if (n < 2 || (items->window & 0xff) < WINDOW_GOES_ON) return OK;
    at += WINDOW_BYTES;
    for (size_t i = 0; i < n; i++) {
        TRY(breathe(o));
        key_ask_ahead(items, n, i);
        items[i].window = key_window(items[i].bytes, items[i].len, at);
    }
    return sort_from(o, items, n, at);
}

/* The smaller of the outer parts by recursion: so no deeper than the logarithm of n and the number
 * of windows in a key. */
static status sort_from(struct sorting *o, struct key_item *items, size_t n, uint32_t at) {
    while (n > INSERTED) {
        size_t less, greater;
        TRY(part(o, items, n, pivot(items, n), &less, &greater));
        struct key_item *behind = items + n - greater;
        TRY(sort_behind(o, items + less, n - less - greater, at));
        if (less <= greater) {
            TRY(sort_from(o, items, less, at));
            items = behind;
            n = greater;
        } else {
            TRY(sort_from(o, behind, greater, at));
            n = less;
        }
    }
    insert_each(items, n, at);
    return OK;
}

status key_sort(struct sql_env *env, struct key_item *items, size_t n) {
    struct sorting o = {.env = env};
    return sort_from(&o, items, n, 0);
}
