/* rotate.c: other keys take the place of those in use, while everything runs.
 *
 * The master key, asked for in two requests, with the settings changed in between:
 *
 *     rotate_master   every data key is wrapped by the new one, too: either opens them
 *     (axolotl.conf names the new one)
 *     settle_master   if what the settings name now opens the file, nothing else does any more
 *
 * Whatever dies in between, the settings name a key that opens the file.
 *
 * The data key: what there is to do stands in the file of keys and in the control region, so that
 * whatever dies, who comes next goes on:
 *
 *     rotate_data   a new data key in the file, durable
 *     count > 1     logd and storaged give way to lives that have it, if they do not seal by it yet
 *
 * Once both say that the oldest key in use is the newest one, the others are removed from the file.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/archive_keys.h"
#include "backup/backup.h"
#include "base/check.h"
#include "supervisor.h"

#define LOOK_NS 50000000u
#define AGAIN_NS 5000000000u /* after an exchange that did not go well */
#define SEALS_NS 60000000000u

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
    status st = keyring_unwrap(s->dir, &source, NULL, &ring, &r->e);
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

/* ---- the data key ---------------------------------------------------------------------------- */

static bool seal_by(const struct supervisor *s, uint32_t key) {
    const struct key_use *use = s->shm.control->key_use;
    return atomic_load(&use[KEY_USE_PAGES].seals) == key &&
           atomic_load(&use[KEY_USE_LOG].seals) == key;
}

/* The newest one of the file, for the next lives. */
static status take_key(struct supervisor *s, const struct key_file *file,
                       const unsigned char *master) {
    struct crypt_keys keys, *ours = &s->keys.keys;
    TRY(key_file_unwrap(file, master, &keys, NULL));
    CHECK(ours->count < CRYPT_KEYS_MAX); /* there have never been more */
    for (uint32_t i = 0; i < keys.count; i++)
        if (keys.key[i].number == keys.current) ours->key[ours->count++] = keys.key[i];
    ours->current = keys.current;
    crypt_wipe(&keys, sizeof keys);
    return OK;
}

static status add_key(struct supervisor *s, const unsigned char *master, struct error *e) {
    struct key_file file = s->keys.file;
    status st = key_file_add(&file, master);
    if (status_is(st, ST_FULL))
        return error_set(e, st.code,
                         "there are %u data keys, all still in use, or there have been %d",
                         file.count, CRYPT_KEYS_MAX);
    if (status_is(st, ST_OBJECT_NOT_IN_PREREQUISITE_STATE))
        return error_set(e, st.code,
                         "the exchange of the master key has not come to its end: do it again");
    if (status_is(st, ST_INVALID))
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "the key that the settings name is not the one that opens the data");
    if (!ok(st)) return error_set(e, st.code, "no new data key: %s", status_name(st));
    TRY(replace(s, &file, e));
    st = take_key(s, &file, master);
    return ok(st) ? OK : error_set(e, st.code, "the new data key cannot be used");
}

static status rotate_data(struct rotation *r) {
    struct supervisor *s = r->s;
    unsigned char master[CRYPT_KEY_BYTES];
    struct master_source now =
        patient(s, s->conf.encryption_key_file, s->conf.encryption_key_command);
    status st = master_read(&now, master, &r->e);
    if (ok(st)) st = add_key(s, master, &r->e);
    crypt_wipe(master, sizeof master);
    TRY(st);
    uint32_t key = s->keys.file.current;
    event_as(&(struct event){.kind = EVENT_DATA_KEY}, "data key %u is there, and seals from now on",
             key);
    for (uint64_t ns = 0; !seal_by(s, key) && ns < SEALS_NS; ns += LOOK_NS) {
        if (s->stopping) break;
        daemon_sleep(&s->d, LOOK_NS);
    }
    return OK;
}

/* Those that are not ready take up all keys by themselves, with their next life. */
static bool exchange_old(struct supervisor *s, uint16_t slot, enum key_use_of of) {
    uint32_t seals = atomic_load(&s->shm.control->key_use[of].seals);
    bool ready = atomic_load(&s->shm.control->procs[slot].state) == PROC_READY;
    if (!ready || seals == s->keys.file.current) return true;
    struct kept *k = &s->kept[slot];
    event_as(&(struct event){.kind = EVENT_RESTART, .slot = slot},
             "%s gives way to a life that has data key %u", k->name, s->keys.file.current);
    return exchange_process(k, k->programs);
}

static void drop_keys(struct supervisor *s) {
    const struct key_use *use = s->shm.control->key_use;
    uint32_t key = s->keys.file.current;
    struct error e = {0};
    if (!seal_by(s, key) || atomic_load(&use[KEY_USE_PAGES].oldest) != key ||
        atomic_load(&use[KEY_USE_LOG].oldest) != key)
        return;
    struct key_file file = s->keys.file;
    key_file_drop_old(&file);
    if (!ok(replace(s, &file, &e))) return; /* a full disk: the next look tries again */
    s->keys.keys.oldest = key;              /* the others open backups and the archive */
    event_as(&(struct event){.kind = EVENT_DATA_KEY_DROPPED},
             "everything is sealed by data key %u: older ones are given up", key);
}

void rotate_watch(void *supervisor) {
    struct supervisor *s = supervisor;
    while (!s->stopping) {
        daemon_sleep(&s->d, LOOK_NS);
        bool serving = atomic_load(&s->shm.control->state) == APPLIANCE_SERVING;
        if (!s->keys.encrypted || s->keys.file.count == 1 || !serving || s->upgrading) continue;
        s->exchanging = true;
        bool well = exchange_old(s, SLOT_LOGD, KEY_USE_LOG) &&
                    exchange_old(s, SLOT_STORAGED, KEY_USE_PAGES);
        s->exchanging = false;
        if (well)
            drop_keys(s);
        else if (!s->stopping)
            daemon_sleep(&s->d, AGAIN_NS);
    }
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

static void rotate_data_run(void *rotation) {
    run(rotation, rotate_data);
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

/* Its backups open by the master key of now. */
static bool is_restoring(const struct supervisor *s) {
    char path[CONTROL_PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/" BACKUP_RESTORING, s->dir);
    return access(path, F_OK) == 0;
}

static const char *refusal(const struct supervisor *s) {
    if (!s->keys.encrypted) return "the data are not encrypted";
    if (is_restoring(s)) return "pages still come from the backup that is being restored";
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

const char *rotate_data_start(struct supervisor *s, struct job **ret_job) {
    const char *no = refusal(s);
    return no ? no : begin(s, "rotate_data", "", "", rotate_data_run, ret_job);
}

static json_t *use_as_json(const struct supervisor *s, enum key_use_of of) {
    const struct key_use *use = &s->shm.control->key_use[of];
    return json_pack("{s:I, s:I, s:I}", "seals", (json_int_t)atomic_load(&use->seals), "oldest",
                     (json_int_t)atomic_load(&use->oldest), "looked",
                     (json_int_t)atomic_load(&use->looked));
}

const char *rotate_look(const struct supervisor *s, json_t *reply) {
    const struct key_file *k = &s->keys.file;
    if (!s->keys.encrypted) return "the data are not encrypted";
    json_object_set_new(reply, "current", json_integer(k->current));
    json_object_set_new(reply, "keys", json_integer(k->count));
    json_object_set_new(reply, "masters", json_integer(k->masters));
    json_object_set_new(reply, "storaged", use_as_json(s, KEY_USE_PAGES));
    json_object_set_new(reply, "logd", use_as_json(s, KEY_USE_LOG));
    return NULL;
}
