/*
 * The bridge's table: grants, and revocations with proof. Messages go out by the batch. The kernel acknowledges the
 * last and answers each that it refuses, so every record has its own result for the price of one acknowledgement.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "switchdev.h"

/* What an answer of a batch belongs to. */
struct batch {
    struct sd *sd;
    int *verdicts;          /* of each message; NO_VERDICT = none came: done, if the batch was answered */
    struct pa_entry *found; /* of each message, for look-ups; flags UINT32_MAX = none */
};

#define NO_VERDICT INT32_MAX
#define NOT_FOUND UINT32_MAX

static void take_answer(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct batch *batch = argument;
    uint32_t master;
    if (index < 0 || index >= NL_BATCH) return;
    if (!message)
        batch->verdicts[index] = error;
    else if (batch->found)
        if (!sd_parse_entry(message, &batch->found[index], &master, NULL) || master != batch->sd->bridge)
            batch->found[index].flags = NOT_FOUND;
}

enum request { WRITE_NEW_GRANT, WRITE_GRANT, ARM_WATCH, DELETE_ENTRY, LOOK_UP };

static const uint16_t WRITE_FLAGS[] = {
    [WRITE_NEW_GRANT] = NLM_F_CREATE | NLM_F_EXCL,
    [WRITE_GRANT] = NLM_F_CREATE | NLM_F_REPLACE,
    [ARM_WATCH] = NLM_F_REPLACE,
};

static void begin_request(struct sd *sd, enum request request, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    struct nl_socket *socket = &sd->requests;
    struct ndmsg body = {.ndm_family = AF_BRIDGE, .ndm_ifindex = (int)ifindex, .ndm_flags = NTF_MASTER};
    switch (request) {
    case WRITE_NEW_GRANT:
    case WRITE_GRANT:
    case ARM_WATCH:
        body.ndm_flags |= NTF_STICKY;
        body.ndm_state = NUD_NOARP;
        nl_begin(socket, RTM_NEWNEIGH, WRITE_FLAGS[request], &body, sizeof body);
        break;
    case DELETE_ENTRY:
        nl_begin(socket, RTM_DELNEIGH, 0, &body, sizeof body);
        break;
    case LOOK_UP:
        /* Asked of the bridge, not of the port: the port may be gone. */
        body.ndm_ifindex = 0;
        body.ndm_flags = 0;
        nl_begin(socket, RTM_GETNEIGH, NLM_F_ACK, &body, sizeof body);
        nl_put_u32(socket, NDA_MASTER, sd->bridge);
        break;
    }
    nl_put(socket, NDA_LLADDR, mac, 6);
    if (vlan) nl_put(socket, NDA_VLAN, &vlan, sizeof vlan);
    if (request == ARM_WATCH) {
        struct rtattr *nest = nl_nest(socket, UAPI_NDA_FDB_EXT_ATTRS);
        nl_put_u8(socket, UAPI_NFEA_ACTIVITY_NOTIFY, UAPI_FDB_NOTIFY_BIT | UAPI_FDB_NOTIFY_INACTIVE_BIT);
        nl_put(socket, UAPI_NFEA_DONT_REFRESH, NULL, 0);
        nl_nest_end(socket, nest);
    }
}

/* Called with the verdict of each key that was asked about, after its batch has come back. */
typedef void verdict_taker(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found,
                           void *argument);
typedef bool key_picker(const struct pa_key *key, const void *argument, uint32_t index);

/*
 * Sends `request` for every key that `wants` picks, in batches, and hands out the verdicts.
 * A conversation that broke down gives its error to the keys that had no verdict.
 */
