// Scenarios on the simulated switch: fake time, scripted peers, faults on order, and the invariants looked at after every
// input of the agent.

import { stringify } from 'yaml';
import type { Ipv4, Ipv6 } from '../../../src/base/ip.ts';
import { type Mac, macToKey } from '../../../src/base/mac.ts';
import type { Config } from '../../../src/config/config.ts';
import { parseConfig } from '../../../src/config/parse.ts';
import type { Capabilities, PortName } from '../../../src/model/dataplane.ts';
import type { ClientDatagram } from '../../../src/radius/listed-clients.ts';
import type { EventPayload, EventType } from '../../../src/report/event-payloads.ts';
import { isGrant } from '../../../src/wire/fdb-table.ts';
import { text } from '../../../src/wire/radius-attributes.ts';
import {
  type AccountingRow,
  begunSessions,
  type Credentials,
  deviceName,
  type EventOf,
  type FaultStage,
  type HandSet,
  type Machine,
  PASSWORD,
  type PortSession,
  type PortVlans,
  type Reply,
  type Scenario,
  type Setting,
  type Timing,
} from '../../scenarios/stage.ts';
import { type ConfigPart, overlay } from '../config-part.ts';
import { DYNAUTH_SECRET, dynamicRequest, readReply } from '../dynauth.ts';
import type { SimClient } from './client.ts';
import { Invariants } from './invariants.ts';
import { replyAttributes } from './radius-peer.ts';
import {
  GATEWAY,
  NO_FILES,
  SIM_CAPABILITIES,
  SimulatedSwitch,
  type SwitchOptions,
} from './simulated-switch.ts';

const STEP_MS = 20;
const LOGIN_WITHIN_MS = 10_000;
const PING_WITHIN_MS = 1_000;
const ANSWER_WITHIN_MS = 3_000;
const SERVER = '192.0.2.1';
/** Of the server's CoA-Requests. */
const COA_PORT = 40_000;
const UPLINK_NATIVE = 1;

export const SIM_TIMING: Timing = { periodS: 15, times: 3, slackMs: 300 };

const SIM_CONFIG: ConfigPart = {
  switch: { id: 'sw1', bridge: 'br0', uplinks: ['up0'] },
  ports: { 'p*': { control: 'auto' } },
  handshake: { hold_after_link_up_s: 0 },
  radius: { servers: [{ address: SERVER, secret: 'testing123' }] },
  mqtt: { url: 'mqtt://127.0.0.1:1883' },
};

/** The simulated switch's own configuration file, with `part` laid over it. */
export function simFile(part: ConfigPart = {}): string {
  return stringify(overlay(SIM_CONFIG, part), { aliasDuplicateObjects: false });
}

export function simConfig(part: ConfigPart = {}): Config {
  const parsed = parseConfig(simFile(part), NO_FILES);
  if (!parsed.ok) throw new Error(`bad configuration: ${JSON.stringify(parsed.error)}`);
  return parsed.value.config;
}

export class SimulatedStage implements FaultStage {
  readonly timing: Timing;
  readonly net: SimulatedSwitch;
  readonly invariants: Invariants;
  private readonly machines = new Map<string, SimClient>();

