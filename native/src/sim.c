/*
 * The sim backend: a bridge in memory, with the checks and the errors of the real one, for tests and demos.
 * It has no frames in flight but those that pa_sim_relearn sends, so its proofs need no waiting.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sim.h"

int sim_planned_failure(struct sim *sim) {
    if (sim->fail_skip > 0) {
        sim->fail_skip--;
        return 0;
    }
    if (sim->fail_count == 0) return 0;
    sim->fail_count--;
    return -sim->fail_error;
}

static int require_bridge(struct sim *sim) {
    return sim->present ? 0 : pa_error(&sim->base, ENODEV, "find bridge %s", sim->base.bridge);
}

static int sim_capabilities(struct pa_handle *handle, struct pa_capabilities *out) {
    struct sim *sim = (struct sim *)handle;
    memcpy(out->backend, "sim", sizeof "sim");
    if (!sim->present) {
        out->flags = PA_CAP_LOCKED | PA_CAP_MAB | PA_CAP_ACTIVITY_NOTIFY | PA_CAP_NO_BRIDGE;
        return 0;
    }
    out->ageing_ms = sim->ageing_ms;
    out->flags = PA_CAP_LOCKED | PA_CAP_MAB | PA_CAP_ACTIVITY_NOTIFY | PA_CAP_NO_LL_LEARN;
    if (sim->vlan_filtering) out->flags |= PA_CAP_VLAN_FILTERING;
    if (sim->ageing_ms > 0) out->flags |= PA_CAP_LAST_SEEN;
    return 0;
}

static int sim_ports(struct pa_handle *handle, struct pa_port *out, uint32_t capacity, uint32_t *needed) {
    struct sim *sim = (struct sim *)handle;
    const int gone = require_bridge(sim);
    if (gone) return gone;
    *needed = sim->port_count;
    if (sim->port_count > capacity)
        return pa_error(handle, ENOBUFS, "list the ports of bridge %s: %u, room for %u", handle->bridge,
                        sim->port_count, capacity);
    for (uint32_t i = 0; i < sim->port_count; i++) out[i] = *sim->ports[i];
    return (int)sim->port_count;
}

static int set_one_port(struct sim *sim, const struct pa_port_setting *setting) {
    const bool lock = setting->flags & PA_PORT_LOCKED;
    const char *verb = lock ? "lock" : "unlock";
    struct pa_port *port = sim->present ? sim_port(sim, setting->ifindex) : NULL;
    if (!port) return pa_error(&sim->base, ENODEV, "%s port %u", verb, setting->ifindex);
    const int failure = sim_planned_failure(sim);
    if (failure) return pa_error(&sim->base, failure, "%s port %s", verb, port->name);
    uint32_t flags = port->flags & (PA_PORT_ADMIN_UP | PA_PORT_LINK_UP);
    flags |= setting->flags;
    if (lock) flags |= PA_PORT_LEARNING;
    if (lock) sim->no_ll_learn = true;
    sim_set_port_flags(sim, port, flags);
    sim_flush(sim, port->ifindex, false);
    if (lock && sim->ageing_ms == 0)
        return pa_error(&sim->base, EINVAL, "bridge %s has ageing_time 0, so last-seen times stand still",
                        sim->base.bridge);
    return 0;
}

static void sim_port_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!settings[i].result) settings[i].result = set_one_port((struct sim *)handle, &settings[i]);
}

static int set_one_link(struct sim *sim, const struct pa_port_setting *setting) {
    const bool up = setting->flags & PA_PORT_ADMIN_UP;
    struct pa_port *port = sim->present ? sim_port(sim, setting->ifindex) : NULL;
    if (!port) return pa_error(&sim->base, ENODEV, "set port %u %s", setting->ifindex, up ? "up" : "down");
    const int failure = sim_planned_failure(sim);
    if (failure) return pa_error(&sim->base, failure, "set port %s %s", port->name, up ? "up" : "down");
    const uint32_t both = PA_PORT_ADMIN_UP | PA_PORT_LINK_UP; /* what is plugged in there has power */
    if (!(port->flags & PA_PORT_ADMIN_UP) == !up) return 0;
    sim_set_port_flags(sim, port, up ? port->flags | both : port->flags & ~both);
    if (!up) sim_flush(sim, port->ifindex, false);
    return 0;
}

