// The whole house, running: switch, FreeRADIUS, mosquitto, a listener upstream, the agent. For tests that begin where
// everything works. What a test needs beyond that it starts beside it, with the parts that are shown here.

import type { ConfigPart } from '../config-part.ts';
import { Agent, TOPIC_BASE } from './agent.ts';
import { Broker, type Subscriber } from './broker.ts';
import { FreeRadius, type FreeRadiusOptions } from './freeradius.ts';
import { SceneHouse } from './house.ts';
import { assertInvariants, type Excuses, type Invariant } from './invariants.ts';
import { LabSwitch, type SwitchClient } from './netns.ts';
import { until } from './process.ts';
import { type Credentials, Supplicant } from './supplicant.ts';

export { TOPIC_BASE };
export const PASSWORD = 'wonder';

/** An event or a session as upstream reads it; the schemas are in src/report. */
export type Facts = Readonly<Record<string, unknown>>;

type Undoing = () => unknown;

export interface SceneOptions {
  readonly ports: number;
  readonly radius: FreeRadiusOptions;
  readonly config?: ConfigPart;
  /** The agent runs as the package runs it: no root. */
  readonly asOrdinaryUser?: true;
  /** What the agent is started with beside the lab's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Before the agent starts: who is unplugged then, which ports are not there yet. */
  readonly prepare?: (lab: LabSwitch) => Promise<void>;
}

export class Scene {
  readonly lab: LabSwitch;
  readonly radius: FreeRadius;
  readonly broker: Broker;
  readonly upstream: Subscriber;
  readonly agent: Agent;
  /** The house's own parts first. */
  readonly #undoings: Undoing[];
  #excuses: Excuses = {};
  #isJudged = true;

  private constructor(
    parts: Pick<Scene, 'lab' | 'radius' | 'broker' | 'upstream' | 'agent'>,
    undoings: Undoing[],
  ) {
    this.#undoings = undoings;
    this.lab = parts.lab;
    this.radius = parts.radius;
    this.broker = parts.broker;
    this.upstream = parts.upstream;
    this.agent = parts.agent;
  }

  /** Running when this returns; if it throws, no process and no namespace of it is left. */
  static async open(options: SceneOptions): Promise<Scene> {
    const undoings: Undoing[] = [];
    const built = <T extends { close(): unknown }>(part: T): T => {
      undoings.push(() => part.close());
      return part;
    };
    try {
      const lab = built(await LabSwitch.create({ ports: options.ports }));
      await options.prepare?.(lab);
      const radius = built(await FreeRadius.start(lab.netns, options.radius));
      const broker = built(await Broker.start(lab.netns));
      const upstream = built(await broker.subscribe(`${TOPIC_BASE}/#`, { asPublished: true }));
      const agent = built(
        await Agent.start(lab.netns, options.config, [], options.asOrdinaryUser, options.env),
      );
      return new Scene({ lab, radius, broker, upstream, agent }, undoings);
    } catch (error) {
      await undoAll(undoings).catch(() => undefined);
      throw error;
    }
  }

  client(n: number): SwitchClient {
    return this.lab.client(n);
  }

  /** wpa_supplicant on a client, until the end of the scene. Whether it gets in is for the test to await. */
  async supplicant(client: SwitchClient, credentials: Credentials): Promise<Supplicant> {
    const supplicant = await Supplicant.start(client, credentials);
    this.atClose(() => supplicant.close());
    return supplicant;
  }

  /** A user with the scene's password, in when this returns. */
  async logIn(
    client: SwitchClient,
    identity: string,
    method: Credentials['method'] = 'MD5',
  ): Promise<Supplicant> {
    const supplicant = await this.supplicant(client, { method, identity, password: PASSWORD });
    await supplicant.waitFor('authorized');
    return supplicant;
  }

  /** Undone at the scene's end, the newest first, before the house itself is. */
  atClose(undo: Undoing): void {
    this.#undoings.push(undo);
  }

  /** Events of a type so far, in order. */
  events(type: string): readonly Facts[] {
    return this.upstream
      .ofTopic(`${TOPIC_BASE}/event/${type}`)
      .map(({ payload }) => JSON.parse(payload) as Facts);
  }

  /** The first event of a type, among those so far and those to come, that has all these values. */
  waitForEvent(type: string, wanted: Facts, timeoutMs = 10_000): Promise<Facts> {
    return until(
      `an event ${type} with ${JSON.stringify(wanted)}`,
      () => this.events(type).find((event) => hasAll(event, wanted)) ?? null,
      timeoutMs,
    );
  }

  /** Ends of this client's sessions. */
  ends(client: Pick<SwitchClient, 'mac'>): readonly Facts[] {
    return this.events('session-end').filter(({ mac }) => mac === client.mac);
  }

  /** What `rollcall ARGS...` answers; throws if it was refused. */
  async ask<T = Facts>(...args: readonly string[]): Promise<T> {
    return ((await this.agent.ask(...args)) as { readonly result: T }).result;
  }

  async sessions(): Promise<readonly Facts[]> {
    return (await this.ask<{ readonly sessions: readonly Facts[] }>('sessions')).sessions;
  }

  async session(client: Pick<SwitchClient, 'mac'>): Promise<Facts | undefined> {
    return (await this.sessions()).find(({ mac }) => mac === client.mac);
  }

  async port(name: string): Promise<Facts | undefined> {
    const { ports } = await this.ask<{ readonly ports: readonly Facts[] }>('ports');
    return ports.find(({ port }) => port === name);
  }

  /** What was refused from the wire so far, by `protocol-reason`. */
  async drops(): Promise<Readonly<Record<string, number>>> {
    const info = await this.ask<{ readonly counters: Readonly<Record<string, number>> }>('status');
    return info.counters;
  }

  /** The words of `explain`, oldest first. */
  async decisions(client: Pick<SwitchClient, 'mac'>): Promise<readonly Facts[]> {
    return (await this.ask<{ readonly decisions: readonly Facts[] }>('explain', client.mac)).decisions;
  }

  /** What the test breaks, and leaves so, and why; see `assertInvariants`, which is asked at the end. */
  excuse(invariant: Invariant, why: string): void {
    this.#excuses = { ...this.#excuses, [invariant]: why };
  }

  /** Somebody who knows more asks what must hold at the end. */
  judgedElsewhere(): void {
    this.#isJudged = false;
  }

  /** Looks at what must hold at the end of every run, and takes everything down. */
  async close(): Promise<void> {
    try {
      if (this.#isJudged) await assertInvariants(new SceneHouse(this), { excuses: this.#excuses });
    } finally {
      await undoAll(this.#undoings);
    }
  }
}

/** The newest first; one that fails keeps none of the others from being done, and is told of at the end. */
export async function undoAll(undoings: Undoing[]): Promise<void> {
  const errors: unknown[] = [];
  for (let undo = undoings.pop(); undo !== undefined; undo = undoings.pop()) {
    try {
      await undo();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

function hasAll(facts: Facts, wanted: Facts): boolean {
  return Object.entries(wanted).every(([key, value]) => facts[key] === value);
}
