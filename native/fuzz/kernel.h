/*
 * A kernel of a fuzzer's making, in place of the C library's calls into the real one (renamed by the Makefile). An input is a list of
 * records; each is what one recv() gives, or an error. What lies behind the octets of a record is poisoned, so that
 * AddressSanitizer tells of a read beyond them, though the library's buffer goes on.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "switchdev.h"

/* The two sockets of a handle. */
enum { REQUESTS_FD = 1000, NOTICES_FD = 1001 };

/*
 * From now on recv() takes from these octets. A record: one octet, 0 = an answer to a request, 1 = a notice, 2 = ENOBUFS of either,
 * anything else as its lowest bit says; two octets of length (little-endian); so many octets, or what is left.
 */
void kernel_says(const uint8_t *data, size_t size);

/* What TCP_SAVED_SYN gives, and what libnftables has listed. */
void kernel_kept_syn(const uint8_t *data, size_t size);
void kernel_lists(const char *text);

/* A handle on bridge br0 (ifindex 3) with port p1 (ifindex 4), as after pa_open. To be closed by its backend's close. */
struct sd *kernel_handle(void);
void kernel_close(struct sd *sd);

#endif
