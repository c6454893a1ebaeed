/*
 * rtnetlink by hand: messages built into a caller's buffer, sent in batches, every answer awaited.
 * Also the uapi constants that the headers of Debian 12 (Linux 6.1) lack, under names of our own.
 */
#ifndef PORTAUTH_NETLINK_H
#define PORTAUTH_NETLINK_H

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UAPI_IFLA_BRPORT_LOCKED = 39, /* Linux 5.18 */
    UAPI_IFLA_BRPORT_MAB = 40,    /* Linux 6.2 */
    UAPI_IFLA_BR_MULTI_BOOLOPT = 46,
    UAPI_BR_BOOLOPT_NO_LL_LEARN = 0,
    UAPI_NDA_FDB_EXT_ATTRS = 14,
    UAPI_NDA_FLAGS_EXT = 15,
    UAPI_NTF_EXT_LOCKED = 1 << 1, /* Linux 6.2 */
    UAPI_NFEA_ACTIVITY_NOTIFY = 1,
    UAPI_NFEA_DONT_REFRESH = 2,
    UAPI_FDB_NOTIFY_BIT = 1 << 0,
    UAPI_FDB_NOTIFY_INACTIVE_BIT = 1 << 1,
};

/* Messages of one send(). Their answers must fit into the receive buffer at once. */
#define NL_BATCH 256
/* Room for one message that this library builds. */
#define NL_MESSAGE_MAX 160
/* A dump with less than 32 kB here walks the kernel's lists quadratically often. */
#define NL_RX_SIZE 65536

struct nl_socket {
    int fd;
    uint32_t sequence; /* of the last message sent */
    int batch;         /* NL_BATCH, or less where the receive buffer could not be grown */
    char reason[120];  /* the kernel's own words on the last refusal (extended ack), or empty */
    uint8_t *rx;       /* NL_RX_SIZE octets */
    uint8_t *tx;       /* NL_BATCH * NL_MESSAGE_MAX octets */
    size_t tx_length;
    size_t tx_last; /* where the last message begins */
    int tx_count;
};

/* Opens an rtnetlink socket; `groups` is a bit mask of RTMGRP_*. 0 or a negative errno. */
int nl_open(struct nl_socket *socket, uint32_t groups);
void nl_close(struct nl_socket *socket);

/* Starts a message in the batch: header and `body`. There is room for `socket->batch` messages. */
struct nlmsghdr *nl_begin(struct nl_socket *socket, uint16_t type, uint16_t flags, const void *body, size_t size);
/* Appends to the last message that was begun. */
void nl_put(struct nl_socket *socket, uint16_t type, const void *data, size_t size);
void nl_put_u32(struct nl_socket *socket, uint16_t type, uint32_t value);
void nl_put_u8(struct nl_socket *socket, uint16_t type, uint8_t value);
struct rtattr *nl_nest(struct nl_socket *socket, uint16_t type);
void nl_nest_end(struct nl_socket *socket, struct rtattr *nest);

/* Called for each answer: `index` of the request in the batch, a data message, or (NULL) its verdict. */
typedef void nl_answer(void *argument, int index, const struct nlmsghdr *message, int error);

/*
 * Sends the batch and waits for the verdict of its last message: by then a message that was refused has had its own
 * verdict, and one that carries no NLM_F_ACK and had none is done. 0, or a negative errno if the conversation itself
 * failed; requests without a verdict then have had no callback with NULL.
 */
int nl_flush(struct nl_socket *socket, nl_answer *answer, void *argument);
/* One request, its verdict. Data messages go to `answer`, which may be NULL. */
int nl_talk(struct nl_socket *socket, nl_answer *answer, void *argument);
/* Sends what was begun and awaits nothing: for a dump whose answers are read with the notices. */
int nl_transmit(struct nl_socket *socket);
/* One dump request. -EINTR: the table changed underneath, so begin again, NL_DUMP_TRIES times at most. */
#define NL_DUMP_TRIES 8
int nl_dump(struct nl_socket *socket, nl_answer *answer, void *argument);

/*
 * The message at `*at` of a datagram, which moves on behind it; NULL when what is left is none. Not NLMSG_NEXT, whose count of
 * what is left wraps around at a last message without padding.
 */
const struct nlmsghdr *nl_next_message(const uint8_t *octets, size_t length, size_t *at);
/*
 * Walks attributes: fills `table[0..max]` with pointers into the message (NULL where absent, the last one wins).
 * Never reads outside of `length` octets.
 */
void nl_attributes(const struct rtattr *first, size_t length, const struct rtattr **table, unsigned max);
/* Attributes of a message after a body of `size` octets; all NULL if it is too short. False then. */
bool nl_message_attributes(const struct nlmsghdr *message, size_t size, const struct rtattr **table, unsigned max);
void nl_nested(const struct rtattr *outer, const struct rtattr **table, unsigned max);
/* Value of an attribute, or `otherwise` if it is absent or too short. */
uint32_t nl_u32(const struct rtattr *attribute, uint32_t otherwise);
uint16_t nl_u16(const struct rtattr *attribute, uint16_t otherwise);
uint8_t nl_u8(const struct rtattr *attribute, uint8_t otherwise);
bool nl_mac(const struct rtattr *attribute, uint8_t mac[6]);
void nl_name(const struct rtattr *attribute, char name[16]);

#endif
