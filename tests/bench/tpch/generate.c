/* Rows of TPC-H's tables, written from the specification (4.2): `generate SCALE TABLE` prints one
 * table in COPY's text form with | between columns. Each row's random numbers begin from its own
 * seed, so that a table's rows depend on nothing but their number and the scale. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define PICK(array) ((array)[between(0, COUNT(array) - 1)])
#define WORD(array) pick_word(array, COUNT(array))

#define TEXT_POOL_BYTES (4 << 20)
#define LINES_MAX 7

/* Days since 1992-01-01. */
#define ORDER_DAY_MAX (2556 - 151) /* 1998-12-31, less what a line may take */
#define CURRENT_DAY 1263           /* 1995-06-17 */

enum stream {
    STREAM_TEXT = 1,
    STREAM_SUPPLIER,
    STREAM_PART,
    STREAM_PARTSUPP,
    STREAM_CUSTOMER,
    STREAM_ORDER
};

static struct { int64_t suppliers, parts, customers, orders, clerks; } size;
static uint64_t random_state;
static char *text_pool;

/* ---- random values ---- */

static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void seed(enum stream stream, int64_t row) {
    random_state = mix((uint64_t)row * 31 + (uint64_t)stream * 0x9E3779B97F4A7C15u);
}

static int64_t between(int64_t low, int64_t high) {
    random_state += 0x9E3779B97F4A7C15u;
    return low + (int64_t)(mix(random_state) % (uint64_t)(high - low + 1));
}

static const char *pick_word(const struct word *words, size_t n) {
    int total = 0;
    for (size_t i = 0; i < n; i++) total += words[i].weight;
    int at = (int)between(0, total - 1);
    size_t i = 0;
    while (at >= words[i].weight) at -= words[i++].weight;
    return words[i].text;
}

/* ---- text (4.2.2.14) ---- */

struct text {
    char *at;
};

static void add(struct text *t, const char *word) {
    size_t n = strlen(word);
    memcpy(t->at, word, n);
    t->at += n;
}

static void add_word(struct text *t, const char *word) {
    add(t, word);
    *t->at++ = ' ';
}

static void noun_phrase(struct text *t) {
    switch (between(0, 3)) {
    case 0: break;
    case 1: add_word(t, WORD(adjectives)); break;
    case 2:
        add(t, WORD(adjectives));
        add_word(t, ",");
        add_word(t, WORD(adjectives));
        break;
    default:
        add_word(t, WORD(adverbs));
        add_word(t, WORD(adjectives));
        break;
    }
    add_word(t, WORD(nouns));
}

static void verb_phrase(struct text *t) {
    if (between(0, 1)) add_word(t, WORD(auxiliaries));
    add_word(t, WORD(verbs));
    if (between(0, 1)) add_word(t, WORD(adverbs));
}

static void prepositional_phrase(struct text *t) {
    add_word(t, WORD(prepositions));
    add_word(t, "the");
    noun_phrase(t);
}

static void sentence(struct text *t) {
    int form = (int)between(0, 4);
    noun_phrase(t);
    if (form >= 3) prepositional_phrase(t);
    verb_phrase(t);
    if (form == 1 || form == 4) prepositional_phrase(t);
    if (form == 2 || form == 3) noun_phrase(t);
    t->at--; /* the terminator follows the last word at once */
    add_word(t, WORD(terminators));
}

static void make_text_pool(void) {
    text_pool = malloc(TEXT_POOL_BYTES + 4096);
    if (!text_pool) exit(2);
    seed(STREAM_TEXT, 0);
    struct text t = {text_pool};
    while (t.at < text_pool + TEXT_POOL_BYTES) sentence(&t);
}

static void print_text(int low, int high) {
    int n = (int)between(low, high);
    fwrite(text_pool + between(0, TEXT_POOL_BYTES - high), 1, (size_t)n, stdout);
}

/* "[Customer] … [Complaints]" takes the place of a part of the text. */
static void print_supplier_comment(int64_t row) {
    char text[101];
    int n = (int)between(25, 100);
    memcpy(text, text_pool + between(0, TEXT_POOL_BYTES - 100), (size_t)n);
    text[n] = '\0';
    uint64_t kind = mix((uint64_t)row) % 2000;
    if (kind < 2) {
        const char *what = kind ? "Recommends" : "Complaints";
        int gap = (int)between(0, n - 19);
        printf("%.*sCustomer %.*s%s", n - 19 - gap, text, gap, text, what);
        return;
    }
    fputs(text, stdout);
}

