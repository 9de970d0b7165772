/* settings_private.h: what the files about settings share. */
#ifndef SESSION_SETTINGS_PRIVATE_H
#define SESSION_SETTINGS_PRIVATE_H

#include "session/session_private.h"
#include "session/settings.h"
#include "types/tz.h"

/* A line of settings.def. */
struct setting_info {
    const char *name;
    enum setting_kind kind;
    const char *preset;
    const char *flags;
    const char *range;
    const char *context;  /* who may set it and when: pg_settings' word */
    const char *category; /* ... likewise */
};

const struct setting_info *setting_info(enum setting v);
/* INVALID_PARAMETER_VALUE with words, always. */
status setting_invalid(struct session *s, const struct setting_info *v, const char *value);

enum number_verdict { NUMBER_GOOD, NUMBER_BAD, NUMBER_BAD_UNIT };
enum number_verdict setting_parse_number(const char *text, enum setting_kind kind,
                                         double *ret_value);
const char *setting_unit(enum setting_kind kind); /* the base unit; NULL: none */
/* The number as SHOW prints it, in *ret, on the heap. */
status setting_check_number(struct session *s, const struct setting_info *v, const char *value,
                            char **ret);

/* Of every kind: what SHOW prints of the value, in *ret, on the heap; NULL there: memory is short.
 */
status setting_check_value(struct session *s, enum setting v, const char *value, char **ret);
/* Whether the word of a DateStyle is a style, or an order. */
bool setting_date_style_word(const char *word, enum date_style *ret);
bool setting_date_order_word(const char *word, enum date_order *ret);
/* A zone as it is set: a number is hours to the east; else as tz_find. NOT_FOUND. */
status setting_find_zone(const char *value, const struct tz **ret);

/* What setting_show says now is what the session, its statements and the client go by. */
void setting_take_effect(struct session *s, enum setting v);

#endif
