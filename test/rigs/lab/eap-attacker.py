# A client that means harm in EAP itself, on the wire `eth0` of a client's namespace.
#
# argv: HOW MACS SECONDS
#   fragments  answers its Identity, wants EAP-TLS, and then sends fragments of a message of 64 kB that never ends
#   half-open  answers its Identity and nothing else
#   late       answers each request just before it would be sent again, and wants another method each time
# So many MACs (02:66:00:00:00:01 ..) at once. Says at the end, as JSON: requests that came, responses that were sent, failures.
import json, select, socket, sys, time

how, macs, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
PAE_GROUP = bytes.fromhex('0180c2000003')
LATE_S = 0.9
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x888e))
s.bind(('eth0', 0))

def mac_of(n):
    return bytes((2, 0x66, 0, 0, n >> 8, n & 255))

def eapol(mac, kind, body=b''):
    frame = PAE_GROUP + mac + b'\x88\x8e\x02' + bytes((kind,)) + len(body).to_bytes(2, 'big') + body
    s.send(frame.ljust(60, b'\0'))

def response(mac, identifier, kind, data):
    eapol(mac, 0, bytes((2, identifier)) + (len(data) + 5).to_bytes(2, 'big') + bytes((kind,)) + data)

clients = {mac_of(n): {'begun': False} for n in range(1, macs + 1)}
told = {'requests': 0, 'responses': 0, 'failures': 0}
later = []

def answer(mac, client, identifier, kind):
    told['responses'] += 1
    if kind == 1:
        response(mac, identifier, 1, b'mallory')
    elif kind != 13:
        response(mac, identifier, 3, bytes((13,)))
    elif not client['begun']:
        client['begun'] = True
        # Length included, more fragments: 65,535 octets altogether.
        response(mac, identifier, 13, b'\xc0\x00\x00\xff\xff' + b'\x16' * 1390)
    else:
        response(mac, identifier, 13, b'\x40' + b'\x17' * 1390)

for mac in clients:
    eapol(mac, 1)
    time.sleep(0.002)
end = time.monotonic() + seconds
while (now := time.monotonic()) < end:
    while later and later[0][0] <= now:
        answer(*later.pop(0)[1:])
    if not select.select([s], [], [], 0.01)[0]:
        continue
    frame = s.recv(2048).ljust(60, b'\0')
    mac, code, identifier, kind = frame[0:6], frame[18], frame[19], frame[22]
    client = clients.get(mac)
    if client is None or frame[15] != 0:
        continue
    if code == 4:
        told['failures'] += 1
        client['begun'] = False
    elif code == 1:
        told['requests'] += 1
        if how == 'half-open' and kind != 1:
            continue
        if how == 'late':
            later.append((now + LATE_S, mac, client, identifier, kind))
        else:
            answer(mac, client, identifier, kind)
print(json.dumps(told))
