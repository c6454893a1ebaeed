/*
 * The switchdev backend against the kernel's own bridge, in a network namespace of this process. Needs root and
 * iproute2; without them it says so and passes, since the lab needs both anyway.
 */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "portauth.h"
#include "switchdev.h"

static const uint8_t ALICE[6] = {0x02, 0, 0, 0, 0, 0x0a}, BOB[6] = {0x02, 0, 0, 0, 0, 0x0b};
static struct pa_handle *handle;

static void run(const char *command) {
    if (system(command) != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
}

static uint32_t index_of(const char *name) { return if_nametoindex(name); }

static struct pa_key key_of(const uint8_t mac[6], const char *port) {
    struct pa_key key = {.ifindex = index_of(port)};
    memcpy(key.mac, mac, 6);
    return key;
}

static int set_port(const char *port, uint32_t flags) {
    struct pa_port_setting setting = {.ifindex = index_of(port), .flags = flags};
    return pa_port_set(handle, &setting, 1);
}

/* One frame from the client's side, to nobody in particular or to the PAE group address. */
static void send_from(const char *client, const uint8_t mac[6], bool eapol) {
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

static bool find(const uint8_t mac[6], struct pa_entry *found) {
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

static uint32_t flags_of_port(const char *name) {
    static struct pa_port ports[64];
    const int count = pa_ports(handle, ports, 64, NULL);
    for (int i = 0; i < count; i++)
        if (strcmp(ports[i].name, name) == 0) return ports[i].flags;
    return 0;
}

/* Events until one of this type, or none for half a second. */
static bool await_event(enum pa_event_type type, struct pa_event *event) {
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

static void set_up(void) {
    run("ip link set lo up && ip link add br0 type bridge && ip link set br0 up");
    run("for i in 1 2; do ip link add p$i type veth peer name c$i && ip link set p$i master br0 && ip link set p$i up"
        " && ip link set c$i up; done");
    if (pa_open("br0", &handle) < 0) {
        fprintf(stderr, "%s\n", pa_last_error(NULL));
        exit(1);
    }
}

static void the_bridge_says_what_it_can_do(void) {
    struct pa_capabilities can;
    struct pa_port ports[2];
    CHECK_EQUAL(pa_capabilities(handle, &can), 0);
    CHECK_TEXT(can.backend, "switchdev");
    CHECK(can.flags & PA_CAP_LOCKED);
    CHECK_EQUAL(can.ageing_ms, 300000);
    CHECK_EQUAL(pa_ports(handle, ports, 2, NULL), 2);
    CHECK_EQUAL(pa_ports(handle, ports, 1, NULL), -ENOBUFS);
}

static void a_grant_lives_from_lock_to_revocation(void) {
    struct pa_key key = key_of(ALICE, "p1");
    struct pa_entry entry;
    send_from("c1", BOB, false); /* learnt while open, must not survive the lock */
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK(!find(BOB, &entry));
    send_from("c1", ALICE, false);
    send_from("c1", ALICE, true);
    CHECK(!find(ALICE, &entry));
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK(find(ALICE, &entry));
    CHECK_EQUAL(entry.flags, PA_ENTRY_STATIC | PA_ENTRY_STICKY);
    CHECK_EQUAL(entry.ifindex, key.ifindex);
    CHECK_EQUAL(pa_watch(handle, &key, 1), 0);
    struct pa_event event;
    /* Within the tick of its last frame the kernel does not look at an entry again. */
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    send_from("c1", ALICE, false);
    CHECK(await_event(PA_EVENT_ENTRY_ACTIVE, &event));
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK(!find(ALICE, &entry));
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
}

/* On a kernel with VLANs a port is in VLAN 1 from the beginning, and the kernel writes a grant there, too. */
static void without_filtering_a_grant_is_one_entry(void) {
    static struct pa_entry entries[64];
    const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 0x77};
    struct pa_key key = {.ifindex = index_of("p1")};
    memcpy(key.mac, mac, 6);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    const int count = pa_table_dump(handle, entries, 64, NULL);
    int found = 0;
    for (int i = 0; i < count; i++) found += memcmp(entries[i].mac, mac, 6) == 0;
    CHECK_EQUAL(found, 1);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK(system("bridge fdb show br br0 | grep -qi 02:00:00:00:00:77") != 0);
}

static void a_stranger_becomes_a_candidate(void) {
    struct pa_entry entry;
    struct pa_event event;
    struct pa_key key = key_of(BOB, "p1");
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED | PA_PORT_MAB), 0);
    send_from("c1", BOB, false);
    CHECK(await_event(PA_EVENT_MAB_CANDIDATE, &event));
    CHECK(memcmp(event.mac, BOB, 6) == 0);
    CHECK(find(BOB, &entry));
    CHECK_EQUAL(entry.flags, PA_ENTRY_DYNAMIC | PA_ENTRY_LOCKED);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LEARNING), 0); /* MAB goes off before the lock */
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
}

