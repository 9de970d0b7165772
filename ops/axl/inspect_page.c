/* inspect_page.c: a page, and a tree page by page. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inspect.h"
#include "tree/tree.h"

#define HEX_SHOWN 32

static const char *type_word(const struct page_head *h) {
    switch (h->type) {
    case PAGE_TYPE_NONE: return "none";
    case PAGE_TYPE_FILE: return "file";
    case PAGE_TYPE_SPACE: return "space map";
    case PAGE_TYPE_TREE: return h->level ? "inner node" : "leaf";
    default: return "?";
    }
}

static json_t *flags_of(uint8_t flags) {
    static const struct {
        uint8_t bit;
        const char *word;
    } words[] = {{ENTRY_DELETED, "deleted"},
                 {ENTRY_FIRST, "first"},
                 {ENTRY_NO_KEY, "no_key"},
                 {ENTRY_LOCK, "lock"},
                 {ENTRY_LARGE, "large"}};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (flags & words[i].bit) json_array_append_new(list, json_string(words[i].word));
    return list;
}

static json_t *entry_json(const struct node_view *v, const struct node_entry *e) {
    unsigned char key[NODE_KEY_BYTES_MAX];
    size_t len = node_key(v, e, key);
    if (v->level)
        return json_pack("{s:I, s:o}", "child", (json_int_t)e->child, "key",
                         inspect_hex(key, len, HEX_SHOWN));
    bool running = stamp_is_txid(e->stamp);
    return json_pack("{s:o, s:I, s:I, s:I, s:o, s:o}", "key", inspect_hex(key, len, HEX_SHOWN),
                     running ? "txid" : "committed",
                     (json_int_t)(running ? stamp_txid(e->stamp) : e->stamp), "lsn",
                     (json_int_t)e->lsn, "value_bytes", (json_int_t)e->value_len, "flags",
                     flags_of(e->flags), "value", inspect_hex(e->value, e->value_len, HEX_SHOWN));
}

static void add_node(json_t *page, const void *bytes) {
    struct node_view v;
    struct node_entry e;
    if (!node_view(bytes, &v)) return;
    json_t *entries = json_array();
    if (v.level) json_object_set_new(page, "first_child", json_integer((json_int_t)v.first));
    json_object_set_new(page, "low", inspect_hex(node_low(&v), v.low_len, HEX_SHOWN));
    json_object_set_new(
        page, "high",
        v.flags & NODE_RIGHTMOST ? json_null() : inspect_hex(node_high(&v), v.high_len, HEX_SHOWN));
    json_object_set_new(page, "free_bytes", json_integer((json_int_t)node_free_bytes(&v)));
    json_object_set_new(page, "prefix_bytes", json_integer(v.prefix));
    json_object_set_new(page, "order", json_string(ok(node_valid(bytes)) ? "good" : "broken"));
    for (unsigned i = 0; i < v.count; i++)
        if (node_entry_at(&v, i, &e)) json_array_append_new(entries, entry_json(&v, &e));
    json_object_set_new(page, "entries", entries);
}

static void add_map(json_t *page, const struct space_page *s) {
    uint64_t used = 0;
    for (uint64_t i = 0; i < SPACE_BITS; i++) used += space_bit(s, i);
    json_object_set_new(page, "first", json_integer((json_int_t)s->first));
    json_object_set_new(page, "used", json_integer((json_int_t)used));
}

static void add_file(json_t *page, const struct file_page *f) {
    json_object_set_new(
        page, "file",
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "sequence", (json_int_t)f->sequence,
                  "redo_lsn", (json_int_t)f->redo_lsn, "undo_lsn", (json_int_t)f->undo_lsn,
                  "purge_lsn", (json_int_t)f->purge_lsn, "checkpoint_lsn",
                  (json_int_t)f->checkpoint_lsn, "next_txid", (json_int_t)f->next_txid, "pages",
                  (json_int_t)f->pages, "clean", f->clean == 1));
}

json_t *inspect_page(struct axl *a, struct offline *o, uint64_t no) {
    _Alignas(8) unsigned char home[PAGE_BYTES], bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES] = "good";
    if (no >= o->pages) {
        status_ignore(error_set(&a->e, ST_NOT_FOUND, /* said by the caller */
                                "the data file has %" PRIu64 " pages", o->pages));
        return NULL;
    }
    uint32_t key = 0;
    (void)offline_home(o, (page_id){no}, home, &key).code; /* zeroes, then */
    bool good = no < SPACE_FIRST ? ok(page_verify(home, (page_id){no}))
                                 : ok(offline_page(o, (page_id){no}, bytes, words));
    if (no < SPACE_FIRST || !good) memcpy(bytes, home, PAGE_BYTES);
    if (!good && no < SPACE_FIRST) strcpy(words, "has a wrong checksum");
    const struct page_head *h = page_head_c(bytes);
    uint64_t newest = offline_home_lsn(o, (page_id){no});
    json_t *page =
        json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "page", (json_int_t)no,
                  "verdict", words, "type", page_is_zero(bytes) ? "never written" : type_word(h),
                  "says_page", (json_int_t)h->page, "level", (json_int_t)h->level, "tree",
                  (json_int_t)h->tree, "lsn", (json_int_t)h->lsn, "lsn_at_home",
                  (json_int_t)page_head_c(home)->lsn, "lsn_written_last", (json_int_t)newest);
    if (o->crypt) json_object_set_new(page, "sealed_by_key", json_integer(key));
    if (h->type == PAGE_TYPE_TREE) add_node(page, bytes);
    if (h->type == PAGE_TYPE_SPACE) add_map(page, (const struct space_page *)bytes);
    if (h->type == PAGE_TYPE_FILE) add_file(page, (const struct file_page *)bytes);
    return page;
}

