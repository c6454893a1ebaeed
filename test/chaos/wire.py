# The far ends of the crowd's ports, as lines: what a raw socket hears on c<first>.. goes to standard output, what comes by standard
# input is sent. A line is the number of the port and the frame in hexadecimal. Only EAPOL and ARP are heard.
#
# argv: FIRST COUNT
import os, selectors, socket, sys

SOL_PACKET, PACKET_IGNORE_OUTGOING, SO_RCVBUFFORCE = 263, 23, 33
first, count = int(sys.argv[1]), int(sys.argv[2])
selector = selectors.DefaultSelector()
senders = {}
for port in range(first, first + count):
    for protocol in (0x888E, 0x0806):
        heard = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        heard.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        heard.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 * 1024 * 1024)
        heard.bind((f"c{port}", protocol))
        heard.setblocking(False)
        selector.register(heard, selectors.EVENT_READ, port)
        senders[port] = heard
os.set_blocking(0, False)
selector.register(0, selectors.EVENT_READ, None)
print("listening", flush=True)


def send(line):
    port, _, frame = line.partition(" ")
    try:
        senders[int(port)].send(bytes.fromhex(frame))
    except OSError:
        pass  # The link is down, or the queue full: such a frame is lost.


rest = ""
while True:
    said = []
    for key, _ in selector.select():
        if key.data is None:
            text = os.read(0, 1 << 20).decode()
            if text == "":
                sys.exit(0)
            *lines, rest = (rest + text).split("\n")
            for line in lines:
                send(line)
            continue
        for _ in range(64):
            try:
                said.append(f"{key.data} {key.fileobj.recv(2048).hex()}\n")
            except OSError:
                break
    if said:
        sys.stdout.write("".join(said))
        sys.stdout.flush()
