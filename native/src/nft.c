/* nftables by libnftables: see nft.h. */
#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nft.h"

#define LIBRARY "libnftables.so.1"

struct nft_ctx;

/* libnftables(3), as its header has it. */
static struct {
    struct nft_ctx *(*ctx_new)(uint32_t flags);
    void (*ctx_free)(struct nft_ctx *ctx);
    int (*ctx_buffer_output)(struct nft_ctx *ctx);
    int (*ctx_buffer_error)(struct nft_ctx *ctx);
    const char *(*ctx_get_output_buffer)(struct nft_ctx *ctx);
    const char *(*ctx_get_error_buffer)(struct nft_ctx *ctx);
    int (*run_cmd_from_buffer)(struct nft_ctx *ctx, const char *buffer);
    bool loaded;
} library;

struct nft {
    struct nft_ctx *ctx;
};

/* A text that grows. `failed`: there was no memory, and it is not to be used. */
struct text {
    char *octets;
    size_t length, room;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...) {
    va_list arguments;
    for (;;) {
        const size_t left = text->room - text->length;
        va_start(arguments, format);
        const int length = text->octets ? vsnprintf(text->octets + text->length, left, format, arguments) : 0;
        va_end(arguments);
        if (text->failed || length < 0) return;
        if (text->octets && (size_t)length < left) {
            text->length += (size_t)length;
            return;
        }
        const size_t room = text->room ? text->room * 2 : 1024;
        char *grown = realloc(text->octets, room);
        if (!grown) {
            text->failed = true;
            return;
        }
        text->octets = grown;
        text->room = room;
    }
}

/* dlsym's object pointer as the pointer to a function that it is (POSIX says that it may be). */
static bool find(void *from, const char *name, void *function) {
    void *const found = dlsym(from, name);
    memcpy(function, &found, sizeof found);
    return found != NULL;
}

/* Never closed again: its tables live for as long as the process. */
static int load(struct pa_handle *handle) {
    if (library.loaded) return 0;
    void *const from = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    const bool whole = from && find(from, "nft_ctx_new", &library.ctx_new) &&
                       find(from, "nft_ctx_free", &library.ctx_free) &&
                       find(from, "nft_ctx_buffer_output", &library.ctx_buffer_output) &&
                       find(from, "nft_ctx_buffer_error", &library.ctx_buffer_error) &&
                       find(from, "nft_ctx_get_output_buffer", &library.ctx_get_output_buffer) &&
                       find(from, "nft_ctx_get_error_buffer", &library.ctx_get_error_buffer) &&
                       find(from, "nft_run_cmd_from_buffer", &library.run_cmd_from_buffer);
    if (!whole) return pa_error(handle, EOPNOTSUPP, "load %s: %s", LIBRARY, dlerror());
    library.loaded = true;
    return 0;
}

static int open_context(struct nft **out, struct pa_handle *handle) {
    if (*out) return 0;
    const int error = load(handle);
    if (error) return error;
    struct nft *nft = calloc(1, sizeof *nft);
    if (nft) nft->ctx = library.ctx_new(0);
    if (!nft || !nft->ctx || library.ctx_buffer_output(nft->ctx) != 0 || library.ctx_buffer_error(nft->ctx) != 0) {
        nft_close(nft);
        return pa_error(handle, ENOMEM, "open nftables");
    }
    *out = nft;
    return 0;
}

void nft_close(struct nft *nft) {
    if (nft && nft->ctx) library.ctx_free(nft->ctx);
    free(nft);
}

/* The library tells of errors in words: the first of these that is among them. EEXIST comes before what follows from it. */
static int errno_in(const char *complaint) {
    static const int known[] = {EEXIST, ENOENT, EPERM, EOPNOTSUPP, ENFILE, EBUSY, ENOMEM, EMSGSIZE, EAFNOSUPPORT, EINVAL};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(complaint, strerror(known[i]))) return known[i];
    return EIO;
}

int nft_run(struct nft **nft, struct pa_handle *handle, const char *what, const char *commands) {
    const int error = open_context(nft, handle);
    if (error) return error;
    if (library.run_cmd_from_buffer((*nft)->ctx, commands) == 0) return 0;
    const char *complaint = library.ctx_get_error_buffer((*nft)->ctx);
    const int told = errno_in(complaint);
    if (told != EIO) return pa_error(handle, told, "%s", what);
    return pa_error(handle, told, "%s: nftables: %.*s", what, (int)strcspn(complaint, "\n"), complaint);
}

