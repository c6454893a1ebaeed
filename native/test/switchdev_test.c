/*
 * The switchdev backend against the kernel's own bridge: ports, grants, frames and links. Names that change are in
 * switchdev_names_test.c, VLANs in switchdev_vlan_test.c.
 */
#include "kernel-bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>

static uint32_t flags_of_port(const char *name) {
    static struct pa_port ports[64];
    const int count = pa_ports(handle, ports, 64, NULL);
    for (int i = 0; i < count; i++)
        if (strcmp(ports[i].name, name) == 0) return ports[i].flags;
    return 0;
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

static void pin(const char *mac, const char *port, const char *as) {
    char command[128];
    snprintf(command, sizeof command, "bridge fdb replace %s dev %s master %s", mac, port, as);
    run(command);
}

static void who_is_pinned_to_an_open_port_is_granted_nowhere_else(void) {
    static const char *const ways[] = {"static", "static sticky"};
    const char *const pinned = "02:00:00:00:00:0b";
    struct pa_entry entry;
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    for (int way = 0; way < 2; way++) {
        struct pa_key keys[2] = {key_of(BOB, "p1"), key_of(ALICE, "p1")};
        pin(pinned, "p2", ways[way]);
        for (int round = 0; round < 2; round++) {
            keys[0].result = keys[1].result = 0;
            CHECK_EQUAL(pa_grant(handle, keys, 2), -EADDRINUSE);
            CHECK_EQUAL(keys[0].result, -EADDRINUSE);
            CHECK_EQUAL(keys[1].result, 0);
            CHECK_FAULT(pa_last_error(handle),
                        "grant 02:00:00:00:00:0b on port p1: it is pinned to another port by a static entry of somebody's", EADDRINUSE);
            CHECK(find(BOB, &entry)); /* and the next round comes after a dump that saw it */
            CHECK_EQUAL(entry.ifindex, index_of("p2"));
        }
        CHECK_EQUAL(pa_revoke(handle, &keys[1], 1), 0);
        /* On its own port it is let in, and an entry that is learnt there pins nobody. */
        keys[0] = key_of(BOB, "p2");
        CHECK_EQUAL(pa_grant(handle, keys, 1), 0);
        CHECK_EQUAL(pa_revoke(handle, keys, 1), 0);
        send_from("c2", BOB, false);
        CHECK(find(BOB, &entry));
        keys[0] = key_of(BOB, "p1");
        CHECK_EQUAL(pa_grant(handle, keys, 1), 0);
        /* A pin takes a grant away; the next one fails. */
        pin(pinned, "p2", ways[way]);
        CHECK_EQUAL(pa_grant(handle, keys, 1), -EADDRINUSE);
        CHECK(find(BOB, &entry));
        CHECK_EQUAL(entry.ifindex, index_of("p2"));
        run("bridge fdb del 02:00:00:00:00:0b dev p2 master");
        CHECK_EQUAL(pa_revoke(handle, keys, 1), 0);
    }
}

static void a_grant_moves_from_a_locked_port_and_from_one_that_is_open_for_its_sake(void) {
    struct pa_key here = key_of(BOB, "p1"), there = key_of(BOB, "p2");
    struct pa_entry entry;
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(set_port("p2", PA_PORT_LOCKED), 0);
    pin("02:00:00:00:00:0b", "p2", "static");
    CHECK_EQUAL(pa_grant(handle, &here, 1), 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LEARNING), 0);
    CHECK_EQUAL(pa_grant(handle, &there, 1), 0);
    CHECK(find(BOB, &entry));
    CHECK_EQUAL(entry.ifindex, index_of("p2"));
    CHECK_EQUAL(pa_revoke(handle, &there, 1), 0);
    /* Of an earlier run: seen while its port was locked, as all are at the start. */
    pin("02:00:00:00:00:0b", "p2", "static sticky");
    CHECK(find(BOB, &entry));
    CHECK_EQUAL(set_port("p2", PA_PORT_LEARNING), 0);
    CHECK_EQUAL(pa_grant(handle, &here, 1), 0);
    CHECK(find(BOB, &entry));
    CHECK_EQUAL(entry.ifindex, index_of("p1"));
    CHECK_EQUAL(pa_revoke(handle, &here, 1), 0);
    CHECK_EQUAL(pa_revoke(handle, &there, 1), 0);
}

static void what_somebody_else_has_unlocked_can_have_a_pin(void) {
    struct pa_key key = key_of(BOB, "p1");
    struct pa_event event;
    struct pa_entry entry;
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(set_port("p2", PA_PORT_LOCKED), 0);
    run("bridge link set dev p2 locked off");
    do CHECK(await_event(PA_EVENT_PORT_CHANGED, &event));
    while (event.ifindex != index_of("p2") || (event.flags & PA_PORT_LOCKED));
    pin("02:00:00:00:00:0b", "p2", "static sticky");
    CHECK(find(BOB, &entry));
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EADDRINUSE);
    run("bridge fdb del 02:00:00:00:00:0b dev p2 master");
}

static void what_stood_on_a_locked_port_is_no_pin_when_that_is_opened(void) {
    struct pa_key key = key_of(BOB, "p1");
    run("bridge link set dev p2 locked on");
    pin("02:00:00:00:00:0b", "p2", "static sticky");
    pa_close(handle);
    CHECK(pa_open("br0", &handle) >= 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK_EQUAL(set_port("p2", PA_PORT_LEARNING), 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
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

static void an_unflooded_port_stays_so(void) {
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED | PA_PORT_UNFLOODED), 0);
    CHECK_EQUAL(flags_of_port("p1") & PA_PORT_UNFLOODED, PA_PORT_UNFLOODED);
    run("bridge link set dev p1 bcast_flood on");
    CHECK_EQUAL(flags_of_port("p1") & PA_PORT_UNFLOODED, 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK(system("bridge -d link show dev p1 | grep -q 'flood off'") == 0); /* in part: not our doing */
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED | PA_PORT_UNFLOODED), 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK(system("bridge -d link show dev p1 | grep -q 'flood off'") != 0);
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

int main(void) {
    if (!open_bridge()) return 0;
    SITUATION(the_bridge_says_what_it_can_do);
    SITUATION(a_grant_lives_from_lock_to_revocation);
    SITUATION(who_is_pinned_to_an_open_port_is_granted_nowhere_else);
    SITUATION(a_grant_moves_from_a_locked_port_and_from_one_that_is_open_for_its_sake);
    SITUATION(what_somebody_else_has_unlocked_can_have_a_pin);
    SITUATION(what_stood_on_a_locked_port_is_no_pin_when_that_is_opened);
    SITUATION(without_filtering_a_grant_is_one_entry);
    SITUATION(a_stranger_becomes_a_candidate);
    SITUATION(an_unflooded_port_stays_so);
    SITUATION(failures_are_sentences);
    SITUATION(frames_leave_by_a_port);
    SITUATION(a_port_goes_down_and_up_and_keeps_its_lock_and_its_grants);
    SITUATION(a_cable_that_was_pulled_and_put_back_has_been_counted);
    pa_close(handle);
    return 0;
}
