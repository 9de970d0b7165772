/* verify.c: axl verify: is what a stopped appliance has left whole?
 *
 * Every page that the space maps call used must be as it was written last, and be in one tree,
 * once; every tree's order, fences, levels and links must hold; every entry of an index must lead
 * to a row, and every row have its entries. Trees are found by their roots, which know that they
 * are roots, so damaged catalogs cost names and nothing else. */
#include "verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree/tree.h"

#define STATUS_BAD 1
#define STATUS_NOT_JUDGED 2

static void put_problem(struct verify *v, uint64_t page, uint64_t root, const char *words) {
    json_t *p = json_pack("{s:s}", "what", words);
    const struct offline_relation *r = root ? offline_name_of(&v->names, root) : NULL;
    if (page) json_object_set_new(p, "page", json_integer((json_int_t)page));
    if (root) json_object_set_new(p, "root", json_integer((json_int_t)root));
    if (r) json_object_set_new(p, "relation", json_string(r->name));
    if (r) json_object_set_new(p, "oid", json_integer(r->oid));
    json_array_append_new(v->problems, p);
}

void verify_problem(struct verify *v, uint64_t page, uint64_t root, const char *format, ...) {
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    put_problem(v, page, root, words);
}

void verify_skipped(struct verify *v, const char *format, ...) {
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    json_array_append_new(v->skipped, json_string(words));
}

/* ---- space maps ------------------------------------------------------------------------------ */

static void take_map(struct verify *v, uint64_t map_no) {
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES];
    const struct space_page *map = (const struct space_page *)bytes;
    uint64_t first = map_no - SPACE_FIRST;
    uint64_t end = v->o.pages - first < SPACE_BITS ? v->o.pages : first + SPACE_BITS;
    if (!ok(offline_page(&v->o, (page_id){map_no}, bytes, words))) {
        verify_problem(v, map_no, 0, "space map: %s", words);
        return;
    }
    if (page_is_zero(bytes)) return; /* never written: nothing is in use */
    if (map->head.type != PAGE_TYPE_SPACE || map->first != first) {
        verify_problem(v, map_no, 0, "is not a space map");
        return;
    }
    for (uint64_t no = first; no < end; no++) {
        if (no <= SPACE_FIRST || no == map_no || !space_bit(map, no - first)) continue;
        v->used[no] = 1;
        v->nused++;
    }
}

/* ---- the log --------------------------------------------------------------------------------- */

/* Without what is behind the last checkpoint no start is possible, also after an orderly stop. */
static void look_at_log(struct verify *v) {
    const struct offline *o = &v->o;
    uint64_t from = offline_redo_begin(o);
    uint64_t behind = o->file.clean ? 0 : offline_log_behind(&o->log, o->redo_end);
    if (*o->log.spoilt) verify_problem(v, 0, 0, "log: %s", o->log.spoilt);
    if (o->file_copies == 0) return;
    if (from < o->log.begin || from > o->log.end)
        verify_problem(v, 0, 0,
                       "log: what the last checkpoint needs is not there: it begins at %" PRIu64
                       " and ends at %" PRIu64 ", and is needed from %" PRIu64 " on",
                       o->log.begin, o->log.end, from);
    else if (o->redo_end < o->file.redo_lsn)
        verify_problem(v, 0, 0,
                       "log: its records end at %" PRIu64
                       ", before the last checkpoint's redo position %" PRIu64,
                       o->redo_end, o->file.redo_lsn);
    else if (behind)
        verify_problem(v, 0, 0,
                       "log: it is damaged at %" PRIu64 ": records follow from %" PRIu64
                       " on, which no start takes into account",
                       o->redo_end, behind);
}

/* Of a torn page it may have the only whole copy; after an orderly stop there is none. */
static void look_at_doublewrite(struct verify *v) {
    if (v->o.regions || (v->o.file.clean && v->o.file_copies == 2)) return;
    verify_problem(v, 0, 0,
                   "the file doublewrite is missing or cut off: damaged pages may be whole there");
}

