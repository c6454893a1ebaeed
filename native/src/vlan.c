/*
 * VLAN memberships of the bridge and its ports, over rtnetlink: one dump to read them all, one request a change, each
 * acknowledged, and one more dump to see that they are as they were wanted.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "switchdev.h"

#define HIGHEST_VLAN 4094u

struct vlan_list {
    struct sd *sd;
    struct pa_vlan *out;
    uint32_t capacity;
    uint32_t count;
};

static void add_range(struct vlan_list *list, uint32_t ifindex, unsigned first, unsigned last, unsigned flags) {
    uint16_t ours = 0;
    if (flags & BRIDGE_VLAN_INFO_PVID) ours |= PA_VLAN_PVID;
    if (flags & BRIDGE_VLAN_INFO_UNTAGGED) ours |= PA_VLAN_UNTAGGED;
    for (unsigned vlan = first; vlan <= last && vlan <= HIGHEST_VLAN; vlan++) {
        if (list->count < list->capacity)
            list->out[list->count] = (struct pa_vlan){.ifindex = ifindex, .vlan = (uint16_t)vlan, .flags = ours};
        list->count++;
    }
}

/* The kernel tells neighbouring VLANs of the same kind as one range: its begin, then its end. */
static void parse_vlans(const struct rtattr *nest, uint32_t ifindex, struct vlan_list *list) {
    int left = (int)RTA_PAYLOAD(nest);
    unsigned first = 0;
    for (const struct rtattr *at = RTA_DATA(nest); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        struct bridge_vlan_info info;
        if ((at->rta_type & NLA_TYPE_MASK) != IFLA_BRIDGE_VLAN_INFO || RTA_PAYLOAD(at) < sizeof info) continue;
        memcpy(&info, RTA_DATA(at), sizeof info);
        if (info.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
            first = info.vid;
            continue;
        }
        if (!(info.flags & BRIDGE_VLAN_INFO_RANGE_END)) first = info.vid;
        add_range(list, ifindex, first, info.vid, info.flags);
    }
}

/* A switch driver may tell of its port in words of its own: those are marked as its own, and are not the bridge's. */
static bool is_drivers_own(const struct rtattr *nest) {
    const struct rtattr *table[IFLA_BRIDGE_VLAN_INFO + 1];
    nl_nested(nest, table, IFLA_BRIDGE_VLAN_INFO);
    return nl_u16(table[IFLA_BRIDGE_FLAGS], 0) & BRIDGE_FLAGS_SELF;
}

uint32_t sd_vlan_digest(const struct rtattr *nest) {
    uint32_t hash = 2166136261u; /* FNV-1a */
    int left = (int)RTA_PAYLOAD(nest);
    bool any = false;
    if (is_drivers_own(nest)) return SD_VLANS_UNTOLD;
    for (const struct rtattr *at = RTA_DATA(nest); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
        const uint8_t *octets = RTA_DATA(at);
        if ((at->rta_type & NLA_TYPE_MASK) != IFLA_BRIDGE_VLAN_INFO) continue;
        for (size_t i = 0; i < RTA_PAYLOAD(at); i++) hash = (hash ^ octets[i]) * 16777619u;
        any = true;
    }
    return any ? hash | 2u : SD_VLANS_NONE;
}

static void parse_link(const struct nlmsghdr *message, uint32_t bridge, struct vlan_list *list) {
    const struct rtattr *table[IFLA_AF_SPEC + 1];
    if (message->nlmsg_type != RTM_NEWLINK) return;
    if (!nl_message_attributes(message, sizeof(struct ifinfomsg), table, IFLA_AF_SPEC)) return;
    const struct ifinfomsg *body = NLMSG_DATA(message);
    const struct rtattr *nest = table[IFLA_AF_SPEC];
    if (body->ifi_family != AF_BRIDGE || !nest) return;
    const uint32_t ifindex = (uint32_t)body->ifi_index;
    if (ifindex != bridge && (nl_u32(table[IFLA_MASTER], 0) != bridge || is_drivers_own(nest))) return;
    parse_vlans(nest, ifindex == bridge ? 0 : ifindex, list);
}

static void take_link(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct vlan_list *list = argument;
    (void)index;
    (void)error;
    if (message) parse_link(message, list->sd->bridge, list);
}

