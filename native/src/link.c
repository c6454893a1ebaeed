/* Links and table entries out of rtnetlink messages, and the library's memory of the bridge's ports. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "switchdev.h"

#define LOWER_UP 0x10000u /* IFF_LOWER_UP, which net/if.h lacks */
#define CLOCK_TICK_MS 10u /* ndm_updated and ageing_time come in 1/100 s (USER_HZ) */

/* A port that floods nothing at all; with a part of it off it is as its administrator wants it. */
static bool is_unflooded(const struct rtattr *const table[]) {
    return nl_u8(table[IFLA_BRPORT_UNICAST_FLOOD], 1) == 0 && nl_u8(table[IFLA_BRPORT_MCAST_FLOOD], 1) == 0 &&
           nl_u8(table[IFLA_BRPORT_BCAST_FLOOD], 1) == 0;
}

static void parse_port_flags(const struct rtattr *nest, struct sd_link *link) {
    const struct rtattr *table[UAPI_IFLA_BRPORT_MAB + 1];
    nl_nested(nest, table, UAPI_IFLA_BRPORT_MAB);
    link->has_flags = true;
    link->knows_locked = table[UAPI_IFLA_BRPORT_LOCKED] != NULL;
    link->knows_mab = table[UAPI_IFLA_BRPORT_MAB] != NULL;
    if (nl_u8(table[IFLA_BRPORT_LEARNING], 0)) link->port.flags |= PA_PORT_LEARNING;
    if (nl_u8(table[UAPI_IFLA_BRPORT_LOCKED], 0)) link->port.flags |= PA_PORT_LOCKED;
    if (nl_u8(table[UAPI_IFLA_BRPORT_MAB], 0)) link->port.flags |= PA_PORT_MAB;
    if (is_unflooded(table)) link->port.flags |= PA_PORT_UNFLOODED;
}

static void parse_bridge(const struct rtattr *nest, struct sd_link *link) {
    const struct rtattr *table[UAPI_IFLA_BR_MULTI_BOOLOPT + 1];
    nl_nested(nest, table, UAPI_IFLA_BR_MULTI_BOOLOPT);
    link->is_bridge = true;
    link->ageing_ms = nl_u32(table[IFLA_BR_AGEING_TIME], 0) * CLOCK_TICK_MS;
    link->vlan_filtering = nl_u8(table[IFLA_BR_VLAN_FILTERING], 0) != 0;
    const struct rtattr *options = table[UAPI_IFLA_BR_MULTI_BOOLOPT];
    uint32_t pair[2] = {0, 0}; /* struct br_boolopt_multi: value, mask */
    if (options && RTA_PAYLOAD(options) >= sizeof pair) memcpy(pair, RTA_DATA(options), sizeof pair);
    link->no_ll_learn = pair[0] & (1u << UAPI_BR_BOOLOPT_NO_LL_LEARN);
    link->knows_no_ll_learn = pair[1] & (1u << UAPI_BR_BOOLOPT_NO_LL_LEARN);
}

static bool is_word(const struct rtattr *attribute, const char *word) {
    char text[16];
    nl_name(attribute, text);
    return attribute && strcmp(text, word) == 0;
}

