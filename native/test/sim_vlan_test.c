/* VLANs of the simulated switch's ports. */
#include <errno.h>

#include "sim-switch.h"

static int flags_of(struct pa_handle *handle, uint32_t ifindex, uint16_t vlan) {
    struct pa_vlan list[16];
    const int count = pa_vlans(handle, list, 16, NULL);
    CHECK(count >= 0);
    for (int i = 0; i < count; i++)
        if (list[i].ifindex == ifindex && list[i].vlan == vlan) return list[i].flags;
    return -1;
}

static void a_port_changes_its_vlans_and_changes_back(void) {
    struct pa_handle *handle = open_sim("sim:br0,p1");
    struct pa_key key = key_of(ALICE, 101);
    struct pa_event events[8];
    uint32_t needed;
    pa_sim_vlan_filtering(handle, 1);
    CHECK_EQUAL(flags_of(handle, 101, 1), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(flags_of(handle, 0, 1), PA_VLAN_PVID | PA_VLAN_UNTAGGED);
    CHECK_EQUAL(pa_vlans(handle, NULL, 0, &needed), -ENOBUFS);
    CHECK_EQUAL(needed, 2);
    CHECK_EQUAL(set_port(handle, 101, PA_PORT_LOCKED), 0);
    key.vlan = 30;
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EINVAL);
    CHECK_FAULT(pa_last_error(handle), "grant 02:00:00:00:00:0a on port p1: the port is no member of the VLAN", EINVAL);
    CHECK_EQUAL(set_vlan(handle, 101, 30, PA_VLAN_PVID | PA_VLAN_UNTAGGED), 0);
    CHECK_EQUAL(flags_of(handle, 101, 1), PA_VLAN_UNTAGGED);
    CHECK_EQUAL(set_vlan(handle, 101, 1, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(set_vlan(handle, 101, 1, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(flags_of(handle, 101, 1), -1);
    CHECK_EQUAL(set_vlan(handle, 101, 40, 0), 0);
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 0, 64, 0), 1);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 40, 64, 0), 0);
    CHECK_EQUAL(pa_sim_frame(handle, 101, ALICE, 1, 64, 0), 0);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    while (pa_events(handle, events, 8) > 0) continue;
    /* Told of once each, by whomever; what is so already is no news, and of the bridge itself nobody is told. */
    CHECK_EQUAL(set_vlan(handle, 101, 40, 0), 0);
    CHECK_EQUAL(set_vlan(handle, 0, 40, 0), 0);
    CHECK_EQUAL(set_vlan(handle, 0, 40, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(set_vlan(handle, 101, 50, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(pa_events(handle, events, 8), 0);
    CHECK_EQUAL(set_vlan(handle, 101, 40, PA_VLAN_PVID), 0);
    CHECK_EQUAL(set_vlan(handle, 101, 40, PA_VLAN_ABSENT), 0);
    CHECK_EQUAL(pa_events(handle, events, 8), 2);
    CHECK_EQUAL(events[1].type, PA_EVENT_VLANS_CHANGED);
    CHECK_EQUAL(events[1].ifindex, 101);
    CHECK_EQUAL(strcmp(events[1].name, "p1"), 0);
    CHECK_EQUAL(set_vlan(handle, 101, 4095, 0), -EINVAL);
    CHECK_EQUAL(set_vlan(handle, 101, 7, PA_VLAN_ABSENT | PA_VLAN_PVID), -EINVAL);
    CHECK_EQUAL(set_vlan(handle, 999, 7, 0), -ENODEV);
    pa_sim_fail(handle, 0, 1, EIO);
    CHECK_EQUAL(set_vlan(handle, 101, 30, PA_VLAN_ABSENT), -EIO);
    CHECK_FAULT(pa_last_error(handle), "remove VLAN 30 of p1", EIO);
    CHECK_EQUAL(pa_sim_port_remove(handle, 101), 0);
    CHECK_EQUAL(pa_vlans(handle, NULL, 0, &needed), -ENOBUFS);
    CHECK_EQUAL(needed, 1);
    pa_close(handle);
}

int main(void) {
    SITUATION(a_port_changes_its_vlans_and_changes_back);
    return 0;
}
