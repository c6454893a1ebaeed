/* What the kernel answers to requests: links, entries, VLANs, neighbours, refusals with their reasons. First octet: which request. */
#include <stdlib.h>

#include "kernel.h"

#define ROOM 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct sd *sd = kernel_handle();
    struct pa_handle *const handle = &sd->base;
    struct sd_link link;
    struct pa_entry entry, entries[ROOM];
    struct pa_vlan vlans[ROOM];
    struct pa_key keys[2] = {{.ifindex = 4, .mac = {2, 0, 0, 0, 0, 1}}, {.ifindex = 4, .mac = {2, 0, 0, 0, 0, 2}}};
    static const uint8_t address[4] = {127, 0, 0, 1};
    uint8_t mac[6];
    uint32_t needed;
    kernel_says(data + 1, size - 1);
    switch (data[0] % 9) {
    case 0: sd_find_bridge(sd, &link); break;
    case 1: sd_port_now(sd, 4, &link); break;
    case 2: sd_lookup(sd, keys[0].mac, 0, &entry); break;
    case 3: sd_dump(handle, entries, ROOM, &needed); break;
    case 4: sd_vlans(handle, vlans, ROOM, &needed); break;
    case 5: sd_neighbour(handle, "lo", address, sizeof address, mac); break;
    case 6: sd_grant(handle, keys, 2); break;
    case 7: sd_revoke(handle, keys, 2); break;
    default: sd_count_open(sd, 4); break;
    }
    kernel_close(sd);
    return 0;
}
