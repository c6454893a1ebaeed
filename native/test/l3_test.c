/*
 * Addresses on the routed path: the simulator, and the kernel's own nftables in a network namespace of this process. The
 * latter needs root and libnftables; without them it says so and passes, since the lab needs both anyway.
 */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "portauth.h"
#include "switchdev.h"

static struct pa_handle *handle;

static struct pa_address address_of(const char *text) {
    struct pa_address address = {.family = strchr(text, ':') ? 6 : 4, .result = 77};
    CHECK_EQUAL(inet_pton(address.family == 6 ? AF_INET6 : AF_INET, text, address.octets), 1);
    return address;
}

static int add(uint32_t set, const char *text) {
    struct pa_address address = address_of(text);
    const int result = pa_l3_add(handle, set, &address, 1);
    CHECK_EQUAL(address.result, result);
    return result;
}

static int take_out(uint32_t set, const char *text) {
    struct pa_address address = address_of(text);
    const int result = pa_l3_remove(handle, set, &address, 1);
    CHECK_EQUAL(address.result, result);
    return result;
}

static bool is_in(uint32_t set, const char *text) {
    static struct pa_address found[8192];
    const struct pa_address wanted = address_of(text);
    const int count = pa_l3_list(handle, set, found, 8192, NULL);
    CHECK(count >= 0);
    for (int i = 0; i < count; i++) {
        CHECK_EQUAL(found[i].result, 0);
        if (found[i].family == wanted.family && memcmp(found[i].octets, wanted.octets, 16) == 0) return true;
    }
    return false;
}

static void nothing_goes_in_before_it_is_opened(void) {
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), -ENOENT);
    CHECK_EQUAL(take_out(PA_L3_GRANTED, "192.0.2.1"), -ENOENT);
    CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, NULL, 0, NULL), -ENOENT);
}

static void addresses_of_both_families_come_and_go(void) {
    struct pa_address exempt[2] = {address_of("192.0.2.250"), address_of("2001:db8::250")};
    CHECK_EQUAL(pa_l3_open(handle, "vpn0,vpn1.20", exempt, 2), 0);
    CHECK_TEXT(pa_last_error(handle), "");
    struct pa_address both[2] = {address_of("192.0.2.1"), address_of("2001:db8::1")};
    for (int again = 0; again < 2; again++) {
        CHECK_EQUAL(pa_l3_add(handle, PA_L3_GRANTED, both, 2), 0);
        CHECK_EQUAL(both[0].result, 0);
        CHECK_EQUAL(both[1].result, 0);
    }
    CHECK(is_in(PA_L3_GRANTED, "192.0.2.1"));
    CHECK(is_in(PA_L3_GRANTED, "2001:db8::1"));
    CHECK(!is_in(PA_L3_AWAITED, "192.0.2.1"));
    CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, NULL, 0, NULL), -ENOBUFS);
    for (int again = 0; again < 2; again++) CHECK_EQUAL(take_out(PA_L3_GRANTED, "192.0.2.1"), 0);
    CHECK(!is_in(PA_L3_GRANTED, "192.0.2.1"));
    CHECK(is_in(PA_L3_GRANTED, "2001:db8::1"));
    CHECK_EQUAL(take_out(PA_L3_GRANTED, "2001:db8::1"), 0);
    CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, NULL, 0, NULL), 0);
}

