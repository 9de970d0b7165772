#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "crypt/given.h"
#include "restore.h"
#include "storaged.h"

/* storaged --format -D DIR [--appliance HEX] [--keys FD]: makes the empty data file. */
static int format_main(int argc, char **argv) {
    const char *dir = NULL;
    uint64_t appliance_id = 0;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "-D") == 0) dir = argv[i + 1];
        if (strcmp(argv[i], "--appliance") == 0) appliance_id = strtoull(argv[i + 1], NULL, 16);
    }
    if (!dir) {
        fprintf(stderr, "storaged: --format needs -D DIR\n");
        return 2;
    }
    if (!ok(given_read_arguments(argc, argv))) {
        fprintf(stderr, "storaged: the keys cannot be read\n");
        return 1;
    }
    status st = storaged_format(dir, "plain", appliance_id);
    if (ok(st)) return 0;
    fprintf(stderr, "storaged: could not format the data file in \"%s\": %s\n", dir,
            status_name(st));
    return 1;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--format") == 0) return format_main(argc, argv);
        if (strcmp(argv[i], "--restore") == 0) return restore_main(argc, argv);
    }
    struct daemon_ops ops = storaged_ops;
    ops.control = storaged_control;
    return daemon_main(argc, argv, &ops);
}
