/* rotate.c: other keys take the place of those in use, while everything runs.
 *
 * The master key, asked for in two requests, with the settings changed in between:
 *
 *     rotate_master   every data key is wrapped by the new one, too: either opens them
 *     (axolotl.conf names the new one)
 *     settle_master   if what the settings name now opens the file, nothing else does any more
 *
 * Whatever dies in between, the settings name a key that opens the file. */
#include <stdlib.h>
#include <string.h>

#include "backup/archive_keys.h"
#include "supervisor.h"

/* A request that takes its time: a command may have to be run. */
struct rotation {
    struct supervisor *s;
    struct job *j;
    char file[CONF_TEXT_BYTES], command[CONF_TEXT_BYTES]; /* of the new master key */
    struct error e;
};

static void wait_in_loop(void *daemon, uint64_t ns) {
    daemon_sleep(daemon, ns);
}

static struct master_source patient(struct supervisor *s, const char *file, const char *command) {
    return (struct master_source){
        .file = file, .command = command, .wait = wait_in_loop, .arg = &s->d};
}

/* What the file of keys is to be from now on. */
static status replace(struct supervisor *s, struct key_file *next, struct error *e) {
    status st = key_file_write(s->dir, next);
    if (!ok(st))
        return error_set(e, st.code, "\"%s/" KEY_FILE_NAME "\" cannot be written: %s", s->dir,
                         status_name(st));
    s->keys.file = *next;
    return OK;
}

/* ---- the master key -------------------------------------------------------------------------- */

static status exchange(struct supervisor *s, const unsigned char *master, const unsigned char *next,
                       struct error *e) {
    struct key_file file = s->keys.file;
    if (memcmp(master, next, CRYPT_KEY_BYTES) == 0)
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "that is the key already in use");
    status st = key_file_exchange(&file, master, next);
    if (ok(st) && s->conf.archive_directory[0])
        st = backup_archive_keys_exchange(s->conf.archive_directory, file.database, master, next);
    if (!ok(st))
        return error_set(e, st.code, "the keys cannot be wrapped by the new one: %s",
                         status_name(st));
    return replace(s, &file, e);
}

static status rotate_master(struct rotation *r) {
    struct supervisor *s = r->s;
    unsigned char master[CRYPT_KEY_BYTES], next[CRYPT_KEY_BYTES];
    struct master_source now =
        patient(s, s->conf.encryption_key_file, s->conf.encryption_key_command);
    struct master_source then = patient(s, r->file, r->command);
    status st = master_read(&now, master, &r->e);
    if (ok(st)) st = master_read(&then, next, &r->e);
    if (ok(st)) st = exchange(s, master, next, &r->e);
    crypt_wipe(master, sizeof master);
    crypt_wipe(next, sizeof next);
    return st;
}

/* What the settings of the file name. */
static status read_settings(struct rotation *r) {
    char path[CONTROL_PATH_BYTES + 64];
    struct conf conf;
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, r->s->dir);
    conf_init(&conf);
    TRY(conf_load(&conf, path, &r->e));
    memcpy(r->file, conf.encryption_key_file, sizeof r->file);
    memcpy(r->command, conf.encryption_key_command, sizeof r->command);
    return OK;
}

static status settle_master(struct rotation *r) {
    struct supervisor *s = r->s;
    struct master_source source;
    struct keyring ring;
    TRY(read_settings(r));
    source = patient(s, r->file, r->command);
    ring.file = s->keys.file;
    status st = keyring_unwrap(s->dir, &source, &ring, &r->e);
    unsigned which = ring.which;
    crypt_wipe(&ring, sizeof ring);
    TRY(st);
    struct key_file file = s->keys.file;
    if (file.masters > 1 && which == 0)
        return error_set(&r->e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "the settings still name the key before");
    key_file_settle(&file, which);
    TRY(replace(s, &file, &r->e));
    memcpy(s->conf.encryption_key_file, r->file, sizeof r->file);
    memcpy(s->conf.encryption_key_command, r->command, sizeof r->command);
    event_as(&(struct event){.kind = EVENT_MASTER_KEY},
             "the master key has been exchanged: the one before opens the data no longer");
    return OK;
}

/* ---- requests -------------------------------------------------------------------------------- */

static void run(struct rotation *r, status (*fn)(struct rotation *r)) {
    struct supervisor *s = r->s;
    r->j->outcome = fn(r);
    snprintf(r->j->words, sizeof r->j->words, "%.300s%s%.200s", r->e.message,
             r->e.hint[0] ? ". " : "", r->e.hint);
    r->j->done = true;
    s->rotating = false;
    free(r);
}

static void rotate_master_run(void *rotation) {
    run(rotation, rotate_master);
}

static void settle_master_run(void *rotation) {
    run(rotation, settle_master);
}

static const char *begin(struct supervisor *s, const char *name, const char *file,
                         const char *command, void (*fn)(void *rotation), struct job **ret_job) {
    struct rotation *r = calloc(1, sizeof *r);
    struct job *j = r ? job_new(s, name) : NULL;
    if (j) {
        *r = (struct rotation){.s = s, .j = j};
        snprintf(r->file, sizeof r->file, "%s", file);
        snprintf(r->command, sizeof r->command, "%s", command);
        if (ok(daemon_spawn(&s->d, 0, fn, r))) {
            s->rotating = true;
            *ret_job = j;
            return NULL;
        }
        j->done = true;
    }
    free(r);
    return j ? "out of memory" : "too many requests under way";
}

static const char *refusal(const struct supervisor *s) {
    if (!s->keys.encrypted) return "the data are not encrypted";
    if (s->rotating) return "keys are being exchanged already";
    return s->stopping ? "the appliance is stopping" : NULL;
}

/* A setting of the command line is repeated by every restart of a supervisor. */
static bool fixed(const struct supervisor *s, enum conf_id id) {
    return s->conf.origin[id].from == CONF_FROM_COMMAND_LINE;
}

const char *rotate_master_start(struct supervisor *s, const char *file, const char *command,
                                struct job **ret_job) {
    const char *no = refusal(s);
    if (no) return no;
    if (fixed(s, CONF_ID_encryption_key_file) || fixed(s, CONF_ID_encryption_key_command))
        return "the key was named on the command line of axl start: start the appliance with the "
               "key in its settings file first";
    if (strlen(file) >= CONF_TEXT_BYTES || strlen(command) >= CONF_TEXT_BYTES)
        return "the key's place has too long a name";
    return begin(s, "rotate_master", file, command, rotate_master_run, ret_job);
}

const char *settle_master_start(struct supervisor *s, struct job **ret_job) {
    const char *no = refusal(s);
    return no ? no : begin(s, "settle_master", "", "", settle_master_run, ret_job);
}
