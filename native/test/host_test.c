/* What the host itself knows: its neighbours, and who has called. */
#include "kernel-bridge.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

static void the_hosts_own_neighbours_are_found_by_address(void) {
    static const uint8_t ipv4[4] = {192, 0, 2, 7}, other[4] = {192, 0, 2, 8}, failed[4] = {192, 0, 2, 9};
    static const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 7};
    uint8_t mac[6];
    run("ip neigh replace 192.0.2.7 lladdr 02:00:00:00:00:0a dev br0 nud stale");
    run("ip neigh replace 192.0.2.9 dev br0 nud failed");
    run("ip -6 neigh replace 2001:db8::7 lladdr 02:00:00:00:00:0b dev br0 nud permanent");
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv4, 4, mac), 0);
    CHECK_EQUAL(mac[5], 0x0a);
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv6, 16, mac), 0);
    CHECK_EQUAL(mac[5], 0x0b);
    CHECK_EQUAL(pa_neighbour(handle, "br0", other, 4, mac), -ENOENT);
    CHECK_EQUAL(mac[5], 0);
    CHECK_EQUAL(pa_neighbour(handle, "br0", failed, 4, mac), -ENOENT);
    CHECK_EQUAL(pa_neighbour(handle, "p1", ipv4, 4, mac), -ENOENT);
    CHECK_EQUAL(pa_neighbour(handle, "none", ipv4, 4, mac), -ENODEV);
    CHECK_FAULT(pa_last_error(handle), "look up a neighbour on none", ENODEV);
    CHECK_EQUAL(pa_neighbour(handle, "", ipv4, 4, mac), -EINVAL);
    CHECK_EQUAL(pa_neighbour(handle, "br0", ipv4, 5, mac), -EINVAL);
}

/* That a MAC is told is seen in the lab: it takes a connection from another namespace (test/lab/web.test.ts). */
static void who_has_called_over_no_ethernet_is_not_told(void) {
    uint8_t mac[6] = {1};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof here;
    run("ip link set lo up");
    const int listener = socket(AF_INET, SOCK_STREAM, 0), caller = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQUAL(listen(listener, 1), 0);
    CHECK_EQUAL(getsockname(listener, (struct sockaddr *)&here, &length), 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK_EQUAL(pa_keep_callers(listener), 0);
    CHECK_EQUAL(connect(caller, (const struct sockaddr *)&here, sizeof here), 0);
    const int connection = accept(listener, NULL, NULL);
    CHECK(connection >= 0);
    CHECK_EQUAL(pa_caller(connection, mac), -ENOENT);
    CHECK_EQUAL(mac[0], 0);
    CHECK_EQUAL(pa_caller(connection, NULL), -EINVAL);
    close(connection);
    close(caller);
    close(listener);
    CHECK_EQUAL(pa_caller(-1, mac), -EBADF);
    CHECK_EQUAL(pa_keep_callers(-1), -EBADF);
}

int main(void) {
    if (!open_bridge()) return 0;
    SITUATION(the_hosts_own_neighbours_are_found_by_address);
    SITUATION(who_has_called_over_no_ethernet_is_not_told);
    pa_close(handle);
    return 0;
}
