#include "stride.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "base/check.h"
#include "crypt/sector.h"
#include "step.h"

static int note_libcrypto(struct dl_phdr_info *info, [[maybe_unused]] size_t bytes, void *stride) {
    struct stride *st = stride;
    if (!strstr(info->dlpi_name, "/libcrypto.so")) return 0;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || !(p->p_flags & PF_X)) continue;
        st->from = info->dlpi_addr + p->p_vaddr;
        st->to = st->from + p->p_memsz;
    }
    return 1;
}

void stride_init(struct stride *st) {
    *st = (struct stride){.at = 0};
    dl_iterate_phdr(note_libcrypto, st);
}

#ifdef __x86_64__

#define BREAKPOINT 0xccu

static bool peek(pid_t pid, uint64_t at, uint64_t *ret_word) {
    errno = 0;
    *ret_word = (uint64_t)ptrace(PTRACE_PEEKDATA, pid, (void *)(uintptr_t)at, NULL);
    return errno == 0;
}

static void poke(pid_t pid, uint64_t at, uint64_t word) {
    CHECK(ptrace(PTRACE_POKEDATA, pid, (void *)(uintptr_t)at, (void *)(uintptr_t)word) == 0);
}

/* Until the process comes to `end`, and is stopped there as by a step; or by whatever ends it. */
static void run_until(pid_t pid, uint64_t end, int *how) {
    struct user_regs_struct regs;
    uint64_t word;
    if (!peek(pid, end, &word)) return;
    poke(pid, end, (word & ~(uint64_t)0xff) | BREAKPOINT);
    CHECK(ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 && waitpid(pid, how, 0) == pid);
    if (!WIFSTOPPED(*how) || WSTOPSIG(*how) != SIGTRAP) return;
    CHECK(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0 && regs.rip == end + 1);
    regs.rip = end;
    poke(pid, end, word);
    CHECK(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0);
}

static bool in_libcrypto(const struct stride *st, uint64_t at) {
    return at >= st->from && at < st->to;
}

static bool begins_sectors(uint64_t at) {
    return at == (uint64_t)(uintptr_t)&sectors_seal || at == (uint64_t)(uintptr_t)&sectors_open;
}

/* Where a cipher that is just called goes back to; 0: none is. */
static uint64_t end_of_cipher(const struct stride *st, pid_t pid,
                              const struct user_regs_struct *regs) {
    uint64_t back;
    if (!in_libcrypto(st, regs->rip) && !begins_sectors(regs->rip)) return 0;
    return peek(pid, regs->rsp, &back) && !in_libcrypto(st, back) ? back : 0;
}

static bool is_watched(const struct step *s, uint64_t from, uint64_t bytes) {
    for (unsigned i = 0; i < s->areas_count; i++) {
        uint64_t live = (uint64_t)(uintptr_t)s->areas[i].live;
        if (from < live + s->areas[i].bytes && live < from + bytes) return true;
    }
    return false;
}

/* Behind a rep movs or rep stos, forwards, that writes nothing watched; 0: this is none. */
static uint64_t end_of_string(const struct step *s, pid_t pid,
                              const struct user_regs_struct *regs) {
    uint64_t code;
    if (!peek(pid, regs->rip, &code) || (code & 0xff) != 0xf3) return 0;
    bool wide = (code >> 8 & 0xff) == 0x48;
    unsigned op = (unsigned)(code >> (wide ? 16 : 8)) & 0xff;
    unsigned each = op == 0xa4 || op == 0xaa ? 1 : wide ? 8 : 4;
    if ((op & ~1u) != 0xa4 && (op & ~1u) != 0xaa) return 0;
    if (regs->eflags & 0x400 || is_watched(s, regs->rdi, regs->rcx * each)) return 0;
    return regs->rip + (wide ? 3 : 2);
}

void stride_on(struct stride *st, const struct step *s, pid_t pid, int *how) {
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) != 0) return;
    uint64_t end = end_of_cipher(st, pid, &regs);
    if (end == 0 && regs.rip == st->at) end = end_of_string(s, pid, &regs);
    st->at = regs.rip;
    if (end != 0) run_until(pid, end, how);
}

#else

void stride_on([[maybe_unused]] struct stride *st, [[maybe_unused]] const struct step *s,
               [[maybe_unused]] pid_t pid, [[maybe_unused]] int *how) {}

#endif
