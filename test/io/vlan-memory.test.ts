import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { FoundVlan } from '../../src/authz/vlan-book.ts';
import { VlanMemory } from '../../src/io/vlan-memory.ts';
import type { PortName } from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const FOUND: readonly FoundVlan[] = [
  { port: P1, vlan: 30 },
  { port: P1, vlan: 1, member: { pvid: true, untagged: true } },
  { vlan: 30 },
];

function open(indexes: Readonly<Record<string, number>> = { p1: 7 }) {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-vlans-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const memory = new VlanMemory(join(folder, 'state'), (port) => indexes[port]);
  return { memory, indexes, path: join(folder, 'state/vlans.json') };
}

it('remembers what was found, and nothing when there is nothing', () => {
  const { memory, path } = open();
  expect(memory.read()).toEqual({ ok: true, value: [] });
  expect(memory.write(FOUND).ok).toBe(true);
  expect(memory.read()).toEqual({ ok: true, value: FOUND });
  expect(memory.write([]).ok).toBe(true);
  expect(existsSync(path)).toBe(false);
});

it('knows nothing of a port that was made anew since', () => {
  const indexes: Record<string, number> = { p1: 7 };
  const { memory } = open(indexes);
  memory.write(FOUND);
  indexes.p1 = 8;
  expect(memory.read()).toEqual({ ok: true, value: [{ vlan: 30 }] });
});

it('says what is wrong with a file that is not its own, and with one that cannot be written', () => {
  const { memory, path } = open();
  memory.write(FOUND);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"vlan":30', '"vlan":9999'));
  expect(memory.read()).toEqual({ ok: false, error: expect.stringMatching(/vlans\.json: it is not what/) });
  writeFileSync(path, '{');
  expect(memory.read().ok).toBe(false);
  const nowhere = new VlanMemory(path, () => 1);
  expect(nowhere.write(FOUND)).toEqual({
    ok: false,
    error: expect.stringMatching(/^write .*(ENOTDIR|EEXIST)/),
  });
});
