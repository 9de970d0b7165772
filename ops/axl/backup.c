/* backup.c: axl backup. Asks storaged for the pages and logd for the log, and writes the manifest
 * when both are done: only then is the directory a backup. Of a stream, the directory is one within
 * the appliance's, from which everything is sent and taken away as it comes (stream.c). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "axl.h"
#include "backup/backup.h"
#include "ipc_control.h"
#include "ipc_proc.h"
#include "keys.h"
#include "manifest.h"
#include "s3_backup.h"
#include "stream.h"

#define ASK_MS 10000
#define LOOK_MS 50
#define ENDING_LOOKS 200 /* at one that is dropped: its last write may take long */
#define SPOOL "backup_stream"
#define WINDOW_BYTES (64 << 20) /* of each file of the spool */

struct backup {
    struct axl *a;
    char to[AXL_PATH_BYTES];
    struct manifest m;
    struct stream *out; /* NULL: to a directory */
    bool asked, made;   /* both daemons have to do with it; the directory is ours */
};

static volatile sig_atomic_t interrupted;

static void interrupt([[maybe_unused]] int signal) {
    interrupted = 1;
}

static status ask(struct backup *b, const char *process, json_t *request, json_t **ret_reply) {
    return axl_ask(b->a, process, request, ASK_MS, ret_reply);
}

static status ask_only(struct backup *b, const char *process, const char *op) {
    return ask(b, process, json_pack("{s:s}", "op", op), NULL);
}

static uint64_t number_of(const json_t *reply, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(reply, key));
}

/* How far it is: a number of the answer, and whether it is over. What is there of its file is sent
 * on, if it is to be, and said to have been taken when we ask again. */
static status look(struct backup *b, const char *process, const char *key, uint64_t *ret_value,
                   bool *ret_done) {
    json_t *reply;
    enum stream_file file = strcmp(process, "logd") == 0 ? STREAM_LOG : STREAM_PAGES;
    uint64_t taken = b->out ? stream_taken(b->out, file) : 0;
    if (interrupted) return error_set(&b->a->e, ST_QUERY_CANCELED, "interrupted");
    TRY(ask(b, process, json_pack("{s:s, s:I}", "op", "backup_state", "taken", (json_int_t)taken),
            &reply));
    *ret_value = number_of(reply, key);
    *ret_done = json_is_true(json_object_get(reply, "done"));
    if (b->out) stream_grown(b->out, file, number_of(reply, "bytes"));
    json_decref(reply);
    return OK;
}

static json_int_t window_of(const struct backup *b) {
    return b->out ? WINDOW_BYTES : 0;
}

static status start_pages(struct backup *b) {
    json_t *reply;
    struct manifest *m = &b->m;
    TRY(ask(b, "storaged",
            json_pack("{s:s, s:s, s:I, s:I}", "op", "backup", "to", b->to, "since",
                      (json_int_t)m->since_lsn, "window", window_of(b)),
            &reply));
    m->redo_lsn = number_of(reply, "redo_lsn");
    m->undo_lsn = number_of(reply, "undo_lsn");
    m->purge_lsn = number_of(reply, "purge_lsn");
    m->next_txid = number_of(reply, "next_txid");
    m->last_commit = number_of(reply, "last_commit");
    m->file_pages = number_of(reply, "file_pages");
    json_decref(reply);
    m->from_lsn = m->redo_lsn;
    if (m->undo_lsn && m->undo_lsn < m->from_lsn) m->from_lsn = m->undo_lsn;
    if (m->purge_lsn && m->purge_lsn < m->from_lsn) m->from_lsn = m->purge_lsn;
    return OK;
}

static status start_log(struct backup *b) {
    return ask(b, "logd",
               json_pack("{s:s, s:s, s:I, s:I}", "op", "backup", "to", b->to, "from",
                         (json_int_t)b->m.from_lsn, "window", window_of(b)),
               NULL);
}

/* Both are asked all the time, so that they know of us. */
static status look_at_both(struct backup *b, bool *ret_pages, bool *ret_log) {
    TRY(look(b, "logd", "at", &b->m.end_lsn, ret_log));
    return look(b, "storaged", "kept", &b->m.pages, ret_pages);
}

/* Whoever reads the stream may be slow: meanwhile, too. */
static status still_here(void *backup) {
    bool pages, log;
    return look_at_both(backup, &pages, &log);
}

static status wait_for(struct backup *b, bool log) {
    for (bool done = false; !done;) {
        bool pages_done, log_done;
        TRY(look_at_both(b, &pages_done, &log_done));
        done = log ? log_done : pages_done;
        if (b->out) TRY(stream_send(b->out, still_here, b, &b->a->e));
        if (!done) axl_pause_ms(LOOK_MS);
    }
    return OK;
}

