/*
 * nftables, through libnftables: commands in its language, and named sets of elements. The library is loaded by the first
 * command, so that a switch that needs none of this pays neither for its memory nor for its start; its declarations are
 * here, since the package that has them is not needed to run.
 *
 * One transaction a command: all of it is done, or nothing. Costs, on the machine of the benchmarks: 0.2 ms a command, 5 us
 * an element, 1.5 us an element that a listing reads; the library reads all elements to list rules or to look for one of them,
 * too (hence NFT_ABSENT).
 */
#ifndef PORTAUTH_NFT_H
#define PORTAUTH_NFT_H

#include "internal.h"

struct nft; /* one per handle; NULL until the first command */

/* Longest element, as text: an IPv6 address or a MAC, with room for more. */
#define NFT_ELEMENT 64

/* A set of this table: "inet", "rollcall_br0", "granted4". */
struct nft_set {
    const char *family;
    const char *table;
    const char *name;
};

/*
 * A name of nftables made of a bridge's, of which no other bridge's is made: "rollcall_" and "br0" are "rollcall_br0". What nftables
 * takes in no name is `/` and two hexadecimal digits, since no interface has a `/` in its name. `prefix` has at most 16
 * octets, `bridge` 15. Returns `out`.
 */
#define NFT_TABLE_NAME 64
char *nft_table_name(const char *prefix, const char *bridge, char out[NFT_TABLE_NAME]);

/*
 * Runs commands. `what` begins the sentence of a failure. -EOPNOTSUPP without the library or the kernel's part, else the
 * errno that nftables tells of, or -EIO.
 */
int nft_run(struct nft **nft, struct pa_handle *handle, const char *what, const char *commands);

enum nft_change {
    NFT_ADD,    /* what is there already is success */
    NFT_REMOVE, /* what is absent already is success */
    NFT_ABSENT, /* changes nothing: -EEXIST for what is there */
};

/*
 * Puts elements into a set, takes them out, or has it proven that they are not in it, all in one transaction; where that
 * fails each has one of its own. `results`: 0 or a negative errno each; those that are negative already are left alone.
 */
void nft_change(struct nft **nft, struct pa_handle *handle, const struct nft_set *set, enum nft_change change,
                const char (*elements)[NFT_ELEMENT], int32_t *results, uint32_t count);

/* Tells `each` of every element, as text without what hangs on it (timeouts, counters). Returns 0 or a negative errno. */
int nft_list(struct nft **nft, struct pa_handle *handle, const struct nft_set *set,
             void (*each)(void *context, const char *element), void *context);

/*
 * The table as text, sets first, each from "\n\tset NAME {\n" to "\n\t}", their elements in a line that begins with NFT_ELEMENTS:
 * to be compared with what the same library told of it earlier. Allocated: the caller frees it. NULL on failure, with the errno
 * in `*error`.
 */
char *nft_table(struct nft **nft, struct pa_handle *handle, const char *family, const char *table, int *error);

#define NFT_ELEMENTS "elements = {"

/* Tells `each` of every element in a text that begins with NFT_ELEMENTS. */
void nft_elements(const char *text, void (*each)(void *context, const char *element), void *context);

/* Frees the context; what it has made stays. NULL is allowed. */
void nft_close(struct nft *nft);

#endif
