#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "axl.h"
#include "ipc_control.h"
#include "ipc_proc.h"
#include "ipc_region.h"
#include "ipc_version.h"
#include "leftovers.h"

static const struct word {
    const char *name;
    int (*run)(struct axl *a);
    const char *arguments;
    const char *text;
} words[] = {
    {"init", axl_init,
     "[--encrypt --key-file FILE | --encrypt --key-command COMMAND] [--set NAME=VALUE]",
     "make the directory, its settings file and empty data"},
    {"start", axl_start, "[--port N] [--workers N] [--pool SIZE] [--set NAME=VALUE] [--foreground]",
     "start the appliance; returns when it serves"},
    {"stop", axl_stop, "[--immediate]", "stop it; at once means that the next start recovers"},
    {"status", axl_status, "[--json]",
     "what runs and how it is; exit status 0 healthy, 1 degraded, 2 down"},
    {"restart", axl_restart, "NAME",
     "end one process and start it again; a worker hands its sessions over first"},
    {"upgrade", axl_upgrade, "--from DIR",
     "exchange its programs for those in DIR while it runs, or go back"},
    {"rotate-key", axl_rotate_key,
     "[--wait] | --status [--json] | --key-file FILE | --key-command COMMAND",
     "let a new key seal encrypted data from now on, and what older ones sealed be sealed anew; or "
     "another master key open them, and the one before no longer"},
    {"checkpoint", axl_checkpoint, "", "write everything to the data file now"},
    {"pool", axl_pool, "[SIZE]",
     "how large the pool is; or let it be so large from now on, until the next start"},
    {"config", axl_config, "[--json]", "every setting and where its value comes from"},
    {"logs", axl_logs, "[-n LINES] [NAME]", "the newest lines of the processes' log files"},
    {"events", axl_events, "[--json] [--follow] [-n N]",
     "what happened to its processes: deaths, repairs, hand-overs, upgrades"},
    {"quarantine", axl_quarantine, "[list [--json] | release FINGERPRINT]",
     "statements that have ended their workers"},
    {"fault", axl_fault, "[NAME kill|crash|abort|hang|pause [--after N] [--in PROCESS] | off]",
     "for tests: make a process die at a chosen point"},
    {"backup", axl_backup,
     "TO | s3://BUCKET/PREFIX | --stream [--since BACKUP] | --verify BACKUP | --receive TO | "
     "--prune PLACE [PLACE …] [--archive DIR | s3://…] [--retention TIME] [--dry-run]",
     "copy everything to a directory or to standard output while it runs, or what has changed "
     "since another backup; make a directory of such a stream; remove backups and archived log "
     "that nothing within the retention needs"},
    {"restore", axl_restore,
     "BACKUP [BACKUP …] [-] [--online [--rate PAGES]] [--encrypt] [--key-file FILE | --key-command "
     "COMMAND] [--old-key-file FILE] [--archive DIR | s3://…] [--to-lsn LSN | --to-time "
     "'YYYY-MM-DD HH:MM:SS[Z]']",
     "make the directory from a backup and those since it (-: a stream on standard input), and go "
     "on "
     "by the archived log"},
    {"archive", axl_archive, "--to s3://BUCKET/PREFIX [--from DIR] [--keep N] [--follow]",
     "send the archived log to an S3 endpoint, once or on and on; the newest N segments stay here, "
     "too"},
    {"verify", axl_verify, "[--json] [--key-file FILE | --key-command COMMAND]",
     "is what a stopped or dead appliance has left whole? exit status 0 yes, 1 no, 2 not judged"},
    {"inspect", axl_inspect,
     "page N | log [FROM [TO]] | tree TABLE | region NAME  [--json] [--key-file FILE | "
     "--key-command COMMAND]",
     "the bytes of a stopped or dead appliance (region: of a running one, too) made readable"},
    {"trace", axl_trace, "WHAT …", "watch the running appliance (commit)"},
};

static int usage(void) {
    fprintf(stderr,
            "usage: axl WORD -D DIR [options]      (DIR may also stand in AXOLOTL_DIR)\n\n");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        fprintf(stderr, "  %-10s %s\n             %s\n", words[i].name, words[i].text,
                words[i].arguments);
    }
    return 2;
}

