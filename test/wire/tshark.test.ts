// A second opinion: tshark decodes what we encode, names it as we meant it, and has nothing to complain about.
// Runs where tshark is installed (`make deps` installs it).

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromHex, utf8 } from '../../src/base/bytes.ts';
import type { Ip, Ipv4, Ipv6 } from '../../src/base/ip.ts';
import { type Mac, PAE_GROUP_ADDRESS } from '../../src/base/mac.ts';
import type { Decoded } from '../../src/base/result.ts';
import type { WallTime } from '../../src/base/time.ts';
import { buildArpReply, buildArpRequest } from '../../src/wire/arp.ts';
import { encodeDhcp } from '../../src/wire/dhcp.ts';
import { encodeDhcp6 } from '../../src/wire/dhcp6.ts';
import { buildFailure, buildIdentityRequest, buildSuccess, encodeEap } from '../../src/wire/eap.ts';
import { encodeEapol } from '../../src/wire/eapol.ts';
import {
  ETHERTYPE_ARP,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  encodeEthernet,
} from '../../src/wire/ethernet.ts';
import { encodeIpv4 } from '../../src/wire/ipv4.ts';
import { buildNeighborSolicitation, encodeNd } from '../../src/wire/nd.ts';
import {
  decodeRadius,
  encodeAccessRequest,
  encodeAccountingRequest,
  encodeDynamicAuthorizationRequest,
  encodeReply,
  encodeStatusServer,
  type RadiusPacket,
} from '../../src/wire/radius.ts';
import { date, ip, octets, text, tunnel, u32, vendor } from '../../src/wire/radius-attributes.ts';
import { chapPassword, hideUserPassword } from '../../src/wire/radius-password.ts';
import { writePcapFile } from '../rigs/pcap-file.ts';

const SWITCH = '02:aa:00:00:00:01' as Mac;
const CLIENT = '02:bb:00:00:00:02' as Mac;
const SWITCH_IP = '192.0.2.1' as Ipv4;
const CLIENT_IP = '192.0.2.50' as Ipv4;
const NOBODY = '0.0.0.0' as Ipv4;
const SECRET = utf8('testing123');
const AUTHENTICATOR = fromHex('101112131415161718191a1b1c1d1e1f') ?? new Uint8Array(16);
const NOTHING = new Uint8Array(0);

interface Sample {
  readonly what: string;
  readonly frame: Uint8Array;
  /** What tshark's summary must say. */
  readonly says: RegExp;
}

function value(decoded: Decoded<Uint8Array>): Uint8Array {
  if (!decoded.ok) throw new Error(`refused: ${decoded.error.reason}, ${decoded.error.detail}`);
  return decoded.value;
}

const link = { destination: SWITCH, source: CLIENT };

function eapol(type: number, body: Uint8Array, version = 2): Uint8Array {
  const payload = encodeEapol({ version, type, body });
  return encodeEthernet({ ...link, destination: PAE_GROUP_ADDRESS, etherType: ETHERTYPE_PAE, payload });
}

function ipv4(payload: Uint8Array): Uint8Array {
  return encodeEthernet({ ...link, etherType: ETHERTYPE_IPV4, payload });
}

/** A RADIUS packet over UDP without a checksum. */
function radius(port: number, packet: Uint8Array, reply = false): Uint8Array {
  const udp = new Uint8Array(8 + packet.length);
  const view = new DataView(udp.buffer);
  view.setUint16(reply ? 2 : 0, 40_000);
  view.setUint16(reply ? 0 : 2, port);
  view.setUint16(4, udp.length);
  udp.set(packet, 8);
  const ends = reply
    ? { source: CLIENT_IP, destination: SWITCH_IP }
    : { source: SWITCH_IP, destination: CLIENT_IP };
  return ipv4(encodeIpv4({ ...ends, protocol: 17, ttl: 64, fragment: false, payload: udp }));
}

