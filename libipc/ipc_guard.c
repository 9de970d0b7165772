#include "ipc_guard.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union rights {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(sizeof(int))];
};

status guard_send(int channel, const struct guard_msg *m, int fd) {
    union rights rights = {0};
    struct iovec part = {.iov_base = (void *)m, .iov_len = sizeof *m};
    struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        packet.msg_control = &rights;
        packet.msg_controllen = sizeof rights.bytes;
        rights.head = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&rights.head), &fd, sizeof fd);
    }
    ssize_t n;
    do n = sendmsg(channel, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)sizeof *m) return OK;
    bool full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS ||
                          errno == ETOOMANYREFS);
    return full ? STATUS(AGAIN) : STATUS(IO_ERROR);
}

static int descriptor_of(struct msghdr *packet) {
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(packet);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof fd))
        memcpy(&fd, CMSG_DATA(c), sizeof fd);
    return fd;
}

status guard_receive(int channel, struct guard_msg *ret_m, int *ret_fd) {
    union rights rights;
    struct iovec part = {.iov_base = ret_m, .iov_len = sizeof *ret_m};
    struct msghdr packet = {.msg_iov = &part,
                            .msg_iovlen = 1,
                            .msg_control = &rights,
                            .msg_controllen = sizeof rights.bytes};
    *ret_fd = -1;
    ssize_t n;
    do n = recvmsg(channel, &packet, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n == 0) return STATUS(END);
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? STATUS(AGAIN) : STATUS(END);
    int fd = descriptor_of(&packet);
    if (n != (ssize_t)sizeof *ret_m || packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        if (fd >= 0) close(fd);
        return STATUS(INVALID);
    }
    ret_m->text[sizeof ret_m->text - 1] = '\0';
    *ret_fd = fd;
    return OK;
}
