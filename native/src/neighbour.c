/* One entry of the host's own neighbour table (ARP, ND), over rtnetlink: who answers there for an address. */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "switchdev.h"

/* States in which the entry has a MAC that frames are sent to. */
#define HAS_MAC (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

struct found {
    int family;
    uint8_t *mac;
    int error;
};

static void take_neighbour(void *argument, int index, const struct nlmsghdr *message, int error) {
    struct found *found = argument;
    (void)index;
    (void)error;
    const struct rtattr *table[NDA_LLADDR + 1];
    if (!message || message->nlmsg_type != RTM_NEWNEIGH) return;
    if (!nl_message_attributes(message, sizeof(struct ndmsg), table, NDA_LLADDR)) return;
    const struct ndmsg *body = NLMSG_DATA(message);
    if (body->ndm_family != found->family || !(body->ndm_state & HAS_MAC)) return;
    if (nl_mac(table[NDA_LLADDR], found->mac)) found->error = 0;
}

int sd_neighbour(struct pa_handle *handle, const char *interface, const uint8_t *address, uint32_t length,
                 uint8_t *mac) {
    struct sd *sd = (struct sd *)handle;
    const unsigned ifindex = if_nametoindex(interface);
    if (ifindex == 0) return pa_error(handle, ENODEV, "look up a neighbour on %s", interface);
    struct found found = {.family = length == 4 ? AF_INET : AF_INET6, .mac = mac, .error = -ENOENT};
    const struct ndmsg body = {.ndm_family = (uint8_t)found.family, .ndm_ifindex = (int)ifindex};
    nl_begin(&sd->requests, RTM_GETNEIGH, NLM_F_ACK, &body, sizeof body);
    nl_put(&sd->requests, NDA_DST, address, length);
    const int verdict = nl_talk(&sd->requests, take_neighbour, &found);
    if (verdict < 0 && verdict != -ENOENT) return pa_error(handle, verdict, "look up a neighbour on %s", interface);
    return found.error < 0 ? pa_error(handle, found.error, "look up a neighbour on %s", interface) : 0;
}
