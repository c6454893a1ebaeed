/*
 * Addresses on the routed path: a table of nftables of our own, which drops what is forwarded from or to an ingress interface
 * unless the address on that side is granted, and nothing from an interface that the address is not routed to: whoever is
 * behind another one does not pass by its name. No connection tracking: the sets are asked for every packet, so that what is
 * taken out of one is out at once, in both directions, in the middle of whatever was going on.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switchdev.h"

static const char *const SET_NAMES[PA_L3_SETS][2] = {
    [PA_L3_GRANTED] = {"granted4", "granted6"},
    [PA_L3_AWAITED] = {"awaited4", "awaited6"},
    [PA_L3_HEARD] = {"heard4", "heard6"},
};

/* %s: table, quoted interface names, elements of exempt4, exempt6, granted4 and granted6. */
static const char TABLE[] =
    "table inet %1$s {}\n"
    "delete table inet %1$s\n"
    "table inet %1$s {\n"
    "set ingress { type ifname; elements = { %2$s }; }\n"
    "set exempt4 { type ipv4_addr; %3$s }\n"
    "set exempt6 { type ipv6_addr; %4$s }\n"
    "set granted4 { type ipv4_addr; %5$s }\n"
    "set granted6 { type ipv6_addr; %6$s }\n"
    "set awaited4 { type ipv4_addr; }\n"
    "set awaited6 { type ipv6_addr; }\n"
    "set heard4 { type ipv4_addr; flags dynamic; size 65535; }\n"
    "set heard6 { type ipv6_addr; flags dynamic; size 65535; }\n"
    "chain from_client {\n"
    "fib saddr . iif oif missing drop\n"
    "ip saddr @granted4 return\n"
    "ip6 saddr @granted6 return\n"
    "ip saddr @exempt4 return\n"
    "ip6 saddr @exempt6 return\n"
    "ip saddr @awaited4 add @heard4 { ip saddr }\n"
    "ip6 saddr @awaited6 add @heard6 { ip6 saddr }\n"
    "drop\n"
    "}\n"
    "chain to_client {\n"
    "ip daddr @granted4 return\n"
    "ip6 daddr @granted6 return\n"
    "ip daddr @exempt4 return\n"
    "ip6 daddr @exempt6 return\n"
    "drop\n"
    "}\n"
    "chain forward {\n"
    "type filter hook forward priority -10; policy accept;\n"
    "iifname @ingress jump from_client\n"
    "oifname @ingress jump to_client\n"
    "}\n"
    "}\n";

/* "vpn0,vpn1" as "\"vpn0\", \"vpn1\"". */
static char *quoted(const char *names) {
    char *const out = malloc(5 * strlen(names) + 3);
    if (!out) return NULL;
    char *at = out;
    *at++ = '"';
    for (; *names; names++) {
        if (*names == ',') {
            memcpy(at, "\", \"", 4);
            at += 4;
        } else
            *at++ = *names;
    }
    *at++ = '"';
    *at = 0;
    return out;
}

/* "elements = { ... };" of those of one family, or "". */
static char *elements_of(const struct pa_address *addresses, uint32_t count, uint32_t family) {
    char *const out = malloc(32 + 48 * (size_t)count);
    if (!out) return NULL;
    size_t length = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        char text[48];
        if (addresses[i].family != family) continue;
        length += (size_t)sprintf(out + length, "%s%s", length ? ", " : "elements = { ", pa_address_text(&addresses[i], text));
    }
    if (length) strcpy(out + length, " };");
    return out;
}

struct listing {
    struct pa_address *out;
    uint32_t capacity, count, family;
};

static void take(void *context, const char *element) {
    struct listing *listing = context;
    struct pa_address address = {.family = listing->family};
    if (inet_pton(listing->family == 4 ? AF_INET : AF_INET6, element, address.octets) != 1) return;
    if (listing->count < listing->capacity) listing->out[listing->count] = address;
    listing->count++;
}