  constructor(
    setting: Setting,
    timing: Timing = SIM_TIMING,
    capabilities: Capabilities = SIM_CAPABILITIES,
    kernel: Pick<SwitchOptions, 'optmemMax'> = {},
  ) {
    this.timing = timing;
    const numbers = Array.from({ length: setting.machines }, (_, i) => i + 1);
    const portOf = (n: number): string => (setting.onePort === true ? 'p1' : `p${n}`);
    const { periodS, times } = timing;
    const coa = { dynamic_authorization: { clients: [{ address: SERVER, secret: DYNAUTH_SECRET }] } };
    const base = {
      roles: { default: { handshake: { period_s: periodS, times } } },
      ...(setting.coa === true ? { radius: coa } : {}),
    };
    this.net = new SimulatedSwitch({
      config: simFile(overlay(base, setting.config ?? {})),
      ports: [...new Set(numbers.map(portOf))],
      capabilities: { ...capabilities, vlanFiltering: setting.vlans !== undefined },
      ...kernel,
    });
    for (const n of numbers) {
      this.plugIn(n, portOf(n));
      for (const { users } of this.net.servers)
        users.set(`u${n}`, { password: PASSWORD, reply: setting.replies?.[`u${n}`] ?? {} });
    }
    const { vlans } = setting;
    if (vlans !== undefined) {
      this.net.bridge.filtering = true;
      for (const vlan of vlans.onUplink) {
        const member = { pvid: false, untagged: false };
        this.net.bridge.port('up0').vlans.set(vlan, member);
      }
    }
    for (const user of setting.users ?? [])
      for (const { users } of this.net.servers)
        users.set(user, { password: PASSWORD, reply: setting.replies?.[user] ?? {} });
    for (const n of setting.devices ?? []) {
      const account = { password: deviceName(n), reply: setting.replies?.[`d${n}`] ?? {} };
      for (const { users } of this.net.servers) users.set(deviceName(n), account);
    }
    this.invariants = new Invariants(this.net);
    this.net.afterTurn = () => this.invariants.check();
    this.net.boot();
    this.net.advance(100);
  }

  /** Plays it, and looks at what must hold at the end of every one. */
  static async play(scenario: Scenario<FaultStage>): Promise<void> {
    const stage = new SimulatedStage(scenario.setting(SIM_TIMING));
    await scenario.play(stage);
  }

  private plugIn(n: number, port: string): void {
    const low = n.toString(16).padStart(2, '0');
    const client = this.net.addClient({
      mac: `02:99:00:00:00:${low}` as Mac,
      port: port as PortName,
      ipv4: `10.99.0.${10 + n}` as Ipv4,
      ipv6: `fd00:99::${10 + n}` as Ipv6,
      user: { identity: `u${n}`, password: PASSWORD },
    });
    this.machines.set(key(machineOf(n, client)), client);
  }

  private client(machine: Machine): SimClient {
    const client = this.machines.get(key(machine));
    if (client === undefined) throw new Error(`there is no machine ${machine.n}`);
    return client;
  }

  now(): number {
    return this.net.world.now;
  }

  async pass(ms: number): Promise<void> {
    this.net.advance(ms);
  }

  async until<T>(
    what: string,
    ask: () => Promise<T | undefined | false> | T | undefined | false,
    withinMs: number,
  ): Promise<T> {
    const deadline = this.now() + withinMs;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      if (this.now() >= deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
      this.net.advance(Math.min(STEP_MS, deadline - this.now()));
    }
  }

  machine(n: number): Machine {
    const client = this.net.clients[n - 1];
    if (client === undefined) throw new Error(`there is no machine ${n}`);
    return machineOf(n, client);
  }

  async impersonate(n: number, other: Machine): Promise<Machine> {
    const { port, ipv4, ipv6, supplicant } = this.client(this.machine(n));
    const client = this.net.addClient({
      mac: other.mac as Mac,
      port,
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
      user: supplicant.user,
    });
    const machine = machineOf(n, client);
    this.machines.set(key(machine), client);
    return machine;
  }

  async login(machine: Machine, credentials: Credentials = own(machine)): Promise<PortSession> {
    const client = this.client(machine);
    const before = this.events('session-start').length;
    start(client, credentials);
    await this.until(`${credentials.user} in`, () => client.supplicant.authorized, LOGIN_WITHIN_MS);
    return this.until(
      `session-start of ${credentials.user}`,
      () =>
        begunSessions(this)
          .slice(before)
          .find(({ mac }) => mac === machine.mac),
      LOGIN_WITHIN_MS,
    );
  }

  async attempt(machine: Machine, credentials: Credentials): Promise<void> {
    const client = this.client(machine);
    const { failures } = client.supplicant;
    start(client, credentials);
    await this.until('a refusal', () => client.supplicant.failures > failures, LOGIN_WITHIN_MS);
  }

  async logoff(machine: Machine): Promise<void> {
    this.client(machine).supplicant.logoff();
  }

  async become(machine: Machine, user: string): Promise<void> {
    const client = this.client(machine);
    client.supplicant.kill();
    start(client, { user, password: PASSWORD });
  }