static void failures_are_sentences(void) {
    struct pa_key key = key_of(ALICE, "c1");
    CHECK_EQUAL(pa_grant(handle, &key, 1), -ENODEV);
    CHECK_FAULT(pa_last_error(handle), "grant 02:00:00:00:00:0a on port c1", ENODEV);
    run("ip link set br0 type bridge ageing_time 0");
    CHECK_EQUAL(set_port("p2", PA_PORT_LOCKED), -EINVAL);
    CHECK(strstr(pa_last_error(handle), "ageing_time 0") != NULL);
    CHECK(flags_of_port("p2") & PA_PORT_LOCKED);
    run("ip link set br0 type bridge ageing_time 30000");
}

static void frames_leave_by_a_port(void) {
    uint8_t octets[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06};
    struct pa_frame frames[3] = {{.ifindex = index_of("p2"), .length = 60},
                                 {.ifindex = 9999, .length = 60},
                                 {.ifindex = index_of("p2"), .length = 60}};
    /* Only what looks like ARP: the kernel's own IPv6 chatter passes here too. */
    const int fd = socket(AF_PACKET, SOCK_RAW, htons(0x0806));
    const int client = (int)index_of("c2");
    const struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(0x0806), .sll_ifindex = client};
    CHECK_EQUAL(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    CHECK_EQUAL(pa_inject(handle, frames, 3, octets, sizeof octets), 2);
    CHECK_EQUAL(frames[1].result, -ENXIO);
    CHECK_EQUAL(frames[2].result, 0);
    uint8_t got[128];
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    CHECK_EQUAL(poll(&wait, 1, 1000), 1);
    CHECK_EQUAL(recv(fd, got, sizeof got, 0), 60);
    CHECK(memcmp(got, octets, 60) == 0);
    close(fd);
}

static uint32_t link_flags_of(const char *port) {
    char command[80];
    snprintf(command, sizeof command, "bridge -d link show dev %s | grep -q ' locked on'", port);
    return system(command) == 0 ? PA_PORT_LOCKED : 0;
}

static int statics_of(const char *bridge) {
    char command[80];
    snprintf(command, sizeof command, "test -z \"$(bridge fdb show br %s | grep sticky)\"", bridge);
    return system(command) == 0 ? 0 : 1;
}

/* p1 is open for whom it has let in, p2 is locked. */
static void grant_on_both(void) {
    struct pa_key keys[] = {key_of(ALICE, "p1"), key_of(BOB, "p2")};
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(set_port("p2", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_grant(handle, keys, 2), 0);
    CHECK_EQUAL(set_port("p1", 0), 0);
    CHECK_EQUAL(statics_of("br0"), 1);
}

static void a_port_with_another_name_has_lost_its_grants_and_is_locked(void) {
    struct pa_event event;
    grant_on_both();
    run("ip link set p1 name q1");
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK_TEXT(event.name, "p1");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "q1");
    CHECK(event.flags & PA_PORT_LOCKED);
    CHECK(link_flags_of("q1"));
    struct pa_entry entry;
    CHECK(!find(ALICE, &entry));
    CHECK(find(BOB, &entry));
    run("ip link set q1 name p1");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "p1");
}