static status copy_files(struct backup *b) {
    struct manifest *m = &b->m;
    TRY(start_pages(b));
    TRY(start_log(b));
    if (b->out) TRY(stream_open_files(b->out, b->to, &b->a->e));
    TRY(wait_for(b, false));
    TRY(ask_only(b, "logd", "backup_finish"));
    TRY(wait_for(b, true));
    m->ended = time(NULL);
    status s = key_file_read(b->a->dir, &m->keys);
    m->encrypted = ok(s);
    return ok(s) || status_is(s, ST_NOT_FOUND)
               ? OK
               : error_set(&b->a->e, s.code, "the keys of the data cannot be read: %s",
                           status_name(s));
}

static status make_target(struct backup *b, const char *to) {
    struct axl *a = b->a;
    if (mkdir(to, 0700) != 0)
        return error_set(&a->e, ST_IO_ERROR, "could not create \"%s\": %s", to, strerror(errno));
    char *real = realpath(to, NULL);
    b->made = real && strlen(real) < sizeof b->to;
    if (b->made) strcpy(b->to, real);
    free(real);
    if (b->made) return OK;
    rmdir(to);
    return error_set(&a->e, ST_IO_ERROR, "the path of \"%s\" is too long", to);
}

status backup_manifest(const char *of, struct manifest *ret, struct error *e) {
    char *text;
    if (!s3_is_url(of)) return manifest_read(of, ret, e);
    TRY(s3_manifest(of, &text, e));
    status s = manifest_parse(text, ret, e);
    free(text);
    return s;
}

static status read_since(struct backup *b, const char *since) {
    struct manifest before;
    if (!since) return OK;
    TRY(backup_manifest(since, &before, &b->a->e));
    if (before.appliance_id != b->m.appliance_id)
        return error_set(&b->a->e, ST_INVALID_PARAMETER_VALUE,
                         "\"%s\" is a backup of another appliance", since);
    b->m.since_lsn = before.redo_lsn;
    return OK;
}

/* Where the page daemon finds images of pages from now on. What the newest backup is an increment
 * to must be known, or it stays as it was. */
static status record(struct backup *b, const char *since) {
    struct backup_record r = {0};
    char *real = since ? realpath(since, NULL) : NULL;
    if (since && !ok(backup_record_read(b->a->dir, BACKUP_RECORD, &r))) r.count = 0;
    unsigned keep = 0;
    for (unsigned i = 0; real && i < r.count; i++)
        if (strcmp(r.dir[i], real) == 0) keep = i + 1;
    free(real);
    bool known =
        (!since || (keep > 0 && r.appliance_id == b->m.appliance_id)) && keep < BACKUP_CHAIN_MAX;
    status s = OK;
    if (known) {
        while (r.count > keep) free(r.dir[--r.count]);
        r.appliance_id = b->m.appliance_id;
        r.file = r.chunk = 0;
        r.dir[r.count++] = strdup(b->to);
        if (r.dir[keep]) s = backup_record_write(b->a->dir, BACKUP_RECORD, &r);
    }
    backup_record_fini(&r);
    return ok(s) ? OK : error_set(&b->a->e, s.code, "the backup's place could not be noted");
}

status axl_hold_backups(struct axl *a) {
    int dir = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0) return OK;
    if (dir >= 0 && errno == EWOULDBLOCK)
        return error_set(&a->e, ST_OBJECT_IN_USE,
                         "a backup is being made or removed: try again when that is over");
    return error_set(&a->e, ST_IO_ERROR, "%s cannot be locked: %s", a->dir, strerror(errno));
}

/* It is over; one that has died knows nothing of it any more. */
static bool is_over(const struct axl *a, const char *process) {
    struct error none = {0};
    json_t *reply;
    json_t *request = json_pack("{s:s}", "op", "backup_state");
    if (!ok(control_ask(a->dir, process, request, ASK_MS, &reply, &none))) return true;
    bool done = json_is_true(json_object_get(reply, "done"));
    json_decref(reply);
    return done;
}

/* Neither of the two makes one any more. */
static void drop_all(const struct axl *a) {
    static const char *const processes[] = {"storaged", "logd"};
    for (size_t i = 0; i < sizeof processes / sizeof *processes; i++) {
        struct error none = {0};
        status_ignore(/* likewise */
                      control_ask(a->dir, processes[i], json_pack("{s:s}", "op", "backup_drop"),
                                  ASK_MS, NULL, &none));
        for (int looks = 0; looks < ENDING_LOOKS && !is_over(a, processes[i]); looks++)
            axl_pause_ms(LOOK_MS);
    }
}

static status begin(struct backup *b, const char *since) {
    struct axl *a = b->a;
    TRY(axl_hold_backups(a));
    TRY(appliance_id_read(a->dir, &b->m.appliance_id, &a->e));
    TRY(read_since(b, since));
    TRY(axl_make_checkpoint(a));
    drop_all(a); /* of one that was killed: we alone make any */
    struct version own = version_own("backup");
    version_print(&own, b->m.version);
    b->m.begun = time(NULL);
    TRY(ask_only(b, "logd", "backup_hold"));
    b->asked = true;
    return OK;
}