/* Of both families; counts also what there is no room for. */
static int list_set(struct sd *sd, uint32_t set, struct listing *listing) {
    char table[NFT_TABLE_NAME];
    listing->count = 0;
    for (listing->family = 4; listing->family <= 6; listing->family += 2) {
        const struct nft_set of = {"inet", nft_table_name("rollcall_", sd->base.bridge, table), SET_NAMES[set][listing->family == 6]};
        const int error = nft_list(&sd->nft, &sd->base, &of, take, listing);
        if (error) return error;
    }
    return 0;
}

/* Takes out of a table's text what is in this set; `listing`, if any, gets the addresses. False if there is no such set. */
static bool take_out_elements(char *text, const char *name, struct listing *listing) {
    char head[32];
    snprintf(head, sizeof head, "\n\tset %s {\n", name);
    char *const set = strstr(text, head);
    char *const end = set ? strstr(set, "\n\t}") : NULL;
    char *const elements = end ? strstr(set, "\n\t\t" NFT_ELEMENTS) : NULL;
    if (!elements || elements > end) return end != NULL;
    if (listing) nft_elements(elements + strlen("\n\t\t"), take, listing);
    memmove(elements, end, strlen(end) + 1);
    return true;
}

/*
 * The whole table but whatever users' addresses are in its sets, into `*made`, which the caller frees; `granted`, if any, gets
 * those of PA_L3_GRANTED. -ENOENT without the table, or without one of these sets.
 */
static int read_table(struct sd *sd, char **made, struct listing *granted) {
    char table[NFT_TABLE_NAME];
    int error;
    char *const text = nft_table(&sd->nft, &sd->base, "inet", nft_table_name("rollcall_", sd->base.bridge, table), &error);
    for (uint32_t set = 0; !error && set < PA_L3_SETS; set++)
        for (uint32_t family = 4; !error && family <= 6; family += 2) {
            struct listing *const listing = set == PA_L3_GRANTED ? granted : NULL;
            if (listing) listing->family = family;
            if (!take_out_elements(text, SET_NAMES[set][family == 6], listing))
                error = pa_error(&sd->base, ENOENT, "find set %s", SET_NAMES[set][family == 6]);
        }
    if (error)
        free(text);
    else
        *made = text;
    return error;
}

/* Whom an earlier handle has granted: they pass all the while. None after this handle's own first opening. */
static struct pa_address *granted_before(struct sd *sd, uint32_t *count) {
    struct listing listing = {0};
    *count = 0;
    if (sd->l3_made) return NULL;
    const int none = list_set(sd, PA_L3_GRANTED, &listing);
    /* Most often there is no table, which is no error of anybody's. */
    sd->base.error[0] = 0;
    if (none || !listing.count) return NULL;
    listing.capacity = listing.count;
    listing.out = calloc(listing.capacity, sizeof *listing.out);
    if (!listing.out || list_set(sd, PA_L3_GRANTED, &listing)) {
        free(listing.out);
        return NULL;
    }
    *count = listing.count < listing.capacity ? listing.count : listing.capacity;
    return listing.out;
}

int sd_l3_open(struct pa_handle *handle, const char *ingress, const struct pa_address *exempt, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    char table[NFT_TABLE_NAME], *commands = NULL;
    uint32_t kept_count;
    struct pa_address *const kept = granted_before(sd, &kept_count);
    char *const names = quoted(ingress), *const v4 = elements_of(exempt, count, 4), *const v6 = elements_of(exempt, count, 6);
    char *const kept4 = elements_of(kept, kept_count, 4), *const kept6 = elements_of(kept, kept_count, 6);
    int result = -ENOMEM;
    if (names && v4 && v6 && kept4 && kept6) {
        const size_t texts = strlen(names) + strlen(v4) + strlen(v6) + strlen(kept4) + strlen(kept6);
        const size_t size = sizeof TABLE + 3 * NFT_TABLE_NAME + texts;
        commands = malloc(size);
        if (commands) snprintf(commands, size, TABLE, nft_table_name("rollcall_", handle->bridge, table), names, v4, v6, kept4, kept6);
    }
    if (commands)
        result = nft_run(&sd->nft, handle, "shut the routed path", commands);
    else
        pa_error(handle, ENOMEM, "shut the routed path");
    /* A kernel without nftables, its inet family or its fib expression has no such table to speak of. */
    if (result == -ENOENT || result == -EAFNOSUPPORT) result = pa_error(handle, EOPNOTSUPP, "shut the routed path");
    free(sd->l3_made);
    sd->l3_made = NULL;
    if (!result) result = read_table(sd, &sd->l3_made, NULL);
    free(commands);
    free(names);
    free(v4);
    free(v6);
    free(kept);
    free(kept4);
    free(kept6);
    return result;
}

