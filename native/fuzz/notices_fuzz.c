/* What the kernel tells unasked, and loses: links, entries, the resynchronization after an overrun. */
#include <stdlib.h>

#include "kernel.h"

#define ROOM 8
/* The events of one input come to an end, whatever it says. */
#define MOST_CALLS 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct sd *sd = kernel_handle();
    struct pa_event events[ROOM];
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    grant_set_add(&sd->grants, mac, 0, 4);
    kernel_says(data, size);
    int calls = 0;
    for (int got = 1; got > 0; calls++) {
        got = sd_events(&sd->base, events, ROOM);
        if (got > ROOM || calls > MOST_CALLS) abort();
    }
    kernel_close(sd);
    return 0;
}
