/* Time zones: found by name, read from the system's database (RFC 8536), asked. */
#include "types/tz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "types/internal.h"
#include "types/tz_rule.h"

#define DATABASE "/usr/share/zoneinfo"
#define NAME_MAX_BYTES 64
#define FILE_MAX_BYTES (256 * 1024)

struct tz {
    struct tz *next;
    char name[NAME_MAX_BYTES];
    uint32_t n_transitions, n_types;
    int64_t *times;
    uint8_t *type_of; /* of the time after transition i */
    struct tz_local *types;
    char *abbreviations;
    struct posix_rule rule; /* after the last transition */
    bool of_database;
    const struct tz *meant_by; /* an abbreviation (the name): of this zone */
};

static struct tz utc = {
    .name = "UTC", .of_database = true, .n_types = 1, .types = &(struct tz_local){0, false, "UTC"}};

/* Zones once read, process lifetime. A worker is one thread. */
static struct tz *cache;

const struct tz *tz_utc(void) {
    return &utc;
}

const char *tz_name(const struct tz *z) {
    return z->name;
}

/* ---- lookup ---- */

/* What a zone meant by an abbreviation at an instant: as it used it last, else as it will first. */
static bool meaning_at(const struct tz *abbreviation, int64_t unix_s, struct tz_local *ret) {
    const struct tz *z = abbreviation->meant_by;
    bool found = false;
    for (uint32_t i = 0; i < z->n_transitions; i++) {
        const struct tz_local *t = &z->types[z->type_of[i]];
        if (strcasecmp(t->abbreviation, abbreviation->name) != 0) continue;
        if (found && z->times[i] > unix_s) break;
        *ret = *t;
        found = true;
    }
    return found;
}

static struct tz_local abbreviation_at(const struct tz *z, int64_t unix_s) {
    struct tz_local meant;
    return meaning_at(z, unix_s, &meant) ? meant : tz_at(z->meant_by, unix_s);
}

bool tz_is_fixed(const struct tz *z, int32_t *ret_offset_s) {
    if (z->meant_by || (z->rule.valid && z->rule.has_dst)) return false;
    for (uint32_t i = 1; i < z->n_types; i++)
        if (z->types[i].offset_s != z->types[0].offset_s) return false;
    *ret_offset_s = z->types[0].offset_s;
    return true;
}

struct tz_local tz_at(const struct tz *z, int64_t unix_s) {
    if (z->meant_by) return abbreviation_at(z, unix_s);
    if (!z->n_transitions || unix_s < z->times[0]) {
        if (!z->n_transitions && z->rule.valid) return tz_rule_at(&z->rule, unix_s);
        for (uint32_t i = 0; i < z->n_types; i++)
            if (!z->types[i].is_dst) return z->types[i];
        return z->types[0];
    }
    uint32_t low = 0, high = z->n_transitions; /* the last transition at or before unix_s */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (z->times[middle] <= unix_s)
            low = middle;
        else
            high = middle;
    }
    if (low == z->n_transitions - 1 && z->rule.valid) return tz_rule_at(&z->rule, unix_s);
    return z->types[z->type_of[low]];
}

struct tz_local tz_of_local(const struct tz *z, int64_t local_s) {
    if (z->meant_by) {
        struct tz_local of_zone = tz_of_local(z->meant_by, local_s), meant;
        return meaning_at(z, local_s - of_zone.offset_s, &meant) ? meant : of_zone;
    }
    struct tz_local before = tz_at(z, local_s - SECONDS_PER_DAY);
    struct tz_local after = tz_at(z, local_s + SECONDS_PER_DAY);
    if (before.offset_s == after.offset_s) {
        struct tz_local now = tz_at(z, local_s - before.offset_s);
        if (now.offset_s == before.offset_s) return now;
    }
    struct tz_local as_before = tz_at(z, local_s - before.offset_s);
    struct tz_local as_after = tz_at(z, local_s - after.offset_s);
    bool before_holds = as_before.offset_s == before.offset_s;
    bool after_holds = as_after.offset_s == after.offset_s;
    if (before_holds && !after_holds) return as_before;
    if (after_holds && !before_holds) return as_after;
    if (before_holds) return after; /* exists twice: the later reading, standard time */
    return before;                  /* does not exist: clocks jumped over it */
}

