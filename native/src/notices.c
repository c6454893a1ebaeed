/*
 * Events out of the kernel's notices. A datagram is taken apart message by message, as far as the caller has
 * room, and kept for the next call: nothing is queued but what lies in the socket.
 *
 * The memory of the ports follows the notices alone, never what a request read, so that every difference is
 * told exactly once. Entry notices are checked against the table as it is now before they are told: a notice
 * may be older than what has been done since.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "switchdev.h"

/* Datagrams per call, so that notices without events (busy unlocked ports) cannot hold the caller. */
#define DATAGRAMS_PER_CALL 1024
/* The most events that one step makes. */
#define EVENTS_PER_STEP 3

struct sink {
    struct pa_event *out;
    uint32_t count;
};

static struct pa_event *emit(struct sink *sink, uint32_t type) {
    struct pa_event *event = &sink->out[sink->count++];
    *event = (struct pa_event){.type = type};
    return event;
}

static void emit_port(struct sink *sink, uint32_t type, const struct pa_port *port) {
    struct pa_event *event = emit(sink, type);
    event->ifindex = port->ifindex;
    event->flags = port->flags;
    event->link_changes = port->link_changes;
    memcpy(event->mac, port->address, 6);
    memcpy(event->name, port->name, 16);
}

static void emit_entry(struct sd *sd, struct sink *sink, enum pa_event_type type, const struct pa_entry *entry) {
    struct pa_event *event = emit(sink, type);
    const struct sd_port *port = sd_port_cached(sd, entry->ifindex);
    event->ifindex = entry->ifindex;
    event->flags = entry->flags;
    event->vlan = entry->vlan;
    memcpy(event->mac, entry->mac, 6);
    if (port) memcpy(event->name, port->facts.name, 16);
}

static void port_left(struct sd *sd, struct sink *sink, uint32_t ifindex) {
    struct sd_port *port = sd_port_cached(sd, ifindex);
    if (!port) return;
    emit_port(sink, PA_EVENT_PORT_GONE, &port->facts);
    sd_port_forget(sd, ifindex);
    grant_set_remove_port(&sd->grants, ifindex);
}

/* Whoever had the name that this port bears now has another one, or is gone: it is out of the caller's hands either way. */
static void name_given_up(struct sd *sd, struct sink *sink, const struct pa_port *facts) {
    for (uint32_t i = 0; i < sd->port_count; i++) {
        const struct pa_port *other = &sd->ports[i].facts;
        if (other->ifindex == facts->ifindex || strcmp(other->name, facts->name) != 0) continue;
        sd_abandon(sd, other->ifindex);
        port_left(sd, sink, other->ifindex);
        return;
    }
}

static void port_seen(struct sd *sd, struct sink *sink, const struct pa_port *facts) {
    struct sd_port *port = sd_port_cached(sd, facts->ifindex);
    const bool renamed = port && strcmp(port->facts.name, facts->name) != 0;
    struct sd_link now;
    if (port) port->seen = true;
    if (port && !renamed && port->facts.flags == facts->flags && port->facts.link_changes == facts->link_changes &&
        memcmp(port->facts.address, facts->address, 6) == 0)
        return;
    if (renamed) {
        sd_abandon(sd, facts->ifindex);
        emit_port(sink, PA_EVENT_PORT_GONE, &port->facts);
    }
    /* It may be locked by now; what a resynchronization tells of a port that has given up its name is older than that. */
    if ((renamed || (!port && sd->resync)) && sd_port_now(sd, facts->ifindex, &now) == 0) facts = &now.port;
    /* After lost notices the new bearer of a name is seen before the old one is missed. */
    if (!port || renamed) name_given_up(sd, sink, facts);
    port = sd_port_cached(sd, facts->ifindex); /* the one above may have moved it */
    emit_port(sink, port && !renamed ? PA_EVENT_PORT_CHANGED : PA_EVENT_PORT_ADDED, facts);
    sd_port_remember(sd, facts);
}

/* Those not seen since are told as gone, one a step. */
static void start_sweep(struct sd *sd) { sd->sweep = 0; }

static void sweep_step(struct sd *sd, struct sink *sink) {
    if (sd->sweep >= sd->port_count)
        sd->sweep = UINT32_MAX;
    else if (sd->ports[sd->sweep].seen)
        sd->sweep++;
    else
        port_left(sd, sink, sd->ports[sd->sweep].facts.ifindex);
}

static void forget_all(struct sd *sd) {
    for (uint32_t i = 0; i < sd->port_count; i++) sd->ports[i].seen = false;
}

static void ask_again(struct sd *sd);

/*
 * Its ports follow, unlocked; or have been its ports before, where it got its name only now; or were read before it, where it is a
 * resynchronization that tells of it.
 */
