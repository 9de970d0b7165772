/* words.c: axl restart, checkpoint, config, logs, trace. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axl.h"
#include "base/control.h"
#include "ipc_control.h"
#include "ipc_proc.h"
#include "ipc_region.h"

#define ASK_MS 5000
#define RESTART_WAIT_NS 60000000000u
#define LINES_SHOWN 20 /* of a log file */
#define TAIL_BYTES 65536

void axl_pause_ms(long ms) {
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

int axl_restart(struct axl *a) {
    struct shm shm;
    char region[32];
    const char *name = a->argc == 1 ? a->argv[0] : NULL;
    if (!name) {
        fprintf(stderr, "axl: restart needs the name of one process\n");
        return 2;
    }
    if (!ok(axl_attach(a, &shm, region))) return axl_fail(a);
    uint16_t slot = proc_slot_of(name);
    uint32_t before = slot < PROC_SLOTS ? atomic_load(&shm.control->procs[slot].epoch) : 0;
    json_t *request = json_pack("{s:s, s:s}", "op", "restart", "name", name);
    status s = axl_ask(a, "supervisor", request, ASK_MS, NULL);
    uint64_t begin = clock_mono_ns();
    bool ready = false;
    while (ok(s) && !ready && clock_mono_ns() - begin < RESTART_WAIT_NS) {
        const struct proc_entry *entry = &shm.control->procs[slot];
        ready = atomic_load(&entry->epoch) != before && atomic_load(&entry->state) == PROC_READY;
        if (!ready) axl_pause_ms(5);
    }
    region_detach_all(&shm);
    if (!ok(s)) return axl_fail(a);
    if (!ready) {
        fprintf(stderr, "axl: %s is not ready again\n", name);
        return 1;
    }
    printf("%s is ready again after %.0f ms.\n", name, (double)(clock_mono_ns() - begin) / 1e6);
    return 0;
}

status axl_run_job(struct axl *a, json_t *request) {
    json_t *reply = NULL;
    TRY(axl_ask(a, "supervisor", request, ASK_MS, &reply));
    json_int_t job = json_integer_value(json_object_get(reply, "job"));
    json_decref(reply);
    for (bool done = false; !done;) {
        axl_pause_ms(10);
        TRY(axl_ask(a, "supervisor", json_pack("{s:s, s:I}", "op", "job", "job", job), ASK_MS,
                    &reply));
        done = json_is_true(json_object_get(reply, "done"));
        json_decref(reply);
    }
    return OK;
}

status axl_make_checkpoint(struct axl *a) {
    return axl_run_job(a, json_pack("{s:s}", "op", "checkpoint"));
}

int axl_checkpoint(struct axl *a) {
    if (!axl_done(a) || !ok(axl_make_checkpoint(a))) return axl_fail(a);
    printf("Checkpoint complete.\n");
    return 0;
}

/* --- config ------------------------------------------------------------------------------------
 */

/* Of the running appliance, as its supervisor has it; else of the file. */
static json_t *settings_of(struct axl *a) {
    json_t *reply = NULL;
    struct error none = {0};
    if (ok(control_ask(a->dir, "supervisor", json_pack("{s:s}", "op", "config"), 1000, &reply,
                       &none))) {
        json_t *list = json_incref(json_object_get(reply, "settings"));
        json_decref(reply);
        return list;
    }
    struct conf c;
    char path[AXL_PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, a->dir);
    conf_init(&c);
    if (!ok(conf_load(&c, path, &a->e))) return NULL;
    return control_config(&c);
}

int axl_config(struct axl *a) {
    bool json = axl_option(a, "--json", NULL);
    if (!axl_done(a)) return axl_fail(a);
    json_t *list = settings_of(a);
    if (!list) return axl_fail(a);
    if (json) {
        json_dumpf(list, stdout, JSON_INDENT(2));
        printf("\n");
    } else {
        size_t i;
        json_t *s;
        json_array_foreach(list, i, s) {
            const char *name, *value, *source;
            if (json_unpack(s, "{s:s, s:s, s:s}", "name", &name, "value", &value, "source",
                            &source) == 0) {
                printf("%-38s %-22s %s\n", name, value, source);
            }
        }
    }
    json_decref(list);
    return 0;
}

/* --- logs --------------------------------------------------------------------------------------
 */

void axl_tail(const struct axl *a, const char *name, uint64_t lines, bool titled) {
    char path[AXL_PATH_BYTES + 64];
    static char text[TAIL_BYTES + 1];
    snprintf(path, sizeof path, "%s/log-files/%s.log", a->dir, name);
    FILE *f = fopen(path, "re");
    if (!f) return;
    struct stat st;
    if (fstat(fileno(f), &st) == 0 && st.st_size > TAIL_BYTES) {
        fseek(f, -(long)TAIL_BYTES, SEEK_END);
    }
    size_t n = fread(text, 1, TAIL_BYTES, f);
    fclose(f);
    size_t at = n;
    if (at > 0 && text[at - 1] == '\n') at--;
    for (uint64_t seen = 0; at > 0; at--) {
        if (text[at - 1] == '\n' && ++seen == lines) break;
    }
    if (n == at) return;
    FILE *out = titled ? stderr : stdout;
    if (titled) fprintf(out, "--- %s\n", path);
    fwrite(text + at, 1, n - at, out);
    if (text[n - 1] != '\n') fputc('\n', out);
}

int axl_logs(struct axl *a) {
    const char *value = NULL;
    (void)axl_option(a, "-n", &value);
    uint64_t lines = axl_number(a, value, LINES_SHOWN);
    const char *name = a->argc > 0 ? a->argv[0] : NULL;
    if (name) {
        a->argc--;
        a->argv++;
        if (proc_slot_of(name) == PROC_SLOTS) {
            fprintf(stderr, "axl: there is no process \"%s\"\n", name);
            return 1;
        }
    }
    if (!axl_done(a)) return axl_fail(a);
    for (uint16_t slot = 0; slot < PROC_SLOTS; slot++) {
        char its[PROC_NAME_BYTES];
        proc_slot_name(slot, its);
        if (name && strcmp(name, its) != 0) continue;
        if (!name) {
            char path[AXL_PATH_BYTES + 64];
            snprintf(path, sizeof path, "%s/log-files/%s.log", a->dir, its);
            if (access(path, R_OK) != 0) continue;
            printf("--- %s\n", its);
        }
        axl_tail(a, its, lines, false);
    }
    return 0;
}

#define TRACE_NOT_POSSIBLE 77 /* as the tools themselves say where the kernel does not allow it */

/* The tools that watch from outside are programs of their own, built only where BPF is there. */
int axl_trace(struct axl *a) {
    if (a->argc < 1) {
        fprintf(stderr, "axl: trace what? (commit)\n");
        return 2;
    }
    char program[AXL_PATH_BYTES + 64];
    snprintf(program, sizeof program, "%s/axl_trace_%s", a->programs, a->argv[0]);
    char *argv[64] = {program, "-D", a->dir};
    for (int i = 1; i < a->argc && i < 60; i++) argv[i + 2] = a->argv[i];
    execv(program, argv);
    if (strcmp(a->argv[0], "commit") != 0) {
        fprintf(stderr, "axl: there is no trace \"%s\" (commit)\n", a->argv[0]);
        return 2;
    }
    fprintf(stderr, "axl: %s: %s (built only where clang, bpftool and libbpf are)\n", program,
            strerror(errno));
    return TRACE_NOT_POSSIBLE;
}