static void sim_link_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!settings[i].result) settings[i].result = set_one_link((struct sim *)handle, &settings[i]);
}

/* ---- the table ---- */

static int key_failure(struct sim *sim, const struct pa_key *key, int error, const char *verb, const char *detail) {
    char mac[18];
    const struct pa_port *port = sim_port(sim, key->ifindex);
    pa_mac_text(key->mac, mac);
    if (!port) return pa_error(&sim->base, error, "%s %s on port %u%s", verb, mac, key->ifindex, detail);
    return pa_error(&sim->base, error, "%s %s on port %s%s", verb, mac, port->name, detail);
}

static bool is_own_address(const struct sim *sim, const uint8_t mac[6]) {
    for (uint32_t i = 0; i < sim->port_count; i++)
        if (memcmp(mac, sim->ports[i]->address, 6) == 0) return true;
    return false;
}

/* By a static entry on another port that is open to all, and that is no grant of the caller's. */
static bool is_pinned_elsewhere(struct sim *sim, const struct pa_key *key) {
    const struct sim_entry *entry = sim_find(sim, key->mac, key->vlan);
    if (!entry || entry->entry.ifindex == key->ifindex || !entry->foreign) return false;
    const struct pa_port *port = sim_port(sim, entry->entry.ifindex);
    return (entry->entry.flags & PA_ENTRY_STATIC) && port && !(port->flags & PA_PORT_LOCKED);
}

static int grant_one(struct sim *sim, const struct pa_key *key) {
    if (!sim->present || !sim_port(sim, key->ifindex)) return key_failure(sim, key, ENODEV, "grant", "");
    if (is_own_address(sim, key->mac))
        return key_failure(sim, key, EADDRINUSE, "grant", ": the address of the bridge or of a port");
    if (sim->vlan_filtering && key->vlan == 0)
        return key_failure(sim, key, EINVAL, "grant", ": the bridge filters VLANs, so a grant must name one");
    if (!sim->vlan_filtering && key->vlan != 0)
        return key_failure(sim, key, EINVAL, "grant", ": the bridge does not filter VLANs");
    if (sim->vlan_filtering && !sim_vlan_find(sim, key->ifindex, key->vlan))
        return key_failure(sim, key, EINVAL, "grant", ": the port is no member of the VLAN");
    const int failure = sim_planned_failure(sim);
    if (failure) return key_failure(sim, key, failure, "grant", "");
    if (is_pinned_elsewhere(sim, key))
        return key_failure(sim, key, EADDRINUSE, "grant", ": it is pinned to another port by a static entry of somebody's");
    struct sim_entry *entry = sim_make(sim, key->mac, key->vlan);
    if (!entry) return key_failure(sim, key, ENOMEM, "grant", "");
    const uint32_t flags = PA_ENTRY_STATIC | PA_ENTRY_STICKY;
    if (entry->entry.ifindex != key->ifindex || entry->entry.flags != flags)
        entry->updated_ms = entry->used_ms = sim_now(sim);
    entry->entry.ifindex = key->ifindex;
    entry->entry.flags = flags;
    entry->watched = entry->foreign = false;
    return 0;
}

static void sim_grant(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!keys[i].result) keys[i].result = grant_one((struct sim *)handle, &keys[i]);
}

/* The entry that a revocation must end: on this port, and no MAB candidate. */
static bool is_held(struct sim *sim, const struct pa_key *key) {
    const struct sim_entry *entry = sim_find(sim, key->mac, key->vlan);
    return entry && entry->entry.ifindex == key->ifindex && !(entry->entry.flags & PA_ENTRY_LOCKED);
}