/* Nothing that the kernel tells while `command` runs is heard. */
static void run_unheard(const char *command) {
    const int fd = ((struct sd *)handle)->notices.fd, none = 1, room = 1 << 20;
    CHECK_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &none, sizeof none), 0);
    run("for i in $(seq 20); do ip link set c1 alias $i; done");
    run(command);
    CHECK_EQUAL(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
}

static void a_name_that_went_to_another_port_unheard_leaves_no_grant_of_the_first(void) {
    struct pa_event event;
    struct pa_entry entry;
    grant_on_both();
    CHECK_EQUAL(set_port("p2", 0), 0);
    while (await_event(PA_EVENT_OVERRUN, &event)) continue;
    /* The new bearer is told of first: it is the older interface. */
    run_unheard("ip link set p2 name q2 && ip link set p1 name p2");
    CHECK(await_event(PA_EVENT_OVERRUN, &event));
    for (int i = 0; i < 2; i++) CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "p2");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "q2");
    CHECK(event.flags & PA_PORT_LOCKED);
    CHECK(!find(ALICE, &entry));
    CHECK(!find(BOB, &entry));
    CHECK(link_flags_of("p2"));
    CHECK(link_flags_of("q2"));
    run("ip link set p2 name p1 && ip link set q2 name p2");
    for (int i = 0; i < 2; i++) CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
}

static void a_bridge_with_another_name_is_gone_and_shut_and_comes_back_with_its_own(void) {
    struct pa_event event;
    struct pa_port ports[4];
    grant_on_both();
    run("ip link set br0 name lan");
    CHECK(await_event(PA_EVENT_BRIDGE_GONE, &event));
    CHECK_TEXT(event.name, "lan");
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK_EQUAL(statics_of("lan"), 0);
    CHECK(link_flags_of("p1"));
    CHECK(link_flags_of("p2"));
    CHECK_EQUAL(pa_ports(handle, ports, 4, NULL), -ENODEV);
    run("ip link set lan name br0");
    CHECK(await_event(PA_EVENT_BRIDGE_BACK, &event));
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK(event.flags & PA_PORT_LOCKED);
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_EQUAL(pa_ports(handle, ports, 4, NULL), 2);
    grant_on_both();
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
}

static void the_end_of_a_port_and_of_the_bridge_is_told(void) {
    struct pa_event event;
    struct pa_key key = key_of(ALICE, "p2");
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    run("ip link del p2");
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK_TEXT(event.name, "p2");
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    run("ip link del br0");
    CHECK(await_event(PA_EVENT_BRIDGE_GONE, &event));
    CHECK_EQUAL(pa_table_dump(handle, NULL, 0, NULL), -ENODEV);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    run("ip link add br0 type bridge && ip link set p1 master br0");
    CHECK(await_event(PA_EVENT_BRIDGE_BACK, &event));
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_EQUAL(event.flags & PA_PORT_LOCKED, 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
}

static void a_bridge_that_is_not_there_yet_is_waited_for(void) {
    struct pa_handle *kept = handle;
    struct pa_event event;
    struct pa_capabilities can;
    run("ip link add br7 type veth peer name d7");
    CHECK_EQUAL(pa_open("br7", &handle), 0);
    CHECK_EQUAL(pa_capabilities(handle, &can), 0);
    CHECK_EQUAL(can.flags & (PA_CAP_NO_BRIDGE | PA_CAP_LOCKED | PA_CAP_LAST_SEEN), PA_CAP_NO_BRIDGE | PA_CAP_LOCKED);
    CHECK_EQUAL(pa_ports(handle, NULL, 0, NULL), -ENODEV);
    run("ip link del br7 && ip link add c7 type veth peer name p7 && ip link add br7 type bridge && ip link set p7 master br7");
    CHECK(await_event(PA_EVENT_BRIDGE_BACK, &event));
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "p7");
    CHECK_EQUAL(pa_capabilities(handle, &can), 0);
    CHECK_EQUAL(can.flags & (PA_CAP_NO_BRIDGE | PA_CAP_LAST_SEEN), PA_CAP_LAST_SEEN);
    CHECK_EQUAL(set_port("p7", PA_PORT_LOCKED), 0);
    pa_close(handle);
    handle = kept;
}