static void what_is_no_address_is_refused_and_the_others_go_in(void) {
    struct pa_address some[4] = {address_of("192.0.2.2"), {.family = 4}, {.family = 5, .octets = {1}}, {.family = 6}};
    CHECK_EQUAL(pa_l3_add(handle, PA_L3_GRANTED, some, 4), -EINVAL);
    CHECK_EQUAL(some[0].result, 0);
    for (int i = 1; i < 4; i++) CHECK_EQUAL(some[i].result, -EINVAL);
    CHECK(is_in(PA_L3_GRANTED, "192.0.2.2"));
    CHECK_EQUAL(take_out(PA_L3_GRANTED, "192.0.2.2"), 0);
    CHECK_EQUAL(pa_l3_add(handle, PA_L3_SETS, some, 1), -EINVAL);
    static const char *const bad[] = {"", "a,,b", ",", "vpn0,", "a b", "a\"b", "vpn*", "a/b", "a-name-of-sixteen"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_EQUAL(pa_l3_open(handle, bad[i], NULL, 0), -EINVAL);
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", some, 2), -EINVAL);
}

static void thousands_go_at_once(void) {
    static struct pa_address many[5000];
    for (uint32_t i = 0; i < 5000; i++)
        many[i] = (struct pa_address){.octets = {10, 1, (uint8_t)(i >> 8), (uint8_t)i}, .family = 4};
    CHECK_EQUAL(pa_l3_add(handle, PA_L3_GRANTED, many, 5000), 0);
    CHECK(is_in(PA_L3_GRANTED, "10.1.19.135"));
    CHECK_EQUAL(pa_l3_remove(handle, PA_L3_GRANTED, many, 4999), 0);
    CHECK(is_in(PA_L3_GRANTED, "10.1.19.135"));
    CHECK(!is_in(PA_L3_GRANTED, "10.1.19.134"));
}

static void opened_anew_it_is_empty(void) {
    CHECK_EQUAL(add(PA_L3_AWAITED, "2001:db8::5"), 0);
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", NULL, 0), 0);
    for (uint32_t set = 0; set < PA_L3_SETS; set++) CHECK_EQUAL(pa_l3_list(handle, set, NULL, 0, NULL), 0);
}

static void both_backends(void) {
    SITUATION(nothing_goes_in_before_it_is_opened);
    SITUATION(addresses_of_both_families_come_and_go);
    SITUATION(what_is_no_address_is_refused_and_the_others_go_in);
    SITUATION(thousands_go_at_once);
    SITUATION(opened_anew_it_is_empty);
}

static int packet(const char *from) {
    const struct pa_address address = address_of(from);
    return pa_sim_packet(handle, &address);
}

static void simulated_packets_meet_the_sets(void) {
    struct pa_address exempt = address_of("192.0.2.250");
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", &exempt, 1), 0);
    CHECK_EQUAL(packet("192.0.2.250"), 1);
    CHECK_EQUAL(packet("192.0.2.1"), 0);
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), 0);
    CHECK_EQUAL(packet("192.0.2.1"), 1);
    CHECK_EQUAL(packet("192.0.2.2"), 0);
    CHECK(!is_in(PA_L3_HEARD, "192.0.2.2"));
    CHECK_EQUAL(add(PA_L3_AWAITED, "192.0.2.2"), 0);
    CHECK_EQUAL(packet("192.0.2.2"), 0);
    CHECK(is_in(PA_L3_HEARD, "192.0.2.2"));
    CHECK_EQUAL(pa_sim_fail(handle, 0, 1, EIO), 0);
    CHECK_EQUAL(take_out(PA_L3_GRANTED, "192.0.2.1"), -EIO);
    CHECK_FAULT(pa_last_error(handle), "remove 192.0.2.1", EIO);
    CHECK_EQUAL(packet("192.0.2.1"), 1);
    CHECK_EQUAL(pa_sim_l3_flush(handle), 0);
    CHECK_EQUAL(packet("192.0.2.9"), 1);
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), -ENOENT);
}

static void somebody_removes_the_table(void) {
    CHECK_EQUAL(system("nft delete table inet rollcall_br-l3"), 0);
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), -ENOENT);
    CHECK_FAULT(pa_last_error(handle), "add 1 elements of set granted4", ENOENT);
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", NULL, 0), 0);
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), 0);
}

static void somebody_changes_the_rules(void) {
    static const char *const changes[] = {
        "flush table inet rollcall_br-l3",
        "flush chain inet rollcall_br-l3 forward",
        "flush chain inet rollcall_br-l3 from_client",
        "insert rule inet rollcall_br-l3 to_client accept",
        "delete element inet rollcall_br-l3 ingress '{ \"vpn0\" }'",
        "add element inet rollcall_br-l3 exempt4 '{ 192.0.2.66 }'",
        "add element inet rollcall_br-l3 exempt6 '{ 2001:db8::66 }'",
        "add chain inet rollcall_br-l3 other",
    };
    struct pa_address exempt = address_of("192.0.2.250"), out[8];
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char command[160];
        CHECK_EQUAL(pa_l3_open(handle, "vpn0", &exempt, 1), 0);
        CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), 0);
        CHECK_EQUAL(add(PA_L3_AWAITED, "192.0.2.2"), 0);
        CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, out, 8, NULL), 1);
        snprintf(command, sizeof command, "nft %s", changes[i]);
        CHECK_EQUAL(system(command), 0);
        CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, out, 8, NULL), -ENOENT);
    }
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", NULL, 0), 0);
    CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, out, 8, NULL), 0);
}

