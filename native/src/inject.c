/* Ready frames out of ports: one packet socket for all of them, as many frames as there are in one system call. */
#define _GNU_SOURCE /* sendmmsg */
#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchdev.h"

#define FRAMES_PER_CALL 256u
#define SEND_BUFFER (4 << 20)

static int open_packet_socket(void) {
    /* Protocol 0: it sends only, nothing is ever queued to it. */
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -errno;
    const int size = SEND_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return fd;
}

static void fail_frame(struct sd *sd, struct pa_frame *frame, int error) {
    char label[24];
    frame->result = pa_error(&sd->base, error, "send %u octets on %s", frame->length,
                             sd_port_label(sd, frame->ifindex, label));
}

/* Sends frames[at[0..count)]; returns how many were sent. A frame that is refused does not stop those after it. */
static uint32_t send_some(struct sd *sd, struct pa_frame *frames, const uint32_t *at, uint32_t count,
                          const uint8_t *octets) {
    struct mmsghdr messages[FRAMES_PER_CALL];
    struct iovec pieces[FRAMES_PER_CALL];
    struct sockaddr_ll targets[FRAMES_PER_CALL];
    memset(messages, 0, count * sizeof *messages);
    for (uint32_t i = 0; i < count; i++) {
        const struct pa_frame *frame = &frames[at[i]];
        const uint8_t *start = octets + frame->offset;
        pieces[i] = (struct iovec){.iov_base = (void *)(uintptr_t)start, .iov_len = frame->length};
        targets[i] = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = (int)frame->ifindex, .sll_halen = 6};
        memcpy(&targets[i].sll_protocol, start + 12, 2);
        memcpy(targets[i].sll_addr, start, 6);
        messages[i].msg_hdr = (struct msghdr){.msg_name = &targets[i], .msg_namelen = sizeof targets[i],
                                              .msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    uint32_t sent = 0;
    for (uint32_t next = 0; next < count;) {
        const int done = sendmmsg(sd->packet_fd, messages + next, count - next, MSG_DONTWAIT);
        if (done > 0) {
            sent += (uint32_t)done;
            next += (uint32_t)done;
        } else if (errno != EINTR) {
            fail_frame(sd, &frames[at[next]], errno);
            next++;
        }
    }
    return sent;
}

int sd_inject(struct pa_handle *handle, struct pa_frame *frames, uint32_t count, const uint8_t *octets,
              uint32_t size) {
    struct sd *sd = (struct sd *)handle;
    (void)size;
    if (sd->packet_fd < 0) {
        const int fd = open_packet_socket();
        if (fd < 0) return pa_error(handle, fd, "open a packet socket");
        sd->packet_fd = fd;
    }
    uint32_t at[FRAMES_PER_CALL], queued = 0, sent = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (frames[i].result) continue;
        at[queued++] = i;
        if (queued == FRAMES_PER_CALL) {
            sent += send_some(sd, frames, at, queued, octets);
            queued = 0;
        }
    }
    if (queued) sent += send_some(sd, frames, at, queued, octets);
    return (int)sent;
}
