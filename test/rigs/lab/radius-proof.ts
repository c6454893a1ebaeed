// A witness of all RADIUS packets on a wire: tcpdump takes them down, tshark says which are malformed, and Python, which
// shares no line with us, computes every authenticator anew. For tests that make such traffic of any kind:
//
//   const witness = await RadiusWitness.start(scene.lab.netns);
//   ... logins, accounting, Disconnect- and CoA-Requests ...
//   expectProven(await witness.proof());
//
// What is computed: Request Authenticators of Accounting-, Disconnect- and CoA-Requests, Response Authenticators of all
// replies (RFC 2865 §3, RFC 2866 §3, RFC 5176 §2.3), and every Message-Authenticator (RFC 3579 §3.2, RFC 5176 §3.4,
// RFC 5997 §3). What is demanded: one Message-Authenticator in each Access-* and Status-Server packet, as the first attribute of a
// request; but for answers to Status-Server, which FreeRADIUS 3.2 sends without. A reply belongs to the newest request with its identifier between the same two sockets.
// Limit: packets in one unfragmented UDP datagram; what went through RadSec is not seen.

import assert from 'node:assert/strict';
import { RADIUS_SECRET } from './freeradius.ts';
import type { Netns } from './netns.ts';
import { must } from './process.ts';
import { Sniffer } from './sniffer.ts';

export interface RadiusWitnessOptions {
  /** Default 1812, 1813 and 3799. */
  readonly ports?: readonly number[];
  /** Of all of them; default the lab's own. */
  readonly secret?: string;
  /** Default the loopback. */
  readonly device?: string;
  /** What is sent to these ports is left out: a test that forges packets on purpose has its target here. */
  readonly unjudged?: readonly number[];
}

export interface RadiusProof {
  readonly packets: number;
  /** How many of each code, by name. */
  readonly codes: Readonly<Record<string, number>>;
  /** Lines of tshark. */
  readonly malformed: readonly string[];
  /** One line for each authenticator that is not what Python makes it, or that is missing. */
  readonly disagreements: readonly string[];
  /** Authenticators that agreed. */
  readonly agreed: number;
  /** Replies without a request. */
  readonly unasked: readonly string[];
}

const RADIUS_PORTS = [1812, 1813, 3799];

export class RadiusWitness {
  readonly #sniffer: Sniffer;
  readonly #options: Required<RadiusWitnessOptions>;

  private constructor(sniffer: Sniffer, options: Required<RadiusWitnessOptions>) {
    this.#sniffer = sniffer;
    this.#options = options;
  }

  /** Listening when this returns. */
  static async start(netns: Netns, options: RadiusWitnessOptions = {}): Promise<RadiusWitness> {
    const ports = options.ports ?? RADIUS_PORTS;
    const device = options.device ?? 'lo';
    const secret = options.secret ?? RADIUS_SECRET;
    const filter = ports.map((port) => `udp port ${port}`).join(' or ');
    const sniffer = await Sniffer.start(netns, { device, filter });
    return new RadiusWitness(sniffer, { ports, device, secret, unjudged: options.unjudged ?? [] });
  }

  /** Ends the capture and judges it. */
  async proof(): Promise<RadiusProof> {
    await this.#sniffer.stop();
    const rows = (await this.#tshark('udp', ['ip.src', 'ipv6.src', 'udp.srcport', ...PACKET_FIELDS])).join(
      '\n',
    );
    const judged = JSON.parse(
      await must(['python3', '-c', JUDGE, this.#options.secret, this.#options.unjudged.join(',')], {
        input: rows,
      }),
    ) as Omit<RadiusProof, 'malformed'>;
    const malformed = await this.#tshark('_ws.malformed || _ws.expert.severity == error', [
      'frame.number',
      '_ws.col.Protocol',
      '_ws.col.Info',
      '_ws.expert.message',
    ]);
    return { ...judged, malformed };
  }

  /** When frames that match a display filter passed, in seconds since 1970; after `proof`. */
  async times(displayFilter: string): Promise<readonly number[]> {
    return (await this.#tshark(displayFilter, ['frame.time_epoch'])).map(Number);
  }

  async close(): Promise<void> {
    await this.#sniffer.close();
  }

  /** As `-V` would take them apart; each port is told to be RADIUS, and the secret, so that tshark checks responses too. */
  async #tshark(displayFilter: string, fields: readonly string[]): Promise<readonly string[]> {
    const { ports, secret } = this.#options;
    const said = await must([
      'tshark',
      '-n',
      ...ports.flatMap((port) => ['-d', `udp.port==${port},radius`]),
      ...['-o', `radius.shared_secret:${secret}`, '-o', 'radius.validate_authenticator:TRUE'],
      ...['-r', this.#sniffer.file, '-Y', displayFilter, '-T', 'fields', '-E', 'occurrence=f'],
      ...fields.flatMap((name) => ['-e', name]),
    ]);
    return said.split('\n').filter((line) => line !== '');
  }
}

