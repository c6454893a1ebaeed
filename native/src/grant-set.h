/*
 * The grants that this handle wrote or saw: a deletion notice of one of them is news, any other is not.
 * Open addressing, 16 octets a slot, at most half full; never shrinks.
 */
#ifndef PORTAUTH_GRANT_SET_H
#define PORTAUTH_GRANT_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "portauth.h"

struct grant_slot {
    uint64_t who;     /* MAC and VLAN; 0 = free */
    uint32_t ifindex;
    uint32_t reserved;
};

struct grant_set {
    struct grant_slot *slots;
    uint32_t mask; /* slots - 1; 0 = none yet */
    uint32_t used;
};

/* Makes room, for so many more to be added without memory; false if there is none for them. */
bool grant_set_reserve(struct grant_set *set, uint32_t more);
/* False without memory. */
bool grant_set_add(struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);
bool grant_set_remove(struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);
bool grant_set_has(const struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);
/* Those of a port, or (0) all, as far as there is room; returns how many. */
uint32_t grant_set_list(const struct grant_set *set, uint32_t ifindex, struct pa_key *out, uint32_t room);
void grant_set_remove_port(struct grant_set *set, uint32_t ifindex);
void grant_set_free(struct grant_set *set);

#endif
