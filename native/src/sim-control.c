/* The hands that move the simulated switch: pa_sim_* of the header. Rules for frames are those of br_input.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct sim *sim_of(struct pa_handle *handle) {
    return handle && handle->backend == &pa_sim_backend ? (struct sim *)handle : NULL;
}

#define SIM_OR_RETURN(sim, handle)         \
    struct sim *sim = sim_of(handle);      \
    if (!sim) return handle ? -EOPNOTSUPP : -EINVAL

PA_API int pa_sim_port_add(struct pa_handle *handle, const char *name) {
    SIM_OR_RETURN(sim, handle);
    const int index = name ? sim_add_port(sim, name, 0) : -EINVAL;
    return index < 0 ? pa_error(handle, index, "add port %.16s", name ? name : "") : index;
}

PA_API int pa_sim_port_remove(struct pa_handle *handle, uint32_t ifindex) {
    SIM_OR_RETURN(sim, handle);
    if (!sim_port(sim, ifindex)) return pa_error(handle, ENODEV, "remove port %u", ifindex);
    sim_remove_port(sim, ifindex);
    return 0;
}

PA_API int pa_sim_link(struct pa_handle *handle, uint32_t ifindex, uint32_t flags) {
    SIM_OR_RETURN(sim, handle);
    struct pa_port *port = sim_port(sim, ifindex);
    const uint32_t mask = PA_PORT_ADMIN_UP | PA_PORT_LINK_UP;
    if (!port) return pa_error(handle, ENODEV, "set the link of port %u", ifindex);
    if (!(flags & PA_PORT_ADMIN_UP)) flags &= ~PA_PORT_LINK_UP; /* no carrier without power */
    sim_set_port_flags(sim, port, (port->flags & ~mask) | (flags & mask));
    if (!(flags & PA_PORT_LINK_UP)) sim_flush(sim, ifindex, false);
    return 0;
}

static void refresh(struct sim *sim, struct sim_entry *entry) {
    entry->updated_ms = entry->used_ms = sim_now(sim);
    if (!entry->watched) return;
    entry->watched = false;
    sim_emit_entry(sim, PA_EVENT_ENTRY_ACTIVE, &entry->entry);
}

static struct sim_entry *learn(struct sim *sim, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex, uint32_t flags) {
    struct sim_entry *entry = sim_make(sim, mac, vlan);
    if (!entry) return NULL;
    entry->entry.ifindex = ifindex;
    entry->entry.flags = flags;
    refresh(sim, entry);
    return entry;
}

/* A locked port: passes what has an unlocked entry here, and nothing else. */
static int frame_on_locked(struct sim *sim, const struct pa_port *port, const uint8_t mac[6], uint16_t vlan) {
    struct sim_entry *entry = sim_find(sim, mac, vlan);
    if (!entry) {
        if (!(port->flags & PA_PORT_MAB)) return 0;
        entry = learn(sim, mac, vlan, port->ifindex, PA_ENTRY_DYNAMIC | PA_ENTRY_LOCKED);
        if (entry) sim_emit_entry(sim, PA_EVENT_MAB_CANDIDATE, &entry->entry);
        return 0;
    }
    if (entry->entry.ifindex != port->ifindex) return 0;
    if (port->flags & PA_PORT_LEARNING) refresh(sim, entry);
    return entry->entry.flags & PA_ENTRY_LOCKED ? 0 : 1;
}

static void frame_on_open(struct sim *sim, const struct pa_port *port, const uint8_t mac[6], uint16_t vlan) {
    struct sim_entry *entry = sim_find(sim, mac, vlan);
    if (!(port->flags & PA_PORT_LEARNING)) return;
    if (!entry) {
        learn(sim, mac, vlan, port->ifindex, PA_ENTRY_DYNAMIC);
        return;
    }
    if (entry->entry.ifindex != port->ifindex && !(entry->entry.flags & PA_ENTRY_STICKY)) {
        entry->entry.ifindex = port->ifindex;
        entry->entry.flags &= ~PA_ENTRY_LOCKED;
    }
    refresh(sim, entry);
}

