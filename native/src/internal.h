/* What the files of the library share: the handle, the seam between ABI and backends, and the wake thread. */
#ifndef PORTAUTH_INTERNAL_H
#define PORTAUTH_INTERNAL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "portauth.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the records of the ABI are little-endian");
_Static_assert(sizeof(struct pa_capabilities) == 24, "ABI");
_Static_assert(sizeof(struct pa_port) == 72, "ABI");
_Static_assert(sizeof(struct pa_port_setting) == 12, "ABI");
_Static_assert(sizeof(struct pa_key) == 16, "ABI");
_Static_assert(sizeof(struct pa_entry) == 24, "ABI");
_Static_assert(sizeof(struct pa_vlan) == 12, "ABI");
_Static_assert(sizeof(struct pa_address) == 24, "ABI");
_Static_assert(sizeof(struct pa_frame) == 16, "ABI");
_Static_assert(sizeof(struct pa_event) == 40, "ABI");

#define PA_API __attribute__((visibility("default")))

/* Relock proof (pa_revoke): absent in two looks at least this far apart, and how often to try for it. */
#define PA_PROOF_GAP_NS 2000000L
#define PA_PROOF_TRIES 20

#define PA_FRAME_MIN 14u
#define PA_FRAME_MAX 9216u

/*
 * Wakes the caller when `source` is readable: see events.c. `control` re-arms or ends the thread. Descriptors are
 * -1 while not open.
 */
struct pa_wake {
    pthread_t thread;
    bool running;
    bool taken; /* the caller owns near */
    int source;
    int control;
    int near; /* the end that pa_wake_fd hands out */
    int far;  /* the end that the thread writes to */
};

int pa_wake_start(struct pa_wake *wake, int source);
void pa_wake_rearm(struct pa_wake *wake);
void pa_wake_stop(struct pa_wake *wake);

/*
 * A backend. Arguments have been checked by handle.c; every failure has set pa_error before it returns. What takes records that
 * have a result answers by these alone: each that had none has its own, or 0 for done, when the call returns.
 */
struct pa_backend {
    void (*close)(struct pa_handle *);
    int (*capabilities)(struct pa_handle *, struct pa_capabilities *);
    int (*ports)(struct pa_handle *, struct pa_port *, uint32_t, uint32_t *);
    void (*port_set)(struct pa_handle *, struct pa_port_setting *, uint32_t);
    int (*vlans)(struct pa_handle *, struct pa_vlan *, uint32_t, uint32_t *);
    void (*vlan_set)(struct pa_handle *, struct pa_vlan *, uint32_t);
    void (*link_set)(struct pa_handle *, struct pa_port_setting *, uint32_t);
    void (*grant)(struct pa_handle *, struct pa_key *, uint32_t);
    void (*revoke)(struct pa_handle *, struct pa_key *, uint32_t);
    void (*watch)(struct pa_handle *, struct pa_key *, uint32_t);
    int (*dump)(struct pa_handle *, struct pa_entry *, uint32_t, uint32_t *);
    int (*inject)(struct pa_handle *, struct pa_frame *, uint32_t, const uint8_t *, uint32_t);
    int (*events)(struct pa_handle *, struct pa_event *, uint32_t);
    int (*neighbour)(struct pa_handle *, const char *, const uint8_t *, uint32_t, uint8_t *);
    int (*l3_open)(struct pa_handle *, const char *, const struct pa_address *, uint32_t);
    void (*l3_add)(struct pa_handle *, uint32_t, struct pa_address *, uint32_t);
    void (*l3_remove)(struct pa_handle *, uint32_t, struct pa_address *, uint32_t);
    int (*l3_list)(struct pa_handle *, uint32_t, struct pa_address *, uint32_t, uint32_t *);
};

extern const struct pa_backend pa_sim_backend;

/* The first member of every backend's own struct. */
struct pa_handle {
    const struct pa_backend *backend;
    struct pa_wake wake;
    char bridge[16];
    char error[320];
};

int pa_switchdev_open(const char *bridge, struct pa_handle **out);
/* `spec`: a bridge's name and, after commas, ports to begin with. */
int pa_sim_open(const char *spec, struct pa_handle **out);

/* Sets the handle's sentence ("what: errno text") and returns -error; `error` of either sign. NULL: of pa_open. */
int pa_error(struct pa_handle *handle, int error, const char *what, ...) __attribute__((format(printf, 3, 4)));

/* "aa:bb:cc:dd:ee:ff" into `out` (18 octets), which is returned. */
char *pa_mac_text(const uint8_t mac[6], char out[18]);
bool pa_is_station(const uint8_t mac[6]);

/* As text into `out` (48 octets), which is returned; the family is 4 or 6. */
char *pa_address_text(const struct pa_address *address, char out[48]);

/* The first negative result, or 0. */
int pa_first_error(const struct pa_key *keys, uint32_t count);

#endif
