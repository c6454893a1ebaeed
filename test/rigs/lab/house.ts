// What a stage of real peers stands on: a switch with an agent on it, its servers and its broker, and clients on its ports.
// There are two: a bridge in a namespace (here), and a machine that was booted (rigs/qemu/house.ts). Ports are p1, p2, ...

import { SocketClient } from '../../../src/cli/socket-client.ts';
import type { Verb } from '../../../src/report/command-schemas.ts';
import type { MqttMessage, Subscriber } from './broker.ts';
import { sever } from './darkness.ts';
import { type RadclientReply, type RadclientRequest, radclient } from './dynauth.ts';
import type { FreeRadius } from './freeradius.ts';
import type { LabSwitch, Netns } from './netns.ts';
import { patience } from './patience.ts';
import type { Scene } from './scene.ts';

const ANSWER_WITHIN_MS = 5_000;
const LAST_LOG_LINES = 40;

/** The bridge's own machine. */
export interface HouseSwitch
  extends Pick<LabSwitch, 'uplink' | 'fdb' | 'portFlags' | 'unplug' | 'plug' | 'setPort'> {
  readonly netns: Pick<Netns, 'must' | 'ip'>;
}

export interface House {
  readonly lab: HouseSwitch;
  readonly radius: Pick<FreeRadius, 'setUsers' | 'freeze' | 'thaw' | 'accounting'>;
  /** Of everything that the agent says. */
  readonly upstream: Pick<Subscriber, 'messages' | 'ofTopic'>;
  /** What the broker keeps under this filter. */
  stored(filter: string): Promise<readonly MqttMessage[]>;
  /** The agent's connections to the broker are reset, and new ones refused, until the returned call. */
  severBroker(): Promise<() => Promise<void>>;
  radclient(request: RadclientRequest): Promise<RadclientReply>;
  freezeAgent(): Promise<void>;
  thawAgent(): Promise<void>;
  /** Its exit code, if it has ended; null while it runs. */
  agentEnded(): Promise<number | null>;
  /** Of its log. */
  lastWords(): Promise<string>;
  /** A command; its result, or a throw if it was refused. */
  request(verb: string, request: object): Promise<unknown>;
  /** Undone at the end, the newest first. */
  atClose(undo: () => unknown): void;
  close(): Promise<void>;
}

export class SceneHouse implements House {
  readonly #scene: Scene;
  readonly #control: SocketClient;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#control = new SocketClient(scene.agent.socket, patience(ANSWER_WITHIN_MS));
  }

  get lab(): LabSwitch {
    return this.#scene.lab;
  }

  get radius(): FreeRadius {
    return this.#scene.radius;
  }

  get upstream(): Subscriber {
    return this.#scene.upstream;
  }

  stored(filter: string): Promise<readonly MqttMessage[]> {
    return this.#scene.broker.stored(filter);
  }

  severBroker(): Promise<() => Promise<void>> {
    return sever(this.lab.netns, this.#scene.broker.port);
  }

  radclient(request: RadclientRequest): Promise<RadclientReply> {
    return radclient(this.lab.netns, request);
  }

  async freezeAgent(): Promise<void> {
    this.#scene.agent.freeze();
  }

  async thawAgent(): Promise<void> {
    this.#scene.agent.thaw();
  }

  async agentEnded(): Promise<number | null> {
    return this.#scene.agent.exitCode;
  }

  async lastWords(): Promise<string> {
    return this.#scene.agent.lines.slice(-LAST_LOG_LINES).join('\n');
  }

  async request(verb: string, request: object): Promise<unknown> {
    const said = await this.#control.request(verb as Verb, request);
    if (!said.ok) throw new Error(`${verb}: ${said.error}`);
    if (!said.value.ok) throw new Error(`${verb} was refused: ${JSON.stringify(said.value)}`);
    return said.value.result;
  }

  atClose(undo: () => unknown): void {
    this.#scene.atClose(undo);
  }

  close(): Promise<void> {
    return this.#scene.close();
  }
}
