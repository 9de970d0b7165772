#include "ipc_version.h"

#include <stdio.h>
#include <string.h>

#include "fmt/page.h"
#include "fmt/record.h"
#include "ipc_region.h"

struct version version_own(const char *name) {
    struct version v = {.layout = REGION_LAYOUT_VERSION,
                        .page = PAGE_FORMAT,
                        .log = LOG_FORMAT,
                        .data = DATA_FORMAT,
                        .number = AXOLOTL_VERSION};
    snprintf(v.program, sizeof v.program, "%s", name);
    return v;
}

void version_print(const struct version *v, char ret_line[VERSION_LINE_BYTES]) {
    snprintf(ret_line, VERSION_LINE_BYTES, "axolotl %s %s layout %u page %u log %u data %u",
             v->program, v->number, v->layout, v->page, v->log, v->data);
}

bool version_asked(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--version") != 0) continue;
        char line[VERSION_LINE_BYTES];
        struct version v = version_own(name);
        version_print(&v, line);
        printf("%s\n", line);
        fflush(stdout);
        return true;
    }
    return false;
}

status version_parse(const char *line, struct version *ret_version) {
    struct version v = {0};
    int end = 0;
    int n = sscanf(line, "axolotl %31s %31s layout %u page %u log %u data %u%n", v.program,
                   v.number, &v.layout, &v.page, &v.log, &v.data, &end);
    if (n != 6 || (line[end] && line[end] != '\n')) return STATUS(INVALID);
    *ret_version = v;
    return OK;
}

status version_check(const struct version *own, const struct version *other, struct error *e) {
    const struct {
        const char *what;
        uint32_t own, other;
    } numbers[] = {{"layout of shared memory", own->layout, other->layout},
                   {"page format", own->page, other->page},
                   {"log format", own->log, other->log},
                   {"data format", own->data, other->data}};
    if (strcmp(own->program, other->program) != 0) {
        return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE, "\"%s\" says that it is \"%s\"",
                         own->program, other->program);
    }
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].own == numbers[i].other) continue;
        return error_set(e, ST_OBJECT_NOT_IN_PREREQUISITE_STATE,
                         "%s %s has %s %u, the running appliance %u: stop it and start the other "
                         "version",
                         other->program, other->number, numbers[i].what, numbers[i].other,
                         numbers[i].own);
    }
    return OK;
}
