/*
 * portauth: the data plane of Rollcall behind a C ABI, so that a silicon vendor can ship another one.
 *
 * Promise: no callback, no allocation that the caller keeps, every buffer is the caller's and is not touched
 * after the call returns. Errors are negative errno values; the sentence of the last one is pa_last_error().
 * Records are packed, little-endian (only little-endian hosts are supported), of the sizes given below, so
 * that a caller without a C compiler can read and write them by offset.
 *
 * One thread at a time may use a handle. Calls block for as long as the kernel takes to answer (at most 5 s a
 * message), pa_revoke and pa_port_set for at least 2 ms more: that is the relock proof (see there). pa_events
 * and pa_inject never block. A handle runs one thread of its own, which ends in pa_close; an exit of the
 * process does not wait for it.
 *
 * VLAN: 1 to 4094, or 0 where the bridge does not filter VLANs. ifindex: the kernel's number of a port.
 */
#ifndef PORTAUTH_H
#define PORTAUTH_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every change that an old caller could not bear. */
#define PA_ABI_VERSION 4u

struct pa_handle;

/* ---- capabilities ---- */

#define PA_CAP_LOCKED (1u << 0)          /* a port can be locked (Linux 5.18) */
#define PA_CAP_MAB (1u << 1)             /* locked entries announce unknown MACs (Linux 6.2) */
#define PA_CAP_VLAN_FILTERING (1u << 2)  /* this bridge filters VLANs now */
#define PA_CAP_ACTIVITY_NOTIFY (1u << 3) /* pa_watch works */
#define PA_CAP_NO_LL_LEARN (1u << 4)     /* link-local frames (EAPOL) can be kept from being learnt */
#define PA_CAP_LAST_SEEN (1u << 5)       /* traffic refreshes idle_ms: ageing_time is not 0 */
#define PA_CAP_MAC_VLAN (1u << 6)        /* untagged frames are put into the VLAN of their MAC's grant, whatever the PVID */
#define PA_CAP_NO_BRIDGE (1u << 7)       /* there is no such bridge now; of it the other flags say nothing yet */

struct pa_capabilities {
    uint32_t flags;     /* @0  PA_CAP_* */
    uint32_t ageing_ms; /* @4  the bridge's ageing_time; 0 = entries do not age and last-seen stands still */
    char backend[16];   /* @8  "switchdev", "sim", or a vendor's word; NUL-terminated */
};                      /* 24 octets */

/* ---- ports ---- */

#define PA_PORT_ADMIN_UP (1u << 0) /* IFF_UP */
#define PA_PORT_LINK_UP (1u << 1)  /* carrier, IFF_LOWER_UP */
#define PA_PORT_LOCKED (1u << 2)
#define PA_PORT_LEARNING (1u << 3)
#define PA_PORT_MAB (1u << 4)
/* What is flooded does not leave by it: neither broadcast, nor multicast, nor unicast to an address that nobody has learnt. */
#define PA_PORT_UNFLOODED (1u << 5)

struct pa_port {
    uint32_t ifindex;    /* @0 */
    uint32_t flags;      /* @4  PA_PORT_* */
    char name[16];       /* @8  NUL-terminated */
    uint8_t address[6];  /* @24 the port's own MAC */
    uint8_t reserved[2]; /* @30 */
    uint64_t rx_packets; /* @32 frames that came in (from the client); since the interface was made */
    uint64_t rx_octets;  /* @40 */
    uint64_t tx_packets; /* @48 */
    uint64_t tx_octets;  /* @56 */
    uint32_t link_changes; /* @64 how often the carrier came or went since the interface was made; 0 where nobody counts */
    uint32_t reserved2;    /* @68 */
};                         /* 72 octets */

struct pa_port_setting {
    uint32_t ifindex; /* @0 */
    uint32_t flags;   /* @4  wanted: PA_PORT_LOCKED, _MAB, _LEARNING, _UNFLOODED; other bits are refused */
    int32_t result;   /* @8  out: 0 or a negative errno */
};                    /* 12 octets */

/* ---- the authorization table ---- */

struct pa_key {
    uint8_t mac[6];   /* @0 */
    uint16_t vlan;    /* @6 */
    uint32_t ifindex; /* @8 */
    int32_t result;   /* @12 out: 0 or a negative errno */
};                    /* 16 octets */

