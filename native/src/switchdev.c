/*
 * The switchdev backend: a Linux bridge over rtnetlink, and whatever hardware the kernel has put behind it.
 * This file opens it and sets ports; switchdev.h says what the others have.
 * What it relies on in the kernel, as it was measured: test/lab/dataplane.test.ts.
 */
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "switchdev.h"

void sd_proof_gap(void) {
    struct timespec left = {.tv_nsec = PA_PROOF_GAP_NS};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) continue;
}

/* ---- ports ---- */

struct port_list {
    struct sd *sd;
    struct pa_port *out;
    uint32_t capacity;
    uint32_t count;
    bool knows_locked;
    bool knows_mab;
};

static void add_port(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct port_list *list = argument;
    struct sd_link link;
    (void)index;
    (void)error;
    if (!message || !sd_parse_link(message, &link) || link.master != list->sd->bridge || !link.has_flags) return;
    list->knows_locked |= link.knows_locked;
    list->knows_mab |= link.knows_mab;
    if (list->count < list->capacity) list->out[list->count] = link.port;
    list->count++;
}

static int list_ports(struct sd *sd, struct port_list *list) {
    const int found = sd_find_bridge(sd, NULL);
    if (found) return found;
    int error;
    for (int tries = 0; tries < NL_DUMP_TRIES; tries++) {
        const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
        list->count = 0;
        nl_begin(&sd->requests, RTM_GETLINK, NLM_F_DUMP, &body, sizeof body);
        nl_put_u32(&sd->requests, IFLA_MASTER, sd->bridge);
        error = nl_dump(&sd->requests, add_port, list);
        if (error != -EINTR) break;
    }
    return error ? pa_error(&sd->base, error, "list the ports of bridge %s", sd->base.bridge) : 0;
}

static int sd_ports(struct pa_handle *handle, struct pa_port *out, uint32_t capacity, uint32_t *needed) {
    struct port_list list = {.sd = (struct sd *)handle, .out = out, .capacity = capacity};
    const int error = list_ports(list.sd, &list);
    if (error) return error;
    *needed = list.count;
    if (list.count > capacity)
        return pa_error(handle, ENOBUFS, "list the ports of bridge %s: %u, room for %u", handle->bridge, list.count,
                        capacity);
    return (int)list.count;
}

static bool kernel_is_at_least(unsigned major, unsigned minor) {
    struct utsname name;
    if (uname(&name) < 0) return false;
    char *rest;
    const unsigned long own_major = strtoul(name.release, &rest, 10);
    const unsigned long own_minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
    return own_major > major || (own_major == major && own_minor >= minor);
}

static int sd_capabilities(struct pa_handle *handle, struct pa_capabilities *out) {
    struct port_list list = {.sd = (struct sd *)handle};
    struct sd_link bridge = {0};
    int error = list_ports(list.sd, &list);
    if (!error) error = sd_find_bridge(list.sd, &bridge);
    if (error && error != -ENODEV) return error;
    memcpy(out->backend, "switchdev", sizeof "switchdev");
    if (error) {
        memset(&bridge, 0, sizeof bridge);
        list.count = 0;
        out->flags |= PA_CAP_NO_BRIDGE;
        handle->error[0] = 0;
    }
    out->ageing_ms = bridge.ageing_ms;
    /* A port says what the kernel knows; an empty bridge leaves only the version. */
    if (list.count ? list.knows_locked : kernel_is_at_least(5, 18)) out->flags |= PA_CAP_LOCKED;
    if (list.count ? list.knows_mab : kernel_is_at_least(6, 2)) out->flags |= PA_CAP_MAB;
    if (bridge.vlan_filtering) out->flags |= PA_CAP_VLAN_FILTERING;
    if (kernel_is_at_least(5, 14)) out->flags |= PA_CAP_ACTIVITY_NOTIFY;
    if (bridge.knows_no_ll_learn) out->flags |= PA_CAP_NO_LL_LEARN;
    if (bridge.ageing_ms > 0) out->flags |= PA_CAP_LAST_SEEN;
    return 0;
}

/* ---- setting ports ---- */

