// Nobody passes before the agent: frames are flooded into the ports from before there is a bridge, and what comes out of the uplink
// is counted. rollcall-lock as it is shipped, on the lab's bridge.

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import {
  giveAddress,
  LabSwitch,
  type Netns,
  SWITCH_IPV4,
  SWITCH_IPV6,
  SWITCH_MAC,
} from '../rigs/lab/netns.ts';
import { patience } from '../rigs/lab/patience.ts';
import { type LabProcess, must, sleep, until } from '../rigs/lab/process.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const NATIVE = resolve(import.meta.dirname, '../../native');
const LOCKER = resolve(import.meta.dirname, '../../dist/rollcall-lock');
const FLOOD = join(NATIVE, 'build/flood');
const USER = { name: 'u1', password: 'wonder' };
/** A lock, its proof, and what of it nftables does. */
const LOCKED_WITHIN_MS = 3000;
const LONG_S = 300;

/** p3 is nobody's: its frames pass, and show that the others would have been heard. */
const CONFIG = {
  ports: { p3: { control: 'off' } },
  roles: { default: { handshake: { period_s: 0 } } },
};

let undoings: (() => unknown)[] = [];
let lab: LabSwitch;

beforeEach(async () => {
  await must(['make', '-s', '-C', NATIVE, 'build/flood']);
  lab = closing(await LabSwitch.create({ ports: 3 }));
  await lab.netns.ip('link del br0');
});

afterEach(async () => {
  for (const undo of undoings.reverse()) await undo();
  undoings = [];
});

function closing<T extends { close(): unknown }>(part: T): T {
  undoings.push(() => part.close());
  return part;
}

function stopping(process: LabProcess): LabProcess {
  undoings.push(() => process.stop());
  return process;
}

/** It has run once, so that there is a lock file, and does not run. */
async function agentOfBefore(): Promise<{ readonly agent: Agent; readonly lockFile: string }> {
  const agent = closing(await Agent.start(lab.netns, CONFIG));
  await agent.stop();
  return { agent, lockFile: join(agent.stateDir, 'lock.conf') };
}

async function makeBridge(): Promise<void> {
  const { netns } = lab;
  await netns.ip(
    `link add br0 address ${SWITCH_MAC} type bridge forward_delay 0 stp_state 0 mcast_snooping 0`,
  );
  await netns.ip('link set br0 up');
  for (const port of ['up0', 'p1', 'p2', 'p3']) await netns.ip(`link set ${port} master br0`);
}

function locks(port: string): Promise<boolean> {
  const isLocked = async (): Promise<boolean> => (await lab.portFlags(port)).locked === true;
  return until(`${port} to be locked`, async () => (await isLocked()) || null, patience(LOCKED_WITHIN_MS));
}

/** 4,000 frames a second, from as many MACs or from this one. */
function flood(netns: Netns, mac: string, count: number): void {
  stopping(
    netns.start({ name: `flood ${mac}`, argv: [FLOOD, 'eth0', `${count}`, `${LONG_S}`, mac, '4000'] }),
  );
}

/** From every client: strangers' frames, and from the first its own. */
function floodAll(): void {
  flood(lab.client(1).netns, '02:f1:00:00:00:00', 1000);
  flood(lab.client(1).netns, lab.client(1).mac, 1);
  flood(lab.client(2).netns, '02:f2:00:00:00:00', 1000);
  flood(lab.client(3).netns, '02:f3:00:00:00:00', 10);
}

/** What comes out of the uplink: of the flood, and not of the port that is nobody's. */
async function witness(butOf?: string): Promise<Sniffer> {
  const but = butOf === undefined ? '' : ` and not ether src ${butOf}`;
  const filter = `ether proto 0x88b5 and not ether[6:4] = 0x02f30000${but}`;
  return closing(await Sniffer.start(lab.uplink, { filter }));
}

async function heard(sniffer: Sniffer): Promise<number> {
  await sniffer.stop();
  return sniffer.count('frame');
}

/** So many of the open port's frames came by. */
async function control(): Promise<number> {
  const sniffer = closing(await Sniffer.start(lab.uplink, { filter: 'ether[6:4] = 0x02f30000' }));
  await sleep(1000);
  return heard(sniffer);
}

function locker(file: string): LabProcess {
  return stopping(lab.netns.start({ name: 'rollcall-lock', argv: [LOCKER, 'run', file] }));
}

