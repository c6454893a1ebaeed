// A small town on one simulated switch: clients of every kind on ports of every kind, servers, a concentrator, an
// administrator. What the state-machine fuzzer (acts.ts) plays with; the invariants are looked at after each of its inputs.

import type { Ip, Ipv4, Ipv6 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { judgeCounts } from '../rigs/accounting-judge.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { DYNAUTH_SECRET } from '../rigs/dynauth.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import { Invariants } from '../rigs/sim/invariants.ts';
import { SIM_CAPABILITIES, SimulatedSwitch, UPLINK } from '../rigs/sim/simulated-switch.ts';
import { simFile } from '../rigs/sim/stage.ts';
import { SSO_SECRET } from '../rigs/sso.ts';
import type { Reply } from '../scenarios/stage.ts';

export const PASSWORD = 'wonder';
export const SERVER = '192.0.2.1';
export const CONCENTRATOR = '192.0.2.10';
export const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.0.0.3',
  '2001:db8::1',
] as readonly string[] as readonly Ip[];
/** What becomes of each port: see `BASE`. */
export const PORTS = [
  'p1',
  'p2',
  'p3',
  'p4',
  'p5',
  'p6',
  'p7',
  'p8',
] as readonly string[] as readonly PortName[];
export const CLIENTS = 20;
/** Of so many clients the servers know the MAC of one: among them those who begin at the port with MAB. */
const DEVICES_OF = 4;

export const BASE: ConfigPart = {
  ports: {
    'p*': { control: 'auto', dynamic_authorization: { allow_bounce: true, allow_disable: true } },
    p2: { link_down_delay_s: 3 },
    p3: { handshake: { times: 1 } },
    p4: { host_mode: 'single-host', egress: 'closed' },
    p5: { host_mode: 'multi-host', egress: 'closed' },
    p6: { mab: { enabled: true, delay_s: 1, authentication: 'eap-md5', quiet_s: 3 } },
    p7: { portal: true, egress: 'closed' },
    p8: { host_mode: 'multi-domain', critical: 'keep' },
  },
  roles: {
    default: { handshake: { period_s: 2, times: 3 } },
    staff: { handshake: { period_s: 3, times: 2 }, session_s: 30 },
    sleepy: { handshake: { period_s: 4, times: 2, keep: true }, heartbeat_s: 40 },
    quiet: { handshake: { period_s: 0 }, heartbeat_s: 10 },
    vpn: { session_s: 60, heartbeat_s: 30 },
  },
  handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
  guard: { share: 0.5, minimum: 4 },
  dot1x: { tx_period_s: 2, quiet_period_s: 5, server_timeout_s: 5, reauth_max: 1 },
  web: {},
  l3: { ingress: ['vpn0'] },
  sso: { role: 'vpn', clients: [{ address: CONCENTRATOR, secret: SSO_SECRET }] },
  certified_devices: { enabled: true, clear: [{ every_s: 3600 }] },
  radius: {
    servers: [
      { address: SERVER, secret: 'testing123' },
      { address: '192.0.2.2', secret: 'testing456' },
    ],
    dead_time_s: 5,
    accounting: { interim_s: 60 },
    dynamic_authorization: {
      clients: [{ address: SERVER, secret: DYNAUTH_SECRET }],
      allow_bounce: true,
      allow_disable: true,
    },
  },
};

/** Only where the bridge filters VLANs. */
const WITH_VLANS: ConfigPart = {
  vlan: { create: true },
  vlans: { staff: 30, voice: 40 },
  ports: {
    p6: { guest_vlan: 90, auth_fail_vlan: 91 },
    p8: { voice_vlan: 'voice', critical: 'vlan', critical_vlan: 92 },
  },
};

/** What reloads lay over it; the last is refused as a whole. */
export const CHANGES: readonly ConfigPart[] = [
  {},
  { roles: { default: { handshake: { period_s: 3, times: 2 } } } },
  { roles: { default: { handshake: { period_s: 0, times: 2 }, heartbeat_s: 8, session_s: 20 } } },
  { ports: { p1: { control: 'force-unauthorized' }, p2: { control: 'force-authorized' } } },
  { ports: { p3: { control: 'off' }, p4: { host_mode: 'multi-auth' }, p5: { host_mode: 'multi-auth' } } },
  { ports: { p6: { mab: { enabled: false }, egress: 'closed' }, p7: { portal: false, egress: 'open' } } },
  { ports: { p1: { host_mode: 'multi-host' }, p8: { host_mode: 'single-host', role: 'staff' } } },
  {
    guard: { share: 0 },
    ports: { p2: { link_down_delay_s: 0, mab: { enabled: true, delay_s: 0, authentication: 'eap-md5' } } },
  },
  { silent_devices: [{ mac: '02:99:00:00:00:01', handshake: { keep: true } }] },
  { role_rules: [{ mac: '02:99:00:00:00:03', role: 'quiet' }] },
  { switch: { id: 'another' } },
];

