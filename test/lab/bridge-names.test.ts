// What a name is worth: a bridge or a port that is renamed under the agent, a configuration that names another bridge, two
// bridges whose names differ in punctuation only. No grant is left behind, no port is open for it, and each is told.

import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ping } from '../rigs/lab/client.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { patience } from '../rigs/lab/patience.ts';
import { type LabProcess, until } from '../rigs/lab/process.ts';
import { PASSWORD, Scene } from '../rigs/lab/scene.ts';

const LOCKER = resolve(import.meta.dirname, '../../dist/rollcall-lock');
const USERS = ['alice', 'bob'].map((name) => ({ name, password: PASSWORD }));

const OPEN_FOR_ALL = { ports: { p2: { host_mode: 'multi-host' } } };

let scene: Scene;
let undoings: (() => unknown)[] = [];

beforeEach(async () => {
  scene = await Scene.open({
    ports: 2,
    radius: { users: USERS },
    config: OPEN_FOR_ALL,
  });
  await scene.logIn(scene.client(1), 'alice');
  await scene.logIn(scene.client(2), 'bob');
  await isIn(1);
  await isIn(2);
}, 60_000);

afterEach(async () => {
  for (const undo of undoings.reverse()) await undo();
  undoings = [];
  await scene.close();
});

const isLocked = async (port: string): Promise<boolean> => (await scene.lab.portFlags(port)).locked === true;

/** Of grants, on whatever bridge. */
async function grants(bridge: string): Promise<number> {
  const table = await scene.lab.netns.must(['bridge', 'fdb', 'show', 'br', bridge]);
  return table.split('\n').filter((line) => line.includes('sticky')).length;
}

function isIn(client: number): Promise<boolean> {
  return until(`client ${client} in`, () => ping(scene.client(client), UPLINK_IPV4), patience(90_000));
}

function stopsWith(cause: string, count: number): Promise<boolean> {
  return until(`${count} Stops`, () => {
    const stops = scene.radius.accounting().filter((record) => record['Acct-Status-Type'] === 'Stop');
    return stops.length === count && stops.every((stop) => stop['Acct-Terminate-Cause'] === cause);
  });
}

function locker(file: string): LabProcess {
  const process = scene.lab.netns.start({ name: 'rollcall-lock', argv: [LOCKER, 'run', file] });
  undoings.push(() => process.stop());
  return process;
}

test('a bridge that is renamed: said, everybody out, shut all the while; with its name they are in again', async () => {
  const { netns } = scene.lab;
  expect(await isLocked('p2')).toBe(false);
  await netns.ip('link set br0 name lan');
  await scene.agent.waitForLog(
    /the bridge br0 is called lan now: its ports stay locked, and nobody is let in/,
  );
  await until('the port to be locked', () => isLocked('p2'));
  expect(await isLocked('p1')).toBe(true);
  expect(await grants('lan')).toBe(0);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(false);
  await stopsWith('Port-Error', 2);
  const { stdout } = await scene.agent.cli('status');
  expect(stdout).toMatch(/called lan now/);
  await netns.ip('link set lan name br0');
  await isIn(1);
  expect(await isLocked('p1')).toBe(true);
}, 240_000);

test('a port that is renamed to what is nobody’s: its users are out, and it stays locked', async () => {
  const { netns } = scene.lab;
  await netns.ip('link set p2 name q2');
  await scene.agent.waitForLog(/q2 has come locked, and by the configuration it is none of ours/);
  expect(await isLocked('q2')).toBe(true);
  await stopsWith('Port-Error', 1);
  expect(await grants('br0')).toBe(1);
  expect(await ping(scene.client(2), UPLINK_IPV4)).toBe(false);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(true);
  await netns.ip('link set q2 name p2');
  await isIn(2);
}, 240_000);