static int run_dump(struct vlan_list *list) {
    struct nl_socket *socket = &list->sd->requests;
    int error = 0;
    for (int tries = 0; tries < NL_DUMP_TRIES; tries++) {
        const struct ifinfomsg body = {.ifi_family = AF_BRIDGE};
        list->count = 0;
        nl_begin(socket, RTM_GETLINK, NLM_F_DUMP, &body, sizeof body);
        nl_put_u32(socket, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
        error = nl_dump(socket, take_link, list);
        if (error != -EINTR) break;
    }
    return error;
}

int sd_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed) {
    struct vlan_list list = {.sd = (struct sd *)handle, .out = out, .capacity = capacity};
    int error = sd_find_bridge(list.sd, NULL);
    if (error) return error;
    error = run_dump(&list);
    *needed = list.count;
    if (error) return pa_error(handle, error, "read the VLANs of bridge %s", handle->bridge);
    if (list.count > capacity)
        return pa_error(handle, ENOBUFS, "read the VLANs of bridge %s: %u, room for %u", handle->bridge, list.count,
                        capacity);
    return (int)list.count;
}

/* ---- changes ---- */

static int failure(struct sd *sd, const struct pa_vlan *change, int error, const char *detail) {
    char label[24];
    const char *verb = change->flags & PA_VLAN_ABSENT ? "remove" : "set";
    const char *where = change->ifindex ? sd_port_label(sd, change->ifindex, label) : "the bridge itself";
    return pa_error(&sd->base, error, "%s VLAN %u of %s%s%s", verb, change->vlan, where, detail[0] ? ": " : "", detail);
}

static int send_change(struct sd *sd, const struct pa_vlan *change) {
    const bool absent = change->flags & PA_VLAN_ABSENT;
    const struct ifinfomsg body = {.ifi_family = AF_BRIDGE,
                                   .ifi_index = (int)(change->ifindex ? change->ifindex : sd->bridge)};
    struct bridge_vlan_info info = {.vid = change->vlan};
    if (change->flags & PA_VLAN_PVID) info.flags |= BRIDGE_VLAN_INFO_PVID;
    if (change->flags & PA_VLAN_UNTAGGED) info.flags |= BRIDGE_VLAN_INFO_UNTAGGED;
    nl_begin(&sd->requests, absent ? RTM_DELLINK : RTM_SETLINK, NLM_F_ACK, &body, sizeof body);
    struct rtattr *nest = nl_nest(&sd->requests, IFLA_AF_SPEC);
    const uint16_t flags = change->ifindex ? BRIDGE_FLAGS_MASTER : BRIDGE_FLAGS_SELF;
    nl_put(&sd->requests, IFLA_BRIDGE_FLAGS, &flags, sizeof flags);
    nl_put(&sd->requests, IFLA_BRIDGE_VLAN_INFO, &info, sizeof info);
    nl_nest_end(&sd->requests, nest);
    const int error = nl_talk(&sd->requests, NULL, NULL);
    return absent && error == -ENOENT ? 0 : error;
}

static const struct pa_vlan *find(const struct vlan_list *list, const struct pa_vlan *change) {
    for (uint32_t i = 0; i < list->count; i++)
        if (list->out[i].ifindex == change->ifindex && list->out[i].vlan == change->vlan) return &list->out[i];
    return NULL;
}

/* A later change of the call may have taken the PVID away again, or the whole membership: only the last word counts. */
static bool is_overruled(const struct pa_vlan *changes, uint32_t count, uint32_t at) {
    for (uint32_t i = at + 1; i < count; i++)
        if (changes[i].ifindex == changes[at].ifindex &&
            (changes[i].vlan == changes[at].vlan || (changes[at].flags & changes[i].flags & PA_VLAN_PVID)))
            return true;
    return false;
}

static void read_back(struct sd *sd, struct pa_vlan *changes, uint32_t count) {
    struct vlan_list list = {.sd = sd, .capacity = 0};
    int error = run_dump(&list);
    if (!error) {
        list.capacity = list.count + 64;
        list.out = calloc(list.capacity, sizeof *list.out);
        error = list.out ? run_dump(&list) : -ENOMEM;
        if (list.count > list.capacity) list.count = list.capacity;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (changes[i].result || is_overruled(changes, count, i)) continue;
        if (error) {
            changes[i].result = failure(sd, &changes[i], error, "read back");
            continue;
        }
        const struct pa_vlan *now = find(&list, &changes[i]);
        const bool done = changes[i].flags & PA_VLAN_ABSENT ? !now : now && now->flags == changes[i].flags;
        if (!done) changes[i].result = failure(sd, &changes[i], EIO, "it is not as it was set");
    }
    free(list.out);
}

void sd_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    const int gone = sd_find_bridge(sd, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct sd_link link;
        if (changes[i].result) continue;
        int error = gone;
        if (!error && changes[i].ifindex) error = sd_port_now(sd, changes[i].ifindex, &link);
        sd->requests.reason[0] = 0;
        if (!error) error = send_change(sd, &changes[i]);
        if (error) changes[i].result = failure(sd, &changes[i], error, gone ? "" : sd->requests.reason);
    }
    if (!gone) read_back(sd, changes, count);
}
