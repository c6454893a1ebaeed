// RFC 5176 as a RADIUS server lives it: radclient asks, the real bridge shows what came of it.
//
// One house for all: u1, u2 and u3 on p1 to p3, and `twin` on p4 and p5. Each row of the table is one packet: what comes
// back, and what is different afterwards; where nothing is named, nothing may be.

import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import type { WallTime } from '../../src/base/time.ts';
import { SocketClient } from '../../src/cli/socket-client.ts';
import { ERROR_CAUSES } from '../../src/radius/error-cause.ts';
import { octets, text, u32 } from '../../src/wire/radius-attributes.ts';
import { dynamicRequest, forgeries } from '../rigs/dynauth.ts';
import { ping } from '../rigs/lab/client.ts';
import { authenticators, radclient, sendAll } from '../rigs/lab/dynauth.ts';
import { UPLINK_IPV4, UPLINK_IPV6 } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';
import type { PortSession } from '../scenarios/stage.ts';

const SECRET = utf8('testing123');
const BOUNCE_S = 2;
const USERS = [
  { name: 'u1', reply: { 'Chargeable-User-Identity': '"cui-1"' } },
  { name: 'u2', authorizeOnly: true, reply: { 'Idle-Timeout': 1234 } },
  { name: 'u3' },
  { name: 'twin' },
].map((user) => ({ ...user, password: PASSWORD }));
/** Who is on p1.. */
const ON_PORT = ['u1', 'u2', 'u3', 'twin', 'twin'];
const CONFIG = {
  handshake: { hold_after_link_up_s: 0 },
  roles: { default: { handshake: { period_s: 0 } }, staff: { session_s: 7200, handshake: { period_s: 0 } } },
  ports: {
    p1: { dynamic_authorization: { allow_disable: true } },
    p3: { dynamic_authorization: { allow_bounce: false } },
  },
  radius: {
    dynamic_authorization: {
      port: 3799,
      bounce_s: BOUNCE_S,
      clients: [
        { address: '127.0.0.1', secret: 'testing123' },
        { address: '::1', secret: 'testing123' },
        { address: UPLINK_IPV4, secret: 'another-secret', require_message_authenticator: true },
      ],
    },
  },
};

type Answer = 'CoA-ACK' | 'Disconnect-ACK' | number;

interface Row {
  readonly what: string;
  readonly send: 'coa' | 'disconnect';
  /** As radclient reads them; `{id}`, `{multi}`, `{index}`, `{address}` are those of client 1. */
  readonly attributes: readonly string[];
  /** An ACK, or the Error-Cause of the NAK. */
  readonly answer: Answer;
  /** Of these clients (1 if absent) the session has these values now. */
  readonly set?: Partial<PortSession>;
  readonly of?: readonly number[];
  /** These clients are out when the answer is there, for this cause. */
  readonly out?: readonly number[];
  readonly cause?: string;
  /** This client has been authenticated anew soon after the answer, and its session has gone on. */
  readonly asked?: number;
  /** The port of the first of them is down when the answer is there. */
  readonly down?: boolean;
}

const U1 = 'User-Name = "u1"';
const cisco = (pair: string): string => `Cisco-AVPair = "${pair}"`;
const REAUTHENTICATE = cisco('subscriber:command=reauthenticate');
const BOUNCE = cisco('subscriber:command=bounce-host-port');
const DISABLE = cisco('subscriber:command=disable-host-port');
const ONLY = ['Service-Type = Authorize-Only', 'State = 0x7374617465'];
const vlan = (id: string): readonly string[] => [
  'Tunnel-Type = VLAN',
  'Tunnel-Medium-Type = IEEE-802',
  `Tunnel-Private-Group-Id = "${id}"`,
];

