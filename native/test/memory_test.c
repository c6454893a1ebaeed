/* Without memory: nothing is told to be done that is not, and what locks a port locks it. */
#include "kernel-bridge.h"

#include <errno.h>

static bool is_scarce;

/* The linker gives every calloc of the library to this one. */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size) { return is_scarce ? NULL : __real_calloc(count, size); }

static bool is_there(const uint8_t mac[6]) {
    struct pa_entry entry;
    return find(mac, &entry);
}

static void a_port_is_locked_and_not_told_to_be_proven_shut(void) {
    struct pa_port_setting setting = {.ifindex = index_of("p1"), .flags = PA_PORT_LOCKED | PA_PORT_LEARNING};
    struct pa_port port;
    is_scarce = true;
    CHECK_EQUAL(pa_port_set(handle, &setting, 1), -ENOMEM);
    is_scarce = false;
    CHECK_EQUAL(setting.result, -ENOMEM);
    CHECK_FAULT(pa_last_error(handle), "lock port p1: look for open entries", ENOMEM);
    CHECK_EQUAL(pa_ports(handle, &port, 1, NULL), -ENOBUFS);
    CHECK(port.flags & PA_PORT_LOCKED);
    CHECK_EQUAL(pa_port_set(handle, &setting, 1), 0);
}

/* Without a place in the set of those that are watched over: one that is deleted by somebody would not be missed. */
static void a_grant_that_cannot_be_watched_over_is_not_written(void) {
    struct pa_key keys[] = {key_of(ALICE, "p1"), key_of(BOB, "p1")};
    is_scarce = true;
    CHECK_EQUAL(pa_grant(handle, keys, 2), -ENOMEM);
    is_scarce = false;
    CHECK_EQUAL(keys[1].result, -ENOMEM);
    CHECK(!is_there(ALICE) && !is_there(BOB));
    CHECK_EQUAL(pa_grant(handle, keys, 2), 0);
    CHECK(is_there(ALICE) && is_there(BOB));
}

static void a_grant_that_is_not_revoked_is_not_told_to_be(void) {
    struct pa_key keys[] = {key_of(ALICE, "p1"), key_of(BOB, "p1")};
    is_scarce = true;
    CHECK_EQUAL(pa_revoke(handle, keys, 2), -ENOMEM);
    is_scarce = false;
    CHECK_EQUAL(keys[1].result, -ENOMEM);
    CHECK(is_there(ALICE) && is_there(BOB));
    CHECK_EQUAL(pa_revoke(handle, &keys[1], 1), 0);
}

static void grants_of_an_earlier_run_are_read_with_room_for_them_or_not_at_all(void) {
    static struct pa_entry entries[64];
    pa_close(handle);
    CHECK_EQUAL(pa_open("br0", &handle), 0);
    is_scarce = true;
    CHECK_EQUAL(pa_table_dump(handle, entries, 64, NULL), -ENOMEM);
    is_scarce = false;
    CHECK(is_there(ALICE));
}

static void a_vlan_that_cannot_be_read_back_is_not_told_to_be_set(void) {
    struct pa_vlan change = {.ifindex = index_of("p1"), .vlan = 30};
    /* A kernel that was built without VLANs has its own word. */
    if (system("ip link set br0 type bridge vlan_filtering 1 2>/dev/null") != 0) return;
    is_scarce = true;
    CHECK_EQUAL(pa_vlan_set(handle, &change, 1), -ENOMEM);
    is_scarce = false;
    CHECK_EQUAL(change.result, -ENOMEM);
}

int main(void) {
    if (!open_bridge()) return 0;
    SITUATION(a_port_is_locked_and_not_told_to_be_proven_shut);
    SITUATION(a_grant_that_cannot_be_watched_over_is_not_written);
    SITUATION(a_grant_that_is_not_revoked_is_not_told_to_be);
    SITUATION(grants_of_an_earlier_run_are_read_with_room_for_them_or_not_at_all);
    SITUATION(a_vlan_that_cannot_be_read_back_is_not_told_to_be_set);
    pa_close(handle);
    return 0;
}
