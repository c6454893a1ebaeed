// What a port, or the bridge itself, is in a VLAN, and the kernel's rules of that: one VLAN of untagged frames (PVID) a port.

import type { VlanChange, VlanMember } from '../model/dataplane.ts';

/** Undefined = not in it. */
export type Membership = VlanChange['member'];

/** It puts untagged frames somewhere. */
export function hasOwn(members: readonly VlanMember[]): boolean {
  return members.some(({ pvid }) => pvid);
}

export function rank({ member }: VlanChange): number {
  if (member === undefined) return 2;
  return member.pvid ? 0 : 1;
}

export function sameMember(a: Membership, b: Membership): boolean {
  return a?.pvid === b?.pvid && a?.untagged === b?.untagged;
}

export function sameMembers(a: readonly VlanMember[], b: readonly VlanMember[]): boolean {
  const before = new Map(a.map((member) => [member.vlan, member]));
  return a.length === b.length && b.every((member) => sameMember(member, before.get(member.vlan)));
}

/** It is what none of these is; that another VLAN has taken the PVID does not count. */
export function isGiven(member: NonNullable<Membership>, others: readonly Membership[]): boolean {
  return others.every((other) => member.untagged !== other?.untagged || (member.pvid && !other.pvid));
}

export function applied(members: readonly VlanMember[], { vlan, member }: VlanChange): readonly VlanMember[] {
  const others = members
    .filter((each) => each.vlan !== vlan)
    .map((each) => (member?.pvid && each.pvid ? { ...each, pvid: false } : each));
  // In the kernel's order, so that what was made looks like what is read.
  return member === undefined ? others : [...others, { vlan, ...member }].sort((a, b) => a.vlan - b.vlan);
}
