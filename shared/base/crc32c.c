#include "base/crc32c.h"

#include "base/bytes.h"

#if defined(__x86_64__)
#include <nmmintrin.h>

[[gnu::target("sse4.2")]] static uint32_t crc_hardware(uint32_t crc, const unsigned char *p,
                                                       size_t n) {
    uint64_t c = crc;
    for (; n >= 8; p += 8, n -= 8) c = _mm_crc32_u64(c, load_le64(p));
    for (; n; p++, n--) c = _mm_crc32_u8((uint32_t)c, *p);
    return (uint32_t)c;
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
    if (__builtin_cpu_supports("sse4.2")) return ~crc_hardware(~crc, data, bytes);
#endif
    return ~crc_portable(~crc, data, bytes);
}
