// What can happen in the town, an entry each. `who`, `where` and `what` are numbers that an act makes of what it will, so
// that every play is a list of plain records, which can be written down, shrunk, and played again.

import { utf8 } from '../../src/base/bytes.ts';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { Wish } from '../../src/web/visit.ts';
import { EAPOL_START, encodeEapol } from '../../src/wire/eapol.ts';
import { ETHERTYPE_PAE } from '../../src/wire/ethernet.ts';
import { type OutgoingAttribute, text, u32, vendor } from '../../src/wire/radius-attributes.ts';
import { dynamicRequest } from '../rigs/dynauth.ts';
import { replyAttributes } from '../rigs/sim/radius-peer.ts';
import { GATEWAY } from '../rigs/sim/simulated-switch.ts';
import { accountingRequest } from '../rigs/sso.ts';
import type { Reply } from '../scenarios/stage.ts';
import { ADDRESSES, CHANGES, CLIENTS, CONCENTRATOR, PASSWORD, PORTS, SERVER, type Town } from './town.ts';

export interface Act {
  readonly act: ActName;
  readonly who: number;
  readonly where: number;
  readonly what: number;
  /** How long nothing else happens, ms. */
  readonly waitMs: number;
}

type Numbers = Omit<Act, 'act' | 'waitMs'>;
type Doing = (town: Town, numbers: Numbers) => void;

const HOUR_MS = 3_600_000;
const FLOOD = 40;
const CISCO = (said: string): OutgoingAttribute => vendor(9, 1, utf8(said));

const HAND_SET = [
  undefined,
  { pvid: false, untagged: false },
  { pvid: false, untagged: true },
  { pvid: true, untagged: true },
];

const portOf = ({ where }: Numbers): PortName => PORTS[where % PORTS.length] as PortName;
const pick = <T>(from: readonly T[], n: number): T => from[n % from.length] as T;

/** How often each is chosen, and what it does. */
const DOINGS = {
  login: [6, (town, { who }) => town.client(who).supplicant.start()],
  logoff: [1, (town, { who }) => town.client(who).supplicant.logoff()],
  silence: [
    2,
    (town, { who }) => {
      const client = town.client(who);
      client.silent = !client.silent;
    },
  ],
  everybodySilent: [
    1,
    (town, { what }) => {
      for (const client of town.net.clients) client.silent = what % 2 === 0;
    },
  ],
  say: [2, (town, { who }) => town.client(who).say()],
  ping: [2, (town, { who }) => void town.client(who).ping(GATEWAY)],
  announce: [1, (town, { who }) => town.client(who).announce()],
  move: [
    2,
    (town, numbers) => {
      const client = town.client(numbers.who);
      client.port = portOf(numbers);
      if (numbers.what % 2 === 0) client.supplicant.start();
      else client.say();
    },
  ],
  become: [
    1,
    (town, { who, what }) => {
      const { supplicant } = town.client(who);
      supplicant.kill();
      supplicant.user = { identity: `u${what % CLIENTS}`, password: what % 3 === 0 ? 'wrong' : PASSWORD };
      supplicant.start();
    },
  ],
  killSupplicant: [1, (town, { who }) => town.client(who).supplicant.kill()],
  strangersLogoff: [
    1,
    (town, numbers) => {
      // Somebody else's MAC, on another port.
      const client = town.client(numbers.who);
      const { port } = client;
      client.port = portOf(numbers);
      client.supplicant.logoff();
      client.port = port;
    },
  ],
  flood: [
    1,
    (town, numbers) => {
      for (let i = 0; i < FLOOD; i++) flood(town, portOf(numbers), numbers.what * FLOOD + i);
    },
  ],
  cable: [
    2,
    ({ net: { bridge } }, numbers) => {
      const port = portOf(numbers);
      bridge.setCable(port, !bridge.port(port).cable);
    },
  ],
  flap: [
    1,
    ({ net }, numbers) => {
      const port = portOf(numbers);
      for (let i = 0; i < 20; i++) net.world.in(i * 50, () => net.bridge.setCable(port, i % 2 === 1));
    },
  ],
  adminState: [
    1,
    ({ net: { bridge } }, numbers) => {
      const port = portOf(numbers);
      bridge.setAdmin(port, !bridge.port(port).adminUp);
    },
  ],
  membership: [
    1,
    ({ net: { bridge } }, numbers) => {
      const port = portOf(numbers);
      if (bridge.port(port).present) bridge.remove(port);
      else bridge.restore(port);
    },
  ],
  bridge: [
    1,
    ({ net: { bridge, world } }, { what }) => {
      bridge.vanish();
      world.in(1 + (what % 3000), () => bridge.reappear());
    },
  ],
  captureEnded: [2, ({ net }, numbers) => net.endCapture(portOf(numbers))],
  portByHand: [
    1,
    ({ net: { bridge } }, numbers) => {
      const { what } = numbers;
      if (bridge.filtering && what % 2 === 1) {
        // Nothing comes of it on a port that is not there.
        const set = { vlan: pick([1, 30, 31, 90], what >> 1), member: pick(HAND_SET, what >> 3) };
        bridge.setVlans([{ port: portOf(numbers), ...set }]);
      } else bridge.unlock(portOf(numbers));
    },
  ],
  entryDeleted: [1, (town, { who }) => town.net.bridge.deleteByHand(town.client(who).mac)],
  entryLearnt: [
    1,
    (town, numbers) => {
      const { bridge } = town.net;
      const { mac } = town.client(numbers.who);
      if (bridge.port(portOf(numbers)).present && bridge.entriesOf(mac).length === 0)
        bridge.learnOpen(mac, portOf(numbers));
    },
  ],
  faults: [1, (town, { what }) => order(town, what)],
  servers: [
    1,
    (town, { what }) => {
      const [first, second] = town.net.servers;
      if (first === undefined || second === undefined) return;
      first.access = (what & 1) === 0;
      second.access = (what & 2) === 0;
      first.accounting = (what & 4) === 0;
      second.accounting = (what & 8) === 0;
    },
  ],
  broker: [1, (town) => town.net.setBroker(!town.net.brokerUp)],
  clockStep: [
    1,
    (town, { what }) => {
      town.net.world.wallOffset += ((what % 11) - 5) * HOUR_MS;
    },
  ],
  stall: [
    1,
    (town, { what }) => {
      const ms = 500 + (what % 8) * 1000;
      town.invariants.excuse(ms);
      town.net.stall(ms);
    },
  ],
  dumpsFail: [
    1,
    (town, { what }) => {
      town.net.faults.dumps = 1 + (what % 3);
      town.invariants.excuse(4000);
    },
  ],
  command: [3, (town, numbers) => command(town, numbers)],
  reload: [1, (town, { what }) => town.net.post({ type: 'reload', text: town.file(pick(CHANGES, what)) })],
  disconnect: [1, (town, numbers) => dynamic(town, 'Disconnect-Request', numbers, [])],
  change: [1, (town, numbers) => dynamic(town, 'CoA-Request', numbers, changes(town, numbers.what))],
  concentrator: [2, (town, numbers) => concentrator(town, numbers)],
  packet: [1, (town, { who }) => void town.net.routed.packet(pick(ADDRESSES, who))],
  visit: [4, (town, numbers) => visit(town, numbers)],
  killAgent: [1, (town) => kill(town)],
  renameWhileAway: [1, (town, numbers) => kill(town, () => swapNames(town, numbers))],
} as const satisfies Readonly<Record<string, readonly [weight: number, doing: Doing]>>;