static void print_address(void) {
    static const char letters[] =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,";
    for (int n = (int)between(10, 40); n > 0; n--) putchar(letters[between(0, 63)]);
}

static void print_phone(int nation) {
    printf("%d-%d-%d-%d", nation + 10, (int)between(100, 999), (int)between(100, 999),
           (int)between(1000, 9999));
}

static void print_cents(int64_t cents) {
    int64_t whole = cents < 0 ? -cents : cents;
    printf("%s%" PRId64 ".%02d", cents < 0 ? "-" : "", whole / 100, (int)(whole % 100));
}

static void print_day(int day) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1992, month = 0;
    for (;; year++) {
        int n = year % 4 == 0 ? 366 : 365;
        if (day < n) break;
        day -= n;
    }
    for (;; month++) {
        int n = lengths[month] + (month == 1 && year % 4 == 0);
        if (day < n) break;
        day -= n;
    }
    printf("%d-%02d-%02d", year, month + 1, day + 1);
}

/* ---- tables (4.2.3) ---- */

static void print_regions(void) {
    seed(STREAM_TEXT, 1);
    for (int i = 0; i < (int)COUNT(regions); i++) {
        printf("%d|%s|", i, regions[i]);
        print_text(31, 115);
        putchar('\n');
    }
}

static void print_nations(void) {
    seed(STREAM_TEXT, 2);
    for (int i = 0; i < (int)COUNT(nations); i++) {
        printf("%d|%s|%d|", i, nations[i].name, nations[i].region);
        print_text(31, 114);
        putchar('\n');
    }
}

static void print_suppliers(void) {
    for (int64_t i = 1; i <= size.suppliers; i++) {
        seed(STREAM_SUPPLIER, i);
        int nation = (int)between(0, 24);
        printf("%" PRId64 "|Supplier#%09" PRId64 "|", i, i);
        print_address();
        printf("|%d|", nation);
        print_phone(nation);
        putchar('|');
        print_cents(between(-99999, 999999));
        putchar('|');
        print_supplier_comment(i);
        putchar('\n');
    }
}

static int64_t retail_cents(int64_t part) {
    return 90000 + (part / 10) % 20001 + 100 * (part % 1000);
}

static void print_part_name(void) {
    size_t chosen[5];
    for (int i = 0; i < 5; i++) {
        bool again;
        do {
            chosen[i] = (size_t)between(0, COUNT(colours) - 1);
            again = false;
            for (int k = 0; k < i; k++) again |= chosen[k] == chosen[i];
        } while (again);
        printf("%s%s", i ? " " : "", colours[chosen[i]]);
    }
}

static void print_parts(void) {
    for (int64_t i = 1; i <= size.parts; i++) {
        seed(STREAM_PART, i);
        int maker = (int)between(1, 5);
        printf("%" PRId64 "|", i);
        print_part_name();
        printf("|Manufacturer#%d|Brand#%d%d|%s ", maker, maker, (int)between(1, 5),
               PICK(type_first));
        printf("%s ", PICK(type_second));
        printf("%s|%d|", PICK(type_third), (int)between(1, 50));
        printf("%s ", PICK(container_first));
        printf("%s|", PICK(container_second));
        print_cents(retail_cents(i));
        putchar('|');
        print_text(5, 22);
        putchar('\n');
    }
}

/* The k-th of a part's four suppliers. */
static int64_t supplier_of(int64_t part, int64_t k) {
    int64_t s = size.suppliers;
    return (part + k * (s / 4 + (part - 1) / s)) % s + 1;
}

static void print_partsupps(void) {
    for (int64_t i = 1; i <= size.parts; i++) {
        seed(STREAM_PARTSUPP, i);
        for (int k = 0; k < 4; k++) {
            printf("%" PRId64 "|%" PRId64 "|%d|", i, supplier_of(i, k), (int)between(1, 9999));
            print_cents(between(100, 100000));
            putchar('|');
            print_text(49, 198);
            putchar('\n');
        }
    }
}

static void print_customers(void) {
    for (int64_t i = 1; i <= size.customers; i++) {
        seed(STREAM_CUSTOMER, i);
        int nation = (int)between(0, 24);
        printf("%" PRId64 "|Customer#%09" PRId64 "|", i, i);
        print_address();
        printf("|%d|", nation);
        print_phone(nation);
        putchar('|');
        print_cents(between(-99999, 999999));
        printf("|%s|", PICK(segments));
        print_text(29, 116);
        putchar('\n');
    }
}