/** Each sets another Idle-Timeout, so that what is seen is its own doing. */
const keyed = (what: string, ...attributes: readonly string[]): Omit<Row, 'set'> => ({
  what,
  send: 'coa',
  attributes,
  answer: 'CoA-ACK',
});
const KEYS: readonly Row[] = [
  keyed('User-Name', U1),
  keyed('Calling-Station-Id, RFC 3580', 'Calling-Station-Id = "02-99-00-00-00-01"'),
  keyed('Calling-Station-Id with colons', 'Calling-Station-Id = "02:99:00:00:00:01"'),
  keyed('Calling-Station-Id with dots', 'Calling-Station-Id = "0299.0000.0001"'),
  keyed('Calling-Station-Id bare', 'Calling-Station-Id = "029900000001"'),
  keyed('Calling-Station-Id in halves', 'Calling-Station-Id = "029900-000001"'),
  keyed('Acct-Session-Id', 'Acct-Session-Id = "{id}"'),
  keyed('Acct-Multi-Session-Id', 'Acct-Multi-Session-Id = "{multi}"'),
  keyed('NAS-Port', 'NAS-Port = {index}'),
  keyed('NAS-Port-Id', 'NAS-Port-Id = "p1"'),
  keyed('Called-Station-Id', 'Called-Station-Id = "{address}"'),
  keyed('Framed-IP-Address', 'Framed-IP-Address = 10.99.0.11'),
  keyed('Framed-IPv6-Address', 'Framed-IPv6-Address = fd00:99::11'),
  keyed('Chargeable-User-Identity', 'Chargeable-User-Identity = "cui-1"'),
  keyed('audit-session-id', cisco('audit-session-id={id}')),
  keyed('a user on a port of Ethernet', U1, 'NAS-Port-Type = Ethernet', 'NAS-Port-Id = "p1"'),
  keyed(
    'every key at once, to this NAS by its names',
    U1,
    'Calling-Station-Id = "0299.0000.0001"',
    'Acct-Session-Id = "{id}"',
    'Acct-Multi-Session-Id = "{multi}"',
    'NAS-Port = {index}',
    'NAS-Port-Id = "p1"',
    'Framed-IP-Address = 10.99.0.11',
    'NAS-Identifier = "sw1"',
    'NAS-IP-Address = 10.99.0.1',
    'Event-Timestamp = {now}',
    'Message-Authenticator = 0x00',
  ),
].map((row, i) => ({
  ...row,
  attributes: [...row.attributes, `Idle-Timeout = ${3000 + i}`],
  set: { idle_timeout_s: 3000 + i },
}));

const CHANGES: readonly Row[] = [
  {
    what: 'Session-Timeout',
    send: 'coa',
    attributes: [U1, 'Session-Timeout = 3600'],
    answer: 'CoA-ACK',
    set: { session_timeout_s: 3600 },
  },
  {
    what: 'Session-Timeout and what then',
    send: 'coa',
    attributes: [U1, 'Session-Timeout = 3601', 'Termination-Action = RADIUS-Request'],
    answer: 'CoA-ACK',
    set: { session_timeout_s: 3601 },
  },
  {
    what: 'no Session-Timeout any more',
    send: 'coa',
    attributes: [U1, 'Session-Timeout = 0'],
    answer: 'CoA-ACK',
    set: { session_timeout_s: null },
  },
  {
    what: 'no Idle-Timeout any more',
    send: 'coa',
    attributes: [U1, 'Idle-Timeout = 0'],
    answer: 'CoA-ACK',
    set: { idle_timeout_s: null },
  },
  {
    what: 'another role',
    send: 'coa',
    attributes: [U1, 'Filter-Id = "staff"'],
    answer: 'CoA-ACK',
    set: { role: 'staff', session_timeout_s: 7200 },
  },
  {
    what: 'the role it had',
    send: 'coa',
    attributes: [U1, 'Filter-Id = "default"'],
    answer: 'CoA-ACK',
    set: { role: 'default', session_timeout_s: null },
  },
  {
    what: 'Acct-Interim-Interval',
    send: 'coa',
    attributes: [U1, 'Acct-Interim-Interval = 600'],
    answer: 'CoA-ACK',
  },
  { what: 'Class', send: 'coa', attributes: [U1, 'Class = 0x676f6c64'], answer: 'CoA-ACK' },
  {
    what: 'a message with a change',
    send: 'coa',
    attributes: [U1, 'Reply-Message = "less"', 'Idle-Timeout = 900'],
    answer: 'CoA-ACK',
    set: { reply_message: 'less', idle_timeout_s: 900 },
  },
  {
    what: 'both sessions of one user',
    send: 'coa',
    attributes: ['User-Name = "twin"', 'Idle-Timeout = 700'],
    answer: 'CoA-ACK',
    of: [4, 5],
    set: { idle_timeout_s: 700 },
  },
];

