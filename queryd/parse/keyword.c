#include "parse/keyword.h"

#include <string.h>

#include "parse_grammar.h"

static const struct keyword keywords[] = {
#define X(word, TOKEN, category, bare) {#word, TK_##TOKEN, KEYWORD_##category, bare},
#include "parse/keywords.def"
#undef X
};

#define KEYWORD_COUNT ((int)(sizeof keywords / sizeof keywords[0]))
#define KEYWORD_LENGTH_MAX 17

/* Made by keyword_hash.awk with the hash below. */
#define SLOT_COUNT 2048
static const short slots[SLOT_COUNT] = {
#include "keyword_slots.h"
};

const struct keyword *keyword_find(const char *word, size_t len) {
    if (len == 0 || len > KEYWORD_LENGTH_MAX) return NULL;
    unsigned hash = 0;
    for (size_t i = 0; i < len; i++) hash = hash * 37 + (unsigned char)word[i];
    hash &= 0xffff;
    for (unsigned at = hash % SLOT_COUNT; slots[at] >= 0; at = (at + 1) % SLOT_COUNT) {
        const struct keyword *k = &keywords[slots[at]];
        if (memcmp(k->name, word, len) == 0 && k->name[len] == '\0') return k;
    }
    return NULL;
}

const struct keyword *keyword_at(size_t i) {
    return i < KEYWORD_COUNT ? &keywords[i] : NULL;
}

enum keyword_category parse_keyword_category(const char *word, size_t len) {
    const struct keyword *k = keyword_find(word, len);
    return k ? (enum keyword_category)k->category : KEYWORD_NONE;
}
