/* A flood from one wire: ready frames, again and again, as fast as the kernel takes them or at a rate.
 *
 * argv: DEVICE RATE MACS SECONDS FRAME...
 *   RATE     frames a second; 0 = as many as go
 *   MACS     source MACs: 0 = a new random one each frame; N = N of them in turn; fixed = the frames' own
 *   SECONDS  how long; 0 = until its standard input ends
 *   FRAME    hexadecimal, Ethernet header first, no FCS; ":mMM" after it puts the source MAC at offset MM (decimal) too, ":aAA" four
 *            octets of chance at AA. Frames take turns.
 * Says "ready" when it begins, and at the end one JSON line: frames sent, seconds it took. Frames that the kernel has no room for
 * (ENOBUFS) are not sent. All randomness is a fixed sequence: the same flood each time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME_MAX 9000
#define PATCHES_MAX 4

struct template {
    uint8_t bytes[FRAME_MAX];
    size_t length;
    unsigned macs[PATCHES_MAX], mac_count, chances[PATCHES_MAX], chance_count;
};

static uint64_t chance_state = 88172645463325252ULL;

static uint64_t chance(void) {
    chance_state ^= chance_state << 13;
    chance_state ^= chance_state >> 7;
    return chance_state ^= chance_state << 17;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    fprintf(stderr, "flooder: %s: %s\n", what, errno == 0 ? "makes no sense" : strerror(errno));
    exit(1);
}

static void parse(const char *text, struct template *out) {
    unsigned octet;
    out->macs[out->mac_count++] = 6;
    for (; sscanf(text, "%2x", &octet) == 1 && out->length < FRAME_MAX; text += 2) out->bytes[out->length++] = (uint8_t)octet;
    for (; *text == ':'; text = strchrnul(text + 1, ':')) {
        unsigned at = (unsigned)atoi(text + 2);
        if (text[1] == 'm' && out->mac_count < PATCHES_MAX && at + 6 <= out->length) out->macs[out->mac_count++] = at;
        else if (text[1] == 'a' && out->chance_count < PATCHES_MAX && at + 4 <= out->length) out->chances[out->chance_count++] = at;
        else die(text);
    }
    if (*text != 0 || out->length < 14) die("a frame");
}

/* Locally administered, unicast. */
static void new_mac(uint8_t mac[6], unsigned long number) {
    uint64_t value = number == 0 ? chance() : number * 0x9e3779b97f4a7c15ULL;
    memcpy(mac, &value, 6);
    mac[0] = 0x06;
}

int main(int argc, char **argv) {
    if (argc < 6) {
        fprintf(stderr, "usage: flooder DEVICE RATE MACS SECONDS FRAME...\n");
        return 2;
    }
    double rate = atof(argv[2]), seconds = atof(argv[4]);
    int fixed = strcmp(argv[3], "fixed") == 0;
    unsigned long macs = strtoul(argv[3], NULL, 10), sent = 0;
    unsigned count = (unsigned)argc - 5;
    struct template *templates = calloc(count, sizeof *templates);
    uint8_t (*frames)[FRAME_MAX] = malloc(BATCH * FRAME_MAX);
    if (templates == NULL || frames == NULL) die("memory");
    for (unsigned i = 0; i < count; i++) parse(argv[5 + i], &templates[i]);

    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6, .sll_ifindex = (int)if_nametoindex(argv[1])};
    int fd = socket(AF_PACKET, SOCK_RAW, 0), size = 4 << 20;
    if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof to) < 0) die(argv[1]);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);

    printf("ready\n");
    fflush(stdout);
    double began = now_s(), now = began;
    unsigned long made = 0;
    struct pollfd input = {0, POLLIN, 0};
    while (seconds == 0 ? poll(&input, 1, 0) == 0 : now - began < seconds) {
        struct mmsghdr batch[BATCH] = {0};
        struct iovec pieces[BATCH];
        unsigned due = BATCH;
        if (rate > 0) {
            double ahead = (now - began) * rate - (double)made;
            due = ahead >= BATCH ? BATCH : ahead > 0 ? (unsigned)ahead : 0;
            if (due == 0) usleep(200);
        }
        for (unsigned i = 0; i < due; i++, made++) {
            const struct template *from = &templates[made % count];
            uint8_t mac[6];
            memcpy(frames[i], from->bytes, from->length);
            if (!fixed) {
                new_mac(mac, macs == 0 ? 0 : 1 + made % macs);
                for (unsigned n = 0; n < from->mac_count; n++) memcpy(frames[i] + from->macs[n], mac, 6);
            }
            for (unsigned n = 0; n < from->chance_count; n++) {
                uint32_t value = (uint32_t)chance();
                memcpy(frames[i] + from->chances[n], &value, 4);
            }
            pieces[i] = (struct iovec){frames[i], from->length};
            batch[i].msg_hdr = (struct msghdr){.msg_iov = &pieces[i], .msg_iovlen = 1};
        }
        for (unsigned done = 0; done < due;) {
            int took = sendmmsg(fd, batch + done, due - done, 0);
            if (took < 0 && errno != ENOBUFS && errno != EINTR) die("send");
            if (took <= 0) break;
            done += (unsigned)took;
            sent += (unsigned)took;
        }
        now = now_s();
    }
    printf("{\"sent\":%lu,\"seconds\":%.3f}\n", sent, now - began);
    return 0;
}
