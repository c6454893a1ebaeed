/* The simulator through the ABI, and with it the checks of the front that all backends share. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "sim-switch.h"

static void bad_specs_are_refused_with_a_sentence(void) {
    struct pa_handle *handle;
    CHECK_EQUAL(pa_abi_version(), PA_ABI_VERSION);
    CHECK_EQUAL(pa_open("dream:br0", &handle), -EINVAL);
    CHECK(handle == NULL);
    CHECK_FAULT(pa_last_error(NULL), "open \"dream:br0\": the backends are switchdev and sim", EINVAL);
    CHECK_EQUAL(pa_open("sim:", &handle), -EINVAL);
    CHECK_EQUAL(pa_open("sim:a-name-too-long-for-a-link", &handle), -EINVAL);
    CHECK_EQUAL(pa_open("sim:br0,p1,p1", &handle), -EEXIST);
    CHECK_EQUAL(pa_open("sim:br0,p1,", &handle), -EINVAL);
    CHECK_EQUAL(pa_open("br0,p1", &handle), -EINVAL);
    CHECK_EQUAL(pa_open(NULL, &handle), -EINVAL);
    pa_close(NULL);
}

static void a_stranger_is_dropped_and_a_granted_one_passes(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_entry entry;
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 0, 64, 0), 0);
    CHECK_EQUAL(dump(handle, &entry), 0);
    struct pa_key key = key_of(ALICE, 101);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    pa_sim_clock(handle, 1000000);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 0, 64, 0), 1);
    pa_sim_clock(handle, 1004567);
    CHECK_EQUAL(dump(handle, &entry), 1);
    CHECK_EQUAL(entry.idle_ms, 4560);
    CHECK_EQUAL(entry.flags, PA_ENTRY_STATIC | PA_ENTRY_STICKY);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 0, 64, 0), 0);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0); /* absent already: success */
    pa_close(handle);
}

static void locking_flushes_what_the_open_port_learnt(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_entry entry;
    CHECK_EQUAL(pa_sim_frame(handle, 101, BOB, 0, 64, 0), 1);
    CHECK_EQUAL(dump(handle, &entry), 1);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), 0);
    CHECK_EQUAL(dump(handle, &entry), 0);
    CHECK_EQUAL(pa_sim_frame(handle, 101, BOB, 0, 64, 0), 0);
    /* EAPOL is not learnt, since locking set no_linklocal_learn. */
    CHECK_EQUAL(pa_sim_frame(handle, 101, BOB, 0, 64, PA_SIM_LINK_LOCAL), 0);
    CHECK_EQUAL(dump(handle, &entry), 0);
    pa_close(handle);
}

static void a_frame_in_flight_relearns_and_is_deleted_again(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_key key = key_of(ALICE, 101);
    struct pa_entry entry;
    set_port(handle, 101, PA_PORT_LOCKED);
    pa_grant(handle, &key, 1);
    pa_sim_relearn(handle, 3);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK_EQUAL(dump(handle, &entry), 0);
    pa_grant(handle, &key, 1);
    pa_sim_relearn(handle, 1000);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), -EBUSY);
    CHECK_FAULT(pa_last_error(handle), "revoke 02:00:00:00:00:0a on port p1: the entry keeps coming back", EBUSY);
    pa_close(handle);
}

static void mab_announces_a_stranger_once(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_event events[8];
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_MAB), -EINVAL);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED | PA_PORT_MAB), 0);
    for (int i = 0; i < 5; i++) CHECK_EQUAL(pa_sim_frame(handle, 101, BOB, 0, 64, 0), 0);
    CHECK_EQUAL(pa_events(handle, events, 8), 2);
    CHECK_EQUAL(events[0].type, PA_EVENT_PORT_CHANGED);
    CHECK_EQUAL(events[1].type, PA_EVENT_MAB_CANDIDATE);
    CHECK(memcmp(events[1].mac, BOB, 6) == 0);
    CHECK_TEXT(events[1].name, "p1");
    struct pa_key key = key_of(BOB, 101);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0); /* over the locked entry */
    CHECK_EQUAL(pa_sim_frame(handle, 101, BOB, 0, 64, 0), 1);
    CHECK_EQUAL(pa_events(handle, events, 8), 0);
    pa_close(handle);
}

