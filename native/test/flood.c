/*
 * flood IFACE COUNT SECONDS [MAC [PER_SECOND]]: sends frames flat out, their source MACs going round 02:f1:00:00:hi:lo for
 * 0 <= hilo < COUNT, to a MAC that nobody has. With MAC its first four octets, and its last two are where to begin; with PER_SECOND about
 * so many. An interface that is down is waited for. The lab's client that never stops talking. Prints how many frames it sent.
 */
#define _GNU_SOURCE /* sendmmsg */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define FRAME 60

int main(int argc, char **argv) {
    unsigned mac[6] = {2, 0xf1, 0, 0, 0, 0};
    if (argc < 4 || argc > 6 ||
        (argc > 4 && sscanf(argv[4], "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)) {
        fprintf(stderr, "usage: flood IFACE COUNT SECONDS [MAC [PER_SECOND]]\n");
        return 2;
    }
    const unsigned first = mac[4] << 8 | mac[5];
    const long gap_ns = argc > 5 ? BATCH * 1000000000L / atol(argv[5]) : 0;
    const unsigned count = (unsigned)atoi(argv[2]);
    const time_t end = time(NULL) + atoi(argv[3]);
    const int fd = socket(AF_PACKET, SOCK_RAW, 0);
    const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1])};
    if (fd < 0 || count == 0 || bind(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
        perror("flood");
        return 1;
    }
    static uint8_t frames[BATCH][FRAME];
    struct iovec pieces[BATCH];
    struct mmsghdr messages[BATCH];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < BATCH; i++) {
        static const uint8_t head[] = {2, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x88, 0xb5};
        memcpy(frames[i], head, sizeof head);
        for (int octet = 0; octet < 4; octet++) frames[i][6 + octet] = (uint8_t)mac[octet];
        pieces[i] = (struct iovec){.iov_base = frames[i], .iov_len = FRAME};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
    }
    unsigned long long sent = 0;
    for (unsigned who = 0; time(NULL) < end;) {
        for (int i = 0; i < BATCH; i++, who = (who + 1) % count) {
            frames[i][10] = (uint8_t)((first + who) >> 8);
            frames[i][11] = (uint8_t)(first + who);
        }
        const int done = sendmmsg(fd, messages, BATCH, 0);
        if (done > 0) sent += (unsigned)done;
        else if (errno != ENOBUFS && errno != EINTR && errno != ENETDOWN) break;
        if (gap_ns > 0) nanosleep(&(struct timespec){gap_ns / 1000000000L, gap_ns % 1000000000L}, NULL);
    }
    printf("%llu frames\n", sent);
    return 0;
}
