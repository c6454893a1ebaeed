// What we had changed on ports that are gone: renamed under us, or with the bridge that was. By ifindex, until an interface of that
// index is there again, whatever it is called, or until the bridge is known to have lost it. What it still is as we left it is
// ours to put back; a port that had left the bridge has lost its VLANs with that, and is whatever somebody else has made it.
// Bound: the ports that the bridge had at once; the rounds of reconciliation.ts forget those that are not there.

import type { FoundVlan, KeptVlan } from '../../authz/vlan-book.ts';
import type { PortName, VlanMember } from '../../model/dataplane.ts';

interface Left {
  readonly notes: readonly FoundVlan[];
  /** What it was in; undefined: a change was on its way, and nobody knows. */
  readonly members: readonly VlanMember[] | undefined;
}

export class LeftVlans {
  private readonly ports = new Map<number, Left>();

  keep(ifindex: number, left: Left): void {
    this.ports.set(ifindex, left);
  }

  /** Whoever is among these ports is left no more: what is to be put back there; undefined: none was. */
  back(
    nameOf: (ifindex: number) => PortName | undefined,
    membersOf: (port: PortName) => readonly VlanMember[],
  ): readonly FoundVlan[] | undefined {
    let notes: readonly FoundVlan[] | undefined;
    for (const [ifindex, left] of this.ports) {
      const port = nameOf(ifindex);
      if (port === undefined) continue;
      this.ports.delete(ifindex);
      const own = isAsLeft(left, membersOf(port)) ? left.notes.map((note) => ({ ...note, port })) : [];
      notes = [...(notes ?? []), ...own];
    }
    return notes;
  }

  /** Whether there were others than those that are there. */
  forgetMissing(isThere: (ifindex: number) => boolean): boolean {
    const missing = [...this.ports.keys()].filter((ifindex) => !isThere(ifindex));
    for (const ifindex of missing) this.ports.delete(ifindex);
    return missing.length > 0;
  }

  memory(): readonly KeptVlan[] {
    return [...this.ports].flatMap(([ifindex, { notes }]) => notes.map((note) => ({ ...note, ifindex })));
  }
}

function isAsLeft({ notes, members }: Left, now: readonly VlanMember[]): boolean {
  return members === undefined || notes.every(({ vlan }) => same(of(members, vlan), of(now, vlan)));
}

function of(members: readonly VlanMember[], vlan: VlanMember['vlan']): VlanMember | undefined {
  return members.find((member) => member.vlan === vlan);
}

function same(a: VlanMember | undefined, b: VlanMember | undefined): boolean {
  return a?.pvid === b?.pvid && a?.untagged === b?.untagged;
}