test('from before the bridge until the agent has let one in: no frame of anybody else passes, over a crash too', async () => {
  const { agent, lockFile } = await agentOfBefore();
  floodAll();
  const before = await witness();
  await lab.netns.must([LOCKER, 'load', lockFile]);
  await makeBridge();
  await sleep(1000);
  const keeper = locker(lockFile);
  await locks('p1');
  await locks('p2');
  await keeper.waitForLine(/p2 is locked/);
  await giveAddress(lab.netns, 'br0', { ipv4: SWITCH_IPV4, ipv6: SWITCH_IPV6 });
  closing(await FreeRadius.start(lab.netns, { users: [USER] }));
  await agent.start();
  expect(await control()).toBeGreaterThan(100);
  expect(await heard(before)).toBe(0);

  const during = await witness(lab.client(1).mac);
  const supplicant = closing(
    await Supplicant.start(lab.client(1), {
      method: 'MD5',
      identity: USER.name,
      password: USER.password,
    }),
  );
  await supplicant.waitFor('authorized', patience(30_000));
  const own = closing(await Sniffer.start(lab.uplink, { filter: `ether src ${lab.client(1).mac}` }));
  await sleep(500);
  expect(await heard(own)).toBeGreaterThan(100);

  await agent.kill();
  await sleep(500);
  await rejoin('p2', 5);
  await agent.start();
  await rejoin('p2', 5);
  await locks('p2');
  expect(await heard(during)).toBe(0);
}, 240_000);

/** It leaves the bridge and comes back: not in one breath, which the locker may be too late for (docs/boot.md). */
async function rejoin(port: string, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await lab.netns.ip(`link set ${port} nomaster`);
    await sleep(200);
    await lab.netns.ip(`link set ${port} master br0`);
    await sleep(200);
  }
}

test('the bridge is made anew, the packet filter is emptied, the locker is killed: still nobody', async () => {
  const { lockFile } = await agentOfBefore();
  floodAll();
  const all = await witness();
  await lab.netns.must([LOCKER, 'load', lockFile]);
  const keeper = locker(lockFile);
  await makeBridge();
  await locks('p2');
  await lab.netns.ip('link del br0');
  await makeBridge();
  await locks('p2');
  await keeper.waitForLine(/p2 is locked/);
  await lab.netns.must(['nft', 'flush', 'ruleset']);
  await keeper.waitForLine(/it is made anew/);
  await until(
    'the table to be there',
    async () => (await lab.netns.must(['nft', 'list', 'ruleset'])).includes('"p2"') || null,
    patience(2000),
  );
  // Without the locker a port that has not been there before stays shut.
  await lab.netns.ip('link set p2 nomaster');
  await keeper.waitForLine(/p2 has left/);
  keeper.signal('SIGKILL');
  await keeper.exited;
  await lab.netns.ip('link set p2 master br0');
  await sleep(1000);
  expect((await lab.portFlags('p2')).locked).toBe(false);
  expect(await control()).toBeGreaterThan(100);
  expect(await heard(all)).toBe(0);
  locker(lockFile);
  await locks('p2');
}, 120_000);

test('another lock file is followed; without one nothing is locked; cleared is gone', async () => {
  const { agent, lockFile } = await agentOfBefore();
  const first = locker(lockFile);
  await makeBridge();
  await locks('p1');
  await first.stop();
  // It may have left and come back meanwhile.
  await lab.netns.must(['bridge', 'link', 'set', 'dev', 'p1', 'locked', 'off']);
  const second = locker(lockFile);
  await locks('p1');
  writeFileSync(lockFile, 'bridge br0\nuplink up0\nport p*\nport p2 off\n');
  await lab.netns.ip('link set p2 nomaster');
  await sleep(1500);
  await lab.netns.ip('link set p2 master br0');
  await sleep(500);
  expect((await lab.portFlags('p2')).locked).toBe(false);
  await second.stop();
  await lab.netns.must([LOCKER, 'clear', lockFile]);
  expect(await lab.netns.must(['nft', 'list', 'tables'])).not.toMatch(/rollcall_lock/);
  // By hand, with a table and without one.
  for (const verb of ['load', 'clear']) {
    await lab.netns.must([LOCKER, verb, lockFile]);
    await lab.netns.must(['bridge', 'link', 'set', 'dev', 'p1', 'locked', 'on']);
    const opened = await lab.netns.run([LOCKER, 'open', lockFile, 'p1', 'p9']);
    expect(opened.stderr).toBe('p1 is open, for everybody\np9 is no port of br0\n');
    expect(opened.code).toBe(1);
    expect((await lab.portFlags('p1')).locked).toBe(false);
    const ruleset = await lab.netns.must(['nft', 'list', 'ruleset']);
    expect(ruleset.includes('"p1"')).toBe(verb === 'load');
  }
  expect((await lab.netns.run([LOCKER, 'open', '/none', 'p1'])).code).toBe(1);
  const none = locker(join(agent.stateDir, 'none.conf'));
  await none.waitForLine(/nothing is locked until there is one/);
  expect((await lab.netns.run([LOCKER, 'load', '/none'])).code).toBe(0);
  expect((await lab.netns.run([LOCKER])).code).toBe(2);
}, 60_000);