static void a_sticky_grant_stays_when_its_mac_comes_in_by_the_uplink(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1,up0");
    struct pa_key key = key_of(ALICE, 101);
    struct pa_entry entry;
    set_port(handle, 101, PA_PORT_LOCKED);
    pa_grant(handle, &key, 1);
    CHECK_EQUAL(pa_sim_frame(handle, 102, ALICE, 0, 64, 0), 1);
    CHECK_EQUAL(dump(handle, &entry), 1);
    CHECK_EQUAL(entry.ifindex, 101);
    struct pa_key moved = key_of(ALICE, 102);
    CHECK_EQUAL(pa_grant(handle, &moved, 1), 0);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0); /* of the old port: the new grant stays */
    CHECK_EQUAL(dump(handle, &entry), 1);
    CHECK_EQUAL(entry.ifindex, 102);
    pa_close(handle);
}

static void a_silent_client_comes_back(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_key alice = key_of(ALICE, 101), bob = key_of(BOB, 101);
    struct pa_event events[8];
    set_port(handle, 101, PA_PORT_LOCKED);
    pa_grant(handle, &alice, 1);
    CHECK_EQUAL(pa_watch(handle, &alice, 1), 0);
    CHECK_EQUAL(pa_watch(handle, &bob, 1), -ENOENT);
    while (pa_events(handle, events, 8) > 0) continue;
    pa_sim_frame(handle, 101, ALICE, 0, 64, 0);
    pa_sim_frame(handle, 101, ALICE, 0, 64, 0);
    CHECK_EQUAL(pa_events(handle, events, 8), 1);
    CHECK_EQUAL(events[0].type, PA_EVENT_ENTRY_ACTIVE);
    pa_close(handle);
}

static void failures_name_the_port_and_the_errno(void) {
    struct pa_handle *handle = open_sim("sim:br0,lan1");
    struct pa_key keys[3] = {key_of(ALICE, 101), key_of(BOB, 101), key_of(BOB, 999)};
    pa_sim_fail(handle, 0, 1, EOPNOTSUPP);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), -EOPNOTSUPP);
    CHECK_FAULT(pa_last_error(handle), "lock port lan1", EOPNOTSUPP);
    pa_sim_fail(handle, 1, 1, ENOSPC);
    CHECK_EQUAL(pa_grant(handle, keys, 3), -ENOSPC);
    CHECK_EQUAL(keys[0].result, 0);
    CHECK_EQUAL(keys[1].result, -ENOSPC);
    CHECK_EQUAL(keys[2].result, -ENODEV);
    CHECK_EQUAL(pa_revoke(handle, &keys[2], 1), 0); /* the port is gone: nothing left to take */
    CHECK_TEXT(pa_last_error(handle), "");
    pa_sim_ageing(handle, 0);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), -EINVAL);
    CHECK(strstr(pa_last_error(handle), "ageing_time 0") != NULL);
    struct pa_key group = key_of((const uint8_t[6]){1, 0, 0x5e, 0, 0, 1}, 101);
    CHECK_EQUAL(pa_grant(handle, &group, 1), -EINVAL);
    struct pa_key own = key_of((const uint8_t[6]){2, 's', 'i', 'm', 0, 101}, 101);
    CHECK_EQUAL(pa_grant(handle, &own, 1), -EADDRINUSE);
    struct pa_key vlan = key_of(ALICE, 101);
    vlan.vlan = 10;
    CHECK_EQUAL(pa_grant(handle, &vlan, 1), -EINVAL);
    pa_sim_vlan_filtering(handle, 1);
    CHECK_EQUAL(set_vlan(handle, 101, vlan.vlan, 0), 0);
    CHECK_EQUAL(pa_grant(handle, &vlan, 1), 0);
    vlan.vlan = 4095;
    CHECK_EQUAL(pa_grant(handle, &vlan, 1), -EINVAL);
    pa_close(handle);
}

static void who_is_pinned_to_an_open_port_is_granted_nowhere_else(void) {
    struct pa_handle *handle = open_sim("sim:br0,lan1,up0");
    struct pa_key key = key_of(BOB, 101);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_sim_static(handle, BOB, 0, 999), -EINVAL);
    CHECK_EQUAL(pa_sim_static(handle, BOB, 0, 102), 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EADDRINUSE);
    CHECK_FAULT(pa_last_error(handle),
                "grant 02:00:00:00:00:0b on port lan1: it is pinned to another port by a static entry of somebody's", EADDRINUSE);
    CHECK_EQUAL(set_port(handle, 102, PA_PORT_LOCKED), 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    /* A grant of the caller's moves also from a port that it has opened. */
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LEARNING), 0);
    key.ifindex = 102;
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    pa_close(handle);
}

