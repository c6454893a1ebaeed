// The real backend of the scenarios: a bridge in namespaces, wpa_supplicant, FreeRADIUS, mosquitto, and the agent as it is
// shipped. What a scenario sees it sees from outside: the kernel's table, the accounting log, what the broker hands on.
//
// One scene for each scenario, built in a second or two. What it leaves is taken down however the scenario ended.

import assert from 'node:assert/strict';
import type { EventPayload, EventType } from '../../../src/report/event-payloads.ts';
import {
  type AccountingRow,
  begunSessions,
  type Credentials,
  deviceName,
  type EventOf,
  type Machine,
  PASSWORD,
  type PortSession,
  type Scenario,
  type Setting,
  type Stage,
  type Timing,
} from '../../scenarios/stage.ts';
import { type ConfigPart, overlay } from '../config-part.ts';
import { accountingRow, replyAttributes } from './accounting-row.ts';
import type { RadiusUser } from './freeradius-config.ts';
import { type House, SceneHouse } from './house.ts';
import { type Hub, hubBehind } from './hub.ts';
import { assertInvariants, type Excuses, isGrant, type Pause, type Silence } from './invariants.ts';
import { keepNeighbours, LabMachine } from './machine.ts';
import type { LabSwitch, SwitchClient } from './netns.ts';
import { patience } from './patience.ts';
import { sleep, until } from './process.ts';
import { Scene, TOPIC_BASE } from './scene.ts';

/** wpa_supplicant waits for 2 s before it says anything. */
const LOGIN_WITHIN_MS = 15_000;
const ANSWER_WITHIN_MS = 5_000;
/** The agent tries again after half a minute at most. */
const BROKER_BACK_WITHIN_MS = 40_000;

/**
 * T: long enough for a client that has got in to say something before it is taken for gone, which nobody can ask yet.
 * Slack: a wheel tick of 0.1 s up, a dump of the table, and a machine whose two cores are shared.
 */
export const LAB_TIMING: Timing = { periodS: patience(2), times: 3, slackMs: 500 };

/** What a stage is made of. */
export interface StageParts {
  readonly house: House;
  readonly machines: readonly SwitchClient[];
  readonly users: readonly RadiusUser[];
  readonly excuses?: Excuses;
  /** By how much the switch's clock may differ from ours. */
  readonly clockSlackMs?: number;
}

export class LabStage implements Stage {
  readonly timing = LAB_TIMING;
  readonly #house: House;
  readonly #machines: readonly LabMachine[];
  #users: readonly RadiusUser[];
  #mend: (() => Promise<void>) | undefined;
  readonly #excuses: Excuses;
  readonly #clockSlackMs: number;
  readonly #silences: Silence[] = [];
  readonly #pauses: Pause[] = [];

  constructor({ house, machines, users, excuses = {}, clockSlackMs = 0 }: StageParts) {
    this.#excuses = excuses;
    this.#clockSlackMs = clockSlackMs;
    this.#house = house;
    this.#users = users;
    this.#machines = machines.map((client) => new LabMachine(client));
    for (const machine of this.#machines) house.atClose(() => machine.close());
  }

  /** Plays it, looks at what must hold at the end of every one, and takes everything down. */
  static async play(scenario: Scenario): Promise<void> {
    await LabStage.playOn(scenario, await LabStage.open(scenario.setting(LAB_TIMING)));
  }

  static async playOn<S extends LabStage>(scenario: Scenario<S>, stage: S): Promise<void> {
    try {
      await scenario.play(stage);
      await stage.#expectOrder();
    } catch (error) {
      const log = await stage.#house.lastWords();
      const said = error instanceof Error ? error.message : String(error);
      throw new Error(`${said}\nthe agent's last words:\n${log}`, { cause: error });
    } finally {
      await stage.#house.close();
    }
  }

  /** Ready: ports are locked, nobody is in. */
  static async open(setting: Setting): Promise<LabStage> {
    return new LabStage(await LabStage.parts(setting));
  }

  /** `prepare`: what is done to the switch before the agent starts. */
  protected static async parts(
    setting: Setting,
    prepare: (lab: LabSwitch) => Promise<void> = async () => {},
  ): Promise<StageParts> {
    const users = usersOf(setting);
    let machines: readonly SwitchClient[] = [];
    let hub: Hub | undefined;
    const scene = await Scene.open({
      ports: setting.onePort === true ? 1 : setting.machines,
      radius: { users: [...users, ...devicesOf(setting)] },
      config: configOf(setting),
      prepare: async (lab) => {
        if (setting.onePort === true) hub = await hubBehind(lab.client(1), setting.machines);
        machines = hub?.hosts ?? lab.clients;
        for (const { netns } of machines) await keepNeighbours(netns);
        await keepNeighbours(lab.uplink);
        await prepare(lab);
      },
    }).catch(async (error: unknown) => {
      await hub?.close();
      throw error;
    });
    scene.atClose(() => hub?.close());
    scene.judgedElsewhere();
    return { house: new SceneHouse(scene), machines, users, ...excusesOf(setting) };
  }

  /** Of the end: the agent is alive, or has drained; a client's port has no entries but grants. */
  async #expectOrder(): Promise<void> {
    const exitCode = await this.#house.agentEnded();
    assert.ok(exitCode === null || exitCode === 0, `the agent ended with ${exitCode}`);
    const ports = this.#machines.map(({ port }) => port);
    const entries = (await this.#house.lab.fdb()).filter(({ ifname }) => ports.includes(ifname));
    for (const entry of entries) assert.ok(isGrant(entry), `an open entry: ${JSON.stringify(entry)}`);
    await assertInvariants(this.#house, {
      silences: this.#silences,
      pauses: this.#pauses,
      excuses: this.#excuses,
      clockSlackMs: this.#clockSlackMs,
    });
  }

