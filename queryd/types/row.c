#include "types/row.h"

#include "types/internal.h"

#define HEAD_BYTES 3
#define FLAG_NULLS 0x01
#define FLAG_REFERENCES 0x02
#define FLAG_WRITER 0x04 /* as many bytes long, too */
#define VARINT_BYTES_MAX 5

/* How an attribute is stored; the common ones have a shape of their own. */
enum row_shape {
    SHAPE_INT4,
    SHAPE_INT8,
    SHAPE_VARLENA,
    SHAPE_INT2,
    SHAPE_INT1,
    SHAPE_UNSIGNED,
    SHAPE_POINTER,
    SHAPE_CSTRING
};

static uint8_t shape_of(const struct type *t) {
    if (t->len == -1) return SHAPE_VARLENA;
    if (t->len == -2) return SHAPE_CSTRING;
    if (!t->byval) return SHAPE_POINTER;
    if (t->len == 8) return SHAPE_INT8;
    if (t->family == &family_float4 || t->family == &family_bool || t->len == 6)
        return SHAPE_UNSIGNED;
    return t->len == 4 ? SHAPE_INT4 : t->len == 2 ? SHAPE_INT2 : SHAPE_INT1;
}

status row_desc_new(struct arena *a, const oid *types, uint16_t natts, struct row_desc **ret_desc) {
    if (natts > ROW_ATTRIBUTES_MAX) return STATUS(TOO_MANY_COLUMNS);
    struct row_desc *d = arena_zalloc(a, sizeof *d);
    struct row_attribute *atts = arena_array(a, natts, sizeof *atts);
    if (!d || !atts) return STATUS(OUT_OF_MEMORY);
    for (uint16_t i = 0; i < natts; i++) {
        const struct type *t = type_below(type_find(types[i]));
        if (!t || t->oid == RECORDOID) return STATUS(UNDEFINED_OBJECT);
        atts[i] = (struct row_attribute){.type = t,
                                         .shape = shape_of(t),
                                         .len = t->len > 0 ? (uint8_t)t->len : 0,
                                         .checked = t->family->valid != NULL};
    }
    d->natts = natts;
    d->atts = atts;
    *ret_desc = d;
    return OK;
}

void row_desc_set_missing(struct row_desc *d, uint16_t attribute, datum value) {
    CHECK(attribute < d->natts);
    d->atts[attribute].has_missing = true;
    d->atts[attribute].missing = value;
}

/* ---- forming ---- */

static char *put_varint(char *p, uint32_t x) {
    while (x >= 0x80) {
        *p++ = (char)(x | 0x80);
        x >>= 7;
    }
    *p++ = (char)x;
    return p;
}

size_t row_bytes_max(const struct row_desc *d, const datum *values, const uint8_t *nulls) {
    size_t room = HEAD_BYTES + FLAG_WRITER + (d->natts + 7u) / 8;
    for (uint16_t i = 0; i < d->natts; i++) {
        if (nulls[i]) continue;
        switch (d->atts[i].shape) {
        case SHAPE_VARLENA: room += VARINT_BYTES_MAX + values[i].v->len; break;
        case SHAPE_CSTRING: room += VARINT_BYTES_MAX + strlen(values[i].s); break;
        default: room += d->atts[i].len < 8 ? 8 : d->atts[i].len;
        }
    }
    return room;
}

static char *put_value(char *p, const struct row_attribute *a, datum value) {
    switch (a->shape) {
    case SHAPE_VARLENA:
        p = put_varint(p, value.v->len);
        memcpy(p, value.v->data, value.v->len);
        return p + value.v->len;
    case SHAPE_CSTRING: {
        size_t len = strlen(value.s);
        p = put_varint(p, (uint32_t)len);
        memcpy(p, value.s, len);
        return p + len;
    }
    case SHAPE_POINTER: memcpy(p, value.p, a->len); return p + a->len;
    default: store_le64(p, value.u64); return p + a->len; /* the bytes above are overwritten */
    }
}

status row_form(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                struct buf *out) {
    return row_form_within(d, values, nulls, row_bytes_max(d, values, nulls), 0, out);
}

