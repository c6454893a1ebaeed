import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Effect, Input } from '../../src/agent/ports.ts';
import type { KeptVlan } from '../../src/authz/vlan-book.ts';
import { ok } from '../../src/base/result.ts';
import { VlanMemory } from '../../src/io/dataplane/vlan-memory.ts';
import { Shell } from '../../src/io/shell.ts';
import type { PortName, VlanChange } from '../../src/model/dataplane.ts';

const P1 = 'p1' as PortName;
const FOUND: readonly KeptVlan[] = [
  { port: P1, ifindex: 7, vlan: 30 },
  { port: P1, ifindex: 7, vlan: 1, member: { pvid: true, untagged: true } },
  { vlan: 30 },
];

/** In the kernel. */
const indexOf = (name: string): number | undefined => interfaces.get(name);
const interfaces = new Map<string, number>();

beforeEach(() => {
  interfaces.clear();
  interfaces.set('br0', 3);
});

function open(boot = 'this boot') {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-vlans-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const state = join(folder, 'state');
  return { memory: new VlanMemory(state, boot, 'br0', indexOf), state, path: join(state, 'vlans.json') };
}

it('remembers what was found, and nothing when there is nothing', () => {
  const { memory, path } = open();
  expect(memory.read()).toEqual({ ok: true, value: [] });
  expect(memory.write(FOUND).ok).toBe(true);
  expect(memory.read()).toEqual({ ok: true, value: FOUND });
  expect(memory.write([]).ok).toBe(true);
  expect(existsSync(path)).toBe(false);
});

it('knows nothing after a boot of the machine: what ports are then, its network configuration says', () => {
  const { memory, state, path } = open();
  memory.write(FOUND);
  const after = new VlanMemory(state, 'the next boot', 'br0', indexOf);
  expect(after.read()).toEqual({ ok: true, value: [] });
  // Of a program that did not say which boot it was.
  writeFileSync(path, readFileSync(path, 'utf8').replace('"boot":"this boot",', ''));
  expect(after.read()).toEqual({ ok: true, value: FOUND });
  // It is of another boot indeed: the index is another port's.
  interfaces.set('p1', 8);
  expect(after.read()).toEqual({ ok: true, value: [{ vlan: 30 }] });
});

it('knows nothing of a bridge that was made anew; of one that was renamed it does, by the name of now', () => {
  const { memory, state } = open();
  memory.write(FOUND);
  const next = (bridge: string) => new VlanMemory(state, 'this boot', bridge, indexOf);
  interfaces.set('br0', 9);
  expect(next('br0').read()).toEqual({ ok: true, value: [] });
  interfaces.delete('br0');
  expect(next('br0').read()).toEqual({ ok: true, value: [] });
  interfaces.set('lan', 3);
  expect(next('lan').read()).toEqual({ ok: true, value: FOUND });
  expect(next('br0').read('lan')).toEqual({ ok: true, value: FOUND });
  // What is noted while it is away is about the one that was there.
  memory.write(FOUND.slice(0, 2));
  interfaces.set('br0', 3);
  expect(next('br0').read()).toEqual({ ok: true, value: FOUND.slice(0, 2) });
});

it('takes what an agent has written that did not say which bridge it was', () => {
  const { memory, state, path } = open();
  memory.write(FOUND);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"bridge":3,', ''));
  interfaces.set('br0', 9);
  expect(new VlanMemory(state, 'this boot', 'br0', indexOf).read()).toEqual({ ok: true, value: FOUND });
});

it('says what is wrong with a file that is not its own, and with one that cannot be written', () => {
  const { memory, path } = open();
  memory.write(FOUND);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"vlan":30', '"vlan":9999'));
  expect(memory.read()).toEqual({ ok: false, error: expect.stringMatching(/vlans\.json: it is not what/) });
  writeFileSync(path, '{');
  expect(memory.read().ok).toBe(false);
  const nowhere = new VlanMemory(path, 'this boot', 'br0', indexOf);
  expect(nowhere.write(FOUND)).toEqual({
    ok: false,
    error: expect.stringMatching(/^write .*(ENOTDIR|EEXIST)/),
  });
});

/** A shell whose agent wants what it is told to. */
function shellWith(memory: VlanMemory) {
  const heard: Input[] = [];
  const done: (readonly VlanChange[])[] = [];
  let effects: Effect[] = [];
  const agent = {
    handle: (input: Input) => {
      heard.push(input);
      return effects.splice(0);
    },
    pollAt: () => Number.POSITIVE_INFINITY,
  };
  const portauth = {
    setVlans: (changes: readonly VlanChange[]) => ok(void done.push(changes)),
    close() {},
  };
  const shell = new Shell({
    agent,
    portauth,
    vlanMemory: memory,
    log: { log() {} },
  } as unknown as ConstructorParameters<typeof Shell>[0]);
  onTestFinished(() => shell.close());
  const perform = (...some: Effect[]): Input | undefined => {
    effects = some;
    shell.post({ type: 'tick' });
    return heard.at(-1);
  };
  return { perform, done };
}

it('of what one turn wants remembered in a row the last is written, and nothing else', () => {
  const { memory } = open();
  const write = vi.spyOn(memory, 'write');
  const { perform } = shellWith(memory);
  perform({ type: 'remember-vlans', found: FOUND.slice(0, 1) }, { type: 'remember-vlans', found: FOUND });
  expect(write.mock.calls).toEqual([[FOUND]]);
  expect(memory.read()).toEqual({ ok: true, value: FOUND });
});

describe('what cannot be noted', () => {
  const THERE: VlanChange = { port: P1, vlan: 40, member: { pvid: true, untagged: true } };
  const BACK: VlanChange = { port: P1, vlan: 30, member: undefined };
  const MORE: readonly KeptVlan[] = [...FOUND, { port: P1, ifindex: 7, vlan: 40 }];

  /** `FOUND` is on disk, and nothing more can be written until the way is free. */
  function stuck() {
    const { memory, path } = open();
    memory.write(FOUND);
    mkdirSync(`${path}.part`);
    return { memory, path, free: () => rmSync(`${path}.part`, { recursive: true }) };
  }

  it('holds up the way there, not the way back, and is tried again', () => {
    const { memory, free } = stuck();
    expect(memory.write(MORE).ok).toBe(false);
    expect(memory.secure([THERE])).toEqual({
      ok: false,
      error: expect.stringMatching(/^write .*vlans\.json/),
    });
    expect(memory.secure([BACK]).ok).toBe(true);
    free();
    expect(memory.secure([THERE]).ok).toBe(true);
    expect(memory.read()).toEqual({ ok: true, value: MORE });
  });

  it('is not done, and the agent hears why', () => {
    const { memory, free } = stuck();
    const { perform, done } = shellWith(memory);
    const remember: Effect = { type: 'remember-vlans', found: MORE };
    const there: Effect = { type: 'set-vlans', ref: 1, port: P1, changes: [THERE] };
    expect(perform(remember, there)).toMatchObject({
      type: 'done',
      ref: 1,
      error: expect.stringMatching(/vlans\.json/),
    });
    expect(done).toEqual([]);
    expect(perform({ ...there, ref: 2, changes: [BACK] })).toEqual({ type: 'done', ref: 2 });
    free();
    expect(perform({ ...there, ref: 3 })).toEqual({ type: 'done', ref: 3 });
    expect(done).toEqual([[BACK], [THERE]]);
  });
});