/* Nothing is kept or copied for what has failed, and nothing of it stays. */
static void give_up(struct backup *b) {
    if (b->asked) drop_all(b->a);
    if (b->made) axl_empty_directory(b->to, true);
}

static status copy_to_directory(struct backup *b, const char *to, const char *since) {
    struct axl *a = b->a;
    TRY(begin(b, since));
    TRY(make_target(b, to));
    TRY(copy_files(b));
    TRY(axl_copy_settings(a, a->dir, b->to));
    return manifest_write(b->to, &b->m, &a->e);
}

static status make(struct backup *b, const char *to, const char *since) {
    status s = copy_to_directory(b, to, since);
    if (ok(s)) return record(b, since);
    give_up(b);
    return s;
}

static status send_all(struct backup *b, struct s3_sink *sink) {
    struct axl *a = b->a;
    char *text;
    TRY(stream_send_settings(b->out, a->dir, still_here, b, &a->e));
    TRY(copy_files(b));
    if (!(text = manifest_text(&b->m))) return error_set(&a->e, ST_OUT_OF_MEMORY, "out of memory");
    status s = stream_send_manifest(b->out, text, still_here, b, &a->e);
    if (ok(s) && sink) s = s3_sink_finish(sink, text, &a->e);
    free(text);
    return s;
}

/* sink: NULL: to standard output. */
static status copy_to_stream(struct backup *b, const char *since, struct s3_sink *sink) {
    char spool[AXL_PATH_BYTES + 32];
    snprintf(spool, sizeof spool, "%s/" SPOOL, b->a->dir);
    TRY(begin(b, since));
    axl_empty_directory(spool, true); /* of one that was killed */
    TRY(stream_new(STDOUT_FILENO, b->m.appliance_id, &b->out, &b->a->e));
    if (sink) {
        stream_to_objects(b->out, sink);
        s3_sink_idle(sink, still_here, b);
    }
    status s = make_target(b, spool);
    if (ok(s)) s = send_all(b, sink);
    stream_free(b->out);
    b->out = NULL;
    axl_empty_directory(spool, true);
    b->made = false;
    return s;
}

static status make_stream(struct backup *b, const char *since, struct s3_sink *sink) {
    status s = copy_to_stream(b, since, sink);
    if (!ok(s)) give_up(b);
    return s;
}

static void say(const struct backup *b, FILE *out, const char *where) {
    const struct manifest *m = &b->m;
    fprintf(out,
            "Backup complete (%s): %" PRIu64 " pages of %" PRIu64 ", log from LSN %" PRIu64
            " to %" PRIu64 ".\n",
            where, m->pages, m->file_pages, m->from_lsn, m->end_lsn);
}

static int to_stream(struct backup *b, const char *since) {
    if (isatty(STDOUT_FILENO)) {
        fprintf(stderr, "axl: a backup is not for a terminal: send it to a file or a program\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    if (!ok(make_stream(b, since, NULL))) return axl_fail(b->a);
    say(b, stderr, "sent");
    return 0;
}

static int to_objects(struct backup *b, const char *url, const char *since) {
    struct s3_sink *sink;
    if (!ok(s3_sink_open(url, &sink, &b->a->e))) return axl_fail(b->a);
    status s = make_stream(b, since, sink);
    s3_sink_close(sink);
    if (!ok(s)) return axl_fail(b->a);
    say(b, stdout, url);
    return 0;
}

int axl_backup(struct axl *a) {
    static struct axl_keys keys;
    const char *since = NULL, *check = NULL, *receive = NULL;
    struct backup b = {.a = a};
    if (axl_option(a, "--prune", NULL)) return axl_backup_prune(a);
    bool stream = axl_option(a, "--stream", NULL), dash = axl_option(a, "-", NULL);
    stream |= dash;
    (void)axl_option(a, "--since", &since);
    (void)axl_option(a, "--verify", &check);
    (void)axl_option(a, "--receive", &receive);
    const char *to = check || receive || stream ? NULL : axl_argument(a);
    if (check && !ok(axl_keys_options(a, &keys))) return axl_fail(a);
    if (!axl_done(a)) return axl_fail(a);
    if (since && (check || receive)) {
        fprintf(stderr, "axl: --since is for making a backup, not for --verify or --receive\n");
        return 2;
    }
    if (check) return axl_backup_verify(a, check, &keys);
    if (receive) return axl_backup_receive(a, receive);
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    if (stream) return to_stream(&b, since);
    if (!to) {
        fprintf(stderr, "axl: backup to which directory?\n");
        return 2;
    }
    if (s3_is_url(to)) return to_objects(&b, to, since);
    if (!ok(make(&b, to, since))) return axl_fail(a);
    say(&b, stdout, b.to);
    return 0;
}
