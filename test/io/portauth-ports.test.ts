import { expect, test } from 'vitest';
import { PortRecords } from '../../src/io/dataplane/portauth-ports.ts';
import type { DataplaneEvent, PortName } from '../../src/model/dataplane.ts';

type Library = ConstructorParameters<typeof PortRecords>[0];

test('ports that have each other’s name are both known by their ifindex', () => {
  const records = new PortRecords({} as Library, {} as never);
  const added = (name: string, index: number): void =>
    records.follow({ type: 'port-added', port: { name, index } } as DataplaneEvent);
  added('p1', 5);
  added('p2', 6);
  added('p1', 6);
  added('p2', 5);
  expect([5, 6].map((index) => records.nameOf(index))).toEqual(['p2', 'p1']);
  records.follow({ type: 'port-gone', name: 'p2' as PortName });
  expect([5, 6].map((index) => records.nameOf(index))).toEqual([undefined, 'p1']);
});
