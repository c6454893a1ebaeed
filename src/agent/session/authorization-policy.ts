// What an authorization asks for that the switch cannot do, and what it asks for in VLANs.

import type { VlanRefusalCode, VlanWish } from '../../authz/vlan-plan.ts';
import { vlansOf } from '../../authz/vlan-plan.ts';
import type { Mac } from '../../base/mac.ts';
import { roleSettings } from '../../config/ports.ts';
import type { Authorization } from '../../model/authorization.ts';
import type { GrantKey, PortName, SessionVlans } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import { type Domain, domainOf } from './host-modes.ts';
import { type RoleSubject, roleFor, unknownRoleOf } from './roles.ts';
import { type Holder, isL2Unit } from './session-unit.ts';

/** Why somebody whom a server accepted does not get in. */
export interface EntryRefusal {
  /** Under which it is counted. */
  readonly code: VlanRefusalCode | 'filter-rule' | 'filter-id' | 'host-mode' | 'vlan-failed' | 'confinement';
  /** For people. */
  readonly message: string;
}

/** RFC 2865 §1.1: an Accept for a service that is not there is to be treated as a Reject; where, and where not, is a setting. */
export function refusedByPolicy(core: Core, authorization: Authorization): EntryRefusal | undefined {
  const { filterRules } = authorization;
  const { authorization: policy } = core.config;
  if (filterRules !== undefined && policy.filterRules === 'refuse') {
    const message = `the server wants ${filterRules.length} filter rules (NAS-Filter-Rule), which cannot be enforced here`;
    return { code: 'filter-rule', message };
  }
  const unknown = unknownRoleOf(core, authorization);
  if (unknown !== undefined && policy.unknownFilterId === 'refuse') {
    const role = JSON.stringify(unknown.role.slice(0, 64));
    return { code: 'filter-id', message: `there is no role ${role} (${unknown.by})` };
  }
  return undefined;
}

export interface Wanted {
  readonly wish: VlanWish;
  readonly domain: Domain;
}

export function wantedOf(core: Core, subject: RoleSubject): Wanted {
  const { authorization, port } = subject;
  const { role } = roleFor(core, subject);
  const { egress } = authorization;
  const domain = domainOf(core, authorization, port, role);
  const vlan =
    authorization.vlan ?? (egress === undefined ? roleSettings(core.config, role).vlan : undefined);
  const untagged = [...(vlan === undefined ? [] : [vlan]), ...(egress?.untagged ?? [])];
  return { wish: { untagged, tagged: egress?.tagged ?? [], voice: domain === 'voice' }, domain };
}

/** Entries that let this client send into these VLANs; the one by which its session is known comes first. */
export function keysOf(mac: Mac, port: PortName, vlans: SessionVlans): readonly GrantKey[] {
  return vlansOf(vlans).map((vlan) => ({ mac, port, vlan }));
}

export function vlanText({ untagged, tagged }: SessionVlans): string {
  const parts = [
    ...(untagged === undefined ? [] : [`VLAN ${untagged}`]),
    ...tagged.map((vlan) => `VLAN ${vlan} tagged`),
  ];
  return parts.join(', ');
}

/** Who is in the way of these VLANs, for people; `stuck`: it is over, and its entry will not go. */
export function takenText(core: Core, wanted: SessionVlans, holder: Holder, state: 'in' | 'stuck'): string {
  const { mac } = isL2Unit(holder) ? holder.session : holder;
  const held = core.parts.vlans.heldBy(holder);
  const has = held === undefined ? 'other VLANs' : vlanText(held);
  const stuck = state === 'stuck' ? ', whose entry cannot be removed' : '';
  return `${vlanText(wanted)} is wanted, and the port is in ${has} for ${mac}${stuck}`;
}