/* -ENOENT if the table is not what this handle has made. */
static int audit(struct sd *sd, struct listing *granted) {
    char *now = NULL;
    const int error = read_table(sd, &now, granted);
    const bool same = !error && strcmp(now, sd->l3_made) == 0;
    free(now);
    return error || same ? error : pa_error(&sd->base, ENOENT, "find the rules of the routed path as they were made");
}

int sd_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity, uint32_t *needed) {
    struct listing listing = {.out = out, .capacity = capacity};
    struct sd *const sd = (struct sd *)handle;
    const int error = set == PA_L3_GRANTED && sd->l3_made ? audit(sd, &listing) : list_set(sd, set, &listing);
    if (error) return error;
    *needed = listing.count;
    if (listing.count > capacity)
        return pa_error(handle, ENOBUFS, "read %u addresses, room for %u", listing.count, capacity);
    return (int)listing.count;
}

/* Those of one family, in one transaction. */
static int change_family(struct sd *sd, const struct nft_set *set, enum nft_change how, struct pa_address *addresses,
                         uint32_t count, uint32_t family) {
    char(*const texts)[NFT_ELEMENT] = calloc(count, sizeof *texts);
    int32_t *const results = calloc(count, sizeof *results);
    uint32_t asked = 0;
    if (!texts || !results) {
        free(texts);
        free(results);
        return pa_error(&sd->base, ENOMEM, "change %u addresses", count);
    }
    for (uint32_t i = 0; i < count; i++)
        if (addresses[i].family == family && addresses[i].result == 0)
            inet_ntop(family == 4 ? AF_INET : AF_INET6, addresses[i].octets, texts[asked++], NFT_ELEMENT);
    nft_change(&sd->nft, &sd->base, set, how, (const char(*)[NFT_ELEMENT])texts, results, asked);
    asked = 0;
    for (uint32_t i = 0; i < count; i++)
        if (addresses[i].family == family && addresses[i].result == 0) addresses[i].result = results[asked++];
    free(texts);
    free(results);
    return 0;
}

static void change(struct sd *sd, uint32_t set, enum nft_change how, struct pa_address *addresses, uint32_t count) {
    char table[NFT_TABLE_NAME];
    nft_table_name("rollcall_", sd->base.bridge, table);
    for (uint32_t family = 4; family <= 6; family += 2) {
        const struct nft_set of = {"inet", table, SET_NAMES[set][family == 6]};
        bool any = false;
        for (uint32_t i = 0; i < count; i++) any |= addresses[i].family == family && addresses[i].result == 0;
        const int error = any ? change_family(sd, &of, how, addresses, count, family) : 0;
        for (uint32_t i = 0; error && i < count; i++)
            if (addresses[i].family == family && addresses[i].result == 0) addresses[i].result = error;
    }
}

void sd_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    change((struct sd *)handle, set, NFT_ADD, addresses, count);
}

/* Packets fill PA_L3_HEARD at any time: there is nothing to prove there. */
void sd_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    struct sd *sd = (struct sd *)handle;
    change(sd, set, NFT_REMOVE, addresses, count);
    if (set == PA_L3_HEARD) return;
    change(sd, set, NFT_ABSENT, addresses, count);
    for (uint32_t i = 0; i < count; i++) {
        char text[48];
        if (addresses[i].result == -EEXIST)
            addresses[i].result = pa_error(handle, EBUSY, "remove %s: it is still there", pa_address_text(&addresses[i], text));
    }
}