  async restartSupplicant(machine: Machine): Promise<void> {
    this.client(machine).supplicant.sendBareStart();
  }

  async killSupplicant(machine: Machine): Promise<void> {
    this.client(machine).supplicant.kill();
  }

  async silence(machine: Machine): Promise<void> {
    this.client(machine).silent = true;
  }

  async speakAgain(machine: Machine): Promise<void> {
    this.client(machine).silent = false;
  }

  async talk(machine: Machine, ms: number): Promise<void> {
    this.client(machine).talk(ms);
  }

  async say(machine: Machine): Promise<void> {
    this.client(machine).say();
  }

  async dropIpv4(machine: Machine): Promise<void> {
    this.client(machine).ipv4 = undefined;
  }

  async dropAddresses(machine: Machine): Promise<void> {
    const client = this.client(machine);
    client.ipv4 = undefined;
    client.ipv6 = undefined;
  }

  async passes(machine: Machine): Promise<boolean> {
    const ping = this.client(machine).ping(GATEWAY);
    const deadline = this.now() + PING_WITHIN_MS;
    while (!ping.answered() && this.now() < deadline) this.net.advance(STEP_MS);
    return ping.answered();
  }

  async unplug({ port }: Machine): Promise<void> {
    this.net.bridge.setCable(port, false);
  }

  async plug({ port }: Machine): Promise<void> {
    this.net.bridge.setCable(port, true);
    this.net.advance(STEP_MS);
  }

  async setPort(port: string, state: 'up' | 'down'): Promise<void> {
    this.net.bridge.setAdmin(port, state === 'up');
    this.net.advance(STEP_MS);
  }

  async removePort(port: string): Promise<void> {
    this.net.bridge.remove(port);
  }

  async restorePort(port: string): Promise<void> {
    this.net.bridge.restore(port);
    await this.until(`${port} to be locked`, () => this.net.bridge.port(port).locked, LOGIN_WITHIN_MS);
  }

  async setPassword(user: string, password: string): Promise<void> {
    for (const { users } of this.net.servers) {
      const account = users.get(user);
      if (account !== undefined) account.password = password;
    }
  }

  async serverSilent(silent: boolean): Promise<void> {
    for (const server of this.net.servers) {
      server.access = !silent;
      server.accounting = !silent;
    }
  }

  async brokerAway(away: boolean): Promise<void> {
    this.net.setBroker(!away);
  }

  async ask(verb: string, request: object = {}): Promise<unknown> {
    const answer = this.net.command(verb, request) as { readonly ok: boolean; readonly result: unknown };
    if (!answer.ok) throw new Error(`${verb} was refused: ${JSON.stringify(answer)}`);
    return answer.result;
  }

  async isGranted(mac: string, port: string): Promise<boolean> {
    const entries = this.net.bridge.entriesOf(mac as Mac);
    return entries.some(([, entry]) => entry.port.name === port && isGrant(entry.flags));
  }

  async grantedVlans(mac: string): Promise<readonly number[]> {
    const entries = this.net.bridge.entriesOf(mac as Mac).filter(([, { flags }]) => isGrant(flags));
    return entries.map(([, { vlan }]) => vlan).sort((a, b) => a - b);
  }

  async vlansOf(port: string): Promise<PortVlans> {
    const vlans = [...(port === '' ? this.net.bridge.vlans : this.net.bridge.port(port).vlans)];
    return {
      pvid: vlans.find(([, { pvid }]) => pvid)?.[0],
      untagged: vlans.filter(([, { untagged }]) => untagged).map(([vlan]) => vlan),
      tagged: vlans.filter(([, { untagged }]) => !untagged).map(([vlan]) => vlan),
    };
  }

  async setVlan(port: string, vlan: number, how: HandSet): Promise<void> {
    const member = how === 'none' ? undefined : { pvid: how === 'own', untagged: how !== 'tagged' };
    const done = this.net.bridge.setVlans([{ port: port as PortName, vlan, member }]);
    if (!done.ok) throw new Error(done.error);
  }

  async heardIn({ mac }: Machine): Promise<number | undefined> {
    const { heardIn } = this.net.gateway;
    return heardIn.has(mac as Mac) ? (heardIn.get(mac as Mac) ?? UPLINK_NATIVE) : undefined;
  }

