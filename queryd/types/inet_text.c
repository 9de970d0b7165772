/* Texts of addresses: what PostgreSQL takes for one, and what it writes. */
#include <stdio.h>

#include "types/inet.h"

/* What is left of a text. */
struct rest {
    const char *p, *end;
};

static bool at_end(const struct rest *r) {
    return r->p == r->end;
}
static bool at(const struct rest *r, char c) {
    return r->p < r->end && *r->p == c;
}
static bool at_digit(const struct rest *r) {
    return r->p < r->end && is_digit(*r->p);
}

/* Digits there are; false: their number is above `most`. */
static bool read_number(struct rest *r, unsigned most, unsigned *ret) {
    *ret = 0;
    for (; at_digit(r); r->p++) {
        *ret = *ret * 10 + (unsigned)(*r->p - '0');
        if (*ret > most) return false;
    }
    return true;
}

/* ---- IPv4 ---- */

/* Up to four octets; *ret_n of them. A dot behind the last one is an inet's, not a cidr's. */
static bool read_octets(struct rest *r, bool is_cidr, uint8_t *address, unsigned *ret_n) {
    unsigned n = 0, x;
    while (at_digit(r)) {
        if (!read_number(r, 255, &x) || n == 4) return false;
        address[n++] = (uint8_t)x;
        *ret_n = n;
        if (!at(r, '.')) return true;
        r->p++;
    }
    return n && !is_cidr;
}

/* 0x and digits, two an octet; the last one may be alone. */
static bool read_hex_octets(struct rest *r, uint8_t *address, unsigned *ret_n) {
    unsigned digits = 0;
    for (r->p += 2; r->p < r->end && hex_digit(*r->p) >= 0; r->p++, digits++) {
        if (digits == 8) return false;
        address[digits / 2] |= (uint8_t)(hex_digit(*r->p) << (digits % 2 ? 0 : 4));
    }
    *ret_n = (digits + 1) / 2;
    return true;
}

/* The classes of old, and at least the octets that were written. */
static unsigned class_bits(uint8_t first, unsigned n) {
    unsigned bits = first >= 240   ? 32
                    : first >= 224 ? 8
                    : first >= 192 ? 24
                    : first >= 128 ? 16
                                   : 8;
    if (bits < n * 8) bits = n * 8;
    return bits == 8 && first == 224 ? 4 : bits;
}

static bool parse_v4(struct rest *r, bool is_cidr, unsigned *ret_bits, uint8_t *address) {
    unsigned n = 0;
    bool hex = is_cidr && r->end - r->p > 2 && r->p[0] == '0' && lower_ascii(r->p[1]) == 'x' &&
               hex_digit(r->p[2]) >= 0;
    if (hex ? !read_hex_octets(r, address, &n) : !read_octets(r, is_cidr, address, &n))
        return false;
    if (at_end(r)) {
        *ret_bits = is_cidr ? class_bits(address[0], n) : 32;
        return is_cidr || n == 4;
    }
    if (!at(r, '/')) return false;
    r->p++;
    if (!at_digit(r) || !read_number(r, 32, ret_bits) || !at_end(r)) return false;
    return is_cidr || *ret_bits / 8 <= n;
}

/* ---- IPv6 ---- */

struct v6 {
    uint8_t *address;
    unsigned n;    /* bytes so far */
    int gap;       /* where :: stands, -1: nowhere */
    unsigned bits; /* 128 unless they are written */
    unsigned word; /* under way, of that many digits */
    unsigned digits;
};

/* A number without zeros before it, the whole rest. */
static bool read_v6_bits(struct rest *r, unsigned *ret) {
    if (at(r, '0') && r->end - r->p > 1) return false;
    return at_digit(r) && read_number(r, 128, ret) && at_end(r);
}

