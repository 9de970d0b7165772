/* rotate.c: axl rotate-key: other keys for encrypted data, while the appliance runs. */
#include <stdio.h>

#include "axl.h"
#include "keys.h"

#define ASK_MS 5000
#define LOOK_MS 50

/* Until the settings name the new key, the old one opens the data, too: whatever ends in between,
 * what the settings name opens them. */
static status exchange_master(struct axl *a, struct axl_keys *k) {
    json_t *request = json_pack("{s:s, s:s, s:s}", "op", "rotate_master", "file",
                                k->file ? k->file : "", "command", k->command ? k->command : "");
    TRY(axl_run_job(a, request));
    TRY(axl_keys_note(a, k));
    return axl_run_job(a, json_pack("{s:s}", "op", "settle_master"));
}

static int master_key(struct axl *a, struct axl_keys *k) {
    if (k->file && k->command) {
        fprintf(stderr, "axl: a key comes from a file or from a command, not from both\n");
        return 2;
    }
    if (!ok(exchange_master(a, k))) return axl_fail(a);
    printf("The new key opens the data, the one before no longer.\n"
           "Backups made before it open by the key of their time: keep that one with them.\n");
    return 0;
}

static status look(struct axl *a, json_t **ret_reply) {
    return axl_ask(a, "supervisor", json_pack("{s:s}", "op", "rotate_look"), ASK_MS, ret_reply);
}

static int number(const json_t *reply, const char *key) {
    return (int)json_integer_value(json_object_get(reply, key));
}

static void say_use(const json_t *reply, const char *process, const char *what) {
    const json_t *use = json_object_get(reply, process);
    int oldest = number(use, "oldest");
    printf("%s: sealed by key %d", what, number(use, "seals"));
    if (oldest != number(use, "seals"))
        printf(", some by older ones; looked at up to %" JSON_INTEGER_FORMAT,
               json_integer_value(json_object_get(use, "looked")));
    printf("\n");
}

static int tell(struct axl *a, bool json) {
    json_t *reply;
    if (!ok(look(a, &reply))) return axl_fail(a);
    if (json) {
        json_dumpf(reply, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
        printf("\n");
    } else {
        printf("data key %d; %d in the file of keys\n", number(reply, "current"),
               number(reply, "keys"));
        say_use(reply, "storaged", "pages");
        say_use(reply, "logd", "log");
    }
    json_decref(reply);
    return 0;
}

static status wait_until_alone(struct axl *a) {
    for (int keys = 2; keys > 1;) {
        json_t *reply;
        axl_pause_ms(LOOK_MS);
        TRY(look(a, &reply));
        keys = number(reply, "keys");
        json_decref(reply);
    }
    return OK;
}

static int data_key(struct axl *a, bool wait) {
    if (!ok(axl_run_job(a, json_pack("{s:s}", "op", "rotate_data")))) return axl_fail(a);
    if (!wait) {
        printf("A new data key seals what is written from now on; the rest is sealed anew in the "
               "background.\n");
        return 0;
    }
    if (!ok(wait_until_alone(a))) return axl_fail(a);
    printf("Everything is sealed by the new data key; the ones before are given up.\n");
    return 0;
}

int axl_rotate_key(struct axl *a) {
    static struct axl_keys k;
    bool wait = axl_option(a, "--wait", NULL), show = axl_option(a, "--status", NULL);
    bool json = axl_option(a, "--json", NULL);
    if (!ok(axl_keys_options(a, &k)) || !axl_done(a)) return axl_fail(a);
    if (show) return tell(a, json);
    return k.file || k.command ? master_key(a, &k) : data_key(a, wait);
}