#define PA_ENTRY_STATIC (1u << 0)       /* does not age; a grant is static and sticky */
#define PA_ENTRY_STICKY (1u << 1)       /* does not move to another port */
#define PA_ENTRY_LOCKED (1u << 2)       /* a MAB candidate: known, but may not send */
#define PA_ENTRY_DYNAMIC (1u << 3)      /* learnt; without PA_ENTRY_LOCKED on a locked port: an open entry */
#define PA_ENTRY_EXTERN_LEARN (1u << 4) /* learnt by hardware or another controller */
#define PA_ENTRY_LOCAL (1u << 5)        /* the bridge's or the port's own address */

struct pa_entry {
    uint8_t mac[6];   /* @0 */
    uint16_t vlan;    /* @6 */
    uint32_t ifindex; /* @8  port; the bridge's own for an entry without a port */
    uint32_t flags;   /* @12 PA_ENTRY_* */
    uint32_t idle_ms; /* @16 since the last frame *from* this MAC (or since it was granted); steps of 10 ms */
    uint32_t used_ms; /* @20 since the last frame from or *to* it; no evidence of presence */
};                    /* 24 octets */

/* ---- VLANs ---- */

#define PA_VLAN_PVID (1u << 0)     /* untagged frames that come in belong to it; a port has at most one */
#define PA_VLAN_UNTAGGED (1u << 1) /* its frames go out untagged */
#define PA_VLAN_ABSENT (1u << 2)   /* to pa_vlan_set: the port is to be no member */

/* One membership of a port, or of the bridge itself, in a VLAN. */
struct pa_vlan {
    uint32_t ifindex; /* @0  port; 0 = the bridge itself */
    uint16_t vlan;    /* @4  1 to 4094 */
    uint16_t flags;   /* @6  PA_VLAN_* */
    int32_t result;   /* @8  out: 0 or a negative errno */
};                    /* 12 octets */

/* ---- addresses on the routed path (L3) ---- */

#define PA_L3_GRANTED 0u /* may pass, in both directions */
#define PA_L3_AWAITED 1u /* may not, and its next packet is to be told of: see PA_L3_HEARD */
#define PA_L3_HEARD 2u   /* awaited addresses of which a packet came in; written by the data plane, removed by the caller */
#define PA_L3_SETS 3u

struct pa_address {
    uint8_t octets[16]; /* @0  in network order; of IPv4 the first four, the others 0 */
    uint32_t family;    /* @16 4 or 6 */
    int32_t result;     /* @20 out: 0 or a negative errno */
};                      /* 24 octets */

/* ---- frames to send ---- */

struct pa_frame {
    uint32_t ifindex; /* @0 */
    uint32_t offset;  /* @4  of the first octet (Ethernet destination) in the octet buffer */
    uint32_t length;  /* @8  14 to 9216, without FCS */
    int32_t result;   /* @12 out: 0 or a negative errno */
};                    /* 16 octets */

/* ---- events ---- */

enum pa_event_type {
    PA_EVENT_PORT_ADDED = 1,
    PA_EVENT_PORT_CHANGED = 2, /* any of: admin state, carrier, link_changes, locked, learning, MAB, address */
    PA_EVENT_PORT_GONE = 3,    /* a renamed port is gone and then added; its grants have been taken away, and it is locked if it had any */
    PA_EVENT_MAB_CANDIDATE = 4,
    PA_EVENT_OPEN_ENTRY = 5,   /* an unlocked learnt entry on a locked port; it has been deleted already */
    PA_EVENT_ENTRY_ACTIVE = 6, /* a MAC armed by pa_watch has sent again; fires once */
    PA_EVENT_ENTRY_GONE = 7,   /* a grant was deleted, not by this handle and not by the end of its port */
    PA_EVENT_OVERRUN = 8,      /* notices were lost; port events of what changed follow by themselves */
    PA_EVENT_BRIDGE_GONE = 9,  /* `name`, if it has one: renamed to that; its grants have been taken away, and ports that had any are locked */
    PA_EVENT_BRIDGE_BACK = 10, /* made, or made anew: its ports come as PORT_ADDED, unlocked; or it has its name again */
    PA_EVENT_VLANS_CHANGED = 11, /* a port's memberships, by whomever: by this handle, too; or one that the caller is first told of */
};

