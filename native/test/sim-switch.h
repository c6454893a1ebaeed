/* A simulated switch, and what tests ask of it most. */
#ifndef SIM_SWITCH_H
#define SIM_SWITCH_H

#include "check.h"
#include "portauth.h"

static const uint8_t ALICE[6] = {0x02, 0, 0, 0, 0, 0x0a}, BOB[6] = {0x02, 0, 0, 0, 0, 0x0b};

static inline struct pa_handle *open_sim(const char *spec) {
    struct pa_handle *handle;
    if (pa_open(spec, &handle) < 0) {
        fprintf(stderr, "%s\n", pa_last_error(NULL));
        exit(1);
    }
    return handle;
}

static inline struct pa_key key_of(const uint8_t mac[6], uint32_t ifindex) {
    struct pa_key key = {.ifindex = ifindex};
    memcpy(key.mac, mac, 6);
    return key;
}

static inline int set_port(struct pa_handle *handle, uint32_t ifindex, uint32_t flags) {
    struct pa_port_setting setting = {.ifindex = ifindex, .flags = flags};
    const int result = pa_port_set(handle, &setting, 1);
    CHECK_EQUAL(result, setting.result);
    return result;
}

static inline int set_vlan(struct pa_handle *handle, uint32_t ifindex, uint16_t vlan, uint16_t flags) {
    struct pa_vlan change = {.ifindex = ifindex, .vlan = vlan, .flags = flags};
    const int result = pa_vlan_set(handle, &change, 1);
    CHECK_EQUAL(result, change.result);
    return result;
}

static inline int dump(struct pa_handle *handle, struct pa_entry *entry) {
    return pa_table_dump(handle, entry, 1, NULL);
}

#endif
