/* The parsers of kernel messages, and the set of grants against a model. */
#include <linux/if_bridge.h>
#include <sys/socket.h>

#include "check.h"
#include "switchdev.h"

/* A builder of messages without a kernel: the transmit buffer of a socket that was never opened. */
static struct nl_socket *paper(void) {
    static uint8_t octets[NL_BATCH * NL_MESSAGE_MAX];
    static struct nl_socket socket;
    socket = (struct nl_socket){.fd = -1, .tx = octets};
    return &socket;
}

static const uint8_t ALICE[6] = {0x02, 0x11, 0x22, 0x33, 0x44, 0x55};

static const struct nlmsghdr *entry_message(struct nl_socket *socket, uint8_t flags, uint16_t state,
                                            uint32_t extended) {
    const struct ndmsg body = {.ndm_family = AF_BRIDGE, .ndm_ifindex = 7, .ndm_flags = flags, .ndm_state = state};
    const struct nda_cacheinfo ages = {.ndm_used = 3, .ndm_updated = 150};
    const uint16_t vlan = 42;
    const struct nlmsghdr *message = nl_begin(socket, RTM_NEWNEIGH, 0, &body, sizeof body);
    nl_put(socket, NDA_LLADDR, ALICE, 6);
    nl_put_u32(socket, NDA_MASTER, 3);
    nl_put(socket, NDA_CACHEINFO, &ages, sizeof ages);
    nl_put(socket, NDA_VLAN, &vlan, sizeof vlan);
    if (extended) nl_put_u32(socket, UAPI_NDA_FLAGS_EXT, extended);
    struct rtattr *nest = nl_nest(socket, UAPI_NDA_FDB_EXT_ATTRS);
    nl_put_u8(socket, UAPI_NFEA_ACTIVITY_NOTIFY, UAPI_FDB_NOTIFY_BIT);
    nl_nest_end(socket, nest);
    return message;
}

static void an_entry_is_read_whole(void) {
    struct pa_entry entry;
    uint32_t master;
    uint8_t notify;
    const struct nlmsghdr *message = entry_message(paper(), NTF_STICKY, NUD_NOARP, 0);
    CHECK(sd_parse_entry(message, &entry, &master, &notify));
    CHECK_EQUAL(master, 3);
    CHECK_EQUAL(entry.ifindex, 7);
    CHECK_EQUAL(entry.vlan, 42);
    CHECK_EQUAL(entry.idle_ms, 1500);
    CHECK_EQUAL(entry.used_ms, 30);
    CHECK_EQUAL(entry.flags, PA_ENTRY_STATIC | PA_ENTRY_STICKY);
    CHECK_EQUAL(notify, UAPI_FDB_NOTIFY_BIT);
    CHECK(memcmp(entry.mac, ALICE, 6) == 0);
}

static void kinds_of_entries_are_told_apart(void) {
    static const struct {
        uint8_t flags;
        uint16_t state;
        uint32_t extended, wanted;
    } cases[] = {
        {0, NUD_REACHABLE, 0, PA_ENTRY_DYNAMIC},
        {0, NUD_STALE, 0, PA_ENTRY_DYNAMIC},
        {0, NUD_REACHABLE, UAPI_NTF_EXT_LOCKED, PA_ENTRY_DYNAMIC | PA_ENTRY_LOCKED},
        {0, NUD_PERMANENT, 0, PA_ENTRY_STATIC | PA_ENTRY_LOCAL},
        {0, NUD_NOARP, 0, PA_ENTRY_STATIC},
        {NTF_EXT_LEARNED, NUD_REACHABLE, 0, PA_ENTRY_EXTERN_LEARN},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pa_entry entry;
        uint32_t master;
        const struct nlmsghdr *message = entry_message(paper(), cases[i].flags, cases[i].state, cases[i].extended);
        CHECK(sd_parse_entry(message, &entry, &master, NULL));
        CHECK_EQUAL(entry.flags, cases[i].wanted);
    }
}