const nak = (errorCause: number, send: Row['send'], what: string, ...attributes: readonly string[]): Row => ({
  what,
  send,
  attributes,
  answer: errorCause,
});
const REFUSED: readonly Row[] = [
  nak(401, 'coa', 'Framed-MTU', U1, 'Framed-MTU = 1400'),
  nak(401, 'coa', 'another vendor', U1, 'MS-Primary-DNS-Server = 192.0.2.1'),
  nak(401, 'coa', 'another AV pair', U1, cisco('shell:priv-lvl=15')),
  nak(401, 'coa', 'EAP-Message', U1, 'EAP-Message = 0x03010004'),
  nak(401, 'coa', 'a change beside Authorize-Only', U1, ...ONLY, 'Session-Timeout = 60'),
  nak(401, 'disconnect', 'Service-Type', U1, 'Service-Type = Authorize-Only'),
  nak(401, 'disconnect', 'State', U1, 'State = 0x01'),
  nak(401, 'disconnect', 'a change', U1, 'Session-Timeout = 60'),
  nak(401, 'disconnect', 'a command', U1, BOUNCE),
  nak(402, 'disconnect', 'nobody named', 'NAS-Identifier = "sw1"'),
  nak(402, 'coa', 'nothing asked', U1),
  nak(402, 'coa', 'Authorize-Only without State', U1, 'Service-Type = Authorize-Only'),
  nak(402, 'coa', 'a VLAN without its type', U1, 'Tunnel-Private-Group-Id = "7"'),
  nak(403, 'disconnect', 'another NAS-Identifier', U1, 'NAS-Identifier = "sw2"'),
  nak(403, 'coa', 'another NAS-IP-Address', U1, 'NAS-IP-Address = 10.99.0.2', 'Idle-Timeout = 60'),
  nak(403, 'disconnect', 'another NAS-IPv6-Address', U1, 'NAS-IPv6-Address = fd00:99::2'),
  nak(404, 'disconnect', 'NAS-Port of three octets', 'Attr-5 = 0x000001'),
  nak(404, 'coa', 'Session-Timeout of three octets', U1, 'Attr-27 = 0x000001'),
  nak(404, 'disconnect', 'two users', U1, 'User-Name = "u2"'),
  nak(404, 'coa', 'a command and a change', U1, REAUTHENTICATE, 'Session-Timeout = 60'),
  nak(404, 'coa', 'two commands', U1, REAUTHENTICATE, BOUNCE),
  nak(404, 'coa', 'a misformed Vendor-Specific', U1, 'Attr-26 = 0x000000090109'),
  nak(405, 'coa', 'another Service-Type', U1, 'Service-Type = Framed-User', 'Idle-Timeout = 60'),
  nak(407, 'coa', 'a role that is none', U1, 'Filter-Id = "nobody"'),
  nak(407, 'disconnect', 'a station that is no MAC', 'Calling-Station-Id = "02-99"'),
  nak(407, 'coa', 'a VLAN that is none', U1, ...vlan('4095')),
  nak(407, 'coa', 'a VLAN, on a bridge that filters none', U1, ...vlan('30')),
  nak(407, 'coa', 'a tagged VLAN, on a bridge that filters none', U1, 'Egress-VLANID = 0x31000028'),
  nak(407, 'coa', 'the same by its name', U1, 'Egress-VLAN-Name = "1cameras"'),
  nak(
    407,
    'coa',
    'another type of reauthentication',
    U1,
    REAUTHENTICATE,
    cisco('subscriber:reauthenticate-type=first'),
  ),
  nak(407, 'coa', 'a command that we do not know', U1, cisco('subscriber:command=session-query')),
  nak(407, 'coa', 'a bounce that is too long', U1, 'HP-Port-Bounce-Host = 61'),
  nak(501, 'coa', 'a bounce on a port that forbids it', 'User-Name = "u3"', BOUNCE),
  nak(501, 'coa', "the same in HP's words", 'User-Name = "u3"', 'HP-Port-Bounce-Host = 5'),
  nak(501, 'coa', "the same in Aruba's words", 'User-Name = "u3"', 'Aruba-Port-Bounce-Host = 5'),
  nak(501, 'coa', 'a disable that is not allowed', 'User-Name = "u2"', DISABLE),
  nak(503, 'disconnect', 'nobody of that name', 'User-Name = "u9"'),
  nak(503, 'coa', 'nobody with that address', 'Framed-IP-Address = 10.99.0.99', 'Idle-Timeout = 60'),
  nak(503, 'disconnect', 'one user, and the port of another', U1, 'NAS-Port-Id = "p2"'),
  nak(503, 'disconnect', 'a session that is over', 'Acct-Session-Id = "00000000-000001"'),
  nak(503, 'disconnect', 'a user on another kind of port', U1, 'NAS-Port-Type = Wireless-802.11'),
];