static void for_keys(struct sd *sd, enum request request, struct pa_key *keys, uint32_t count, key_picker *wants,
                     verdict_taker *take, void *argument) {
    uint32_t at[NL_BATCH]; /* index into keys of each message of the batch */
    int verdicts[NL_BATCH];
    struct pa_entry found[NL_BATCH];
    struct batch batch = {.sd = sd, .verdicts = verdicts, .found = request == LOOK_UP ? found : NULL};
    uint32_t next = 0;
    while (next < count) {
        int queued = 0;
        for (; next < count && queued < sd->requests.batch; next++) {
            if (!wants(&keys[next], argument, next)) continue;
            at[queued] = next;
            verdicts[queued] = NO_VERDICT;
            found[queued].flags = NOT_FOUND;
            queued++;
            begin_request(sd, request, keys[next].mac, keys[next].vlan, keys[next].ifindex);
        }
        const int broken = nl_flush(&sd->requests, take_answer, &batch);
        for (int i = 0; i < queued; i++) {
            const int verdict = verdicts[i] == NO_VERDICT ? broken : verdicts[i];
            take(sd, &keys[at[i]], verdict, found[i].flags == NOT_FOUND ? NULL : &found[i], argument);
        }
    }
}

static bool has_no_result(const struct pa_key *key, const void *argument, uint32_t index) {
    (void)argument;
    (void)index;
    return key->result == 0;
}

static int key_failure(struct sd *sd, const struct pa_key *key, int error, const char *verb, const char *detail) {
    char mac[18], label[24];
    const char *separator = detail[0] ? ": " : "";
    pa_mac_text(key->mac, mac);
    sd_port_label(sd, key->ifindex, label);
    if (key->vlan)
        return pa_error(&sd->base, error, "%s %s VLAN %u on %s%s%s", verb, mac, key->vlan, label, separator, detail);
    return pa_error(&sd->base, error, "%s %s on %s%s%s", verb, mac, label, separator, detail);
}

/* ---- grant and watch ---- */

static bool is_own_address(const struct sd *sd, const uint8_t mac[6]) {
    if (memcmp(mac, sd->bridge_address, 6) == 0) return true;
    for (uint32_t i = 0; i < sd->port_count; i++)
        if (memcmp(mac, sd->ports[i].facts.address, 6) == 0) return true;
    return false;
}

static void take_grant(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    const char *verb = argument;
    (void)found;
    if (verdict == 0) {
        /* There is room: make_room. */
        grant_set_add(&sd->grants, key->mac, key->vlan, key->ifindex);
        key->result = 0;
        return;
    }
    /* A link that is in no bridge (any more) is refused as "not supported". */
    struct sd_link link;
    if (verdict == -EOPNOTSUPP && sd_port_now(sd, key->ifindex, &link) == -ENODEV) verdict = -ENODEV;
    key->result = key_failure(sd, key, verdict, verb, sd->requests.reason);
}

/* Ports that this call has asked the kernel about. */
#define PORTS_ASKED 64u
struct asked {
    uint32_t ifindex[PORTS_ASKED];
    int verdict[PORTS_ASKED];
    uint32_t count;
};

/* 0 if the port is of this bridge, not of some other one that the kernel would write to as readily. */
static int port_verdict(struct sd *sd, struct asked *asked, uint32_t ifindex) {
    const uint32_t known = asked->count < PORTS_ASKED ? asked->count : PORTS_ASKED;
    for (uint32_t i = 0; i < known; i++)
        if (asked->ifindex[i] == ifindex) return asked->verdict[i];
    struct sd_link link;
    const uint32_t at = asked->count++ % PORTS_ASKED;
    asked->ifindex[at] = ifindex;
    return asked->verdict[at] = sd->bridge ? sd_port_now(sd, ifindex, &link) : -ENODEV;
}

/* Most are new; nothing has to be looked up for them. */
static void take_new_grant(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    if (verdict == -EEXIST)
        key->result = verdict;
    else
        take_grant(sd, key, verdict, found, argument);
}

static bool has_an_entry(const struct pa_key *key, const void *argument, uint32_t index) {
    (void)argument;
    (void)index;
    return key->result == -EEXIST;
}

/*
 * Not taken over: a static entry on another port that is open to all, of an uplink above all, where no grant of ours stands. On a
 * locked port it is a grant of somebody's, and moves.
 */
