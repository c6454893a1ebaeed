/* Ports opened by hand: see open.h. */
#include "open.h"

#include <stdio.h>
#include <string.h>

#include "../src/switchdev.h"
#include "lock-table.h"

static const struct pa_port *find(struct sd *sd, const char *name) {
    for (uint32_t i = 0; i < sd->port_count; i++)
        if (strcmp(sd->ports[i].facts.name, name) == 0) return &sd->ports[i].facts;
    return NULL;
}

static bool open_port(struct sd *sd, struct lock_table *table, const struct lock_file *file, const char *name) {
    struct pa_handle *handle = &sd->base;
    const struct pa_port *port = find(sd, name);
    if (!port) {
        fprintf(stderr, "%s is no port of %s\n", name, file->bridge);
        return false;
    }
    struct pa_port_setting setting = {.ifindex = port->ifindex, .flags = PA_PORT_LEARNING};
    if (pa_port_set(handle, &setting, 1) || lock_table_open(table, handle, file, port->ifindex)) {
        fprintf(stderr, "%s\n", pa_last_error(handle));
        return false;
    }
    fprintf(stderr, "%s is open, for everybody\n", name);
    return true;
}

bool lock_open_ports(const struct lock_file *file, char *const *ports, size_t count) {
    struct lock_table table = {0};
    struct sd *sd;
    bool done = true;
    if (sd_open(file->bridge, 0, &sd)) {
        fprintf(stderr, "%s\n", pa_last_error(NULL));
        return false;
    }
    for (size_t i = 0; i < count; i++) done &= open_port(sd, &table, file, ports[i]);
    lock_table_free(&table);
    pa_close(&sd->base);
    return done;
}
