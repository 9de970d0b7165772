/* type.h: types, the built-in ones (type.def) and those that catalogs define, and what can be done
 * with a value of each.
 *
 * OIDs, names, categories and lengths are PostgreSQL 15's (pg_type.dat). Behaviour hangs on the
 * type's family, one table of functions per family. All functions are total: bytes and texts from
 * outside give an error, never undefined behaviour. */
#ifndef TYPES_TYPE_H
#define TYPES_TYPE_H

#include "types/context.h"
#include "types/datum.h"

/* OIDs that code names. BOOLOID … as in PostgreSQL; the whole list is type.def. */
enum type_oid {
#define X(name, value) name##OID = value,
#include "types/type_oid.def"
#undef X
};

struct type;
struct collator;

/* `text` need not end in NUL. typmod -1: none. The result lives in env->arena. */
typedef status type_in_fn(const struct eval_env *env, const struct type *t, int32_t typmod,
                          const char *text, size_t len, datum *ret);
/* Appends the text form (no NUL). */
typedef status type_out_fn(const struct eval_env *env, const struct type *t, datum value,
                           struct buf *out);
/* The protocol's binary form. */
typedef status type_receive_fn(const struct eval_env *env, const struct type *t, int32_t typmod,
                               const char *bytes, size_t len, datum *ret);
typedef status type_send_fn(const struct eval_env *env, const struct type *t, datum value,
                            struct buf *out);
/* <0, 0, >0 in btree order; both not null. */
typedef int type_compare_fn(const struct type *t, datum a, datum b);
/* Equal values (also across int2/int4/int8 and float4/float8) hash equal. */
typedef uint64_t type_hash_fn(const struct type *t, datum value);
/* Appends bytes whose memcmp order is the btree order; see key.h. */
typedef status type_key_fn(const struct type *t, datum value, struct buf *out);
/* Length of the key bytes at the start of `bytes`, 0 when they are not a key of this type. */
typedef size_t type_key_len_fn(const struct type *t, const uint8_t *bytes, size_t len,
                               bool inverted);
/* Whether stored payload bytes are a value of this type. */
typedef bool type_valid_fn(const struct type *t, const char *bytes, size_t len);
/* Length coercion to a typmod: varchar(n), numeric(p,s), timestamp(p) … */
typedef status type_apply_typmod_fn(const struct eval_env *env, const struct type *t, datum value,
                                    int32_t typmod, bool is_explicit, datum *ret);
/* The modifiers' integer values, as written: varchar(10) → {10}. */
typedef status type_typmod_in_fn(const struct eval_env *env, const struct type *t,
                                 const int32_t *values, size_t n, int32_t *ret);
/* Appends "(10,2)" and the like. */
typedef status type_typmod_out_fn(const struct type *t, int32_t typmod, struct buf *out);

struct type_family {
    type_in_fn *in;
    type_out_fn *out;
    type_receive_fn *receive;
    type_send_fn *send;
    type_compare_fn *compare; /* NULL: not comparable */
    type_hash_fn *hash;
    type_key_fn *key; /* NULL: cannot be indexed */
    type_key_len_fn *key_len;
    type_valid_fn *valid; /* NULL: any bytes */
    type_apply_typmod_fn *apply_typmod;
    type_typmod_in_fn *typmod_in;
    type_typmod_out_fn *typmod_out;
    bool binary_is_text; /* in the client's encoding */
};

/* A value of an enum is its label's position, which says the order among the labels and never
 * changes. */
struct enum_label {
    int64_t position;
    const char *name;
    bool uncommitted; /* added by the running transaction, after the type was made */
};

/* An attribute of a composite type, dropped ones included: they keep their places in values. */
struct type_field {
    const char *name;
    oid type;
    int32_t typmod;
    oid collation;
    bool dropped;
};

struct domain_check {
    const char *name;
    const char *text;  /* SQL of the condition over VALUE */
    oid domain;        /* whose it is: a domain has those of the domains below it, too */
    const void *ready; /* as whoever checks has prepared it; NULL at first */
};