static const struct nlmsghdr *link_message(struct nl_socket *socket, bool bridge) {
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = 9, .ifi_flags = 0x10001};
    const struct nlmsghdr *message = nl_begin(socket, RTM_NEWLINK, 0, &body, sizeof body);
    nl_put(socket, IFLA_IFNAME, "lan1", 5);
    nl_put(socket, IFLA_ADDRESS, ALICE, 6);
    nl_put_u32(socket, IFLA_MASTER, 3);
    struct rtattr *info = nl_nest(socket, IFLA_LINKINFO);
    if (bridge) {
        const uint32_t options[2] = {1, 3};
        nl_put(socket, IFLA_INFO_KIND, "bridge", 7);
        struct rtattr *data = nl_nest(socket, IFLA_INFO_DATA);
        nl_put_u32(socket, IFLA_BR_AGEING_TIME, 30000);
        nl_put(socket, UAPI_IFLA_BR_MULTI_BOOLOPT, options, sizeof options);
        nl_nest_end(socket, data);
    } else {
        nl_put(socket, IFLA_INFO_SLAVE_KIND, "bridge", 7);
        struct rtattr *data = nl_nest(socket, IFLA_INFO_SLAVE_DATA);
        nl_put_u8(socket, IFLA_BRPORT_LEARNING, 1);
        nl_put_u8(socket, UAPI_IFLA_BRPORT_LOCKED, 1);
        nl_put_u8(socket, UAPI_IFLA_BRPORT_MAB, 0);
        nl_nest_end(socket, data);
    }
    nl_nest_end(socket, info);
    return message;
}

static void a_port_and_a_bridge_are_read_whole(void) {
    struct sd_link link;
    CHECK(sd_parse_link(link_message(paper(), false), &link));
    CHECK_TEXT(link.port.name, "lan1");
    CHECK_EQUAL(link.master, 3);
    CHECK_EQUAL(link.port.flags, PA_PORT_ADMIN_UP | PA_PORT_LINK_UP | PA_PORT_LOCKED | PA_PORT_LEARNING);
    CHECK(link.has_flags && link.knows_locked && link.knows_mab && !link.is_bridge);
    CHECK(sd_parse_link(link_message(paper(), true), &link));
    CHECK_EQUAL(link.ageing_ms, 300000);
    CHECK(link.is_bridge && link.no_ll_learn && link.knows_no_ll_learn && !link.vlan_filtering);
}

/* As the kernel tells of a port after a change of whatever kind; `flags` are the driver's in front, 0 = none. */
static const struct nlmsghdr *vlans_message(struct nl_socket *socket, uint16_t flags, uint16_t pvid, uint32_t count) {
    const struct ifinfomsg body = {.ifi_family = AF_BRIDGE, .ifi_index = 9};
    const struct nlmsghdr *message = nl_begin(socket, RTM_NEWLINK, 0, &body, sizeof body);
    nl_put_u32(socket, IFLA_MASTER, 3);
    struct rtattr *nest = nl_nest(socket, IFLA_AF_SPEC);
    if (flags) nl_put(socket, IFLA_BRIDGE_FLAGS, &flags, sizeof flags);
    for (uint32_t i = 0; i < count; i++) {
        struct bridge_vlan_info info = {.vid = (uint16_t)(20 + i)};
        if (info.vid == pvid) info.flags = BRIDGE_VLAN_INFO_PVID | BRIDGE_VLAN_INFO_UNTAGGED;
        nl_put(socket, IFLA_BRIDGE_VLAN_INFO, &info, sizeof info);
    }
    nl_nest_end(socket, nest);
    return message;
}

/* As Linux 6.12 tells of a port that has lost its last VLAN; `whole` false: as it tells of something else of it. */
static const struct nlmsghdr *no_vlans_message(struct nl_socket *socket, bool whole) {
    const struct ifinfomsg body = {.ifi_family = AF_BRIDGE, .ifi_index = 9};
    const struct nlmsghdr *message = nl_begin(socket, RTM_NEWLINK, 0, &body, sizeof body);
    nl_put(socket, IFLA_IFNAME, "lan1", 5);
    nl_put_u32(socket, IFLA_MASTER, 3);
    if (!whole) return message;
    struct rtattr *nest = nl_nest(socket, IFLA_PROTINFO);
    nl_put_u8(socket, IFLA_BRPORT_LEARNING, 1);
    nl_put_u8(socket, UAPI_IFLA_BRPORT_LOCKED, 1);
    nl_nest_end(socket, nest);
    return message;
}

static uint32_t digest_of(uint16_t flags, uint16_t pvid, uint32_t count) {
    struct sd_link link;
    CHECK(sd_parse_link(vlans_message(paper(), flags, pvid, count), &link));
    return link.vlans;
}

