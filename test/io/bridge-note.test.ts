import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { BridgeNote } from '../../src/io/dataplane/bridge-note.ts';
import { interfaceIndex } from '../../src/io/dataplane/interfaces.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'bridge-note-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

function note(stateDir: string, indices: Readonly<Record<string, number>>, boot = 'b1'): BridgeNote {
  return new BridgeNote(stateDir, boot, {
    indexOf: (name) => indices[name],
    bridges: () => Object.keys(indices),
  });
}

test('a bridge is found by the name that it has now', () => {
  const path = folder();
  expect(note(path, { br0: 7 }).keep('br0')).toEqual({ ok: true });
  expect(note(path, { br0: 7, lan: 8 }).calledNow('br0')).toBe('br0');
  expect(note(path, { br0: 8, lan: 7 }).calledNow('br0')).toBe('lan');
  expect(note(path, { br0: 8 }).calledNow('br0')).toBeUndefined();
});

test('of another boot, or of another bridge, it says nothing', () => {
  const path = folder();
  note(path, { br0: 7 }).keep('br0');
  expect(note(path, { lan: 7 }, 'b2').calledNow('br0')).toBeUndefined();
  expect(note(path, { lan: 7 }).calledNow('br1')).toBeUndefined();
});

test('one that is not there is forgotten, and what makes no sense is nothing', () => {
  const path = folder();
  const none = note(path, { lan: 7 });
  expect(none.calledNow('br0')).toBeUndefined();
  note(path, { br0: 7 }).keep('br0');
  expect(none.keep('br0')).toEqual({ ok: true });
  expect(readdirSync(path)).toEqual([]);
  for (const text of ['', 'br0', 'br0 x b1', 'br0  b1', '\0'.repeat(99)]) {
    writeFileSync(join(path, 'bridge'), text);
    expect(none.calledNow('br0')).toBeUndefined();
  }
});

test('another kind of interface that has its ifindex, as in a network namespace that was made anew, is not it', () => {
  const path = folder();
  writeFileSync(join(path, 'bridge'), 'br0 1 b1\n');
  expect(interfaceIndex('lo')).toBe(1);
  expect(new BridgeNote(path, 'b1').calledNow('br0')).toBeUndefined();
});

test('no port that joins a bridge waits for a disk: it is noted later, as it is then', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const path = folder();
  const indices: Record<string, number> = { br0: 7 };
  const results: unknown[] = [];
  note(path, indices).keepLater('br0', (result) => results.push(result));
  expect(readdirSync(path)).toEqual([]);
  indices.br0 = 8;
  vi.advanceTimersByTime(5_000);
  expect(results).toEqual([{ ok: true }]);
  expect(note(path, { lan: 8 }).calledNow('br0')).toBe('lan');
});
