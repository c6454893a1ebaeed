/* The saved head of a connection's first packet: octets of whoever connects. */
#include <stdlib.h>
#include <string.h>

#include "kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t mac[6];
    kernel_kept_syn(data, size);
    const int error = pa_caller(0, mac);
    /* Who is told is who sent it. */
    if (error == 0 && (size < 14 || memcmp(mac, data + 6, 6) != 0)) abort();
    return 0;
}
