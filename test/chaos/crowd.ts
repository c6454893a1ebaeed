// Many clients on few ports: simulated in what they think (rigs/sim/client.ts), real in what they say. Their frames go out by raw
// sockets on the far ends of veths, beside strangers' who never prove who they are.

import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { type Ipv4, parseIpv4 } from '../../src/base/ip.ts';
import { type Mac, parseMac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { encodeEthernet } from '../../src/wire/ethernet.ts';
import type { Netns } from '../rigs/lab/netns.ts';
import { SimClient } from '../rigs/sim/client.ts';
import { PASSWORD } from '../scenarios/stage.ts';
import type { Person } from './plan.ts';

/** IEEE 802 local experimental: traffic of no protocol. */
const ETHERTYPE_TRAFFIC = 0x88b5;
/** An attempt that has led to nothing is begun again. */
const ATTEMPT_MS = 12_000;
const AFTER_FAILURE_MS = 2_000;
const LOOK_MS = 1_000;

/** What carries their frames. */
export class Wire {
  readonly #child;
  readonly #ears = new Map<number, ((bytes: Uint8Array) => void)[]>();

  private constructor(netns: Netns, first: number, count: number) {
    const script = path.resolve('test/chaos/wire.py');
    this.#child = spawn(
      'ip',
      [
        'netns',
        'exec',
        netns.name,
        'setpriv',
        '--pdeathsig',
        'KILL',
        'python3',
        '-u',
        script,
        `${first}`,
        `${count}`,
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
  }

  static async open(netns: Netns, first: number, count: number): Promise<Wire> {
    const wire = new Wire(netns, first, count);
    const lines = createInterface({ input: wire.#child.stdout });
    await new Promise<void>((resolve, reject) => {
      wire.#child.once('exit', (code) => reject(new Error(`wire.py ended with ${code}`)));
      lines.once('line', () => resolve());
    });
    wire.#child.removeAllListeners('exit');
    lines.on('line', (line) => {
      const at = line.indexOf(' ');
      const bytes = fromHex(line.slice(at + 1));
      if (bytes !== undefined)
        for (const hear of wire.#ears.get(Number(line.slice(0, at))) ?? []) hear(bytes);
    });
    return wire;
  }

  hear(port: number, ear: (bytes: Uint8Array) => void): void {
    this.#ears.set(port, [...(this.#ears.get(port) ?? []), ear]);
  }

  send(port: number, bytes: Uint8Array): void {
    this.#child.stdin.write(`${port} ${toHex(bytes)}\n`);
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin.end();
    await ended;
  }
}

/** One of the crowd. It wants in from `come` to `leave`, and tries again whenever it is not. */
export class CrowdClient {
  readonly mac: Mac;
  readonly #client: SimClient;
  readonly #talksMs: number;
  readonly #gateway: Mac;
  #wants = false;
  #isSettled = false;
  #tried = 0;
  #failures = 0;
  #looking: NodeJS.Timeout | undefined;
  #talking: NodeJS.Timeout | undefined;
  /** When it last sent anything. */
  lastSent = 0;

  constructor(wire: Wire, { n, port, talksMs }: Person, gateway: string) {
    this.mac = macOf(n);
    this.#talksMs = talksMs;
    this.#gateway = mac(gateway);
    this.#client = new SimClient(
      {
        mac: this.mac,
        port: `p${port}` as PortName,
        ipv4: ipv4Of(n),
        user: { identity: `u${n}`, password: PASSWORD },
      },
      {
        transmit: (_, bytes) => {
          this.lastSent = Date.now();
          wire.send(port, bytes);
        },
        in: (ms, run) => setTimeout(run, ms),
      },
    );
    this.#client.silent = true;
    wire.hear(port, (bytes) => this.#client.receive(bytes));
  }

  get isIn(): boolean {
    return this.#client.supplicant.authorized;
  }

  come(): void {
    this.#wants = true;
    this.#client.silent = false;
    this.#attempt();
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  /** It is not sure any more that it is in. */
  begin(): void {
    if (this.#wants) this.#attempt();
  }

  #attempt(): void {
    const { supplicant } = this.#client;
    this.#tried = Date.now();
    this.#failures = supplicant.failures;
    supplicant.authorized = false;
    this.#isSettled = false;
    supplicant.start();
  }

  #look(): void {
    const { supplicant } = this.#client;
    if (supplicant.authorized) {
      if (!this.#isSettled) this.#settle();
      return;
    }
    const wait = supplicant.failures > this.#failures ? AFTER_FAILURE_MS : ATTEMPT_MS;
    if (Date.now() - this.#tried > wait) this.#attempt();
  }

  /** It has an address, and says so; and goes on talking if that is its manner. */
  #settle(): void {
    this.#isSettled = true;
    this.#client.announce();
    if (this.#talksMs === 0 || this.#talking !== undefined) return;
    const say = (): void => this.#client.send(this.#gateway, ETHERTYPE_TRAFFIC, new Uint8Array(46));
    this.#talking = setInterval(say, this.#talksMs);
  }

  /** Says that it leaves. */
  logoff(): void {
    this.#client.supplicant.logoff();
  }

  /** Nothing is heard of it any more. */
  goSilent(): void {
    this.#wants = false;
    clearInterval(this.#looking);
    clearInterval(this.#talking);
    this.#talking = undefined;
    this.#client.supplicant.kill();
    this.#client.silent = true;
  }
}

/** A frame that tries to get through to the far side of the uplink. */
export function trespass(from: string, gateway: string): Uint8Array {
  const frame = { destination: mac(gateway), source: mac(from), etherType: ETHERTYPE_TRAFFIC };
  return encodeEthernet({ ...frame, payload: new Uint8Array(46) });
}

export function macOf(n: number): Mac {
  return mac(`02:c0:00:00:${octet(n >> 8)}:${octet(n & 0xff)}`);
}

/** As the lab's own clients have it; there may be 200. */
function ipv4Of(n: number): Ipv4 {
  const address = parseIpv4(`10.99.0.${10 + n}`);
  if (address === undefined) throw new Error(`no address for ${n}`);
  return address;
}

function mac(text: string): Mac {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(`no MAC: ${text}`);
  return parsed;
}

function octet(n: number): string {
  return n.toString(16).padStart(2, '0');
}
