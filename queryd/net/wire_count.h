/* wire_count.h: how many bytes the kernel has taken from a connection, and given to it. */
#ifndef NET_WIRE_COUNT_H
#define NET_WIRE_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes that recv has returned and bytes that send has accepted since the connection was made, both
 * modulo 2^32. False: the kernel does not count them for this socket (it does for TCP: RFC 4898,
 * tcpEStatsAppHCThruOctetsReceived and ...ThruOctetsAcked, and what lies in the queues). */
bool wire_count(int fd, uint32_t *ret_received, uint32_t *ret_sent);

#endif