static void find_pin(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    struct sd_link link;
    (void)argument;
    if (verdict && verdict != -ENOENT) {
        key->result = key_failure(sd, key, verdict, "grant", "look at the entry that is there");
        return;
    }
    const bool is_foreign = found && found->ifindex != key->ifindex && (found->flags & PA_ENTRY_STATIC) &&
                            !(found->flags & PA_ENTRY_LOCAL) &&
                            !grant_set_has(&sd->grants, key->mac, key->vlan, found->ifindex);
    if (!is_foreign) return;
    const int error = sd_port_now(sd, found->ifindex, &link);
    if (error == -ENODEV || (!error && (link.port.flags & PA_PORT_LOCKED))) return;
    key->result = error ? key_failure(sd, key, error, "grant", "look at the port of the entry that is there")
                        : key_failure(sd, key, EADDRINUSE, "grant",
                                      "it is pinned to another port by a static entry of somebody's");
}

/* A grant that nobody watches over is not written. */
static void make_room(struct sd *sd, struct pa_key *keys, uint32_t count, const char *verb) {
    if (grant_set_reserve(&sd->grants, count)) return;
    for (uint32_t i = 0; i < count; i++)
        if (!keys[i].result) keys[i].result = key_failure(sd, &keys[i], ENOMEM, verb, "");
}

void sd_grant(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    struct asked asked = {.count = 0};
    sd_find_bridge(sd, NULL);
    for (uint32_t i = 0; i < count; i++) {
        struct pa_key *key = &keys[i];
        if (key->result) continue;
        const int verdict = port_verdict(sd, &asked, key->ifindex);
        if (verdict)
            key->result = key_failure(sd, key, verdict, "grant", "");
        else if (is_own_address(sd, key->mac))
            key->result = key_failure(sd, key, EADDRINUSE, "grant", "the address of the bridge or of a port");
        else if (sd->vlan_filtering && key->vlan == 0)
            key->result = key_failure(sd, key, EINVAL, "grant", "the bridge filters VLANs, so a grant must name one");
    }
    make_room(sd, keys, count, "grant");
    for_keys(sd, WRITE_NEW_GRANT, keys, count, has_no_result, take_new_grant, "grant");
    for_keys(sd, LOOK_UP, keys, count, has_an_entry, find_pin, NULL);
    for_keys(sd, WRITE_GRANT, keys, count, has_an_entry, take_grant, "grant");
}

static void find_grant(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    (void)argument;
    const bool granted = found && found->ifindex == key->ifindex && (found->flags & PA_ENTRY_STATIC) &&
                         !(found->flags & PA_ENTRY_LOCAL);
    if (verdict == 0 && !granted) verdict = -ENOENT;
    if (verdict) key->result = key_failure(sd, key, verdict, "watch", sd->requests.reason);
}

void sd_watch(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    sd_find_bridge(sd, NULL);
    /* Looked up first, since REPLACE would turn any entry of this MAC into a grant here. */
    for_keys(sd, LOOK_UP, keys, count, has_no_result, find_grant, NULL);
    make_room(sd, keys, count, "watch");
    for_keys(sd, ARM_WATCH, keys, count, has_no_result, take_grant, "watch");
}

/* ---- revoke ---- */

/* How far each key's proof is: looks in a row that found it absent, and deletes so far. */
struct proof {
    uint8_t absent;
    uint8_t deletes;
    bool present;
};

struct revocation {
    struct pa_key *keys;
    struct proof *proofs;
};

static bool needs_delete(const struct pa_key *key, const void *argument, uint32_t index) {
    const struct revocation *work = argument;
    return key->result == 0 && work->proofs[index].present;
}

static void take_delete(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    struct revocation *work = argument;
    struct proof *proof = &work->proofs[key - work->keys];
    (void)found;
    proof->present = false;
    proof->deletes++;
    if (verdict == 0 || verdict == -ENOENT || verdict == -ENODEV) return;
    /* So says the kernel of a VLAN that the port is in no more; the look-up tells whether an entry is left. */
    if (verdict == -EINVAL && key->vlan) return;
    /* A port that has left the bridge took its entries along; the look-up will say if not. */
    struct sd_link link;
    if (sd_port_now(sd, key->ifindex, &link) == -ENODEV) return;
    key->result = key_failure(sd, key, verdict, "revoke", sd->requests.reason);
}

