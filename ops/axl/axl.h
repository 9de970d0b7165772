/* axl.h: the command line. One function for each word, in the table of main.c. */
#ifndef AXL_H
#define AXL_H

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "base/event.h"
#include "base/proc.h"
#include "conf/conf.h"

#define AXL_PATH_BYTES 1024

struct axl {
    char dir[AXL_PATH_BYTES];      /* absolute when it exists */
    char programs[AXL_PATH_BYTES]; /* where the other programs lie */
    int argc;                      /* what follows the word, options of all words taken out */
    char **argv;
    struct error e;
};

/* Each returns the exit status. */
int axl_init(struct axl *a);
int axl_start(struct axl *a);
int axl_stop(struct axl *a);
int axl_status(struct axl *a);
int axl_restart(struct axl *a);
int axl_checkpoint(struct axl *a);
int axl_config(struct axl *a);
int axl_pool(struct axl *a);
int axl_logs(struct axl *a);
int axl_events(struct axl *a);
int axl_quarantine(struct axl *a);
int axl_fault(struct axl *a);
int axl_upgrade(struct axl *a);
int axl_rotate_key(struct axl *a);
int axl_trace(struct axl *a);
int axl_verify(struct axl *a);
int axl_inspect(struct axl *a);
int axl_backup(struct axl *a);
struct axl_keys;
int axl_backup_verify(struct axl *a, const char *backup, struct axl_keys *k);
int axl_backup_receive(struct axl *a, const char *to);
int axl_backup_prune(struct axl *a);
/* backup.c: of this appliance, one at a time makes or removes backups: we, until this process ends.
 * OBJECT_IN_USE: somebody else does. */
status axl_hold_backups(struct axl *a);
int axl_restore(struct axl *a);
int axl_archive(struct axl *a);

/* The error's words on stderr; returns 1. */
int axl_fail(const struct axl *a);
/* Maps the appliance's regions. NOT_FOUND: it does not run. */
status axl_attach(struct axl *a, struct shm *ret_shm, char ret_region[32]);
/* control_ask of this appliance. NOT_FOUND: it does not run. */
status axl_ask(struct axl *a, const char *process, json_t *request, unsigned deadline_ms,
               json_t **ret_reply);
/* True if `word` is among the arguments, which it then leaves; with a value (not NULL) the next
 * argument goes there, and false with an error recorded when there is none. */
bool axl_option(struct axl *a, const char *word, const char **ret_value);
/* Takes the next argument that is no option of a word; NULL: there is none. */
const char *axl_argument(struct axl *a);
/* The text as a whole number, `otherwise` for NULL. What is none is an error that axl_done tells.
 */
uint64_t axl_number(struct axl *a, const char *text, uint64_t otherwise);
/* init.c: the directory, when it is not there, and empty; undone by axl_empty_directory. */
status axl_make_directory(struct axl *a, bool *ret_made);
void axl_empty_directory(const char *dir, bool made);
/* A new appliance's id, written into the directory with the version of its formats. */
status axl_new_id(struct axl *a, uint64_t *ret);
/* Runs one of the programs with these arguments (NULL-terminated) and waits for its end; it says
 * itself why it failed. */
status axl_run(struct axl *a, const char *name, char *const argv[]);
status axl_copy_settings(struct axl *a, const char *from, const char *to);
/* words.c: asks the supervisor for something that is a job, and waits until it is done; consumes
 * the request. */
status axl_run_job(struct axl *a, json_t *request);
status axl_make_checkpoint(struct axl *a);
void axl_pause_ms(long ms);
/* Complains about arguments that nobody took. */
bool axl_done(struct axl *a);
/* events.c: one event, and the last ones of the ring, oldest first. New references. */
json_t *event_as_json(uint64_t number, const struct event *e);
json_t *events_as_json(const struct event_ring *ring, uint64_t last);
json_t *exit_as_json(int how); /* as waitpid gave it: "signal 9", "status 1", null */
/* The last lines of a process's log file on `out`. */
void axl_tail(const struct axl *a, const char *name, uint64_t lines, bool titled);

#endif
