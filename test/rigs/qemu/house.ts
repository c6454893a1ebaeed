// The booted switch as a stage's house: what the lab has in namespaces, the agent's machine apart. One machine serves one
// scenario after the other; between them its agent is stopped and forgets everything, its bridge is made anew, and all that is
// outside is new, too. A stage's ports p1, p2, ... are its lan1, lan2, ...

import { stringify } from 'yaml';
import { type ConfigPart, overlay } from '../config-part.ts';
import { LAB_CONFIG } from '../lab/agent.ts';
import { type FdbEntry, flagsOf, tableOf } from '../lab/bridge.ts';
import { Broker, type MqttMessage, type Subscriber } from '../lab/broker.ts';
import { sever } from '../lab/darkness.ts';
import { type RadclientReply, type RadclientRequest, radclient } from '../lab/dynauth.ts';
import { FreeRadius } from '../lab/freeradius.ts';
import type { RadiusUser } from '../lab/freeradius-config.ts';
import type { House, HouseSwitch } from '../lab/house.ts';
import { keepNeighbours } from '../lab/machine.ts';
import { giveAddress, keepQuiet, Netns, SWITCH_MAC, type SwitchClient } from '../lab/netns.ts';
import { TOPIC_BASE, undoAll } from '../lab/scene.ts';
import type { Machine } from './machine.ts';
import { MANAGEMENT_IPV4, OUTSIDE_IPV4, Outside } from './outside.ts';
import { endOf, restartsIn, SHOW } from './unit-state.ts';

const LAST_LOG_LINES = 40;
const READY_WITHIN_MS = 60_000;

/** What is different here from a switch whose servers are on its loopback. */
const QEMU_CONFIG: ConfigPart = {
  state_dir: '/var/lib/rollcall',
  control_socket: '/run/rollcall/control.sock',
  radius: {
    nas_ip_address: MANAGEMENT_IPV4,
    servers: [{ address: OUTSIDE_IPV4, auth_port: 1812, acct_port: 1813, secret: 'testing123' }],
    dynamic_authorization: { port: 3799, clients: [{ address: OUTSIDE_IPV4, secret: 'testing123' }] },
  },
  mqtt: { url: `mqtt://${OUTSIDE_IPV4}:1883` },
};

export interface HouseOptions {
  readonly ports: number;
  /** The bridge filters VLANs, and the uplink has these beside VLAN 1, tagged. */
  readonly vlans?: readonly number[];
  readonly users: readonly RadiusUser[];
  readonly config: ConfigPart;
}

export class QemuHouse implements House {
  readonly lab: QemuSwitch;
  readonly radius: FreeRadius;
  readonly broker: Broker;
  readonly upstream: Pick<Subscriber, 'messages' | 'ofTopic'>;
  /** Where the broker and the server are. */
  readonly services: Netns;
  readonly #undoings: (() => unknown)[];
  /** That are no fault of the agent's. */
  #restarts = 0;

  private constructor(
    parts: Pick<QemuHouse, 'lab' | 'radius' | 'broker'> & {
      readonly services: Netns;
      readonly heard: Subscriber;
    },
    undoings: (() => unknown)[],
  ) {
    this.lab = parts.lab;
    this.radius = parts.radius;
    this.broker = parts.broker;
    this.upstream = new Translated(parts.heard);
    this.services = parts.services;
    this.#undoings = undoings;
  }