const DONE: readonly Row[] = [
  { what: 'reauthenticate', send: 'coa', attributes: [U1, REAUTHENTICATE], answer: 'CoA-ACK', asked: 1 },
  {
    what: 'reauthenticate by the last method',
    send: 'coa',
    attributes: [U1, REAUTHENTICATE, cisco('subscriber:reauthenticate-type=last')],
    answer: 'CoA-ACK',
    asked: 1,
  },
  {
    what: 'reauthenticate from the first method, which let the client in',
    send: 'coa',
    attributes: ['User-Name = "u2"', REAUTHENTICATE, cisco('subscriber:reauthenticate-type=rerun')],
    answer: 'CoA-ACK',
    asked: 2,
  },
  {
    what: 'User-Name',
    send: 'disconnect',
    attributes: [U1],
    answer: 'Disconnect-ACK',
    out: [1],
    cause: 'radius-disconnect',
  },
  {
    what: 'Calling-Station-Id',
    send: 'disconnect',
    attributes: ['Calling-Station-Id = "0299.0000.0002"'],
    answer: 'Disconnect-ACK',
    out: [2],
    cause: 'radius-disconnect',
  },
  {
    what: 'Acct-Session-Id, with a Class for the Stop',
    send: 'disconnect',
    attributes: ['Acct-Session-Id = "{id}"', 'Class = 0x6c617374'],
    answer: 'Disconnect-ACK',
    out: [1],
    cause: 'radius-disconnect',
  },
  {
    what: 'both sessions of one user',
    send: 'disconnect',
    attributes: ['User-Name = "twin"'],
    answer: 'Disconnect-ACK',
    out: [4, 5],
    cause: 'radius-disconnect',
  },
  {
    what: "bounce in Cisco's words",
    send: 'coa',
    attributes: [U1, BOUNCE],
    answer: 'CoA-ACK',
    out: [1],
    cause: 'port-reinit',
    down: true,
  },
  {
    what: "bounce in HP's words",
    send: 'coa',
    attributes: ['User-Name = "u2"', 'HP-Port-Bounce-Host = 1'],
    answer: 'CoA-ACK',
    out: [2],
    cause: 'port-reinit',
    down: true,
  },
  {
    what: "bounce in Aruba's words",
    send: 'coa',
    attributes: [U1, 'Aruba-Port-Bounce-Host = 1'],
    answer: 'CoA-ACK',
    out: [1],
    cause: 'port-reinit',
    down: true,
  },
];

