/* The lock file, which is read as root before anything else is there; and its patterns. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lock/lock-file.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int file = -1;
    static char path[32];
    if (file < 0) {
        file = memfd_create("lock", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    }
    if (file < 0 || ftruncate(file, 0) != 0 || pwrite(file, data, size, 0) != (ssize_t)size) abort();
    struct lock_file read = {0};
    char why[256];
    if (lock_file_read(path, &read, why) == 0) {
        lock_file_locks(&read, "p1");
        lock_file_locks(&read, "");
        lock_file_free(&read);
    }
    return 0;
}
