/* The settings that EXPLAIN tells. */
#include <string.h>
#include <strings.h>

#include "plan/explain.h"
#include "session/settings_private.h"

static bool is_told(const struct session *s, enum setting v) {
    const struct setting_info *info = setting_info(v);
    return strchr(info->flags, 'E') && strcmp(setting_show(s, v), info->preset) != 0;
}

/* In the order of their names, which is that of settings.def. */
status settings_explain(struct sql_env *env, const struct list **ret) {
    const struct session *s = env->session;
    struct arena *a = env->eval.arena;
    struct list *told = NULL;
    for (unsigned v = 0; v < SETTING_COUNT; v++) {
        if (!is_told(s, v)) continue;
        struct explain_setting *e = arena_alloc(a, sizeof *e);
        if (!e) return STATUS(OUT_OF_MEMORY);
        *e = (struct explain_setting){setting_name(s, v), arena_strdup(a, setting_show(s, v))};
        if (!e->value) return STATUS(OUT_OF_MEMORY);
        TRY(list_append(a, &told, e));
    }
    *ret = told;
    return OK;
}