  #at({ n }: Machine): LabMachine {
    const machine = this.#machines[n - 1];
    if (machine === undefined) throw new Error(`there is no machine ${n}`);
    return machine;
  }

  now(): number {
    return Date.now();
  }

  pass(ms: number): Promise<void> {
    return sleep(ms);
  }

  until<T>(
    what: string,
    ask: () => Promise<T | undefined | false> | T | undefined | false,
    withinMs: number,
  ): Promise<T> {
    return until(what, async () => (await ask()) ?? null, withinMs);
  }

  machine(n: number): Machine {
    const machine = this.#machines[n - 1];
    if (machine === undefined) throw new Error(`there is no machine ${n}`);
    return { n, port: machine.port, mac: machine.mac };
  }

  async impersonate(n: number, other: Machine): Promise<Machine> {
    await this.#at(this.machine(n)).takeMac(other.mac);
    return this.machine(n);
  }

  async login(machine: Machine, credentials: Credentials = own(machine)): Promise<PortSession> {
    const before = this.events('session-start').length;
    await this.#attempt(machine, credentials);
    const supplicant = this.#at(machine);
    await this.until(`${credentials.user} in`, () => supplicant.supplicantIs('authorized'), LOGIN_WITHIN_MS);
    const session = await this.until(
      `session-start of ${credentials.user}`,
      () =>
        begunSessions(this)
          .slice(before)
          .find(({ mac }) => mac === machine.mac),
      LOGIN_WITHIN_MS,
    );
    await this.until(
      `the retained session of ${credentials.user}`,
      async () => (await this.retained(machine.mac))?.session_id === session.session_id,
      ANSWER_WITHIN_MS,
    );
    return session;
  }

  async attempt(machine: Machine, credentials: Credentials): Promise<void> {
    await this.#attempt(machine, credentials);
    const supplicant = this.#at(machine);
    await this.until('a refusal', () => supplicant.supplicantIs('refused'), LOGIN_WITHIN_MS);
  }

  #attempt(machine: Machine, { user, password }: Credentials): Promise<void> {
    return this.#at(machine).runSupplicant({ identity: user, password });
  }

  logoff(machine: Machine): Promise<void> {
    return this.#at(machine).logoff();
  }

  become(machine: Machine, user: string): Promise<void> {
    return this.#attempt(machine, { user, password: PASSWORD });
  }

  restartSupplicant(machine: Machine): Promise<void> {
    return this.#at(machine).restartSupplicant();
  }

  killSupplicant(machine: Machine): Promise<void> {
    return this.#at(machine).killSupplicant();
  }

  async silence(machine: Machine): Promise<void> {
    await this.#at(machine).silence();
    this.#silences.push({ mac: machine.mac, from: Date.now() });
  }

  async speakAgain(machine: Machine): Promise<void> {
    this.#heardAgain(machine.mac);
    await this.#at(machine).speakAgain();
  }

  /** Its silence ends now, if it was silent. */
  #heardAgain(mac: string): void {
    const at = this.#silences.findLastIndex((each) => each.mac === mac && each.to === undefined);
    const silence = this.#silences[at];
    if (silence !== undefined) this.#silences[at] = { ...silence, to: Date.now() };
  }

  talk(machine: Machine, ms: number): Promise<void> {
    return this.#at(machine).talk(ms);
  }

  say(machine: Machine): Promise<void> {
    return this.#at(machine).say();
  }

  dropIpv4(machine: Machine): Promise<void> {
    return this.#at(machine).dropIpv4();
  }

  dropAddresses(machine: Machine): Promise<void> {
    return this.#at(machine).dropAddresses();
  }

  passes(machine: Machine): Promise<boolean> {
    return this.#at(machine).reachesUplink();
  }

  unplug({ n }: Machine): Promise<void> {
    return this.#house.lab.unplug(n);
  }

  plug({ n }: Machine): Promise<void> {
    return this.#house.lab.plug(n);
  }

  setPort(port: string, state: 'up' | 'down'): Promise<void> {
    return this.#house.lab.setPort(port, state);
  }

  async removePort(port: string): Promise<void> {
    await this.#house.lab.netns.ip(`link set ${port} nomaster`);
  }

  async restorePort(port: string): Promise<void> {
    const { lab } = this.#house;
    await lab.netns.ip(`link set ${port} master br0`);
    await this.until(
      `${port} to be locked`,
      async () => (await lab.portFlags(port)).locked === true,
      ANSWER_WITHIN_MS,
    );
  }

  async writeForeignGrant(mac: string, port: string): Promise<void> {
    await this.#fdb('replace', mac, port, 'static', 'sticky');
  }

  async learnOpenEntry(mac: string, port: string): Promise<void> {
    await this.#fdb('replace', mac, port, 'dynamic');
  }

  async deleteGrant(mac: string, port: string): Promise<void> {
    await this.#fdb('del', mac, port);
  }

  async #fdb(act: 'replace' | 'del', mac: string, port: string, ...kind: readonly string[]): Promise<void> {
    await this.#house.lab.netns.must(['bridge', 'fdb', act, mac, 'dev', port, 'master', ...kind]);
  }

  async stall(ms: number): Promise<void> {
    const from = Date.now();
    await this.#house.freezeAgent();
    await sleep(ms);
    await this.#house.thawAgent();
    this.paused(from);
  }

  /** The agent did not run from then until now. */
  protected paused(from: number): void {
    this.#pauses.push({ from, to: Date.now() });
  }

  setPassword(user: string, password: string): Promise<void> {
    return this.changeUser(user, { password });
  }

  protected async changeUser(user: string, change: Partial<RadiusUser>): Promise<void> {
    this.#users = this.#users.map((each) => (each.name === user ? { ...each, ...change } : each));
    await this.#house.radius.setUsers(this.#users);
  }

  /** Its supplicant starts; nobody waits for what comes of it. */
  protected start(machine: Machine): Promise<void> {
    return this.#attempt(machine, own(machine));
  }

  protected tagOf(machine: Machine, vlan: number | undefined): Promise<void> {
    return this.#at(machine).tag(vlan);
  }

  async serverSilent(silent: boolean): Promise<void> {
    if (silent) this.#house.radius.freeze();
    else this.#house.radius.thaw();
  }

  /** Back when the agent is connected again. The lab's own listener stays all the while. */
  async brokerAway(away: boolean): Promise<void> {
    if (away) {
      this.#mend = await this.#house.severBroker();
      return;
    }
    const infos = (): number => this.#house.upstream.ofTopic(`${TOPIC_BASE}/info`).length;
    const before = infos();
    await this.#mend?.();
    await this.until('the agent at the broker again', () => infos() > before, BROKER_BACK_WITHIN_MS);
  }

  ask(verb: string, request: object = {}): Promise<unknown> {
    return this.#house.request(verb, request);
  }

  async isGranted(mac: string, port: string): Promise<boolean> {
    return (await this.#house.lab.fdb(mac)).some((entry) => entry.ifname === port && isGrant(entry));
  }

  async entries(mac: string): Promise<number> {
    return (await this.#house.lab.fdb(mac)).length;
  }

  async accounting(): Promise<readonly AccountingRow[]> {
    return this.#house.radius.accounting().map(accountingRow);
  }

  events<T extends EventType>(type: T): readonly EventOf<T>[] {
    return this.allEvents().filter((event): event is EventOf<T> => event.type === type);
  }

  allEvents(): readonly EventPayload[] {
    return this.#house.upstream.messages
      .filter(({ topic }) => topic.startsWith(`${TOPIC_BASE}/event/`))
      .map(({ payload }) => JSON.parse(payload) as EventPayload);
  }

  async retained(mac: string): Promise<PortSession | undefined> {
    const topic = `${TOPIC_BASE}/session/${mac.replaceAll(':', '-')}`;
    const stored = this.#house.upstream.ofTopic(topic).filter(({ retain }) => retain);
    const payload = stored.at(-1)?.payload ?? '';
    return payload === '' ? undefined : (JSON.parse(payload) as PortSession);
  }
}

/** What the scenario says of itself. */
export function excusesOf({ excuses }: Setting): Pick<StageParts, 'excuses'> {
  return excuses === undefined ? {} : { excuses };
}

/** Those who come with a password. */
export function usersOf(setting: Setting): readonly RadiusUser[] {
  const names = Array.from({ length: setting.machines }, (_, i) => `u${i + 1}`);
  return [...names, ...(setting.users ?? [])].map((name) => ({
    name,
    password: PASSWORD,
    reply: replyAttributes(setting.replies?.[name] ?? {}),
  }));
}

/** Those who come by their MAC. */
export function devicesOf(setting: Setting): readonly RadiusUser[] {
  return (setting.devices ?? []).map((n) => ({
    name: deviceName(n),
    password: deviceName(n),
    reply: replyAttributes(setting.replies?.[`d${n}`] ?? {}),
  }));
}

/** What is laid over a house's own configuration. */
export function configOf(setting: Setting): ConfigPart {
  const { periodS, times } = LAB_TIMING;
  const own = {
    handshake: { hold_after_link_up_s: 0 },
    roles: { default: { handshake: { period_s: periodS, times } } },
  };
  return overlay(own, setting.config ?? {});
}

function own({ n }: Machine): Credentials {
  return { user: `u${n}`, password: PASSWORD };
}
