/* conf.h: the settings: their values, where each comes from, and what is allowed.
 *
 * The list is settings.def. Values come from three places, later ones win: the default, the file
 * axolotl.conf of the data directory ("name = value" lines, # begins a comment; a value with
 * blanks, commas or quotes stands in quotes), the command line. A struct conf is plain memory. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include <stddef.h>
#include <stdio.h>

#include "base/error.h"

#define CONF_TEXT_BYTES 256
#define CONF_CHOICE_BYTES 32
#define CONF_FILE_NAME "axolotl.conf"

enum conf_type { CONF_BOOL, CONF_INT, CONF_BYTES, CONF_MS, CONF_TEXT, CONF_CHOICE };

enum conf_id {
#define X(name, ...) CONF_ID_##name,
#include "conf/settings.def"
#undef X
    CONF_COUNT
};

enum conf_from { CONF_FROM_DEFAULT, CONF_FROM_FILE, CONF_FROM_COMMAND_LINE };

typedef bool conf_field_BOOL;
typedef int64_t conf_field_INT;
typedef uint64_t conf_field_BYTES;
typedef uint64_t conf_field_MS; /* milliseconds */
typedef char conf_field_TEXT[CONF_TEXT_BYTES];
typedef char conf_field_CHOICE[CONF_CHOICE_BYTES];

struct conf {
#define X(name, type, ...) conf_field_##type name;
#include "conf/settings.def"
#undef X
    struct conf_origin {
        uint8_t from; /* enum conf_from */
        int line;     /* in the file */
    } origin[CONF_COUNT];
    char file[CONF_TEXT_BYTES]; /* the file read; empty: none */
};

enum conf_when { CONF_AT_ONCE, CONF_AT_START, CONF_AT_MAKING };

/* What the list says about a setting. */
struct conf_setting {
    const char *name;
    enum conf_type type;
    const char *preset; /* the default, as text */
    const char *min;    /* as text; of a CHOICE: what is allowed, separated by | */
    const char *max;
    enum conf_when when; /* a change has effect */
    const char *text;
    size_t offset; /* of its field in struct conf */
};
const struct conf_setting *conf_setting(enum conf_id id);
/* By name, in any case of letters; CONF_COUNT: no such setting. */
enum conf_id conf_find(const char *name);

/* All defaults. */
void conf_init(struct conf *c);

/* The file's values over the present ones. NOT_FOUND: no such file. CONFIG_FILE_ERROR: the message
 * names file, line, setting and the allowed range; c is then unchanged. */
status conf_load(struct conf *c, const char *path, struct error *e);

/* One value from the command line. UNDEFINED_OBJECT, INVALID_PARAMETER_VALUE; c then unchanged. */
status conf_set(struct conf *c, const char *name, const char *value, struct error *e);

/* The same of "NAME=VALUE". Unless making, a setting that is chosen when an appliance is made is
 * INVALID_PARAMETER_VALUE. */
status conf_set_text(struct conf *c, const char *text, bool making, struct error *e);

/* The value as it could stand in the file ("128MB", "5min"); into ret_text of CONF_TEXT_BYTES. */
void conf_show(const struct conf *c, enum conf_id id, char *ret_text);
/* "default", "command line" or "/dir/axolotl.conf:12"; ret_text as above. */
void conf_source(const struct conf *c, enum conf_id id, char *ret_text);
/* "1 … 65535", "uring, plain"; empty: anything. */
void conf_range(enum conf_id id, char *ret_text);

/* A file with every setting and its meaning; commented out but for those that c has from the
 * command line. */
void conf_write_file(FILE *f, const struct conf *c);

#endif