test('what is renamed while no agent runs: by the file’s new name all go on; by one of nobody’s all are out, and no port is open', async () => {
  const { agent, lab } = scene;
  const whileNobodyRuns = async (rename: () => Promise<unknown>): Promise<void> => {
    await agent.stop();
    await rename();
    await agent.start();
  };
  await whileNobodyRuns(async () => {
    await lab.netns.ip('link set br0 name lan');
    agent.configure({ ...OPEN_FOR_ALL, switch: { bridge: 'lan' } });
  });
  await agent.waitForLog(/"kept":2,"ended":0,"message":"sessions of an earlier run go on"/);
  expect(await grants('lan')).toBe(2);
  for (const client of [1, 2]) expect(await ping(scene.client(client), UPLINK_IPV4)).toBe(true);

  await until('the port to be open for all again', async () => !(await isLocked('p2')));
  await whileNobodyRuns(() => lab.netns.ip('link set p2 name q2'));
  await agent.waitForLog(/q2 has come locked, and by the configuration it is none of ours/);
  await stopsWith('Port-Error', 1);
  expect(await grants('lan')).toBe(1);
  expect(await isLocked('q2')).toBe(true);
  expect(await ping(scene.client(2), UPLINK_IPV4)).toBe(false);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(true);

  await whileNobodyRuns(() => lab.netns.ip('link set lan name br0'));
  await agent.waitForLog(
    /the bridge lan is called br0 now, and is not ours by that name: 1 grants are taken away there, and its ports stay locked/,
  );
  await stopsWith('Port-Error', 2);
  expect(await grants('br0')).toBe(0);
  expect(await isLocked('p1')).toBe(true);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(false);
}, 240_000);

test('another bridge in the configuration: it takes a restart, which leaves no grant behind and says what stays locked', async () => {
  const { agent, lab } = scene;
  const lockFile = join(agent.stateDir, 'lock.conf');
  const keeper = locker(lockFile);
  await keeper.waitForLine(/the access ports of br0 are shut/);
  await lab.netns.ip('link add br1 type bridge');
  agent.configure({ switch: { bridge: 'br1' } });
  const line = agent.lines.length;
  agent.signal('SIGHUP');
  await agent.waitForLog(/a restart is needed to change switch\.bridge/, { fromLine: line });
  expect(await grants('br0')).toBeGreaterThan(0);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(true);

  await agent.stop();
  // As a package's upgrade or the locker's own start does it: what the agent has left is known all the same.
  await agent.rollcall('check', '--write-lock', '-c', agent.configFile);
  await keeper.waitForLine(/the access ports of br1 are shut/);
  await agent.start();
  await agent.waitForLog(
    /br0 is not our bridge any more: 2 grants are taken away there, and its ports stay locked; `bridge link set dev p1 locked off`, `bridge link set dev p2 /,
  );
  expect(await grants('br0')).toBe(0);
  expect([await isLocked('p1'), await isLocked('p2')]).toEqual([true, true]);
  expect(await ping(scene.client(1), UPLINK_IPV4)).toBe(false);
  await stopsWith('Port-Error', 2);
  const tables = await lab.netns.must(['nft', 'list', 'tables']);
  expect(tables).not.toContain('br0');
  expect(tables).toContain('rollcall_lock_br1');
  // Once is enough: the next start has nothing to leave.
  await lab.netns.must(['bridge', 'link', 'set', 'dev', 'p1', 'locked', 'off']);
  await agent.stop();
  await agent.start();
  expect(await isLocked('p1')).toBe(false);
}, 240_000);

test('two bridges whose names differ in punctuation only have a table each', async () => {
  const { netns } = scene.lab;
  const folder = new LabFolder('names');
  undoings.push(() => folder.remove());
  for (const bridge of ['br-lan', 'br.lan']) {
    writeFileSync(folder.file(bridge), `bridge ${bridge}\nport x*\n`);
    await netns.must([LOCKER, 'load', folder.file(bridge)]);
  }
  expect(existsSync(folder.file('br-lan'))).toBe(true);
  await netns.must([LOCKER, 'clear', folder.file('br.lan')]);
  const tables = await netns.must(['nft', 'list', 'tables']);
  expect(tables).toContain('rollcall_lock_br-lan');
  expect(tables).not.toContain('rollcall_lock_br.lan');
}, 60_000);