static int revoke_one(struct sim *sim, const struct pa_key *key) {
    if (!sim->present || !sim_port(sim, key->ifindex)) return 0;
    const int failure = sim_planned_failure(sim);
    if (failure) return key_failure(sim, key, failure, "revoke", "");
    for (int deletes = 0; is_held(sim, key); deletes++) {
        if (deletes == PA_PROOF_TRIES) return key_failure(sim, key, EBUSY, "revoke", ": the entry keeps coming back");
        sim_remove(sim, key->mac, key->vlan);
        if (sim->relearn == 0) continue;
        sim->relearn--;
        struct sim_entry *entry = sim_make(sim, key->mac, key->vlan);
        if (!entry) continue;
        entry->entry.ifindex = key->ifindex;
        entry->entry.flags = PA_ENTRY_DYNAMIC;
        entry->updated_ms = entry->used_ms = sim_now(sim);
    }
    return 0;
}

static void sim_revoke(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!keys[i].result) keys[i].result = revoke_one((struct sim *)handle, &keys[i]);
}

static void sim_watch(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    struct sim *sim = (struct sim *)handle;
    for (uint32_t i = 0; i < count; i++) {
        if (keys[i].result) continue;
        struct sim_entry *entry = sim_find(sim, keys[i].mac, keys[i].vlan);
        int failure = sim_planned_failure(sim);
        if (!entry || entry->entry.ifindex != keys[i].ifindex || !(entry->entry.flags & PA_ENTRY_STATIC))
            failure = -ENOENT;
        if (failure)
            keys[i].result = key_failure(sim, &keys[i], failure, "watch", "");
        else
            entry->watched = true;
    }
}

static int sim_dump(struct pa_handle *handle, struct pa_entry *out, uint32_t capacity, uint32_t *needed) {
    struct sim *sim = (struct sim *)handle;
    const int gone = require_bridge(sim);
    if (gone) return gone;
    const uint64_t now = sim_now(sim);
    uint32_t count = 0;
    for (uint32_t i = 0; i < SIM_BUCKETS; i++)
        for (const struct sim_entry *entry = sim->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            const uint64_t idle = now - entry->updated_ms;
            if ((entry->entry.flags & PA_ENTRY_DYNAMIC) && sim->ageing_ms && idle > sim->ageing_ms) {
                sim_remove(sim, entry->entry.mac, entry->entry.vlan);
                continue;
            }
            if (count < capacity) {
                out[count] = entry->entry;
                out[count].idle_ms = (uint32_t)(idle / 10 * 10);
                out[count].used_ms = (uint32_t)((now - entry->used_ms) / 10 * 10);
            }
            count++;
        }
    *needed = count;
    const int failure = sim_planned_failure(sim);
    if (failure) return pa_error(handle, failure, "dump the table of bridge %s", handle->bridge);
    if (count > capacity)
        return pa_error(handle, ENOBUFS, "dump the table of bridge %s: %u entries, room for %u", handle->bridge, count,
                        capacity);
    return (int)count;
}

/* ---- frames and events ---- */

static int send_one(struct sim *sim, const struct pa_frame *frame, const uint8_t *octets) {
    struct pa_port *port = sim->present ? sim_port(sim, frame->ifindex) : NULL;
    if (!port) return pa_error(&sim->base, ENXIO, "send %u octets on port %u", frame->length, frame->ifindex);
    if (!(port->flags & PA_PORT_ADMIN_UP))
        return pa_error(&sim->base, ENETDOWN, "send %u octets on port %s", frame->length, port->name);
    uint8_t *copy = malloc(frame->length);
    if (!copy) return pa_error(&sim->base, ENOMEM, "send %u octets on port %s", frame->length, port->name);
    memcpy(copy, octets + frame->offset, frame->length);
    if (sim->sent_count == SIM_SENT) {
        free(sim->sent[sim->sent_first].octets);
        sim->sent_first = (sim->sent_first + 1) % SIM_SENT;
        sim->sent_count--;
    }
    sim->sent[(sim->sent_first + sim->sent_count++) % SIM_SENT] =
        (struct sim_sent){.octets = copy, .length = frame->length, .ifindex = frame->ifindex};
    port->tx_packets++;
    port->tx_octets += frame->length;
    return 0;
}