static void a_table_larger_than_the_buffer_says_how_large(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_key keys[300];
    struct pa_entry entries[300];
    uint32_t needed = 0;
    for (int i = 0; i < 300; i++) keys[i] = key_of((const uint8_t[6]){2, 0, 0, 1, (uint8_t)(i >> 8), (uint8_t)i}, 101);
    CHECK_EQUAL(pa_grant(handle, keys, 300), 0);
    CHECK_EQUAL(pa_table_dump(handle, entries, 299, &needed), -ENOBUFS);
    CHECK_EQUAL(needed, 300);
    CHECK_EQUAL(pa_table_dump(handle, NULL, 0, &needed), -ENOBUFS);
    CHECK_EQUAL(pa_table_dump(handle, entries, 300, &needed), 300);
    CHECK_EQUAL(pa_ports(handle, NULL, 0, &needed), -ENOBUFS);
    CHECK_EQUAL(needed, 1);
    pa_close(handle);
}

static void frames_leave_by_their_ports(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1,p2");
    uint8_t octets[128], got[128];
    uint32_t port = 0;
    for (int i = 0; i < 128; i++) octets[i] = (uint8_t)i;
    struct pa_frame frames[5] = {{.ifindex = 101, .offset = 0, .length = 60},
                                 {.ifindex = 102, .offset = 60, .length = 64},
                                 {.ifindex = 999, .offset = 0, .length = 60},
                                 {.ifindex = 101, .offset = 100, .length = 60},
                                 {.ifindex = 101, .offset = UINT32_MAX, .length = 60}};
    CHECK_EQUAL(pa_inject(handle, frames, 5, octets, 128), 2);
    CHECK_EQUAL(frames[2].result, -ENXIO);
    CHECK_EQUAL(frames[3].result, -EMSGSIZE);
    CHECK_EQUAL(frames[4].result, -EMSGSIZE);
    CHECK_EQUAL(pa_sim_sent(handle, got, 128, &port), 60);
    CHECK_EQUAL(port, 101);
    CHECK_EQUAL(pa_sim_sent(handle, got, 128, &port), 64);
    CHECK(memcmp(got, octets + 60, 64) == 0);
    CHECK_EQUAL(pa_sim_sent(handle, got, 128, &port), 0);
    for (int i = 0; i < 1500; i++) pa_inject(handle, frames, 1, octets, 128);
    pa_sim_link(handle, 101, 0);
    CHECK_EQUAL(pa_inject(handle, frames, 1, octets, 128), 0);
    CHECK_EQUAL(frames[0].result, -ENETDOWN);
    pa_close(handle);
}

static void each_change_of_the_link_is_counted(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_port port;
    struct pa_event events[8];
    CHECK_EQUAL(pa_ports(handle, &port, 1, NULL), 1);
    const uint32_t before = port.link_changes;
    while (pa_events(handle, events, 8) > 0) continue;
    pa_sim_link(handle, 101, PA_PORT_ADMIN_UP);
    pa_sim_link(handle, 101, PA_PORT_ADMIN_UP);
    pa_sim_link(handle, 101, PA_PORT_ADMIN_UP | PA_PORT_LINK_UP);
    CHECK_EQUAL(pa_events(handle, events, 8), 2);
    CHECK_EQUAL(events[0].link_changes, before + 1);
    CHECK_EQUAL(events[1].link_changes, before + 2);
    CHECK_EQUAL(pa_ports(handle, &port, 1, NULL), 1);
    CHECK_EQUAL(port.link_changes, before + 2);
    pa_close(handle);
}

static void the_wake_descriptor_carries_one_octet_for_many_events(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    const int fd = pa_wake_fd(handle);
    struct pa_event events[8];
    char octets[16];
    CHECK(fd >= 0);
    CHECK_EQUAL(pa_wake_fd(handle), -EALREADY);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 20; i++) pa_sim_link(handle, 101, i & 1 ? 0 : PA_PORT_ADMIN_UP);
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        CHECK_EQUAL(poll(&wait, 1, 2000), 1);
        CHECK_EQUAL(read(fd, octets, sizeof octets), 1);
        CHECK_EQUAL(poll(&wait, 1, 20), 0);
        int total = 0;
        for (int count; (count = pa_events(handle, events, 8)) > 0;) total += count;
        CHECK(total >= 20);
    }
    close(fd);
    pa_sim_link(handle, 101, PA_PORT_ADMIN_UP); /* nobody listens: no signal, no hang */
    pa_close(handle);
}