function radiusSamples(): readonly Sample[] {
  const request: RadiusPacket = { code: 1, identifier: 1, authenticator: AUTHENTICATOR, attributes: [] };
  const identifier = 1;
  const eap = encodeEap({
    code: 2,
    identifier: 9,
    type: 13,
    data: Uint8Array.of(0x80, 0, 0, 2, 0, ...new Uint8Array(595)),
  });
  const nas = [
    ip('NAS-IP-Address', SWITCH_IP),
    text('NAS-Identifier', 'sw1'),
    u32('NAS-Port', 7),
    text('NAS-Port-Id', 'p7'),
    u32('NAS-Port-Type', 'Ethernet'),
    text('Called-Station-Id', '02-AA-00-00-00-01'),
    text('Calling-Station-Id', '02-BB-00-00-00-02'),
  ];
  const password =
    hideUserPassword(utf8('hello'), { secret: SECRET, authenticator: AUTHENTICATOR }) ?? NOTHING;
  const chap = chapPassword({ chapId: 3, password: utf8('hello'), challenge: AUTHENTICATOR });
  const common = { identifier, authenticator: AUTHENTICATOR, secret: SECRET };
  const reply = { request, secret: SECRET };
  const disconnect = value(
    encodeDynamicAuthorizationRequest({
      code: 'Disconnect-Request',
      identifier: 5,
      secret: SECRET,
      attributes: [text('Acct-Session-Id', 's1'), octets('Proxy-State', Uint8Array.of(1, 2))],
    }),
  );
  const disconnectRequest = decodeRadius(disconnect);
  if (!disconnectRequest.ok) throw new Error(disconnectRequest.error.detail);
  const assigned = [
    tunnel('Tunnel-Type', 1, 13),
    tunnel('Tunnel-Medium-Type', 1, 6),
    tunnel('Tunnel-Private-Group-Id', 1, 'staff'),
    u32('Session-Timeout', 3600),
    u32('Termination-Action', 'RADIUS-Request'),
    vendor(9, 1, utf8('url=one')),
    octets('EAP-Message', buildSuccess(9)),
  ];
  const accounting = [
    u32('Acct-Status-Type', 'Stop'),
    u32('Acct-Terminate-Cause', 'Lost-Carrier'),
    text('Acct-Session-Id', 's1'),
    text('Acct-Multi-Session-Id', 'm1'),
    u32('Acct-Input-Octets', 2 ** 32 - 1),
    u32('Acct-Input-Gigawords', 1),
    u32('Acct-Delay-Time', 0),
    ip('Framed-IP-Address', CLIENT_IP),
    ip('Framed-IPv6-Address', '2001:db8::2' as Ip),
    ip('NAS-IPv6-Address', '2001:db8::1' as Ip),
    date('Event-Timestamp', 1_700_000_000_000 as WallTime),
  ];
  return [
    {
      what: 'Access-Request with EAP in three attributes',
      frame: radius(
        1812,
        value(
          encodeAccessRequest({
            ...common,
            attributes: [
              text('User-Name', 'bob'),
              ...nas,
              u32('Service-Type', 'Framed-User'),
              octets('EAP-Message', eap),
            ],
          }),
        ),
      ),
      says: /Access-Request id=1/,
    },
    {
      what: 'Access-Request with a hidden password',
      frame: radius(
        1812,
        value(
          encodeAccessRequest({
            ...common,
            identifier: 2,
            attributes: [text('User-Name', 'bob'), octets('User-Password', password), ...nas],
          }),
        ),
      ),
      says: /Access-Request id=2/,
    },
    {
      what: 'Access-Request with CHAP',
      frame: radius(
        1812,
        value(
          encodeAccessRequest({
            ...common,
            identifier: 3,
            attributes: [text('User-Name', 'bob'), octets('CHAP-Password', chap)],
          }),
        ),
      ),
      says: /Access-Request id=3/,
    },
    {
      what: 'Access-Accept',
      frame: radius(
        1812,
        value(encodeReply({ ...reply, code: 'Access-Accept', attributes: assigned })),
        true,
      ),
      says: /Access-Accept id=1/,
    },
    {
      what: 'Access-Reject',
      frame: radius(
        1812,
        value(
          encodeReply({
            request: { ...request, identifier: 2 },
            secret: SECRET,
            code: 'Access-Reject',
            attributes: [text('Reply-Message', 'no')],
          }),
        ),
        true,
      ),
      says: /Access-Reject id=2/,
    },
    {
      what: 'Status-Server',
      frame: radius(1812, value(encodeStatusServer({ ...common, identifier: 9, attributes: [] }))),
      says: /Status-Server id=9/,
    },
    {
      what: 'Accounting-Request',
      frame: radius(
        1813,
        value(encodeAccountingRequest({ identifier: 4, secret: SECRET, attributes: accounting })),
      ),
      says: /Accounting-Request id=4/,
    },
    {
      what: 'Disconnect-Request',
      frame: radius(3799, disconnect),
      says: /Disconnect-Request id=5/,
    },
    {
      what: 'Disconnect-NAK',
      frame: radius(
        3799,
        value(
          encodeReply({
            request: disconnectRequest.value,
            secret: SECRET,
            code: 'Disconnect-NAK',
            attributes: [u32('Error-Cause', 'Session-Context-Not-Found')],
          }),
        ),
        true,
      ),
      says: /Disconnect-NAK id=5/,
    },
  ];
}

