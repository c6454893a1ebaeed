/* What the simulated switch consists of: ports, the table, the queue of events. No rules here: see sim.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim.h"

uint64_t sim_now(const struct sim *sim) {
    struct timespec now;
    if (sim->clock_set) return sim->clock_ms;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- events ---- */

static void raise_signal(struct sim *sim) {
    const uint64_t one = 1;
    (void)!write(sim->signal, &one, sizeof one);
}

void sim_overrun(struct sim *sim) {
    sim->event_count = 0;
    sim->lost = true;
    raise_signal(sim);
    for (uint32_t i = 0; i < sim->port_count; i++) sim_emit_port(sim, PA_EVENT_PORT_CHANGED, sim->ports[i]);
}

static void queue(struct sim *sim, const struct pa_event *event) {
    if (sim->event_count == SIM_EVENTS) {
        sim_overrun(sim);
        if (event->type == PA_EVENT_PORT_CHANGED) return; /* told already */
    }
    sim->events[(sim->event_first + sim->event_count++) % SIM_EVENTS] = *event;
    raise_signal(sim);
}

void sim_emit(struct sim *sim, enum pa_event_type type) { queue(sim, &(struct pa_event){.type = type}); }

void sim_emit_port(struct sim *sim, enum pa_event_type type, const struct pa_port *port) {
    struct pa_event event = {
        .type = type, .ifindex = port->ifindex, .flags = port->flags, .link_changes = port->link_changes};
    memcpy(event.mac, port->address, 6);
    memcpy(event.name, port->name, 16);
    queue(sim, &event);
}

void sim_emit_entry(struct sim *sim, enum pa_event_type type, const struct pa_entry *entry) {
    struct pa_event event = {.type = type, .ifindex = entry->ifindex, .flags = entry->flags, .vlan = entry->vlan};
    const struct pa_port *port = sim_port(sim, entry->ifindex);
    memcpy(event.mac, entry->mac, 6);
    if (port) memcpy(event.name, port->name, 16);
    queue(sim, &event);
}

/* ---- ports ---- */

struct pa_port *sim_port(struct sim *sim, uint32_t ifindex) {
    for (uint32_t i = 0; i < sim->port_count; i++)
        if (sim->ports[i]->ifindex == ifindex) return sim->ports[i];
    return NULL;
}

int sim_add_port(struct sim *sim, const char *name, uint32_t flags) {
    const size_t length = strlen(name);
    if (length == 0 || length > 15) return -EINVAL;
    if (!sim->present) return -ENODEV;
    if (sim->port_count == SIM_PORTS) return -EXFULL; /* what br_add_if says */
    for (uint32_t i = 0; i < sim->port_count; i++)
        if (strcmp(sim->ports[i]->name, name) == 0) return -EEXIST;
    struct pa_port *port = calloc(1, sizeof *port);
    if (!port) return -ENOMEM;
    port->ifindex = ++sim->last_ifindex;
    port->flags = flags | PA_PORT_LEARNING;
    memcpy(port->name, name, length);
    const uint8_t address[6] = {0x02, 's', 'i', 'm', (uint8_t)(port->ifindex >> 8), (uint8_t)port->ifindex};
    memcpy(port->address, address, 6);
    if (!sim_vlan_put(sim, port->ifindex, 1, PA_VLAN_PVID | PA_VLAN_UNTAGGED)) {
        free(port);
        return -ENOMEM;
    }
    sim->ports[sim->port_count++] = port;
    sim_emit_port(sim, PA_EVENT_PORT_ADDED, port);
    return (int)port->ifindex;
}

void sim_remove_port(struct sim *sim, uint32_t ifindex) {
    for (uint32_t i = 0; i < sim->port_count; i++) {
        struct pa_port *port = sim->ports[i];
        if (port->ifindex != ifindex) continue;
        sim_flush(sim, ifindex, true);
        sim_vlan_drop_port(sim, ifindex);
        sim_emit_port(sim, PA_EVENT_PORT_GONE, port);
        free(port);
        sim->ports[i] = sim->ports[--sim->port_count];
        return;
    }
}

void sim_set_port_flags(struct sim *sim, struct pa_port *port, uint32_t flags) {
    if (port->flags == flags) return;
    if ((port->flags ^ flags) & PA_PORT_LINK_UP) port->link_changes++;
    port->flags = flags;
    sim_emit_port(sim, PA_EVENT_PORT_CHANGED, port);
}

/* ---- the table ---- */

static struct sim_entry **bucket(struct sim *sim, const uint8_t mac[6], uint16_t vlan) {
    uint32_t hash = 2166136261u ^ vlan;
    for (int i = 0; i < 6; i++) hash = (hash ^ mac[i]) * 16777619u;
    return &sim->buckets[(hash ^ hash >> 16) % SIM_BUCKETS];
}

static struct sim_entry **place(struct sim *sim, const uint8_t mac[6], uint16_t vlan) {
    struct sim_entry **at = bucket(sim, mac, vlan);
    while (*at && ((*at)->entry.vlan != vlan || memcmp((*at)->entry.mac, mac, 6) != 0)) at = &(*at)->next;
    return at;
}

struct sim_entry *sim_find(struct sim *sim, const uint8_t mac[6], uint16_t vlan) { return *place(sim, mac, vlan); }

struct sim_entry *sim_make(struct sim *sim, const uint8_t mac[6], uint16_t vlan) {
    struct sim_entry **at = place(sim, mac, vlan);
    if (*at || !(*at = calloc(1, sizeof **at))) return *at;
    memcpy((*at)->entry.mac, mac, 6);
    (*at)->entry.vlan = vlan;
    return *at;
}

static void unlink_entry(struct sim_entry **at) {
    struct sim_entry *gone = *at;
    *at = gone->next;
    free(gone);
}

void sim_remove(struct sim *sim, const uint8_t mac[6], uint16_t vlan) {
    struct sim_entry **at = place(sim, mac, vlan);
    if (*at) unlink_entry(at);
}

void sim_flush(struct sim *sim, uint32_t ifindex, bool all) {
    for (uint32_t i = 0; i < SIM_BUCKETS; i++)
        for (struct sim_entry **at = &sim->buckets[i]; *at;) {
            const struct pa_entry *entry = &(*at)->entry;
            if ((ifindex == 0 || entry->ifindex == ifindex) && (all || (entry->flags & PA_ENTRY_DYNAMIC)))
                unlink_entry(at);
            else
                at = &(*at)->next;
        }
}
