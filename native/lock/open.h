/* Ports opened by hand, for who has to get through while nobody is there to let them in. */
#ifndef LOCK_OPEN_H
#define LOCK_OPEN_H

#include "lock-file.h"

/*
 * Unlocks ports of the file's bridge and lets them through the packet filter, where its table is there; says each. It holds until the agent or
 * the locker starts again, or the port leaves the bridge; an agent that runs locks an access port again at once. True if all are open.
 */
bool lock_open_ports(const struct lock_file *file, char *const *ports, size_t count);

#endif
