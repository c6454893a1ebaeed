/* A kernel of a fuzzer's making: see kernel.h. */
#include "kernel.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define RECORD_HEAD 3u

static const uint8_t *said;
static size_t said_length;
static const uint8_t *syn;
static size_t syn_length;
static const char *listed;

void kernel_says(const uint8_t *data, size_t size) {
    said = data;
    said_length = size;
}

void kernel_kept_syn(const uint8_t *data, size_t size) {
    syn = data;
    syn_length = size;
}

void kernel_lists(const char *text) { listed = text; }

/* Requests and notices come in the order of the records: one that is for the other socket makes this one empty for now. */
ssize_t kernel_recv(int fd, void *buffer, size_t size, int flags) {
    (void)flags;
    ASAN_UNPOISON_MEMORY_REGION(buffer, size);
    errno = EAGAIN;
    if (said_length < RECORD_HEAD) return -1;
    const int for_notices = said[0] & 1;
    if (said[0] != 2 && for_notices != (fd == NOTICES_FD)) return -1;
    const uint8_t kind = said[0];
    size_t length = (size_t)(said[1] | said[2] << 8);
    said += RECORD_HEAD;
    said_length -= RECORD_HEAD;
    if (length > said_length) length = said_length;
    const uint8_t *const octets = said;
    said += length;
    said_length -= length;
    if (kind == 2) {
        errno = ENOBUFS;
        return -1;
    }
    if (length > size) length = size;
    memcpy(buffer, octets, length);
    ASAN_POISON_MEMORY_REGION((uint8_t *)buffer + length, size - length);
    return (ssize_t)length;
}

ssize_t kernel_send(int fd, const void *buffer, size_t size, int flags) {
    (void)fd;
    (void)buffer;
    (void)flags;
    return (ssize_t)size;
}

int kernel_getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
    (void)fd;
    (void)level;
    (void)name;
    const size_t given = syn_length < *length ? syn_length : *length;
    memcpy(value, syn, given);
    *length = (socklen_t)given;
    return 0;
}

/* The proof's gap takes no time here. */
int kernel_nanosleep(const struct timespec *request, struct timespec *left) {
    (void)request;
    (void)left;
    return 0;
}

/* ---- libnftables, which has one answer to everything ---- */

static char context;
static void *ctx_new(uint32_t flags) { return (void)flags, &context; }
static void ctx_free(void *ctx) { (void)ctx; }
static int buffer_on(void *ctx) { return (void)ctx, 0; }
static const char *output(void *ctx) { return (void)ctx, listed; }
static const char *complaint(void *ctx) { return (void)ctx, "none"; }
static int run(void *ctx, const char *commands) { return (void)ctx, (void)commands, 0; }

void *kernel_dlopen(const char *file, int mode) { return (void)file, (void)mode, &context; }

/* A function's address as the object pointer that dlsym gives. */
#define FUNCTION(name) ((union { void *object; __typeof__(&name) function; }){.function = name}.object)

void *kernel_dlsym(void *from, const char *name) {
    (void)from;
    if (strcmp(name, "nft_ctx_new") == 0) return FUNCTION(ctx_new);
    if (strcmp(name, "nft_ctx_free") == 0) return FUNCTION(ctx_free);
    if (strcmp(name, "nft_ctx_get_output_buffer") == 0) return FUNCTION(output);
    if (strcmp(name, "nft_ctx_get_error_buffer") == 0) return FUNCTION(complaint);
    if (strcmp(name, "nft_run_cmd_from_buffer") == 0) return FUNCTION(run);
    return FUNCTION(buffer_on);
}

/* ---- a handle ---- */

struct sd *kernel_handle(void) {
    static const struct pa_port p1 = {.ifindex = 4, .flags = PA_PORT_LOCKED | PA_PORT_LEARNING, .name = "p1"};
    struct sd *sd = calloc(1, sizeof *sd);
    if (!sd) abort();
    strcpy(sd->base.bridge, "br0");
    sd->packet_fd = -1;
    sd->sweep = UINT32_MAX;
    sd->bridge = sd->bridge_noticed = 3;
    struct nl_socket *const sockets[] = {&sd->requests, &sd->notices};
    for (int i = 0; i < 2; i++) {
        *sockets[i] = (struct nl_socket){.fd = REQUESTS_FD + i, .batch = NL_BATCH};
        sockets[i]->rx = malloc(NL_RX_SIZE);
        sockets[i]->tx = malloc((size_t)NL_BATCH * NL_MESSAGE_MAX);
        if (!sockets[i]->rx || !sockets[i]->tx) abort();
    }
    if (!sd_port_remember(sd, &p1)) abort();
    return sd;
}

void kernel_close(struct sd *sd) {
    struct nl_socket *const sockets[] = {&sd->requests, &sd->notices};
    for (int i = 0; i < 2; i++) {
        ASAN_UNPOISON_MEMORY_REGION(sockets[i]->rx, NL_RX_SIZE);
        free(sockets[i]->rx);
        free(sockets[i]->tx);
    }
    nft_close(sd->nft);
    free(sd->l3_made);
    grant_set_free(&sd->grants);
    free(sd->ports);
    free(sd);
}
