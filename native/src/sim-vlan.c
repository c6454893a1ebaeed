/* VLAN memberships of the simulated bridge, with the kernel's rules: one PVID a port, the first member makes a VLAN. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

struct pa_vlan *sim_vlan_find(struct sim *sim, uint32_t ifindex, uint16_t vlan) {
    for (uint32_t i = 0; i < sim->vlans.count; i++) {
        struct pa_vlan *member = &sim->vlans.list[i];
        if (member->ifindex == ifindex && member->vlan == vlan) return member;
    }
    return NULL;
}

bool sim_vlan_put(struct sim *sim, uint32_t ifindex, uint16_t vlan, uint16_t flags) {
    struct sim_vlans *vlans = &sim->vlans;
    for (uint32_t i = 0; i < vlans->count; i++)
        if (vlans->list[i].ifindex == ifindex && (flags & PA_VLAN_PVID)) vlans->list[i].flags &= (uint16_t)~PA_VLAN_PVID;
    struct pa_vlan *member = sim_vlan_find(sim, ifindex, vlan);
    if (!member) {
        if (vlans->count == vlans->room) {
            const uint32_t room = vlans->room ? vlans->room * 2 : 64;
            struct pa_vlan *grown = realloc(vlans->list, room * sizeof *grown);
            if (!grown) return false;
            vlans->list = grown;
            vlans->room = room;
        }
        member = &vlans->list[vlans->count++];
    }
    *member = (struct pa_vlan){.ifindex = ifindex, .vlan = vlan, .flags = flags};
    return true;
}

static void drop(struct sim *sim, struct pa_vlan *member) { *member = sim->vlans.list[--sim->vlans.count]; }

void sim_vlan_drop_port(struct sim *sim, uint32_t ifindex) {
    for (uint32_t i = 0; i < sim->vlans.count;) {
        if (sim->vlans.list[i].ifindex == ifindex)
            drop(sim, &sim->vlans.list[i]);
        else
            i++;
    }
}

int sim_vlan_classify(struct sim *sim, uint32_t ifindex, uint16_t tag) {
    if (!sim->vlan_filtering) return tag;
    if (tag) return sim_vlan_find(sim, ifindex, tag) ? tag : -1;
    for (uint32_t i = 0; i < sim->vlans.count; i++)
        if (sim->vlans.list[i].ifindex == ifindex && (sim->vlans.list[i].flags & PA_VLAN_PVID))
            return sim->vlans.list[i].vlan;
    return -1;
}

int sim_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed) {
    struct sim *sim = (struct sim *)handle;
    if (!sim->present) return pa_error(handle, ENODEV, "find bridge %s", handle->bridge);
    *needed = sim->vlans.count;
    if (sim->vlans.count > capacity)
        return pa_error(handle, ENOBUFS, "read the VLANs of bridge %s: %u, room for %u", handle->bridge,
                        sim->vlans.count, capacity);
    if (sim->vlans.count) memcpy(out, sim->vlans.list, sim->vlans.count * sizeof *out);
    return (int)sim->vlans.count;
}

static int set_one(struct sim *sim, const struct pa_vlan *change) {
    const bool absent = change->flags & PA_VLAN_ABSENT;
    const char *verb = absent ? "remove" : "set";
    const struct pa_port *port = sim->present && change->ifindex ? sim_port(sim, change->ifindex) : NULL;
    if (!sim->present || (change->ifindex && !port))
        return pa_error(&sim->base, ENODEV, "%s VLAN %u of port %u", verb, change->vlan, change->ifindex);
    const char *where = port ? port->name : "the bridge itself";
    const int failure = sim_planned_failure(sim);
    if (failure) return pa_error(&sim->base, failure, "%s VLAN %u of %s", verb, change->vlan, where);
    struct pa_vlan *member = sim_vlan_find(sim, change->ifindex, change->vlan);
    if (absent ? !member : member && member->flags == change->flags) return 0;
    if (absent)
        drop(sim, member);
    else if (!sim_vlan_put(sim, change->ifindex, change->vlan, change->flags))
        return pa_error(&sim->base, ENOMEM, "%s VLAN %u of %s", verb, change->vlan, where);
    if (port) sim_emit_port(sim, PA_EVENT_VLANS_CHANGED, port);
    return 0;
}

void sim_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!changes[i].result) changes[i].result = set_one((struct sim *)handle, &changes[i]);
}