struct pa_event {
    uint32_t type;       /* @0  enum pa_event_type */
    uint32_t ifindex;    /* @4  port; 0 if the event has none */
    uint32_t flags;      /* @8  PA_PORT_* of a port event, PA_ENTRY_* of an entry event */
    uint16_t vlan;       /* @12 */
    uint8_t mac[6];      /* @14 of the entry, or the port's own address */
    char name[16];       /* @20 of the port, where known (or see PA_EVENT_BRIDGE_GONE); NUL-terminated */
    uint32_t link_changes; /* @36 of a port event: see pa_port */
};                         /* 40 octets */

/* ---- functions ---- */

/* The ABI of the library. A caller that was made for another one must not go on. */
uint32_t pa_abi_version(void);

/*
 * Opens a bridge: "switchdev:br0" (or plain "br0") or "sim:br0", which may
 * name ports to begin with ("sim:br0,p1,p2": up, with link). `*handle` is the caller's until pa_close; on
 * error it is NULL and pa_last_error(NULL) has the sentence. Changes nothing in the data plane. A bridge that is not
 * there is waited for: PA_CAP_NO_BRIDGE until PA_EVENT_BRIDGE_BACK, and requests fail with -ENODEV.
 * -EINVAL bad spec, -EPERM not allowed to open the sockets.
 */
int pa_open(const char *spec, struct pa_handle **handle);

/* Ends the thread and frees the handle. Locks and grants stay as they are: fail closed. NULL is allowed. */
void pa_close(struct pa_handle *handle);

/*
 * What was tried, on what, and why it failed: "lock port lan1: Operation not supported (EOPNOTSUPP)". Of the last
 * failure in the last call on this handle (NULL: of pa_open in this thread); empty if it had none. Valid until the
 * next call. pa_events, pa_wake_fd and the pa_sim_* functions leave it as it is unless they fail.
 */
const char *pa_last_error(const struct pa_handle *handle);

/* "Operation not supported (EOPNOTSUPP)" for an errno of either sign. Valid until the thread's next call. */
const char *pa_errno_text(int error);

int pa_capabilities(struct pa_handle *handle, struct pa_capabilities *out);

/*
 * The bridge's ports, uplinks too. Returns how many were written; -ENOBUFS with `*needed` set if `capacity`
 * records are too few. `needed` may be NULL.
 */
int pa_ports(struct pa_handle *handle, struct pa_port *out, uint32_t capacity, uint32_t *needed);

/*
 * Sets ports, each with a result. Returns 0 if all succeeded, else the first error.
 *
 * To lock: learning goes on whatever was asked (without it no last-seen), the bridge is told not to learn from
 * link-local frames, the port is locked and read back, its dynamic entries (learnt while it was open, they
 * would pass) are flushed, and two dumps at least 2 ms apart prove that none is left; retried 20 times, then
 * -EBUSY, the port staying locked. -EINVAL: the bridge's ageing_time is 0 (the port is locked all the same), or MAB
 * without lock. -EOPNOTSUPP: the kernel did not do it. -ENODEV: no such port in this bridge.
 * To unlock: MAB goes off first, then the lock; candidates are flushed.
 */
int pa_port_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count);

/*
 * All memberships of the bridge's ports and of the bridge itself; none where the bridge was made without VLANs. They
 * say who belongs where also while the bridge does not filter (PA_CAP_VLAN_FILTERING). Returns how many were written;
 * -ENOBUFS with `*needed` set if `capacity` is too small. `needed` may be NULL.
 */
int pa_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed);

/*
 * Makes memberships be as `flags` say, in order, each with a result, and reads them back. A VLAN that no port has yet
 * is made by its first member and gone with its last. PVID takes that role from the VLAN that had it, which stays a
 * member. To remove what is not there is success. Returns 0 if all succeeded, else the first error.
 * -EINVAL: no VLAN of 1 to 4094, or flags beside ABSENT. -ENODEV: no such port in this bridge. -EOPNOTSUPP: a kernel
 * without VLAN filtering. -EIO: the kernel said yes and did something else.
 */
int pa_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count);

/*
 * Sets ports administratively up (`flags` PA_PORT_ADMIN_UP) or down (0), each with a result. Returns 0 if all
 * succeeded, else the first error. Locks and grants stay as they are; one that is so already is left alone.
 * -EINVAL: another flag. -ENODEV: no such port in this bridge. -EOPNOTSUPP: the kernel did not do it.
 */
int pa_link_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count);