/* ---- files ---- */

static void *take(size_t n, size_t size) {
    return calloc(n ? n : 1, size);
}

static void free_zone(struct tz *z) {
    free(z->times);
    free(z->type_of);
    free(z->types);
    free(z->abbreviations);
    free(z);
}

struct tzif_head {
    uint32_t is_utc, is_std, leap, times, types, chars;
};

static bool read_head(const uint8_t *p, const uint8_t *end, struct tzif_head *h) {
    if (end - p < 44 || memcmp(p, "TZif", 4)) return false;
    h->is_utc = load_be32(p + 20);
    h->is_std = load_be32(p + 24);
    h->leap = load_be32(p + 28);
    h->times = load_be32(p + 32);
    h->types = load_be32(p + 36);
    h->chars = load_be32(p + 40);
    return h->times < 100000 && h->types > 0 && h->types <= 256 && h->chars < 10000 &&
           h->leap < 1000 && h->is_utc <= 256 && h->is_std <= 256;
}

static size_t body_bytes(const struct tzif_head *h, size_t time_bytes) {
    return h->times * (time_bytes + 1) + h->types * 6u + h->chars + h->leap * (time_bytes + 4) +
           h->is_std + h->is_utc;
}

/* The second, 64-bit block and the footer. */
static bool read_body(struct tz *z, const uint8_t *p, const uint8_t *end) {
    struct tzif_head h;
    if (!read_head(p, end, &h) || p[4] < '2') return false;
    size_t skip = 44 + body_bytes(&h, 4);
    if ((size_t)(end - p) < skip) return false;
    p += skip;
    if (!read_head(p, end, &h) || (size_t)(end - p) < 44 + body_bytes(&h, 8)) return false;
    const uint8_t *footer = p + 44 + body_bytes(&h, 8);
    p += 44;
    z->times = take(h.times, sizeof *z->times);
    z->type_of = take(h.times, 1);
    z->types = take(h.types, sizeof *z->types);
    z->abbreviations = take(h.chars + 1, 1);
    if (!z->times || !z->type_of || !z->types || !z->abbreviations) return false;
    z->n_transitions = h.times;
    z->n_types = h.types;
    for (uint32_t i = 0; i < h.times; i++) z->times[i] = (int64_t)load_be64(p + i * 8);
    p += h.times * 8;
    memcpy(z->type_of, p, h.times);
    p += h.times;
    for (uint32_t i = 0; i < h.times; i++)
        if (z->type_of[i] >= h.types || (i && z->times[i] < z->times[i - 1])) return false;
    memcpy(z->abbreviations, p + h.types * 6, h.chars);
    for (uint32_t i = 0; i < h.types; i++, p += 6) {
        int32_t offset = (int32_t)load_be32(p);
        if (p[5] >= h.chars || offset < -90000 || offset > 90000) return false;
        z->types[i] = (struct tz_local){offset, p[4] != 0, z->abbreviations + p[5]};
    }
    char rule[128];
    size_t n = 0;
    if (footer < end && *footer == '\n')
        for (footer++; footer < end && *footer != '\n' && n < sizeof rule - 1; footer++)
            rule[n++] = (char)*footer;
    rule[n] = '\0';
    if (n && !tz_rule_parse(rule, &z->rule)) z->rule.valid = false;
    return true;
}