static int set_no_ll_learn(struct sd *sd) {
    struct sd_link bridge;
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC, .ifi_index = (int)sd->bridge};
    const uint32_t bit = 1u << UAPI_BR_BOOLOPT_NO_LL_LEARN;
    const uint32_t pair[2] = {bit, bit};
    nl_begin(&sd->requests, RTM_NEWLINK, NLM_F_ACK, &body, sizeof body);
    struct rtattr *info = nl_nest(&sd->requests, IFLA_LINKINFO);
    nl_put(&sd->requests, IFLA_INFO_KIND, "bridge", 7);
    struct rtattr *data = nl_nest(&sd->requests, IFLA_INFO_DATA);
    nl_put(&sd->requests, UAPI_IFLA_BR_MULTI_BOOLOPT, pair, sizeof pair);
    nl_nest_end(&sd->requests, data);
    nl_nest_end(&sd->requests, info);
    int error = nl_talk(&sd->requests, NULL, NULL);
    if (error) return error;
    error = sd_find_bridge(sd, &bridge);
    return error ? error : bridge.no_ll_learn ? 0 : -EOPNOTSUPP;
}

/*
 * What locking asks of the bridge; to be asked anew with every lock, since the bridge may have been made anew. A bridge that
 * is there and does not comply has its ports locked all the same: to refuse must not mean to leave them open.
 */
static int prepare_bridge(struct sd *sd) {
    struct sd_link bridge;
    int error = sd_find_bridge(sd, &bridge);
    if (error) return error;
    const char *name = sd->base.bridge;
    if (!bridge.no_ll_learn) error = set_no_ll_learn(sd);
    if (error) return pa_error(&sd->base, error, "set no_linklocal_learn on bridge %s", name);
    if (bridge.ageing_ms > 0) return 0;
    return pa_error(&sd->base, EINVAL, "bridge %s has ageing_time 0, so last-seen times stand still", name);
}

/* One message to a bridge port: attributes of IFLA_PROTINFO and their values. */
struct port_bit {
    uint16_t attribute;
    uint8_t value;
};

static int send_port_bits(struct sd *sd, uint32_t ifindex, const struct port_bit *bits, unsigned count) {
    const struct ifinfomsg body = {.ifi_family = AF_BRIDGE, .ifi_index = (int)ifindex};
    nl_begin(&sd->requests, RTM_SETLINK, NLM_F_ACK, &body, sizeof body);
    struct rtattr *nest = nl_nest(&sd->requests, IFLA_PROTINFO);
    for (unsigned i = 0; i < count; i++) nl_put_u8(&sd->requests, bits[i].attribute, bits[i].value);
    nl_nest_end(&sd->requests, nest);
    return nl_talk(&sd->requests, NULL, NULL);
}

static int flush_port(struct sd *sd, uint32_t ifindex) {
    const struct port_bit flush = {IFLA_BRPORT_FLUSH, 1};
    return send_port_bits(sd, ifindex, &flush, 1);
}

/*
 * Flooding goes off as a whole, and comes back only where it is off as a whole: a part of it that somebody else has turned off
 * stays off.
 */
static int write_flooding(struct sd *sd, uint32_t ifindex, bool was_unflooded, bool unflooded) {
    if (was_unflooded == unflooded) return 0;
    const uint8_t on = !unflooded;
    const struct port_bit bits[] = {
        {IFLA_BRPORT_UNICAST_FLOOD, on}, {IFLA_BRPORT_MCAST_FLOOD, on}, {IFLA_BRPORT_BCAST_FLOOD, on}};
    return send_port_bits(sd, ifindex, bits, 3);
}

/* Writes the flags in the order that the kernel wants (MAB needs lock and learning), flushes, reads back. */
static int write_port(struct sd *sd, const struct pa_port_setting *setting) {
    const bool lock = setting->flags & PA_PORT_LOCKED, mab = setting->flags & PA_PORT_MAB;
    const uint8_t learning = lock || (setting->flags & PA_PORT_LEARNING) ? 1 : 0;
    struct sd_link link;
    int error = sd_port_now(sd, setting->ifindex, &link);
    if (error) return error;
    if ((link.port.flags & PA_PORT_MAB) && !mab) {
        error = send_port_bits(sd, setting->ifindex, &(struct port_bit){UAPI_IFLA_BRPORT_MAB, 0}, 1);
        if (error) return error;
    }
    const struct sd_port *known = sd_port_cached(sd, setting->ifindex);
    if (!lock && (link.port.flags & PA_PORT_LOCKED) && !(known && known->shut) &&
        (error = sd_note_grants(sd, setting->ifindex)))
        return error;
    const struct port_bit bits[] = {{IFLA_BRPORT_LEARNING, learning},
                                    {UAPI_IFLA_BRPORT_LOCKED, lock},
                                    {UAPI_IFLA_BRPORT_MAB, mab}};
    error = send_port_bits(sd, setting->ifindex, bits, mab ? 3 : 2);
    if (!error)
        error = write_flooding(sd, setting->ifindex, link.port.flags & PA_PORT_UNFLOODED, setting->flags & PA_PORT_UNFLOODED);
    if (!error) error = flush_port(sd, setting->ifindex);
    if (!error) error = sd_port_now(sd, setting->ifindex, &link);
    if (error) return error;
    struct sd_port *port = sd_port_cached(sd, setting->ifindex);
    if (port) port->shut = link.port.flags & PA_PORT_LOCKED;
    /* An old kernel skips attributes that it does not know, and says nothing. */
    const uint32_t wanted = setting->flags | (learning ? PA_PORT_LEARNING : 0);
    const uint32_t mask = PA_PORT_LOCKED | PA_PORT_MAB | PA_PORT_LEARNING | PA_PORT_UNFLOODED;
    return (link.port.flags & mask) == wanted ? 0 : -EOPNOTSUPP;
}

