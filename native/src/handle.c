/*
 * The ABI's front: checks what a caller could get wrong, once for every backend, and keeps the sentence of the
 * last failure. Nothing here knows a kernel.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static _Thread_local char open_error[320];

PA_API uint32_t pa_abi_version(void) { return PA_ABI_VERSION; }

/* glibc has strerrorname_np, musl does not; these are the ones that a data plane raises. */
static const char *errno_name(int error) {
    switch (error) {
#define NAME(e) \
    case e:     \
        return #e;
        NAME(EPERM) NAME(ENOENT) NAME(EINTR) NAME(EIO) NAME(ENXIO) NAME(EBADF) NAME(EAGAIN) NAME(ENOMEM)
        NAME(EACCES) NAME(EBUSY) NAME(EEXIST) NAME(ENODEV) NAME(EINVAL) NAME(ENFILE) NAME(EMFILE) NAME(ENOSPC)
        NAME(ERANGE) NAME(EMSGSIZE) NAME(EPROTONOSUPPORT) NAME(EOPNOTSUPP) NAME(EAFNOSUPPORT)
        NAME(EADDRINUSE) NAME(EADDRNOTAVAIL) NAME(ENETDOWN) NAME(ENOBUFS) NAME(ETIMEDOUT) NAME(EALREADY)
        NAME(EBADMSG) NAME(ENOSYS) NAME(EPIPE) NAME(ELIBACC)
#undef NAME
    default:
        return NULL;
    }
}

PA_API const char *pa_errno_text(int error) {
    static _Thread_local char text[96];
    if (error < 0) error = -error;
    char reason[64];
    if (strerror_r(error, reason, sizeof reason) != 0) strcpy(reason, "Unknown error");
    const char *name = errno_name(error);
    if (name)
        snprintf(text, sizeof text, "%s (%s)", reason, name);
    else
        snprintf(text, sizeof text, "%s (errno %d)", reason, error);
    return text;
}

int pa_error(struct pa_handle *handle, int error, const char *what, ...) {
    char *out = handle ? handle->error : open_error;
    const size_t size = sizeof open_error;
    va_list arguments;
    va_start(arguments, what);
    int length = vsnprintf(out, size, what, arguments);
    va_end(arguments);
    if (length < 0) length = 0;
    if ((size_t)length < size) snprintf(out + length, size - (size_t)length, ": %s", pa_errno_text(error));
    return error < 0 ? error : -error;
}

char *pa_mac_text(const uint8_t mac[6], char out[18]) {
    snprintf(out, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    return out;
}

bool pa_is_station(const uint8_t mac[6]) {
    static const uint8_t zero[6];
    return (mac[0] & 1) == 0 && memcmp(mac, zero, 6) != 0;
}

char *pa_address_text(const struct pa_address *address, char out[48]) {
    inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, out, 48);
    return out;
}

int pa_first_error(const struct pa_key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (keys[i].result < 0) return keys[i].result;
    return 0;
}

PA_API int pa_open(const char *spec, struct pa_handle **handle) {
    open_error[0] = 0;
    if (!handle) return pa_error(NULL, EINVAL, "open the data plane");
    *handle = NULL;
    if (!spec) return pa_error(NULL, EINVAL, "open the data plane");
    const char *colon = strchr(spec, ':');
    const char *rest = colon ? colon + 1 : spec;
    const size_t kind = colon ? (size_t)(colon - spec) : 0;
    const size_t length = strcspn(rest, ",");
    if (length == 0 || length > 15 || memchr(rest, '/', length))
        return pa_error(NULL, EINVAL, "open \"%.40s\": a bridge name has 1 to 15 octets", spec);
    if (kind == 3 && memcmp(spec, "sim", 3) == 0) return pa_sim_open(rest, handle);
    if (colon && (kind != 9 || memcmp(spec, "switchdev", 9) != 0))
        return pa_error(NULL, EINVAL, "open \"%.40s\": the backends are switchdev and sim", spec);
    if (rest[length]) return pa_error(NULL, EINVAL, "open \"%.40s\": ports are named for sim only", spec);
    return pa_switchdev_open(rest, handle);
}

PA_API void pa_close(struct pa_handle *handle) {
    if (!handle) return;
    pa_wake_stop(&handle->wake);
    handle->backend->close(handle);
}

PA_API const char *pa_last_error(const struct pa_handle *handle) { return handle ? handle->error : open_error; }

PA_API int pa_capabilities(struct pa_handle *handle, struct pa_capabilities *out) {
    if (!handle || !out) return -EINVAL;
    handle->error[0] = 0;
    memset(out, 0, sizeof *out);
    return handle->backend->capabilities(handle, out);
}

PA_API int pa_ports(struct pa_handle *handle, struct pa_port *out, uint32_t capacity, uint32_t *needed) {
    if (!handle || (!out && capacity)) return -EINVAL;
    handle->error[0] = 0;
    uint32_t ignored;
    return handle->backend->ports(handle, out, capacity, needed ? needed : &ignored);
}

