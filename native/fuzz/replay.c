/* Puts files through a fuzzer's target, without libFuzzer: a corpus as a test. Usage: NAME_replay FILE ... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int count, char **names) {
    for (int i = 1; i < count; i++) {
        FILE *const file = fopen(names[i], "rb");
        if (!file || fseek(file, 0, SEEK_END) != 0) return perror(names[i]), 1;
        const long size = ftell(file);
        rewind(file);
        /* Of its own size, so that a read beyond its end is seen. */
        uint8_t *const octets = malloc(size > 0 ? (size_t)size : 1);
        if (!octets || size < 0 || fread(octets, 1, (size_t)size, file) != (size_t)size) return perror(names[i]), 1;
        fclose(file);
        LLVMFuzzerTestOneInput(octets, (size_t)size);
        free(octets);
    }
    printf("%d inputs\n", count - 1);
    return count > 1 ? 0 : 1;
}