struct line {
    int64_t part, supplier, quantity, price_cents;
    int discount, tax; /* hundredths */
    int ship, commit, receipt;
    char returned;
};

struct order {
    int64_t key, customer;
    int day, nlines;
    int64_t total_cents;
    char state;
    struct line lines[LINES_MAX];
};

static void make_line(const struct order *o, struct line *l) {
    l->quantity = between(1, 50);
    l->discount = (int)between(0, 10);
    l->tax = (int)between(0, 8);
    l->part = between(1, size.parts);
    l->supplier = supplier_of(l->part, between(0, 3));
    l->price_cents = l->quantity * retail_cents(l->part);
    l->ship = o->day + (int)between(1, 121);
    l->commit = o->day + (int)between(30, 90);
    l->receipt = l->ship + (int)between(1, 30);
    l->returned = l->receipt > CURRENT_DAY ? 'N' : between(0, 1) ? 'R' : 'A';
}

/* Order keys leave three quarters of their range free; a third of the customers never order. */
static void make_order(int64_t i, struct order *o) {
    seed(STREAM_ORDER, i);
    o->key = (i / 8) * 32 + i % 8 + 1;
    do o->customer = between(1, size.customers);
    while (o->customer % 3 == 0);
    o->day = (int)between(0, ORDER_DAY_MAX);
    o->nlines = (int)between(1, LINES_MAX);
    o->total_cents = 0;
    int open = 0;
    for (int k = 0; k < o->nlines; k++) {
        struct line *l = &o->lines[k];
        make_line(o, l);
        o->total_cents += l->price_cents * (100 + l->tax) * (100 - l->discount) / 10000;
        open += l->ship > CURRENT_DAY;
    }
    o->state = open == 0 ? 'F' : open == o->nlines ? 'O' : 'P';
}

static void print_orders(void) {
    struct order o;
    for (int64_t i = 0; i < size.orders; i++) {
        make_order(i, &o);
        printf("%" PRId64 "|%" PRId64 "|%c|", o.key, o.customer, o.state);
        print_cents(o.total_cents);
        putchar('|');
        print_day(o.day);
        printf("|%s|Clerk#%09" PRId64 "|0|", PICK(priorities), between(1, size.clerks));
        print_text(19, 78);
        putchar('\n');
    }
}

static void print_line(const struct order *o, int k) {
    const struct line *l = &o->lines[k];
    printf("%" PRId64 "|%" PRId64 "|%" PRId64 "|%d|%" PRId64 "|", o->key, l->part, l->supplier,
           k + 1, l->quantity);
    print_cents(l->price_cents);
    printf("|0.%02d|0.%02d|%c|%c|", l->discount, l->tax, l->returned,
           l->ship > CURRENT_DAY ? 'O' : 'F');
    print_day(l->ship);
    putchar('|');
    print_day(l->commit);
    putchar('|');
    print_day(l->receipt);
    printf("|%s|", PICK(instructions));
    printf("%s|", PICK(modes));
    print_text(10, 43);
    putchar('\n');
}

static void print_lineitems(void) {
    struct order o;
    for (int64_t i = 0; i < size.orders; i++) {
        make_order(i, &o);
        for (int k = 0; k < o.nlines; k++) print_line(&o, k);
    }
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*print)(void);
    } tables[] = {{"region", print_regions},     {"nation", print_nations},
                  {"supplier", print_suppliers}, {"part", print_parts},
                  {"partsupp", print_partsupps}, {"customer", print_customers},
                  {"orders", print_orders},      {"lineitem", print_lineitems}};
    double scale = argc == 3 ? atof(argv[1]) : 0;
    if (scale < 0.001) {
        fprintf(stderr, "usage: %s SCALE TABLE (a scale of at least 0.001)\n", argv[0]);
        return 2;
    }
    size.suppliers = (int64_t)(scale * 10000);
    size.parts = (int64_t)(scale * 200000);
    size.customers = (int64_t)(scale * 150000);
    size.orders = (int64_t)(scale * 1500000);
    size.clerks = scale < 1 ? 1000 : (int64_t)(scale * 1000);
    make_text_pool();
    for (size_t i = 0; i < COUNT(tables); i++)
        if (strcmp(argv[2], tables[i].name) == 0) {
            tables[i].print();
            return ferror(stdout) ? 2 : 0;
        }
    fprintf(stderr, "%s: no such table: %s\n", argv[0], argv[2]);
    return 2;
}
