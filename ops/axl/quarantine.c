/* quarantine.c: axl quarantine: statements that have ended their workers. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define ASK_MS 5000

static int list(struct axl *a, bool json) {
    struct shm shm;
    char region[32];
    if (!ok(axl_attach(a, &shm, region))) return axl_fail(a);
    json_t *all = json_array();
    uint64_t now = clock_wall_ns();
    for (uint32_t i = 0; i < QUARANTINE_ENTRIES; i++) {
        struct quarantined q;
        char fingerprint[32];
        if (!quarantine_get(&shm.control->quarantine, i, &q)) continue;
        snprintf(fingerprint, sizeof fingerprint, "%016" PRIx64, q.fingerprint);
        json_int_t age =
            now > q.last_wall_ns ? (json_int_t)((now - q.last_wall_ns) / 1000000000u) : 0;
        json_t *text = json_string(q.text); /* NULL: cut in the middle of a character */
        json_array_append_new(all, json_pack("{s:s, s:I, s:b, s:I, s:o}", "fingerprint",
                                             fingerprint, "deaths", (json_int_t)q.deaths, "refused",
                                             (int)(q.deaths >= QUARANTINE_DEATHS), "last_death_s",
                                             age, "statement", text ? text : json_string("?")));
        if (!json) {
            printf("%s  %u deaths, the last %lld s ago%s  %s\n", fingerprint, q.deaths,
                   (long long)age, q.deaths >= QUARANTINE_DEATHS ? ", refused" : "", q.text);
        }
    }
    if (json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        printf("\n");
    } else if (json_array_size(all) == 0) {
        printf("No statement has ended its worker.\n");
    }
    json_decref(all);
    region_detach_all(&shm);
    return 0;
}

static int release(struct axl *a, const char *fingerprint) {
    json_t *request = json_pack("{s:s, s:s}", "op", "release", "fingerprint", fingerprint);
    if (!ok(axl_ask(a, "supervisor", request, ASK_MS, NULL))) return axl_fail(a);
    printf("Released.\n");
    return 0;
}

int axl_quarantine(struct axl *a) {
    bool json = axl_option(a, "--json", NULL);
    const char *word = axl_argument(a), *fingerprint = NULL;
    bool releases = word && strcmp(word, "release") == 0;
    if (releases) fingerprint = axl_argument(a);
    if (!axl_done(a)) return axl_fail(a);
    if (releases && fingerprint) return release(a, fingerprint);
    if (!word || strcmp(word, "list") == 0) return list(a, json);
    fprintf(stderr, "axl: quarantine list, or quarantine release FINGERPRINT\n");
    return 2;
}