  /** The agent is online when this returns. */
  static async open(machine: Machine, options: HouseOptions): Promise<QemuHouse> {
    const undoings: (() => unknown)[] = [];
    const built = <T extends { close(): unknown }>(part: T): T => {
      undoings.push(() => part.close());
      return part;
    };
    try {
      await machine.must(FORGET);
      const { services, uplink } = built(await Outside.plug(machine));
      const lab = built(await QemuSwitch.plug(machine, uplink, options.ports));
      const radius = built(
        await FreeRadius.start(services, {
          users: options.users,
          address: OUTSIDE_IPV4,
          client: MANAGEMENT_IPV4,
        }),
      );
      const broker = built(await Broker.start(services, undefined, OUTSIDE_IPV4));
      const heard = built(await broker.subscribe(`${TOPIC_BASE}/#`, { asPublished: true }));
      await machine.must(begin(options), { input: configText(options.config), timeoutMs: READY_WITHIN_MS });
      await heard.waitFor(
        'the switch online',
        ({ topic, payload }) => topic === `${TOPIC_BASE}/availability` && payload.includes('"online"'),
        READY_WITHIN_MS,
      );
      return new QemuHouse({ lab, radius, broker, services, heard }, undoings);
    } catch (error) {
      const log = await machine
        .run(`journalctl -u rollcall -o cat -n ${LAST_LOG_LINES}`)
        .catch(() => undefined);
      await undoAll(undoings).catch(() => undefined);
      throw new Error(`${String(error)}\n${log?.stdout ?? ''}`, { cause: error });
    }
  }

  get machine(): Machine {
    return this.lab.machine;
  }

  async stored(filter: string): Promise<readonly MqttMessage[]> {
    return (await this.broker.stored(filter)).map(translated);
  }

  severBroker(): Promise<() => Promise<void>> {
    return sever(this.services, this.broker.port);
  }

  radclient(request: RadclientRequest): Promise<RadclientReply> {
    return radclient(this.services, { ...request, to: MANAGEMENT_IPV4 });
  }

  async freezeAgent(): Promise<void> {
    await this.machine.must('systemctl kill --kill-whom=main --signal=STOP rollcall');
  }

  async thawAgent(): Promise<void> {
    await this.machine.must('systemctl kill --kill-whom=main --signal=CONT rollcall');
  }