static void bridge_made(struct sd *sd, struct sink *sink, const struct pa_port *facts) {
    sd->bridge_noticed = sd->bridge = facts->ifindex;
    memcpy(sd->bridge_address, facts->address, 6);
    emit(sink, PA_EVENT_BRIDGE_BACK)->ifindex = facts->ifindex;
    if (sd->resync)
        sd->ask_twice = true;
    else
        ask_again(sd);
}

/* `name`: what it is called now, if it is there. */
static void bridge_left(struct sd *sd, struct sink *sink, const char *name) {
    struct pa_event *event = emit(sink, PA_EVENT_BRIDGE_GONE);
    event->ifindex = sd->bridge_noticed;
    if (name) {
        memcpy(event->name, name, sizeof event->name);
        sd_abandon(sd, 0);
    }
    sd->bridge_noticed = 0;
    forget_all(sd);
    start_sweep(sd);
}

/*
 * Notices of the bridge family have no count. Where one tells anything new the kernel is asked for it: the next notice, which
 * has it, would look like a cable that was pulled meanwhile.
 */
static void fill_link_changes(struct sd *sd, struct sd_link *link) {
    const struct sd_port *port = sd_port_cached(sd, link->port.ifindex);
    struct sd_link now;
    if (link->has_link_changes) return;
    if (port) link->port.link_changes = port->facts.link_changes;
    if (port && port->facts.flags == link->port.flags) return;
    if (sd_port_now(sd, link->port.ifindex, &now) == 0) link->port.link_changes = now.port.link_changes;
}

/*
 * Each notice of the bridge family has all VLANs of its port, whatever it is about: only others than before are news. A port that
 * is new by its name is told of as that.
 */
static void vlans_seen(struct sd *sd, struct sink *sink, const struct sd_link *link) {
    struct sd_port *port = sd_port_cached(sd, link->port.ifindex);
    if (!port || strcmp(port->facts.name, link->port.name) != 0) return;
    if (link->vlans == SD_VLANS_UNTOLD || port->vlans == link->vlans) return;
    /* A kernel that was built without VLANs has none on any port. */
    if (port->vlans != SD_VLANS_UNTOLD || link->vlans != SD_VLANS_NONE)
        emit_port(sink, PA_EVENT_VLANS_CHANGED, &port->facts);
    port->vlans = link->vlans;
}

static void take_link(struct sd *sd, struct sink *sink, const struct nlmsghdr *message) {
    struct sd_link link;
    if (!sd_parse_link(message, &link)) return;
    const bool whole = ((const struct ifinfomsg *)NLMSG_DATA(message))->ifi_family == AF_UNSPEC;
    const bool deleted = message->nlmsg_type == RTM_DELLINK;
    if (link.port.ifindex == sd->bridge_noticed) {
        sd->bridge_seen = true;
        if (deleted && whole)
            bridge_left(sd, sink, NULL);
        else if (whole && strcmp(link.port.name, sd->base.bridge) != 0)
            bridge_left(sd, sink, link.port.name);
        return;
    }
    if (!deleted && link.is_bridge && strcmp(link.port.name, sd->base.bridge) == 0) {
        /* The end of the one before was among lost notices. */
        if (sd->bridge_noticed) bridge_left(sd, sink, NULL);
        sd->bridge_seen = true;
        bridge_made(sd, sink, &link.port);
        return;
    }
    /* The bridge family tells of a leaving port early: it still has its entries then, and comes no further for milliseconds. */
    if (deleted && !whole) {
        if (sd->tells_leaving && link.master == sd->bridge_noticed) emit_port(sink, SD_EVENT_PORT_LEAVING, &link.port);
        return;
    }
    const bool ours = !deleted && sd->bridge_noticed && link.master == sd->bridge_noticed;
    if (!ours)
        port_left(sd, sink, link.port.ifindex);
    else if (link.has_flags) {
        fill_link_changes(sd, &link);
        vlans_seen(sd, sink, &link);
        port_seen(sd, sink, &link.port);
    }
}

/* An open entry on a locked port: deleted at once. What pa_revoke or pa_port_set has dealt with already is no news. */
static void open_entry(struct sd *sd, struct sink *sink, const struct pa_entry *entry) {
    const struct sd_port *port = sd_port_cached(sd, entry->ifindex);
    struct pa_entry now;
    if (!port || !(port->facts.flags & PA_PORT_LOCKED)) return;
    if (sd_lookup(sd, entry->mac, entry->vlan, &now) != 1) return;
    if (now.ifindex != entry->ifindex || !(now.flags & PA_ENTRY_DYNAMIC) || (now.flags & PA_ENTRY_LOCKED)) return;
    sd_delete(sd, entry->mac, entry->vlan, entry->ifindex);
    emit_entry(sd, sink, PA_EVENT_OPEN_ENTRY, &now);
}

