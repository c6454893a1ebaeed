/*
 * The kernel's own bridge for tests of the switchdev backend, in a network namespace of this process: br0, its ports p1 and p2,
 * and at the other end of each a client's interface, c1 and c2. Needs root and iproute2; without them a test says so and
 * passes, since the lab needs both anyway. To be included first: it asks for unshare().
 */
#ifndef KERNEL_BRIDGE_H
#define KERNEL_BRIDGE_H
#define _GNU_SOURCE /* unshare */
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "portauth.h"

static const uint8_t ALICE[6] = {0x02, 0, 0, 0, 0, 0x0a}, BOB[6] = {0x02, 0, 0, 0, 0, 0x0b};
static struct pa_handle *handle;

static inline void run(const char *command) {
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

static inline uint32_t index_of(const char *name) { return if_nametoindex(name); }

static inline struct pa_key key_of(const uint8_t mac[6], const char *port) {
    struct pa_key key = {.ifindex = index_of(port)};
    memcpy(key.mac, mac, 6);
    return key;
}

static inline int set_port(const char *port, uint32_t flags) {
    struct pa_port_setting setting = {.ifindex = index_of(port), .flags = flags};
    return pa_port_set(handle, &setting, 1);
}

/* One frame from the client's side, to nobody in particular or to the PAE group address. */
static inline void send_from(const char *client, const uint8_t mac[6], bool eapol) {
    static const uint8_t pae[6] = {0x01, 0x80, 0xc2, 0, 0, 3}, nobody[6] = {0x02, 0xff, 0, 0, 0, 1};
    uint8_t frame[60] = {0};
    memcpy(frame, eapol ? pae : nobody, 6);
    memcpy(frame + 6, mac, 6);
    frame[12] = 0x88;
    frame[13] = eapol ? 0x8e : 0xb5;
    const int fd = socket(AF_PACKET, SOCK_RAW, 0);
    const struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)index_of(client), .sll_halen = 6};
    CHECK_EQUAL(sendto(fd, frame, sizeof frame, 0, (const struct sockaddr *)&to, sizeof to), sizeof frame);
    close(fd);
}

static inline bool find(const uint8_t mac[6], struct pa_entry *found) {
    static struct pa_entry entries[4096];
    const int count = pa_table_dump(handle, entries, 4096, NULL);
    CHECK(count >= 0);
    for (int i = 0; i < count; i++)
        if (memcmp(entries[i].mac, mac, 6) == 0) {
            *found = entries[i];
            return true;
        }
    return false;
}

/* Events until one of this type, or none for half a second. */
static inline bool await_event(enum pa_event_type type, struct pa_event *event) {
    static struct pa_event events[4];
    static int left, next;
    for (int waited = 0; waited < 50;) {
        if (left == 0) {
            left = pa_events(handle, events, 4);
            next = 0;
            if (left == 0) {
                nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
                waited++;
            }
            continue;
        }
        left--;
        *event = events[next++];
        if (event->type == type) return true;
    }
    return false;
}

/* False where there can be no such bridge. */
static inline bool open_bridge(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip -V >/dev/null 2>&1") != 0) {
        printf("  left out: needs root, a network namespace and iproute2\n");
        return false;
    }
    run("ip link set lo up && ip link add br0 type bridge && ip link set br0 up");
    run("for i in 1 2; do ip link add p$i type veth peer name c$i && ip link set p$i master br0 && ip link set p$i up"
        " && ip link set c$i up; done");
    if (pa_open("br0", &handle) < 0) {
        fprintf(stderr, "%s\n", pa_last_error(NULL));
        exit(1);
    }
    return true;
}

#endif