  /** Also of one that its service manager has started again, unless we have killed it. */
  async agentEnded(): Promise<number | null> {
    return endOf(await this.machine.must(SHOW), this.#restarts);
  }

  /** Its service manager starts it again: it is the agent from then on. */
  async killAgent(): Promise<void> {
    const shown = await this.machine.must(SHOW);
    const ended = endOf(shown, this.#restarts);
    if (ended !== null) throw new Error(`the agent had ended with ${ended} before it was to be killed`);
    this.#restarts = restartsIn(shown) + 1;
    await this.machine.must('systemctl kill --kill-whom=main --signal=KILL rollcall');
  }

  lastWords(): Promise<string> {
    return this.machine.must(`journalctl -u rollcall -o cat -n ${LAST_LOG_LINES}`);
  }

  async request(verb: string, request: object): Promise<unknown> {
    const said = await this.broker.request({
      topic: `${TOPIC_BASE}/command/${verb}`,
      payload: toSwitch(JSON.stringify(request)),
      responseTopic: `lab/response/${verb}`,
    });
    const answer = JSON.parse(toStage(said)) as { readonly ok: boolean; readonly result?: unknown };
    if (!answer.ok) throw new Error(`${verb} was refused: ${said}`);
    return answer.result;
  }

  atClose(undo: () => unknown): void {
    this.#undoings.push(undo);
  }

  close(): Promise<void> {
    return undoAll(this.#undoings);
  }
}

/** The bridge inside, by the names of a stage, and the clients outside. */
export class QemuSwitch implements HouseSwitch {
  readonly netns = {
    must: async (argv: readonly string[]): Promise<string> =>
      toStage(await this.machine.must(argv.map(toSwitch))),
    ip: (words: string): Promise<string> => this.netns.must(['ip', ...words.split(' ')]),
  };

  private constructor(
    readonly machine: Machine,
    readonly uplink: Netns,
    readonly clients: readonly SwitchClient[],
  ) {}

  static async plug(machine: Machine, uplink: Netns, ports: number): Promise<QemuSwitch> {
    const clients = Array.from({ length: ports }, (_, i) => client(i + 1));
    for (const { port, netns, mac, ...addresses } of clients) {
      await keepQuiet(netns);
      await machine.plugInto(toSwitch(port), netns, mac);
      await netns.ip('link set eth0 up');
      await giveAddress(netns, 'eth0', addresses);
      await keepNeighbours(netns);
    }
    return new QemuSwitch(machine, uplink, clients);
  }

  fdb(mac?: string): Promise<readonly FdbEntry[]> {
    return tableOf(this.netns, mac);
  }

  portFlags(port: string): Promise<Readonly<Record<string, unknown>>> {
    return flagsOf(this.netns, port);
  }

  async unplug(index: number): Promise<void> {
    const { netns, port } = this.#client(index);
    await netns.ip('link set eth0 down');
    await this.machine.setCarrier(toSwitch(port), 'off');
  }

  async plug(index: number): Promise<void> {
    const { netns, port } = this.#client(index);
    await netns.ip('link set eth0 up');
    await this.machine.setCarrier(toSwitch(port), 'on');
  }

  /** The client's end has a carrier while the port is up. */
  async setPort(port: string, state: 'up' | 'down'): Promise<void> {
    await this.netns.ip(`link set ${port} ${state}`);
    const at = this.clients.find((each) => each.port === port);
    await at?.netns.ip(`link set eth0 carrier ${state === 'up' ? 'on' : 'off'}`);
  }

  async close(): Promise<void> {
    for (const { port, netns } of this.clients) {
      await this.machine.setCarrier(toSwitch(port), 'on');
      await this.machine.plugInto(toSwitch(port));
      netns.close();
    }
  }

  #client(index: number): SwitchClient {
    const client = this.clients[index - 1];
    if (client === undefined) throw new Error(`there is no client ${index}`);
    return client;
  }
}

/** Its addresses are those of the lab's client n. */
function client(n: number): SwitchClient {
  return {
    index: n,
    port: `p${n}`,
    netns: Netns.create(),
    mac: `02:99:00:00:00:${n.toString(16).padStart(2, '0')}`,
    ipv4: `10.99.0.${10 + n}`,
    ipv6: `fd00:99::${10 + n}`,
  };
}

class Translated {
  constructor(private readonly heard: Subscriber) {}

  get messages(): readonly MqttMessage[] {
    return this.heard.messages.map(translated);
  }

  ofTopic(topic: string): readonly MqttMessage[] {
    return this.messages.filter((message) => message.topic === topic);
  }
}

function translated(message: MqttMessage): MqttMessage {
  return { ...message, payload: toStage(message.payload) };
}

function toSwitch(text: string): string {
  return text.replace(/\bp(\d+\b|\*)/g, 'lan$1');
}

function toStage(text: string): string {
  return text.replace(/\blan(\d+\b|\*)/g, 'p$1');
}

function configText(config: ConfigPart): string {
  const whole = overlay(overlay(LAB_CONFIG, QEMU_CONFIG), config);
  return toSwitch(stringify(whole, { aliasDuplicateObjects: false }));
}

/** Nothing of the scenario before is left: no session, no rule, no bridge. */
const FORGET = `set -e
systemctl stop rollcall rollcall-lock
systemctl reset-failed rollcall 2>/dev/null || :
rm -rf /var/lib/rollcall/*
nft flush ruleset
ip link del br0`;

function begin({ ports, vlans }: HouseOptions): string {
  const ip = [
    `link add br0 address ${SWITCH_MAC} type bridge vlan_filtering ${vlans === undefined ? 0 : 1} forward_delay 0 stp_state 0 mcast_snooping 0`,
    'link set up0 master br0 up',
    ...Array.from({ length: ports }, (_, i) => `link set lan${i + 1} master br0 up`),
    'link set br0 up',
    'address add 10.99.0.1/24 dev br0',
    'address add fd00:99::1/64 dev br0 nodad',
  ];
  const bridge = (vlans ?? []).map((vlan) => `vlan add dev up0 vid ${vlan}`);
  return `set -e
cat >/etc/rollcall/rollcall.yaml
sync /etc/rollcall/rollcall.yaml
printf '${ip.join('\\n')}\\n' | ip -batch -
printf '${bridge.map((line) => `${line}\\n`).join('')}' | bridge -batch -
systemctl start rollcall`;
}
