/* Thousands of clients at once, on the far ends of veths: each logs in by EAP-MD5, tells its address by one ARP request,
 * and answers ARP as it is told to. The load of `logins`, `memory` and `probes`; the same for every authenticator.
 *
 * One packet socket for EAPOL and one for ARP, for all interfaces; clients are spread over the interfaces in turn.
 * Client i is 02:50:00:xx:xx:xx and 10.80.y.z. WINDOW logins are under way at any time. A login that has not succeeded
 * starts again (EAPOL-Start) every RETRY_S and is given up after GIVE_UP_S; its time counts from its first Start.
 * Frames go to the PAE group address; frames that come in for it are for nobody in particular, and are left alone.
 *
 * argv: PREFIX INTERFACES FIRST COUNT WINDOW SECONDS RATE [SWITCH_MAC]
 *   interfaces PREFIX1.. ; clients FIRST.. ; no login begins after SECONDS, nor more than RATE a second (0 = any number);
 *   with SWITCH_MAC each client sends it an ARP request once it is in, as if it looked for its gateway.
 * Says one JSON line when the logins are over, and then, for each line on its standard input:
 *   answer, mute  answers ARP requests from now on, or not (at first: answers)
 *   count         one JSON line: ARP requests for a client since the start
 *   logoff N      the first N that are in send an EAPOL-Logoff
 *   churn MS      from now on everybody logs in, stays for up to MS, logs off, and begins again
 *   rest          no login begins any more; one JSON line: how many logins succeeded since `churn`
 * and ends with its standard input. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <math.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RETRY_S 3.0
#define GIVE_UP_S 10.0
#define INTERFACES_MAX 64
#define RECEIVE_BUFFER (16 * 1024 * 1024)
#define IDENTITY "bench"
#define PASSWORD "a-password"
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum { EAPOL_EAP = 0, EAPOL_START = 1, EAPOL_LOGOFF = 2 };
enum { EAP_REQUEST = 1, EAP_RESPONSE = 2, EAP_SUCCESS = 3, EAP_FAILURE = 4 };
enum { EAP_IDENTITY = 1, EAP_MD5 = 4 };
enum state { IDLE, UNDER_WAY, IN, OUT };

struct client {
    enum state state;
    double started, retried;
    /* While they churn: when it does the next thing. */
    double next;
};

