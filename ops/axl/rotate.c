/* rotate.c: axl rotate-key: other keys for encrypted data, while the appliance runs. */
#include <stdio.h>

#include "axl.h"
#include "ipc_control.h"
#include "keys.h"

/* Until the settings name the new key, the old one opens the data, too: whatever ends in between,
 * what the settings name opens them. */
static status exchange_master(struct axl *a, struct axl_keys *k) {
    json_t *request = json_pack("{s:s, s:s, s:s}", "op", "rotate_master", "file",
                                k->file ? k->file : "", "command", k->command ? k->command : "");
    TRY(axl_run_job(a, request));
    TRY(axl_keys_note(a, k));
    return axl_run_job(a, json_pack("{s:s}", "op", "settle_master"));
}

int axl_rotate_key(struct axl *a) {
    static struct axl_keys k;
    if (!ok(axl_keys_options(a, &k)) || !axl_done(a)) return axl_fail(a);
    if (!k.file == !k.command) {
        fprintf(stderr,
                "axl: rotate-key to which key? (--key-file FILE or --key-command COMMAND)\n");
        return 2;
    }
    if (!ok(exchange_master(a, &k))) return axl_fail(a);
    printf("The new key opens the data, the one before no longer.\n"
           "Backups made before it open by the key of their time: keep that one with them.\n");
    return 0;
}