/* Number of attributes, flags and writer; the place behind them. */
static char *put_head(char *p, uint16_t natts, int flags, uint32_t writer) {
    store_le16(p, natts);
    p[2] = (char)(ROW_VERSION << 4 | flags | (writer ? FLAG_WRITER : 0));
    if (writer) store_le32(p + HEAD_BYTES, writer);
    return p + HEAD_BYTES + (writer ? FLAG_WRITER : 0);
}

status row_form_within(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                       size_t bytes_max, uint32_t writer, struct buf *out) {
    bool any_null = false;
    for (uint16_t i = 0; i < d->natts; i++) any_null |= nulls[i];
    TRY(buf_reserve(out, bytes_max));
    char *p = put_head(out->data + out->len, d->natts, any_null ? FLAG_NULLS : 0, writer);
    if (any_null) {
        size_t bitmap = (d->natts + 7u) / 8;
        memset(p, 0, bitmap);
        for (uint16_t i = 0; i < d->natts; i++)
            p[i / 8] = (char)(p[i / 8] | (nulls[i] ? 1 << i % 8 : 0));
        p += bitmap;
    }
    for (uint16_t i = 0; i < d->natts; i++)
        if (!nulls[i]) p = put_value(p, &d->atts[i], values[i]);
    out->len = (size_t)(p - out->data);
    return OK;
}

bool row_may_refer(const struct row_desc *d, uint16_t attribute) {
    return d->atts[attribute].shape == SHAPE_VARLENA;
}

static char *put_bitmap(char *p, uint16_t n, const uint8_t *nulls,
                        const struct row_reference *references) {
    size_t bytes = (n + 7u) / 8;
    memset(p, 0, bytes);
    for (uint16_t i = 0; i < n; i++) {
        bool set = nulls ? nulls[i] : references[i].number != 0;
        p[i / 8] = (char)(p[i / 8] | (set ? 1 << i % 8 : 0));
    }
    return p + bytes;
}

static char *put_reference(char *p, const struct row_reference *r) {
    store_le32(p, r->len);
    store_le64(p + 4, r->number);
    return p + ROW_REFERENCE_BYTES;
}

static size_t room_for_references(const struct row_desc *d, const datum *values,
                                  const uint8_t *nulls, const struct row_reference *references) {
    size_t room = row_bytes_max(d, values, nulls) + (d->natts + 7u) / 8;
    for (uint16_t i = 0; i < d->natts; i++)
        if (references[i].number) room += ROW_REFERENCE_BYTES - (size_t)values[i].v->len;
    return room;
}

status row_form_references(const struct row_desc *d, const datum *values, const uint8_t *nulls,
                           const struct row_reference *references, uint32_t writer,
                           struct buf *out) {
    TRY(buf_reserve(out, room_for_references(d, values, nulls, references)));
    char *p = put_head(out->data + out->len, d->natts, FLAG_NULLS | FLAG_REFERENCES, writer);
    p = put_bitmap(p, d->natts, nulls, NULL);
    p = put_bitmap(p, d->natts, NULL, references);
    for (uint16_t i = 0; i < d->natts; i++) {
        if (references[i].number)
            p = put_reference(p, &references[i]);
        else if (!nulls[i])
            p = put_value(p, &d->atts[i], values[i]);
    }
    out->len = (size_t)(p - out->data);
    return OK;
}

/* ---- deforming ---- */

#define CORRUPTED STATUS(DATA_CORRUPTED)

static inline bool get_varint(const uint8_t **p, const uint8_t *end, uint32_t *ret) {
    uint64_t x = 0;
    for (unsigned shift = 0; *p < end && shift <= 28; shift += 7) {
        uint8_t byte = *(*p)++;
        x |= (uint64_t)(byte & 0x7F) << shift;
        if (byte & 0x80) continue;
        if ((byte == 0 && shift) || x > VARLENA_MAX) return false;
        *ret = (uint32_t)x;
        return true;
    }
    return false;
}

