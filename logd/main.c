/* logd [--format [--keys FD]] -D DIR …: the only process that touches the log's files. */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "control.h"
#include "crypt/given.h"
#include "ipc_proc.h"
#include "logd.h"
#include "restore.h"

static status format(const char *dir, struct error *e) {
    struct conf conf;
    char path[CONF_TEXT_BYTES];
    uint64_t id;
    conf_init(&conf);
    snprintf(path, sizeof path, "%s/" CONF_FILE_NAME, dir);
    status s = conf_load(&conf, path, e);
    if (!ok(s) && !status_is(s, ST_NOT_FOUND)) return s;
    error_clear(e);
    TRY(appliance_id_read(dir, &id, e));
    s = logd_format(dir, conf.io_method, conf.log_segment_size, id);
    if (!ok(s)) return error_set(e, s.code, "could not make the log: %s", status_name(s));
    return OK;
}

/* --format and -D DIR, in any order. */
static const char *format_dir(int argc, char **argv) {
    const char *dir = NULL;
    bool wanted = false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--format") == 0) wanted = true;
        if (strcmp(argv[i], "-D") == 0 && i + 1 < argc) dir = argv[++i];
    }
    return wanted ? dir : NULL;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--restore") == 0) return restore_main(argc, argv);
    const char *dir = format_dir(argc, argv);
    if (!dir) {
        struct daemon_ops ops = logd_ops;
        ops.control = logd_control;
        return daemon_main(argc, argv, &ops);
    }
    struct error e = {0};
    status s = given_read_arguments(argc, argv);
    if (!ok(s))
        s = error_set(&e, s.code, "the keys cannot be read");
    else
        s = format(dir, &e);
    if (ok(s)) return 0;
    fprintf(stderr, "logd: %s\n", e.message);
    return 1;
}
