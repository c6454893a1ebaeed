/* Ports and bridges of the kernel that come, go and change their names, under the switchdev backend. */
#include "kernel-bridge.h"

#include <errno.h>

#include "switchdev.h"

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

/* The kernel drops what it would tell until the queue has been empty once. */
static void what_happens_before_an_overrun_is_told_is_told_too(void) {
    struct pa_event event, few[4];
    while (await_event(PA_EVENT_OVERRUN, &event)) continue;
    run("for i in 1 2 3; do ip link set p2 down && ip link set p2 up; done");
    run_unheard("true");
    CHECK(pa_events(handle, few, 4) > 0);
    run("ip link set p1 name q1");
    CHECK(await_event(PA_EVENT_PORT_GONE, &event));
    CHECK_TEXT(event.name, "p1");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
    CHECK_TEXT(event.name, "q1");
    run("ip link set q1 name p1");
    CHECK(await_event(PA_EVENT_PORT_ADDED, &event));
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

int main(void) {
    if (!open_bridge()) return 0;
    SITUATION(a_port_with_another_name_has_lost_its_grants_and_is_locked);
    SITUATION(a_name_that_went_to_another_port_unheard_leaves_no_grant_of_the_first);
    SITUATION(what_happens_before_an_overrun_is_told_is_told_too);
    SITUATION(a_bridge_with_another_name_is_gone_and_shut_and_comes_back_with_its_own);
    SITUATION(the_end_of_a_port_and_of_the_bridge_is_told);
    SITUATION(a_bridge_that_is_not_there_yet_is_waited_for);
    pa_close(handle);
    return 0;
}
