/* inspect.c: axl inspect page N | log FROM [TO] | region NAME | tree TABLE. */
#include "inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_RECORDS_SHOWN 100

json_t *inspect_hex(const void *bytes, size_t n, size_t max) {
    char text[2 * 64 + 8];
    size_t at = 0, shown = n < max ? n : max;
    if (shown > 64) shown = 64;
    for (size_t i = 0; i < shown; i++)
        at += (size_t)sprintf(text + at, "%02x", ((const unsigned char *)bytes)[i]);
    if (shown < n)
        strcpy(text + at, "\u2026");
    else
        text[at] = '\0';
    return json_string(text);
}

/* ---- words ----------------------------------------------------------------------------------- */

static void print_flat(const json_t *value) {
    const char *key;
    json_t *v;
    size_t i;
    if (json_is_object(value)) {
        const char *between = "";
        json_object_foreach((json_t *)value, key, v) {
            printf("%s%s ", between, key);
            print_flat(v);
            between = "  ";
        }
    } else if (json_is_array(value)) {
        const char *between = "";
        json_array_foreach(value, i, v) {
            printf("%s", between);
            print_flat(v);
            between = ", ";
        }
    } else if (json_is_string(value)) {
        printf("%s", json_string_value(value));
    } else {
        json_dumpf(value, stdout, JSON_ENCODE_ANY);
    }
}

void inspect_print(const json_t *value) {
    const char *key;
    json_t *v, *element;
    size_t i;
    json_object_foreach((json_t *)value, key, v) {
        bool list = json_is_array(v) && json_is_object(json_array_get(v, 0));
        printf("%s:%s", key, list ? "\n" : " ");
        if (list) {
            json_array_foreach(v, i, element) {
                printf("  ");
                print_flat(element);
                printf("\n");
            }
        } else {
            print_flat(v);
            printf("\n");
        }
    }
}

static int show(struct axl *a, json_t *value, bool json) {
    if (!value) return axl_fail(a);
    if (json) {
        json_dumpf(value, stdout, JSON_INDENT(1));
        printf("\n");
    } else {
        inspect_print(value);
    }
    json_decref(value);
    return 0;
}

/* ---- the log --------------------------------------------------------------------------------- */

static void show_record(const struct rec_head *r, uint64_t at, bool json) {
    json_t *record = inspect_record(r, at);
    if (json)
        json_dumpf(record, stdout, JSON_COMPACT);
    else
        print_flat(record);
    printf("\n");
    json_decref(record);
}

/* One record a line, from FROM (0: the first that is kept) to TO (0: 100 records, or where they
 * end). */
static int inspect_log(struct axl *a, const struct offline *o, uint64_t from, uint64_t to,
                       bool json) {
    uint64_t at = from ? from : o->log.begin, end = to ? to : UINT64_MAX, shown = 0;
    struct rec_head *r = malloc(REC_BYTES_MAX);
    /* Where the kept log begins a record may have begun before. */
    while (r && !from && at < o->log.end && !ok(offline_record(&o->log, at, r))) at += 8;
    while (r && at < end && (to || shown < LOG_RECORDS_SHOWN) &&
           ok(offline_record(&o->log, at, r))) {
        show_record(r, at, json);
        at += r->len;
        shown++;
    }
    free(r);
    if (shown > 0) return 0;
    status_ignore(error_set(&a->e, ST_NOT_FOUND, /* said now */
                            "no record begins at %" PRIu64 "; the log kept is [%" PRIu64
                            ", %" PRIu64 ")",
                            at, o->log.begin, o->log.end));
    return axl_fail(a);
}

/* ---- the word -------------------------------------------------------------------------------- */

static int usage(void) {
    fprintf(stderr, "usage: axl inspect page N | log [FROM [TO]] | region NAME | tree TABLE  -D DIR"
                    " [--json]\n");
    return 2;
}

enum kind { PAGE, LOG, TREE, REGION };

/* What is to be shown: the word behind it, and as numbers that and the next one. */
struct wanted {
    enum kind kind;
    const char *name;
    uint64_t from, to;
    bool json;
};

static int inspect_offline(struct axl *a, struct axl_keys *keys, const struct wanted *w) {
    struct offline o;
    int result = 1;
    status st = offline_open(a, keys, &o);
    if (!ok(st))
        result = axl_fail(a);
    else if (w->kind == LOG)
        result = inspect_log(a, &o, w->from, w->to, w->json);
    else if (!ok(offline_redo(a, &o)))
        result = axl_fail(a);
    else if (w->kind == PAGE)
        result = show(a, inspect_page(a, &o, w->from), w->json);
    else
        result = show(a, inspect_tree(a, &o, w->name), w->json);
    offline_close(&o);
    return result;
}

static bool kind_of(const char *word, enum kind *ret_kind) {
    static const char *const words[] = {
        [PAGE] = "page", [LOG] = "log", [TREE] = "tree", [REGION] = "region"};
    for (unsigned i = 0; word && i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) != 0) continue;
        *ret_kind = i;
        return true;
    }
    return false;
}

int axl_inspect(struct axl *a) {
    static struct axl_keys keys;
    struct wanted w = {.json = axl_option(a, "--json", NULL)};
    if (!ok(axl_keys_options(a, &keys))) return axl_fail(a);
    const char *what = axl_argument(a), *to;
    w.name = axl_argument(a);
    to = axl_argument(a);
    if (!kind_of(what, &w.kind) || (w.kind != LOG && (!w.name || to))) return usage();
    if (w.kind == PAGE || w.kind == LOG) {
        w.from = axl_number(a, w.name, 0);
        w.to = axl_number(a, to, 0);
    }
    if (!axl_done(a)) return axl_fail(a);
    if (w.kind == REGION) return show(a, inspect_region(a, w.name), w.json);
    return inspect_offline(a, &keys, &w);
}
