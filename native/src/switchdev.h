/*
 * The switchdev backend's own: its handle, and what its files ask of each other. switchdev.c opens it and sets ports; link.c
 * reads links and entries out of messages; fdb.c has the table, vlan.c the VLANs, notices.c the events, inject.c the frames,
 * neighbour.c the host's own neighbours, l3.c the routed path (by nft.c).
 */
#ifndef PORTAUTH_SWITCHDEV_H
#define PORTAUTH_SWITCHDEV_H

#include "grant-set.h"
#include "internal.h"
#include "netlink.h"
#include "nft.h"

/* A link as a message of the kernel tells it. */
struct sd_link {
    struct pa_port port;
    uint32_t master;    /* ifindex of the bridge; 0 = in none */
    bool has_flags;     /* the message carried the bridge port's flags */
    bool has_link_changes; /* and how often its carrier changed: those of the bridge family do not */
    bool knows_locked;  /* this kernel has IFLA_BRPORT_LOCKED */
    bool knows_mab;     /* this kernel has IFLA_BRPORT_MAB */
    uint32_t vlans;     /* sd_vlan_digest of its VLANs, which messages of the bridge family have */
    bool is_bridge;
    uint32_t ageing_ms; /* of a bridge */
    bool vlan_filtering;
    bool knows_no_ll_learn;
    bool no_ll_learn;
};

/* A port as the notices told it last. */
struct sd_port {
    struct pa_port facts;
    bool seen; /* while resynchronizing */
    bool shut; /* this handle locked it last, and did not unlock it since */
    uint32_t vlans; /* sd_vlan_digest */
};

struct sd {
    struct pa_handle base;
    struct nl_socket requests;
    struct nl_socket notices;
    uint32_t bridge;           /* ifindex, refreshed by every request that needs it; 0 = gone */
    uint32_t bridge_noticed;   /* the same as the notices have told it so far */
    uint8_t bridge_address[6];
    bool vlan_filtering;
    int packet_fd; /* for pa_inject; -1 until first used */
    struct nft *nft; /* NULL until first used */
    char *l3_made;   /* the routed path without users, as it was right after it was made; NULL = not opened */

    struct sd_port *ports;
    uint32_t port_count;
    uint32_t port_room;
    struct grant_set grants;

    /* notices.c: the datagram being taken apart, and a resynchronization under way */
    size_t notice_at;
    size_t notice_length;
    bool lost;             /* an overrun to report */
    uint32_t resync;       /* sequence of the dump that answers it; 0 = none */
    bool bridge_seen;      /* by that dump */
    bool tells_leaving;    /* SD_EVENT_PORT_LEAVING is wanted */
    bool ask_twice;        /* it told of ports before it told of their bridge */
    uint32_t sweep;        /* next port to look at for having gone; UINT32_MAX = no sweep */
};

/* Beside PA_EVENT_*, for whoever is in a hurry: the kernel has begun to take the port out of the bridge. */
#define SD_EVENT_PORT_LEAVING 1000u

/* The handle without a wake thread, with notices of these groups (RTMGRP_*): of links alone, events are of ports alone. */
int sd_open(const char *bridge, uint32_t groups, struct sd **out);

/* False if the message is no link. */
bool sd_parse_link(const struct nlmsghdr *message, struct sd_link *link);
#define SD_VLANS_UNTOLD 0u /* or in a driver's own words, which are not the bridge's */
#define SD_VLANS_NONE 1u
/* What tells two lists of VLANs (IFLA_AF_SPEC of a bridge port) apart. */
uint32_t sd_vlan_digest(const struct rtattr *nest);
/* False if the message is no entry of a bridge; `master` is that bridge, `notify` the NFEA bits (0 if none). */
bool sd_parse_entry(const struct nlmsghdr *message, struct pa_entry *entry, uint32_t *master, uint8_t *notify);

/* The link `ifindex` now. -ENODEV if it is gone or not of this bridge. */
int sd_port_now(struct sd *sd, uint32_t ifindex, struct sd_link *link);
/* The bridge itself, by name; sets sd->bridge and what hangs on it. `link` may be NULL. */
int sd_find_bridge(struct sd *sd, struct sd_link *link);
/* A port's name for a sentence, "port 12" if it is not known. `out` has 24 octets. */
const char *sd_port_label(struct sd *sd, uint32_t ifindex, char out[24]);
struct sd_port *sd_port_cached(struct sd *sd, uint32_t ifindex);
/* NULL without memory. */
struct sd_port *sd_port_remember(struct sd *sd, const struct pa_port *facts);
void sd_port_forget(struct sd *sd, uint32_t ifindex);

void sd_grant(struct pa_handle *handle, struct pa_key *keys, uint32_t count);
void sd_revoke(struct pa_handle *handle, struct pa_key *keys, uint32_t count);
/*
 * What has lost the name that it is known by, a port or (0) the whole bridge, is out of the caller's hands next: its grants are taken
 * away, with proof, and a port that has one and is not locked is locked. One that is locked stays so.
 */
void sd_abandon(struct sd *sd, uint32_t ifindex);
/* Unless it is locked: locks a port of sd->bridge, with proof. */
void sd_lock_again(struct sd *sd, uint32_t ifindex);
void sd_watch(struct pa_handle *handle, struct pa_key *keys, uint32_t count);
int sd_dump(struct pa_handle *handle, struct pa_entry *out, uint32_t capacity, uint32_t *needed);
/* Takes what stands on a locked port for grants of an earlier run, before it is opened. 0 or a negative errno. */
int sd_note_grants(struct sd *sd, uint32_t ifindex);
/* How many open (learnt, unlocked) entries a port has, or a negative errno. */
int sd_count_open(struct sd *sd, uint32_t ifindex);
/* The entry of this MAC and VLAN on whatever port: 1 and `*entry`, 0 if there is none, or a negative errno. */
int sd_lookup(struct sd *sd, const uint8_t mac[6], uint16_t vlan, struct pa_entry *entry);
int sd_delete(struct sd *sd, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);

int sd_neighbour(struct pa_handle *handle, const char *interface, const uint8_t *address, uint32_t length,
                 uint8_t *mac);
int sd_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed);
void sd_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count);
int sd_events(struct pa_handle *handle, struct pa_event *out, uint32_t capacity);
int sd_inject(struct pa_handle *handle, struct pa_frame *frames, uint32_t count, const uint8_t *octets,
              uint32_t size);

int sd_l3_open(struct pa_handle *handle, const char *ingress, const struct pa_address *exempt, uint32_t count);
void sd_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);
void sd_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);
int sd_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity, uint32_t *needed);

/* Sleeps for the proof's gap. */
void sd_proof_gap(void);

#endif
