/* crc32c.h: CRC-32C (Castagnoli, polynomial 0x1EDC6F41), with the SSE 4.2 instruction, three
 * stretches at a time, where the processor has it. Chainable: crc32c(crc32c(0, a), b) is the CRC of
 * a followed by b. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(uint32_t crc, const void *data, size_t bytes);

#endif