/* ---- pages ----------------------------------------------------------------------------------- */

static status note_root(struct verify *v, uint64_t page) {
    if (v->nroots == v->roots_room) {
        size_t room = v->roots_room ? 2 * v->roots_room : 256;
        uint64_t *grown = realloc(v->roots, room * sizeof *grown);
        if (!grown) return STATUS(OUT_OF_MEMORY);
        v->roots = grown;
        v->roots_room = room;
    }
    v->roots[v->nroots++] = page;
    return OK;
}

static status look_at_page(struct verify *v, uint64_t no) {
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES];
    const struct node_page *n = (const struct node_page *)bytes;
    if (!ok(offline_page(&v->o, (page_id){no}, bytes, words))) {
        verify_problem(v, no, 0, "%s", words);
        v->used[no] = 2; /* said already */
        return OK;
    }
    return n->head.type == PAGE_TYPE_TREE && n->created ? note_root(v, no) : OK;
}

static status look_at_pages(struct verify *v) {
    v->used = calloc(v->o.pages + 1, 1);
    v->reached = calloc(v->o.pages + 1, 1);
    if (!v->used || !v->reached) return STATUS(OUT_OF_MEMORY);
    if (v->o.file_copies < 2)
        verify_problem(v, 0, 0,
                       v->o.file_copies ? "one of pages 0 and 1 is damaged"
                                        : "pages 0 and 1 are both damaged");
    look_at_log(v);
    look_at_doublewrite(v);
    for (uint64_t map = SPACE_FIRST; map < v->o.pages; map += SPACE_BITS) take_map(v, map);
    for (uint64_t no = SPACE_FIRST + 1; no < v->o.pages; no++)
        if (v->used[no]) TRY(look_at_page(v, no));
    return OK;
}

/* ---- trees ----------------------------------------------------------------------------------- */

static status read_page(void *verify, page_id page, void *copy) {
    char words[OFFLINE_WORDS_BYTES];
    return offline_page(&((struct verify *)verify)->o, page, copy, words);
}

static void visit(void *verify, page_id page) {
    struct verify *v = verify;
    if (page.no >= v->o.pages) {
        verify_problem(v, page.no, v->of_tree, "lies beyond the end of the file");
        return;
    }
    if (v->reached[page.no]++) verify_problem(v, page.no, v->of_tree, "is in two places");
    if (!v->used[page.no])
        verify_problem(v, page.no, v->of_tree, "is in a tree, and free by the space map");
}

static void look_at_tree(struct verify *v, uint64_t root) {
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES];
    struct tree_report report;
    if (!ok(offline_page(&v->o, (page_id){root}, bytes, words))) return; /* said already */
    struct tree t = {.root = {root}, .id = page_head_c(bytes)->tree};
    const struct node_page *n = (const struct node_page *)bytes;
    v->of_tree = root;
    if (n->head.level > 0 && n->count == 0 &&
        n->first == 0) { /* being freed: only the root is left */
        visit(v, t.root);
        return;
    }
    if (!ok(tree_check_by(read_page, v, t, visit, v, &report)))
        verify_problem(v, report.where.no, root, "%s",
                       *report.words ? report.words : "the tree cannot be read");
    v->trees++;
    v->entries += report.entries;
}

static void look_for_lost(struct verify *v) {
    bool whole = json_array_size(v->problems) == 0;
    for (uint64_t no = SPACE_FIRST + 1; no < v->o.pages; no++)
        if (v->used[no] == 1 && !v->reached[no] && space_page_of((page_id){no}).no != no) {
            if (whole)
                verify_problem(v, no, 0, "is in use by the space map, and in no tree");
            else /* it may hang below what is damaged */
                verify_skipped(v, "page %" PRIu64 " is in no tree that could be read", no);
        }
}

