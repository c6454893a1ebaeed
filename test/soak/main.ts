// flags: --expose-gc
// A year of 2,000 users' days on the simulated switch: everybody comes once a day, by 802.1X, by MAC or over a concentrator,
// stays for some minutes, and goes: by logoff, in silence, by unplugging, by the session timer, by an administrator's word.
// Asked is whether anything grows, and whether the invariants hold.
//
// Usage: node board/run.mjs test/soak/main.ts [days] [users]. Invariants are looked at every `CHECK_EVERY` inputs, what the agent
// holds on to (census) and the accounting of the whole day at each midnight. Memory is what is resident at midnight, after a garbage
// collection; it includes the simulated world. Ends with 1 if the last quarter's mean is more than 5 % above the second's.

import type { Ip, Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { instant } from '../../src/base/time.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { judgeCounts } from '../rigs/accounting-judge.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import { SimClient } from '../rigs/sim/client.ts';
import { Invariants } from '../rigs/sim/invariants.ts';
import { SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { simFile } from '../rigs/sim/stage.ts';
import { accountingRequest, SSO_SECRET } from '../rigs/sso.ts';

const DAYS = Number(process.argv[2] ?? 365);
const USERS = Number(process.argv[3] ?? 2_000);
const PORTS = Array.from({ length: 48 }, (_, i) => `p${i + 1}`);
const CHECK_EVERY = 1_000;
const GROWTH = 0.05;
const CONCENTRATOR = '192.0.2.10';
const PASSWORD = 'wonder';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const [OPENS, CLOSES] = [7 * HOUR, 19 * HOUR];
const LONGEST = 20 * MINUTE;

const CONFIG = {
  ports: { 'p*': { control: 'auto', mab: { enabled: true, delay_s: 1, authentication: 'eap-md5' } } },
  roles: { default: { session_s: 3600 } },
  guard: { share: 0 },
  certified_devices: { enabled: true, capacity: 3_000 },
  l3: { ingress: ['vpn0'] },
  sso: { clients: [{ address: CONCENTRATOR, secret: SSO_SECRET }] },
};

/** How a user comes, by its number; half of them have a supplicant. */
const WAYS = ['dot1x', 'dot1x', 'mab', 'sso'] as const;

class Year {
  readonly net = new SimulatedSwitch({ config: simFile(CONFIG), ports: PORTS });
  readonly invariants = new Invariants(this.net, USERS);
  readonly ways = new Map<string, number>();
  turns = 0;
  private readonly random = new SeededRandom(20_261_126);
  /** Who is there and says something now and then: its table entry is fresh. */
  private readonly talking = new Set<Mac>();
  private readonly dumpTable = this.net.bridge.dump.bind(this.net.bridge);

  constructor() {
    const { net } = this;
    net.afterTurn = () => {
      if (++this.turns % CHECK_EVERY === 0) this.check();
    };
    net.bridge.dump = () => {
      for (const entry of net.bridge.table.values())
        if (this.talking.has(entry.mac)) entry.updatedAt = net.world.now;
      return this.dumpTable();
    };
    for (const { users } of net.servers)
      for (let n = 0; n < USERS; n++) {
        users.set(`u${n}`, { password: PASSWORD, reply: {} });
        users.set(deviceOf(n), { password: deviceOf(n), reply: {} });
      }
    net.boot();
  }

  private check(): void {
    const { bridge } = this.net;
    for (const { mac, port, updatedAt } of bridge.table.values()) {
      const place = `${mac} ${port.name}`;
      bridge.lastSign.set(place, instant(Math.max(bridge.lastSign.get(place) ?? 0, updatedAt)));
    }
    this.invariants.check();
    this.invariants.forgetPerformed();
  }

  /** One day, and the night after it. */
  day(): void {
    const { net, random } = this;
    for (let n = 0; n < USERS; n++) {
      const at = OPENS + random.below(CLOSES - OPENS);
      net.world.in(at, () => this.come(n));
    }
    net.advance(DAY);
    this.check();
    this.invariants.checkMemory();
    this.balance();
  }

  /** Nobody is in at midnight: each session of the day has one Start and one Stop. What the rig remembers goes. */
  private balance(): void {
    const { net } = this;
    const rows = net.servers.flatMap((server) => server.rows.splice(0));
    const broken = judgeCounts(rows);
    if (broken.length > 0) throw new Error(`accounting: ${broken.slice(0, 5).join('; ')}`);
    for (const event of net.events.splice(0)) if (event.type === 'session-end') this.count(event.cause);
    for (const server of net.servers) server.forgetAnswers();
    net.logs.length = 0;
    net.answers.clear();
    net.bridge.lastSign.clear();
    net.routed.replies.length = 0;
  }

  private count(what: string): void {
    this.ways.set(what, (this.ways.get(what) ?? 0) + 1);
  }

  private come(n: number): void {
    const { net, random } = this;
    const stay = MINUTE + random.below(LONGEST);
    const way = WAYS[n % WAYS.length];
    if (way === 'sso') {
      const said = {
        session: `s${n} of day ${Math.floor(net.world.now / DAY)}`,
        user: `v${n}`,
        ips: [`10.1.${n >> 8}.${n & 0xff}` as Ip],
      };
      this.concentrator('start', said);
      net.world.in(stay, () => this.concentrator('stop', said));
      return;
    }
    const client = new SimClient(
      {
        mac: macOf(n),
        port: PORTS[random.below(PORTS.length)] as PortName,
        ipv4: `10.99.${n >> 8}.${n & 0xff}` as Ipv4,
        user: { identity: `u${n}`, password: PASSWORD },
      },
      { transmit: (port, bytes) => net.bridge.receive(port, bytes), in: (ms, run) => net.world.in(ms, run) },
    );
    net.clients.push(client);
    this.talking.add(client.mac);
    client.announce();
    if (way === 'dot1x') client.supplicant.start();
    net.world.in(stay, () => this.go(client, n));
  }

  private concentrator(status: 'start' | 'stop', said: Parameters<typeof accountingRequest>[1]): void {
    const bytes = accountingRequest(status, said);
    this.net.post({ type: 'sso-requests', datagrams: [{ address: CONCENTRATOR, port: 40_000, bytes }] });
  }

  private go(client: SimClient, n: number): void {
    const { net, random } = this;
    const { mac } = client;
    const how = random.below(8);
    if (how === 0) net.request('disconnect', { mac });
    else if (how < 4 && client.supplicant.authorized) client.supplicant.logoff();
    this.talking.delete(mac);
    client.silent = true;
    net.clients.splice(net.clients.indexOf(client), 1);
    // A hub remembers nobody: an eighth of all ports' links go down with who leaves.
    if (how === 7 && n % 8 === 0) {
      net.bridge.setCable(client.port, false);
      net.world.in(1_000, () => net.bridge.setCable(client.port, true));
    }
  }
}

function macOf(n: number): Mac {
  return `02:99:00:01:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 0xff).toString(16).padStart(2, '0')}` as Mac;
}

function deviceOf(n: number): string {
  return macOf(n).replaceAll(':', '');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function main(): void {
  const began = Date.now();
  const year = new Year();
  const resident: number[] = [];
  const heap: number[] = [];
  console.log('day   sessions   inputs   resident MB   heap MB   s');
  for (let day = 1; day <= DAYS; day++) {
    year.day();
    globalThis.gc?.();
    const { rss, heapUsed } = process.memoryUsage();
    resident.push(rss / 1e6);
    heap.push(heapUsed / 1e6);
    const sessions = [...year.ways.values()].reduce((sum, count) => sum + count, 0);
    const figures = [day, sessions, year.turns, (rss / 1e6).toFixed(1), (heapUsed / 1e6).toFixed(1)];
    if (day % Math.max(1, Math.floor(DAYS / 24)) === 0 || day <= 2)
      console.log([...figures, Math.round((Date.now() - began) / 1000)].join('   '));
  }
  const quarter = Math.floor(DAYS / 4);
  const [second, last] = [mean(resident.slice(quarter, 2 * quarter)), mean(resident.slice(DAYS - quarter))];
  const growth = (last - second) / second;
  console.log(`\nends: ${[...year.ways].map(([cause, count]) => `${cause} ${count}`).join(', ')}`);
  console.log(
    `${DAYS} days of ${USERS} users in ${((Date.now() - began) / MINUTE).toFixed(1)} minutes; ` +
      `resident: second quarter ${second.toFixed(1)} MB, last quarter ${last.toFixed(1)} MB, ${(growth * 100).toFixed(1)} %; ` +
      `heap ${mean(heap.slice(quarter, 2 * quarter)).toFixed(1)} and ${mean(heap.slice(DAYS - quarter)).toFixed(1)} MB`,
  );
  if (growth > GROWTH) {
    console.error(`memory grew by more than ${GROWTH * 100} %`);
    process.exitCode = 1;
  }
}

main();
