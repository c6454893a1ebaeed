/* Who has opened a TCP connection: the Ethernet source of its SYN, which the kernel keeps on request (tcp(7), TCP_SAVE_SYN). */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "internal.h"

/* Of TCP_SAVE_SYN: from the Ethernet header on (Linux 5.10). 1 would be from the IP header on. */
#define FROM_ETHERNET 2
/* The longest Ethernet, IPv4 or IPv6, and TCP headers; IPv6 extension headers that fit. */
#define MOST_OCTETS 512

PA_API int pa_keep_callers(int listener) {
    const int from = FROM_ETHERNET;
    return setsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &from, sizeof from) < 0 ? -errno : 0;
}

PA_API int pa_caller(int connection, uint8_t mac[6]) {
    uint8_t syn[MOST_OCTETS];
    socklen_t length = sizeof syn;
    if (!mac) return -EINVAL;
    memset(mac, 0, 6);
    if (getsockopt(connection, IPPROTO_TCP, TCP_SAVED_SYN, syn, &length) < 0) return -errno;
    if (length < ETH_HLEN) return -ENOENT;
    const uint16_t type = (uint16_t)(syn[12] << 8 | syn[13]);
    const uint8_t version = length > ETH_HLEN ? syn[ETH_HLEN] >> 4 : 0;
    const bool is_ip = (type == ETH_P_IP && version == 4) || (type == ETH_P_IPV6 && version == 6);
    static const uint8_t none[ETH_ALEN];
    /* The loopback has a header without addresses. */
    if (!is_ip || memcmp(syn + ETH_ALEN, none, ETH_ALEN) == 0) return -ENOENT;
    memcpy(mac, syn + ETH_ALEN, ETH_ALEN);
    return 0;
}