struct type {
    oid oid;
    const char *name;
    int16_t len;    /* > 0 fixed, -1 varlena, -2 cstring */
    bool byval;     /* held in the datum itself: fixed and at most 8 bytes */
    char kind;      /* pg_type.typtype: b base, p pseudo, e enum, c composite, d domain */
    char category;  /* N, S, D, B, A … */
    bool preferred; /* in its category */
    char delimiter;
    char align; /* pg_type.typalign and typstorage: for the catalogs only */
    char storage;
    enum type_oid element; /* of arrays and vectors; 0: none */
    oid array;             /* the type of its arrays; 0: none */
    oid collation;         /* 0: not collatable; 100 default, 950 C */
    oid in_function, out_function, receive_function, send_function, typmod_in_function,
        typmod_out_function; /* pg_proc oids, for the catalogs */
    oid subscript_function;
    const struct type_family *family;
    /* What only defined types have. */
    uint32_t nlabels; /* enum, in their order */
    const struct enum_label *labels;
    uint16_t nfields; /* composite */
    const struct type_field *fields;
    oid relation;             /* composite: of pg_class, whose columns the fields are */
    oid over;                 /* domain: the type it was made of */
    const struct type *base;  /* domain: the type below all domains; NULL: not a domain */
    int32_t typmod;           /* domain: of its base */
    bool not_null;            /* domain */
    const char *default_text; /* domain: SQL; NULL: none */
    uint16_t nchecks;         /* domain */
    struct domain_check *checks;
    struct arena *arena; /* lives as long as a defined type's description */
    /* collator.h: by which texts are compared, NULL: by their bytes; the type with others. */
    const struct collator *collator;
    struct type *collated;
};

struct cast_info; /* types/function.h */
struct function;
struct operator_info;
struct operator_scope;

/* Where the types come from that catalogs define, answered by whoever owns the catalogs. What is
 * found belongs to the running statement's view of the catalogs. */
struct type_source {
    const struct type *(*find)(oid type); /* NULL: none */
    /* Appends the name, qualified when the search path would not find it. */
    status (*print)(oid type, struct buf *out);
    /* NULL: a collation that compares by bytes. */
    const struct collator *(*collator)(oid collation);
    /* A value about to become one of a domain: 23502 or 23514. */
    status (*check_domain)(const struct eval_env *env, const struct type *domain, datum value,
                           bool is_null);
    /* Casts, functions and operators of users. NULL: none. */
    const struct cast_info *(*find_cast)(oid source, oid target);
    const struct function *(*find_function)(oid function);
    const struct operator_info *(*find_operator)(oid op);
    /* What an operator's name can mean besides the built-in ones: along the search path (schema
     * NULL), or in one schema. In env->arena; NOT_FOUND: there is no such schema. */
    status (*operators_named)(const struct eval_env *env, const char *schema, const char *name,
                              struct operator_scope *ret);
};
/* The family of a defined type, by its kind (a domain's, by its base). OUT_OF_MEMORY. */
status type_set_family(struct type *t);
void types_set_source(const struct type_source *source);
const struct type_source *types_source(void); /* never NULL; its functions may be */

/* Builds the lookup indexes over the constant tables. Once, at process start, before all else. */
status types_init(void);

/* NULL: no such type. A defined type's description lives until the transaction ends. */
const struct type *type_find(oid type);
/* The type below all domains: how values are stored, compared, and chosen functions for. */
oid type_base(oid type);
static inline const struct type *type_below(const struct type *t) {
    return t && t->base ? t->base : t;
}
static inline bool type_is_composite(const struct type *t) {
    return t && (t->kind == 'c' || t->oid == RECORDOID);
}
/* A value about to become one of this type, which may be a domain. */
status type_check_domain(const struct eval_env *env, const struct type *t, datum value,
                         bool is_null);
const struct type *type_find_by_name(const char *name); /* built in: "int4", "_int4" */
/* All built-in types, in oid order. */
const struct type *type_at(size_t index);
size_t type_count(void);

