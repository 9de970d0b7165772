#include "base/coro.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/check.h"

#if defined(__SANITIZE_ADDRESS__)
#define CORO_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORO_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CORO_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CORO_TSAN 1
#endif
#endif
#ifdef CORO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef CORO_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Swapping is our own dozen instructions where we know the machine: swapcontext(3) makes two system
 * calls for the signal mask. Elsewhere it is swapcontext. */
#if defined(__x86_64__)
#define CORO_ASM 1
#else
#include <ucontext.h>
#endif

struct coro {
    void *stack_pointer; /* saved while not running */
    void *resumer_pointer;
    struct coro *resumer; /* the coroutine that resumed this one, or NULL */
    char *stack;          /* lowest byte, the guard page */
    size_t stack_bytes;
    size_t used_bytes; /* the most that recursion has been seen to use */
    void (*fn)(void *);
    void *arg;
    void *data;
    void *local;
    bool ended;
#ifndef CORO_ASM
    ucontext_t context;
    ucontext_t resumer_context;
#endif
#ifdef CORO_ASAN
    void *fake_stack;
    const void *resumer_bottom;
    size_t resumer_bytes;
#endif
#ifdef CORO_TSAN
    void *fiber;
    void *resumer_fiber;
#endif
};

#define GUARD_BYTES 4096

static _Thread_local struct coro *running;

#ifdef CORO_ASM
/* Saves the callee-saved registers of the System V ABI on the old stack and takes them from the
 * new. */
void coro_swap(void **save_pointer, void *load_pointer);
__asm__(".text\n"
        ".globl coro_swap\n"
        ".hidden coro_swap\n"
        ".type coro_swap, @function\n"
        "coro_swap:\n"
        "  endbr64\n"
        "  pushq %rbp\n  pushq %rbx\n  pushq %r12\n  pushq %r13\n  pushq %r14\n  pushq %r15\n"
        "  subq $8, %rsp\n  stmxcsr (%rsp)\n  fnstcw 4(%rsp)\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  ldmxcsr (%rsp)\n  fldcw 4(%rsp)\n  addq $8, %rsp\n"
        "  popq %r15\n  popq %r14\n  popq %r13\n  popq %r12\n  popq %rbx\n  popq %rbp\n"
        "  ret\n"
        ".size coro_swap, .-coro_swap\n");
#endif

static void finish_switch_in([[maybe_unused]] struct coro *c) {
#ifdef CORO_ASAN
    __sanitizer_finish_switch_fiber(c->fake_stack, &c->resumer_bottom, &c->resumer_bytes);
#endif
}

static void switch_out(struct coro *c) {
#ifdef CORO_ASAN
    __sanitizer_start_switch_fiber(c->ended ? NULL : &c->fake_stack, c->resumer_bottom,
                                   c->resumer_bytes);
#endif
#ifdef CORO_TSAN
    __tsan_switch_to_fiber(c->resumer_fiber, 0);
#endif
#ifdef CORO_ASM
    coro_swap(&c->stack_pointer, c->resumer_pointer);
#else
    swapcontext(&c->context, &c->resumer_context);
#endif
    finish_switch_in(c);
}

_Noreturn static void entry(void) {
    struct coro *c = running;
    finish_switch_in(c);
    c->fn(c->arg);
    c->ended = true;
    switch_out(c);
    CHECK(!"an ended coroutine was resumed");
    abort();
}

status coro_new(size_t stack_bytes, void (*fn)(void *), void *arg, struct coro **ret_coro) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    stack_bytes = ((stack_bytes + page - 1) / page + 1) * page;
    struct coro *c = calloc(1, sizeof *c);
    if (!c) return STATUS(OUT_OF_MEMORY);
    c->stack = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (c->stack == MAP_FAILED || mprotect(c->stack, page, PROT_NONE) != 0) {
        if (c->stack != MAP_FAILED) munmap(c->stack, stack_bytes);
        free(c);
        return STATUS(OUT_OF_MEMORY);
    }
    c->stack_bytes = stack_bytes;
    c->fn = fn;
    c->arg = arg;
