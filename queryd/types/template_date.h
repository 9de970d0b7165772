/* template_date.h: the patterns of dates and times, for writing and for reading; inside types only.
 */
#ifndef TYPES_TEMPLATE_DATE_H
#define TYPES_TEMPLATE_DATE_H

#include "types/datetime.h"
#include "types/template.h"

enum date_pattern {
    DP_AD,
    DP_AD_LOWER,
    DP_AD_DOTS,
    DP_AD_DOTS_LOWER,
    DP_AM,
    DP_AM_LOWER,
    DP_AM_DOTS,
    DP_AM_DOTS_LOWER,
    DP_CC,
    DP_DAY_UPPER,
    DP_DAY,
    DP_DAY_LOWER,
    DP_DY_UPPER,
    DP_DY,
    DP_DY_LOWER,
    DP_DDD,
    DP_DD,
    DP_D,
    DP_FF1,
    DP_FF2,
    DP_FF3,
    DP_FF4,
    DP_FF5,
    DP_FF6,
    DP_FX,
    DP_HH24,
    DP_HH12,
    DP_IDDD,
    DP_ID,
    DP_IW,
    DP_IYYY,
    DP_IYY,
    DP_IY,
    DP_I,
    DP_J,
    DP_MI,
    DP_MM,
    DP_MONTH_UPPER,
    DP_MONTH,
    DP_MONTH_LOWER,
    DP_MON_UPPER,
    DP_MON,
    DP_MON_LOWER,
    DP_MS,
    DP_OF,
    DP_Q,
    DP_RM,
    DP_RM_LOWER,
    DP_SSSS,
    DP_SS,
    DP_TZH,
    DP_TZM,
    DP_TZ,
    DP_TZ_LOWER,
    DP_US,
    DP_WW,
    DP_W,
    DP_Y_YYY,
    DP_YYYY,
    DP_YYY,
    DP_YY,
    DP_Y,
};

/* NULL-terminated; upper-case first letters. */
extern const char *const date_months[13];
extern const char *const date_months_short[13];
extern const char *const date_days[8];
extern const char *const date_days_short[8];
extern const char *const date_months_roman[13]; /* XII … I */

status template_parse_date(const struct eval_env *env, const struct varlena *text,
                           struct template *ret);

#endif