/*
 * Writes grants: static, sticky entries. One that is there already (on whatever port, as whatever) is replaced:
 * moved here; but not a static one of somebody else's on a port that is not locked, like an uplink: the MAC is pinned there
 * in that VLAN. Returns 0 if all succeeded, else the first error.
 * -EINVAL: not a station's address, VLAN 0 on a bridge that filters VLANs, or one that the port is no member of. -EADDRINUSE: the bridge's or a
 * port's own address, or one that is pinned. -ENODEV: no such port in this bridge.
 */
int pa_grant(struct pa_handle *handle, struct pa_key *keys, uint32_t count);

/*
 * Takes grants away and proves it: delete, then look up until absent twice at least 2 ms apart, since a frame
 * in flight re-learns the MAC after an acknowledged delete; what was re-learnt is deleted again, up to 20
 * times, then -EBUSY. Absent from the start is success, and so is a port that no longer exists. An entry of the
 * same MAC on another port is not touched. Returns 0 if all succeeded, else the first error.
 */
int pa_revoke(struct pa_handle *handle, struct pa_key *keys, uint32_t count);

/*
 * Arms one PA_EVENT_ENTRY_ACTIVE for each of these grants: the next frame from that MAC raises it. Last-seen
 * is kept. -ENOENT where there is no grant; -EOPNOTSUPP without PA_CAP_ACTIVITY_NOTIFY.
 */
int pa_watch(struct pa_handle *handle, struct pa_key *keys, uint32_t count);

/*
 * The whole table of this bridge; while it does not filter VLANs without the entries that name one, which let nobody through. Returns how many were written; -ENOBUFS with `*needed` set (the count at that
 * moment: it may grow) if `capacity` is too small. `needed` may be NULL.
 */
int pa_table_dump(struct pa_handle *handle, struct pa_entry *out, uint32_t capacity, uint32_t *needed);

/*
 * Sends ready frames out of ports, in order. Never blocks: a full queue is -EAGAIN or -ENOBUFS for that frame.
 * Returns how many were sent; the others have their result. -EMSGSIZE: outside of `octets` or of 14..9216.
 */
int pa_inject(struct pa_handle *handle, struct pa_frame *frames, uint32_t count, const uint8_t *octets,
              uint32_t size);

/*
 * The readable end of a stream socket pair: one octet arrives when pa_events has something, and no other until
 * pa_events has returned 0. The descriptor is the caller's to close from then on; -EALREADY
 * the second time. If never asked for, pa_close closes it.
 */
int pa_wake_fd(struct pa_handle *handle);

/*
 * Takes waiting events without blocking; `capacity` at least 4. Returns how many. To be called until it returns 0:
 * then all were taken, and the next octet can come.
 */
int pa_events(struct pa_handle *handle, struct pa_event *out, uint32_t capacity);

/*
 * The MAC that the host's own neighbour entry (ARP, ND) has for an address of `length` octets (4 or 16) on one of its
 * interfaces. -ENOENT: there is no entry, or it has no valid MAC. -ENODEV: no such interface. -EINVAL: another length, or no
 * name of 1 to 15 octets. -EOPNOTSUPP: this backend has no host.
 */
int pa_neighbour(struct pa_handle *handle, const char *interface, const uint8_t *address, uint32_t length,
                 uint8_t mac[6]);

/*
 * From now on the kernel keeps the head of what opens each connection to this listening TCP socket: for pa_caller.
 * 0, or minus errno; -ENOPROTOOPT or -EINVAL before Linux 5.10. Needs no handle.
 */
int pa_keep_callers(int listener);

/*
 * The Ethernet source of the frame that opened this connection: who has called, whatever ARP and ND say meanwhile. Can be
 * asked once of each connection. -ENOENT: nothing was kept (before pa_keep_callers, or a SYN cookie), or it was no
 * Ethernet frame.
 */
int pa_caller(int connection, uint8_t mac[6]);

/*
 * Shuts the routed path of these ingress interfaces: what the host forwards from or to one of them passes if the address
 * on that side is granted, or one of `exempt`; nothing else does, whether a connection stands already or not. All sets
 * are empty then, and at no moment in between is the path open; but whom an earlier handle has granted stays granted
 * all the while, where this handle opens the path for the first time. `ingress`: 1 to 64 names,
 * separated by commas, of interfaces that need not be there yet. Like grants it stays when the handle is closed.
 * On Linux it is the table `inet rollcall_<bridge>` of nftables, through libnftables, which is loaded here and only
 * here. -EINVAL a name or an address that is none. -EOPNOTSUPP no libnftables, or a kernel without nftables (NFT_FIB_INET).
 * A packet that comes in by another interface than the one that its sender's address is routed to does not pass, granted or not.
 */