static void absence_is_proven_and_presence_stays(void) {
    struct sd *const sd = (struct sd *)handle;
    const struct nft_set set = {"inet", "rollcall_br-l3", "granted4"};
    const char elements[2][NFT_ELEMENT] = {"192.0.2.7", "192.0.2.8"};
    int32_t results[2] = {0};
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.7"), 0);
    nft_change(&sd->nft, handle, &set, NFT_ABSENT, elements, results, 2);
    CHECK_EQUAL(results[0], -EEXIST);
    CHECK_EQUAL(results[1], 0);
    CHECK(is_in(PA_L3_GRANTED, "192.0.2.7"));
    CHECK(!is_in(PA_L3_GRANTED, "192.0.2.8"));
    CHECK_EQUAL(take_out(PA_L3_GRANTED, "192.0.2.7"), 0);
}

/* What removing 200 addresses one by one takes where so many are in, in microseconds of the processor. */
static long cost_of_removing_from(uint32_t count) {
    static struct pa_address all[10000];
    struct timespec begin, end;
    for (uint32_t i = 0; i < count; i++)
        all[i] = (struct pa_address){.octets = {10, 2, (uint8_t)(i >> 8), (uint8_t)i}, .family = 4};
    CHECK_EQUAL(pa_l3_add(handle, PA_L3_GRANTED, all, count), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (uint32_t i = 0; i < 200; i++) CHECK_EQUAL(pa_l3_remove(handle, PA_L3_GRANTED, &all[i], 1), 0);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    CHECK_EQUAL(pa_l3_open(handle, "vpn0", NULL, 0), 0);
    return (end.tv_sec - begin.tv_sec) * 1000000L + (end.tv_nsec - begin.tv_nsec) / 1000;
}

/* 0.5 ms each where it is well; 30 ms where the others are read. */
static void one_of_thousands_goes_without_reading_the_others(void) {
    const long few = cost_of_removing_from(200), many = cost_of_removing_from(10000);
    CHECK(many < 10 * few);
}

static void it_stays_shut_when_the_handle_is_closed(void) {
    pa_close(handle);
    CHECK_EQUAL(system("nft list table inet rollcall_br-l3 | grep -q 'iifname @ingress jump from_client'"), 0);
    CHECK_EQUAL(pa_open("br-l3", &handle), 0);
    CHECK(is_in(PA_L3_GRANTED, "192.0.2.1"));
}

static void whom_an_earlier_handle_has_granted_stays_so_once(void) {
    CHECK_EQUAL(pa_l3_open(handle, "vpn0,vpn1", NULL, 0), 0);
    CHECK(is_in(PA_L3_GRANTED, "192.0.2.1"));
    CHECK_EQUAL(pa_l3_open(handle, "vpn0,vpn1", NULL, 0), 0);
    CHECK_EQUAL(pa_l3_list(handle, PA_L3_GRANTED, NULL, 0, NULL), 0);
}

int main(void) {
    printf(" simulator\n");
    CHECK_EQUAL(pa_open("sim:br0", &handle), 0);
    both_backends();
    SITUATION(simulated_packets_meet_the_sets);
    pa_close(handle);
    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || system("ip link add br-l3 type bridge && nft list tables >/dev/null") != 0) {
        printf("  left out: needs root, a network namespace, iproute2 and nftables\n");
        return 0;
    }
    if (!dlopen("libnftables.so.1", RTLD_NOW | RTLD_LOCAL)) {
        printf("  left out: no libnftables for this C library: %s\n", dlerror());
        return 0;
    }
    printf(" nftables\n");
    CHECK_EQUAL(pa_open("br-l3", &handle), 0);
    both_backends();
    SITUATION(somebody_removes_the_table);
    SITUATION(somebody_changes_the_rules);
    SITUATION(absence_is_proven_and_presence_stays);
    SITUATION(one_of_thousands_goes_without_reading_the_others);
    CHECK_EQUAL(add(PA_L3_GRANTED, "192.0.2.1"), 0);
    SITUATION(it_stays_shut_when_the_handle_is_closed);
    SITUATION(whom_an_earlier_handle_has_granted_stays_so_once);
    pa_close(handle);
    return 0;
}
