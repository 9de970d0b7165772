#include "crypt/master.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/child.h"

#define TEXT_BYTES 256 /* more than any key takes */
#define LOOK_NS 2000000u

/* ---- what it says ---------------------------------------------------------------------------- */

static bool from_hex(const char *text, unsigned char *key) {
    for (size_t i = 0; i < CRYPT_KEY_BYTES; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) return false;
        key[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

static bool from_base64(const char *text, unsigned char *key) {
    unsigned char bytes[CRYPT_KEY_BYTES + 1]; /* the padding's byte is decoded, too */
    bool good = text[43] == '=' && text[42] != '=' &&
                EVP_DecodeBlock(bytes, (const unsigned char *)text, 44) == sizeof bytes;
    if (good) memcpy(key, bytes, CRYPT_KEY_BYTES);
    crypt_wipe(bytes, sizeof bytes);
    return good;
}

static bool parse(const char *text, size_t n, unsigned char *key) {
    if (n == CRYPT_KEY_BYTES) {
        memcpy(key, text, CRYPT_KEY_BYTES);
        return true;
    }
    while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
    for (; n > 0 && isspace((unsigned char)*text); n--) text++;
    if (n == 2 * CRYPT_KEY_BYTES) return from_hex(text, key);
    return n == 44 && from_base64(text, key);
}

/* ---- a file ---------------------------------------------------------------------------------- */

static status check_file(const char *path, int fd, struct error *e) {
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return error_set(e, ST_INVALID_PARAMETER_VALUE, "encryption key file \"%s\" is no file",
                         path);
    bool ours = st.st_uid == geteuid(), roots = st.st_uid == 0;
    mode_t others = ours ? 077 : 037; /* root may let our group read it */
    if ((ours || roots) && (st.st_mode & others) == 0) return OK;
    status s = error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "encryption key file \"%s\" can be read or written by others", path);
    error_hint(e, "It must belong to the user that runs the appliance, with mode 0600 or less, or "
                  "to root, with mode 0640 or less.");
    return s;
}

static status read_file(const char *path, char *text, size_t *ret_n, struct error *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set(e, ST_IO_ERROR, "encryption key file \"%s\": %s", path, strerror(errno));
    status st = check_file(path, fd, e);
    ssize_t n = ok(st) ? read(fd, text, TEXT_BYTES) : 0;
    if (n < 0)
        st = error_set(e, ST_IO_ERROR, "encryption key file \"%s\": %s", path, strerror(errno));
    close(fd);
    if (ok(st)) *ret_n = (size_t)n;
    return st;
}

/* ---- a command ------------------------------------------------------------------------------- */

static int launch(const char *command, int out, pid_t *ret_pid) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)command, NULL};
    struct child c;
    child_init(&c);
    child_give(&c, out, STDOUT_FILENO);
    return child_start(&c, "/bin/sh", argv, ret_pid);
}

static void wait_a_little(const struct master_source *s) {
    struct timespec t = {.tv_nsec = LOOK_NS};
    if (s->wait)
        s->wait(s->arg, LOOK_NS);
    else
        nanosleep(&t, NULL);
}

/* Reads until the command has ended and its output too. False: it took too long. */
static bool follow(const struct master_source *s, pid_t pid, int in, char *text, size_t *n,
                   int *how) {
    bool over = false;
    for (uint64_t ns = 0; ns < MASTER_COMMAND_MS * (uint64_t)1000000; ns += LOOK_NS) {
        ssize_t some;
        if (!over) over = waitpid(pid, how, WNOHANG) == pid;
        while (*n < TEXT_BYTES && (some = read(in, text + *n, TEXT_BYTES - *n)) > 0)
            *n += (size_t)some;
        if (over) return true;
        wait_a_little(s);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, how, 0) < 0 && errno == EINTR) continue;
    return false;
}

static status run_command(const struct master_source *s, char *text, size_t *ret_n,
                          struct error *e) {
    int ends[2], how = 0;
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(e, ST_IO_ERROR, "pipe: %s", strerror(errno));
    int rc = launch(s->command, ends[1], &pid);
    close(ends[1]);
    bool ended = rc == 0 && follow(s, pid, ends[0], text, ret_n, &how);
    close(ends[0]);
    if (rc != 0) return error_set(e, ST_IO_ERROR, "/bin/sh: %s", strerror(rc));
    if (!ended)
        return error_set(e, ST_IO_ERROR,
                         "encryption_key_command has not ended within %d s: it was killed",
                         MASTER_COMMAND_MS / 1000);
    if (WIFSIGNALED(how))
        return error_set(e, ST_IO_ERROR, "encryption_key_command was ended by signal %d",
                         WTERMSIG(how));
    if (WEXITSTATUS(how) != 0)
        return error_set(e, ST_IO_ERROR, "encryption_key_command has ended with status %d",
                         WEXITSTATUS(how));
    return OK;
}

status master_read(const struct master_source *s, unsigned char ret_key[CRYPT_KEY_BYTES],
                   struct error *e) {
    char text[TEXT_BYTES];
    size_t n = 0;
    bool file = s->file && *s->file;
    if (file == (s->command && *s->command))
        return error_set(e, ST_INVALID_PARAMETER_VALUE,
                         "one of encryption_key_file and encryption_key_command must be set%s",
                         file ? ", not both" : "");
    status st = file ? read_file(s->file, text, &n, e) : run_command(s, text, &n, e);
    if (ok(st) && !parse(text, n, ret_key)) {
        st = error_set(e, ST_INVALID_PARAMETER_VALUE, "%s does not hold an encryption key",
                       file ? s->file : "what encryption_key_command prints");
        error_hint(e, "A key is 32 bytes, as they are, in hexadecimal or in base64: "
                      "openssl rand -hex 32");
    }
    crypt_wipe(text, sizeof text);
    return st;
}
