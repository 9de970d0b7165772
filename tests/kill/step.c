#include "step.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "stride.h"

#define CHUNK_BYTES 4096
#define EXIT_DENIED 77

extern const char __executable_start;

static _Noreturn void stepped(const struct step *s, _Atomic int *finished) {
    static const int ours[] = {SIGABRT, SIGSEGV, SIGBUS, SIGALRM};
    for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++) signal(ours[i], SIG_DFL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(EXIT_DENIED);
    raise(SIGSTOP);
    s->run(s->arg);
    atomic_store(finished, 1);
    for (;;) pause();
}

/* Brings `last` up to what is there. */
static bool look(struct step *s) {
    bool changed = false;
    s->changed_bulk = true;
    for (unsigned i = 0; i < s->areas_count; i++) {
        struct area *a = &s->areas[i];
        if (a->quiet || memcmp(a->last, a->live, a->bytes) == 0) continue;
        for (size_t at = 0; at < a->bytes; at += CHUNK_BYTES) {
            size_t n = a->bytes - at < CHUNK_BYTES ? a->bytes - at : CHUNK_BYTES;
            if (memcmp(a->last + at, a->live + at, n) != 0) memcpy(a->last + at, a->live + at, n);
        }
        changed = true;
        s->changed_bulk &= a->bulk;
    }
    for (unsigned i = 0; changed && i < s->areas_count; i++)
        if (s->areas[i].quiet) memcpy(s->areas[i].last, s->areas[i].live, s->areas[i].bytes);
    return changed;
}

static uint64_t place(pid_t pid) {
#ifdef __x86_64__
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0)
        return regs.rip - (uint64_t)(uintptr_t)&__executable_start;
#else
    (void)pid;
#endif
    return 0;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

enum step_result step_through(struct step *s) {
    _Atomic int *finished =
        mmap(NULL, sizeof *finished, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(finished != MAP_FAILED);
    enum step_result result = STEP_DIED;
    struct stride stride;
    stride_init(&stride);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) stepped(s, finished);
    CHECK(waitpid(pid, &s->how, 0) == pid);
    if (!WIFSTOPPED(s->how)) {
        if (WIFEXITED(s->how) && WEXITSTATUS(s->how) == EXIT_DENIED) result = STEP_DENIED;
        goto out;
    }
    while (!atomic_load(finished)) {
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) != 0) {
            result = s->instructions == 0 ? STEP_DENIED : STEP_DIED;
            end(pid);
            goto out;
        }
        CHECK(waitpid(pid, &s->how, 0) == pid);
        if (WIFSTOPPED(s->how) && WSTOPSIG(s->how) == SIGTRAP) stride_on(&stride, s, pid, &s->how);
        if (!WIFSTOPPED(s->how)) goto out;
        if (WSTOPSIG(s->how) != SIGTRAP) {
            s->at = place(pid);
            end(pid);
            goto out;
        }
        s->instructions++;
        if (s->between) s->between(s->arg);
        if (!look(s)) continue;
        s->points++;
        s->at = place(pid);
        s->point(s->arg);
    }
    result = STEP_DONE;
    end(pid);
out:
    munmap((void *)finished, sizeof *finished);
    return result;
}
