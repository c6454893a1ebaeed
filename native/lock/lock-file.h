/*
 * The lock file: which ports are to be locked before the agent can say so. It is made of the configuration: by the agent at each
 * start and whenever its configuration changes, by `rollcall check --write-lock`, and by the packages before the network at each
 * boot. A line each, words separated by white space; one that begins with `#` is a comment:
 *
 *   bridge br0
 *   port p*            a pattern of the configuration: its ports are access ports
 *   port p5 off        and what it says of `control`, if it does: auto, force-unauthorized, force-authorized, off
 *   uplink up0         never locked; wins over every port line
 *
 * As in the configuration a later port line wins; a port that none names is not ours. Patterns: `*`, `?`, `[a-z0]`, `[!a]`.
 */
#ifndef LOCK_FILE_H
#define LOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>

#define LOCK_PATTERN 256

enum lock_rule_kind { RULE_PORT, RULE_LOCKED, RULE_OPEN, RULE_UPLINK };

struct lock_rule {
    enum lock_rule_kind kind;
    char pattern[LOCK_PATTERN];
};

struct lock_file {
    char bridge[16]; /* empty: nothing is to be locked */
    struct lock_rule *rules;
    size_t count;
};

/*
 * Reads the file anew. A line that makes no sense is passed over, so that the others keep their ports shut: `why` (256 octets) says which
 * is the first and what would be right, and is empty if there is none. -ENOENT: there is no file. -EINVAL: it names no bridge. `out` is as
 * it was on every failure.
 */
int lock_file_read(const char *path, struct lock_file *out, char why[256]);
void lock_file_free(struct lock_file *file);

/* An access port: to be locked. */
bool lock_file_locks(const struct lock_file *file, const char *port);

bool lock_pattern_matches(const char *pattern, const char *name);

#endif