static const uint8_t PAE_GROUP[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x03};
/* No host has this address: the request is learnt from, and not answered. */
static const uint8_t NOBODY[4] = {10, 80, 255, 253};
static struct client *clients;
static unsigned first, count, interfaces;
static int eapol_fd, arp_fd, ifindexes[INTERFACES_MAX];
static double *took_ms, last_in;
static unsigned under_way, logged_in, given_up, refused, retries, arp_requests;
static int answering = 1, announcing = 0;
/* 0 = they do not. */
static unsigned churn_ms, churned;
static uint8_t switch_mac[6];

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    fprintf(stderr, "clients: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- MD5, RFC 1321 ---- */

static uint32_t md5_table[64];

static void md5_prepare(void) {
    for (int i = 0; i < 64; i++) md5_table[i] = (uint32_t)(fabs(sin(i + 1.0)) * 4294967296.0);
}

/* Of at most 55 octets: one block. */
static void md5_short(const uint8_t *input, size_t length, uint8_t digest[16]) {
    static const uint8_t shifts[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    uint32_t state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}, words[16];
    uint8_t block[64] = {0};
    memcpy(block, input, length);
    block[length] = 0x80;
    block[56] = (uint8_t)(length * 8);
    block[57] = (uint8_t)(length * 8 >> 8);
    for (int i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[i * 4] | (uint32_t)block[i * 4 + 1] << 8 | (uint32_t)block[i * 4 + 2] << 16 |
                   (uint32_t)block[i * 4 + 3] << 24;
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int word;
        switch (i / 16) {
            case 0: f = (b & c) | (~b & d); word = i; break;
            case 1: f = (b & d) | (c & ~d); word = (5 * i + 1) % 16; break;
            case 2: f = b ^ c ^ d; word = (3 * i + 5) % 16; break;
            default: f = c ^ (b | ~d); word = 7 * i % 16;
        }
        uint32_t sum = a + f + md5_table[i] + words[word];
        int shift = shifts[i / 16 * 4 + i % 4];
        a = d;
        d = c;
        c = b;
        b += sum << shift | sum >> (32 - shift);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    for (int i = 0; i < 16; i++) digest[i] = (uint8_t)(state[i / 4] >> (i % 4 * 8));
}

/* ---- who is who ---- */

static void mac_of(unsigned index, uint8_t mac[6]) {
    unsigned number = first + index;
    mac[0] = 0x02;
    mac[1] = 0x50;
    mac[2] = 0x00;
    mac[3] = (uint8_t)(number >> 16);
    mac[4] = (uint8_t)(number >> 8);
    mac[5] = (uint8_t)number;
}

static void ip_of(unsigned index, uint8_t ip[4]) {
    unsigned number = first + index + 256;
    ip[0] = 10;
    ip[1] = 80;
    ip[2] = (uint8_t)(number >> 8);
    ip[3] = (uint8_t)number;
}

/* The client with this MAC, or -1. */
static int index_of(const uint8_t *mac) {
    if (mac[0] != 0x02 || mac[1] != 0x50 || mac[2] != 0x00) return -1;
    unsigned number = (unsigned)mac[3] << 16 | (unsigned)mac[4] << 8 | mac[5];
    return number >= first && number - first < count ? (int)(number - first) : -1;
}

/* ---- sockets ---- */

static int packet_socket(unsigned protocol) {
    int fd = socket(AF_PACKET, SOCK_RAW, htons((uint16_t)protocol)), one = 1, size = RECEIVE_BUFFER;
    if (fd < 0) die("packet socket");
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) die("receive buffer");
    return fd;
}

static void send_frame(int fd, unsigned index, const uint8_t *frame, size_t length) {
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_halen = 6};
    to.sll_ifindex = ifindexes[index % interfaces];
    if (sendto(fd, frame, length, 0, (struct sockaddr *)&to, sizeof to) < 0 && errno != ENOBUFS) die("send");
}

/* ---- ARP ---- */

static void send_arp(unsigned index, uint8_t operation, const uint8_t *target_mac, const uint8_t *target_ip) {
    uint8_t frame[60] = {0};
    static const uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};
    memcpy(frame, target_mac, 6);
    mac_of(index, frame + 6);
    frame[12] = 0x08;
    frame[13] = 0x06;
    memcpy(frame + 14, ethernet_ipv4, 6);
    frame[21] = operation;
    mac_of(index, frame + 22);
    ip_of(index, frame + 28);
    if (operation == 2) memcpy(frame + 32, target_mac, 6);
    memcpy(frame + 38, target_ip, 4);
    send_frame(arp_fd, index, frame, sizeof frame);
}

static void on_arp(const uint8_t *frame, size_t length) {
    int index = index_of(frame);
    if (index < 0 || length < 42 || frame[21] != 1) return;
    uint8_t ip[4];
    ip_of((unsigned)index, ip);
    if (memcmp(ip, frame + 38, 4) != 0) return;
    arp_requests++;
    if (answering) send_arp((unsigned)index, 2, frame + 22, frame + 28);
}

/* ---- EAPOL ---- */

static void send_eapol(unsigned index, uint8_t type, const uint8_t *body, size_t length) {
    uint8_t frame[128] = {0};
    memcpy(frame, PAE_GROUP, 6);
    mac_of(index, frame + 6);
    frame[12] = 0x88;
    frame[13] = 0x8e;
    frame[14] = 2;
    frame[15] = type;
    frame[17] = (uint8_t)length;
    memcpy(frame + 18, body, length);
    send_frame(eapol_fd, index, frame, length + 18 < 60 ? 60 : length + 18);
}

static void send_eap(unsigned index, uint8_t id, uint8_t type, const uint8_t *data, size_t length) {
    uint8_t packet[64] = {EAP_RESPONSE, id, 0, (uint8_t)(length + 5), type};
    memcpy(packet + 5, data, length);
    send_eapol(index, EAPOL_EAP, packet, length + 5);
}

