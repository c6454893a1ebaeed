// Twenty clients on four ports do what they like, for thousands of steps: logins, logoffs, silence, moves, cables, faults,
// commands. Nothing is asserted here but the invariants, which are looked at after every input of the agent.

import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import { Invariants } from '../rigs/sim/invariants.ts';
import { GATEWAY, SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { simFile } from '../rigs/sim/stage.ts';

const CLIENTS = 20;
const PORTS = ['p1', 'p2', 'p3', 'p4'];
const PASSWORD = 'wonder';
const CONFIG = {
  ports: {
    'p*': { control: 'auto' },
    p2: { link_down_delay_s: 3 },
    p3: { handshake: { times: 1 } },
    p4: { host_mode: 'single-host' },
  },
  roles: { default: { handshake: { period_s: 2, times: 3 } } },
  handshake: { hold_after_link_up_s: 0, hold_after_announcement_s: 0 },
  dot1x: { quiet_period_s: 5, server_timeout_s: 5 },
};

class Play {
  readonly net = new SimulatedSwitch({ config: simFile(CONFIG), ports: PORTS });
  readonly invariants = new Invariants(this.net);
  private readonly random: SeededRandom;
  readonly story: string[] = [];
  /** Disconnect commands, each of which is answered some time. */
  readonly cuts: number[] = [];

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.net.afterTurn = () => this.invariants.check();
    for (let n = 1; n <= CLIENTS; n++) {
      const user = { identity: `u${n}`, password: PASSWORD };
      const reply = n % 5 === 0 ? { sessionTimeoutS: 20, terminationAction: (n % 2) as 0 | 1 } : {};
      for (const { users } of this.net.servers) users.set(user.identity, { password: PASSWORD, reply });
      this.net.addClient({
        mac: `02:99:00:00:01:${n.toString(16).padStart(2, '0')}` as Mac,
        port: this.port(),
        ...(n % 3 === 0 ? {} : { ipv4: `10.99.1.${n}` as Ipv4 }),
        user,
      });
    }
    this.net.boot();
  }

  step(): void {
    const { random, net } = this;
    const act = ACTS[random.below(ACTS.length)] as (play: Play, client: SimClient) => string;
    this.story.push(`${net.world.now} ${act(this, net.clients[random.below(CLIENTS)] as SimClient)}`);
    net.advance(random.below(4) === 0 ? random.below(5_000) : random.below(200));
  }

  port(): PortName {
    return PORTS[this.random.below(PORTS.length)] as PortName;
  }

  chance(oneIn: number): boolean {
    return this.random.below(oneIn) === 0;
  }

  below(limit: number): number {
    return this.random.below(limit);
  }
}

const start = (_: Play, client: SimClient): string => {
  client.supplicant.start();
  return `${client.mac} starts on ${client.port}`;
};

const ACTS: readonly ((play: Play, client: SimClient) => string)[] = [
  start,
  start,
  start,
  start,
  (_, client) => {
    client.supplicant.logoff();
    return `${client.mac} logs off`;
  },
  (_, client) => {
    client.silent = !client.silent;
    return `${client.mac} is ${client.silent ? 'silent' : 'back'}`;
  },
  (_, client) => {
    client.say();
    return `${client.mac} says something`;
  },
  ({ net: _ }, client) => {
    client.ping(GATEWAY);
    return `${client.mac} pings`;
  },
  (play, client) => {
    client.port = play.port();
    client.supplicant.start();
    return `${client.mac} moves to ${client.port}`;
  },
  (play, client) => {
    const user = `u${1 + play.below(CLIENTS)}`;
    client.supplicant.kill();
    client.supplicant.user = { identity: user, password: play.chance(3) ? 'wrong' : PASSWORD };
    client.supplicant.start();
    return `${client.mac} becomes ${user}`;
  },
  (play) => {
    const port = play.port();
    play.net.bridge.setCable(port, !play.net.bridge.port(port).cable || !play.chance(2));
    return `${port} cable`;
  },
  (play) => {
    const port = play.port();
    play.net.bridge.setAdmin(port, !play.net.bridge.port(port).adminUp || !play.chance(2));
    return `${port} administrator`;
  },
  (play) => {
    const port = play.port();
    if (play.net.bridge.port(port).present && play.chance(3)) play.net.bridge.remove(port);
    else play.net.bridge.restore(port);
    return `${port} in or out of the bridge`;
  },
  (play) => {
    play.net.faults.revokes = play.below(3);
    play.net.faults.grants = play.below(2);
    play.net.faults.captures = play.below(2);
    play.net.faults.setPorts = play.below(2);
    return 'faults';
  },
  (play) => {
    for (const server of play.net.servers) {
      server.access = !play.chance(4);
      server.accounting = !play.chance(3);
    }
    return 'servers';
  },
  (play) => {
    play.net.setBroker(!play.chance(3));
    return 'broker';
  },
  ({ net, cuts }, client) => {
    cuts.push(net.request('disconnect', { mac: client.mac }));
    return `${client.mac} is disconnected`;
  },
  ({ net }, client) => {
    net.command('reauthenticate', { mac: client.mac });
    return `${client.mac} is to reauthenticate`;
  },
  ({ net }, client) => {
    if (net.bridge.table.has(client.mac)) net.bridge.deleteByHand(client.mac);
    return `${client.mac} loses its entry`;
  },
  (play) => {
    const control = play.chance(2) ? 'auto' : 'force-unauthorized';
    const port = play.port();
    play.net.command('port', { port, control });
    return `${port} ${control}`;
  },
];

describe('twenty clients at random', () => {
  it.each([1, 2, 3, 4, 5])('seed %i: 2,000 steps', { timeout: 60_000 }, (seed) => {
    const play = new Play(seed);
    try {
      for (let i = 0; i < 2_000; i++) play.step();
    } catch (error) {
      const last = play.story.slice(-15).join('\n');
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${last}`);
    }
    expect(play.net.events.filter(({ type }) => type === 'session-end').length).toBeGreaterThan(50);
    play.net.advance(10_000);
    expect(play.cuts.filter((ref) => play.net.answerTo(ref) === undefined)).toEqual([]);
  });
});