PA_API int pa_port_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    if (!handle || (!settings && count)) return -EINVAL;
    handle->error[0] = 0;
    for (uint32_t i = 0; i < count; i++) settings[i].result = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pa_port_setting *setting = &settings[i];
        const uint32_t known = PA_PORT_LOCKED | PA_PORT_MAB | PA_PORT_LEARNING | PA_PORT_UNFLOODED;
        if (setting->flags & ~known)
            setting->result = pa_error(handle, EINVAL, "set port %u: unknown flags %#x", setting->ifindex,
                                       setting->flags & ~known);
        else if ((setting->flags & PA_PORT_MAB) && !(setting->flags & PA_PORT_LOCKED))
            setting->result = pa_error(handle, EINVAL, "set port %u: MAB needs a locked port", setting->ifindex);
    }
    handle->backend->port_set(handle, settings, count);
    for (uint32_t i = 0; i < count; i++)
        if (settings[i].result < 0) return settings[i].result;
    return 0;
}

PA_API int pa_vlans(struct pa_handle *handle, struct pa_vlan *out, uint32_t capacity, uint32_t *needed) {
    if (!handle || (!out && capacity)) return -EINVAL;
    handle->error[0] = 0;
    uint32_t ignored;
    return handle->backend->vlans(handle, out, capacity, needed ? needed : &ignored);
}

PA_API int pa_vlan_set(struct pa_handle *handle, struct pa_vlan *changes, uint32_t count) {
    if (!handle || (!changes && count)) return -EINVAL;
    handle->error[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pa_vlan *change = &changes[i];
        const uint16_t known = PA_VLAN_PVID | PA_VLAN_UNTAGGED;
        change->result = 0;
        if (change->vlan < 1 || change->vlan > 4094)
            change->result = pa_error(handle, EINVAL, "set VLAN %u of port %u: there is no such VLAN", change->vlan,
                                      change->ifindex);
        else if (change->flags != PA_VLAN_ABSENT && (change->flags & ~known))
            change->result = pa_error(handle, EINVAL, "set VLAN %u of port %u: unknown flags %#x", change->vlan,
                                      change->ifindex, change->flags);
    }
    handle->backend->vlan_set(handle, changes, count);
    for (uint32_t i = 0; i < count; i++)
        if (changes[i].result < 0) return changes[i].result;
    return 0;
}

PA_API int pa_link_set(struct pa_handle *handle, struct pa_port_setting *settings, uint32_t count) {
    if (!handle || (!settings && count)) return -EINVAL;
    handle->error[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pa_port_setting *setting = &settings[i];
        const uint32_t unknown = setting->flags & ~PA_PORT_ADMIN_UP;
        setting->result = unknown ? pa_error(handle, EINVAL, "set the link of port %u: unknown flags %#x",
                                             setting->ifindex, unknown)
                                  : 0;
    }
    handle->backend->link_set(handle, settings, count);
    for (uint32_t i = 0; i < count; i++)
        if (settings[i].result < 0) return settings[i].result;
    return 0;
}

/* Clears results and refuses what no kernel should be asked; records that have a result are then left alone. */
static void check_keys(struct pa_handle *handle, const char *verb, struct pa_key *keys, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct pa_key *key = &keys[i];
        char text[18];
        key->result = 0;
        if (!pa_is_station(key->mac))
            key->result = pa_error(handle, EINVAL, "%s %s on port %u: not a station's address", verb,
                                   pa_mac_text(key->mac, text), key->ifindex);
        else if (key->vlan > 4094)
            key->result = pa_error(handle, EINVAL, "%s %s on port %u: there is no VLAN %u", verb,
                                   pa_mac_text(key->mac, text), key->ifindex, key->vlan);
    }
}

PA_API int pa_grant(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    if (!handle || (!keys && count)) return -EINVAL;
    handle->error[0] = 0;
    check_keys(handle, "grant", keys, count);
    handle->backend->grant(handle, keys, count);
    return pa_first_error(keys, count);
}

PA_API int pa_revoke(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    if (!handle || (!keys && count)) return -EINVAL;
    handle->error[0] = 0;
    check_keys(handle, "revoke", keys, count);
    handle->backend->revoke(handle, keys, count);
    return pa_first_error(keys, count);
}

PA_API int pa_watch(struct pa_handle *handle, struct pa_key *keys, uint32_t count) {
    if (!handle || (!keys && count)) return -EINVAL;
    handle->error[0] = 0;
    check_keys(handle, "watch", keys, count);
    handle->backend->watch(handle, keys, count);
    return pa_first_error(keys, count);
}

PA_API int pa_table_dump(struct pa_handle *handle, struct pa_entry *out, uint32_t capacity, uint32_t *needed) {
    if (!handle || (!out && capacity)) return -EINVAL;
    handle->error[0] = 0;
    uint32_t ignored;
    return handle->backend->dump(handle, out, capacity, needed ? needed : &ignored);
}