#ifdef CORO_ASM
    /* As if entry had called coro_swap: six registers, the control words, the return address; the
     * stack is 8 below a multiple of 16 when entry begins, as after a call. */
    uint64_t *top = (uint64_t *)(c->stack + stack_bytes) - 1;
    *--top = (uint64_t)(uintptr_t)entry;
    top -= 6;
    for (int i = 0; i < 6; i++) top[i] = 0;
    uint32_t mxcsr;
    uint16_t fpu;
    __asm__ volatile("stmxcsr %0\n fnstcw %1" : "=m"(mxcsr), "=m"(fpu));
    *--top = (uint64_t)fpu << 32 | mxcsr;
    c->stack_pointer = top;
#else
    getcontext(&c->context);
    c->context.uc_stack.ss_sp = c->stack;
    c->context.uc_stack.ss_size = stack_bytes;
    makecontext(&c->context, entry, 0);
#endif
#ifdef CORO_TSAN
    c->fiber = __tsan_create_fiber(0);
#endif
    *ret_coro = c;
    return OK;
}

void coro_free(struct coro *c) {
    if (!c) return;
    CHECK(c != running);
#ifdef CORO_TSAN
    __tsan_destroy_fiber(c->fiber);
#endif
#ifdef CORO_ASAN
    /* One that never ended leaves marks of its frames, and the next stack may lie here. */
    __asan_unpoison_memory_region(c->stack, c->stack_bytes);
#endif
    munmap(c->stack, c->stack_bytes);
    free(c);
}

void coro_resume(struct coro *c) {
    CHECK(!c->ended && c != running);
    c->resumer = running;
    running = c;
#ifdef CORO_ASAN
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, c->stack, c->stack_bytes);
#endif
#ifdef CORO_TSAN
    c->resumer_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(c->fiber, 0);
#endif
#ifdef CORO_ASM
    coro_swap(&c->resumer_pointer, c->stack_pointer);
#else
    swapcontext(&c->resumer_context, &c->context);
#endif
#ifdef CORO_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#endif
    running = c->resumer;
}

void coro_yield(void) {
    CHECK(running);
    switch_out(running);
}

bool coro_ended(const struct coro *c) {
    return c->ended;
}

void coro_set_data(struct coro *c, void *data) {
    c->data = data;
}

void *coro_data(const struct coro *c) {
    return c->data;
}

static _Thread_local void *thread_local_pointer;

void coro_set_local(void *local) {
    if (running)
        running->local = local;
    else
        thread_local_pointer = local;
}

void *coro_local(void) {
    return running ? running->local : thread_local_pointer;
}

struct coro *coro_self(void) {
    return running;
}

/* What a usual statement touches stays: it is needed again at once. */
#define KEPT_BYTES ((size_t)128 << 10)

void coro_trim(struct coro *c) {
    CHECK(c != running);
    if (c->used_bytes <= KEPT_BYTES || c->stack_bytes <= KEPT_BYTES + GUARD_BYTES) return;
    /* where it cannot be given back it stays */
    (void)madvise(c->stack + GUARD_BYTES, c->stack_bytes - KEPT_BYTES - GUARD_BYTES, MADV_DONTNEED);
    c->used_bytes = 0;
}

size_t coro_stack_left(void) {
    const char *here = __builtin_frame_address(0);
    if (running) {
        size_t used = running->stack_bytes - (size_t)(here - running->stack);
        if (used > running->used_bytes) running->used_bytes = used;
        return (size_t)(here - running->stack) - GUARD_BYTES;
    }
    static _Thread_local const char *thread_top;
    if (!thread_top) thread_top = here;
    struct rlimit limit;
    size_t size = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY
                      ? (size_t)limit.rlim_cur
                      : (size_t)8 << 20;
    size_t used = thread_top > here ? (size_t)(thread_top - here) : 0;
    return size > used ? size - used : 0;
}