/* ---- trees ----------------------------------------------------------------------------------- */

struct listing {
    struct offline *o;
    json_t *pages;
};

static status read_and_list(void *arg, page_id page, void *copy) {
    struct listing *l = arg;
    char words[OFFLINE_WORDS_BYTES];
    struct node_view v;
    status st = offline_page(l->o, page, copy, words);
    if (!ok(st)) {
        json_array_append_new(
            l->pages, json_pack("{s:I, s:s}", "page", (json_int_t)page.no, "damage", words));
        return st;
    }
    if (!node_view(copy, &v)) return OK; /* the verdict says it */
    json_array_append_new(l->pages,
                          json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "page", (json_int_t)page.no,
                                    "level", (json_int_t)v.level, "entries", (json_int_t)v.count,
                                    "free_bytes", (json_int_t)node_free_bytes(&v), "lsn",
                                    (json_int_t)page_head_c(copy)->lsn, "low",
                                    inspect_hex(node_low(&v), v.low_len, HEX_SHOWN)));
    return OK;
}

/* All roots of pg_class in the file: one a database. */
static status read_names(struct offline *o, struct offline_names *n) {
    _Alignas(8) unsigned char bytes[PAGE_BYTES];
    char words[OFFLINE_WORDS_BYTES];
    uint64_t *roots = malloc((o->pages + 1) * sizeof *roots);
    size_t count = 0;
    if (!roots) return STATUS(OUT_OF_MEMORY);
    for (uint64_t no = SPACE_FIRST + 1; no < o->pages; no++) {
        const struct node_page *p = (const struct node_page *)bytes;
        if (ok(offline_page(o, (page_id){no}, bytes, words)) && p->head.type == PAGE_TYPE_TREE &&
            p->created && p->head.tree == OID_PG_CLASS)
            roots[count++] = no;
    }
    status st = offline_names_read(o, roots, count, n);
    free(roots);
    return st;
}

static json_t *tree_json(struct offline *o, const struct offline_relation *r) {
    struct tree_report report;
    struct listing l = {.o = o, .pages = json_array()};
    struct tree t = {.root = {r->root}, .id = r->oid};
    status st = tree_check_by(read_and_list, &l, t, NULL, NULL, &report);
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:o}", "relation", r->name,
                     "database", (json_int_t)r->database, "oid", (json_int_t)r->oid, "root",
                     (json_int_t)r->root, "verdict",
                     ok(st)          ? "good"
                     : *report.words ? report.words
                                     : "cannot be read",
                     "height", (json_int_t)report.height, "node_pages", (json_int_t)report.pages,
                     "entries", (json_int_t)report.entries, "pages", l.pages);
}

json_t *inspect_tree(struct axl *a, struct offline *o, const char *name) {
    struct offline_names names;
    json_t *found = NULL;
    status st = read_names(o, &names);
    uint64_t number = strtoull(name, NULL, 10); /* an OID will do, too */
    for (size_t i = 0; ok(st) && !found && i < names.count; i++) {
        const struct offline_relation *r = &names.list[i];
        if (r->root && (strcmp(r->name, name) == 0 || (number && r->oid == number)))
            found = tree_json(o, r);
    }
    offline_names_free(&names);
    if (!found)
        status_ignore(error_set(&a->e, ST_NOT_FOUND, /* said by the caller */
                                "there is no relation \"%s\" that has a tree", name));
    return found;
}

json_t *inspect_record(const struct rec_head *r, uint64_t at) {
    json_t *pages = json_array();
    const struct rec_page *p = rec_pages_c(r);
    struct rec_entry_view view;
    for (unsigned i = 0; i < r->npages; i++)
        json_array_append_new(pages, json_pack("{s:I, s:I, s:b}", "page", (json_int_t)p[i].page,
                                               "prev", (json_int_t)p[i].prev_lsn, "whole",
                                               p[i].flags & REC_PAGE_INIT));
    json_t *o =
        json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:b, s:o}", "lsn", (json_int_t)at, "type",
                  rec_type_name(r->type), "bytes", (json_int_t)r->len, "tree", (json_int_t)r->tree,
                  "txid", (json_int_t)r->txid, "txn_prev", (json_int_t)r->txn_prev, "compensation",
                  r->flags & REC_COMPENSATION, "pages", pages);
    if (ok(rec_entry_parse(r, &view)))
        json_object_set_new(o, "key", inspect_hex(view.key, view.e->key_len, HEX_SHOWN));
    return o;
}
