// One run of chaos: the plan's people come and go, its faults begin and end, strangers try to pass; then everything heals, the
// invariants of every lab run are asked, everybody is logged out, and what was told is judged by what truly happened.

import type { EventPayload } from '../../src/report/event-payloads.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import { accountingRow } from '../rigs/lab/accounting-row.ts';
import type { MqttMessage } from '../rigs/lab/broker.ts';
import type { DetailRecord } from '../rigs/lab/freeradius.ts';
import { SceneHouse } from '../rigs/lab/house.ts';
import { assertInvariants } from '../rigs/lab/invariants.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { TOPIC_BASE } from '../rigs/lab/scene.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import { trespass } from './crowd.ts';
import { type ChaosFault, CLOCK_STEPS_H, faultNamed, LANES } from './faults.ts';
import { type Guest, guestOf } from './guests.ts';
import { type FaultTurn, makePlan, type Plan, type Stay } from './plan.ts';
import { openTown, passedBy, STRANGER_MACS, type Town } from './town.ts';
import {
  completed,
  type Disturbance,
  type Evidence,
  type Span,
  type ToldSession,
  type TrueStay,
} from './verdict.ts';

export interface RunOptions {
  readonly seed: number;
  readonly durationMs: number;
  readonly clients: number;
  readonly hosts: number;
  readonly crowdPorts: number;
  readonly periodS: number;
  readonly times: number;
  /** What happens, as it happens. */
  readonly say?: (line: string) => void;
}

export interface Run {
  readonly evidence: Evidence;
  /** How often each fault came and went. */
  readonly faults: ReadonlyMap<string, number>;
  /** What must hold at the end of every lab run and does not; '' = all does. */
  readonly invariants: string;
  /** What the rig itself could not do. */
  readonly mishaps: readonly string[];
  /** Agents that ended by themselves. */
  readonly deaths: readonly string[];
  readonly strangersFrames: number;
  /** The agents', line by line. */
  readonly log: readonly string[];
  readonly heard: readonly MqttMessage[];
}

const VERDICT_SLACK_MS = 1_000;
/** A tick, a dump, and a machine whose two cores are shared. */
const LAB_SLACK_MS = 500;
const STRANGER_MS = 200;
const LOOK_MS = 300;
const DEATH_LINES = 8;
const HOUR_MS = 3_600_000;
const DRAINED_WITHIN_MS = 60_000;

export async function runChaos(options: RunOptions): Promise<Run> {
  const town = await openTown(options);
  try {
    const chaos = new Chaos(town, options);
    await chaos.play();
    return await chaos.end();
  } finally {
    // What was to be asked at the end has been asked.
    town.scene.judgedElsewhere();
    await town.close();
  }
}

class Chaos {
  readonly #town: Town;
  readonly #options: RunOptions;
  readonly #plan: Plan;
  readonly #guests: ReadonlyMap<number, Guest>;
  readonly #stays: TrueStay[] = [];
  readonly #disturbances: Disturbance[] = [];
  readonly #pauses: Span[] = [];
  readonly #kills: Span[] = [];
  readonly #joinings: Span[] = [];
  readonly #unwritten: Span[] = [];
  readonly #faults = new Map<string, number>();
  readonly #mishaps: string[] = [];
  readonly #deaths: string[] = [];
  readonly #lanes = new Map<number, Promise<void>>();
  /** What each guest does last. */
  readonly #doings = new Map<number, Promise<void>>();
  readonly #under: Promise<void>[] = [];
  readonly #boundMs: number;
  readonly #log: string[] = [];
  /** Lines of an agent's log that are kept already, by its process. */
  readonly #logged = new Map<number, number>();
  readonly #began = Date.now();
  #strangersFrames = 0;