static void the_bridge_goes_and_comes_back(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_event events[8];
    struct pa_key key = key_of(ALICE, 101);
    pa_grant(handle, &key, 1);
    pa_sim_delete(handle, ALICE, 0, 101);
    pa_sim_bridge(handle, 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), -ENODEV);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    CHECK_EQUAL(pa_ports(handle, NULL, 0, NULL), -ENODEV);
    pa_sim_bridge(handle, 1);
    const int index = pa_sim_port_add(handle, "p1");
    CHECK_EQUAL(index, 102);
    CHECK_EQUAL(pa_events(handle, events, 8), 5);
    CHECK_EQUAL(events[0].type, PA_EVENT_ENTRY_GONE);
    CHECK_EQUAL(events[1].type, PA_EVENT_PORT_GONE);
    CHECK_EQUAL(events[2].type, PA_EVENT_BRIDGE_GONE);
    CHECK_EQUAL(events[3].type, PA_EVENT_BRIDGE_BACK);
    CHECK_EQUAL(events[4].type, PA_EVENT_PORT_ADDED);
    CHECK_EQUAL(events[4].flags & PA_PORT_LOCKED, 0);
    pa_sim_overrun(handle);
    CHECK_EQUAL(pa_events(handle, events, 8), 2);
    CHECK_EQUAL(events[0].type, PA_EVENT_OVERRUN);
    CHECK_EQUAL(events[1].type, PA_EVENT_PORT_CHANGED);
    CHECK_EQUAL(pa_sim_port_remove(handle, 102), 0);
    CHECK_EQUAL(pa_sim_port_remove(handle, 102), -ENODEV);
    pa_close(handle);
}

static int set_link(struct pa_handle *handle, uint32_t ifindex, uint32_t flags) {
    struct pa_port_setting setting = {.ifindex = ifindex, .flags = flags};
    const int result = pa_link_set(handle, &setting, 1);
    CHECK_EQUAL(result, setting.result);
    return result;
}

static void a_port_goes_down_and_up_and_keeps_its_lock(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1,p2");
    struct pa_port ports[2];
    struct pa_event events[8];
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), 0);
    while (pa_events(handle, events, 8) > 0) continue;
    CHECK_EQUAL(set_link(handle, 101, 0), 0);
    CHECK_EQUAL(pa_ports(handle, ports, 2, NULL), 2);
    CHECK_EQUAL(ports[0].flags, PA_PORT_LOCKED | PA_PORT_LEARNING);
    CHECK_EQUAL(ports[1].flags, PA_PORT_ADMIN_UP | PA_PORT_LINK_UP | PA_PORT_LEARNING);
    CHECK_EQUAL(pa_events(handle, events, 8), 1);
    CHECK_EQUAL(events[0].type, PA_EVENT_PORT_CHANGED);
    CHECK_EQUAL(set_link(handle, 101, 0), 0); /* it is so already: no news */
    CHECK_EQUAL(pa_events(handle, events, 8), 0);
    CHECK_EQUAL(set_link(handle, 101, PA_PORT_ADMIN_UP), 0);
    CHECK_EQUAL(pa_ports(handle, ports, 2, NULL), 2);
    CHECK_EQUAL(ports[0].flags, PA_PORT_ADMIN_UP | PA_PORT_LINK_UP | PA_PORT_LOCKED | PA_PORT_LEARNING);
    CHECK_EQUAL(set_link(handle, 101, PA_PORT_LOCKED), -EINVAL);
    CHECK_EQUAL(set_link(handle, 7, 0), -ENODEV);
    pa_sim_fail(handle, 0, 1, EIO);
    CHECK_EQUAL(set_link(handle, 101, 0), -EIO);
    CHECK_FAULT(pa_last_error(handle), "set port p1 down", EIO);
    pa_close(handle);
}

int main(void) {
    SITUATION(bad_specs_are_refused_with_a_sentence);
    SITUATION(a_stranger_is_dropped_and_a_granted_one_passes);
    SITUATION(locking_flushes_what_the_open_port_learnt);
    SITUATION(a_frame_in_flight_relearns_and_is_deleted_again);
    SITUATION(mab_announces_a_stranger_once);
    SITUATION(a_sticky_grant_stays_when_its_mac_comes_in_by_the_uplink);
    SITUATION(a_silent_client_comes_back);
    SITUATION(failures_name_the_port_and_the_errno);
    SITUATION(who_is_pinned_to_an_open_port_is_granted_nowhere_else);
    SITUATION(a_table_larger_than_the_buffer_says_how_large);
    SITUATION(frames_leave_by_their_ports);
    SITUATION(each_change_of_the_link_is_counted);
    SITUATION(the_wake_descriptor_carries_one_octet_for_many_events);
    SITUATION(a_port_goes_down_and_up_and_keeps_its_lock);
    SITUATION(the_bridge_goes_and_comes_back);
    return 0;
}