PA_API int pa_sim_frame(struct pa_handle *handle, uint32_t ifindex, const uint8_t mac[6], uint16_t vlan,
                        uint32_t octets, uint32_t flags) {
    SIM_OR_RETURN(sim, handle);
    struct pa_port *port = sim_port(sim, ifindex);
    const uint32_t up = PA_PORT_ADMIN_UP | PA_PORT_LINK_UP;
    if (!port) return pa_error(handle, ENODEV, "receive a frame on port %u", ifindex);
    if ((port->flags & up) != up || !mac || !pa_is_station(mac)) return 0;
    port->rx_packets++;
    port->rx_octets += octets;
    if (flags & PA_SIM_LINK_LOCAL) {
        /* Never forwarded; and learnt as an open entry, lock or no lock, unless no_linklocal_learn is set. */
        if (!sim->no_ll_learn && (port->flags & PA_PORT_LEARNING)) {
            const bool fresh = !sim_find(sim, mac, vlan);
            frame_on_open(sim, port, mac, vlan);
            struct sim_entry *entry = sim_find(sim, mac, vlan);
            if (entry && fresh && (port->flags & PA_PORT_LOCKED)) {
                sim_emit_entry(sim, PA_EVENT_OPEN_ENTRY, &entry->entry);
                sim_remove(sim, mac, vlan); /* as the event promises */
            }
        }
        return 0;
    }
    const int member = sim_vlan_classify(sim, ifindex, vlan);
    if (member < 0) return 0;
    if (port->flags & PA_PORT_LOCKED) return frame_on_locked(sim, port, mac, (uint16_t)member);
    frame_on_open(sim, port, mac, (uint16_t)member);
    return 1;
}

PA_API int pa_sim_clock(struct pa_handle *handle, uint64_t now_ms) {
    SIM_OR_RETURN(sim, handle);
    sim->clock_set = true;
    sim->clock_ms = now_ms;
    return 0;
}

PA_API int pa_sim_vlan_filtering(struct pa_handle *handle, uint32_t on) {
    SIM_OR_RETURN(sim, handle);
    sim->vlan_filtering = on != 0;
    return 0;
}

PA_API int pa_sim_ageing(struct pa_handle *handle, uint32_t ageing_ms) {
    SIM_OR_RETURN(sim, handle);
    sim->ageing_ms = ageing_ms;
    return 0;
}

PA_API int pa_sim_fail(struct pa_handle *handle, uint32_t skip, uint32_t count, int error) {
    SIM_OR_RETURN(sim, handle);
    if (error <= 0) return -EINVAL;
    sim->fail_skip = skip;
    sim->fail_count = count;
    sim->fail_error = error;
    return 0;
}

PA_API int pa_sim_relearn(struct pa_handle *handle, uint32_t count) {
    SIM_OR_RETURN(sim, handle);
    sim->relearn = count;
    return 0;
}

PA_API int pa_sim_static(struct pa_handle *handle, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    SIM_OR_RETURN(sim, handle);
    struct sim_entry *entry = mac && sim_port(sim, ifindex) ? sim_make(sim, mac, vlan) : NULL;
    if (!entry) return -EINVAL;
    entry->entry.ifindex = ifindex;
    entry->entry.flags = PA_ENTRY_STATIC | PA_ENTRY_STICKY;
    entry->updated_ms = entry->used_ms = sim_now(sim);
    entry->watched = false;
    entry->foreign = true;
    return 0;
}

PA_API int pa_sim_delete(struct pa_handle *handle, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    SIM_OR_RETURN(sim, handle);
    struct sim_entry *entry = mac ? sim_find(sim, mac, vlan) : NULL;
    if (!entry || entry->entry.ifindex != ifindex) return -ENOENT;
    if (entry->entry.flags & PA_ENTRY_STATIC) sim_emit_entry(sim, PA_EVENT_ENTRY_GONE, &entry->entry);
    sim_remove(sim, mac, vlan);
    return 0;
}

PA_API int pa_sim_bridge(struct pa_handle *handle, uint32_t present) {
    SIM_OR_RETURN(sim, handle);
    if (sim->present == (present != 0)) return 0;
    while (sim->port_count > 0) sim_remove_port(sim, sim->ports[0]->ifindex);
    sim->present = present != 0;
    sim->no_ll_learn = false;
    sim_emit(sim, present ? PA_EVENT_BRIDGE_BACK : PA_EVENT_BRIDGE_GONE);
    return 0;
}

PA_API int pa_sim_overrun(struct pa_handle *handle) {
    SIM_OR_RETURN(sim, handle);
    sim_overrun(sim);
    return 0;
}

PA_API int pa_sim_sent(struct pa_handle *handle, uint8_t *out, uint32_t capacity, uint32_t *ifindex) {
    SIM_OR_RETURN(sim, handle);
    if (sim->sent_count == 0) return 0;
    struct sim_sent *frame = &sim->sent[sim->sent_first];
    if (out) memcpy(out, frame->octets, frame->length < capacity ? frame->length : capacity);
    if (ifindex) *ifindex = frame->ifindex;
    free(frame->octets);
    frame->octets = NULL;
    sim->sent_first = (sim->sent_first + 1) % SIM_SENT;
    sim->sent_count--;
    return (int)frame->length;
}
