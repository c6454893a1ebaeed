/* rtnetlink by hand: see netlink.h. */
#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef SOL_NETLINK
#define SOL_NETLINK 270
#endif

/* An unanswered request is a kernel in trouble; the caller must not hang with it. */
#define ANSWER_TIMEOUT_S 5
#define RECEIVE_BUFFER (1 << 20)
/* The notices of 10,000 grants written in one call wait for the caller; memory is used only while they do. */
#define NOTICE_BUFFER (8 << 20)

/*
 * Neighbour notices of other families (every ARP entry of the switch itself) are dropped in the kernel, so that they
 * wake nobody. A kernel that takes no filter sends them all; they are then skipped one by one.
 */
static void keep_bridge_neighbours(int fd) {
    /* Loads are big-endian, nlmsg_type (at 4) is not. Family is the first octet after the header (16). */
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 0, 2),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 16),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}

int nl_open(struct nl_socket *out, uint32_t groups) {
    *out = (struct nl_socket){.fd = -1, .batch = NL_BATCH};
    out->rx = malloc(NL_RX_SIZE);
    out->tx = malloc((size_t)NL_BATCH * NL_MESSAGE_MAX);
    if (!out->rx || !out->tx) {
        nl_close(out);
        return -ENOMEM;
    }
    out->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (out->fd < 0) goto failed;
    const int on = 1, size = groups ? NOTICE_BUFFER : RECEIVE_BUFFER;
    if (groups) keep_bridge_neighbours(out->fd);
    if (setsockopt(out->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
        setsockopt(out->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        out->batch = 64;
    }
    const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT_S};
    setsockopt(out->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(out->fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    setsockopt(out->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(out->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
    if (bind(out->fd, (const struct sockaddr *)&address, sizeof address) < 0) goto failed;
    return 0;
failed:;
    const int error = errno;
    nl_close(out);
    return -error;
}

void nl_close(struct nl_socket *socket) {
    if (socket->fd >= 0) close(socket->fd);
    free(socket->rx);
    free(socket->tx);
    *socket = (struct nl_socket){.fd = -1};
}

struct nlmsghdr *nl_begin(struct nl_socket *socket, uint16_t type, uint16_t flags, const void *body, size_t size) {
    struct nlmsghdr *header = (struct nlmsghdr *)(socket->tx + socket->tx_length);
    memset(header, 0, NL_MESSAGE_MAX);
    header->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
    header->nlmsg_type = type;
    header->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    header->nlmsg_seq = ++socket->sequence;
    memcpy(NLMSG_DATA(header), body, size);
    socket->tx_last = socket->tx_length;
    socket->tx_length += NLMSG_ALIGN(header->nlmsg_len);
    socket->tx_count++;
    return header;
}

/* Room of `size` octets at the end of the last message. Messages are small and of fixed make: see NL_MESSAGE_MAX. */
static struct rtattr *append(struct nl_socket *socket, uint16_t type, size_t size) {
    struct nlmsghdr *header = (struct nlmsghdr *)(socket->tx + socket->tx_last);
    struct rtattr *attribute = (struct rtattr *)(socket->tx + socket->tx_length);
    attribute->rta_type = type;
    attribute->rta_len = (uint16_t)RTA_LENGTH(size);
    header->nlmsg_len = (uint32_t)(NLMSG_ALIGN(header->nlmsg_len) + RTA_ALIGN(attribute->rta_len));
    socket->tx_length += RTA_ALIGN(attribute->rta_len);
    return attribute;
}

void nl_put(struct nl_socket *socket, uint16_t type, const void *data, size_t size) {
    struct rtattr *attribute = append(socket, type, size);
    if (size > 0) memcpy(RTA_DATA(attribute), data, size);
}

void nl_put_u32(struct nl_socket *socket, uint16_t type, uint32_t value) { nl_put(socket, type, &value, 4); }
void nl_put_u8(struct nl_socket *socket, uint16_t type, uint8_t value) { nl_put(socket, type, &value, 1); }

struct rtattr *nl_nest(struct nl_socket *socket, uint16_t type) {
    return append(socket, (uint16_t)(type | NLA_F_NESTED), 0);
}

void nl_nest_end(struct nl_socket *socket, struct rtattr *nest) {
    nest->rta_len = (uint16_t)(socket->tx + socket->tx_length - (uint8_t *)nest);
}

const struct nlmsghdr *nl_next_message(const uint8_t *octets, size_t length, size_t *at) {
    if (*at >= length) return NULL;
    const struct nlmsghdr *message = (const struct nlmsghdr *)(octets + *at);
    if (!NLMSG_OK(message, length - *at)) return NULL;
    *at += NLMSG_ALIGN(message->nlmsg_len);
    return message;
}

void nl_attributes(const struct rtattr *first, size_t length, const struct rtattr **table, unsigned max) {
    memset(table, 0, (max + 1) * sizeof *table);
    const uint8_t *at = (const uint8_t *)first;
    while (length >= sizeof(struct rtattr)) {
        const struct rtattr *attribute = (const struct rtattr *)at;
        if (attribute->rta_len < sizeof(struct rtattr) || attribute->rta_len > length) return;
        const unsigned type = attribute->rta_type & NLA_TYPE_MASK;
        if (type <= max) table[type] = attribute;
        const size_t step = RTA_ALIGN(attribute->rta_len);
        if (step >= length) return;
        at += step;
        length -= step;
    }
}

bool nl_message_attributes(const struct nlmsghdr *message, size_t size, const struct rtattr **table,
                           unsigned max) {
    const size_t head = NLMSG_SPACE(size);
    if (message->nlmsg_len < NLMSG_LENGTH(size)) {
        memset(table, 0, (max + 1) * sizeof *table);
        return false;
    }
    const size_t length = message->nlmsg_len > head ? message->nlmsg_len - head : 0;
    nl_attributes((const struct rtattr *)((const uint8_t *)message + head), length, table, max);
    return true;
}

void nl_nested(const struct rtattr *outer, const struct rtattr **table, unsigned max) {
    if (outer)
        nl_attributes(RTA_DATA(outer), RTA_PAYLOAD(outer), table, max);
    else
        memset(table, 0, (max + 1) * sizeof *table);
}

uint32_t nl_u32(const struct rtattr *attribute, uint32_t otherwise) {
    if (attribute && RTA_PAYLOAD(attribute) >= 4) memcpy(&otherwise, RTA_DATA(attribute), 4);
    return otherwise;
}

uint16_t nl_u16(const struct rtattr *attribute, uint16_t otherwise) {
    if (attribute && RTA_PAYLOAD(attribute) >= 2) memcpy(&otherwise, RTA_DATA(attribute), 2);
    return otherwise;
}

uint8_t nl_u8(const struct rtattr *attribute, uint8_t otherwise) {
    if (attribute && RTA_PAYLOAD(attribute) >= 1) memcpy(&otherwise, RTA_DATA(attribute), 1);
    return otherwise;
}

bool nl_mac(const struct rtattr *attribute, uint8_t mac[6]) {
    if (!attribute || RTA_PAYLOAD(attribute) != 6) return false;
    memcpy(mac, RTA_DATA(attribute), 6);
    return true;
}

void nl_name(const struct rtattr *attribute, char name[16]) {
    memset(name, 0, 16);
    if (!attribute) return;
    const size_t length = RTA_PAYLOAD(attribute);
    memcpy(name, RTA_DATA(attribute), length < 15 ? length : 15);
}

/* The kernel's own sentence, if it sent one with its refusal. */
static void keep_reason(struct nl_socket *socket, const struct nlmsghdr *message) {
    if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return;
    const struct nlmsgerr *verdict = NLMSG_DATA(message);
    size_t skip = sizeof *verdict;
    if (!(message->nlmsg_flags & NLM_F_CAPPED)) skip += verdict->msg.nlmsg_len - sizeof verdict->msg;
    const struct rtattr *table[NLMSGERR_ATTR_MSG + 1];
    if (!nl_message_attributes(message, skip, table, NLMSGERR_ATTR_MSG) || !table[NLMSGERR_ATTR_MSG]) return;
    const size_t length = RTA_PAYLOAD(table[NLMSGERR_ATTR_MSG]);
    const size_t room = sizeof socket->reason - 1;
    memset(socket->reason, 0, sizeof socket->reason);
    memcpy(socket->reason, RTA_DATA(table[NLMSGERR_ATTR_MSG]), length < room ? length : room);
}

/* The kernel's answers are 0 or a negative errno, of which there are 4095 (MAX_ERRNO). */
static bool is_verdict(int error) { return error <= 0 && error >= -4095; }

/*
 * Receives until the verdict of message `last` of the batch (or, for a dump, its end) has come. The kernel takes the
 * messages of a batch in their order and refuses each at once, so nothing of the others is left to come then.
 */
static int receive(struct nl_socket *socket, uint32_t first, uint32_t last, nl_answer *answer, void *argument) {
    bool interrupted = false, over = false;
    while (!over) {
        const ssize_t got = recv(socket->fd, socket->rx, NL_RX_SIZE, 0);
        if (got < 0) {
            const int error = errno;
            if (error == EINTR) continue;
            /* The kernel says so once; what is left of these answers must not make the next ones overflow in silence. */
            if (error == ENOBUFS)
                while (recv(socket->fd, socket->rx, NL_RX_SIZE, MSG_DONTWAIT) >= 0) continue;
            return error == EAGAIN ? -ETIMEDOUT : -error;
        }
        size_t at = 0;
        for (const struct nlmsghdr *message; (message = nl_next_message(socket->rx, (size_t)got, &at));) {
            const uint32_t index = message->nlmsg_seq - first;
            if (index > socket->sequence - first) continue; /* the late answer of a request that timed out */
            if (message->nlmsg_flags & NLM_F_DUMP_INTR) interrupted = true;
            if (message->nlmsg_type == NLMSG_ERROR) {
                if (message->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) return -EBADMSG;
                const int error = ((const struct nlmsgerr *)NLMSG_DATA(message))->error;
                if (!is_verdict(error)) return -EBADMSG;
                if (error) keep_reason(socket, message);
                if (answer) answer(argument, (int)index, NULL, error);
                over = index == last;
            } else if (message->nlmsg_type == NLMSG_DONE) {
                int error = 0;
                if (message->nlmsg_len >= NLMSG_LENGTH(sizeof error)) memcpy(&error, NLMSG_DATA(message), sizeof error);
                if (error) return is_verdict(error) ? error : -EBADMSG;
                over = true;
            } else if (answer) {
                answer(argument, (int)index, message, 0);
            }
        }
    }
    return interrupted ? -EINTR : 0;
}

int nl_transmit(struct nl_socket *socket) {
    const size_t length = socket->tx_length;
    socket->tx_length = 0;
    socket->tx_count = 0;
    socket->reason[0] = 0;
    for (;;) {
        if (send(socket->fd, socket->tx, length, 0) >= 0) return 0;
        if (errno != EINTR) return -errno;
    }
}

int nl_flush(struct nl_socket *socket, nl_answer *answer, void *argument) {
    const int count = socket->tx_count;
    if (count == 0) return 0;
    const uint32_t first = socket->sequence - (uint32_t)count + 1;
    ((struct nlmsghdr *)(socket->tx + socket->tx_last))->nlmsg_flags |= NLM_F_ACK;
    const int error = nl_transmit(socket);
    return error ? error : receive(socket, first, (uint32_t)count - 1, answer, argument);
}

struct talk {
    nl_answer *answer;
    void *argument;
    int verdict;
};

static void talk_answer(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct talk *talk = argument;
    if (!message)
        talk->verdict = error;
    else if (talk->answer)
        talk->answer(talk->argument, index, message, 0);
}

int nl_talk(struct nl_socket *socket, nl_answer *answer, void *argument) {
    struct talk talk = {.answer = answer, .argument = argument};
    const int error = nl_flush(socket, talk_answer, &talk);
    return error ? error : talk.verdict;
}

int nl_dump(struct nl_socket *socket, nl_answer *answer, void *argument) {
    struct talk talk = {.answer = answer, .argument = argument};
    const uint32_t first = socket->sequence;
    const int error = nl_transmit(socket);
    if (error) return error;
    const int end = receive(socket, first, 0, talk_answer, &talk);
    return end ? end : talk.verdict;
}