function linkSamples(): readonly Sample[] {
  const arp = { etherType: ETHERTYPE_ARP, ...link };
  const probe = { senderMac: SWITCH, senderIp: SWITCH_IP, targetMac: CLIENT, targetIp: CLIENT_IP };
  const ours = 'fe80::1' as Ipv6;
  const theirs = '2001:db8::2' as Ipv6;
  const nd = (payload: Uint8Array) => encodeEthernet({ ...link, etherType: ETHERTYPE_IPV6, payload });
  const dhcp = {
    source: NOBODY,
    destination: '255.255.255.255' as Ipv4,
    op: 1,
    transactionId: 0x1234,
    ciaddr: NOBODY,
    yiaddr: NOBODY,
    giaddr: NOBODY,
    chaddr: CLIENT,
    messageType: 3,
    requestedIp: CLIENT_IP,
    serverId: SWITCH_IP,
  };
  return [
    { what: 'EAPOL-Start', frame: eapol(1, NOTHING), says: /EAPOL.*Start/ },
    { what: 'EAPOL-Start, version 3', frame: eapol(1, NOTHING, 3), says: /EAPOL.*Start/ },
    { what: 'EAPOL-Logoff', frame: eapol(2, NOTHING), says: /EAPOL.*Logoff/ },
    { what: 'Request/Identity', frame: eapol(0, buildIdentityRequest(1)), says: /EAP.*Request, Identity/ },
    {
      what: 'Response/Identity',
      frame: eapol(0, encodeEap({ code: 2, identifier: 1, type: 1, data: utf8('bob') })),
      says: /EAP.*Response, Identity/,
    },
    {
      what: 'Nak',
      frame: eapol(0, encodeEap({ code: 2, identifier: 2, type: 3, data: Uint8Array.of(25) })),
      says: /Legacy Nak/,
    },
    { what: 'EAP-Success', frame: eapol(0, buildSuccess(3)), says: /EAP.*Success/ },
    { what: 'EAP-Failure', frame: eapol(0, buildFailure(4)), says: /EAP.*Failure/ },
    {
      what: 'ARP probe of ours',
      frame: encodeEthernet({ ...arp, vlan: 100, payload: buildArpRequest(probe) }),
      says: /Who has 192\.0\.2\.50\? Tell 192\.0\.2\.1/,
    },
    {
      what: 'ARP reply',
      frame: encodeEthernet({
        ...arp,
        payload: buildArpReply({
          senderMac: CLIENT,
          senderIp: CLIENT_IP,
          targetMac: SWITCH,
          targetIp: SWITCH_IP,
        }),
      }),
      says: /192\.0\.2\.50 is at 02:bb:00:00:00:02/,
    },
    {
      what: 'neighbour solicitation of ours',
      frame: nd(buildNeighborSolicitation({ sourceIp: ours, sourceMac: SWITCH, targetIp: theirs })),
      says: /Neighbor Solicitation for 2001:db8::2 from 02:aa:00:00:00:01/,
    },
    {
      what: 'neighbour advertisement',
      frame: nd(
        encodeNd({
          type: 136,
          source: theirs,
          destination: ours,
          target: theirs,
          router: false,
          solicited: true,
          override: true,
          linkLayer: CLIENT,
        }),
      ),
      says: /Neighbor Advertisement 2001:db8::2 \(sol, ovr\) is at 02:bb:00:00:00:02/,
    },
    {
      what: 'router solicitation',
      frame: nd(encodeNd({ type: 133, source: ours, destination: 'ff02::2' as Ipv6, linkLayer: SWITCH })),
      says: /Router Solicitation from 02:aa:00:00:00:01/,
    },
    { what: 'DHCP request', frame: ipv4(encodeDhcp(dhcp)), says: /DHCP Request/ },
    {
      what: 'DHCP acknowledgement',
      frame: ipv4(
        encodeDhcp({
          ...dhcp,
          source: SWITCH_IP,
          destination: CLIENT_IP,
          op: 2,
          yiaddr: CLIENT_IP,
          messageType: 5,
          leaseTimeS: 3600,
        }),
      ),
      says: /DHCP ACK/,
    },
    {
      what: 'DHCPv6 reply',
      frame: nd(
        encodeDhcp6({
          source: ours,
          destination: theirs,
          messageType: 7,
          transactionId: 0x3903f3,
          serverId: '0003000102aa00000001',
          leases: [
            { kind: 'address', address: '2001:db8::50' as Ipv6, validLifetimeS: 3600 },
            { kind: 'prefix', prefix: '2001:db8:100::' as Ipv6, length: 56, validLifetimeS: 3600 },
          ],
        }),
      ),
      says: /Reply XID: 0x3903f3 IAA: 2001:db8::50/,
    },
  ];
}

