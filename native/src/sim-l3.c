/* The simulated routed path: sets of addresses, and what a packet meets there. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

static struct pa_address *find(const struct sim_addresses *set, const struct pa_address *address) {
    for (uint32_t i = 0; i < set->count; i++) {
        struct pa_address *there = &set->list[i];
        if (there->family == address->family && memcmp(there->octets, address->octets, sizeof there->octets) == 0)
            return there;
    }
    return NULL;
}

/* False without memory. */
static bool put(struct sim_addresses *set, const struct pa_address *address) {
    if (find(set, address)) return true;
    if (set->count == set->room) {
        const uint32_t room = set->room ? set->room * 2 : 64;
        struct pa_address *grown = realloc(set->list, room * sizeof *grown);
        if (!grown) return false;
        set->list = grown;
        set->room = room;
    }
    set->list[set->count] = *address;
    set->list[set->count++].result = 0;
    return true;
}

static void drop(struct sim_addresses *set, const struct pa_address *address) {
    struct pa_address *const there = find(set, address);
    if (there) *there = set->list[--set->count];
}

static void empty(struct sim *sim) {
    sim->l3_exempt.count = 0;
    for (uint32_t i = 0; i < PA_L3_SETS; i++) sim->l3_sets[i].count = 0;
}

void sim_l3_free(struct sim *sim) {
    free(sim->l3_exempt.list);
    for (uint32_t i = 0; i < PA_L3_SETS; i++) free(sim->l3_sets[i].list);
}

int sim_l3_open(struct pa_handle *handle, const char *ingress, const struct pa_address *exempt, uint32_t count) {
    struct sim *sim = (struct sim *)handle;
    const int failure = sim_planned_failure(sim);
    (void)ingress;
    if (failure) return pa_error(handle, failure, "shut the routed path");
    empty(sim);
    sim->l3_shut = true;
    for (uint32_t i = 0; i < count; i++)
        if (!put(&sim->l3_exempt, &exempt[i])) return pa_error(handle, ENOMEM, "shut the routed path");
    return 0;
}

static int change_one(struct sim *sim, uint32_t set, bool present, const struct pa_address *address) {
    const char *const verb = present ? "add" : "remove";
    char text[48];
    int failure = sim->l3_shut ? sim_planned_failure(sim) : ENOENT;
    if (!failure && present && !put(&sim->l3_sets[set], address)) failure = ENOMEM;
    if (failure) return pa_error(&sim->base, failure, "%s %s", verb, pa_address_text(address, text));
    if (!present) drop(&sim->l3_sets[set], address);
    return 0;
}

void sim_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!addresses[i].result) addresses[i].result = change_one((struct sim *)handle, set, true, &addresses[i]);
}

void sim_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (!addresses[i].result) addresses[i].result = change_one((struct sim *)handle, set, false, &addresses[i]);
}

int sim_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity, uint32_t *needed) {
    const struct sim *sim = (struct sim *)handle;
    const struct sim_addresses *of = &sim->l3_sets[set];
    if (!sim->l3_shut) return pa_error(handle, ENOENT, "read addresses");
    *needed = of->count;
    if (of->count > capacity) return pa_error(handle, ENOBUFS, "read %u addresses, room for %u", of->count, capacity);
    if (of->count) memcpy(out, of->list, of->count * sizeof *out);
    return (int)of->count;
}

PA_API int pa_sim_packet(struct pa_handle *handle, const struct pa_address *from) {
    struct sim *sim = sim_of(handle);
    if (!sim || !from) return handle && from ? -EOPNOTSUPP : -EINVAL;
    if (!sim->l3_shut || find(&sim->l3_sets[PA_L3_GRANTED], from) || find(&sim->l3_exempt, from)) return 1;
    if (find(&sim->l3_sets[PA_L3_AWAITED], from) && !put(&sim->l3_sets[PA_L3_HEARD], from)) return -ENOMEM;
    return 0;
}

PA_API int pa_sim_l3_flush(struct pa_handle *handle) {
    struct sim *sim = sim_of(handle);
    if (!sim) return handle ? -EOPNOTSUPP : -EINVAL;
    sim->l3_shut = false;
    empty(sim);
    return 0;
}