bool sd_parse_link(const struct nlmsghdr *message, struct sd_link *link) {
    memset(link, 0, sizeof *link);
    if (message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) return false;
    const struct rtattr *table[IFLA_CARRIER_CHANGES + 1];
    if (!nl_message_attributes(message, sizeof(struct ifinfomsg), table, IFLA_CARRIER_CHANGES)) return false;
    const struct ifinfomsg *body = NLMSG_DATA(message);
    link->port.ifindex = (uint32_t)body->ifi_index;
    if (body->ifi_flags & IFF_UP) link->port.flags |= PA_PORT_ADMIN_UP;
    if (body->ifi_flags & LOWER_UP) link->port.flags |= PA_PORT_LINK_UP;
    nl_name(table[IFLA_IFNAME], link->port.name);
    nl_mac(table[IFLA_ADDRESS], link->port.address);
    link->master = nl_u32(table[IFLA_MASTER], 0);
    link->has_link_changes = table[IFLA_CARRIER_CHANGES] != NULL;
    link->port.link_changes = nl_u32(table[IFLA_CARRIER_CHANGES], 0);
    if (table[IFLA_STATS64] && RTA_PAYLOAD(table[IFLA_STATS64]) >= 32) {
        uint64_t counters[4]; /* struct rtnl_link_stats64 begins so */
        memcpy(counters, RTA_DATA(table[IFLA_STATS64]), sizeof counters);
        link->port.rx_packets = counters[0];
        link->port.tx_packets = counters[1];
        link->port.rx_octets = counters[2];
        link->port.tx_octets = counters[3];
    }
    if (body->ifi_family == AF_BRIDGE) {
        if (table[IFLA_PROTINFO]) parse_port_flags(table[IFLA_PROTINFO], link);
        /* The kernel leaves the list of a port in no VLAN out of what it tells of the whole port. */
        if (table[IFLA_AF_SPEC])
            link->vlans = sd_vlan_digest(table[IFLA_AF_SPEC]);
        else if (table[IFLA_PROTINFO])
            link->vlans = SD_VLANS_NONE;
        return true;
    }
    const struct rtattr *info[IFLA_INFO_SLAVE_DATA + 1];
    nl_nested(table[IFLA_LINKINFO], info, IFLA_INFO_SLAVE_DATA);
    if (is_word(info[IFLA_INFO_KIND], "bridge")) parse_bridge(info[IFLA_INFO_DATA], link);
    if (is_word(info[IFLA_INFO_SLAVE_KIND], "bridge")) parse_port_flags(info[IFLA_INFO_SLAVE_DATA], link);
    return true;
}

static uint32_t entry_flags(const struct ndmsg *body, uint32_t extended) {
    uint32_t flags = 0;
    if (body->ndm_state & NUD_PERMANENT) flags |= PA_ENTRY_LOCAL | PA_ENTRY_STATIC;
    if (body->ndm_state & NUD_NOARP) flags |= PA_ENTRY_STATIC;
    if (body->ndm_flags & NTF_STICKY) flags |= PA_ENTRY_STICKY;
    if (body->ndm_flags & NTF_EXT_LEARNED) flags |= PA_ENTRY_EXTERN_LEARN;
    if (extended & UAPI_NTF_EXT_LOCKED) flags |= PA_ENTRY_LOCKED;
    if (!(flags & (PA_ENTRY_STATIC | PA_ENTRY_EXTERN_LEARN))) flags |= PA_ENTRY_DYNAMIC;
    return flags;
}

bool sd_parse_entry(const struct nlmsghdr *message, struct pa_entry *entry, uint32_t *master, uint8_t *notify) {
    if (message->nlmsg_type != RTM_NEWNEIGH && message->nlmsg_type != RTM_DELNEIGH) return false;
    const struct rtattr *table[UAPI_NDA_FLAGS_EXT + 1];
    if (!nl_message_attributes(message, sizeof(struct ndmsg), table, UAPI_NDA_FLAGS_EXT)) return false;
    const struct ndmsg *body = NLMSG_DATA(message);
    if (body->ndm_family != AF_BRIDGE || !table[NDA_MASTER] || !nl_mac(table[NDA_LLADDR], entry->mac)) return false;
    *master = nl_u32(table[NDA_MASTER], 0);
    entry->vlan = nl_u16(table[NDA_VLAN], 0);
    entry->ifindex = (uint32_t)body->ndm_ifindex;
    entry->flags = entry_flags(body, nl_u32(table[UAPI_NDA_FLAGS_EXT], 0));
    entry->idle_ms = entry->used_ms = 0;
    if (table[NDA_CACHEINFO] && RTA_PAYLOAD(table[NDA_CACHEINFO]) >= sizeof(struct nda_cacheinfo)) {
        const struct nda_cacheinfo *ages = RTA_DATA(table[NDA_CACHEINFO]);
        entry->idle_ms = ages->ndm_updated * CLOCK_TICK_MS;
        entry->used_ms = ages->ndm_used * CLOCK_TICK_MS;
    }
    if (notify) {
        const struct rtattr *extra[UAPI_NFEA_ACTIVITY_NOTIFY + 1];
        nl_nested(table[UAPI_NDA_FDB_EXT_ATTRS], extra, UAPI_NFEA_ACTIVITY_NOTIFY);
        *notify = nl_u8(extra[UAPI_NFEA_ACTIVITY_NOTIFY], 0);
    }
    return true;
}