static int flags_of(uint32_t ifindex, uint16_t vlan) {
    static struct pa_vlan list[8192];
    const int count = pa_vlans(handle, list, 8192, NULL);
    CHECK(count >= 0);
    for (int i = 0; i < count; i++)
        if (list[i].ifindex == ifindex && list[i].vlan == vlan) return list[i].flags;
    return -1;
}

static int set_vlan(uint32_t ifindex, uint16_t vlan, uint16_t flags) {
    struct pa_vlan change = {.ifindex = ifindex, .vlan = vlan, .flags = flags};
    return pa_vlan_set(handle, &change, 1);
}

static void a_port_changes_its_vlans_and_changes_back(void) {
    const uint32_t p1 = index_of("p1");
    /* A kernel that was built without VLAN filtering has nobody in any VLAN, and says so to whoever wants one. */
    if (system("ip link set br0 type bridge vlan_filtering 1 2>/dev/null") != 0) {
        CHECK_EQUAL(pa_vlans(handle, NULL, 0, NULL), 0);
        CHECK(set_vlan(p1, 30, PA_VLAN_PVID) < 0);
        printf("  (this kernel does not filter VLANs)\n");
        /* `make lab-vlan` brings a kernel for this very purpose. */
        CHECK(getenv("ROLLCALL_VLANS_WANTED") == NULL);
        return;
    }
    struct pa_capabilities can;
    CHECK_EQUAL(pa_capabilities(handle, &can), 0);
    CHECK(can.flags & PA_CAP_VLAN_FILTERING);
    CHECK_EQUAL(flags_of(p1, 1), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(flags_of(0, 1), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);

    /* The usual change: into another VLAN, out of the one that was there. */
    struct pa_vlan changes[] = {{.ifindex = p1, .vlan = 30, .flags = PA_VLAN_PVID | PA_VLAN_UNTAGGED},
                                {.ifindex = p1, .vlan = 1, .flags = PA_VLAN_ABSENT},
                                {.ifindex = p1, .vlan = 40, .flags = 0},
                                {.ifindex = 0, .vlan = 30, .flags = 0}};
    CHECK_EQUAL(pa_vlan_set(handle, changes, 4), 0);
    CHECK_EQUAL(flags_of(p1, 30), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(flags_of(p1, 1), -1);
    CHECK_EQUAL(flags_of(p1, 40), 0);
    CHECK_EQUAL(flags_of(0, 30), 0);

    /* A grant is good in its VLAN, and in no other. */
    struct pa_key key = key_of(ALICE, "p1");
    struct pa_entry entry;
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EINVAL);
    key.vlan = 50;
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EINVAL);
    key.vlan = 30;
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK(find(ALICE, &entry));
    CHECK_EQUAL(entry.vlan, 30);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    send_from("c1", ALICE, false);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    CHECK(find(ALICE, &entry));
    CHECK(entry.idle_ms < 250);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK(!find(ALICE, &entry));

    /* Back, with the last word of one call counting. */
    struct pa_vlan back[] = {{.ifindex = p1, .vlan = 30, .flags = PA_VLAN_ABSENT},
                             {.ifindex = p1, .vlan = 40, .flags = PA_VLAN_ABSENT},
                             {.ifindex = p1, .vlan = 1, .flags = PA_VLAN_PVID | PA_VLAN_UNTAGGED},
                             {.ifindex = 0, .vlan = 30, .flags = PA_VLAN_ABSENT}};
    CHECK_EQUAL(pa_vlan_set(handle, back, 4), 0);
    CHECK_EQUAL(flags_of(p1, 1), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(flags_of(p1, 30), -1);
    CHECK_EQUAL(flags_of(0, 30), -1);
    CHECK_EQUAL(set_vlan(p1, 30, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(set_vlan(index_of("lo"), 30, 0), -ENODEV);

    /* A trunk: the kernel tells of it in ranges. */
    run("bridge vlan add dev p2 vid 2-4094");
    CHECK_EQUAL(flags_of(index_of("p2"), 2), 0);
    CHECK_EQUAL(flags_of(index_of("p2"), 3000), 0);
    CHECK_EQUAL(flags_of(index_of("p2"), 4094), 0);
    /* Each of them has an entry of the port's own address: more than the next look has room for. */
    run("bridge vlan del dev p2 vid 2-4094");
    run("ip link set br0 type bridge vlan_filtering 0");
    CHECK_EQUAL(set_port("p1", 0), 0);
}

static bool is_up(const char *name) {
    struct pa_port ports[2];
    for (int i = pa_ports(handle, ports, 2, NULL); i-- > 0;)
        if (strcmp(ports[i].name, name) == 0) return ports[i].flags & PA_PORT_ADMIN_UP;
    return false;
}

static void a_port_goes_down_and_up_and_keeps_its_lock_and_its_grants(void) {
    struct pa_port_setting settings[2] = {{.ifindex = if_nametoindex("p1")}, {.ifindex = if_nametoindex("lo")}};
    struct pa_key key = key_of(ALICE, "p1");
    struct pa_entry entry;
    struct pa_event event;
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK_EQUAL(pa_link_set(handle, settings, 2), -ENODEV); /* lo is no port of the bridge */
    CHECK_EQUAL(settings[0].result, 0);
    CHECK_EQUAL(settings[1].result, -ENODEV);
    CHECK_FAULT(pa_last_error(handle), "set port lo down", ENODEV);
    CHECK(!is_up("p1"));
    CHECK(is_up("p2"));
    do CHECK(await_event(PA_EVENT_PORT_CHANGED, &event));
    while (event.flags & PA_PORT_ADMIN_UP);
    CHECK_TEXT(event.name, "p1");
    settings[0].flags = PA_PORT_ADMIN_UP;
    CHECK_EQUAL(pa_link_set(handle, settings, 1), 0);
    CHECK(is_up("p1"));
    CHECK(find(ALICE, &entry));
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    do CHECK(await_event(PA_EVENT_PORT_CHANGED, &event));
    while (!(event.flags & PA_PORT_ADMIN_UP));
    CHECK(event.flags & PA_PORT_LOCKED);
}

static struct pa_port port_now(const char *name) {
    struct pa_port ports[4];
    for (int i = pa_ports(handle, ports, 4, NULL); i-- > 0;)
        if (strcmp(ports[i].name, name) == 0) return ports[i];
    return (struct pa_port){0};
}

static void a_cable_that_was_pulled_and_put_back_has_been_counted(void) {
    struct pa_event event;
    const uint32_t before = port_now("p1").link_changes;
    CHECK(before > 0);
    run("ip link set c1 down && ip link set c1 up");
    CHECK_EQUAL(port_now("p1").link_changes, before + 2);
    do CHECK(await_event(PA_EVENT_PORT_CHANGED, &event));
    while (event.link_changes != before + 2);
    CHECK_TEXT(event.name, "p1");
    /* One that is up is told of with its newest count at once: nobody is to take the second notice for another change. */
    while (await_event(PA_EVENT_PORT_CHANGED, &event)) continue;
    run("ip link set c1 down");
    while (await_event(PA_EVENT_PORT_CHANGED, &event)) CHECK(!(event.flags & PA_PORT_LINK_UP));
    run("ip link set c1 up");
    while (await_event(PA_EVENT_PORT_CHANGED, &event))
        if (event.flags & PA_PORT_LINK_UP) CHECK_EQUAL(event.link_changes, before + 4);
    /* Of a new port the kernel tells twice, once without the count: that is no change. */
    run("ip link add p9 type veth peer name c9 && ip link set c9 up && ip link set p9 up && ip link set p9 master br0");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "p9");
    CHECK_EQUAL(event.link_changes, port_now("p9").link_changes);
    run("ip link del p9");
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
}

static void the_hosts_own_neighbours_are_found_by_address(void) {
    static const uint8_t ipv4[4] = {192, 0, 2, 7}, other[4] = {192, 0, 2, 8}, failed[4] = {192, 0, 2, 9};
    static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    uint8_t mac[6];
    run("ip neigh replace 192.0.2.7 lladdr 02:00:00:00:00:0a dev br0 nud stale");
    run("ip neigh replace 192.0.2.9 dev br0 nud failed");
    run("ip -6 neigh replace 2001:db8::7 lladdr 02:00:00:00:00:0b dev br0 nud permanent");
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv4, 4, mac), 0);
    CHECK_EQUAL(mac[5], 0x0a);
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv6, 16, mac), 0);
    CHECK_EQUAL(mac[5], 0x0b);
    CHECK_EQUAL(pa_neighbour(handle, "br0", other, 4, mac), -ENOENT);
    CHECK_EQUAL(mac[5], 0);
    CHECK_EQUAL(pa_neighbour(handle, "br0", failed, 4, mac), -ENOENT);
    CHECK_EQUAL(pa_neighbour(handle, "p1", ipv4, 4, mac), -ENOENT);
    CHECK_EQUAL(pa_neighbour(handle, "none", ipv4, 4, mac), -ENODEV);
    CHECK_FAULT(pa_last_error(handle), "look up a neighbour on none", ENODEV);
    CHECK_EQUAL(pa_neighbour(handle, "", ipv4, 4, mac), -EINVAL);
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv4, 5, mac), -EINVAL);
}

