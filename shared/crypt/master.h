/* master.h: the master key, which an operator keeps outside of the data directory: it wraps the
 * data keys of the key file and is used for nothing else. */
#ifndef CRYPT_MASTER_H
#define CRYPT_MASTER_H

#include "base/error.h"
#include "crypt/crypt.h"

#define MASTER_COMMAND_MS 10000 /* a command that takes longer is ended */

/* One of the two is set; the other is empty or NULL. */
struct master_source {
    const char *file; /* holds the key; nobody but its owner (us, or root) may read or write it */
    const char *command; /* for /bin/sh; prints the key */
    /* How to wait; NULL: this thread sleeps. */
    void (*wait)(void *arg, uint64_t ns);
    void *arg;
};

static inline bool master_source_is_set(const struct master_source *s) {
    return (s->file && *s->file) || (s->command && *s->command);
}
/* The key, 32 bytes; the source holds them as they are, as 64 hexadecimal digits or as base64 (44
 * characters), the two latter with blanks around them. INVALID_PARAMETER_VALUE, IO_ERROR with
 * words; the key is in none of them. */
status master_read(const struct master_source *s, unsigned char ret_key[CRYPT_KEY_BYTES],
                   struct error *e);

#endif
