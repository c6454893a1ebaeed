/*
 * rollcall-lock: keeps the access ports of a switch shut from before they are there, with the agent or without it.
 *
 *   rollcall-lock load FILE    makes the table of the packet filter, and ends: before any interface is up
 *   rollcall-lock run FILE     the same, then locks each access port the moment it joins the bridge, for ever
 *   rollcall-lock clear FILE   takes the table away: for who removes Rollcall
 *   rollcall-lock open FILE PORT...   opens ports by hand (open.h)
 *
 * FILE is the lock file (lock-file.h), made of the agent's configuration; while there is none, nothing is locked: a switch that was never
 * configured locks nobody out. Two lines of defence:
 *
 *   the packet filter   drops what comes in by a port that is not in the set of open ports (lock-table.h)
 *   the bridge          the port is locked, with proof (pa_port_set); then, and only then, it comes into the set
 *
 * A port of which the lock cannot be proven stays out of the set, and is tried again. Uplinks, and ports that the
 * configuration leaves open, come into the set as they join. A port that leaves is taken out of the set, as soon as the
 * kernel says that it is leaving, which is before it has left. What the agent does with a port later is the agent's: this program acts
 * once for each time that a port joins, and at its own start; the agent opens again what it had open. It ends without opening anything.
 *
 * Needs CAP_NET_ADMIN and nothing else; no Node. Exit code 0 done, 1 it could not be done, 2 usage.
 */
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../src/switchdev.h"
#include "lock-file.h"
#include "lock-table.h"
#include "open.h"

#define PORTS 1024 /* BR_MAX_PORTS */
#define LOOK_MS 1000
#define RETRY_MS 1000
/* The packet filter's notices are looked at so late, since one change of somebody's makes many. */
#define SETTLE_MS 20

enum port_state {
    DUE,    /* has joined: to be judged */
    CLOSED, /* its lock is not proven: to be tried again */
    OPEN,   /* in the set */
    LEFT,   /* out of the bridge: to be taken out of the set, and forgotten */
};

struct port {
    uint32_t ifindex;
    char name[16];
    enum port_state state;
    bool in_set;
    bool complained;
};

