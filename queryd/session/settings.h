/* settings.h: what SET, SHOW and RESET know (settings.def), per session.
 *
 * A value is kept as SHOW prints it. Values that a transaction set come back when it rolls back,
 * those of SET LOCAL at its end. */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include "base/error.h"

struct session;

enum setting {
#define X(name, ...) SETTING_##name,
#include "session/settings.def"
#undef X
    SETTING_COUNT, /* the first of a session's own, "a.b", are from here */
    SETTINGS_CUSTOM_MAX = 64,
    SETTING_MAX = SETTING_COUNT + SETTINGS_CUSTOM_MAX,
    SETTING_NONE = SETTING_MAX
};

enum setting_kind {
    SETTING_BOOL,
    SETTING_INT,
    SETTING_MS,
    SETTING_S,
    SETTING_KB,
    SETTING_PAGES, /* 8 kB */
    SETTING_MB,
    SETTING_BYTES,
    SETTING_REAL,
    SETTING_TEXT,
    SETTING_ENUM,
    SETTING_KIND_LAST = SETTING_ENUM
};

struct saved_setting {
    enum setting setting;
    char *value; /* before; NULL: the start value */
    bool local;
};

struct setting_values {
    char *value[SETTING_MAX];      /* heap; NULL: the start value */
    char *start[SETTING_MAX];      /* heap: from the start-up packet or the server's settings; NULL:
                                      the default */
    bool from_client[SETTING_MAX]; /* start is from the start-up packet */
    char *custom[SETTINGS_CUSTOM_MAX]; /* heap: names of the session's own */
    uint32_t ncustom;
    struct saved_setting *saved; /* what the transaction replaced, oldest first */
    uint32_t nsaved, saved_cap;
};

/* Settings are 0 … setting_count - 1. */
unsigned setting_count(const struct session *s);
enum setting setting_find(const struct session *s, const char *name); /* any case; SETTING_NONE */
const char *setting_name(const struct session *s, enum setting v);
bool setting_reported(enum setting v);
const char *setting_show(const struct session *s, enum setting v);
const char *setting_reset_value(const struct session *s, enum setting v);
/* Left out where all settings are listed, as a session's own are. */
bool setting_hidden(enum setting v);
/* Checks, normalises and takes effect. value NULL: the start value. local: until the transaction
 * ends. Errors as PostgreSQL's. */
status setting_set(struct session *s, const char *name, const char *value, bool local);
/* What a SET would set, without setting it: *ret_value on the heap; value NULL: none. */
status setting_check(struct session *s, const char *name, const char *value, const char **ret_name,
                     char **ret_value);
/* Becomes the value that RESET goes back to. The second for what the client's start-up packet says,
 * which may not change everything. */
status setting_set_start(struct session *s, const char *name, const char *value);
status setting_set_start_client(struct session *s, const char *name, const char *value);
/* What clients may not set, with the transaction as their settings; value NULL: its default. */
status setting_set_hidden(struct session *s, enum setting v, const char *value);
/* The value of a setting of the server's own changes: the client is told. Unchanged when memory is
 * short. */
void setting_set_internal(struct session *s, enum setting v, const char *value);
/* A start value that needs no check, on the heap: taken over, and remembered in the slot. */
void setting_start_given(struct session *s, enum setting v, char *value);
/* The client or an ALTER ROLE … SET gave a start value. */
bool setting_is_given(const struct session *s, enum setting v);
/* Start values from the server's configuration; makes all take effect. */
status settings_init(struct session *s);
/* What the slot remembers of a session that is taken up. INVALID, OUT_OF_MEMORY. */
status settings_restore(struct session *s);
/* Gives the statement environment its way to settings (catalog/sql_env.h). */
struct sql_env;
void settings_serve(struct sql_env *env);
/* sql_env.explain_settings. */
struct list;
status settings_explain(struct sql_env *env, const struct list **ret);
void settings_free(struct session *s);
void settings_reset_all(struct session *s);
/* The end of a transaction, or (keep > 0) of what came after a savepoint. */
void settings_commit(struct session *s);
void settings_rollback(struct session *s, uint32_t keep);

#endif