int pa_l3_open(struct pa_handle *handle, const char *ingress, struct pa_address *exempt, uint32_t count);

/*
 * Puts addresses into one of the sets (PA_L3_*), or takes them out of it, with proof that they are gone (but of PA_L3_HEARD,
 * which packets fill at any time); each with a result. All at once where nothing fails; else each by itself. What is there already, or absent already, is success.
 * After removal from PA_L3_GRANTED nothing of the address passes in either direction. Returns 0 if all succeeded, else
 * the first error. -ENOENT: not opened, or somebody has removed the table: the path is open, and pa_l3_open is needed.
 */
int pa_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);
int pa_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count);

/*
 * What is in a set. Returns how many were written; -ENOBUFS with `*needed` set if `capacity` is too small. -ENOENT as above;
 * of PA_L3_GRANTED also when somebody has changed anything else of the table since this handle opened it: rules, chains, names
 * of ingress interfaces, exempt addresses. It reads all that there is: 20 ms with 10,000 addresses.
 */
int pa_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity, uint32_t *needed);

/* ---- the simulator: only on a handle of "sim:", -EOPNOTSUPP on others ---- */

#define PA_SIM_LINK_LOCAL (1u << 0) /* the frame goes to 01:80:c2:00:00:0x, like EAPOL */

/* Adds a port, down and unlocked as the kernel would; returns its ifindex, -EEXIST, or -EINVAL for the name. */
int pa_sim_port_add(struct pa_handle *handle, const char *name);
int pa_sim_port_remove(struct pa_handle *handle, uint32_t ifindex);
/* `flags`: PA_PORT_ADMIN_UP, PA_PORT_LINK_UP. */
int pa_sim_link(struct pa_handle *handle, uint32_t ifindex, uint32_t flags);
/*
 * A frame of `octets` length comes in with this source MAC, untagged (`vlan` 0) or tagged: the table learns, refreshes,
 * moves or makes a locked entry as the kernel would. Returns 1 if the frame passes, 0 if it is dropped.
 */
int pa_sim_frame(struct pa_handle *handle, uint32_t ifindex, const uint8_t mac[6], uint16_t vlan,
                 uint32_t octets, uint32_t flags);
/* Sets the simulator's clock (ms; from then on it stands still). Without it idle_ms follows the real clock. */
int pa_sim_clock(struct pa_handle *handle, uint64_t now_ms);
/*
 * Whether the bridge filters VLANs; not at first. As in the kernel, entries then need a VLAN, and else have none. The
 * bridge and every new port are untagged members of VLAN 1, their PVID.
 */
int pa_sim_vlan_filtering(struct pa_handle *handle, uint32_t on);
/* The bridge's ageing_time; 300,000 at first. */
int pa_sim_ageing(struct pa_handle *handle, uint32_t ageing_ms);
/* After `skip` table, port or address operations (one per record), the next `count` fail with `error` (positive errno). */
int pa_sim_fail(struct pa_handle *handle, uint32_t skip, uint32_t count, int error);
/* The next `count` deletes are followed by a frame in flight, which makes an open entry. */
int pa_sim_relearn(struct pa_handle *handle, uint32_t count);
/* Somebody else writes a static, sticky entry, or makes one of that which is there. -EINVAL: no such port. */
int pa_sim_static(struct pa_handle *handle, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);
/* Somebody else deletes an entry. */
int pa_sim_delete(struct pa_handle *handle, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex);
/* The bridge disappears (0) with its ports, or comes back (1) empty. */
int pa_sim_bridge(struct pa_handle *handle, uint32_t present);
/* Loses the waiting notices, as a full socket does. */
int pa_sim_overrun(struct pa_handle *handle);
/* A packet of this address comes in on the routed path. Returns 1 if it passes, 0 if it is dropped (heard, if awaited). */
int pa_sim_packet(struct pa_handle *handle, const struct pa_address *from);
/* Somebody removes the table of the routed path: everything passes. */
int pa_sim_l3_flush(struct pa_handle *handle);
/*
 * Takes the oldest injected frame; returns its length (at most `capacity` octets are copied) and sets
 * `*ifindex`; 0 if there is none. The simulator keeps the newest 1024.
 */
int pa_sim_sent(struct pa_handle *handle, uint8_t *out, uint32_t capacity, uint32_t *ifindex);

#ifdef __cplusplus
}
#endif
#endif
