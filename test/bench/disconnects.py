# A RADIUS server that logs people out: Disconnect-Requests by Calling-Station-Id, one after the other and then a burst.
#
# For each it takes the time from sending until the kernel tells that the entry is gone (where the authenticator has
# entries) and until the ACK is there. argv: SECRET FIRST SINGLE BURST ENTRIES; clients are 02:50:00:xx:xx:xx from FIRST on,
# SINGLE of them one after the other, then BURST at once from four ports; ENTRIES is 1 where there are entries to see.
# Says one JSON line.
import hashlib, json, select, socket, struct, sys, time

secret, first, single, burst, entries = sys.argv[1].encode(), *map(int, sys.argv[2:6])
RTM_DELNEIGH, RTMGRP_NEIGH, NDA_LLADDR = 29, 4, 2
WITHIN_S = 5.0


def mac_of(n):
    return bytes([0x02, 0x50, 0x00]) + n.to_bytes(3, 'big')


def request(identifier, n):
    station = '-'.join('%02X' % octet for octet in mac_of(n)).encode()
    stamp = struct.pack('!BBI', 55, 6, int(time.time()))
    attributes = bytes([31, len(station) + 2]) + station + stamp
    head = struct.pack('!BBH', 40, identifier, 20 + len(attributes))
    return head + hashlib.md5(head + bytes(16) + attributes + secret).digest() + attributes


def gone(data):
    """MACs of the entries that a datagram of the kernel's tells the end of."""
    macs, at = set(), 0
    while at + 16 <= len(data):
        length, kind = struct.unpack('=IH', data[at:at + 6])
        inner = at + 16 + 12
        while kind == RTM_DELNEIGH and inner + 4 <= at + length:
            size, name = struct.unpack('=HH', data[inner:inner + 4])
            if name == NDA_LLADDR:
                macs.add(data[inner + 4:inner + 10])
            inner += (size + 3) & ~3
        at += (length + 3) & ~3
    return macs


notices = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
notices.bind((0, RTMGRP_NEIGH))
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.connect(('127.0.0.1', 3799))
locked, acknowledged, refused = [], [], 0
for n in range(first, first + single):
    began = time.monotonic()
    asking.send(request(n & 255, n))
    lock = ack = None
    while (ack is None or (entries and lock is None)) and time.monotonic() - began < WITHIN_S:
        for ready in select.select([asking, notices], [], [], WITHIN_S)[0]:
            if ready is asking:
                code = asking.recv(4096)[0]
                ack = time.monotonic() - began
                refused += code != 41
            elif mac_of(n) in gone(notices.recv(65536)):
                lock = time.monotonic() - began
    acknowledged.append(ack if ack is not None else WITHIN_S)
    locked.append(lock if lock is not None else WITHIN_S)
    time.sleep(0.002)

notices.close()
sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]
for each in sockets:
    each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    each.connect(('127.0.0.1', 3799))
packets = [request((n // 4) & 255, n) for n in range(first + single, first + single + burst)]
answers = 0
began = last = time.monotonic()
for i, packet in enumerate(packets):
    sockets[i % 4].send(packet)
while answers < burst and time.monotonic() - began < WITHIN_S:
    for ready in select.select(sockets, [], [], 0.5)[0]:
        refused += ready.recv(4096)[0] != 41
        answers += 1
        last = time.monotonic()


def at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


print(json.dumps({
    'lock50': at(locked, 0.5), 'lock99': at(locked, 0.99),
    'ack50': at(acknowledged, 0.5), 'ack99': at(acknowledged, 0.99),
    'refused': refused, 'answers': answers, 'burstMs': (last - began) * 1000,
}))
