#include "net/wire_count.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static bool tcp_info_of(int fd, struct tcp_info *ret) {
    socklen_t len = sizeof *ret;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, ret, &len) == 0 &&
           len >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof ret->tcpi_bytes_received;
}

/* Counters and queues are asked for one after the other: until nothing has come or been
 * acknowledged in between. */
bool wire_count(int fd, uint32_t *ret_received, uint32_t *ret_sent) {
    struct tcp_info before, after;
    int unread = 0, unsent = 0;
    if (!tcp_info_of(fd, &after)) return false;
    do {
        before = after;
        if (ioctl(fd, SIOCINQ, &unread) != 0 || ioctl(fd, SIOCOUTQ, &unsent) != 0 ||
            !tcp_info_of(fd, &after))
            return false;
    } while (before.tcpi_bytes_received != after.tcpi_bytes_received ||
             before.tcpi_bytes_acked != after.tcpi_bytes_acked);
    *ret_received = (uint32_t)(after.tcpi_bytes_received - (uint64_t)unread);
    *ret_sent = (uint32_t)(after.tcpi_bytes_acked + (uint64_t)unsent);
    return true;
}