static void keep_link(void *argument, int index, const struct nlmsghdr *message, int error) {
    (void)index;
    (void)error;
    if (message) sd_parse_link(message, argument);
}

static int ask_link(struct sd *sd, uint32_t ifindex, const char *name, struct sd_link *link) {
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex};
    memset(link, 0, sizeof *link);
    nl_begin(&sd->requests, RTM_GETLINK, NLM_F_ACK, &body, sizeof body);
    nl_put_u32(&sd->requests, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (name) nl_put(&sd->requests, IFLA_IFNAME, name, strlen(name) + 1);
    return nl_talk(&sd->requests, keep_link, link);
}

int sd_port_now(struct sd *sd, uint32_t ifindex, struct sd_link *link) {
    if (ifindex == 0) return -ENODEV; /* the kernel would call the question itself invalid */
    const int error = ask_link(sd, ifindex, NULL, link);
    if (error) return error;
    return link->master == sd->bridge && sd->bridge ? 0 : -ENODEV;
}

int sd_find_bridge(struct sd *sd, struct sd_link *link) {
    struct sd_link own;
    if (!link) link = &own;
    const int error = ask_link(sd, 0, sd->base.bridge, link);
    sd->bridge = 0;
    if (error) return pa_error(&sd->base, error, "find bridge %s", sd->base.bridge);
    if (!link->is_bridge)
        return pa_error(&sd->base, ENODEV, "find bridge %s: it is another kind of link", sd->base.bridge);
    sd->bridge = link->port.ifindex;
    sd->vlan_filtering = link->vlan_filtering;
    memcpy(sd->bridge_address, link->port.address, 6);
    return 0;
}

struct sd_port *sd_port_cached(struct sd *sd, uint32_t ifindex) {
    for (uint32_t i = 0; i < sd->port_count; i++)
        if (sd->ports[i].facts.ifindex == ifindex) return &sd->ports[i];
    return NULL;
}

struct sd_port *sd_port_remember(struct sd *sd, const struct pa_port *facts) {
    struct sd_port *port = sd_port_cached(sd, facts->ifindex);
    if (!port) {
        if (sd->port_count == sd->port_room) {
            const uint32_t room = sd->port_room ? sd->port_room * 2 : 64;
            struct sd_port *grown = realloc(sd->ports, room * sizeof *grown);
            if (!grown) return NULL;
            sd->ports = grown;
            sd->port_room = room;
        }
        port = &sd->ports[sd->port_count++];
        port->vlans = SD_VLANS_UNTOLD;
        port->shut = false;
        port->facts.flags = 0;
    }
    /* Somebody else has unlocked it since. */
    if ((port->facts.flags & PA_PORT_LOCKED) && !(facts->flags & PA_PORT_LOCKED)) port->shut = false;
    port->facts = *facts;
    port->seen = true;
    return port;
}

void sd_port_forget(struct sd *sd, uint32_t ifindex) {
    struct sd_port *port = sd_port_cached(sd, ifindex);
    if (port) *port = sd->ports[--sd->port_count];
}

const char *sd_port_label(struct sd *sd, uint32_t ifindex, char out[24]) {
    const struct sd_port *port = sd_port_cached(sd, ifindex);
    char name[IF_NAMESIZE];
    if (port)
        snprintf(out, 24, "port %s", port->facts.name);
    else if (if_indextoname(ifindex, name))
        snprintf(out, 24, "port %.15s", name);
    else
        snprintf(out, 24, "port %u", ifindex);
    return out;
}
