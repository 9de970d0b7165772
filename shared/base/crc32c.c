#include "base/crc32c.h"

#include "base/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>

[[gnu::target("sse4.2")]] static uint32_t crc_hardware(uint32_t crc, const unsigned char *p,
                                                       size_t n) {
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) c = _mm_crc32_u64(c, load_le64(p));
    for (; n; p++, n--) c = _mm_crc32_u8((uint32_t)c, *p);
    return (uint32_t)c;
}

/* What makes of a CRC that of the same bytes and so many zeros behind them: x to the power of
 * 8 * zeros - 33 modulo the polynomial, reflected. (Gopal and others: Fast CRC Computation for
 * iSCSI Polynomial Using CRC32 Instruction, 2011) */
#define LONG 1024
#define LONG_ZEROS 0x170076fa       /* LONG */
#define LONG_ZEROS_TWICE 0xa51b6135 /* 2 * LONG */
#define SHORT 128
#define SHORT_ZEROS 0x0d3b6092
#define SHORT_ZEROS_TWICE 0xb9e02b86

/* The instruction takes a word each cycle, but gives its result after three: three stretches side
 * by side, put together afterwards. */
[[gnu::target("sse4.2,pclmul")]] static uint32_t crc_stretches(uint32_t crc, const unsigned char *p,
                                                               size_t stretch, __m128i zeros) {
    uint64_t a = crc, b = 0, c = 0;
    for (const unsigned char *end = p + stretch; p < end; p += 8) {
        a = _mm_crc32_u64(a, load_le64(p));
        b = _mm_crc32_u64(b, load_le64(p + stretch));
        c = _mm_crc32_u64(c, load_le64(p + 2 * stretch));
    }
    __m128i first = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)a), zeros, 0x10);
    __m128i second = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)b), zeros, 0x00);
    uint64_t both = (uint64_t)_mm_cvtsi128_si64(_mm_xor_si128(first, second));
    return (uint32_t)(_mm_crc32_u64(0, both) ^ c);
}

[[gnu::target("sse4.2,pclmul")]] static uint32_t crc_long(uint32_t crc, const unsigned char *p,
                                                          size_t n) {
    for (; n >= 3 * LONG; p += 3 * LONG, n -= 3 * LONG)
        crc = crc_stretches(crc, p, LONG, _mm_set_epi64x(LONG_ZEROS_TWICE, LONG_ZEROS));
    for (; n >= 3 * SHORT; p += 3 * SHORT, n -= 3 * SHORT)
        crc = crc_stretches(crc, p, SHORT, _mm_set_epi64x(SHORT_ZEROS_TWICE, SHORT_ZEROS));
    return crc_hardware(crc, p, n);
}
#endif

/* Half-byte table for the reflected polynomial 0x82F63B78. */
static uint32_t crc_portable(uint32_t crc, const unsigned char *p, size_t n) {
    static const uint32_t table[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                       0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                       0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                       0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};
    for (; n; p++, n--) {
        crc ^= *p;
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return crc;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes) {
#if defined(__x86_64__)
    if (bytes >= 3 * SHORT && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.2"))
        return ~crc_long(~crc, data, bytes);
    if (__builtin_cpu_supports("sse4.2")) return ~crc_hardware(~crc, data, bytes);
#endif
    return ~crc_portable(~crc, data, bytes);
}