static bool needs_look(const struct pa_key *key, const void *argument, uint32_t index) {
    const struct revocation *work = argument;
    return key->result == 0 && work->proofs[index].absent < 2;
}

static void take_look(struct sd *sd, struct pa_key *key, int verdict, const struct pa_entry *found, void *argument) {
    struct revocation *work = argument;
    struct proof *proof = &work->proofs[key - work->keys];
    if (verdict && verdict != -ENOENT) {
        key->result = key_failure(sd, key, verdict, "revoke", "look for the entry");
        return;
    }
    /* Not ours: a grant elsewhere, a MAB candidate, the port's own address. */
    if (found && (found->ifindex != key->ifindex || (found->flags & (PA_ENTRY_LOCKED | PA_ENTRY_LOCAL)))) found = NULL;
    if (!found) {
        proof->absent++;
        return;
    }
    proof->absent = 0;
    proof->present = true;
    if (proof->deletes >= PA_PROOF_TRIES)
        key->result = key_failure(sd, key, EBUSY, "revoke", "the entry keeps coming back");
}

/* Of the bridge sd->bridge. */
static void revoke_all(struct sd *sd, struct pa_key *keys, uint32_t count) {
    struct proof *proofs = calloc(count ? count : 1, sizeof *proofs);
    struct revocation work = {.keys = keys, .proofs = proofs};
    for (uint32_t i = 0; !proofs && i < count; i++)
        if (!keys[i].result) keys[i].result = key_failure(sd, &keys[i], ENOMEM, "revoke", "");
    for (uint32_t i = 0; proofs && i < count; i++) {
        proofs[i].present = true;
        if (keys[i].result == 0) grant_set_remove(&sd->grants, keys[i].mac, keys[i].vlan, keys[i].ifindex);
    }
    for (bool pending = proofs; pending;) {
        for_keys(sd, DELETE_ENTRY, keys, count, needs_delete, take_delete, &work);
        for_keys(sd, LOOK_UP, keys, count, needs_look, take_look, &work);
        pending = false;
        for (uint32_t i = 0; i < count && !pending; i++) pending = needs_look(&keys[i], &work, i);
        if (pending) sd_proof_gap();
    }
    free(proofs);
}

void sd_revoke(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    if (sd_find_bridge(sd, NULL) == -ENODEV)
        handle->error[0] = 0; /* no bridge, no entries: done */
    else
        revoke_all(sd, keys, count);
}

void sd_abandon(struct sd *sd, uint32_t ifindex) {
    struct pa_key *keys = calloc(sd->grants.used ? sd->grants.used : 1, sizeof *keys);
    const uint32_t count = keys ? grant_set_list(&sd->grants, ifindex, keys, sd->grants.used) : 0;
    sd->bridge = sd->bridge_noticed;
    /* One that was open for the sake of whom it had let in, first: else everybody passes while the grant goes. */
    for (uint32_t i = 0; i < count; i++) sd_lock_again(sd, keys[i].ifindex);
    if (count) revoke_all(sd, keys, count);
    free(keys);
}

/* ---- single entries, for events ---- */

int sd_lookup(struct sd *sd, const uint8_t mac[6], uint16_t vlan, struct pa_entry *entry) {
    int verdict = NO_VERDICT;
    struct batch batch = {.sd = sd, .verdicts = &verdict, .found = entry};
    entry->flags = NOT_FOUND;
    begin_request(sd, LOOK_UP, mac, vlan, 0);
    const int error = nl_flush(&sd->requests, take_answer, &batch);
    if (error) return error;
    if (verdict && verdict != -ENOENT && verdict != -ENODEV) return verdict;
    return entry->flags == NOT_FOUND ? 0 : 1;
}

int sd_delete(struct sd *sd, const uint8_t mac[6], uint16_t vlan, uint32_t ifindex) {
    begin_request(sd, DELETE_ENTRY, mac, vlan, ifindex);
    return nl_talk(&sd->requests, NULL, NULL);
}
