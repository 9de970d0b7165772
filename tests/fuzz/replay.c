/* Feeds the files of a kept corpus to a target, in builds without libFuzzer: replay DIRECTORY...
 * Exit status 0: as it should be (a finding aborts); 1: there is nothing to feed. */
#include <dirent.h>
#include <stdio.h>

#include "input.h"

#define FILE_BYTES_MAX (1u << 20)

static bool feed(const char *path) {
    static uint8_t bytes[FILE_BYTES_MAX];
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    uint8_t *exact = malloc(n ? n : 1);
    MUST(exact);
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return true;
}

static unsigned feed_all(const char *directory) {
    unsigned fed = 0;
    char path[4096];
    DIR *d = opendir(directory);
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        if (e->d_name[0] != '.') fed += feed(path);
    }
    if (d) closedir(d);
    return fed;
}

int main(int argc, char **argv) {
    unsigned fed = 0;
    for (int i = 1; i < argc; i++) fed += feed_all(argv[i]);
    printf("%u inputs\n", fed);
    return fed ? 0 : 1;
}