  constructor(town: Town, options: RunOptions) {
    this.#town = town;
    this.#options = options;
    const periodMs = options.periodS * 1000;
    this.#boundMs = (options.times + 1) * periodMs + VERDICT_SLACK_MS + LAB_SLACK_MS;
    this.#plan = makePlan({ ...options, periodMs, boundMs: this.#boundMs, lanes: LANES });
    this.#guests = new Map(this.#plan.people.map((person) => [person.n, guestOf(person, town)]));
    for (const guest of this.#guests.values()) town.scene.atClose(() => guest.close());
  }

  /** Everything that is planned has happened when this returns. */
  async play(): Promise<void> {
    const began = Date.now();
    const acts = [
      ...this.#plan.stays.flatMap((stay) => this.#actsOf(stay)),
      ...this.#plan.faults.map((turn) => ({ at: turn.from, run: () => this.#inLane(turn, began) })),
    ].sort((a, b) => a.at - b.at);
    const strangers = this.#tryToPass();
    const guard = setInterval(() => this.#lookAfterAgent(), LOOK_MS);
    for (const { at, run } of acts) {
      const early = began + at - Date.now();
      if (early > 0) await sleep(early);
      this.#under.push(run().catch((error: unknown) => this.#mishap(error)));
    }
    await sleep(Math.max(0, began + this.#options.durationMs - Date.now()));
    await Promise.all(this.#under);
    clearInterval(strangers);
    clearInterval(guard);
  }

  /** What the agent has said is gone with it. */
  #keepLog(): void {
    for (const line of this.#town.scene.agent.lines.slice(this.#logged.get(this.#town.scene.agent.pid) ?? 0))
      this.#log.push(line);
    this.#logged.set(this.#town.scene.agent.pid, this.#town.scene.agent.lines.length);
  }

  /** One that has ended by itself is a breach; it is started again, as a service manager does it. */
  #lookAfterAgent(): void {
    const { agent } = this.#town.scene;
    if (agent.exitCode === null || this.#pauses.some(({ to }) => to === undefined)) return;
    const pause: Span = { from: Date.now() - LOOK_MS };
    this.#pauses.push(pause);
    this.#keepLog();
    this.#deaths.push(
      `${new Date().toISOString()}: exit code ${agent.exitCode}: ${agent.lines.slice(-DEATH_LINES).join(' | ')}`,
    );
    this.#options.say?.(`! ${this.#deaths.at(-1)}`);
    const back = agent.start().finally(() => {
      pause.to = Date.now();
    });
    this.#under.push(back.catch((error: unknown) => this.#mishap(error)));
  }

  #mishap(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.#mishaps.push(text);
    this.#options.say?.(`! ${text}`);
  }

  #actsOf(stay: Stay): readonly { readonly at: number; readonly run: () => Promise<void> }[] {
    const guest = this.#guests.get(stay.n);
    if (guest === undefined) return [];
    const { mac, port } = guest;
    const truth: TrueStay = { mac, port, how: stay.leaving, from: 0, talks: this.#talks(stay.n) };
    const come = async (): Promise<void> => {
      truth.from = Date.now();
      this.#stays.push(truth);
      await guest.come();
    };
    const leave = async (): Promise<void> => {
      truth.asked = Date.now();
      await guest.leave(stay.leaving);
      truth.left = Date.now();
    };
    const { n, to } = stay;
    const coming = { at: stay.from, run: () => this.#inTurn(n, come) };
    return [coming, ...(to === undefined ? [] : [{ at: to, run: () => this.#inTurn(n, leave) }])];
  }

  /** Nobody comes again before they have left: being put out may take its time. */
  #inTurn(n: number, act: () => Promise<void>): Promise<void> {
    const doing = (this.#doings.get(n) ?? Promise.resolve()).catch(() => undefined).then(act);
    this.#doings.set(n, doing);
    return doing;
  }

  /** With whether the switch knew, when it last told of a session, an address of its client's. */
  #addressed(sessions: readonly ToldSession[]): readonly ToldSession[] {
    const known = new Map<string, boolean>();
    for (const { topic, payload } of this.#town.scene.upstream.messages) {
      if (!topic.startsWith(`${TOPIC_BASE}/session/`) || payload === '') continue;
      const { session_id: id, ipv4, ipv6 } = JSON.parse(payload) as SessionPayload;
      known.set(id, ipv4 !== null || ipv6 !== null);
    }
    return sessions.map((session) => ({ ...session, isAddressed: known.get(session.id) ?? true }));
  }

  #talks(n: number): boolean {
    return (this.#plan.people.find((person) => person.n === n)?.talksMs ?? 0) > 0;
  }

  #inLane(turn: FaultTurn, began: number): Promise<void> {
    const before = this.#lanes.get(turn.lane) ?? Promise.resolve();
    const now = before.then(() => this.#fault(turn, began)).catch((error: unknown) => this.#mishap(error));
    this.#lanes.set(turn.lane, now);
    return now;
  }

  async #fault(turn: FaultTurn, began: number): Promise<void> {
    const { name } = turn;
    const kind = faultNamed(name);
    const on = turn.port === 0 ? '' : ` on p${turn.port}`;
    this.#options.say?.(`${stamp(Date.now() - began)} ${name}${on}`);
    const open: Span[] = [];
    try {
      await this.#bringAbout(turn, kind, began + turn.to, open);
    } finally {
      for (const span of open) span.to ??= Date.now();
    }
    const port = `p${turn.port}`;
    if (kind.ends === 'all' || kind.ends === 'port')
      for (const guest of this.#guests.values())
        if (kind.ends === 'all' || guest.port === port) guest.shaken();
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1);
    this.#options.say?.(`${stamp(Date.now() - began)} ${name} is over`);
  }

  /** `open`: what begins with it, and is over when it is, whatever comes of it. */
  async #bringAbout(turn: FaultTurn, kind: ChaosFault, until: number, open: Span[]): Promise<void> {
    const fault = kind.make(this.#town, turn);
    const { scene } = this.#town;
    const mark = <T extends Span>(list: T[], span: T): T => {
      list.push(span);
      open.push(span);
      return span;
    };
    const pause = (): Span => {
      this.#keepLog();
      if (kind.kills === true) mark(this.#kills, { from: Date.now() });
      return mark(this.#pauses, { from: Date.now() });
    };
    const from = Date.now();
    if (kind.forgets === true) mark(this.#unwritten, { from });
    if (kind.ends !== undefined) mark(this.#disturbances, { from, ...disturbing(kind.ends, turn) });
    const paused = kind.pauses === 'at its end' || kind.pauses === undefined ? undefined : pause();
    await fault.begin(scene);
    if (paused !== undefined && kind.pauses === 'at its beginning') paused.to = Date.now();
    await sleep(Math.max(0, until - Date.now()));
    if (kind.joins === true) mark(this.#joinings, { from: Date.now() });
    if (kind.pauses === 'at its end') pause();
    await fault.end(scene);
  }

  /** Those whom nobody knows, and the MACs of those who have left for good: each tries again and again. */
  #tryToPass(): NodeJS.Timeout {
    const { hosts, crowdPorts, seed } = this.#options;
    const random = new SeededRandom(seed + 1);
    return setInterval(() => {
      const port = hosts + 1 + random.below(crowdPorts);
      const gone = [...this.#guests.values()].filter(
        (guest) => guest.port === `p${port}` && this.#isLongGone(guest.mac),
      );
      const macs = [...gone.map(({ mac }) => mac), ...STRANGER_MACS];
      const mac = macs[random.below(macs.length)];
      if (mac === undefined) return;
      this.#town.wire.send(port, trespass(mac, this.#town.gateway));
      this.#strangersFrames++;
    }, STRANGER_MS);
  }

  /** Its session has ended by any rule: a frame with its MAC is a stranger's. */
  #isLongGone(mac: string): boolean {
    const last = this.#stays.findLast((stay) => stay.mac === mac);
    if (last?.left === undefined) return false;
    const since = Date.now() - last.left;
    return since > 2 * this.#boundMs && !this.#pauses.some(({ to }) => to === undefined);
  }

  async end(): Promise<Run> {
    const { scene } = this.#town;
    await sleep(2 * this.#boundMs);
    const house = new SceneHouse(scene);
    const invariants = await assertInvariants(house, { isClockStepped: true }).then(
      () => '',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    const over = Date.now();
    this.#keepLog();
    await house.request('drain', {}).catch((error: unknown) => this.#mishap(error));
    await until('the agent to have drained', () => scene.agent.exitCode !== null, DRAINED_WITHIN_MS).catch(
      (error: unknown) => this.#mishap(error),
    );
    await sleep(1_000);
    const events = this.#events();
    const { periodS, times } = this.#options;
    const records = scene.radius.accounting();
    const rows = records
      .map(accountingRow)
      .map((row) => ({ ...row, eventS: this.#ours(row.eventS * 1000) / 1000 }));
    return {
      evidence: {
        periodMs: periodS * 1000,
        times,
        boundMs: this.#boundMs,
        stays: this.#stays,
        disturbances: this.#disturbances,
        pauses: this.#pauses,
        kills: this.#kills,
        joinings: this.#joinings,
        unwritten: this.#unwritten,
        guards: events.flatMap((event) =>
          event.type === 'guard' && event.state === 'raised' ? [this.#ours(event.time)] : [],
        ),
        sessions: this.#addressed(
          completed(
            told(events, (time) => this.#ours(time)),
            rows,
            stationsOf(records),
          ),
        ),
        rows,
        events: events.map(({ boot_id: boot, seq }) => ({ boot, seq })),
        passed: await passedBy(this.#town),
        forged: this.#town.forged,
        over,
      },
      faults: this.#faults,
      invariants,
      mishaps: this.#mishaps,
      deaths: this.#deaths,
      strangersFrames: this.#strangersFrames,
      log: this.#log,
      heard: scene.upstream.messages,
    };
  }

  /** A time of the agent's clock, whatever it was stepped by then. */
  #ours(time: string | number): number {
    const at = new Date(time).getTime();
    const isOfRun = (when: number): boolean =>
      when >= this.#began - HOUR_MS / 2 && when <= Date.now() + HOUR_MS / 2;
    const step = [0, ...CLOCK_STEPS_H].map((hours) => hours * HOUR_MS).find((ms) => isOfRun(at - ms));
    return at - (step ?? 0);
  }

  #events(): readonly EventPayload[] {
    return this.#town.scene.upstream.messages
      .filter(({ topic }) => topic.startsWith(`${TOPIC_BASE}/event/`))
      .map(({ payload }) => JSON.parse(payload) as EventPayload);
  }
}

/** Sessions as events told of them; an event that came twice is one. */
function told(events: readonly EventPayload[], ours: (time: string) => number): readonly ToldSession[] {
  const sessions = new Map<string, ToldSession>();
  for (const event of events) {
    if (event.type !== 'session-start' && event.type !== 'session-end') continue;
    const { session_id: id, mac, port, started } = event.type === 'session-start' ? event.session : event;
    const session = { id, mac: mac ?? '', port: port ?? '', started: ours(started) };
    if (event.type === 'session-start') sessions.set(id, session);
    else {
      const { decided, cause, relock, time } = event;
      const revoked = ours(relock.revoked_at ?? decided);
      sessions.set(id, { ...session, end: { decided: ours(decided), told: ours(time), revoked, cause } });
    }
  }
  return [...sessions.values()];
}

/** By session, where its records say that it was. */
function stationsOf(
  records: readonly DetailRecord[],
): ReadonlyMap<string, { readonly mac: string; readonly port: string }> {
  return new Map(
    records.map((record) => [
      record['Acct-Session-Id'] ?? '',
      {
        mac: (record['Calling-Station-Id'] ?? '').toLowerCase().replaceAll('-', ':'),
        port: record['NAS-Port-Id'] ?? '',
      },
    ]),
  );
}

function disturbing(
  ends: NonNullable<ChaosFault['ends']>,
  { name, port }: FaultTurn,
): Omit<Disturbance, 'from' | 'to'> {
  if (ends === 'all if unseen') return { name, port: '', ifUnseen: true };
  return { name, port: ends === 'all' ? '' : `p${port}` };
}

function stamp(ms: number): string {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${`${s % 60}`.padStart(2, '0')}`;
}