static void answer_challenge(unsigned index, uint8_t id, const uint8_t *challenge, size_t length) {
    uint8_t input[55], value[17];
    if (length + sizeof PASSWORD > sizeof input) return;
    input[0] = id;
    memcpy(input + 1, PASSWORD, sizeof PASSWORD - 1);
    memcpy(input + sizeof PASSWORD, challenge, length);
    value[0] = 16;
    md5_short(input, length + sizeof PASSWORD, value + 1);
    send_eap(index, id, EAP_MD5, value, sizeof value);
}

static void settle(struct client *client, enum state state) {
    client->state = state;
    under_way--;
}

static void on_eapol(const uint8_t *frame, size_t length) {
    int index = index_of(frame);
    if (index < 0 || length < 22 || frame[15] != EAPOL_EAP) return;
    struct client *client = &clients[index];
    const uint8_t *eap = frame + 18;
    size_t size = (size_t)eap[2] << 8 | eap[3];
    if (size + 18 > length) return;
    if (eap[0] == EAP_SUCCESS && client->state == UNDER_WAY) {
        last_in = now_s();
        if (logged_in < count) took_ms[logged_in++] = (last_in - client->started) * 1000;
        settle(client, IN);
        churned++;
        client->next = last_in + (double)(rand() % (int)(churn_ms + 1)) / 1000;
        if (announcing) send_arp((unsigned)index, 1, switch_mac, NOBODY);
    } else if (eap[0] == EAP_FAILURE && client->state == UNDER_WAY) {
        refused++;
        settle(client, OUT);
    } else if (eap[0] == EAP_REQUEST && size >= 5 && eap[4] == EAP_IDENTITY) {
        send_eap((unsigned)index, eap[1], EAP_IDENTITY, (const uint8_t *)IDENTITY, sizeof IDENTITY - 1);
    } else if (eap[0] == EAP_REQUEST && size >= 6 && eap[4] == EAP_MD5 && (size_t)eap[5] + 6 <= size) {
        answer_challenge((unsigned)index, eap[1], eap + 6, eap[5]);
    }
}

static void begin(unsigned index) {
    clients[index].state = UNDER_WAY;
    clients[index].started = clients[index].retried = now_s();
    under_way++;
    send_eapol(index, EAPOL_START, NULL, 0);
}

/* Those under way are among the last that began, or they are slow: a look at all of them ten times a second is cheap. */
static void retry(unsigned begun) {
    double now = now_s();
    for (unsigned index = 0; index < begun; index++) {
        struct client *client = &clients[index];
        if (client->state != UNDER_WAY) continue;
        if (now - client->started > GIVE_UP_S) {
            given_up++;
            settle(client, OUT);
        } else if (now - client->retried > RETRY_S) {
            client->retried = now;
            retries++;
            send_eapol(index, EAPOL_START, NULL, 0);
        }
    }
}

/* ---- the loop ---- */

static void drain(int fd, void (*on_frame)(const uint8_t *, size_t)) {
    uint8_t frame[2048];
    for (int i = 0; i < 256; i++) {
        ssize_t length = recv(fd, frame, sizeof frame, MSG_DONTWAIT);
        if (length < 0) return;
        on_frame(frame, (size_t)length);
    }
}

static int wait_for_frames(int timeout_ms, int with_input) {
    struct pollfd fds[3] = {{eapol_fd, POLLIN, 0}, {arp_fd, POLLIN, 0}, {with_input ? 0 : -1, POLLIN, 0}};
    if (poll(fds, 3, timeout_ms) < 0 && errno != EINTR) die("poll");
    if (fds[0].revents != 0) drain(eapol_fd, on_eapol);
    if (fds[1].revents != 0) drain(arp_fd, on_arp);
    return fds[2].revents != 0;
}

static void log_off(unsigned index) {
    send_eapol(index, EAPOL_LOGOFF, NULL, 0);
    clients[index].state = OUT;
}

static void log_off_first(unsigned number) {
    for (unsigned index = 0; index < count && number > 0; index++) {
        if (clients[index].state != IN) continue;
        log_off(index);
        number--;
        usleep(2000);
    }
}

#define CHURN_RETRY_S 1.2