export type ActName = keyof typeof DOINGS;

/** Each as often as its weight. */
export const ACT_NAMES: readonly ActName[] = (Object.keys(DOINGS) as ActName[]).flatMap((name) =>
  Array.from({ length: DOINGS[name][0] }, () => name),
);

/** One act, and the time until the next. */
export function perform(town: Town, act: Act): void {
  const { clients, world } = town.net;
  town.story.push(`${world.now} ${JSON.stringify(act)} ${clients[act.who % CLIENTS]?.mac} ${portOf(act)}`);
  DOINGS[act.act][1](town, act);
  town.net.advance(act.waitMs);
}

/** One EAPOL-Start of a MAC that nobody has. */
function flood(town: Town, port: PortName, n: number): void {
  const source = Uint8Array.of(2, 0x99, 0x55, n >> 16, n >> 8, n);
  const body = encodeEapol({ version: 2, type: EAPOL_START, body: new Uint8Array(0) });
  const head = Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 3, ...source, ETHERTYPE_PAE >> 8, ETHERTYPE_PAE & 0xff);
  town.net.bridge.receive(port, Uint8Array.of(...head, ...body));
}

function order({ net: { faults }, mayKill }: Town, what: number): void {
  faults.revokes = what % 3;
  faults.grants = (what >> 1) % 2;
  faults.captures = (what >> 2) % 2;
  faults.setPorts = (what >> 3) % 2;
  faults.links = (what >> 4) % 2;
  faults.vlans = (what >> 5) % 2;
  faults.vlanReads = (what >> 6) % 2;
  faults.confines = (what >> 2) % 2;
  faults.releases = (what >> 4) % 3;
  if (!mayKill) faults.stores = (what >> 3) % 4;
}