/** Everything agrees, nothing is malformed, and there was something to judge. */
export function expectProven(proof: RadiusProof): void {
  assert.deepEqual(proof.malformed, []);
  assert.deepEqual(proof.disagreements, []);
  assert.deepEqual(proof.unasked, []);
  assert.ok(proof.packets > 0, 'no RADIUS packet was captured');
  assert.ok(proof.agreed >= proof.packets / 2, `${proof.agreed} authenticators in ${proof.packets} packets`);
}

const PACKET_FIELDS = ['ip.dst', 'ipv6.dst', 'udp.dstport', 'frame.number', 'udp.payload'];

const JUDGE = `
import hashlib, hmac, json, sys
secret = sys.argv[1].encode()
unjudged = {int(p) for p in sys.argv[2].split(',') if p}
NAMES = {1: 'Access-Request', 2: 'Access-Accept', 3: 'Access-Reject', 4: 'Accounting-Request', 5: 'Accounting-Response',
    11: 'Access-Challenge', 12: 'Status-Server', 40: 'Disconnect-Request', 41: 'Disconnect-ACK', 42: 'Disconnect-NAK',
    43: 'CoA-Request', 44: 'CoA-ACK', 45: 'CoA-NAK'}
REQUESTS, DIGESTED, ACCESS = {1, 4, 12, 40, 43}, {4, 40, 43}, {1, 2, 3, 11, 12}
codes, disagreements, unasked, agreed, packets = {}, [], [], 0, 0
asked = {}

def attributes(data):
    at = 20
    while at < len(data):
        if at + 2 > len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            raise ValueError('attribute at %d runs past the end' % at)
        yield data[at], at, data[at + 1]
        at += data[at + 1]

for line in sys.stdin.read().split('\\n'):
    if not line:
        continue
    src4, src6, sport, dst4, dst6, dport, number, payload = line.split('\\t')
    if int(dport) in unjudged:
        continue
    source, target = (src4 or src6, sport), (dst4 or dst6, dport)
    data = bytes.fromhex(payload.replace(':', ''))
    packets += 1
    code = data[0] if data else -1
    name = NAMES.get(code, 'code %d' % code)
    codes[name] = codes.get(name, 0) + 1
    what = 'frame %s: %s id %d: ' % (number, name, data[1])
    if len(data) < 20 or int.from_bytes(data[2:4], 'big') != len(data):
        disagreements.append(what + 'length')
        continue
    try:
        found = list(attributes(data))
    except ValueError as error:
        disagreements.append(what + str(error))
        continue
    request = code in REQUESTS
    if request:
        asked[(source, target, data[1])] = data
        over = bytes(16) if code in DIGESTED else data[4:20]
    else:
        question = asked.get((target, source, data[1]))
        if question is None:
            unasked.append(what + 'no request')
            continue
        over = question[4:20]
    if not request or code in DIGESTED:
        if hashlib.md5(data[:4] + over + data[20:] + secret).digest() == data[4:20]:
            agreed += 1
        else:
            disagreements.append(what + ('Request' if request else 'Response') + ' Authenticator')
    signed = [(at, length) for kind, at, length in found if kind == 80]
    if len(signed) > 1:
        disagreements.append(what + 'two Message-Authenticators')
    elif len(signed) == 1:
        at, length = signed[0]
        zeroed = data[:4] + over + data[20:at + 2] + bytes(16) + data[at + 18:]
        if length == 18 and hmac.new(secret, zeroed, 'md5').digest() == data[at + 2:at + 18]:
            agreed += 1
        else:
            disagreements.append(what + 'Message-Authenticator')
        if code in (1, 12) and at != 20:
            disagreements.append(what + 'Message-Authenticator is not the first attribute')
    elif code in ACCESS and (request or question[0] != 12):
        disagreements.append(what + 'no Message-Authenticator')
print(json.dumps({'packets': packets, 'codes': codes, 'disagreements': disagreements, 'unasked': unasked, 'agreed': agreed}))
`;
