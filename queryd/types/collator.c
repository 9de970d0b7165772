/* collator.c: ICU's collators and case maps, over UTF-8. */
#include "types/collator.h"

#include <stdlib.h>
#include <unicode/uclean.h>
#include <unicode/ucol.h>
#include <unicode/udata.h>
#include <unicode/uiter.h>
#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "types/internal.h"

#define LOCALE_BYTES 128
#define KEY_BYTES 512
#define UTF16_UNITS 512

struct collator {
    struct collator *next;
    UCollator *icu;
    bool deterministic;
    char locale[LOCALE_BYTES]; /* as it was asked for */
    char language[8];          /* for case maps */
};

static struct collator *collators;

status collators_init(void) {
    UErrorCode e = U_ZERO_ERROR;
    udata_setFileAccess(UDATA_NO_FILES, &e);
    u_init(&e);
    if (U_FAILURE(e)) return STATUS(INTERNAL_ERROR);
    struct error ignored = {0};
    const struct collator *root;
    return collator_open("und", true, &ignored, &root);
}

static status failed(struct error *e, const char *locale, UErrorCode code) {
    if (code == U_MEMORY_ALLOCATION_ERROR) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    return error_set(e, ST_INVALID_PARAMETER_VALUE, "could not open collator for locale \"%s\": %s",
                     locale, u_errorName(code));
}

static status open_icu(const char *locale, struct error *e, UCollator **ret) {
    UErrorCode code = U_ZERO_ERROR;
    UCollator *icu = ucol_open(locale, &code);
    if (U_FAILURE(code)) return failed(e, locale, code);
    *ret = icu;
    return OK;
}

status collator_open(const char *locale, bool deterministic, struct error *e,
                     const struct collator **ret_collator) {
    UErrorCode code = U_ZERO_ERROR;
    for (struct collator *c = collators; c; c = c->next)
        if (c->deterministic == deterministic && strcmp(c->locale, locale) == 0) {
            *ret_collator = c;
            return OK;
        }
    if (strlen(locale) >= LOCALE_BYTES) return failed(e, locale, U_ILLEGAL_ARGUMENT_ERROR);
    struct collator *c = calloc(1, sizeof *c);
    if (!c) return error_set(e, ST_OUT_OF_MEMORY, "out of memory");
    status st = open_icu(locale, e, &c->icu);
    if (!ok(st)) {
        free(c);
        return st;
    }
    strcpy(c->locale, locale);
    uloc_getLanguage(locale, c->language, sizeof c->language, &code);
    if (U_FAILURE(code)) c->language[0] = '\0'; /* rules of no language */
    c->deterministic = deterministic;
    c->next = collators;
    collators = c;
    *ret_collator = c;
    return OK;
}

bool collator_is_deterministic(const struct collator *c) {
    return c->deterministic;
}

status collator_version(const char *locale, struct error *e, char ret_version[32]) {
    UCollator *icu;
    UVersionInfo version;
    char text[U_MAX_VERSION_STRING_LENGTH];
    TRY(open_icu(locale, e, &icu));
    ucol_getVersion(icu, version);
    ucol_close(icu);
    u_versionToString(version, text);
    memcpy(ret_version, text, sizeof text);
    return OK;
}

/* Texts are good UTF-8, so ICU has nothing to complain of. */
int collator_compare(const struct collator *c, const char *a, size_t a_len, const char *b,
                     size_t b_len) {
    UErrorCode code = U_ZERO_ERROR;
    if (a_len == b_len && (!a_len || memcmp(a, b, a_len) == 0)) return 0;
    UCollationResult r = ucol_strcollUTF8(c->icu, a, (int32_t)a_len, b, (int32_t)b_len, &code);
    if (r != UCOL_EQUAL && U_SUCCESS(code)) return r == UCOL_LESS ? -1 : 1;
    return c->deterministic || U_FAILURE(code) ? bytes_compare(a, a_len, b, b_len) : 0;
}

