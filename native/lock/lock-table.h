/*
 * The packet filter's part of the lock step: the table `bridge rollcall_lock_<bridge>` of nftables. What comes in by a port of
 * the bridge is dropped unless the port is in the set `open`, before the bridge learns from it or hands it on, to the switch
 * itself too. So a port that joins is shut before anybody can lock it. EAPOL is not touched: it goes another way
 * through the bridge, and the agent's capture is before both.
 *
 * A kernel without `meta ibrname` (nft_meta_bridge) cannot tell one bridge's ports from another's: there the names tell, as far as the
 * lock file's patterns have a beginning without `*`, `?` and `[`.
 *
 * The table stays when we end. Whoever takes it away, or changes it, finds it made anew.
 */
#ifndef LOCK_TABLE_H
#define LOCK_TABLE_H

#include "../src/nft.h"
#include "lock-file.h"

struct lock_table {
    struct nft *nft;
    char name[NFT_TABLE_NAME];
    char *rules; /* as nftables tells of them while nobody has touched them, without elements; NULL = not loaded */
};

/* Makes the table, or its rules anew; who is in the set stays. `handle` may be NULL, as for pa_last_error. */
int lock_table_load(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file);

/* Into the set and out of it, all at once; `in` and `out` are ifindexes. */
int lock_table_change(struct lock_table *table, struct pa_handle *handle, const uint32_t *in, size_t in_count,
                      const uint32_t *out, size_t out_count);

/* One into the set, of a table that somebody else has loaded; 0 where there is none. */
int lock_table_open(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file, uint32_t ifindex);

/* Tells `each` of every port in the set by its ifindex, also of one that is no interface any more. */
int lock_table_each(struct lock_table *table, struct pa_handle *handle, void (*each)(void *context, uint32_t ifindex),
                    void *context);

/* The rules are as they were made. */
bool lock_table_is_whole(struct lock_table *table, struct pa_handle *handle);

/* Takes the table away: from then on the locks alone keep anybody out. */
int lock_table_remove(struct lock_table *table, struct pa_handle *handle, const struct lock_file *file);

void lock_table_free(struct lock_table *table);

#endif
