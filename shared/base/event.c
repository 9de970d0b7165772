#include "base/event.h"

#include <string.h>

#define RELAXED memory_order_relaxed

static struct event_entry *entry_of(struct event_ring *r, uint64_t number) {
    return &r->entry[number % EVENT_RING];
}

uint64_t event_put(struct event_ring *r, const struct event *e) {
    uint64_t number = atomic_load_explicit(&r->next, RELAXED), words[EVENT_WORDS];
    if (atomic_load_explicit(&entry_of(r, number)->number, RELAXED) == number + 1) number++;
    struct event_entry *to = entry_of(r, number);
    memcpy(words, e, sizeof words);
    atomic_store_explicit(&to->number, 0, RELAXED);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < EVENT_WORDS; i++)
        atomic_store_explicit(&to->word[i], words[i], RELAXED);
    atomic_store_explicit(&to->number, number + 1, memory_order_release);
    atomic_store_explicit(&r->next, number + 1, memory_order_release);
    return number;
}

bool event_get(const struct event_ring *r, uint64_t number, struct event *ret_event) {
    const struct event_entry *from = &r->entry[number % EVENT_RING];
    uint64_t words[EVENT_WORDS];
    if (atomic_load_explicit(&from->number, memory_order_acquire) != number + 1) return false;
    for (unsigned i = 0; i < EVENT_WORDS; i++)
        words[i] = atomic_load_explicit(&from->word[i], RELAXED);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load_explicit(&from->number, RELAXED) != number + 1) return false;
    memcpy(ret_event, words, sizeof *ret_event);
    ret_event->text[EVENT_TEXT_BYTES - 1] = '\0';
    return true;
}

uint64_t event_next(const struct event_ring *r) {
    return atomic_load_explicit(&r->next, memory_order_acquire);
}

uint64_t event_oldest(const struct event_ring *r) {
    uint64_t next = event_next(r);
    return next > EVENT_RING ? next - EVENT_RING : 0;
}

const char *event_kind_name(uint16_t kind) {
    static const char *const names[] = {
#define X(name, word) word,
#include "base/event.def"
#undef X
    };
    return kind < EVENT_KINDS ? names[kind] : "?";
}