static int port_failure(struct sd *sd, const struct pa_port_setting *setting, int error, const char *detail) {
    char label[24];
    const char *verb = setting->flags & PA_PORT_LOCKED ? "lock" : "unlock";
    if (setting->flags & PA_PORT_MAB) verb = "lock (MAB)";
    return pa_error(&sd->base, error, "%s %s%s%s", verb, sd_port_label(sd, setting->ifindex, label),
                    detail[0] ? ": " : "", detail);
}

/*
 * Proves locked ports closed: no open entry in two looks at least PA_PROOF_GAP_NS apart, all ports sharing the
 * gaps.
 */
static void prove_closed(struct sd *sd, struct pa_port_setting *settings, uint32_t count) {
    uint8_t *clean = calloc(count ? count : 1, 1); /* looks in a row that found none */
    bool pending = clean;
    for (int tries = 0; pending && tries < PA_PROOF_TRIES; tries++) {
        pending = false;
        if (tries > 0) sd_proof_gap();
        for (uint32_t i = 0; i < count; i++) {
            if (settings[i].result || !(settings[i].flags & PA_PORT_LOCKED) || clean[i] == 2) continue;
            int open = sd_count_open(sd, settings[i].ifindex);
            if (open > 0) {
                clean[i] = 0;
                open = flush_port(sd, settings[i].ifindex);
            } else if (open == 0) {
                clean[i]++;
            }
            if (open < 0) settings[i].result = port_failure(sd, &settings[i], open, "look for open entries");
            else if (clean[i] < 2) pending = true;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (!settings[i].result && (settings[i].flags & PA_PORT_LOCKED) && (!clean || clean[i] < 2))
            settings[i].result = clean ? port_failure(sd, &settings[i], EBUSY, "open entries keep coming back")
                                       : port_failure(sd, &settings[i], ENOMEM, "look for open entries");
    free(clean);
}

void sd_lock_again(struct sd *sd, uint32_t ifindex) {
    struct pa_port_setting setting = {.ifindex = ifindex, .flags = PA_PORT_LOCKED | PA_PORT_LEARNING};
    struct sd_link link;
    if (sd_port_now(sd, ifindex, &link) || (link.port.flags & PA_PORT_LOCKED)) return;
    setting.flags |= link.port.flags & PA_PORT_UNFLOODED;
    if (write_port(sd, &setting) == 0) prove_closed(sd, &setting, 1);
}

static void sd_port_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    bool lock = false;
    for (uint32_t i = 0; i < count; i++) lock |= (settings[i].flags & PA_PORT_LOCKED) != 0;
    const int unfit = lock ? prepare_bridge(sd) : sd_find_bridge(sd, NULL);
    char why[sizeof handle->error] = "";
    if (unfit) memcpy(why, handle->error, sizeof why);
    for (uint32_t i = 0; i < count; i++) {
        if (settings[i].result) continue;
        const int error = unfit && !sd->bridge ? unfit : write_port(sd, &settings[i]);
        if (unfit) {
            settings[i].result = unfit;
            memcpy(handle->error, why, sizeof why);
        } else if (error) {
            settings[i].result = port_failure(sd, &settings[i], error, sd->requests.reason);
        }
    }
    prove_closed(sd, settings, count);
}

/* ---- links ---- */

static int write_link(struct sd *sd, const struct pa_port_setting *setting) {
    const bool up = setting->flags & PA_PORT_ADMIN_UP;
    struct sd_link link;
    int error = sd_port_now(sd, setting->ifindex, &link);
    if (error || !(link.port.flags & PA_PORT_ADMIN_UP) == !up) return error;
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC,
                                   .ifi_index = (int)setting->ifindex,
                                   .ifi_flags = up ? IFF_UP : 0,
                                   .ifi_change = IFF_UP};
    nl_begin(&sd->requests, RTM_NEWLINK, NLM_F_ACK, &body, sizeof body);
    error = nl_talk(&sd->requests, NULL, NULL);
    if (!error) error = sd_port_now(sd, setting->ifindex, &link);
    if (error) return error;
    return !(link.port.flags & PA_PORT_ADMIN_UP) == !up ? 0 : -EOPNOTSUPP;
}