/* Values of variable length, and those by pointer; ret is NULL where it is only passed over. */
static status get_pointer(const struct row_attribute *a, const uint8_t **p, const uint8_t *end,
                          datum *ret, struct arena *arena) {
    uint32_t len = a->len;
    if (a->shape != SHAPE_POINTER && !get_varint(p, end, &len)) return CORRUPTED;
    if ((size_t)(end - *p) < len) return CORRUPTED;
    if (!ret) {
        *p += len;
        return OK;
    }
    if (a->checked && !a->type->family->valid(a->type, (const char *)*p, len)) return CORRUPTED;
    if (a->shape == SHAPE_VARLENA)
        ret->v = varlena_from(arena, *p, len);
    else if (a->shape == SHAPE_CSTRING)
        ret->s = arena_strndup(arena, (const char *)*p, len);
    else
        ret->p = arena_memdup(arena, *p, len);
    *p += len;
    return ret->p ? OK : STATUS(OUT_OF_MEMORY);
}

/* Attributes from one to another of those that are in the row; *pp is where the first begins.
 * chosen: see row_deform_chosen. */
static inline __attribute__((always_inline)) status
get_values(const struct row_desc *d, const uint8_t **pp, const uint8_t *end, const uint8_t *bitmap,
           uint16_t from, uint16_t to, const bool *chosen, datum *values, uint8_t *nulls,
           struct arena *arena) {
    const struct row_attribute *a = d->atts + from;
    const uint8_t *p = *pp;
    for (uint16_t i = from; i < to; i++, a++) {
        if (bitmap && bitmap[i / 8] >> i % 8 & 1) {
            nulls[i] = 1;
            values[i].u64 = 0;
            continue;
        }
        nulls[i] = 0;
        size_t left = (size_t)(end - p);
        switch (a->shape) {
        case SHAPE_INT4:
            if (left < 4) return CORRUPTED;
            values[i].i64 = (int32_t)load_le32(p);
            p += 4;
            break;
        case SHAPE_INT8:
            if (left < 8) return CORRUPTED;
            values[i].u64 = load_le64(p);
            p += 8;
            break;
        case SHAPE_INT2:
            if (left < 2) return CORRUPTED;
            values[i].i64 = (int16_t)load_le16(p);
            p += 2;
            break;
        case SHAPE_INT1:
            if (left < 1) return CORRUPTED;
            values[i].i64 = (int8_t)*p++;
            break;
        case SHAPE_UNSIGNED:
            if (left < a->len) return CORRUPTED;
            if (a->checked && !a->type->family->valid(a->type, (const char *)p, a->len))
                return CORRUPTED;
            values[i].u64 = 0;
            memcpy(&values[i].u64, p, a->len);
            p += a->len;
            break;
        case SHAPE_VARLENA:
            if (chosen && !chosen[i] && left && *p < 0x80 && *p < left) { /* passed over */
                p += *p + 1u;
                break;
            }
            [[fallthrough]];
        default: TRY(get_pointer(a, &p, end, chosen && !chosen[i] ? NULL : &values[i], arena));
        }
    }
    *pp = p;
    return OK;
}

/* The head of a row's bytes, each part checked against its end. */
struct row_head {
    const uint8_t *p, *end; /* the attributes */
    const uint8_t *nulls, *references;
    uint16_t stored;
};

static inline bool get_bitmap(struct row_head *h, const uint8_t **ret) {
    size_t bytes = (h->stored + 7u) / 8;
    if ((size_t)(h->end - h->p) < bytes) return false;
    *ret = h->p;
    h->p += bytes;
    return !(h->stored % 8 && (*ret)[bytes - 1] >> h->stored % 8);
}

static inline status get_head(const struct row_desc *d, const void *bytes, size_t len,
                              struct row_head *h) {
    const uint8_t *p = bytes;
    if (len < HEAD_BYTES) return CORRUPTED;
    uint8_t flags = p[2];
    size_t head = HEAD_BYTES + (flags & FLAG_WRITER);
    *h = (struct row_head){.p = p + head, .end = p + len, .stored = load_le16(p)};
    if (flags >> 4 != ROW_VERSION || (flags & 0x08) || h->stored > d->natts) return CORRUPTED;
    if (len < head) return CORRUPTED;
    if (flags & FLAG_NULLS && !get_bitmap(h, &h->nulls)) return CORRUPTED;
    if (flags & FLAG_REFERENCES && !get_bitmap(h, &h->references)) return CORRUPTED;
    return OK;
}