/* SQL's spelling (int, integer, double precision, char, timestamp with time zone, …) → oid; the
 * grammar has already folded multi-word names to PostgreSQL's internal ones, so this is for texts:
 * "character varying(10)[]", "numeric(10,2)", "pg_catalog.int4". NOT_FOUND for unknown names. */
status type_parse_name(const struct eval_env *env, const char *text, oid *ret_type,
                       int32_t *ret_typmod);

/* PostgreSQL's format_type: "character varying(10)", "integer[]", "timestamp(3) without time zone".
 * typmod -1: without. Unknown oids give "???". */
status type_format(oid type, int32_t typmod, struct buf *out);
/* The same as a string in the arena; "???" also when the arena is exhausted, never NULL. For error
 * messages. */
const char *type_format_name(struct arena *a, oid type);

status type_input(const struct eval_env *env, const struct type *t, int32_t typmod,
                  const char *text, size_t len, datum *ret);
status type_output(const struct eval_env *env, const struct type *t, datum value, struct buf *out);
/* The text form as a NUL-terminated string in the arena. */
status type_output_string(const struct eval_env *env, const struct type *t, datum value,
                          char **ret_text, size_t *ret_len);
/* Encoding of a text that came from a client: 22021. */
status type_check_text(const struct eval_env *env, const char *text, size_t len);
/* What 22P03 says of bytes behind a value; whose they are is added by the caller. */
#define TYPE_BINARY_TOO_LONG "incorrect binary data format"
status type_receive(const struct eval_env *env, const struct type *t, int32_t typmod,
                    const char *bytes, size_t len, datum *ret);
status type_send(const struct eval_env *env, const struct type *t, datum value, struct buf *out);

/* Applies the modifier; value unchanged where the type has none or it already fits. */
status type_apply_typmod(const struct eval_env *env, const struct type *t, datum value,
                         int32_t typmod, bool is_explicit, datum *ret);
status type_typmod_in(const struct eval_env *env, const struct type *t, const int32_t *values,
                      size_t n, int32_t *ret_typmod);

/* Both values not null. Types without an order (json, xid …) must not be asked: type_is_ordered. */
int type_compare(const struct type *t, datum a, datum b);
bool type_is_ordered(const struct type *t);
/* Values can be told apart at least (xid, which has no order for people): grouped, made distinct.
 */
bool type_has_equality(const struct type *t);
bool type_is_hashable(const struct type *t);
uint64_t type_hash(const struct type *t, datum value);

/* A copy of the value in another arena (by-value types: the datum itself). */
status type_copy(const struct type *t, datum value, struct arena *a, datum *ret);
/* Bytes the value occupies behind its pointer (0 for by-value types): for memory accounting. */
size_t type_value_bytes(const struct type *t, datum value);

/* numeric(p,s) and varchar(n) typmods carry PostgreSQL's offset of 4. */
#define TYPMOD_OFFSET 4

/* interval's modifiers are {fields} or {fields, precision}: a bit for each of month 1, year 2, day
 * 3, hour 10, minute 11, second 12 that is declared; interval(p) is {INTERVAL_FULL_RANGE, p}. */
#define INTERVAL_FULL_RANGE 0x7FFF

/* Whether a text means one value of the type whatever the settings and catalogs say, and whether a
 * value has one text: PostgreSQL's input and output functions that are immutable. */
bool type_input_is_fixed(oid type);
bool type_text_is_fixed(oid type);

/* What a type is to those who choose between types: a domain is what it is made of. */
static inline bool type_is_preferred(oid id) {
    const struct type *t = type_below(type_find(id));
    return t && t->preferred;
}
static inline char type_category(oid id) { /* pg_type.typcategory; '\0': no such type */
    const struct type *t = type_below(type_find(id));
    return t ? t->category : '\0';
}
/* Of the three whose operators and key bytes are one family's; a domain is none. */
static inline bool type_is_integer(oid id) {
    return id == INT2OID || id == INT4OID || id == INT8OID;
}
static inline bool type_is_named_row(oid id) { /* not record */
    const struct type *t = type_below(type_find(id));
    return t && t->kind == 'c';
}

#endif
