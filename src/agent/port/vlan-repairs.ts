// What is said of a port that somebody has put into other VLANs than its sessions are in: a warning each time that it is set again,
// and while somebody does so again and again one a minute, that says how often. Bound: a record a port, until it is gone.

import { after, type Instant, seconds } from '../../base/time.ts';
import type { PortName, VlanChange } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';

const APART = seconds(60);

interface Told {
  readonly nextAt: Instant;
  /** Since then. */
  untold: number;
}

export class VlanRepairs {
  private readonly told = new Map<PortName, Told>();

  constructor(private readonly core: Core) {}

  /** It is being set again by these changes. */
  tell(port: PortName, changes: readonly VlanChange[]): void {
    const { mono } = this.core.now;
    this.core.repairs.add('vlans-set-again');
    const last = this.told.get(port);
    if (last !== undefined && mono < last.nextAt) {
      last.untold++;
      return;
    }
    this.told.set(port, { nextAt: after(mono, APART), untold: 0 });
    const what = changes.map((change) => textOf(change, port)).join(', ');
    const often = last?.untold ? `; ${last.untold} times more since the last warning` : '';
    const message = `somebody has changed the VLANs of the port: set again (${what})${often}`;
    this.core.parts.reporter.warning('vlan-changed', message, { port });
  }

  portGone(port: PortName): void {
    this.told.delete(port);
  }
}

function textOf({ port, vlan, member }: VlanChange, of: PortName): string {
  const where = port === of ? '' : ` of ${port ?? 'the bridge itself'}`;
  if (member === undefined) return `not in ${vlan}${where}`;
  const how = member.untagged ? 'untagged' : 'tagged';
  return `in ${vlan}${where}, ${how}${member.pvid ? ', its own' : ''}`;
}