static int sim_inject(struct pa_handle *handle, struct pa_frame *frames, uint32_t count, const uint8_t *octets,
                      uint32_t size) {
    int sent = 0;
    (void)size;
    for (uint32_t i = 0; i < count; i++) {
        if (!frames[i].result) frames[i].result = send_one((struct sim *)handle, &frames[i], octets);
        if (!frames[i].result) sent++;
    }
    return sent;
}

static int sim_neighbour(struct pa_handle *handle, const char *interface, const uint8_t *address, uint32_t length,
                         uint8_t *mac) {
    (void)address;
    (void)length;
    (void)mac;
    return pa_error(handle, EOPNOTSUPP, "look up a neighbour on %s", interface);
}

static int sim_events(struct pa_handle *handle, struct pa_event *out, uint32_t capacity) {
    struct sim *sim = (struct sim *)handle;
    uint32_t count = 0;
    if (sim->lost) {
        out[count++] = (struct pa_event){.type = PA_EVENT_OVERRUN};
        sim->lost = false;
    }
    for (; count < capacity && sim->event_count > 0; sim->event_count--) {
        out[count++] = sim->events[sim->event_first];
        sim->event_first = (sim->event_first + 1) % SIM_EVENTS;
    }
    uint64_t value;
    if (count == 0) (void)!read(sim->signal, &value, sizeof value);
    return (int)count;
}

/* ---- open and close ---- */

static void sim_close(struct pa_handle *handle) {
    struct sim *sim = (struct sim *)handle;
    sim_flush(sim, 0, true);
    for (uint32_t i = 0; i < sim->port_count; i++) free(sim->ports[i]);
    for (uint32_t i = 0; i < sim->sent_count; i++) free(sim->sent[(sim->sent_first + i) % SIM_SENT].octets);
    if (sim->signal >= 0) close(sim->signal);
    free(sim->vlans.list);
    sim_l3_free(sim);
    free(sim);
}

const struct pa_backend pa_sim_backend = {
    .close = sim_close,
    .capabilities = sim_capabilities,
    .ports = sim_ports,
    .port_set = sim_port_set,
    .vlans = sim_vlans,
    .vlan_set = sim_vlan_set,
    .link_set = sim_link_set,
    .grant = sim_grant,
    .revoke = sim_revoke,
    .watch = sim_watch,
    .dump = sim_dump,
    .inject = sim_inject,
    .events = sim_events,
    .neighbour = sim_neighbour,
    .l3_open = sim_l3_open,
    .l3_add = sim_l3_add,
    .l3_remove = sim_l3_remove,
    .l3_list = sim_l3_list,
};

int pa_sim_open(const char *spec, struct pa_handle **out) {
    struct sim *sim = calloc(1, sizeof *sim);
    const size_t length = strcspn(spec, ",");
    int error = -ENOMEM;
    if (!sim) goto failed;
    sim->base.backend = &pa_sim_backend;
    sim->base.wake = (struct pa_wake){.source = -1, .control = -1, .near = -1, .far = -1};
    memcpy(sim->base.bridge, spec, length);
    sim->present = true;
    sim->ageing_ms = 300000;
    sim->last_ifindex = 100;
    sim->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    error = sim->signal < 0 ? -errno : 0;
    for (const char *rest = spec + length; !error && *rest == ',';) {
        char name[17] = "";
        const size_t size = strcspn(++rest, ",");
        memcpy(name, rest, size < 16 ? size : 16);
        const int added = sim_add_port(sim, name, PA_PORT_ADMIN_UP | PA_PORT_LINK_UP);
        if (added < 0) error = added;
        rest += size;
    }
    if (!error && !sim_vlan_put(sim, 0, 1, PA_VLAN_PVID | PA_VLAN_UNTAGGED)) error = -ENOMEM;
    sim->event_count = 0; /* what is there at the start is no news */
    if (!error) error = pa_wake_start(&sim->base.wake, sim->signal);
    if (!error) {
        *out = &sim->base;
        return 0;
    }
failed:
    if (sim) sim_close(&sim->base);
    return pa_error(NULL, error, "open the simulated bridge %s", spec);
}
