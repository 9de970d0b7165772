/* offline_names.c: what the relations are called: the rows of pg_class and pg_index, of every
 * database, as far as they can be read.
 *
 * The bytes of a row are described in queryd's types/row.h. Nothing is taken from beyond its value,
 * and nothing of what a row says is believed further: one that does not hold together costs a name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "offline.h"
#include "tree/tree.h"

/* How each attribute lies in a row: so many bytes, n: those of a name, v: a length and as many. */
static const char class_shape[] = "4n"
                                  "44444444444"
                                  "1111"
                                  "22"
                                  "11111111"
                                  "444"
                                  "vvv8";
static const char index_shape[] = "44"
                                  "22"
                                  "11111111111"
                                  "vvvvvv";
enum { CLASS_OID = 0, CLASS_NAME = 1, CLASS_KIND = 16, CLASS_ROOT = 33 };
enum {
    INDEX_OID = 0,
    INDEX_TABLE = 1,
    INDEX_UNIQUE = 4,
    INDEX_PRIMARY = 6,
    INDEX_IMMEDIATE = 8,
    INDEX_VALID = 10,
    INDEX_PREDICATE = 20
};
#define ATTRIBUTES_MAX 34
#define ROW_HEAD_BYTES 3
#define ROW_NULLS 1u
#define ROW_REFERENCES 2u
#define ROW_WRITER 4u /* as many bytes, too */
#define REFERENCE_BYTES 12

/* Where each attribute lies, with all the bytes of its shape; NULL: it is null, or not there. */
struct fields {
    const unsigned char *at[ATTRIBUTES_MAX];
};

static bool take_length(const unsigned char **p, const unsigned char *end, size_t *ret_len) {
    size_t len = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (*p == end) return false;
        unsigned char byte = *(*p)++;
        len |= (size_t)(byte & 0x7f) << shift;
        if (byte & 0x80) continue;
        *ret_len = len;
        return true;
    }
    return false;
}

static bool bit_of(const unsigned char *bitmap, unsigned i) {
    return bitmap && bitmap[i / 8] >> i % 8 & 1;
}

static bool take_fields(const struct tree_entry *e, const char *shape, struct fields *f) {
    const unsigned char *p = e->value, *end = p + e->value_len;
    if (e->value_len < ROW_HEAD_BYTES) return false;
    unsigned natts = load_le16(p), flags = p[2];
    size_t bitmap = (natts + 7u) / 8;
    p += ROW_HEAD_BYTES;
    if ((size_t)(end - p) < (flags & ROW_WRITER)) return false;
    p += flags & ROW_WRITER;
    unsigned bitmaps = !!(flags & ROW_NULLS) + !!(flags & ROW_REFERENCES);
    if ((size_t)(end - p) < bitmaps * bitmap) return false;
    const unsigned char *nulls = flags & ROW_NULLS ? p : NULL;
    const unsigned char *references = flags & ROW_REFERENCES ? p + (bitmaps - 1) * bitmap : NULL;
    p += bitmaps * bitmap;
    *f = (struct fields){0};
    for (unsigned i = 0; i < natts && shape[i]; i++) {
        size_t len = shape[i] == 'n' ? OFFLINE_NAME_BYTES : (size_t)(shape[i] - '0');
        if (bit_of(nulls, i)) continue;
        bool elsewhere = bit_of(references, i);
        if (elsewhere && shape[i] != 'v') return false;
        if (elsewhere)
            len = REFERENCE_BYTES;
        else if (shape[i] == 'v' && !take_length(&p, end, &len))
            return false;
        if ((size_t)(end - p) < len) return false;
        f->at[i] = p;
        p += len;
    }
    return true;
}

struct reading {
    const struct offline *o;
    struct offline_names *names;
    uint32_t database;
    uint64_t index_root; /* pg_index of this database */
    bool out_of_memory;
};

/* The name, as text that JSON can hold: what is none has "?" for each byte that is not ASCII. */
static void take_name(const unsigned char *from, char to[OFFLINE_NAME_BYTES]) {
    memcpy(to, from, OFFLINE_NAME_BYTES);
    to[OFFLINE_NAME_BYTES - 1] = '\0';
    json_t *text = json_string(to);
    for (char *c = to; !text && *c; c++)
        if (*c & 0x80) *c = '?';
    json_decref(text);
}

static bool note_class(void *arg, const struct tree_entry *e) {
    struct reading *r = arg;
    struct offline_names *n = r->names;
    struct fields f;
    if (e->flags & ENTRY_DELETED || !take_fields(e, class_shape, &f)) return true;
    if (!f.at[CLASS_OID] || !f.at[CLASS_NAME] || !f.at[CLASS_KIND]) return true;
    if (n->count == n->capacity) {
        size_t capacity = n->capacity ? 2 * n->capacity : 256;
        struct offline_relation *list = realloc(n->list, capacity * sizeof *list);
        r->out_of_memory = !list;
        if (!list) return false;
        n->list = list;
        n->capacity = capacity;
    }
    struct offline_relation *x = &n->list[n->count++];
    *x = (struct offline_relation){.oid = load_le32(f.at[CLASS_OID]),
                                   .database = r->database,
                                   .kind = (char)*f.at[CLASS_KIND],
                                   .root = f.at[CLASS_ROOT] ? load_le64(f.at[CLASS_ROOT]) : 0};
    take_name(f.at[CLASS_NAME], x->name);
    if (x->oid == OID_PG_INDEX) r->index_root = x->root;
    return true;
}

static bool note_index(void *arg, const struct tree_entry *e) {
    struct reading *r = arg;
    struct fields f;
    if (e->flags & ENTRY_DELETED || !take_fields(e, index_shape, &f)) return true;
    if (!f.at[INDEX_OID] || !f.at[INDEX_TABLE] || !f.at[INDEX_UNIQUE] || !f.at[INDEX_PRIMARY] ||
        !f.at[INDEX_IMMEDIATE] || !f.at[INDEX_VALID])
        return true;
    uint32_t oid = load_le32(f.at[INDEX_OID]);
    for (size_t i = 0; i < r->names->count; i++) {
        struct offline_relation *x = &r->names->list[i];
        if (x->oid != oid || x->database != r->database) continue;
        x->table = load_le32(f.at[INDEX_TABLE]);
        /* A constraint that is looked at later has entries like those of an index that allows
         * duplicates, and rows lie under a primary key only when it is not one of those. */
        bool immediate = *f.at[INDEX_IMMEDIATE];
        x->unique = *f.at[INDEX_UNIQUE] && immediate;
        x->primary = *f.at[INDEX_PRIMARY] && immediate;
        x->valid = *f.at[INDEX_VALID];
        x->partial = f.at[INDEX_PREDICATE] != NULL;
    }
    return true;
}

status offline_names_read(const struct offline *o, const uint64_t *roots, size_t nroots,
                          struct offline_names *n) {
    *n = (struct offline_names){0};
    for (size_t i = 0; i < nroots; i++) {
        struct reading r = {.o = o, .names = n, .database = (uint32_t)i + 1};
        TRY(offline_each(o, (page_id){roots[i]}, note_class, &r));
        if (r.out_of_memory) return STATUS(OUT_OF_MEMORY);
        if (r.index_root) TRY(offline_each(o, (page_id){r.index_root}, note_index, &r));
    }
    return OK;
}

const struct offline_relation *offline_name_of(const struct offline_names *n, uint64_t root) {
    for (size_t i = 0; i < n->count; i++)
        if (n->list[i].root == root && !n->list[i].primary) return &n->list[i];
    return NULL;
}

void offline_names_free(struct offline_names *n) {
    free(n->list);
}