/* Whoever has waited in vain begins again; so does whoever was in while the switch forgot it. */
static void churn(void) {
    double now = now_s();
    for (unsigned index = 0; index < count; index++) {
        struct client *client = &clients[index];
        if (client->state == UNDER_WAY && now - client->started > CHURN_RETRY_S) {
            client->started = now;
            send_eapol(index, EAPOL_START, NULL, 0);
        } else if (client->state == IN && now > client->next) {
            log_off(index);
            client->next = now + 0.05 + (double)(rand() % 200) / 1000;
        } else if ((client->state == OUT || client->state == IDLE) && now > client->next) begin(index);
    }
}

static int by_size(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static void log_in_all(unsigned window, double seconds, double rate) {
    double start = now_s(), looked = start;
    unsigned begun = 0;
    for (;;) {
        double now = now_s();
        int open = begun < count && now - start < seconds;
        while (open && under_way < window && begun < count && (rate == 0 || begun <= (now - start) * rate)) begin(begun++);
        if (under_way == 0 && !open) break;
        wait_for_frames(rate == 0 ? 100 : 2, 0);
        if (now - looked >= 0.1) {
            retry(begun);
            looked = now;
        }
    }
    /* Until the last success: who waits in vain at the end makes nobody slower. */
    double took = logged_in == 0 ? 0 : last_in - start;
    qsort(took_ms, logged_in, sizeof *took_ms, by_size);
    double p50 = logged_in == 0 ? 0 : took_ms[logged_in / 2], p99 = logged_in == 0 ? 0 : took_ms[logged_in * 99 / 100];
    printf("{\"begun\":%u,\"in\":%u,\"refused\":%u,\"givenUp\":%u,\"retries\":%u,\"seconds\":%.3f,\"p50\":%.2f,\"p99\":%.2f}\n",
           begun, logged_in, refused, given_up, retries, took, p50, p99);
}

static int parse_mac(const char *text, uint8_t mac[6]) {
    return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) == 6;
}

int main(int argc, char **argv) {
    if (argc < 8) {
        fprintf(stderr, "usage: clients PREFIX INTERFACES FIRST COUNT WINDOW SECONDS RATE [SWITCH_MAC]\n");
        return 2;
    }
    interfaces = (unsigned)atoi(argv[2]);
    first = (unsigned)atoi(argv[3]);
    count = (unsigned)atoi(argv[4]);
    clients = calloc(count, sizeof *clients);
    took_ms = calloc(count, sizeof *took_ms);
    if (interfaces > INTERFACES_MAX || clients == NULL || took_ms == NULL) return 1;
    if (argc > 8) announcing = parse_mac(argv[8], switch_mac);
    setvbuf(stdout, NULL, _IOLBF, 0);
    md5_prepare();
    for (unsigned i = 0; i < interfaces; i++) {
        char name[IF_NAMESIZE];
        snprintf(name, sizeof name, "%s%u", argv[1], i + 1);
        ifindexes[i] = (int)if_nametoindex(name);
        if (ifindexes[i] == 0) die(name);
    }
    eapol_fd = packet_socket(ETH_P_PAE);
    arp_fd = packet_socket(ETH_P_ARP);
    log_in_all((unsigned)atoi(argv[5]), atof(argv[6]), atof(argv[7]));
    for (;;) {
        char line[64];
        if (churn_ms > 0) churn();
        if (!wait_for_frames(churn_ms > 0 ? 20 : -1, 1)) continue;
        ssize_t length = read(0, line, sizeof line - 1);
        if (length <= 0) return 0;
        line[length] = 0;
        if (strncmp(line, "answer", 6) == 0) answering = 1;
        else if (strncmp(line, "mute", 4) == 0) answering = 0;
        else if (strncmp(line, "logoff", 6) == 0) log_off_first((unsigned)atoi(line + 6));
        else if (strncmp(line, "churn", 5) == 0) churn_ms = (unsigned)atoi(line + 5), churned = 0;
        else if (strncmp(line, "rest", 4) == 0) churn_ms = 0, printf("{\"churned\":%u}\n", churned);
        else if (strncmp(line, "count", 5) == 0) printf("{\"arpRequests\":%u}\n", arp_requests);
    }
}
