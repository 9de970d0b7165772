/* The abbreviations of zones. */
#include "types/internal.h"
#include "types/tz.h"

struct entry {
    const char *word;
    int32_t offset_s;
    bool is_dst;
    const char *zone_name; /* NULL: always the same offset */
};

static const struct entry entries[] = {
#define FIXED(word, offset, is_dst) {#word, offset, is_dst, NULL},
#define MOVING(word, zone) {#word, 0, false, zone},
#include "types/tz_abbreviation.def"
#undef FIXED
#undef MOVING
};
#define N_ENTRIES (sizeof entries / sizeof *entries)

/* Made when first asked for; they live as long as the process. */
static const struct tz *zones[N_ENTRIES];

bool tz_abbreviation_at(size_t i, struct tz_abbreviation *ret) {
    if (i >= N_ENTRIES) return false;
    const struct entry *e = &entries[i];
    const struct tz *zone;
    if (e->zone_name && !zones[i] && ok(tz_find(e->zone_name, &zone)))
        zones[i] = tz_of_abbreviation(e->word, zone);
    *ret = (struct tz_abbreviation){e->word, e->offset_s, e->is_dst, zones[i]};
    return true;
}

bool tz_abbreviation(const char *word, struct tz_abbreviation *ret) {
    size_t low = 0, high = N_ENTRIES;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcasecmp(word, entries[middle].word);
        if (!order) return tz_abbreviation_at(middle, ret);
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