int axl_fail(const struct axl *a) {
    fprintf(stderr, "axl: %s\n", a->e.message);
    if (a->e.hint[0]) fprintf(stderr, "     %s\n", a->e.hint);
    return 1;
}

static void take_out(struct axl *a, int at, int n) {
    for (int i = at; i + n <= a->argc; i++) a->argv[i] = a->argv[i + n];
    a->argc -= n;
}

bool axl_option(struct axl *a, const char *word, const char **ret_value) {
    for (int i = 0; i < a->argc; i++) {
        if (strcmp(a->argv[i], word) != 0) continue;
        if (!ret_value) {
            take_out(a, i, 1);
            return true;
        }
        if (i + 1 >= a->argc) {
            status_ignore(error_set(&a->e, ST_INVALID_PARAMETER_VALUE, /* axl_done says it */
                                    "%s needs a value", word));
            take_out(a, i, 1);
            return false;
        }
        *ret_value = a->argv[i + 1];
        take_out(a, i, 2);
        return true;
    }
    return false;
}

const char *axl_argument(struct axl *a) {
    if (a->argc == 0 || a->argv[0][0] == '-') return NULL;
    const char *argument = a->argv[0];
    take_out(a, 0, 1);
    return argument;
}

uint64_t axl_number(struct axl *a, const char *text, uint64_t otherwise) {
    if (!text) return otherwise;
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    bool good = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
    if (!good && ok(a->e.status))
        status_ignore(error_set(&a->e, ST_INVALID_PARAMETER_VALUE, /* axl_done says it */
                                "\"%s\" is not a number", text));
    return number;
}

bool axl_done(struct axl *a) {
    if (ok(a->e.status) && a->argc > 0) {
        status_ignore(error_set(&a->e, ST_INVALID_PARAMETER_VALUE, "unknown argument \"%s\"",
                                a->argv[0])); /* said by the caller */
    }
    return ok(a->e.status);
}

static status does_not_run(struct axl *a) {
    return error_set(&a->e, ST_NOT_FOUND, "the appliance in \"%s\" does not run", a->dir);
}

status axl_attach(struct axl *a, struct shm *ret_shm, char ret_region[32]) {
    uint64_t id;
    TRY(appliance_id_read(a->dir, &id, &a->e));
    region_name_of(id, ret_region);
    status s = region_attach_all(ret_region, ret_shm, &a->e);
    if (status_is(s, ST_NOT_FOUND)) {
        error_clear(&a->e);
        return does_not_run(a);
    }
    return s;
}

status axl_ask(struct axl *a, const char *process, json_t *request, unsigned deadline_ms,
               json_t **ret_reply) {
    struct shm shm;
    char region[REGION_NAME_BYTES];
    status s = control_ask(a->dir, process, request, deadline_ms, ret_reply, &a->e);
    if (!status_is(s, ST_DEAD)) return s;
    struct error silent = a->e;
    error_clear(&a->e);
    TRY(axl_attach(a, &shm, region));
    unsigned alive = leftovers_count(&shm);
    region_detach_all(&shm);
    return alive == 0 ? does_not_run(a) : error_repeat(&a->e, &silent);
}

static void find_programs(struct axl *a) {
    char self[AXL_PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) return;
    self[n] = '\0';
    snprintf(a->programs, sizeof a->programs, "%s", dirname(self));
}

int main(int argc, char **argv) {
    static struct axl a;
    const struct word *word = NULL;
    if (argc == 2 && version_asked(argc, argv, "axl")) return 0;
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].name, argv[1]) == 0) word = &words[i];
    }
    if (!word) return usage();
    a.argc = argc - 2;
    a.argv = argv + 2;
    find_programs(&a);
    const char *dir = getenv("AXOLOTL_DIR"), *programs = NULL;
    (void)axl_option(&a, "-D", &dir);
    if (axl_option(&a, "--programs", &programs)) {
        snprintf(a.programs, sizeof a.programs, "%s", programs);
    }
    if (!ok(a.e.status)) return axl_fail(&a);
    if (!dir) {
        fprintf(stderr, "axl: which appliance? (-D DIR)\n");
        return 2;
    }
    char real[4096];
    const char *path = realpath(dir, real) ? real : dir;
    if (strlen(path) >= 480) {
        fprintf(stderr, "axl: the directory's name is too long\n");
        return 2;
    }
    strcpy(a.dir, path);
    return word->run(&a);
}
