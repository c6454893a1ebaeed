// One port at line rate, beside users who must not notice: every kind of flood that a client can make, on the real bridge.
// What is bounded is in docs/floods.md; this is where it is shown.

import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_LIMITS, RESPONSES_BURST } from '../../src/pae/limits.ts';
import { canReach } from '../rigs/lab/client.ts';
import { Flooders, type FloodOptions, forgetPeak, loginMs, median, residentMb } from '../rigs/lab/flood.ts';
import { anyFrame, arpRequest, eapolLogoff, eapolStart } from '../rigs/lab/frames.ts';
import { hubBehind } from '../rigs/lab/hub.ts';
import { SWITCH_MAC, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';

const NAMES = ['alice', 'bob', 'carol', 'dave'];
const ANY_MAC = '02:00:00:00:00:00';
/** Logins of each kind of flood, each after one in quiet. */
const PAIRS = 1;
/** What the agent may take beyond what it had before the first flood, in MiB, at its peak and over all of them. */
const MEMORY_MB = 48;
/** MQTT messages and log lines for each login that the test itself makes, and for the flood. */
const TOLD_PER_LOGIN = 15;
const TOLD_OF_FLOOD = 40;

/** EAPOL with this EAP packet. */
function eap(mac: string, packet: string): string {
  const length = (packet.length / 2).toString(16).padStart(4, '0');
  return `0180c2000003${mac.replaceAll(':', '')}888e0200${length}${packet}`.padEnd(120, '0');
}

/** IPv4 with UDP and its payload, without a UDP checksum; addresses and ports in hexadecimal. */
function ipv4Udp(options: {
  readonly source: string;
  readonly target: string;
  readonly ports: string;
  readonly payload: string;
}): string {
  const { source, target, ports, payload } = options;
  const length = (extra: number): string => (payload.length / 2 + extra).toString(16).padStart(4, '0');
  const header = `4500${length(28)}0000000040110000${source}${target}`;
  const words = header.match(/.{4}/g) ?? [];
  let sum = words.reduce((total, word) => total + Number.parseInt(word, 16), 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  const checksum = (~sum & 0xffff).toString(16).padStart(4, '0');
  return `${header.slice(0, 20)}${checksum}${header.slice(24)}${ports}${length(8)}0000${payload}`;
}

/** As DHCP clients (1), or servers (2), send it. */
function dhcp(op: number, ports: string): string {
  const message = `0${op}01060012345678${'0'.repeat(40)}${'020000000000'.padEnd(32, '0')}${'0'.repeat(384)}`;
  const options = `63825363${op === 1 ? '350101' : '350102'}ff`;
  const payload = message + options;
  return `ffffffffffff0200000000000800${ipv4Udp({ source: '00000000', target: 'ffffffff', ports, payload })}`;
}

/** Of neighbour solicitations: the checksum is wrong, which is found out after everything else was looked at. */
const ND = `3333ff000001020000000000${'86dd'}6000000000203aff${'fe80'.padEnd(32, '1')}${'ff02'.padEnd(24, '0')}00010000${'8700beef00000000'}${'fe80'.padEnd(32, '2')}0101020000000000`;

interface Kind extends FloodOptions {
  readonly name: string;
  /** Of which something must have been counted. */
  readonly counted: RegExp;
}

describe('one port at line rate', () => {
  let scene: Scene;
  let flooders: Flooders;
  let commuter: Supplicant;
  let resident = 0;
  const quiet: number[] = [];
  const loud: number[] = [];

  beforeAll(async () => {
    flooders = new Flooders();
    scene = await Scene.open({
      ports: 6,
      radius: { users: NAMES.map((name) => ({ name, password: PASSWORD })) },
      config: {
        ports: { p6: { mab: { enabled: true, delay_s: 3600 } } },
        roles: { default: { handshake: { period_s: 5 } } },
        dot1x: { supp_timeout_s: 1, tx_period_s: 5, quiet_period_s: 2 },
      },
    });
    commuter = await scene.logIn(scene.client(1), 'alice');
    await scene.logIn(scene.client(3), 'bob');
    // Its address is known, so that it can be probed.
    expect(await canReach(scene.client(3), UPLINK_IPV4)).toBe(true);
    await loginMs(commuter);
    resident = residentMb(scene.agent.pid).now;
    forgetPeak(scene.agent.pid);
  }, 60_000);
  afterAll(async () => {
    await scene?.close();
    flooders?.remove();
  });

  const victim = (): { readonly mac: string; readonly ipv4: string } => scene.client(3);
  const kinds: readonly (readonly [string, () => Omit<Kind, 'name'>])[] = [
    [
      'EAPOL-Starts of random MACs',
      () => ({ frames: [eapolStart(ANY_MAC)], counted: /port-flooded|eapol-too-many-newcomers/ }),
    ],
    [
      'Identities of random MACs',
      () => ({ frames: [eap(ANY_MAC, '0201000a01616161616161')], counted: /port-flooded|eap-unsolicited/ }),
    ],
    [
      'EAPOL-Starts with the MAC of a session',
      () => ({
        frames: [eapolStart(victim().mac)],
        macs: 'fixed',
        counted: /-flooded|mac-of-session-elsewhere/,
      }),
    ],
    [
      'EAPOL-Logoffs with the MAC of a session',
      () => ({
        frames: [eapolLogoff(victim().mac)],
        macs: 'fixed',
        counted: /-flooded|mac-of-session-elsewhere/,
      }),
    ],
    [
      'EAP frames that promise 64 kB',
      () => ({
        frames: [eap(ANY_MAC, `0201ffff0dc00000ffff${'16'.repeat(1400)}`)],
        counted: /eapol-|eap-|port-flooded/,
      }),
    ],
    [
      'frames of a VLAN that there cannot be',
      () => ({
        frames: [`0180c20000030200000000008100${'0fff888e02010000'.padEnd(92, '0')}`],
        counted: /port-flooded|ethernet-vlan/,
      }),
    ],
    [
      'ARP of random MACs and addresses',
      () => ({
        frames: [`${arpRequest({ mac: ANY_MAC, senderIp: '10.99.0.1', targetIp: '10.99.0.1' })}:m22:a28`],
        counted: /port-flooded|eapol-too-many-newcomers/,
      }),
    ],
    [
      'ARP that claims the address of a session',
      () => ({
        frames: [`${arpRequest({ mac: ANY_MAC, senderIp: victim().ipv4, targetIp: victim().ipv4 })}:m22`],
        counted: /port-flooded|eapol-too-many-newcomers/,
      }),
    ],
    [
      'neighbour solicitations of random MACs',
      () => ({ frames: [`${ND}:m80:a64`], counted: /port-flooded|nd-/ }),
    ],
    [
      'DHCP of clients and of servers',
      () => ({
        frames: [`${dhcp(1, '00440043')}:m70:a46`, `${dhcp(2, '00430044')}:m70:a46`],
        counted: /port-flooded|dhcp-untrusted-server/,
      }),
    ],
  ];

  it.each(kinds)(
    '%s',
    async (name, kind) => {
      const { counted, ...options } = kind();
      const villain = scene.client(2);
      const { pid } = scene.agent;
      const before = await scene.drops();
      const session = await scene.session(victim());
      const lines = scene.agent.lines.length;
      const messages = scene.upstream.messages.length;
      const times: { readonly quiet: number; readonly loud: number }[] = [];
      let sent = 0;
      let took = 0;
      for (let pair = 0; pair < PAIRS; pair++) {
        const inQuiet = await loginMs(commuter);
        const flood = await flooders.start(villain, options);
        await sleep(150);
        const inFlood = await loginMs(commuter);
        const { sent: frames, seconds } = await flood.stop();
        times.push({ quiet: inQuiet, loud: inFlood });
        sent += frames;
        took += seconds;
      }
      quiet.push(...times.map((time) => time.quiet));
      loud.push(...times.map((time) => time.loud));
      const { peak } = residentMb(pid);
      const ms = (values: readonly number[]): string => values.map((value) => value.toFixed(1)).join(' ');
      process.stdout.write(
        `${name}: ${Math.round(sent / took)} frames/s; login in quiet ${ms(times.map((t) => t.quiet))} ms, beside it ${ms(times.map((t) => t.loud))} ms; ${resident.toFixed(0)} MiB at first, at most ${peak.toFixed(0)}\n`,
      );

      expect(sent / took).toBeGreaterThan(5_000);
      const after = await scene.drops();
      const grown = Object.keys(after).filter((key) => (after[key] ?? 0) > (before[key] ?? 0));
      expect(grown.filter((key) => counted.test(key))).not.toEqual([]);
      expect(peak - resident).toBeLessThan(MEMORY_MB);
      const bound = 2 * PAIRS * TOLD_PER_LOGIN + TOLD_OF_FLOOD;
      expect(scene.agent.lines.length - lines).toBeLessThan(bound);
      expect(scene.upstream.messages.length - messages).toBeLessThan(bound);
      // The victim of borrowed MACs and addresses, and everybody else, is where they were.
      expect((await scene.session(victim()))?.session_id).toBe(session?.session_id);
      expect(scene.ends(victim())).toEqual([]);
      expect(await scene.lab.fdb(victim().mac)).toMatchObject([{ ifname: 'p3', state: 'static' }]);
      expect((await scene.lab.fdb()).filter(({ ifname }) => ifname === villain.port)).toEqual([]);
    },
    60_000,
  );

  it('told upstream once, and that is the end of it', () => {
    const told = scene.events('warning').filter(({ code }) => code === 'port-flooded');
    expect(told).toMatchObject([{ port: 'p2' }]);
  });

  it('a MAC that jumps between two ports at line rate: nobody is in, nothing grows, and no session of it moves', async () => {
    const [villain, other] = [scene.client(2), scene.client(4)];
    const session = await scene.session(victim());
    const before = await scene.drops();
    const lines = scene.agent.lines.length;
    const entries = (await scene.lab.fdb()).length;
    const jumping = [arpRequest({ mac: '02:77:00:00:00:01', senderIp: '10.99.0.77', targetIp: '10.99.0.1' })];
    const borrowed = [arpRequest({ mac: victim().mac, senderIp: victim().ipv4, targetIp: '10.99.0.1' })];
    const frames = [...jumping, ...borrowed];
    const both = await Promise.all(
      [villain, other].map((at) => flooders.start(at, { frames, macs: 'fixed' })),
    );
    await sleep(1_000);
    await Promise.all(both.map((flood) => flood.stop()));
    expect((await scene.session(victim()))?.session_id).toBe(session?.session_id);
    expect(scene.ends(victim())).toEqual([]);
    expect(await scene.lab.fdb(victim().mac)).toMatchObject([{ ifname: 'p3', state: 'static' }]);
    expect((await scene.lab.fdb()).length).toBe(entries);
    expect((await scene.drops())['mac-of-session-elsewhere']).toBeGreaterThan(
      before['mac-of-session-elsewhere'] ?? 0,
    );
    expect(scene.agent.lines.length - lines).toBeLessThan(TOLD_OF_FLOOD);
  });

  describe('in EAP itself', () => {
    interface Attack {
      readonly requests: number;
      readonly responses: number;
      readonly failures: number;
    }

    const attack = async (how: string, macs: number, seconds: number): Promise<Attack> => {
      const argv = ['python3', path.resolve(import.meta.dirname, '../rigs/lab/eap-attacker.py')];
      return JSON.parse(await scene.client(4).netns.must([...argv, how, `${macs}`, `${seconds}`]));
    };

    /** Beside an attack of a few seconds; what the attack came to. */
    const beside = async (how: string, macs: number, seconds: number): Promise<Attack> => {
      const { pid } = scene.agent;
      const lines = scene.agent.lines.length;
      const inQuiet = [await loginMs(commuter), await loginMs(commuter)];
      const attacking = attack(how, macs, seconds);
      await sleep(500);
      const inFlood = [await loginMs(commuter), await loginMs(commuter)];
      const told = await attacking;
      quiet.push(...inQuiet);
      loud.push(...inFlood);
      process.stdout.write(
        `${how}, ${macs} MACs: ${JSON.stringify(told)}; login in quiet ${median(inQuiet).toFixed(1)} ms, beside it ${median(inFlood).toFixed(1)} ms\n`,
      );
      expect(residentMb(pid).peak - resident).toBeLessThan(MEMORY_MB);
      // Of a client that fails there is a line each time.
      expect(scene.agent.lines.length - lines).toBeLessThan(4 * TOLD_PER_LOGIN + TOLD_OF_FLOOD + 3 * macs);
      return told;
    };

    it('a message of 64 kB in fragments that never ends: given up, and no more than so many questions to the server', async () => {
      const before = await scene.drops();
      const told = await beside('fragments', 4, 4);
      const { responsesPerSecond } = CLIENT_LIMITS;
      expect(told.responses).toBeGreaterThan(4);
      const asked = told.requests;
      expect(asked).toBeLessThan(4 * (RESPONSES_BURST + 5 * responsesPerSecond));
      const after = await scene.drops();
      const grown = Object.keys(after).filter((key) => (after[key] ?? 0) > (before[key] ?? 0));
      process.stdout.write(`counted: ${grown.join(' ')}\n`);
      expect(await scene.sessions()).toHaveLength(2);
    });

    it('300 clients that stay half-open: a bounded number is kept, and the servers are asked at a bounded rate', async () => {
      const told = await beside('half-open', 300, 3);
      const { clientsInProgress, newBurst, newPerSecond } = CLIENT_LIMITS;
      // Request/Identity to all of them; more to those alone who were let in.
      expect(told.responses).toBeLessThanOrEqual(300 + clientsInProgress + newBurst + 5 * newPerSecond);
      const port = await scene.port('p4');
      const counters = port?.counters as Readonly<Record<string, number>>;
      expect(counters['eapol-port-unavailable']).toBeGreaterThan(100);
    });

    it('60 clients that answer at the last moment: they wait, others do not', async () => {
      await beside('late', 60, 4);
    });
  });

  describe('a hub', () => {
    it('a neighbour who borrows the MAC behind the same port: the standard lets it log the user off, once', async () => {
      const hub = await hubBehind(scene.client(5), 2);
      scene.atClose(() => hub.close());
      const [user, neighbour] = hub.hosts;
      if (user === undefined || neighbour === undefined) throw new Error('two hosts');
      const supplicant = await scene.logIn(user, 'carol');
      const flood = await flooders.start(neighbour, { frames: [eapolLogoff(user.mac)], macs: 'fixed' });
      await scene.waitForEvent('session-end', { mac: user.mac, cause: 'supplicant-logoff' });
      await sleep(500);
      await flood.stop();
      expect(scene.ends(user)).toHaveLength(1);
      expect(await scene.lab.fdb(user.mac)).toEqual([]);
      await sleep(500);
      await supplicant.logoff();
      await supplicant.logon();
      await until('the user to be back', async () => (await scene.session(user)) !== undefined, 15_000);
    });

    it('a neighbour who floods with random MACs: who is in stays, and can still prove itself', async () => {
      const hub = await hubBehind(scene.client(4), 2);
      scene.atClose(() => hub.close());
      const [user, neighbour] = hub.hosts;
      if (user === undefined || neighbour === undefined) throw new Error('two hosts');
      const supplicant = await scene.logIn(user, 'dave');
      const session = await scene.session(user);
      const flood = await flooders.start(neighbour, { frames: [eapolStart(ANY_MAC)] });
      await sleep(1_000);
      const from = supplicant.output.length;
      await scene.ask('reauth', user.mac);
      await until(
        'a new success',
        () => supplicant.output.slice(from).includes('CTRL-EVENT-EAP-SUCCESS'),
        8_000,
      );
      await flood.stop();
      expect((await scene.session(user))?.session_id).toBe(session?.session_id);
    });
  });

  describe('of those who ask the agent itself', () => {
    /** From the uplink's far end, to this port of the switch. */
    const udp = (port: number): string => {
      const payload = '2801002c'.padEnd(88, '5');
      return ipv4Udp({
        source: '0a6300fe',
        target: '0a630001',
        ports: `9999${port.toString(16).padStart(4, '0')}`,
        payload,
      });
    };

    it('datagrams to the ports of dynamic authorization: not an answer, each counted, and a login takes its time', async () => {
      const before = await scene.drops();
      const frames = [`${SWITCH_MAC.replaceAll(':', '')}0200000000010800${udp(3799)}`];
      for (let pair = 0; pair < PAIRS; pair++) {
        quiet.push(await loginMs(commuter));
        const flood = await flooders.start({ netns: scene.lab.uplink }, { frames, macs: 'fixed' });
        await sleep(300);
        loud.push(await loginMs(commuter));
        const { sent, seconds } = await flood.stop();
        process.stdout.write(
          `${Math.round(sent / seconds)} datagrams/s: login in quiet ${quiet.at(-1)?.toFixed(1)} ms, beside them ${loud.at(-1)?.toFixed(1)} ms\n`,
        );
      }
      expect((await scene.drops())['dynauth-client']).toBeGreaterThan(
        (before['dynauth-client'] ?? 0) + 1_000,
      );
      expect(scene.agent.lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    });

    it('queries by the broker and on the control socket, thousands at once', async () => {
      const { pid } = scene.agent;
      const payloads = Array.from({ length: 2_000 }, (_, n) => JSON.stringify({ id: `q${n}` }));
      const asking = scene.broker.publishAll(`${TOPIC_BASE}/query/sessions`, payloads);
      const socket = scene.lab.netns.must(['python3', '-c', ASKER, scene.agent.socket, '2000']);
      const ms = await loginMs(commuter);
      await asking;
      const answers = Number(await socket);
      process.stdout.write(`login beside 4,000 queries: ${ms.toFixed(1)} ms\n`);
      expect(answers).toBe(2_000);
      expect(residentMb(pid).peak - resident).toBeLessThan(MEMORY_MB);
      expect(ms).toBeLessThan(2_000);
    });
  });

  it('random MACs of any frames on a port with MAB: the kernel keeps none of them', async () => {
    quiet.push(await loginMs(commuter));
    const flood = await flooders.start(scene.client(6), { frames: [anyFrame(ANY_MAC)] });
    await scene.waitForEvent('warning', { code: 'mab-flooded', port: 'p6' });
    const entries = async (): Promise<number> =>
      (await scene.lab.fdb()).filter(({ ifname }) => ifname === 'p6').length;
    await until('an end of the entries, while the flood goes on', async () => (await entries()) === 0);
    loud.push(await loginMs(commuter));
    await flood.stop();
    expect(await entries()).toBe(0);
    expect((await scene.drops())['mab-flooded']).toBeGreaterThan(0);
  });

  it('a login on another port takes at most twice its time in quiet, over all of them', async () => {
    // A machine that is busy with other things makes some logins ten times longer than others: then once as many more, and all count.
    const more = median(loud) < 2 * median(quiet) ? 0 : quiet.length;
    for (let pair = 0; pair < more; pair++) {
      quiet.push(await loginMs(commuter));
      const flood = await flooders.start(scene.client(2), { frames: [eapolStart(ANY_MAC)] });
      loud.push(await loginMs(commuter));
      await flood.stop();
    }
    process.stdout.write(
      `medians: ${median(quiet).toFixed(1)} ms in quiet, ${median(loud).toFixed(1)} ms beside a flood\n`,
    );
    expect(loud.length).toBeGreaterThan(kinds.length * PAIRS);
    expect(median(loud)).toBeLessThan(2 * median(quiet));
    expect(scene.agent.lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  }, 240_000);
});

/** Many questions in one write, on one connection; how many answers came. */
const ASKER = `import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
count = int(sys.argv[2])
s.sendall(b'{"verb":"sessions"}\\n' * count)
print(sum(1 for _, line in zip(range(count), s.makefile('rb'))))`;