static status look_at_trees(struct verify *v) {
    uint64_t *databases = malloc((v->nroots + 1) * sizeof *databases);
    size_t n = 0;
    if (!databases) return STATUS(OUT_OF_MEMORY);
    for (size_t i = 0; i < v->nroots; i++) {
        _Alignas(8) unsigned char bytes[PAGE_BYTES];
        char words[OFFLINE_WORDS_BYTES];
        if (ok(offline_page(&v->o, (page_id){v->roots[i]}, bytes, words)) &&
            page_head_c(bytes)->tree == OID_PG_CLASS)
            databases[n++] = v->roots[i];
    }
    status st = offline_names_read(&v->o, databases, n, &v->names);
    free(databases);
    TRY(st);
    for (size_t i = 0; i < v->nroots; i++) look_at_tree(v, v->roots[i]);
    look_for_lost(v);
    return OK;
}

/* ---- the verdict ----------------------------------------------------------------------------- */

static json_t *verdict(const struct axl *a, const struct verify *v) {
    return json_pack("{s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O, s:O}", "directory",
                     a->dir, "whole", json_array_size(v->problems) == 0, "stopped_in_order",
                     v->o.file.clean == 1, "pages", (json_int_t)v->o.pages, "pages_used",
                     (json_int_t)v->nused, "trees", (json_int_t)v->trees, "entries",
                     (json_int_t)v->entries, "indexes", (json_int_t)v->indexes, "redone",
                     (json_int_t)v->o.redone, "open_transactions", (json_int_t)v->o.nlosers,
                     "problems", v->problems, "skipped", v->skipped);
}

static void print_verdict(const struct verify *v) {
    size_t i;
    json_t *p;
    json_array_foreach(v->problems, i, p) {
        const char *relation = json_string_value(json_object_get(p, "relation"));
        json_int_t page = json_integer_value(json_object_get(p, "page"));
        if (relation) printf("relation \"%s\": ", relation);
        const char *what = json_string_value(json_object_get(p, "what"));
        if (page && strncmp(what, "page ", 5) != 0) printf("page %" JSON_INTEGER_FORMAT " ", page);
        printf("%s\n", what);
    }
    json_array_foreach(v->skipped, i, p) printf("not judged: %s\n", json_string_value(p));
    printf("%s: %" PRIu64 " pages, %" PRIu64 " in use, %" PRIu64 " trees with %" PRIu64
           " entries, %" PRIu64 " indexes compared with their tables\n",
           json_array_size(v->problems) ? "damaged" : "whole", v->o.pages, v->nused, v->trees,
           v->entries, v->indexes);
    if (!v->o.file.clean)
        printf("it was not stopped in order: %" PRIu64 " records of the log were taken into account"
               "\n",
               v->o.redone);
}

static status verify_all(struct axl *a, struct verify *v) {
    TRY(offline_redo(a, &v->o));
    TRY(look_at_pages(v));
    TRY(look_at_trees(v));
    return verify_indexes(v);
}

int axl_verify(struct axl *a) {
    bool json = axl_option(a, "--json", NULL);
    struct verify v = {.problems = json_array(), .skipped = json_array()};
    static struct axl_keys keys;
    status st = axl_keys_options(a, &keys);
    if (ok(st) && !axl_done(a)) st = a->e.status;
    if (ok(st)) st = offline_open(a, &keys, &v.o);
    if (ok(st)) st = verify_all(a, &v);
    if (ok(st) && json) {
        json_t *object = verdict(a, &v);
        json_dumpf(object, stdout, JSON_INDENT(1));
        json_decref(object);
        printf("\n");
    } else if (ok(st)) {
        print_verdict(&v);
    }
    int result = !ok(st) ? STATUS_NOT_JUDGED : json_array_size(v.problems) ? STATUS_BAD : 0;
    if (!ok(st)) {
        status_ignore(error_from_status(&a->e, st)); /* said now */
        (void)axl_fail(a);
    }
    offline_names_free(&v.names);
    offline_close(&v.o);
    free(v.roots);
    free(v.used);
    free(v.reached);
    json_decref(v.problems);
    json_decref(v.skipped);
    return result;
}