PA_API int pa_inject(struct pa_handle *handle, struct pa_frame *frames, uint32_t count, const uint8_t *octets,
                     uint32_t size) {
    if (!handle || (!frames && count) || (!octets && size)) return -EINVAL;
    handle->error[0] = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pa_frame *frame = &frames[i];
        const bool fits = frame->offset <= size && frame->length <= size - frame->offset;
        frame->result = 0;
        if (!fits || frame->length < PA_FRAME_MIN || frame->length > PA_FRAME_MAX)
            frame->result = pa_error(handle, EMSGSIZE, "send %u octets at %u of %u on port %u", frame->length,
                                     frame->offset, size, frame->ifindex);
    }
    return handle->backend->inject(handle, frames, count, octets, size);
}

PA_API int pa_neighbour(struct pa_handle *handle, const char *interface, const uint8_t *address, uint32_t length,
                        uint8_t mac[6]) {
    if (!handle || !interface || !address || !mac) return -EINVAL;
    handle->error[0] = 0;
    const size_t name = strnlen(interface, 16);
    if (name == 0 || name > 15) return pa_error(handle, EINVAL, "look up a neighbour: an interface name has 1 to 15 octets");
    if (length != 4 && length != 16)
        return pa_error(handle, EINVAL, "look up a neighbour on %s: an address of %u octets", interface, length);
    memset(mac, 0, 6);
    return handle->backend->neighbour(handle, interface, address, length, mac);
}

/* Clears results and refuses what is no address; returns the first error. */
static int check_addresses(struct pa_handle *handle, struct pa_address *addresses, uint32_t count) {
    static const uint8_t none[16];
    int first = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct pa_address *address = &addresses[i];
        const bool known = address->family == 4 || address->family == 6;
        const size_t length = address->family == 4 ? 4 : 16;
        address->result = 0;
        if (known && memcmp(address->octets, none, length) != 0) continue;
        address->result = pa_error(handle, EINVAL, known ? "the unspecified address of IPv%u" : "an address of family %u",
                                   address->family);
        if (!first) first = address->result;
    }
    return first;
}

static int first_address_error(const struct pa_address *addresses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (addresses[i].result < 0) return addresses[i].result;
    return 0;
}

/* 1 to 64 interface names, separated by commas. */
static bool are_interfaces(const char *names) {
    uint32_t count = 0;
    for (const char *rest = names;; rest++) {
        const size_t length = strcspn(rest, ",");
        if (length == 0 || length > 15 || ++count > 64) return false;
        for (size_t i = 0; i < length; i++)
            if (rest[i] <= ' ' || rest[i] == '/' || rest[i] == '"' || rest[i] == '*' || rest[i] == '\\' || rest[i] > '~')
                return false;
        rest += length;
        if (!*rest) return true;
    }
}

PA_API int pa_l3_open(struct pa_handle *handle, const char *ingress, struct pa_address *exempt, uint32_t count) {
    if (!handle || !ingress || (!exempt && count)) return -EINVAL;
    handle->error[0] = 0;
    if (!are_interfaces(ingress)) return pa_error(handle, EINVAL, "shut the routed path of \"%.80s\"", ingress);
    const int error = check_addresses(handle, exempt, count);
    return error ? error : handle->backend->l3_open(handle, ingress, exempt, count);
}

PA_API int pa_l3_add(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    if (!handle || (!addresses && count) || set >= PA_L3_SETS) return -EINVAL;
    handle->error[0] = 0;
    check_addresses(handle, addresses, count);
    handle->backend->l3_add(handle, set, addresses, count);
    return first_address_error(addresses, count);
}

PA_API int pa_l3_remove(struct pa_handle *handle, uint32_t set, struct pa_address *addresses, uint32_t count) {
    if (!handle || (!addresses && count) || set >= PA_L3_SETS) return -EINVAL;
    handle->error[0] = 0;
    check_addresses(handle, addresses, count);
    handle->backend->l3_remove(handle, set, addresses, count);
    return first_address_error(addresses, count);
}

PA_API int pa_l3_list(struct pa_handle *handle, uint32_t set, struct pa_address *out, uint32_t capacity,
                      uint32_t *needed) {
    if (!handle || (!out && capacity) || set >= PA_L3_SETS) return -EINVAL;
    handle->error[0] = 0;
    uint32_t ignored;
    return handle->backend->l3_list(handle, set, out, capacity, needed ? needed : &ignored);
}

PA_API int pa_wake_fd(struct pa_handle *handle) {
    if (!handle) return -EINVAL;
    if (handle->wake.taken) return pa_error(handle, EALREADY, "hand out the wake descriptor");
    handle->wake.taken = true;
    return handle->wake.near;
}

PA_API int pa_events(struct pa_handle *handle, struct pa_event *out, uint32_t capacity) {
    if (!handle || !out || capacity < 4) return -EINVAL;
    const int count = handle->backend->events(handle, out, capacity);
    if (count <= 0) pa_wake_rearm(&handle->wake);
    return count;
}