function command(town: Town, numbers: Numbers): void {
  const { who, what } = numbers;
  const { mac } = town.client(who);
  const port = portOf(numbers);
  const requests: readonly (readonly [string, object | Uint8Array])[] = [
    ['disconnect', { mac }],
    ['disconnect', { port, dry_run: true }],
    ['disconnect', { port, bounce: true }],
    ['disconnect', { user: `u${who}` }],
    ['disconnect', { all: true }],
    ['disconnect', { ip: pick(ADDRESSES, who) }],
    ['reauthenticate', { mac }],
    ['reauthenticate', { port }],
    ['reauthenticate', { all: true }],
    ['probe', { mac }],
    ['probe', { all: true }],
    ['port', { port, control: 'auto' }],
    ['port', { port, control: 'auto' }],
    ['port', { port, control: 'force-unauthorized' }],
    ['port', { port, control: 'force-authorized' }],
    ['port', { port, control: 'off' }],
    ['timers', { role: 'default', period_s: 1 + (who % 4), times: 1 + (who % 3) }],
    ['timers', { role: 'staff', session_s: who, heartbeat_s: who % 2 === 0 ? null : 5 }],
    ['timers', { port, period_s: who % 3, keep: who % 5 === 0 }],
    ['certified', { clear: true, all: true }],
    ['certified', { clear: true, mac }],
    ['certified', { list: true, limit: 3 }],
    ['config', { get: true }],
    ['config', { check: town.file(pick(CHANGES, who)) }],
    ['config', { apply: town.file(pick(CHANGES, who)) }],
    ['config', { apply: 'ports: [' }],
    ['sessions', {}],
    ['ports', {}],
    ['servers', {}],
    ['session', { mac }],
    ['info', {}],
    ['explain', { mac }],
    ['events', { limit: 5 }],
    ['disconnect', utf8('{"mac": ')],
    ['nonsense', {}],
  ];
  const [verb, request] = pick(requests, what);
  town.asked.push({ ref: town.net.request(verb, request), at: town.net.world.now });
}

function changes(town: Town, what: number): readonly OutgoingAttribute[] {
  const replies: readonly Reply[] = [
    { sessionTimeoutS: 5 + (what % 40), terminationAction: (what & 1) as 0 | 1 },
    { filterId: pick(['staff', 'sleepy', 'quiet', 'nobody', 'default'], what) },
    { idleTimeoutS: 10 },
    ...(town.filtering ? [{ vlan: pick(['30', '31', '90', '4095', 'voice'], what) }] : []),
  ];
  const all = [
    ...replies.map(replyAttributes),
    [CISCO('subscriber:command=bounce-host-port')],
    [CISCO('subscriber:command=disable-host-port')],
    [CISCO('subscriber:command=reauthenticate')],
    [u32('Service-Type', 17)],
  ];
  return pick(all, what >> 3);
}

function dynamic(
  town: Town,
  code: 'Disconnect-Request' | 'CoA-Request',
  { who, what }: Numbers,
  more: readonly OutgoingAttribute[],
): void {
  const { mac } = town.client(who);
  const key =
    what % 2 === 0 ? text('User-Name', `u${who % CLIENTS}`) : text('Calling-Station-Id', mac.toUpperCase());
  const attributes = [key, ...more];
  const bytes = dynamicRequest({ code, attributes, identifier: town.identifier++ & 0xff });
  town.net.post({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port: 40_000, bytes }] });
}

function concentrator(town: Town, { who, what }: Numbers): void {
  const status = pick(['start', 'start', 'interim', 'stop', 'on', 'off'] as const, what);
  const bytes = accountingRequest(status, {
    identifier: town.identifier++ & 0xff,
    session: `s${who % 5}`,
    user: `v${who % 5}`,
    ips: [pick(ADDRESSES, who)],
    timeS: what,
    ...(status === 'stop' ? { cause: 1 + (what % 10) } : {}),
  });
  town.net.post({ type: 'sso-requests', datagrams: [{ address: CONCENTRATOR, port: 40_000, bytes }] });
}

function visit(town: Town, { who, what }: Numbers): void {
  // Strangers, if there are any: the page is for them.
  const strangers = [...town.net.confined];
  const mac: Mac = strangers[who % Math.max(1, strangers.length)] ?? town.client(who).mac;
  const visitor = { mac, ip: `10.99.0.${100 + (who % CLIENTS)}` as Ip };
  const answer = town.net.visit({ visitor, wish: { type: 'look' } })();
  const page = answer?.type === 'page' ? answer.page : undefined;
  const formToken = page !== undefined && 'formToken' in page ? page.formToken : 'none';
  const password = utf8(what % 4 === 0 ? 'wrong' : PASSWORD);
  const wishes: readonly Wish[] = [
    { type: 'login', userName: `u${who % CLIENTS}`, password, formToken },
    { type: 'login', userName: `u${what % CLIENTS}`, password, formToken },
    { type: 'logout', formToken },
  ];
  town.net.visit({ visitor, wish: pick(wishes, what) });
}

/** Two ports have each other's name. */
function swapNames({ net }: Town, { where, what }: Numbers): void {
  const [one, other] = [pick(PORTS, where), pick(PORTS, what)];
  if (one === other) return;
  net.rename(one, 'swapped');
  net.rename(other, one);
  net.rename('swapped', other);
}

function kill(town: Town, meanwhile: () => void = () => undefined): void {
  if (!town.mayKill) return;
  // Whoever asked the one that is gone will not be answered.
  town.asked.length = 0;
  town.invariants.restarted();
  meanwhile();
  town.net.killAgent();
}