struct locker {
    const char *path;
    struct lock_file file;
    struct stat known; /* the lock file as it was read */
    struct lock_table table;
    struct sd *sd;
    int rules_fd; /* the packet filter's notices */
    struct port ports[PORTS];
    size_t count;
    uint64_t retry_at, look_at, check_at; /* ms; UINT64_MAX = not */
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct pa_handle *handle_of(struct locker *locker) { return locker->sd ? &locker->sd->base : NULL; }

/* ---- ports ---- */

static struct port *find_port(struct locker *locker, uint32_t ifindex) {
    for (size_t i = 0; i < locker->count; i++)
        if (locker->ports[i].ifindex == ifindex) return &locker->ports[i];
    return NULL;
}

static void joined(struct locker *locker, uint32_t ifindex, const char *name) {
    struct port *port = find_port(locker, ifindex);
    if (!port && locker->count == PORTS) return;
    if (!port) {
        port = &locker->ports[locker->count++];
        *port = (struct port){.ifindex = ifindex};
    }
    memcpy(port->name, name, sizeof port->name);
    port->state = DUE;
    port->complained = false;
}

static void left(struct locker *locker, uint32_t ifindex) {
    struct port *port = find_port(locker, ifindex);
    if (port) port->state = LEFT;
}

static void drain_events(struct locker *locker) {
    struct pa_event events[64];
    int count;
    while ((count = sd_events(handle_of(locker), events, 64)) > 0)
        for (int i = 0; i < count; i++) {
            const struct pa_event *event = &events[i];
            if (event->type == PA_EVENT_PORT_ADDED)
                joined(locker, event->ifindex, event->name);
            else if (event->type == PA_EVENT_PORT_GONE || event->type == SD_EVENT_PORT_LEAVING)
                left(locker, event->ifindex);
        }
    if (count < 0) say("%s", pa_last_error(handle_of(locker)));
}

/* ---- judging ---- */

static uint32_t flags_now(struct locker *locker, uint32_t ifindex) {
    struct sd_link link;
    return sd_port_now(locker->sd, ifindex, &link) == 0 ? link.port.flags : 0;
}

/* The port was locked by somebody: the agent, or we before our last end. Without an open entry, twice, that will do. */
static bool is_proven(struct locker *locker, uint32_t ifindex) {
    for (int looks = 0; looks < 2; looks++) {
        if (looks) sd_proof_gap();
        if (sd_find_bridge(locker->sd, NULL) || sd_count_open(locker->sd, ifindex) != 0) return false;
    }
    return true;
}

static void complain(struct port *port, const char *why) {
    if (!port->complained) say("%s stays shut, and is tried again: %s", port->name, why);
    port->complained = true;
}

/* All that are to be locked share one proof. */
static void lock_ports(struct locker *locker, struct port **ports, size_t count) {
    static struct pa_port_setting settings[PORTS];
    struct pa_handle *handle = handle_of(locker);
    for (size_t i = 0; i < count; i++)
        settings[i] = (struct pa_port_setting){
            .ifindex = ports[i]->ifindex,
            .flags = PA_PORT_LOCKED | PA_PORT_LEARNING | (flags_now(locker, ports[i]->ifindex) & (PA_PORT_MAB | PA_PORT_UNFLOODED))};
    if (count) pa_port_set(handle, settings, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        const int result = settings[i].result;
        ports[i]->state = result ? CLOSED : OPEN;
        /* One that has left meanwhile says so next. */
        if (result && result != -ENODEV) complain(ports[i], count == 1 ? pa_last_error(handle) : pa_errno_text(result));
        if (!result) say("%s is locked", ports[i]->name);
    }
}

/* The bridge first, then the packet filter: a port that left and came back has been in the set all the while. */
static void settle(struct locker *locker) {
    static uint32_t in[PORTS], out[PORTS];
    static struct port *locking[PORTS];
    size_t in_count = 0, out_count = 0, lock_count = 0;
    for (size_t i = 0; i < locker->count; i++) {
        struct port *port = &locker->ports[i];
        if (port->state != DUE) continue;
        const bool access = lock_file_locks(&locker->file, port->name);
        const bool locked = access && (flags_now(locker, port->ifindex) & PA_PORT_LOCKED);
        if (!access || (locked && is_proven(locker, port->ifindex)))
            port->state = OPEN;
        else
            locking[lock_count++] = port;
    }
    lock_ports(locker, locking, lock_count);
    bool retry = false;
    for (size_t i = 0; i < locker->count; i++) {
        struct port *port = &locker->ports[i];
        const bool open = port->state == OPEN;
        retry |= port->state == CLOSED;
        if (open && !port->in_set) in[in_count++] = port->ifindex;
        if (!open && port->in_set) out[out_count++] = port->ifindex;
    }
    const int error = lock_table_change(&locker->table, handle_of(locker), in, in_count, out, out_count);
    if (error) say("%s", pa_last_error(handle_of(locker)));
    size_t kept = 0;
    for (size_t i = 0; i < locker->count; i++) {
        struct port *port = &locker->ports[i];
        if (!error) port->in_set = port->state == OPEN;
        if (port->state != LEFT)
            locker->ports[kept++] = *port;
        else if (port->name[0])
            say("%s has left", port->name);
    }
    locker->count = kept;
    if (retry || error) locker->retry_at = now_ms() + RETRY_MS;
    /* Gone with its table, say: looked at soon. */
    if (error) locker->look_at = now_ms() + SETTLE_MS;
}

static void retry(struct locker *locker) {
    locker->retry_at = UINT64_MAX;
    for (size_t i = 0; i < locker->count; i++)
        if (locker->ports[i].state == CLOSED) locker->ports[i].state = DUE;
    settle(locker);
}

/* ---- the packet filter ---- */

/* Without it the locks alone keep people out, from the moment that they are set. */
static bool load_table(struct locker *locker) {
    const int error = lock_table_load(&locker->table, handle_of(locker), &locker->file);
    if (error) say("what comes in by a port passes until it is locked: %s", pa_last_error(handle_of(locker)));
    return error == 0;
}

/* In the set from an earlier run. What has left since is taken out; what has left and come back nobody can tell, so all are judged. */
static void found_in_set(void *context, uint32_t ifindex) {
    struct locker *locker = context;
    struct port *port = find_port(locker, ifindex);
    if (!port && locker->count < PORTS) {
        port = &locker->ports[locker->count++];
        *port = (struct port){.ifindex = ifindex, .state = LEFT};
    }
    if (port) port->in_set = true;
}

static void restore_table(struct locker *locker) {
    locker->look_at = UINT64_MAX;
    if (!locker->table.rules || lock_table_is_whole(&locker->table, handle_of(locker))) return;
    say("somebody has changed the packet filter: it is made anew");
    if (!load_table(locker)) {
        locker->look_at = now_ms() + RETRY_MS;
        return;
    }
    for (size_t i = 0; i < locker->count; i++) locker->ports[i].in_set = false;
    settle(locker);
}

/* Notices of every change of the packet filter. Without them a look each second has to do. */
static int open_rule_notices(void) {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1u << (NFNLGRP_NFTABLES - 1)};
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

static void drain_rule_notices(struct locker *locker) {
    static uint8_t octets[65536];
    for (;;) {
        const ssize_t got = recv(locker->rules_fd, octets, sizeof octets, 0);
        if (got < 0 && errno != EINTR && errno != ENOBUFS) break;
    }
    if (locker->look_at == UINT64_MAX) locker->look_at = now_ms() + SETTLE_MS;
}

/* ---- the lock file ---- */

static bool is_same(const struct stat *a, const struct stat *b) {
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* True if it is another one than before, and names a bridge. One that does not, or is gone, changes nothing. */
static bool read_file(struct locker *locker) {
    struct stat now;
    char why[256] = "";
    if (stat(locker->path, &now) < 0 || is_same(&now, &locker->known)) return false;
    locker->known = now;
    const int error = lock_file_read(locker->path, &locker->file, why);
    if (why[0]) say("%s", why);
    if (error && error != -EINVAL)
        say("%s: %s", locker->path, strerror(-error));
    return error == 0;
}

/* Ports that were shut and need not be any more open; who is in stays in, since a lock is the agent's to open. */
static void follow_file(struct locker *locker) {
    locker->check_at = now_ms() + LOOK_MS;
    if (locker->rules_fd < 0) restore_table(locker);
    const struct lock_file before = locker->file; /* its rules go with the next reading */
    if (!read_file(locker)) return;
    if (strcmp(before.bridge, locker->file.bridge) != 0) {
        /* Another bridge: all from the beginning. What is left on this one the agent has locked, and nobody would tend its table. */
        lock_table_remove(&locker->table, handle_of(locker), &before);
        execl("/proc/self/exe", "rollcall-lock", "run", locker->path, (char *)NULL);
        say("cannot start anew: %s", strerror(errno));
        exit(1);
    }
    load_table(locker);
    retry(locker);
}

/* ---- running ---- */

static void take_stock(struct locker *locker) {
    static struct pa_port ports[PORTS];
    const int count = pa_ports(handle_of(locker), ports, PORTS, NULL);
    for (int i = 0; i < count; i++) joined(locker, ports[i].ifindex, ports[i].name);
    if (lock_table_each(&locker->table, handle_of(locker), found_in_set, locker))
        say("%s", pa_last_error(handle_of(locker)));
    settle(locker);
}

static int wait_ms(const struct locker *locker) {
    uint64_t at = locker->check_at;
    if (locker->retry_at < at) at = locker->retry_at;
    if (locker->look_at < at) at = locker->look_at;
    const uint64_t now = now_ms();
    return at > now ? (int)(at - now) : 0;
}

static void watch(struct locker *locker) {
    for (;;) {
        struct pollfd fds[2] = {{.fd = locker->sd->notices.fd, .events = POLLIN},
                                {.fd = locker->rules_fd, .events = POLLIN}};
        if (poll(fds, 2, wait_ms(locker)) < 0 && errno != EINTR) return;
        if (fds[0].revents) {
            drain_events(locker);
            settle(locker);
        }
        if (fds[1].revents) drain_rule_notices(locker);
        const uint64_t now = now_ms();
        if (locker->look_at <= now) restore_table(locker);
        if (locker->retry_at <= now) retry(locker);
        if (locker->check_at <= now) follow_file(locker);
    }
}

static int run(struct locker *locker) {
    bool told = false;
    while (locker->file.bridge[0] == 0) {
        if (!told) say("there is no bridge in %s: nothing is locked until there is one", locker->path);
        told = true;
        sleep(LOOK_MS / 1000);
        read_file(locker);
    }
    load_table(locker);
    if (sd_open(locker->file.bridge, RTMGRP_LINK, &locker->sd)) {
        say("%s", pa_last_error(NULL));
        return 1;
    }
    locker->sd->tells_leaving = true;
    locker->rules_fd = open_rule_notices();
    locker->check_at = now_ms() + LOOK_MS;
    say("the access ports of %s are shut until they are locked", locker->file.bridge);
    take_stock(locker);
    watch(locker);
    say("poll: %s", strerror(errno));
    return 1;
}

int main(int argc, char **argv) {
    static struct locker locker = {.rules_fd = -1, .retry_at = UINT64_MAX, .look_at = UINT64_MAX};
    const char *verb = argc == 3 ? argv[1] : "";
    const bool loads = strcmp(verb, "load") == 0, runs = strcmp(verb, "run") == 0, clears = strcmp(verb, "clear") == 0;
    const bool opens = argc > 3 && strcmp(argv[1], "open") == 0;
    if (!loads && !runs && !clears && !opens) {
        fprintf(stderr, "usage: rollcall-lock load|run|clear FILE, or rollcall-lock open FILE PORT...\n");
        return 2;
    }
    locker.path = argv[2];
    read_file(&locker);
    if (runs) return run(&locker);
    if (locker.file.bridge[0] == 0) {
        say("there is no bridge in %s: nothing is locked", locker.path);
        if (opens) return 1;
        return access(locker.path, F_OK) == 0 && !clears ? 1 : 0;
    }
    if (opens) return lock_open_ports(&locker.file, argv + 3, (size_t)(argc - 3)) ? 0 : 1;
    if (loads) return load_table(&locker) ? 0 : 1;
    const int error = lock_table_remove(&locker.table, NULL, &locker.file);
    if (error) say("%s", pa_last_error(NULL));
    return error ? 1 : 0;
}