/* The key in pieces, to whoever wants them. */
static status each_piece(const struct collator *c, const char *text, size_t len,
                         status (*take)(void *arg, const uint8_t *bytes, size_t n), void *arg) {
    UCharIterator at;
    uint32_t state[2] = {0, 0};
    uint8_t piece[KEY_BYTES];
    UErrorCode code = U_ZERO_ERROR;
    uiter_setUTF8(&at, text, (int32_t)len);
    for (int32_t n = KEY_BYTES; n == KEY_BYTES;) {
        n = ucol_nextSortKeyPart(c->icu, &at, state, piece, KEY_BYTES, &code);
        if (U_FAILURE(code)) return STATUS(OUT_OF_MEMORY);
        TRY(take(arg, piece, (size_t)n));
    }
    return OK;
}

static status take_hash(void *arg, const uint8_t *bytes, size_t n) {
    uint64_t *h = arg;
    *h = hash_u64(*h * 31 + hash_bytes(bytes, n));
    return OK;
}

uint64_t collator_hash(const struct collator *c, const char *text, size_t len) {
    if (c->deterministic) return hash_bytes(text, len);
    uint64_t h = 1;
    status_ignore(each_piece(c, text, len, take_hash, &h)); /* equal texts fail alike */
    return h;
}

static status take_bytes(void *arg, const uint8_t *bytes, size_t n) {
    return buf_add(arg, bytes, n);
}

status collator_key(const struct collator *c, const char *text, size_t len, struct buf *out) {
    return each_piece(c, text, len, take_bytes, out);
}

/* ---- case ------------------------------------------------------------------------------------ */

typedef int32_t change_fn(UChar *to, int32_t room, const UChar *from, int32_t len,
                          const char *language, UErrorCode *code);

static int32_t to_title(UChar *to, int32_t room, const UChar *from, int32_t len,
                        const char *language, UErrorCode *code) {
    return u_strToTitle(to, room, from, len, NULL, language, code);
}

static status out_of_room(const struct eval_env *env, UErrorCode code) {
    if (code == U_MEMORY_ALLOCATION_ERROR || U_SUCCESS(code)) return out_of_memory(env);
    return error_set(env->error, ST_INTERNAL_ERROR, "case conversion failed: %s",
                     u_errorName(code));
}

status collator_change_case(const struct collator *c, const struct eval_env *env,
                            enum case_change change, const char *text, size_t len, datum *ret) {
    static change_fn *const changes[] = {u_strToLower, u_strToUpper, to_title};
    UErrorCode code = U_ZERO_ERROR;
    int32_t n, changed, bytes, room = (int32_t)len * 3 + 1; /* a letter becomes three at most */
    UChar *from = arena_array(env->arena, len + 1, sizeof *from);
    UChar *to = arena_array(env->arena, (size_t)room, sizeof *to);
    if (len > VARLENA_MAX / 8 || !from || !to) return out_of_memory(env);
    u_strFromUTF8(from, (int32_t)len + 1, &n, text, (int32_t)len, &code);
    if (U_FAILURE(code)) return out_of_room(env, code);
    changed = changes[change](to, room, from, n, c->language, &code);
    if (U_FAILURE(code)) return out_of_room(env, code);
    struct varlena *v = varlena_new(env->arena, (size_t)changed * 3 + 1);
    if (!v) return out_of_memory(env);
    code = U_ZERO_ERROR;
    u_strToUTF8(v->data, changed * 3 + 1, &bytes, to, changed, &code);
    if (U_FAILURE(code)) return out_of_room(env, code);
    v->len = (uint32_t)bytes;
    *ret = datum_ptr(v);
    return OK;
}

/* ---- which there are ------------------------------------------------------------------------- */

const char *collator_locale(size_t index, char ret_tag[64], char ret_words[128]) {
    UErrorCode code = U_ZERO_ERROR;
    UChar words[128];
    if (index > (size_t)uloc_countAvailable()) return NULL;
    const char *name = index ? uloc_getAvailable((int32_t)index - 1) : "";
    ret_words[0] = '\0';
    uloc_toLanguageTag(name, ret_tag, 64, true, &code);
    if (U_FAILURE(code)) return NULL;
    int32_t n = uloc_getDisplayName(name, "en", words, 128, &code);
    for (int32_t i = 0; U_SUCCESS(code) && i < n; i++)
        if (words[i] > 0x7F) n = 0; /* as initdb: names in ASCII only */
    if (U_SUCCESS(code) && n) u_strToUTF8(ret_words, 128, NULL, words, n, &code);
    return ret_tag;
}
