// What targets begin with, and what puts a mutation's lengths, checksums and signatures right again.

import { encodeRecord } from '../../src/accounting/record-codec.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { md5 } from '../../src/base/hash.ts';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { type MachineTime, millis, type WallTime } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { KeptSession } from '../../src/model/kept.ts';
import { type CertifiedDevice, writing } from '../../src/policy/certified-codec.ts';
import { encodeEvent } from '../../src/report/event-codec.ts';
import { EventLog } from '../../src/report/events.ts';
import { encodeKept } from '../../src/session/kept-codec.ts';
import { ENTRY_STATIC, ENTRY_STICKY, encodeEntries } from '../../src/wire/fdb-table.ts';
import { checksumAdd, checksumFinish, pseudoHeaderSum } from '../../src/wire/internet-checksum.ts';
import { octets, text, u32, vendor } from '../../src/wire/radius-attributes.ts';
import { EVENTS, NOW } from '../report/samples.ts';
import { subject } from '../rigs/accounting-path.ts';
import { DYNAUTH_SECRET, dynamicRequest } from '../rigs/dynauth.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';
import { readVectors } from '../rigs/vector-file.ts';

type Octets = readonly Uint8Array[];

export const texts = (...lines: readonly string[]): Octets => lines.map((line) => utf8(line));

/** Valid messages of the vectors. */
export const messages = (...protocols: readonly string[]): Octets =>
  protocols.flatMap((protocol) =>
    readVectors(protocol).flatMap((vector) => (vector.kind === 'error' ? [] : [vector.bytes])),
  );

export function tableSeeds(): Octets {
  const mac = '02:99:00:00:00:01' as Mac;
  const flags = ENTRY_STATIC | ENTRY_STICKY;
  const entry = { mac, vlan: 0, ifindex: 10, flags, idleMs: 5, usedMs: 6 };
  return [encodeEntries([entry]), encodeEntries([entry, { ...entry, flags: 0, ifindex: 11 }])];
}

export function recordSeeds(): Octets {
  const about = { eventTime: 1_700_000_000_000 as WallTime, subject: subject('b007-000001') };
  const device: CertifiedDevice = {
    mac: '02:99:00:00:00:01' as Mac,
    userName: 'u1',
    port: 'p1' as CertifiedDevice['port'],
    vlan: 0,
    role: 'default',
    method: 'dot1x',
    first: about.eventTime,
    last: about.eventTime,
  };
  return [
    encodeRecord({ kind: 'start', ...about }),
    encodeRecord({ kind: 'stop', ...about, sessionTimeS: 5, cause: 'port-down' }),
    encodeRecord({ kind: 'on', eventTime: about.eventTime }),
    writing(device).value ?? new Uint8Array(0),
  ];
}

/** Events as the store keeps them. */
export function eventSeeds(): Octets {
  const log = new EventLog({ bootId: 'b007' });
  return EVENTS.map((event) => encodeEvent(log.record(event, NOW)));
}

/** Sessions as the store keeps them. */
export function keptSeeds(): Octets {
  const common = {
    boot: 'a boot',
    id: 'b007-000001',
    multiId: 'b007-000001',
    startedWall: 1_700_000_000_000 as WallTime,
    startedAt: 5_000 as MachineTime,
    authorizedAt: 6_000 as MachineTime,
    role: 'default',
    ipv4: '10.0.0.1' as Ip,
  };
  const authorization = {
    userName: 'u1',
    classes: [utf8('class')],
    reauthenticateAtTimeout: true,
    sessionTimeout: millis(60_000),
    egress: { tagged: ['30'], untagged: ['20'] },
    others: [{ name: 'Filter-Id', value: 'staff' }],
    server: '192.0.2.1:1812',
  };
  const station: KeptSession['place'] = {
    layer: 2,
    mac: '02:99:00:00:00:01' as Mac,
    port: 'p1' as PortName,
    nasPort: 10,
    calledStation: '02:99:01:00:00:01' as Mac,
    vlan: 20,
    vlans: { untagged: 20, tagged: [30] },
    domain: 'data',
    wish: { untagged: ['20'], tagged: ['30'], voice: false },
    linkChanges: 3,
    baseline: { inputOctets: 1, outputOctets: 2, inputPackets: 3, outputPackets: 4 },
  };
  const proof = { since: 5_000 as MachineTime, failures: 1, identity: utf8('u1'), identifier: 7 };
  const behind = { layer: 3, ip: '10.0.0.1' as Ip, concentrator: '192.0.2.10' as Ip } as const;
  return [
    encodeKept({ ...common, method: 'dot1x', place: station, authorization, proof }),
    encodeKept({ ...common, method: 'sso', place: behind, authorization }),
  ];
}

export function dynamicSeeds(): Octets {
  const user = text('User-Name', 'u1');
  const said = [
    [user],
    [text('Calling-Station-Id', '02-99-00-00-00-01'), text('NAS-Port-Id', 'p1')],
    [user, u32('Session-Timeout', 60), text('Filter-Id', 'staff')],
    [user, vendor(9, 1, utf8('subscriber:command=bounce-host-port'))],
    [user, octets('State', utf8('s')), u32('Service-Type', 17)],
  ];
  return said.flatMap((attributes) => [
    dynamicRequest({ code: 'Disconnect-Request', attributes, identifier: 1 }),
    dynamicRequest({ code: 'CoA-Request', attributes, identifier: 2 }),
  ]);
}

export function ssoSeeds(): Octets {
  const said = { session: 's1', user: 'v1', ips: ['10.0.0.1', '2001:db8::1'], identifier: 1 };
  return (['start', 'interim', 'stop', 'on', 'off'] as const).map((status) =>
    accountingRequest(status, said),
  );
}

/** Its Length is what it is, and its Request Authenticator is right (RFC 2866 §3, RFC 5176 §2.3): as from one who has the secret. */
function signedWith(secret: Uint8Array): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    if (bytes.length < 20 || bytes.length > 4096) return bytes;
    const out = Uint8Array.from(bytes);
    put16(out, 2, out.length);
    out.fill(0, 4, 20);
    out.set(md5(out, secret), 4);
    return out;
  };
}

/** By target: for every second mutation, nine of ten of which would die at the first check. */
export const REPAIRS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  ipv4: repairIpv4,
  dhcp: (bytes) => repairIpv4(bytes, true),
  dhcp6: repairUdp6,
  nd: repairIcmpv6,
  'agent-dynamic': signedWith(utf8(DYNAUTH_SECRET)),
  'agent-sso': signedWith(utf8(SSO_SECRET)),
};

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function repairIpv4(bytes: Uint8Array, dropUdpChecksum = false): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 28) return out;
  put16(out, 2, out.length);
  put16(out, 10, 0);
  if (dropUdpChecksum) {
    put16(out, 24, out.length - 20);
    put16(out, 26, 0);
  }
  return out;
}

function repairUdp6(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 48) return out;
  const length = out.length - 40;
  put16(out, 4, length);
  put16(out, 44, length);
  put16(out, 46, 0);
  const sum = pseudoHeaderSum(out.subarray(8, 40), 17, length);
  put16(out, 46, checksumFinish(checksumAdd(sum, out.subarray(40))));
  return out;
}

function repairIcmpv6(bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  if (out.length < 44) return out;
  const length = out.length - 40;
  put16(out, 4, length);
  put16(out, 42, 0);
  out[7] = 255;
  put16(
    out,
    42,
    checksumFinish(checksumAdd(pseudoHeaderSum(out.subarray(8, 40), 58, length), out.subarray(40))),
  );
  return out;
}
