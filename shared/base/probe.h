/* probe.h: a place where an observer can attach. PROBE(provider, name, args…) is one nop in the
 * program and a note in its ELF file; each folder's probes.d says what the arguments are. */
#ifndef BASE_PROBE_H
#define BASE_PROBE_H

/* Arguments are constants or in registers: an address with two registers, which the compiler may
 * otherwise leave in the note, is more than libbpf 1.1 can read. */
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>

#define PROBE_PICK(_0, _1, _2, _3, _4, _5, _6, name, ...) name
#define PROBE(provider, ...)                                                                       \
    PROBE_PICK(__VA_ARGS__, PROBE_6, PROBE_5, PROBE_4, PROBE_3, PROBE_2, PROBE_1, PROBE_0)         \
    (provider, __VA_ARGS__)
#define PROBE_0(p, n) DTRACE_PROBE(p, n)
#define PROBE_1(p, n, a) DTRACE_PROBE1(p, n, a)
#define PROBE_2(p, n, a, b) DTRACE_PROBE2(p, n, a, b)
#define PROBE_3(p, n, a, b, c) DTRACE_PROBE3(p, n, a, b, c)
#define PROBE_4(p, n, a, b, c, d) DTRACE_PROBE4(p, n, a, b, c, d)
#define PROBE_5(p, n, a, b, c, d, e) DTRACE_PROBE5(p, n, a, b, c, d, e)
#define PROBE_6(p, n, a, b, c, d, e, f) DTRACE_PROBE6(p, n, a, b, c, d, e, f)

#endif