static void entry_gone(struct sd *sd, struct sink *sink, const struct pa_entry *entry) {
    struct pa_entry now;
    struct sd_link link;
    if (!grant_set_has(&sd->grants, entry->mac, entry->vlan, entry->ifindex)) return;
    const bool present = sd_lookup(sd, entry->mac, entry->vlan, &now) == 1;
    if (present && now.ifindex == entry->ifindex && (now.flags & PA_ENTRY_STATIC)) return;
    grant_set_remove(&sd->grants, entry->mac, entry->vlan, entry->ifindex);
    /* The end of a port takes its entries along; it is told as that. */
    if (sd_port_now(sd, entry->ifindex, &link) == 0) emit_entry(sd, sink, PA_EVENT_ENTRY_GONE, entry);
}

static void take_entry(struct sd *sd, struct sink *sink, const struct nlmsghdr *message) {
    struct pa_entry entry;
    uint32_t master;
    uint8_t notify;
    if (!sd_parse_entry(message, &entry, &master, &notify) || master != sd->bridge_noticed || master == 0) return;
    if (message->nlmsg_type == RTM_DELNEIGH) {
        entry_gone(sd, sink, &entry);
        return;
    }
    if (entry.flags & PA_ENTRY_LOCKED)
        emit_entry(sd, sink, PA_EVENT_MAB_CANDIDATE, &entry);
    else if (entry.flags & PA_ENTRY_DYNAMIC)
        open_entry(sd, sink, &entry);
    else if ((notify & UAPI_FDB_NOTIFY_BIT) && !(notify & UAPI_FDB_NOTIFY_INACTIVE_BIT))
        emit_entry(sd, sink, PA_EVENT_ENTRY_ACTIVE, &entry);
}

/* After an overrun: all ports once more, read like notices, then a sweep. */
static void ask_again(struct sd *sd) {
    const struct ifinfomsg body = {.ifi_family = AF_UNSPEC};
    forget_all(sd);
    sd->bridge_seen = sd->ask_twice = false;
    nl_begin(&sd->notices, RTM_GETLINK, NLM_F_DUMP, &body, sizeof body);
    nl_put_u32(&sd->notices, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    sd->resync = nl_transmit(&sd->notices) == 0 ? sd->notices.sequence : 0;
}

static void take_message(struct sd *sd, struct sink *sink, const struct nlmsghdr *message) {
    const bool answer = sd->resync && message->nlmsg_seq == sd->resync;
    switch (message->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        take_link(sd, sink, message);
        break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        take_entry(sd, sink, message);
        break;
    case NLMSG_DONE:
        if (!answer) break;
        sd->resync = 0;
        if ((message->nlmsg_flags & NLM_F_DUMP_INTR) || sd->ask_twice)
            ask_again(sd);
        else if (sd->bridge_noticed && !sd->bridge_seen)
            bridge_left(sd, sink, NULL);
        else
            start_sweep(sd);
        break;
    default:
        break;
    }
}

/* The next message of the datagram at hand; NULL when it is used up. */
static const struct nlmsghdr *next_message(struct sd *sd) {
    const struct nlmsghdr *message = nl_next_message(sd->notices.rx, sd->notice_length, &sd->notice_at);
    if (!message) sd->notice_at = sd->notice_length;
    return message;
}

int sd_events(struct pa_handle *handle, struct pa_event *out, uint32_t capacity) {
    struct sd *sd = (struct sd *)handle;
    struct sink sink = {.out = out};
    int datagrams = 0;
    while (sink.count + EVENTS_PER_STEP <= capacity) {
        if (sd->sweep != UINT32_MAX) {
            sweep_step(sd, &sink);
            continue;
        }
        const struct nlmsghdr *message = next_message(sd);
        if (message) {
            take_message(sd, &sink, message);
            continue;
        }
        /* Only an empty-handed return claims that nothing is left: see pa_events. */
        if (datagrams++ >= DATAGRAMS_PER_CALL && sink.count > 0) break;
        const ssize_t got = recv(sd->notices.fd, sd->notices.rx, NL_RX_SIZE, MSG_DONTWAIT);
        if (got < 0) {
            if (errno == EINTR) continue;
            if (errno == ENOBUFS) {
                sd->lost = true;
                continue;
            }
            if (errno == EAGAIN) {
                if (!sd->lost) break;
                /* Until the queue has been empty once the kernel drops whatever there is, and says no second time that it does. */
                sd->lost = false;
                emit(&sink, PA_EVENT_OVERRUN);
                ask_again(sd);
                continue;
            }
            return pa_error(handle, errno, "read the notices of bridge %s", handle->bridge);
        }
        sd->notice_at = 0;
        sd->notice_length = (size_t)got;
    }
    return (int)sink.count;
}