static void sd_link_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    const int unfit = sd_find_bridge(sd, NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (settings[i].result) continue;
        const int error = unfit ? unfit : write_link(sd, &settings[i]);
        if (!error) continue;
        char label[24];
        settings[i].result = unfit ? unfit
                                   : pa_error(handle, error, "set %s %s", sd_port_label(sd, settings[i].ifindex, label),
                                              settings[i].flags & PA_PORT_ADMIN_UP ? "up" : "down");
    }
}

/* ---- open and close ---- */

static void sd_close(struct pa_handle *handle) {
    struct sd *sd = (struct sd *)handle;
    nl_close(&sd->requests);
    nl_close(&sd->notices);
    if (sd->packet_fd >= 0) close(sd->packet_fd);
    nft_close(sd->nft);
    free(sd->l3_made);
    grant_set_free(&sd->grants);
    free(sd->ports);
    free(sd);
}

static const struct pa_backend switchdev_backend = {
    .close = sd_close,
    .capabilities = sd_capabilities,
    .ports = sd_ports,
    .port_set = sd_port_set,
    .vlans = sd_vlans,
    .vlan_set = sd_vlan_set,
    .link_set = sd_link_set,
    .grant = sd_grant,
    .revoke = sd_revoke,
    .watch = sd_watch,
    .dump = sd_dump,
    .inject = sd_inject,
    .events = sd_events,
    .neighbour = sd_neighbour,
    .l3_open = sd_l3_open,
    .l3_add = sd_l3_add,
    .l3_remove = sd_l3_remove,
    .l3_list = sd_l3_list,
};

/* The ports as they are, so that the first notices are compared with something. */
static int remember_ports(struct sd *sd) {
    struct pa_port *ports = calloc(1024, sizeof *ports); /* BR_MAX_PORTS */
    struct port_list list = {.sd = sd, .out = ports, .capacity = 1024};
    int error = ports ? list_ports(sd, &list) : -ENOMEM;
    for (uint32_t i = 0; !error && i < list.count && i < list.capacity; i++)
        if (!sd_port_remember(sd, &ports[i])) error = -ENOMEM;
    free(ports);
    return error;
}

int sd_open(const char *bridge, uint32_t groups, struct sd **out) {
    struct sd *sd = calloc(1, sizeof *sd);
    if (!sd) return pa_error(NULL, ENOMEM, "open bridge %s", bridge);
    sd->base.backend = &switchdev_backend;
    sd->base.wake = (struct pa_wake){.source = -1, .control = -1, .near = -1, .far = -1};
    strncpy(sd->base.bridge, bridge, sizeof sd->base.bridge - 1);
    sd->packet_fd = sd->requests.fd = sd->notices.fd = -1;
    sd->sweep = UINT32_MAX;
    int error = nl_open(&sd->requests, 0);
    /* Before the first look at the ports: what changes in between comes twice rather than not at all. */
    if (!error) error = nl_open(&sd->notices, groups);
    if (error) {
        pa_error(NULL, error, "open bridge %s: rtnetlink socket", bridge);
        goto failed;
    }
    error = remember_ports(sd);
    if (error && error != -ENODEV) {
        pa_error(NULL, error, "open bridge %s", bridge);
        goto failed;
    }
    sd->bridge_noticed = sd->bridge; /* 0: the notices tell when it is made */
    *out = sd;
    return 0;
failed:
    sd_close(&sd->base);
    return error;
}

int pa_switchdev_open(const char *bridge, struct pa_handle **out) {
    struct sd *sd;
    int error = sd_open(bridge, RTMGRP_LINK | RTMGRP_NEIGH, &sd);
    if (error) return error;
    error = pa_wake_start(&sd->base.wake, sd->notices.fd);
    if (error) {
        pa_error(NULL, error, "open bridge %s: wake thread", bridge);
        sd_close(&sd->base);
        return error;
    }
    *out = &sd->base;
    return 0;
}