function runTshark(frames: readonly Uint8Array[], ...options: string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-tshark-'));
  try {
    const path = join(folder, 'frames.pcap');
    writePcapFile(path, frames);
    const checks = [
      'ip.check_checksum:TRUE',
      'udp.check_checksum:TRUE',
      'radius.validate_authenticator:TRUE',
    ];
    checks.push('radius.shared_secret:testing123');
    const run = spawnSync('tshark', ['-r', path, ...checks.flatMap((check) => ['-o', check]), ...options], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    if (run.status !== 0) throw new Error(`tshark: status ${run.status}, ${run.stderr}`);
    return run.stdout.split('\n').filter((line) => line !== '');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const present = spawnSync('tshark', ['--version']).status === 0;

describe.runIf(present)('tshark', () => {
  const samples = [...linkSamples(), ...radiusSamples()];
  const frames = samples.map((sample) => sample.frame);
  /** Malformed, a warning or an error of its experts, a wrong checksum or authenticator. Notes and chats are none. */
  const COMPLAINTS =
    '_ws.malformed || _ws.expert.severity >= 0x600000 || radius.authenticator.invalid == 1 || ' +
    'ip.checksum.status == "Bad" || udp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad"';

  it('names every message as we meant it', () => {
    const lines = runTshark(frames);
    expect(lines).toHaveLength(samples.length);
    samples.forEach((sample, index) => {
      expect(lines[index], sample.what).toMatch(sample.says);
    });
  });

  it('has nothing to complain about', () => {
    const numbers = runTshark(
      frames,
      '-Y',
      COMPLAINTS,
      '-T',
      'fields',
      '-e',
      'frame.number',
      '-e',
      '_ws.expert.message',
    );
    expect(numbers.map((line) => `${samples[Number.parseInt(line, 10) - 1]?.what}: ${line}`)).toEqual([]);
  });

  it('would complain: frames with one octet changed do not pass', () => {
    const broken = frames.map((frame) => {
      const out = Uint8Array.from(frame);
      // The length field of EAPOL, the checksum of IPv4, the payload length of IPv6, ...
      for (const at of [17, 25, 45]) if (at < out.length) out[at] = (out[at] ?? 0) ^ 0xff;
      return out;
    });
    expect(runTshark(broken, '-Y', COMPLAINTS).length).toBeGreaterThan(frames.length / 2);
  });

  it('reads the values of RADIUS attributes as we meant them', () => {
    const fields = [
      'User_Name',
      'NAS_Port_Type',
      'Acct_Terminate_Cause',
      'Error_Cause',
      'Tunnel_Private_Group_Id',
    ];
    const rows = runTshark(
      frames,
      '-Y',
      'radius',
      '-T',
      'fields',
      ...fields.flatMap((field) => ['-e', `radius.${field}`]),
    ).map((line) => line.split('\t'));
    const column = (index: number) =>
      new Set(rows.map((row) => row[index] ?? '').filter((cell) => cell !== ''));
    expect([...column(0)]).toEqual(['bob']);
    expect([...column(1)]).toEqual(['15']);
    expect([...column(2)]).toEqual(['2']);
    expect([...column(3)]).toEqual(['503']);
    expect([...column(4)]).toEqual(['staff']);
  });
});
