// The marks of ports that were taken down: on disk before the link goes, and read again by whoever comes after us.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { HeldPorts } from '../../src/io/dataplane/held-ports.ts';
import type { PortName } from '../../src/model/dataplane.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-held-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const [p1, p2] = ['p1', 'p2'] as unknown as readonly [PortName, PortName];
const marks = () => [...new HeldPorts(join(folder, 'state', 'held.json')).all()];

it('what is added is there for the next one, what is removed is not', () => {
  const held = new HeldPorts(join(folder, 'state', 'held.json'));
  expect(marks()).toEqual([]);
  expect(
    held.add([
      { port: p1, kind: 'bounce' },
      { port: p2, kind: 'disable' },
    ]),
  ).toMatchObject({ ok: true });
  expect(marks()).toEqual([
    ['p1', 'bounce'],
    ['p2', 'disable'],
  ]);
  expect(held.remove([p1])).toMatchObject({ ok: true });
  expect(marks()).toEqual([['p2', 'disable']]);
});

it('a file that makes no sense says nothing', () => {
  const path = join(folder, 'held.json');
  for (const text of ['', '{"p1":', '[]', 'null', '{"p1":"melted","p2":"bounce"}']) {
    writeFileSync(path, text);
    expect([...new HeldPorts(path).all().keys()]).toEqual(text.includes('p2') ? ['p2'] : []);
  }
});

it('says why it cannot write, and the port is then not taken down', () => {
  writeFileSync(join(folder, 'state'), 'a file where the folder should be');
  const held = new HeldPorts(join(folder, 'state', 'held.json'));
  const added = held.add([{ port: p1, kind: 'bounce' }]);
  expect(added.ok ? '' : added.error).toMatch(/EEXIST|ENOTDIR/);
});