/* An address of IPv4 as the last part, with the bits behind it. */
static bool read_v4_tail(struct rest *r, struct v6 *v) {
    uint8_t *to = v->address + v->n;
    for (unsigned n = 0, x; n < 4; n++) {
        bool zero = at(r, '0');
        const char *start = r->p;
        if (!read_number(r, 255, &x) || (zero && r->p - start > 1)) return false;
        if (at_end(r) && r->p == start) return false;
        to[n] = (uint8_t)x;
        if (at_end(r)) return true;
        if (!at(r, '.') && !at(r, '/')) return false;
        if (*r->p++ == '/') return read_v6_bits(r, &v->bits);
    }
    return false;
}

static bool end_word(struct v6 *v) {
    if (v->n + 2 > INET_ADDRESS_BYTES_MAX) return false;
    v->address[v->n++] = (uint8_t)(v->word >> 8);
    v->address[v->n++] = (uint8_t)v->word;
    v->word = v->digits = 0;
    return true;
}

/* Behind a colon. */
static bool read_colon(const struct rest *r, struct v6 *v) {
    if (v->digits) return !at_end(r) && end_word(v);
    if (v->gap >= 0) return false;
    v->gap = (int)v->n;
    return true;
}

static bool read_words(struct rest *r, struct v6 *v) {
    const char *start = r->p;
    while (!at_end(r)) {
        char c = *r->p++;
        int digit = hex_digit(c);
        if (digit >= 0) {
            v->word = v->word << 4 | (unsigned)digit;
            if (++v->digits > 4) return false;
        } else if (c == ':') {
            if (!read_colon(r, v)) return false;
            start = r->p;
        } else if (c == '.' && v->n + 4 <= INET_ADDRESS_BYTES_MAX) {
            r->p = start;
            if (!read_v4_tail(r, v)) return false;
            v->n += 4;
            v->digits = 0;
            return true;
        } else
            return c == '/' && read_v6_bits(r, &v->bits);
    }
    return true;
}

static bool parse_v6(struct rest *r, unsigned *ret_bits, uint8_t *address) {
    struct v6 v = {.address = address, .gap = -1, .bits = 128};
    if (at(r, ':')) {
        r->p++;
        if (!at(r, ':')) return false;
    }
    if (!read_words(r, &v) || (v.digits && !end_word(&v))) return false;
    *ret_bits = v.bits;
    if (v.gap < 0) return v.n == INET_ADDRESS_BYTES_MAX;
    if (v.n == INET_ADDRESS_BYTES_MAX) return false;
    unsigned behind = v.n - (unsigned)v.gap, missing = INET_ADDRESS_BYTES_MAX - v.n;
    memmove(address + v.gap + missing, address + v.gap, behind);
    memset(address + v.gap, 0, missing);
    return true;
}

bool inet_parse(const char *text, size_t len, bool is_cidr, uint8_t *ret_family, unsigned *ret_bits,
                uint8_t *address) {
    struct rest r = {text, text + len};
    *ret_family = len && memchr(text, ':', len) ? INET_V6 : INET_V4;
    return *ret_family == INET_V6 ? parse_v6(&r, ret_bits, address)
                                  : parse_v4(&r, is_cidr, ret_bits, address);
}

/* ---- writing ---- */

static unsigned word_at(const uint8_t *address, unsigned i) {
    return (unsigned)address[i * 2] << 8 | address[i * 2 + 1];
}

struct run {
    unsigned start, n;
};

/* The first of the longest runs of words that are zero; one alone is none. */
static struct run longest_zeros(const uint8_t *address) {
    struct run best = {0, 0}, run = {0, 0};
    for (unsigned i = 0; i < 8; i++) {
        if (word_at(address, i)) {
            run.n = 0;
            continue;
        }
        if (!run.n++) run.start = i;
        if (run.n > best.n) best = run;
    }
    return best.n < 2 ? (struct run){0, 0} : best;
}

