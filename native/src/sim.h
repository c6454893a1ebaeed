/* The simulator's insides, shared by the backend (sim.c) and the hands that move it (sim-control.c). */
#ifndef PORTAUTH_SIM_H
#define PORTAUTH_SIM_H

#include "internal.h"

#define SIM_BUCKETS 4096u
#define SIM_EVENTS 8192u
#define SIM_SENT 1024u
#define SIM_PORTS 1024u /* BR_MAX_PORTS */

struct sim_entry {
    struct sim_entry *next;
    struct pa_entry entry; /* its ages are not kept; they follow from these */
    uint64_t updated_ms;
    uint64_t used_ms;
    bool watched;
    bool foreign; /* pa_sim_static wrote it */
};

/* Memberships are few (a port has two or three): one list, searched. */
struct sim_vlans {
    struct pa_vlan *list;
    uint32_t count, room;
};

/* A set of addresses, or the exempt ones: a list, searched. */
struct sim_addresses {
    struct pa_address *list;
    uint32_t count, room;
};

struct sim_sent {
    uint8_t *octets;
    uint32_t length;
    uint32_t ifindex;
};

struct sim {
    struct pa_handle base;
    bool present;
    bool vlan_filtering;
    bool no_ll_learn;
    uint32_t ageing_ms;
    uint32_t last_ifindex;
    struct pa_port *ports[SIM_PORTS];
    uint32_t port_count;
    struct sim_entry *buckets[SIM_BUCKETS];
    struct sim_vlans vlans; /* sim-vlan.c */

    bool l3_shut; /* sim-l3.c */
    struct sim_addresses l3_exempt, l3_sets[PA_L3_SETS];

    struct pa_event events[SIM_EVENTS]; /* a ring */
    uint32_t event_first, event_count;
    bool lost;
    int signal; /* eventfd: readable while events wait */

    struct sim_sent sent[SIM_SENT]; /* a ring */
    uint32_t sent_first, sent_count;

    bool clock_set;
    uint64_t clock_ms;
    uint32_t fail_skip, fail_count;
    int fail_error;
    uint32_t relearn;
};

/* NULL if the handle is no simulator. */
struct sim *sim_of(struct pa_handle *handle);
uint64_t sim_now(const struct sim *sim);

struct pa_port *sim_port(struct sim *sim, uint32_t ifindex);
/* The new port's ifindex, or a negative errno. */
int sim_add_port(struct sim *sim, const char *name, uint32_t flags);
void sim_remove_port(struct sim *sim, uint32_t ifindex);
void sim_set_port_flags(struct sim *sim, struct pa_port *port, uint32_t flags);

/* Membership of a port, or of the bridge itself (0); NULL if it is no member. */
struct pa_vlan *sim_vlan_find(struct sim *sim, uint32_t ifindex, uint16_t vlan);
/* False without memory. */
bool sim_vlan_put(struct sim *sim, uint32_t ifindex, uint16_t vlan, uint16_t flags);
void sim_vlan_drop_port(struct sim *sim, uint32_t ifindex);
/* The VLAN of a frame that comes in with this tag (0 = none); -1 if the port does not let it in. */
int sim_vlan_classify(struct sim *sim, uint32_t ifindex, uint16_t tag);
int sim_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed);
void sim_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count);

int sim_l3_open(struct pa_handle *handle, const char *ingress, const struct pa_address *exempt, uint32_t count);
void sim_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);
void sim_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);
int sim_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity, uint32_t *needed);
void sim_l3_free(struct sim *sim);

/* The errno of this operation if pa_sim_fail wants it to fail, else 0. */
int sim_planned_failure(struct sim *sim);

struct sim_entry *sim_find(struct sim *sim, const uint8_t mac[6], uint16_t vlan);
/* A new entry, or the one that is there; NULL without memory. */
struct sim_entry *sim_make(struct sim *sim, const uint8_t mac[6], uint16_t vlan);
void sim_remove(struct sim *sim, const uint8_t mac[6], uint16_t vlan);
/* Removes the entries of a port (0 = of all): the learnt ones, or all. */
void sim_flush(struct sim *sim, uint32_t ifindex, bool all);

/* Queues an event; drops all and owes an overrun when the ring is full, as a socket does. */
void sim_emit_port(struct sim *sim, enum pa_event_type type, const struct pa_port *port);
void sim_emit_entry(struct sim *sim, enum pa_event_type type, const struct pa_entry *entry);
void sim_emit(struct sim *sim, enum pa_event_type type);
void sim_overrun(struct sim *sim);

#endif