static void lists_of_vlans_are_told_apart(void) {
    CHECK_EQUAL(digest_of(0, 0, 0), SD_VLANS_NONE);
    CHECK_EQUAL(digest_of(BRIDGE_FLAGS_SELF, 20, 3), SD_VLANS_UNTOLD);
    CHECK_EQUAL(digest_of(0, 20, 3), digest_of(0, 20, 3));
    CHECK(digest_of(0, 20, 3) > SD_VLANS_NONE);
    CHECK(digest_of(0, 20, 3) != digest_of(0, 21, 3));
    CHECK(digest_of(0, 20, 3) != digest_of(0, 20, 2));
    struct sd_link link;
    CHECK(sd_parse_link(link_message(paper(), false), &link));
    CHECK_EQUAL(link.vlans, SD_VLANS_UNTOLD);
    CHECK(sd_parse_link(no_vlans_message(paper(), true), &link));
    CHECK(link.has_flags && (link.port.flags & PA_PORT_LOCKED));
    CHECK_EQUAL(link.vlans, SD_VLANS_NONE);
    CHECK(sd_parse_link(no_vlans_message(paper(), false), &link));
    CHECK_EQUAL(link.vlans, SD_VLANS_UNTOLD);
}

/* On the heap and of the exact size, so that the sanitizer sees a read past the end. */
static void parse_copy(const uint8_t *octets, size_t length, uint32_t claimed) {
    uint8_t *copy = malloc(length);
    struct nlmsghdr head;
    struct sd_link link;
    struct pa_entry entry;
    uint32_t master;
    uint8_t notify;
    memcpy(copy, octets, length);
    memcpy(&head, copy, sizeof head);
    head.nlmsg_len = claimed;
    memcpy(copy, &head, sizeof head);
    sd_parse_link((struct nlmsghdr *)copy, &link);
    sd_parse_entry((struct nlmsghdr *)copy, &entry, &master, &notify);
    free(copy);
}

static void no_truncation_or_mutation_reads_outside(void) {
    uint32_t seed = 12345;
    for (int kind = 0; kind < 4; kind++) {
        struct nl_socket *socket = paper();
        const struct nlmsghdr *message =
            kind == 0   ? entry_message(socket, 0, NUD_NOARP, 2)
            : kind == 3 ? vlans_message(socket, BRIDGE_FLAGS_MASTER, 20, 3)
                        : link_message(socket, kind == 1);
        const size_t length = message->nlmsg_len;
        uint8_t whole[512];
        memcpy(whole, message, length);
        for (size_t cut = sizeof *message; cut <= length; cut++) parse_copy(whole, cut, (uint32_t)cut);
        for (int round = 0; round < 20000; round++) {
            uint8_t bent[512];
            memcpy(bent, whole, length);
            for (int i = 0; i < 3; i++) {
                seed = seed * 1664525 + 1013904223;
                bent[4 + (seed >> 8) % (length - 4)] = (uint8_t)(seed >> 24);
            }
            parse_copy(bent, length, (uint32_t)length);
        }
    }
}

static void the_grant_set_agrees_with_a_model(void) {
    static bool model[64][8];
    struct grant_set set = {0};
    uint32_t seed = 99, expected = 0;
    uint8_t mac[6] = {2, 0, 0, 0, 0, 0};
    CHECK(!grant_set_has(&set, mac, 0, 1));
    CHECK(!grant_set_remove(&set, mac, 0, 1));
    for (int step = 0; step < 200000; step++) {
        seed = seed * 1664525 + 1013904223;
        const unsigned who = (seed >> 8) % 64, port = (seed >> 16) % 8;
        mac[5] = (uint8_t)who;
        if (seed >> 31) {
            CHECK(grant_set_add(&set, mac, 1, port + 1));
            expected += !model[who][port];
            model[who][port] = true;
        } else {
            CHECK_EQUAL(grant_set_remove(&set, mac, 1, port + 1), model[who][port]);
            expected -= model[who][port];
            model[who][port] = false;
        }
        if (step % 5000 == 4999) {
            grant_set_remove_port(&set, port + 1);
            for (int i = 0; i < 64; i++) {
                expected -= model[i][port];
                model[i][port] = false;
            }
        }
        CHECK_EQUAL(set.used, expected);
    }
    for (unsigned who = 0; who < 64; who++)
        for (unsigned port = 0; port < 8; port++) {
            mac[5] = (uint8_t)who;
            CHECK_EQUAL(grant_set_has(&set, mac, 1, port + 1), model[who][port]);
        }
    grant_set_free(&set);
}

int main(void) {
    SITUATION(an_entry_is_read_whole);
    SITUATION(kinds_of_entries_are_told_apart);
    SITUATION(a_port_and_a_bridge_are_read_whole);
    SITUATION(lists_of_vlans_are_told_apart);
    SITUATION(no_truncation_or_mutation_reads_outside);
    SITUATION(the_grant_set_agrees_with_a_model);
    return 0;
}
