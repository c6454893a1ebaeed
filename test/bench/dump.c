/* The yardstick of the sweep: a raw rtnetlink dump of a bridge's table, parsed no further than its messages. Prints the
 * best of ROUNDS in microseconds and the number of entries. argv: ifindex of the bridge. */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 20

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
    static char buffer[256 * 1024];
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    double best = 1e18;
    long entries = 0;
    if (argc < 2 || fd < 0) return 1;
    for (int round = 0; round < ROUNDS; round++) {
        struct {
            struct nlmsghdr header;
            struct ndmsg neighbour;
            struct rtattr attribute;
            unsigned master;
        } request;
        memset(&request, 0, sizeof request);
        request.header.nlmsg_len = sizeof request;
        request.header.nlmsg_type = RTM_GETNEIGH;
        request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        request.neighbour.ndm_family = AF_BRIDGE;
        request.attribute.rta_len = RTA_LENGTH(4);
        request.attribute.rta_type = NDA_MASTER;
        request.master = (unsigned)atoi(argv[1]);
        double start = now_us();
        int done = 0;
        entries = 0;
        if (send(fd, &request, sizeof request, 0) < 0) return 1;
        while (!done) {
            ssize_t length = recv(fd, buffer, sizeof buffer, 0);
            if (length < 0) return 1;
            for (struct nlmsghdr *h = (struct nlmsghdr *)buffer; NLMSG_OK(h, (unsigned)length); h = NLMSG_NEXT(h, length)) {
                if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) done = 1;
                else entries++;
            }
        }
        double took = now_us() - start;
        if (took < best) best = took;
    }
    printf("%.0f %ld\n", best, entries);
    close(fd);
    return 0;
}
