// Who holds which VLANs of which port, found by port and by VLAN: both are asked for at every login.
//
// Bound: one hold a session, or somebody on the way in.

import type { PortName, SessionVlans, VlanId } from '../model/dataplane.ts';
import { vlansOf } from './vlan-plan.ts';

export interface Hold {
  readonly port: PortName;
  readonly vlans: SessionVlans;
  /** Of a session that changed its VLANs, until its former entries are gone. */
  readonly former?: SessionVlans;
}

export class VlanHolds<Holder> {
  private readonly holds = new Map<Holder, Hold>();
  private readonly byPort = new Map<PortName, Map<Holder, Hold>>();
  /** How many holds there are of each VLAN, former ones included. */
  private readonly uses = new Map<VlanId, number>();

  get(holder: Holder): Hold | undefined {
    return this.holds.get(holder);
  }

  /** In place of what it held before. */
  put(holder: Holder, hold: Hold): void {
    this.remove(holder);
    this.holds.set(holder, hold);
    const onPort = this.byPort.get(hold.port) ?? new Map<Holder, Hold>();
    this.byPort.set(hold.port, onPort.set(holder, hold));
    for (const vlan of used(hold)) this.uses.set(vlan, (this.uses.get(vlan) ?? 0) + 1);
  }

  remove(holder: Holder): Hold | undefined {
    const hold = this.holds.get(holder);
    if (hold === undefined) return undefined;
    this.holds.delete(holder);
    const onPort = this.byPort.get(hold.port);
    onPort?.delete(holder);
    if (onPort?.size === 0) this.byPort.delete(hold.port);
    for (const vlan of used(hold)) {
      const left = (this.uses.get(vlan) ?? 0) - 1;
      if (left > 0) this.uses.set(vlan, left);
      else this.uses.delete(vlan);
    }
    return hold;
  }

  /** In the order in which they came. */
  onPort(port: PortName): ReadonlyMap<Holder, Hold> {
    return this.byPort.get(port) ?? new Map();
  }

  /** Ports on which somebody holds something. */
  ports(): ReadonlySet<PortName> {
    return new Set(this.byPort.keys());
  }

  /** VLANs that somebody holds, or held until a moment ago. */
  vlans(): IterableIterator<VlanId> {
    return this.uses.keys();
  }
}

function used({ vlans, former }: Hold): readonly VlanId[] {
  return former === undefined ? vlansOf(vlans) : [...vlansOf(vlans), ...vlansOf(former)];
}
