/* The table of the bridge, all of it: for pa_table_dump, and to count what stands open on a port. */

#include <errno.h>
#include <sys/socket.h>

#include "switchdev.h"

struct dump {
    struct sd *sd;
    struct pa_entry *out;
    uint32_t capacity;
    uint32_t count;
    uint32_t port;      /* where only one is asked about */
    bool has_no_memory; /* for a grant that it found */
};

static bool parse_ours(const struct dump *dump, const struct nlmsghdr *message, struct pa_entry *entry) {
    uint32_t master;
    return message && sd_parse_entry(message, entry, &master, NULL) && master == dump->sd->bridge;
}

static bool is_grant(const struct pa_entry *entry) {
    const uint32_t grant = PA_ENTRY_STATIC | PA_ENTRY_STICKY;
    return (entry->flags & grant) == grant;
}

/* By this handle, or as the notices told it last. */
static bool is_shut(struct sd *sd, uint32_t ifindex) {
    const struct sd_port *port = sd_port_cached(sd, ifindex);
    return port && (port->shut || (port->facts.flags & PA_PORT_LOCKED));
}

static void take_entry(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct dump *dump = argument;
    struct pa_entry entry;
    (void)index;
    (void)error;
    if (!parse_ours(dump, message, &entry)) return;
    /* A bridge that does not filter goes by no VLAN; of a grant the kernel makes a copy in each VLAN of the port all the same. */
    if (entry.vlan && !dump->sd->vlan_filtering) return;
    if (dump->count < dump->capacity) dump->out[dump->count] = entry;
    dump->count++;
    struct grant_set *grants = &dump->sd->grants;
    if (!is_grant(&entry) || grant_set_has(grants, entry.mac, entry.vlan, entry.ifindex)) return;
    /* Grants of an earlier run are watched over like our own. They stand on locked ports; on an uplink it is an administrator's pin. */
    if (is_shut(dump->sd, entry.ifindex) && !grant_set_add(grants, entry.mac, entry.vlan, entry.ifindex))
        dump->has_no_memory = true;
}

/*
 * `ifindex` 0 = all ports. The kernel walks its whole list once for every port of the bridge that it is asked about.
 */
static int run_dump(struct dump *dump, uint32_t ifindex, nl_answer *take) {
    struct sd *sd = dump->sd;
    int error = 0;
    for (int tries = 0; tries < NL_DUMP_TRIES; tries++) {
        const struct ndmsg body = {.ndm_family = AF_BRIDGE, .ndm_ifindex = (int)ifindex};
        dump->count = 0;
        nl_begin(&sd->requests, RTM_GETNEIGH, NLM_F_DUMP, &body, sizeof body);
        nl_put_u32(&sd->requests, NDA_MASTER, sd->bridge);
        error = nl_dump(&sd->requests, take, dump);
        if (error != -EINTR) break;
    }
    return error;
}

int sd_dump(struct pa_handle *handle, struct pa_entry *out, uint32_t capacity, uint32_t *needed) {
    struct dump dump = {.sd = (struct sd *)handle, .out = out, .capacity = capacity};
    int error = sd_find_bridge(dump.sd, NULL);
    if (error) return error;
    error = run_dump(&dump, 0, take_entry);
    if (dump.has_no_memory) error = -ENOMEM;
    *needed = dump.count;
    if (error) return pa_error(handle, error, "dump the table of bridge %s", handle->bridge);
    if (dump.count > capacity)
        return pa_error(handle, ENOBUFS, "dump the table of bridge %s: %u entries, room for %u", handle->bridge,
                        dump.count, capacity);
    return (int)dump.count;
}

static void note_grant(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct dump *dump = argument;
    struct pa_entry entry;
    (void)index;
    (void)error;
    if (!parse_ours(dump, message, &entry)) return;
    if (entry.ifindex != dump->port || !is_grant(&entry)) return;
    if (!grant_set_add(&dump->sd->grants, entry.mac, entry.vlan, entry.ifindex)) dump->has_no_memory = true;
}

int sd_note_grants(struct sd *sd, uint32_t ifindex) {
    struct dump dump = {.sd = sd, .port = ifindex};
    const int error = run_dump(&dump, ifindex, note_grant);
    return error ? error : dump.has_no_memory ? -ENOMEM : 0;
}

static void count_open(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct dump *dump = argument;
    struct pa_entry entry;
    (void)index;
    (void)error;
    if (!parse_ours(dump, message, &entry)) return;
    if (entry.ifindex != dump->port) return;
    if ((entry.flags & (PA_ENTRY_DYNAMIC | PA_ENTRY_LOCKED)) == PA_ENTRY_DYNAMIC) dump->count++;
}

int sd_count_open(struct sd *sd, uint32_t ifindex) {
    struct dump dump = {.sd = sd, .port = ifindex};
    const int error = run_dump(&dump, ifindex, count_open);
    return error ? error : (int)dump.count;
}