static inline void get_missing(const struct row_desc *d, uint16_t from, uint16_t to, datum *values,
                               uint8_t *nulls) {
    for (uint16_t i = from; i < to; i++) {
        values[i] = d->atts[i].missing;
        nulls[i] = !d->atts[i].has_missing;
    }
}

/* The head, then the values. */
static inline __attribute__((always_inline)) status
deform(const struct row_desc *d, const void *bytes, size_t len, uint16_t natts_wanted,
       const bool *chosen, datum *ret_values, uint8_t *ret_nulls, struct arena *arena) {
    struct row_head h;
    TRY(get_head(d, bytes, len, &h));
    if (h.references) return CORRUPTED;
    if (natts_wanted > d->natts) natts_wanted = d->natts;
    uint16_t present = natts_wanted < h.stored ? natts_wanted : h.stored;
    TRY(get_values(d, &h.p, h.end, h.nulls, 0, present, chosen, ret_values, ret_nulls, arena));
    if (present == h.stored && h.p != h.end) return CORRUPTED;
    get_missing(d, present, natts_wanted, ret_values, ret_nulls);
    return OK;
}

status row_deform(const struct row_desc *d, const void *bytes, size_t len, uint16_t natts_wanted,
                  datum *ret_values, uint8_t *ret_nulls, struct arena *arena) {
    return deform(d, bytes, len, natts_wanted, NULL, ret_values, ret_nulls, arena);
}

status row_deform_chosen(const struct row_desc *d, const void *bytes, size_t len,
                         uint16_t natts_wanted, const bool *chosen, datum *ret_values,
                         uint8_t *ret_nulls, struct arena *arena) {
    return deform(d, bytes, len, natts_wanted, chosen, ret_values, ret_nulls, arena);
}

uint32_t row_writer(const void *bytes, size_t len) {
    const uint8_t *p = bytes;
    bool named = len >= HEAD_BYTES + FLAG_WRITER && p[2] & FLAG_WRITER;
    return named ? load_le32(p + HEAD_BYTES) : 0;
}

bool row_has_references(const void *bytes, size_t len) {
    return len >= HEAD_BYTES && ((const uint8_t *)bytes)[2] & FLAG_REFERENCES;
}

static status get_reference(const struct row_desc *d, struct row_head *h, uint16_t i,
                            struct row_reference *ret) {
    if ((size_t)(h->end - h->p) < ROW_REFERENCE_BYTES || !row_may_refer(d, i)) return CORRUPTED;
    *ret = (struct row_reference){.len = load_le32(h->p), .number = load_le64(h->p + 4)};
    h->p += ROW_REFERENCE_BYTES;
    return ret->number && ret->len <= VARLENA_MAX ? OK : CORRUPTED;
}

status row_deform_references(const struct row_desc *d, const void *bytes, size_t len,
                             uint16_t natts_wanted, datum *ret_values, uint8_t *ret_nulls,
                             struct row_reference *ret_references, struct arena *arena) {
    struct row_head h;
    TRY(get_head(d, bytes, len, &h));
    if (natts_wanted > d->natts) natts_wanted = d->natts;
    uint16_t present = natts_wanted < h.stored ? natts_wanted : h.stored;
    for (uint16_t i = 0; i < natts_wanted; i++) ret_references[i] = (struct row_reference){0};
    for (uint16_t i = 0; i < present; i++) {
        if (!h.references || !(h.references[i / 8] >> i % 8 & 1)) {
            TRY(get_values(d, &h.p, h.end, h.nulls, i, i + 1, NULL, ret_values, ret_nulls, arena));
            continue;
        }
        TRY(get_reference(d, &h, i, &ret_references[i]));
        ret_values[i].p = NULL;
        ret_nulls[i] = 0;
    }
    if (present == h.stored && h.p != h.end) return CORRUPTED;
    get_missing(d, present, natts_wanted, ret_values, ret_nulls);
    return OK;
}

status row_check_fetched(const struct row_desc *d, uint16_t attribute, const struct varlena *v) {
    const struct row_attribute *a = &d->atts[attribute];
    bool valid = !a->checked || a->type->family->valid(a->type, v->data, v->len);
    return valid ? OK : CORRUPTED;
}
