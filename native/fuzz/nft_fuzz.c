/* What libnftables lists: a set's elements, and the whole table, which is compared with what it was. */
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

#define ROOM 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Of its own size, so that a read beyond its end is seen. */
    char *const text = malloc(size + 1);
    if (!text) abort();
    if (size > 0) memcpy(text, data, size);
    text[size] = 0;
    kernel_lists(text);
    struct sd *sd = kernel_handle();
    struct pa_address addresses[ROOM];
    uint32_t needed = 0;
    sd_l3_list(&sd->base, PA_L3_GRANTED, addresses, ROOM, &needed);
    sd_l3_list(&sd->base, PA_L3_HEARD, addresses, ROOM, &needed);
    if (sd_l3_open(&sd->base, "vpn0", NULL, 0) == 0) sd_l3_list(&sd->base, PA_L3_GRANTED, addresses, ROOM, &needed);
    kernel_close(sd);
    free(text);
    return 0;
}
