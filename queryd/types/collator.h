/* collator.h: comparing and changing case by the rules of a language, through ICU.
 *
 * A collator is opened once per worker, for each locale that is asked for, and never closed. Types
 * compare by one when they are asked for with it (type_by_collator); a comparison by bytes
 * (collations C, POSIX and the like) has no collator at all and costs nothing more for there being
 * others. */
#ifndef TYPES_COLLATOR_H
#define TYPES_COLLATOR_H

#include "types/type.h"

#define COLLATION_DEFAULT 100
#define COLLATION_C 950
#define COLLATION_POSIX 951

struct collator;

/* Loads what ICU needs, so that it opens no files later. At process start. */
status collators_init(void);
/* locale: as ICU understands it ("de", "und-u-ks-level2"). deterministic: strings that the rules
 * call equal are told apart by their bytes. 22023 with words. */
status collator_open(const char *locale, bool deterministic, struct error *e,
                     const struct collator **ret_collator);
bool collator_is_deterministic(const struct collator *c);
/* The version of the rules, as pg_collation.collversion has it. */
status collator_version(const char *locale, struct error *e, char ret_version[32]);

int collator_compare(const struct collator *c, const char *a, size_t a_len, const char *b,
                     size_t b_len);
uint64_t collator_hash(const struct collator *c, const char *text, size_t len);
/* Appends bytes whose memcmp order is the collator's, without those that would tell equal strings
 * apart. OUT_OF_MEMORY. */
status collator_key(const struct collator *c, const char *text, size_t len, struct buf *out);

enum case_change { CASE_TO_LOWER, CASE_TO_UPPER, CASE_TO_TITLE };
/* In env->arena. */
status collator_change_case(const struct collator *c, const struct eval_env *env,
                            enum case_change change, const char *text, size_t len, datum *ret);

/* The locales that there are collations for: bare tags ("de-AT"), "und" first; NULL beyond the
 * last. words: the locale's name in English. */
const char *collator_locale(size_t index, char ret_tag[64], char ret_words[128]);

/* The type with its values compared, hashed and made keys of by the collator (NULL: the type
 * itself): the same oid, other functions. Types without texts in them are given back as they are.
 * NULL: no memory. A built-in type lives as long as the process, a defined one as its
 * description. */
const struct type *type_by_collator(const struct type *t, const struct collator *c);
/* The type of a value of that collation: which collator, whoever owns the catalogs says. */
const struct type *type_of_collation(oid type, oid collation);
/* NULL: by bytes, or there is no such collation. */
const struct collator *collator_of(oid collation);

/* The text itself in a key column's bytes (without the marker): where it begins; 0: it is not kept.
 */
size_t collated_key_text(const struct type *t, const uint8_t *bytes, size_t len, bool inverted);

#endif
