// VLANs that an earlier run had set on a bridge that is not ours any more, on the simulated switch inside the real library.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { putVlansBack } from '../../src/io/dataplane/former-bridge.ts';
import { PortAuth } from '../../src/io/dataplane/portauth.ts';
import { VlanMemory } from '../../src/io/dataplane/vlan-memory.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { Simulator } from '../rigs/simulator.ts';

const NATIVE = join(import.meta.dirname, '../../native');
const IN_1 = { pvid: true, untagged: true };
const P1 = 'p1' as PortName;

beforeAll(() => {
  execFileSync('make', ['-s', '-C', NATIVE], { stdio: 'pipe' });
});

it('they go back, of a port by another name and of the bridge itself; the bridge of now hears nothing of them', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'rollcall-former-'));
  onTestFinished(() => rmSync(stateDir, { recursive: true, force: true }));
  const opened = PortAuth.open({ library: join(NATIVE, 'build/libportauth.so'), spec: 'sim:br0,p1,p2' });
  if (!opened.ok) throw new Error(opened.error);
  const portauth = opened.value;
  onTestFinished(() => portauth.close());
  new Simulator(portauth).setVlanFiltering(true);
  const before = portauth.vlans();
  const done = portauth.setVlans([
    { port: P1, vlan: 30, member: IN_1 },
    { port: P1, vlan: 1, member: undefined },
    { port: undefined, vlan: 30, member: { pvid: false, untagged: false } },
  ]);
  expect(done.ok).toBe(true);
  const ifindex = portauth.ports().find(({ name }) => name === P1)?.index ?? Number.NaN;
  const memory = new VlanMemory(stateDir, 'this boot', 'br1', () => 3);
  const called = 'p9' as PortName;
  memory.write([
    { port: called, ifindex, vlan: 30 },
    { port: called, ifindex, vlan: 1, member: IN_1 },
    { port: 'p2' as PortName, ifindex: 999, vlan: 1 },
    { vlan: 30 },
  ]);
  expect(putVlansBack(portauth, 'br0', memory).ok).toBe(true);
  expect(portauth.vlans()).toEqual(before);
  expect(memory.read()).toEqual({ ok: true, value: [] });
});