describe('dynamic authorization', () => {
  let scene: Scene;
  let wire: Sniffer;
  let control: SocketClient;
  const supplicants: Supplicant[] = [];

  beforeAll(async () => {
    scene = await Scene.open({ ports: ON_PORT.length, radius: { users: USERS }, config: CONFIG });
    control = new SocketClient(scene.agent.socket, 5000);
    wire = await Sniffer.start(scene.lab.netns, {
      device: 'lo',
      filter: 'udp port 3799',
      // Of the largest packet (RFC 2865 section 3).
      snaplen: 4_200,
      preferences: ['radius.shared_secret:testing123', 'radius.validate_authenticator:TRUE'],
    });
    scene.atClose(() => wire.close());
    supplicants.push(
      ...(await Promise.all(ON_PORT.map((user, i) => scene.logIn(scene.client(i + 1), user)))),
    );
    await ping(scene.client(1), UPLINK_IPV4);
    await ping(scene.client(1), UPLINK_IPV6);
  }, 60_000);
  afterAll(() => scene?.close());

  const sessions = async (): Promise<readonly PortSession[]> => {
    const answer = await control.request('sessions', {});
    if (!answer.ok || !answer.value.ok) throw new Error(JSON.stringify(answer));
    return (answer.value.result as { readonly sessions: readonly PortSession[] }).sessions;
  };
  const onPort = async (n: number): Promise<PortSession | undefined> =>
    (await sessions()).find(({ port }) => port === `p${n}`);
  const portFacts = async (
    n: number,
  ): Promise<{ readonly index: number; readonly held_down: string | null }> => {
    const port = await scene.port(`p${n}`);
    return port as unknown as { index: number; held_down: string | null };
  };
  const isUp = async (n: number): Promise<boolean> =>
    /[<,]UP[,>]/.test(await scene.lab.netns.ip(`link show p${n}`));
  /** Who may send into which port, by the kernel's word. */
  const granted = async (): Promise<readonly string[]> =>
    (await scene.lab.fdb())
      .filter(({ ifname, state }) => ifname.startsWith('p') && state === 'static')
      .map(({ mac, ifname }) => `${ifname} ${mac}`)
      .sort();
  /** All that must not change by itself. */
  const standing = async (): Promise<unknown> =>
    (await sessions())
      .map(({ last_seen: _, last_seen_by: __, session_time_s: ___, ...rest }) => rest)
      .sort((a, b) => (a.port < b.port ? -1 : 1));

  async function filled(attributes: readonly string[]): Promise<string[]> {
    const first = await onPort(1);
    const { index } = await portFacts(1);
    const [link] = JSON.parse(await scene.lab.netns.ip('-j link show p1')) as readonly { address: string }[];
    const words: Readonly<Record<string, string>> = {
      id: first?.session_id ?? '',
      multi: first?.multi_session_id ?? '',
      index: `${index}`,
      address: link?.address ?? '',
      now: `${Math.floor(Date.now() / 1000)}`,
    };
    return attributes.map((line) => line.replace(/\{(\w+)\}/g, (whole, word) => words[word] ?? whole));
  }

  /** In again; a supplicant whose port was bounced sees to it by itself. */
  async function inAgain(n: number): Promise<void> {
    await supplicants[n - 1]?.become({ method: 'MD5', identity: ON_PORT[n - 1] ?? '', password: PASSWORD });
    await until(`client ${n} in again`, async () => (await onPort(n)) !== undefined, 20_000);
  }

  const causeName = (number: number): string => {
    const [name = ''] = Object.entries(ERROR_CAUSES).find(([, value]) => value === number) ?? [];
    return name;
  };

  async function play(row: Row): Promise<void> {
    const before = { sessions: await standing(), granted: await granted() };
    const endsBefore = scene.events('session-end').length;
    const successes = (): number =>
      supplicants[(row.asked ?? 1) - 1]?.output.match(/CTRL-EVENT-EAP-SUCCESS/g)?.length ?? 0;
    const successesBefore = successes();
    const reply = await radclient(scene.lab.netns, {
      send: row.send,
      attributes: await filled(row.attributes),
    });
    const { out = [], of = [1] } = row;
    const gone = new Set(out.map((n) => `p${n} ${scene.client(n).mac}`));
    // The bridge first: at the answer it is done, not later.
    expect(await granted(), reply.output).toEqual(before.granted.filter((entry) => !gone.has(entry)));
    if (row.down === true) expect(await isUp(out[0] ?? 0)).toBe(false);
    const { answer } = row;
    if (typeof answer === 'string') expect([reply.code, reply.errorCause]).toEqual([answer, undefined]);
    else {
      const code = row.send === 'coa' ? 'CoA-NAK' : 'Disconnect-NAK';
      expect([reply.code, reply.errorCause], reply.output).toEqual([code, causeName(answer)]);
      expect(await standing()).toEqual(before.sessions);
    }
    if (row.set !== undefined) {
      for (const n of of) expect(await onPort(n)).toMatchObject(row.set);
    }
    if (row.asked !== undefined) {
      await until('authenticated anew', () => successes() > successesBefore);
      expect(await granted()).toEqual(before.granted);
    }
    if (out.length === 0) return;
    await until('the ends', () => scene.events('session-end').length === endsBefore + out.length);
    for (const n of out) {
      const last = scene.ends(scene.client(n)).at(-1);
      expect(last).toMatchObject({ cause: row.cause, relock: { verified: true } });
      await scene.radius.waitForAccounting({
        'Acct-Session-Id': `${last?.session_id}`,
        'Acct-Status-Type': 'Stop',
      });
      if (row.down === true) await until(`p${n} up again`, () => isUp(n), 5000);
      else expect(await ping(scene.client(n), UPLINK_IPV4, 0.3)).toBe(false);
      await inAgain(n);
    }
  }

  it('one socket for each address family, for the whole switch', async () => {
    const listening = (await scene.lab.netns.must(['ss', '-lunH']))
      .split('\n')
      .filter((line) => /:3799\s/.test(line));
    expect(listening.map((line) => line.trim().split(/\s+/)[3])).toEqual(['0.0.0.0:3799', '[::]:3799']);
  });

  describe('keys', () => {
    it.each(KEYS)('$what', play);
  });
  describe('changes', () => {
    it.each(CHANGES)('$what', play);
  });
  describe('refused, and nothing is changed', () => {
    it.each(REFUSED)('$answer: $send: $what', play);
  });
  describe('done', () => {
    it.each(DONE)('$send: $what', play, 30_000);
  });

  it('the Class of a Disconnect-Request is in the Stop', async () => {
    const stops = scene.radius.accounting().filter((record) => record['Acct-Status-Type'] === 'Stop');
    expect(stops.map((record) => record.Class)).toContain('0x6c617374');
  });

  it('Authorize-Only: 507, and the server that asked is asked; its Accept counts', async () => {
    const attributes = ['User-Name = "u2"', ...ONLY];
    await radclient(scene.lab.netns, {
      send: 'coa',
      attributes: ['User-Name = "u2"', 'Idle-Timeout = 5000'],
    });
    const reply = await radclient(scene.lab.netns, { send: 'coa', attributes });
    expect([reply.code, reply.errorCause]).toEqual(['CoA-NAK', 'Request-Initiated']);
    expect(reply.output).toMatch(/Service-Type = Authorize-Only/);
    await until('the Accept', async () => (await onPort(2))?.idle_timeout_s === 1234);
  });

  it('506, and everybody stays, where the ports cannot be noted on disk as held down', async () => {
    const part = join(scene.agent.stateDir, 'held-ports.json.part');
    mkdirSync(part);
    const before = { sessions: await standing(), granted: await granted() };
    const bounce = { send: 'coa', attributes: ['User-Name = "twin"', BOUNCE] } as const;
    const reply = await radclient(scene.lab.netns, bounce);
    rmdirSync(part);
    expect([reply.code, reply.errorCause]).toEqual(['CoA-NAK', 'Resources-Unavailable']);
    expect({ sessions: await standing(), granted: await granted() }).toEqual(before);
    expect([await isUp(4), await isUp(5)]).toEqual([true, true]);
  });

  it('Authorize-Only: a Reject ends the session', async () => {
    const reply = await radclient(scene.lab.netns, {
      send: 'coa',
      attributes: ['User-Name = "u3"', ...ONLY],
    });
    expect(reply.errorCause).toBe('Request-Initiated');
    await scene.waitForEvent('session-end', { mac: scene.client(3).mac, cause: 'reauth-failed' });
    expect((await granted()).some((entry) => entry.startsWith('p3 '))).toBe(false);
    await inAgain(3);
  }, 30_000);

  it('State and Proxy-State come back, these in their order', async () => {
    const proxies = ['0x6f6e65', '0x74776f', '0x7468726565'];
    const attributes = [
      U1,
      'Idle-Timeout = 60',
      'State = 0x7374617465',
      ...proxies.map((p) => `Proxy-State = ${p}`),
    ];
    const reply = await radclient(scene.lab.netns, { send: 'coa', attributes });
    expect([reply.code, reply.proxyStates]).toEqual(['CoA-ACK', proxies]);
    expect(reply.output.slice(reply.output.indexOf('Received'))).toMatch(/State = 0x7374617465/);
  });

  it('IPv6, and a client that must sign', async () => {
    const six = await radclient(scene.lab.netns, {
      send: 'coa',
      attributes: [U1, 'Idle-Timeout = 61'],
      to: '[::1]',
    });
    expect(six.code).toBe('CoA-ACK');
    const { uplink } = scene.lab;
    const from = { send: 'coa', to: '10.99.0.1', secret: 'another-secret', waitS: 1 } as const;
    const attributes = [U1, 'Idle-Timeout = 62'];
    expect((await radclient(uplink, { ...from, attributes })).code).toBe('none');
    const signed = [...attributes, 'Message-Authenticator = 0x00'];
    expect((await radclient(uplink, { ...from, attributes: signed })).code).toBe('CoA-ACK');
    expect((await radclient(uplink, { ...from, attributes: signed, secret: 'testing123' })).code).toBe(
      'none',
    );
  }, 20_000);

  it('1,000 captured packets, replayed after a new login from other ports: none is done again', async () => {
    const stamp = Date.now() as WallTime;
    const captured = Array.from({ length: 1000 }, (_, i) => {
      const coa = i < 500;
      const change = coa ? [u32('Idle-Timeout', 2000 + i)] : [];
      const attributes = [text('User-Name', 'u1'), ...change, octets('Proxy-State', utf8(`${i}`))];
      const code = coa ? 'CoA-Request' : 'Disconnect-Request';
      return dynamicRequest({ code, attributes, at: stamp, secret: SECRET });
    });
    const first = await sendAll(scene.lab.netns, captured, { sources: 8, waitMs: 1000 });
    expect(first.map((reply) => reply?.[0])).toEqual([...Array(500).fill(44), 41, ...Array(499).fill(42)]);
    await inAgain(1);
    const before = { sessions: await standing(), granted: await granted() };
    const asked = scene.events('dynamic-authorization').length;
    const again = await sendAll(scene.lab.netns, captured, { sources: 13, waitMs: 1000 });
    expect(again).toEqual(first);
    expect({ sessions: await standing(), granted: await granted() }).toEqual(before);
    expect(scene.events('dynamic-authorization')).toHaveLength(asked);
    expect((await scene.drops())['dynauth-duplicate']).toBe(1000);
  }, 60_000);

  it('10,000 forged, stale, foreign and broken packets: nothing changes, all are counted', async () => {
    const stamp = Date.now() as WallTime;
    const make = (secret: Uint8Array, at: WallTime) =>
      [1, 2, 3].flatMap((n) => {
        const who = text('User-Name', `u${n}`);
        return [
          dynamicRequest({ code: 'Disconnect-Request', attributes: [who], at, secret }),
          dynamicRequest({ code: 'CoA-Request', attributes: [who, u32('Idle-Timeout', 1)], at, secret }),
        ];
      });
    const repeated = (packets: readonly Uint8Array[], count: number): Uint8Array[] =>
      Array.from({ length: count }, (_, i) => packets[i % packets.length] as Uint8Array);
    const before = { sessions: await standing(), granted: await granted(), drops: await scene.drops() };
    const { netns } = scene.lab;
    const quietly = { sources: 20, waitMs: 0 };
    await sendAll(netns, forgeries(make(SECRET, stamp), 7000, 5176), quietly);
    await sendAll(netns, repeated(make(utf8('wrong'), stamp), 1000), quietly);
    await sendAll(netns, repeated(make(SECRET, (stamp - 400_000) as WallTime), 1000), quietly);
    await sendAll(netns, repeated(make(SECRET, stamp), 1000), { ...quietly, from: '127.0.0.2' });
    const counted = async (): Promise<number> =>
      Object.entries(await scene.drops())
        .filter(([reason]) => reason.startsWith('dynauth-'))
        .reduce((sum, [reason, count]) => sum + count - (before.drops[reason] ?? 0), 0);
    await until('all are counted', async () => (await counted()) >= 10_000);
    expect(await counted()).toBe(10_000);
    const { 'dynauth-client': foreign, 'dynauth-event-timestamp': stale } = await scene.drops();
    expect([foreign, stale]).toEqual([1000, 1000]);
    expect({ sessions: await standing(), granted: await granted() }).toEqual({
      sessions: before.sessions,
      granted: before.granted,
    });
  }, 60_000);

  it('a disabled port stays down, over a restart of the agent too, until the port command', async () => {
    const reply = await radclient(scene.lab.netns, { send: 'coa', attributes: [U1, DISABLE] });
    expect(reply.code).toBe('CoA-ACK');
    await scene.waitForEvent('session-end', { mac: scene.client(1).mac, cause: 'port-disabled' });
    expect(await portFacts(1)).toMatchObject({ held_down: 'disable' });
    await scene.agent.stop();
    await scene.agent.start();
    expect(await isUp(1)).toBe(false);
    expect(await portFacts(1)).toMatchObject({ held_down: 'disable' });
    await scene.ask('port', 'p1', 'auto');
    await until('p1 up', () => isUp(1));
    expect(await portFacts(1)).toMatchObject({ held_down: null });
    await inAgain(1);
  }, 60_000);

  it('a bounce that the agent does not live to see the end of: the next start sets the port up', async () => {
    const reply = await radclient(scene.lab.netns, { send: 'coa', attributes: [U1, BOUNCE] });
    expect(reply.code).toBe('CoA-ACK');
    await scene.agent.kill();
    expect(await isUp(1)).toBe(false);
    await scene.agent.start();
    await until('p1 up', () => isUp(1));
    await inAgain(1);
  }, 60_000);

  it('every reply passes tshark, and an independent computation of its authenticators', async () => {
    await wire.stop();
    expect(await wire.faults('udp.srcport == 3799')).toEqual([]);
    const verdict = await authenticators(scene.lab.netns, wire.file);
    expect(verdict.faults).toEqual([]);
    expect(verdict.replies).toBeGreaterThan(2000);
  }, 60_000);

  it('the table has at least 60 packets', () => {
    expect(KEYS.length + CHANGES.length + REFUSED.length + DONE.length).toBeGreaterThanOrEqual(60);
  });
});