/* That a MAC is told is seen in the lab: it takes a connection from another namespace (test/lab/web.test.ts). */
static void who_has_called_over_no_ethernet_is_not_told(void) {
    uint8_t mac[6] = {1};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    run("ip link set lo up");
    const int listener = socket(AF_INET, SOCK_STREAM, 0), caller = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQUAL(listen(listener, 1), 0);
    CHECK_EQUAL(getsockname(listener, (struct sockaddr *)&here, &length), 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQUAL(pa_keep_callers(listener), 0);
    CHECK_EQUAL(connect(caller, (const struct sockaddr *)&here, sizeof here), 0);
    const int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0);
    CHECK_EQUAL(pa_caller(connection, mac), -ENOENT);
    CHECK_EQUAL(mac[0], 0);
    CHECK_EQUAL(pa_caller(connection, NULL), -EINVAL);
    close(connection);
    close(caller);
    close(listener);
    CHECK_EQUAL(pa_caller(-1, mac), -EBADF);
    CHECK_EQUAL(pa_keep_callers(-1), -EBADF);
}

int main(void) {
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip -V >/dev/null 2>&1") != 0) {
        printf("  left out: needs root, a network namespace and iproute2\n");
        return 0;
    }
    set_up();
    SITUATION(the_bridge_says_what_it_can_do);
    SITUATION(a_grant_lives_from_lock_to_revocation);
    SITUATION(without_filtering_a_grant_is_one_entry);
    SITUATION(a_stranger_becomes_a_candidate);
    SITUATION(failures_are_sentences);
    SITUATION(frames_leave_by_a_port);
    SITUATION(a_port_changes_its_vlans_and_changes_back);
    SITUATION(a_port_goes_down_and_up_and_keeps_its_lock_and_its_grants);
    SITUATION(a_cable_that_was_pulled_and_put_back_has_been_counted);
    SITUATION(the_hosts_own_neighbours_are_found_by_address);
    SITUATION(who_has_called_over_no_ethernet_is_not_told);
    SITUATION(a_port_with_another_name_has_lost_its_grants_and_is_locked);
    SITUATION(a_name_that_went_to_another_port_unheard_leaves_no_grant_of_the_first);
    SITUATION(a_bridge_with_another_name_is_gone_and_shut_and_comes_back_with_its_own);
    SITUATION(the_end_of_a_port_and_of_the_bridge_is_told);
    SITUATION(a_bridge_that_is_not_there_yet_is_waited_for);
    pa_close(handle);
    return 0;
}
