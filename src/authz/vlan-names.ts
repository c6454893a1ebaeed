// Readings and notes of VLANs speak of ports by ifindex, the book by name: what a port is called now.

import type { PortName, VlanMap, VlanMember, VlanReading } from '../model/dataplane.ts';
import type { FoundVlan, KeptVlan } from './vlan-book.ts';

/**
 * With its ports by name: those that are known by their ifindex. A reading has what is in some VLAN, so one that it has not is in none; one
 * that is not known yet is left out, and the bridge is read again when it is.
 */
export function named(
  { ports, ...about }: VlanReading,
  known: Iterable<readonly [ifindex: number, name: PortName]>,
): VlanMap {
  const byName = new Map<PortName, readonly VlanMember[]>();
  for (const [ifindex, name] of known) byName.set(name, ports.get(ifindex) ?? []);
  return { ...about, ports: byName };
}

/** Notes by what ports are called now; one that is not there any more was made anew, and has nothing of it. */
export function ofPorts(
  notes: readonly KeptVlan[],
  nameOf: (ifindex: number) => PortName | undefined,
): readonly FoundVlan[] {
  return notes.flatMap(({ ifindex, port: before, ...note }): FoundVlan[] => {
    const port = ifindex === undefined ? undefined : nameOf(ifindex);
    if (port === undefined) return before === undefined ? [note] : [];
    return [{ ...note, port }];
  });
}