static size_t format_v4(const uint8_t *a, char *out) {
    return (size_t)sprintf(out, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

/* An address of IPv4 within one of IPv6: ::1.2.3.4, ::ffff:1.2.3.4. */
static bool holds_v4(const uint8_t *address, struct run zeros) {
    if (zeros.start) return false;
    return zeros.n == 6 || (zeros.n == 5 && word_at(address, 5) == 0xFFFF);
}

static size_t format_v6(const uint8_t *address, char *out) {
    struct run zeros = longest_zeros(address);
    size_t len = 0;
    for (unsigned i = 0; i < 8; i++) {
        bool inside = i >= zeros.start && i < zeros.start + zeros.n;
        if (inside ? i == zeros.start : i > 0) out[len++] = ':';
        if (inside) continue;
        if (i == 6 && holds_v4(address, zeros)) return len + format_v4(address + 12, out + len);
        len += (size_t)sprintf(out + len, "%x", word_at(address, i));
    }
    if (zeros.n && zeros.start + zeros.n == 8) out[len++] = ':';
    return len;
}

size_t inet_format(uint8_t family, const uint8_t *address, char out[INET_TEXT_BYTES]) {
    return family == INET_V4 ? format_v4(address, out) : format_v6(address, out);
}

/* ---- networks, abbreviated ---- */

static size_t abbreviate_v4(const uint8_t *a, unsigned bits, char *out) {
    size_t len = 0;
    unsigned n = (bits + 7) / 8;
    for (unsigned i = 0; i < n; i++) len += (size_t)sprintf(out + len, i ? ".%u" : "%u", a[i]);
    return n ? len : (size_t)sprintf(out, "0");
}

/* Zeros among the words that are written; a run that is no longer than the one before goes on in
 * the next, as PostgreSQL counts. */
static struct run network_zeros(const uint8_t *address, unsigned words) {
    struct run best = {0, 0}, run = {0, 0};
    for (unsigned i = 0; i <= words; i++) {
        if (i < words && word_at(address, i) == 0) {
            if (!run.n++) run.start = i;
        } else if (run.n > best.n) {
            best = run;
            run.n = 0;
        }
    }
    return best;
}

static bool network_holds_v4(const uint8_t *a, struct run zeros, unsigned words) {
    if (zeros.n == words || zeros.start) return false;
    return zeros.n == 6 || (zeros.n == 5 && word_at(a, 5) == 0xFFFF) ||
           (zeros.n == 7 && a[14] != 0 && a[15] != 1);
}

/* The last two words as octets; the last of these may be beyond the network. */
static size_t abbreviate_tail(const uint8_t *a, unsigned word, unsigned bits, char *out) {
    const uint8_t *two = a + word * 2;
    size_t len = (size_t)sprintf(out, word == 6 ? ":%u" : ".%u", two[0]);
    if (word == 7 && bits <= 120) return len;
    return len + (size_t)sprintf(out + len, ".%u", two[1]);
}

static size_t abbreviate_v6(const uint8_t *a, unsigned bits, char *out) {
    unsigned words = bits > 16 ? (bits + 15) / 16 : 2;
    struct run zeros = network_zeros(a, words);
    bool v4 = network_holds_v4(a, zeros, words);
    size_t len = 0;
    if (!bits) return (size_t)sprintf(out, "::");
    for (unsigned i = 0; i < words; i++) {
        if (i >= zeros.start && i < zeros.start + zeros.n) {
            if (i == zeros.start) out[len++] = ':';
            if (i == words - 1) out[len++] = ':';
        } else if (v4 && i > 5)
            len += abbreviate_tail(a, i, bits, out + len);
        else
            len += (size_t)sprintf(out + len, len ? ":%x" : "%x", word_at(a, i));
    }
    return len;
}

size_t inet_format_network(const struct varlena *v, char out[INET_TEXT_BYTES]) {
    uint8_t address[INET_ADDRESS_BYTES_MAX];
    unsigned bits = inet_bits(v), bytes = inet_bytes(v);
    memcpy(address, inet_address(v), bytes);
    inet_mask(address, bytes, bits);
    size_t len = inet_family(v) == INET_V4 ? abbreviate_v4(address, bits, out)
                                           : abbreviate_v6(address, bits, out);
    return len + (size_t)sprintf(out + len, "/%u", bits);
}
