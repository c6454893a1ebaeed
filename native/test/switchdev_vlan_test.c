/* The switchdev backend and the VLANs of the kernel's own bridge, where the kernel has them. */
#include "kernel-bridge.h"

#include <errno.h>

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

    /* So is a pin. */
    run("bridge vlan add dev p2 vid 30");
    run("bridge fdb replace 02:00:00:00:00:0a dev p2 master static sticky vlan 1");
    CHECK_EQUAL(pa_grant(handle, &key, 1), 0);
    CHECK_EQUAL(pa_revoke(handle, &key, 1), 0);
    /* Without a VLAN in each of the port's. */
    run("bridge fdb replace 02:00:00:00:00:0a dev p2 master static sticky");
    CHECK_EQUAL(pa_grant(handle, &key, 1), -EADDRINUSE);
    run("bridge fdb del 02:00:00:00:00:0a dev p2 master && bridge vlan del dev p2 vid 30");
    CHECK(!find(ALICE, &entry));

    /* Whoever changes them, it is told; what else is changed of the port is not told as that. */
    struct pa_event event;
    while (await_event(PA_EVENT_VLANS_CHANGED, &event)) continue;
    CHECK_EQUAL(set_port("p1", 0), 0);
    CHECK_EQUAL(set_port("p1", PA_PORT_LOCKED), 0);
    CHECK(!await_event(PA_EVENT_VLANS_CHANGED, &event));
    run("bridge vlan del dev p1 vid 30");
    CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));
    CHECK_EQUAL(event.ifindex, p1);
    run("bridge vlan add dev p1 vid 30 pvid untagged");
    CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));
    /* The last one, too, of whose list the kernel tells nothing then; and the same one once more. */
    run("bridge vlan del dev p1 vid 40");
    CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));
    for (int round = 0; round < 2; round++) {
        run("bridge vlan del dev p1 vid 30");
        CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));
        CHECK_EQUAL(event.ifindex, p1);
        run("bridge vlan add dev p1 vid 30 pvid untagged");
        CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));
    }
    run("bridge vlan add dev p1 vid 40");
    CHECK(await_event(PA_EVENT_VLANS_CHANGED, &event));

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

int main(void) {
    if (!open_bridge()) return 0;
    SITUATION(a_port_changes_its_vlans_and_changes_back);
    pa_close(handle);
    return 0;
}