  async changeAuthorization(user: string, change: Reply): Promise<'CoA-ACK' | number | undefined> {
    const attributes = [text('User-Name', user), ...replyAttributes(change)];
    const request = dynamicRequest({ code: 'CoA-Request', attributes });
    const from = { address: SERVER, port: COA_PORT };
    const before = this.net.dynamicReplies.length;
    this.net.post({ type: 'dynamic-requests', datagrams: [{ ...from, bytes: request }] });
    const answer = (): ClientDatagram | undefined => this.net.dynamicReplies[before];
    const { bytes } = await this.until('the answer to a CoA-Request', answer, ANSWER_WITHIN_MS);
    const { code, errorCause } = readReply(request, bytes);
    return code === 'CoA-ACK' ? code : errorCause;
  }

  async setReply(user: string, reply: Reply): Promise<void> {
    for (const { users } of this.net.servers) {
      const account = users.get(user);
      if (account !== undefined) account.reply = reply;
    }
  }

  async announce(machine: Machine): Promise<void> {
    this.client(machine).announce();
  }

  async begin(machine: Machine): Promise<void> {
    start(this.client(machine), own(machine));
  }

  async tag(machine: Machine, vlan: number | undefined): Promise<void> {
    this.client(machine).tag = vlan;
  }

  async entries(mac: string): Promise<number> {
    return this.net.bridge.entriesOf(mac as Mac).length;
  }

  async accounting(): Promise<readonly AccountingRow[]> {
    return this.net.servers.flatMap(({ rows }) => rows);
  }

  events<T extends EventType>(type: T): readonly EventOf<T>[] {
    return this.net.events.filter((event): event is EventOf<T> => event.type === type);
  }

  allEvents(): readonly EventPayload[] {
    return this.net.events;
  }

  async retained(mac: string): Promise<PortSession | undefined> {
    return this.net.retained.get(`rollcall/v1/sw1/session/${macToKey(mac as Mac)}`) as
      | PortSession
      | undefined;
  }

  failRevokes(times: number): void {
    this.net.faults.revokes = times;
  }

  failVlans(times: number): void {
    this.net.faults.vlans = times;
  }

  failVlanReads(times: number): void {
    this.net.faults.vlanReads = times;
  }

  rejoinUplink(): void {
    this.net.bridge.restore('up0');
  }

  loseBridge(): void {
    this.net.bridge.vanish();
  }

  restoreBridge(): void {
    this.net.bridge.reappear();
  }

  async killAgent(how?: 'its store is lost' | 'the broker is away'): Promise<void> {
    this.invariants.restarted();
    if (how === 'its store is lost') this.net.disk.clear();
    this.net.killAgent(0, { findsBroker: how !== 'the broker is away' });
  }

  failGrants(times: number): void {
    this.net.faults.grants = times;
  }

  failDumps(times: number): void {
    this.net.faults.dumps = times;
    this.invariants.excuse(times * 1_000);
  }

  async stall(ms: number): Promise<void> {
    this.invariants.excuse(ms);
    this.net.stall(ms);
    this.net.advance(ms);
  }

  accountingDark(dark: boolean): void {
    for (const server of this.net.servers) server.accounting = !dark;
  }

  async writeForeignGrant(mac: string, port: string): Promise<void> {
    this.net.bridge.writeForeign(mac as Mac, port);
  }

  async learnOpenEntry(mac: string, port: string): Promise<void> {
    this.net.bridge.learnOpen(mac as Mac, port);
  }

  async deleteGrant(mac: string): Promise<void> {
    this.net.bridge.deleteByHand(mac as Mac);
  }

  askedFor(machine: Machine): number {
    return this.client(machine).askedFor;
  }
}

function machineOf(n: number, { port, mac }: SimClient): Machine {
  return { n, port, mac };
}

function own({ n }: Machine): Credentials {
  return { user: `u${n}`, password: PASSWORD };
}

function key({ mac, port }: Machine): string {
  return `${mac} ${port}`;
}

function start(client: SimClient, { user, password }: Credentials): void {
  client.supplicant.user = { identity: user, password };
  client.supplicant.start();
}
