// What the benchmarks are played on: a bridge with 48 ports in one namespace, the clients' ends of its veths in another,
// FreeRADIUS and mosquitto beside the bridge, the authenticator under test, and the load generator (clients.c).

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LabFolder } from '../rigs/lab/folder.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import type { RadiusUser } from '../rigs/lab/freeradius-config.ts';
import { Netns } from '../rigs/lab/netns.ts';

export const PORTS = 48;
/** Where board/run.mjs starts us. */
export const ROOT = process.cwd();
const SWITCH_IPV4 = '10.80.255.254';
export const SWITCH_MAC = '02:80:00:00:00:fe';

/** The switch and its clients' ends: p1.. are ports of br0, c1.. are what is plugged into them. */
export class Stage {
  readonly folder = new LabFolder('bench');
  readonly #programs = new Map<string, string>();
  #radius: FreeRadius | undefined;

  private constructor(
    readonly netns: Netns,
    readonly far: Netns,
  ) {}

  static async open(ports = PORTS): Promise<Stage> {
    const stage = new Stage(Netns.create(), Netns.create());
    for (const netns of [stage.netns, stage.far])
      await netns.setSysctl('net.ipv6.conf.default.disable_ipv6', 1);
    const lines = [
      `link add br0 address ${SWITCH_MAC} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
      'link set br0 up',
      `addr add ${SWITCH_IPV4}/16 dev br0`,
    ];
    for (let n = 1; n <= ports; n++) {
      lines.push(
        `link add p${n} type veth peer name c${n} netns ${stage.far.name}`,
        `link set p${n} master br0 up`,
      );
    }
    await stage.netns.must(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
    const ends = Array.from({ length: ports }, (_, i) => `link set c${i + 1} up\n`);
    await stage.far.must(['ip', '-batch', '-'], { input: ends.join('') });
    return stage;
  }

  /** Compiles a C program of this folder, once. */
  compile(name: string): string {
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    const program = this.folder.file(name);
    execFileSync('cc', ['-O2', '-o', program, path.join(ROOT, 'test/bench', `${name}.c`), '-lm']);
    this.#programs.set(name, program);
    return program;
  }

  /** Every client is the same user, and every MAC another client. `others`: who else there is. */
  async radius(others: readonly RadiusUser[] = []): Promise<void> {
    const users = [{ name: 'bench', password: 'a-password' }, ...others];
    this.#radius = await FreeRadius.start(this.netns, { users, firstMethod: 'md5' });
  }

  /** Speaks MQTT 5 and says nothing of each message, unlike the lab's. */
  async broker(): Promise<void> {
    const file = this.folder.write(
      'mosquitto.conf',
      'listener 1883 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\nlog_dest stderr\nlog_type information\nmax_queued_messages 0\n',
    );
    const broker = this.netns.start({ name: 'mosquitto', argv: ['mosquitto', '-c', file] });
    await broker.waitForLine(/mosquitto version .* running/);
  }

  /** Grants that an earlier authenticator left are gone. */
  async flush(): Promise<void> {
    await this.netns.must(['bridge', 'fdb', 'flush', 'dev', 'br0', 'static']);
  }

  /** A server that takes packets and never answers. */
  async deaf(port: number): Promise<void> {
    const deaf = this.netns.start({ name: 'deaf', argv: [this.compile('deaf'), `${port}`] });
    await deaf.waitForLine(/deaf/);
  }

  /** Whatever still runs on it is killed with its namespace. */
  async close(): Promise<void> {
    await this.#radius?.close();
    this.far.close();
    this.netns.close();
    this.folder.remove();
  }
}

/** All threads' time on a core so far, in milliseconds; the kernel's work on their behalf included. */
export function cpuMs(pid: number): number {
  let nanoseconds = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  }
  return nanoseconds / 1e6;
}

export interface Memory {
  readonly residentMb: number;
  readonly anonymousMb: number;
}

export function memoryOf(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (key: string): number =>
    Number(new RegExp(`${key}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) / 1024;
  return { residentMb: mb('VmRSS'), anonymousMb: mb('RssAnon') };
}

export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
