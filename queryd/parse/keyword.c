#include "parse/keyword.h"

#include <string.h>

#include "parse_grammar.h"

static const struct keyword keywords[] = {
#define L(letter)
#define X(word, TOKEN, category, bare) {#word, TK_##TOKEN, KEYWORD_##category, bare},
#include "parse/keywords.def"
#undef X
#undef L
};

#define KEYWORD_COUNT ((int)(sizeof keywords / sizeof keywords[0]))
#define KEYWORD_LENGTH_MAX 17

/* Where each letter begins: the list's own order numbers it. A letter's marker takes the number of
 * the word that follows it. */
enum {
#define L(letter) FIRST_##letter, FIRST_BACK_##letter = FIRST_##letter - 1,
#define X(word, TOKEN, category, bare) AT_##word,
#include "parse/keywords.def"
#undef X
#undef L
};

/* Every letter of the alphabet has its marker. */
static const short first_of_letter[27] = {
#define L(letter) FIRST_##letter,
#define X(word, TOKEN, category, bare)
#include "parse/keywords.def"
#undef X
#undef L
    KEYWORD_COUNT};

const struct keyword *keyword_find(const char *word, size_t len) {
    if (len == 0 || len > KEYWORD_LENGTH_MAX || word[0] < 'a' || word[0] > 'z') return NULL;
    int low = first_of_letter[word[0] - 'a'];
    int high = first_of_letter[word[0] - 'a' + 1] - 1;
    while (low <= high) {
        int middle = (low + high) / 2;
        int order = strncmp(keywords[middle].name, word, len);
        if (order == 0 && keywords[middle].name[len] != '\0') order = 1;
        if (order == 0) return &keywords[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle - 1;
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
