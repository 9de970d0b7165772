/* regex_tree.h: a regular expression taken apart, and the machines that recognise its parts.
 * Private to the regex_… files. */
#ifndef TYPES_REGEX_TREE_H
#define TYPES_REGEX_TREE_H

#include "types/regex.h"

#define REGEX_INFINITE (-1)
#define REGEX_COUNT_MAX 255
#define REGEX_DEPTH_MAX 300
#define REGEX_STATES_MAX 30000
#define REGEX_SETS_MAX 60 /* of characters, that transitions are remembered for */

/* A set of characters. */
enum char_class {
    CLASS_ALNUM = 1 << 0,
    CLASS_ALPHA = 1 << 1,
    CLASS_BLANK = 1 << 2,
    CLASS_CNTRL = 1 << 3,
    CLASS_DIGIT = 1 << 4,
    CLASS_GRAPH = 1 << 5,
    CLASS_LOWER = 1 << 6,
    CLASS_PRINT = 1 << 7,
    CLASS_PUNCT = 1 << 8,
    CLASS_SPACE = 1 << 9,
    CLASS_UPPER = 1 << 10,
    CLASS_XDIGIT = 1 << 11,
    CLASS_WORD = 1 << 12,
    CLASS_ASCII = 1 << 13
};
struct char_range {
    uint32_t low, high;
};
struct char_set {
    struct char_range *ranges;
    uint32_t n, room;
    uint32_t classes;        /* whose members belong */
    uint32_t not_classes[3]; /* each: whose strangers belong; 0: none */
    bool negated, no_case, newline_stops;
};
bool char_set_has(const struct char_set *, uint32_t c);
bool char_set_add(struct arena *, struct char_set *, uint32_t low, uint32_t high);
bool char_set_same(const struct char_set *, const struct char_set *);
/* 0: no such class */
uint32_t char_class_find(const char *name, size_t len);
/* A collating element by its name or itself; false: none. */
bool char_find(const char *name, size_t len, uint32_t *ret);
bool char_is_word(uint32_t c);
/* The same but for case. */
bool char_same_fold(uint32_t a, uint32_t b);

enum node_kind {
    NODE_EMPTY,
    NODE_SET,    /* set: index */
    NODE_ASSERT, /* assert */
    NODE_LOOK,   /* look */
    NODE_CONCAT, /* left right */
    NODE_ALT,    /* left or right */
    NODE_REPEAT, /* left, min to max times; where iterations lie does not matter unless it has
                    groups */
    NODE_GROUP,  /* left, captured as number */
    NODE_BACK    /* what group number captured, min to max times */
};
enum preference { PREFER_NOTHING, PREFER_LONG, PREFER_SHORT };
enum assertion {
    ASSERT_TEXT_BEGIN,
    ASSERT_TEXT_END,
    ASSERT_LINE_BEGIN,
    ASSERT_LINE_END,
    ASSERT_WORD_BEGIN,
    ASSERT_WORD_END,
    ASSERT_WORD_EDGE,
    ASSERT_NOT_WORD_EDGE
};

struct machine;
struct node {
    enum node_kind kind;
    enum preference prefers;
    bool captures, refers_back; /* within */
    bool mixed;                 /* its parts have both preferences */
    int min, max;
    int number; /* of a group, a set, an assertion, a look-around */
    struct node *left, *right;
    struct machine *machine; /* made when first needed */
};

struct look {
    struct node *root;
    bool behind, negative;
    struct machine *machine;
};

struct regex {
    struct arena *arena;
    int flags;
    struct char_set *sets;
    uint32_t n_sets, room_sets;
    struct look *looks;
    uint32_t n_looks, room_looks;
    struct node *root;
    struct node **groups; /* by number; NULL: still open */
    uint32_t n_groups;
    struct machine *finder;     /* of the root, beginning anywhere */
    const struct eval_env *env; /* of the present search; NULL: there is none */
    uint64_t work;              /* of the present search */
    uint64_t turn_at;           /* when it amounts to this, others have their turn */
    status ended;               /* why the search does not go on; OK: it does */
    uint8_t ascii_kinds[128];
    uint64_t ascii_signs[128];
};

/* Fills root, sets, looks, groups. *ret_why: PostgreSQL's reason when it fails with INVALID. */
status regex_parse(struct regex *, const char *pattern, size_t len, const char **ret_why);

/* Of a boundary between characters: what stands on a side of it. */
enum char_kind { KIND_NONE, KIND_NEWLINE, KIND_WORD, KIND_OTHER };

/* NULL: no memory, or *ret_big. */
struct machine *machine_new(struct regex *, const struct node *, bool anywhere, bool *ret_big);

enum seek { SEEK_LONGEST, SEEK_SHORTEST };
/* The end of a match from `from` on, min_end to max_end; false: none. */
bool machine_run(struct machine *, const struct regex_text *, size_t from, size_t min_end,
                 size_t max_end, enum seek, size_t *ret_end);
#define REGEX_WORK_MAX UINT64_C(400000000)

/* Whether the search may go on. Others may run meanwhile. */
bool regex_turn(struct regex *);
static inline bool regex_goes_on(struct regex *r) {
    return r->work < r->turn_at || regex_turn(r);
}

static inline uint32_t regex_char(const struct regex_text *t, size_t at) {
    return t->chars ? t->chars[at] : (uint8_t)t->bytes[at];
}

#endif
