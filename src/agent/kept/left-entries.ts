// What an earlier run has left in the table, of the clients that it knew: grants, on whatever port they stand. By the port's
// ifindex, since its name may be another one by now.

import { type Mac, macToNumber } from '../../base/mac.ts';
import type { VlanId } from '../../model/dataplane.ts';
import type { KeptStation } from '../../model/kept.ts';
import { forEachEntry, isGrant } from '../../wire/fdb-table.ts';
import { keysOf } from '../session/authorization-policy.ts';

interface LeftEntry {
  readonly ifindex: number;
  readonly vlan: VlanId;
  /** Since it was last heard. */
  readonly idleMs: number;
}

export class LeftEntries {
  private readonly ofMac = new Map<number, LeftEntry[]>();

  constructor(macs: Iterable<Mac>, records: Uint8Array) {
    for (const mac of macs) this.ofMac.set(macToNumber(mac), []);
    forEachEntry(records, (mac48, vlan, ifindex, flags, idleMs) => {
      if (isGrant(flags)) this.ofMac.get(mac48)?.push({ ifindex, vlan, idleMs });
    });
  }

  /** How long each of its own entries that stand has not been heard, in ms. Those that are missing are written again (reconciliation.ts). */
  idleTimes(place: KeptStation): readonly number[] {
    const { mac, port, vlans } = place;
    const own = new Set(keysOf(mac, port, vlans).map(({ vlan }) => vlan));
    return this.on(place)
      .filter(({ vlan }) => own.has(vlan))
      .map(({ idleMs }) => idleMs);
  }

  /** In which VLANs its client has an entry on its port, whatever that is called. */
  vlans(place: KeptStation): readonly VlanId[] {
    return this.on(place).map(({ vlan }) => vlan);
  }

  private on({ mac, nasPort }: KeptStation): readonly LeftEntry[] {
    return this.ofMac.get(macToNumber(mac))?.filter(({ ifindex }) => ifindex === nasPort) ?? [];
  }
}