const REPLIES: readonly Reply[] = [
  {},
  { filterId: 'staff' },
  { filterId: 'sleepy' },
  { filterId: 'quiet' },
  { sessionTimeoutS: 20, terminationAction: 0 },
  { sessionTimeoutS: 20, terminationAction: 1 },
  { idleTimeoutS: 15 },
];
const VLAN_REPLIES: readonly Reply[] = [
  { vlan: '30' },
  { vlan: 'staff' },
  { vlan: '31', egress: ['132'] },
  { vlan: 'nowhere' },
];

export class Town {
  readonly net: SimulatedSwitch;
  readonly invariants: Invariants;
  readonly story: string[] = [];
  /** Commands, each of which is answered some time. */
  readonly asked: { readonly ref: number; readonly at: number }[] = [];
  /** A store that fails loses what a crash finds in memory: no agent is killed in this play. */
  readonly mayKill: boolean;
  identifier = 0;

  constructor(
    readonly filtering: boolean,
    mayKill: boolean,
  ) {
    this.mayKill = mayKill;
    this.net = new SimulatedSwitch({
      config: this.file({}),
      ports: PORTS,
      capabilities: { ...SIM_CAPABILITIES, vlanFiltering: filtering },
    });
    if (filtering) this.filter();
    for (let n = 0; n < CLIENTS; n++) this.moveIn(n);
    this.invariants = new Invariants(this.net);
    this.net.afterTurn = () => this.invariants.check();
    this.net.boot();
    this.net.advance(100);
  }

  file(change: ConfigPart): string {
    return simFile(overlay(overlay(BASE, this.filtering ? WITH_VLANS : {}), change));
  }

  client(n: number): SimClient {
    return this.net.clients[n % CLIENTS] as SimClient;
  }

  private filter(): void {
    const { bridge } = this.net;
    bridge.filtering = true;
    for (const vlan of [30, 31, 32, 40, 90, 91, 92])
      bridge.port(UPLINK).vlans.set(vlan, { pvid: false, untagged: false });
  }

  private moveIn(n: number): void {
    const user = { identity: `u${n}`, password: PASSWORD };
    const mac = `02:99:00:00:00:${n.toString(16).padStart(2, '0')}` as Mac;
    const replies = [...REPLIES, ...(this.filtering ? VLAN_REPLIES : [])];
    const reply = replies[n % replies.length] ?? {};
    for (const { users } of this.net.servers) {
      users.set(user.identity, { password: PASSWORD, reply });
      const device = mac.replaceAll(':', '');
      if (n % DEVICES_OF === 1) users.set(device, { password: device, reply });
    }
    this.net.addClient({
      mac,
      port: PORTS[n % PORTS.length] as PortName,
      ...(n % 3 === 0 ? {} : { ipv4: `10.99.0.${100 + n}` as Ipv4 }),
      ...(n % 4 === 0 ? { ipv6: `fd00:99::${100 + n}` as Ipv6 } : {}),
      user,
    });
  }

  /** All faults are over, and the switch is drained: nothing of anybody may be left. */
  close(): void {
    const { net } = this;
    for (const fault of Object.keys(net.faults) as (keyof typeof net.faults)[]) net.faults[fault] = 0;
    for (const server of net.servers) server.access = server.accounting = true;
    net.setBroker(true);
    for (const port of net.bridge.ports.keys()) net.bridge.restore(port);
    net.advance(60_000);
    const unanswered = this.asked.filter(({ ref }) => net.answerTo(ref) === undefined);
    if (unanswered.length > 0) throw new Error(`commands are not answered: ${JSON.stringify(unanswered)}`);
    const ref = net.request('drain');
    net.advance(120_000);
    if (net.answerTo(ref) === undefined) throw new Error('the drain is not answered');
    if (!net.drained) throw new Error('the drain does not end');
    this.invariants.checkEmpty();
    const broken = judgeCounts(net.servers.flatMap(({ rows }) => rows));
    if (broken.length > 0) throw new Error(`accounting: ${broken.join('; ')}`);
  }
}