char *nft_table_name(const char *prefix, const char *bridge, char out[NFT_TABLE_NAME]) {
    size_t length = (size_t)snprintf(out, NFT_TABLE_NAME, "%s", prefix);
    for (const unsigned char *at = (const unsigned char *)bridge; *at; at++)
        length += (size_t)snprintf(out + length, NFT_TABLE_NAME - length, isalnum(*at) || strchr("-._", *at) ? "%c" : "/%02x", *at);
    return out;
}

/*
 * Both commands of a removal in one transaction: what is absent can be taken out then, by every version of nftables. Both of
 * a proof, too: `create` refuses what is there, and what it made is gone again before anybody could pass by it.
 */
static int change_set(struct nft **nft, struct pa_handle *handle, const struct nft_set *set, enum nft_change change,
                      const char *elements, const char *what) {
    static const char *const FIRST[] = {[NFT_ADD] = "add", [NFT_REMOVE] = "add", [NFT_ABSENT] = "create"};
    struct text text = {0};
    append(&text, "%s element %s %s %s { %s }\n", FIRST[change], set->family, set->table, set->name, elements);
    if (change != NFT_ADD) append(&text, "delete element %s %s %s { %s }\n", set->family, set->table, set->name, elements);
    const int result = text.failed ? pa_error(handle, ENOMEM, "%s", what) : nft_run(nft, handle, what, text.octets);
    free(text.octets);
    return result;
}

void nft_change(struct nft **nft, struct pa_handle *handle, const struct nft_set *set, enum nft_change change,
                const char (*elements)[NFT_ELEMENT], int32_t *results, uint32_t count) {
    static const char *const VERB[] = {[NFT_ADD] = "add", [NFT_REMOVE] = "remove", [NFT_ABSENT] = "prove the absence of"};
    struct text all = {0};
    uint32_t asked = 0;
    char what[128];
    for (uint32_t i = 0; i < count; i++)
        if (results[i] >= 0) append(&all, "%s%s", asked++ ? ", " : "", elements[i]);
    if (asked == 0) return;
    snprintf(what, sizeof what, "%s %u elements of set %s", VERB[change], asked, set->name);
    const int together = all.failed ? -ENOMEM : change_set(nft, handle, set, change, all.octets, what);
    free(all.octets);
    /* These are of all of them. */
    const bool common = together == -ENOENT || together == -EPERM || together == -EOPNOTSUPP || asked == 1;
    for (uint32_t i = 0; i < count; i++) {
        if (results[i] < 0) continue;
        snprintf(what, sizeof what, "%s %s of set %s", VERB[change], elements[i], set->name);
        results[i] = !together || common ? together : change_set(nft, handle, set, change, elements[i], what);
    }
}

char *nft_table(struct nft **nft, struct pa_handle *handle, const char *family, const char *table, int *error) {
    char command[96];
    snprintf(command, sizeof command, "list table %s %s", family, table);
    *error = nft_run(nft, handle, "read the rules", command);
    if (*error) return NULL;
    char *const text = strdup(library.ctx_get_output_buffer((*nft)->ctx));
    if (!text) *error = pa_error(handle, ENOMEM, "read the rules");
    return text;
}

int nft_list(struct nft **nft, struct pa_handle *handle, const struct nft_set *set,
             void (*each)(void *context, const char *element), void *context) {
    char command[160], what[64];
    snprintf(command, sizeof command, "list set %s %s %s", set->family, set->table, set->name);
    snprintf(what, sizeof what, "read set %s", set->name);
    const int error = nft_run(nft, handle, what, command);
    if (error) return error;
    const char *const elements = strstr(library.ctx_get_output_buffer((*nft)->ctx), NFT_ELEMENTS);
    if (elements) nft_elements(elements, each, context);
    return 0;
}

void nft_elements(const char *text, void (*each)(void *context, const char *element), void *context) {
    /* elements = { ELEMENT ..., ELEMENT ... } */
    for (const char *at = text + strlen(NFT_ELEMENTS); *at && *at != '}';) {
        at += strspn(at, " \t\n,");
        const size_t length = strcspn(at, " \t\n,}");
        char element[NFT_ELEMENT];
        if (length > 0 && length < sizeof element) {
            memcpy(element, at, length);
            element[length] = 0;
            each(context, element);
        }
        at += length;
        at += strcspn(at, ",}");
    }
}