/* Only names below the database: letters, digits, _ + - / and no step upwards. */
static bool is_zone_name(const char *name) {
    size_t n = strlen(name);
    if (!n || n >= NAME_MAX_BYTES || name[0] == '/' || strstr(name, "..")) return false;
    for (size_t i = 0; i < n; i++)
        if (!is_letter(name[i]) && !is_digit(name[i]) && !strchr("_+-/", name[i])) return false;
    return true;
}

static status read_zone(const char *name, struct tz **ret) {
    char path[sizeof DATABASE + NAME_MAX_BYTES + 2];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", DATABASE, name);
    if (stat(path, &st) || !S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
        return STATUS(NOT_FOUND);
    FILE *file = fopen(path, "rb");
    if (!file) return STATUS(NOT_FOUND);
    uint8_t *bytes = malloc((size_t)st.st_size + 1);
    struct tz *z = take(1, sizeof *z);
    size_t n = bytes ? fread(bytes, 1, (size_t)st.st_size, file) : 0;
    fclose(file);
    bool good = bytes && z && read_body(z, bytes, bytes + n);
    free(bytes);
    if (!good) {
        if (z) free_zone(z);
        return STATUS(NOT_FOUND);
    }
    snprintf(z->name, sizeof z->name, "%s", name);
    z->of_database = true;
    *ret = z;
    return OK;
}

static status keep(struct tz *z, const struct tz **ret) {
    z->next = cache;
    cache = z;
    *ret = z;
    return OK;
}

/* A zone of one offset; the name is what was asked for. */
static status fixed_zone(const char *name, int32_t offset_s, const char *abbreviation,
                         const struct tz **ret) {
    struct tz *z = take(1, sizeof *z);
    if (!z) return STATUS(OUT_OF_MEMORY);
    z->types = take(1, sizeof *z->types);
    z->abbreviations = strdup(abbreviation);
    if (!z->types || !z->abbreviations) {
        free_zone(z);
        return STATUS(OUT_OF_MEMORY);
    }
    z->n_types = 1;
    z->types[0] = (struct tz_local){offset_s, false, z->abbreviations};
    snprintf(z->name, sizeof z->name, "%s", name);
    return keep(z, ret);
}

static const struct tz *find_cached(const char *name) {
    if (same_word(name, strlen(name), "utc")) return &utc;
    for (const struct tz *z = cache; z; z = z->next)
        if (!z->meant_by && same_word(name, strlen(name), z->name)) return z;
    return NULL;
}

status tz_find_offset(int32_t offset_s, const struct tz **ret) {
    char name[NAME_MAX_BYTES], text[16];
    int32_t rest = abs(offset_s);
    int n = snprintf(text, sizeof text, "%c%02d", offset_s < 0 ? '-' : '+', rest / 3600 % 100);
    if (rest % 3600) n += snprintf(text + n, sizeof text - (size_t)n, ":%02d", rest / 60 % 60);
    if (rest % 60) snprintf(text + n, sizeof text - (size_t)n, ":%02d", rest % 60);
    /* PostgreSQL's name for such a zone is a POSIX rule, whose sign is the other way round. */
    char west[16];
    snprintf(west, sizeof west, "%s", text);
    west[0] = text[0] == '-' ? '+' : '-';
    snprintf(name, sizeof name, "<%s>%s", text, west);
    const struct tz *z = find_cached(name);
    if (z) {
        *ret = z;
        return OK;
    }
    return fixed_zone(name, offset_s, text, ret);
}

/* An offset [+-]hh[:mm[:ss]] or a rule, both in POSIX's sense: west is positive. */
static status find_written(const char *name, const struct tz **ret) {
    const char *p = name;
    int32_t offset;
    if (*p == '+' || *p == '-' || is_digit(*p)) {
        if (!tz_rule_time(&p, &offset) || *p || abs(offset) > 15 * 3600 + 3599)
            return STATUS(NOT_FOUND);
        return tz_find_offset(-offset, ret);
    }
    struct posix_rule rule;
    if (strlen(name) >= NAME_MAX_BYTES || !tz_rule_parse(name, &rule)) return STATUS(NOT_FOUND);
    struct tz *z = take(1, sizeof *z);
    if (!z) return STATUS(OUT_OF_MEMORY);
    z->types = take(1, sizeof *z->types);
    z->rule = rule;
    z->rule.standard.abbreviation = z->rule.names[0];
    z->rule.daylight.abbreviation = z->rule.names[1];
    if (!z->types) {
        free_zone(z);
        return STATUS(OUT_OF_MEMORY);
    }
    z->n_types = 1;
    z->types[0] = z->rule.standard;
    snprintf(z->name, sizeof z->name, "%s", name);
    return keep(z, ret);
}

/* The database's spelling of a name given in any case, directory by directory. */
static bool match_spelling(const char *name, char *out) {
    char path[sizeof DATABASE + NAME_MAX_BYTES + 2] = DATABASE;
    size_t done = 0;
    while (name[done]) {
        const char *part = name + done;
        size_t len = strcspn(part, "/");
        DIR *dir = opendir(path);
        struct dirent *entry;
        bool found = false;
        while (dir && !found && (entry = readdir(dir))) {
            if (!same_word(part, len, entry->d_name)) continue;
            memcpy(out + done, entry->d_name, len);
            found = true;
        }
        if (dir) closedir(dir);
        if (!found) return false;
        size_t used = strlen(path);
        path[used] = '/';
        memcpy(path + used + 1, out + done, len);
        path[used + 1 + len] = '\0';
        done += len;
        if (name[done] == '/') out[done++] = '/';
    }
    out[done] = '\0';
    return true;
}

status tz_find(const char *name, const struct tz **ret) {
    const struct tz *known = find_cached(name);
    if (known) {
        *ret = known;
        return OK;
    }
    struct tz *z;
    char spelled[NAME_MAX_BYTES];
    if (is_zone_name(name) && !is_digit(name[0]) && name[0] != '+' && name[0] != '-') {
        if (ok(read_zone(name, &z))) return keep(z, ret);
        if (match_spelling(name, spelled) && ok(read_zone(spelled, &z))) return keep(z, ret);
    }
    return find_written(name, ret);
}

bool tz_is_abbreviation(const struct tz *z) {
    return z->meant_by != NULL;
}

const struct tz *tz_of_abbreviation(const char *word, const struct tz *zone) {
    struct tz *z = take(1, sizeof *z);
    const struct tz *ret;
    if (!z) return NULL;
    size_t n = 0;
    for (; word[n] && n < sizeof z->name - 1; n++) z->name[n] = upper_ascii(word[n]);
    z->meant_by = zone;
    return ok(keep(z, &ret)) ? ret : NULL;
}

static status preload_dir(const char *below) {
    char path[sizeof DATABASE + NAME_MAX_BYTES * 2];
    snprintf(path, sizeof path, "%s%s%s", DATABASE, *below ? "/" : "", below);
    DIR *dir = opendir(path);
    if (!dir) return STATUS(NOT_FOUND);
    struct dirent *entry;
    status s = OK;
    while (ok(s) && (entry = readdir(dir))) {
        char name[NAME_MAX_BYTES * 2 + sizeof entry->d_name];
        const struct tz *z;
        snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", entry->d_name);
        if (entry->d_name[0] == '.' || !is_zone_name(name) || !strcmp(name, "posix") ||
            !strcmp(name, "right"))
            continue;
        if (entry->d_type == DT_DIR)
            s = preload_dir(name);
        else
            status_ignore(tz_find(name, &z)); /* tables and the like are no zones */
    }
    closedir(dir);
    return s;
}

status tz_preload(void) {
    return preload_dir("");
}

const struct tz *tz_next(const struct tz *after) {
    const struct tz *z = !after ? &utc : after == &utc ? cache : after->next;
    while (z && !z->of_database) z = z->next;
    return z;
}
