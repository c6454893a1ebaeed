/* See grant-set.h. Linear probing with backward-shift deletion, so there are no tombstones. */
#include "grant-set.h"

#include <stdlib.h>

#define FIRST_SLOTS 256u

static uint64_t who_of(const uint8_t mac[6], uint16_t vlan) {
    uint64_t who = 0;
    for (int i = 0; i < 6; i++) who = who << 8 | mac[i];
    return who << 16 | vlan;
}

static uint32_t home(const struct grant_set *set, uint64_t who, uint32_t ifindex) {
    uint64_t mixed = (who ^ (uint64_t)ifindex << 40) * 0x9e3779b97f4a7c15ull;
    return (uint32_t)(mixed >> 32) & set->mask;
}

static uint32_t find(const struct grant_set *set, uint64_t who, uint32_t ifindex) {
    uint32_t at = home(set, who, ifindex);
    while (set->slots[at].who && (set->slots[at].who != who || set->slots[at].ifindex != ifindex))
        at = (at + 1) & set->mask;
    return at;
}

static bool grow(struct grant_set *set) {
    const uint32_t before = set->slots ? set->mask + 1 : 0;
    const uint32_t after = before ? before * 2 : FIRST_SLOTS;
    struct grant_slot *slots = calloc(after, sizeof *slots);
    if (!slots) return false;
    struct grant_set grown = {.slots = slots, .mask = after - 1, .used = set->used};
    for (uint32_t i = 0; i < before; i++)
        if (set->slots[i].who) slots[find(&grown, set->slots[i].who, set->slots[i].ifindex)] = set->slots[i];
    free(set->slots);
    *set = grown;
    return true;
}

bool grant_set_reserve(struct grant_set *set, uint32_t more) {
    while (!set->slots || ((uint64_t)set->used + more) * 2 > set->mask)
        if (!grow(set)) return false;
    return true;
}

bool grant_set_add(struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    if (!grant_set_reserve(set, 0)) return false;
    const uint64_t who = who_of(mac, vlan);
    struct grant_slot *slot = &set->slots[find(set, who, ifindex)];
    if (!slot->who) set->used++;
    *slot = (struct grant_slot){.who = who, .ifindex = ifindex};
    return true;
}

static void remove_at(struct grant_set *set, uint32_t hole) {
    set->used--;
    set->slots[hole].who = 0;
    for (uint32_t at = (hole + 1) & set->mask; set->slots[at].who; at = (at + 1) & set->mask) {
        const uint32_t wanted = home(set, set->slots[at].who, set->slots[at].ifindex);
        /* Move it back only if its home is not between the hole and where it lies. */
        if (((at - wanted) & set->mask) < ((at - hole) & set->mask)) continue;
        set->slots[hole] = set->slots[at];
        set->slots[at].who = 0;
        hole = at;
    }
}

bool grant_set_remove(struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    if (!set->slots) return false;
    const uint32_t at = find(set, who_of(mac, vlan), ifindex);
    if (!set->slots[at].who) return false;
    remove_at(set, at);
    return true;
}

bool grant_set_has(const struct grant_set *set, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    return set->slots && set->slots[find(set, who_of(mac, vlan), ifindex)].who != 0;
}

uint32_t grant_set_list(const struct grant_set *set, uint32_t ifindex, struct pa_key *out, uint32_t room) {
    uint32_t count = 0;
    for (uint32_t at = 0; set->slots && at <= set->mask && count < room; at++) {
        const struct grant_slot *slot = &set->slots[at];
        if (!slot->who || (ifindex && slot->ifindex != ifindex)) continue;
        struct pa_key *key = &out[count++];
        *key = (struct pa_key){.ifindex = slot->ifindex, .vlan = (uint16_t)slot->who};
        for (int i = 0; i < 6; i++) key->mac[i] = (uint8_t)(slot->who >> (56 - 8 * i));
    }
    return count;
}

void grant_set_remove_port(struct grant_set *set, uint32_t ifindex) {
    if (!set->slots) return;
    for (uint32_t at = 0; at <= set->mask;)
        if (set->slots[at].who && set->slots[at].ifindex == ifindex)
            remove_at(set, at); /* the slot may have been filled from behind: look again */
        else
            at++;
}

void grant_set_free(struct grant_set *set) {
    free(set->slots);
    *set = (struct grant_set){0};
}
