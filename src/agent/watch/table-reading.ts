// What a dump of the kernel's table says: when each session's entries were last used; of whom nobody is known, who may be let in by
// their MAC; and which entries let somebody through that nobody was granted.

import { macFromNumber } from '../../base/mac.ts';
import { after, type Instant, millis } from '../../base/time.ts';
import type { GrantKey, TableDump, VlanId } from '../../model/dataplane.ts';
import { forEachEntry, isCandidate, isGrant, isOpenEntry } from '../../wire/fdb-table.ts';
import type { Core } from '../core.ts';
import { isIn } from '../session/session-unit.ts';

/** Idle times come in steps of 10 ms, from a clock that ticks in as many at most. */
const TABLE_STEP = millis(20);

export class TableReading {
  constructor(private readonly core: Core) {}

  /** Signs of life go to their sessions, candidates to MAB; returned are foreign entries, which are there still. */
  read(dump: TableDump): readonly GrantKey[] {
    const end = after(dump.at, millis(dump.tookMs));
    const { sessions, parts } = this.core;
    const foreign: GrantKey[] = [];
    forEachEntry(dump.records, (mac48, vlan, ifindex, flags, idleMs) => {
      const unit = sessions.ofMac48(mac48);
      if (unit !== undefined && unit.session.nasPort === ifindex && isIn(unit.session.vlans, vlan)) {
        unit.usedBetween((dump.at - idleMs - TABLE_STEP) as Instant, (end - idleMs) as Instant);
      } else if (isGrant(flags) || isOpenEntry(flags)) {
        const key = this.foreignKey(mac48, ifindex, vlan);
        if (key !== undefined) foreign.push(key);
      } else if (isCandidate(flags)) {
        const port = parts.bridge.nameOf(ifindex);
        if (port !== undefined) parts.mab.candidate(mac48, port, (dump.at - idleMs) as Instant);
      }
    });
    return foreign;
  }

  /** An entry that lets somebody through a port of ours and that nobody was granted, nor is it on its way out; undefined for any other. */
  private foreignKey(mac48: number, ifindex: number, vlan: VlanId): GrantKey | undefined {
    const { bridge, ports, life } = this.core.parts;
    const port = bridge.nameOf(ifindex);
    if (port === undefined || !ports.isShut(port)) return undefined;
    const key: GrantKey = { mac: macFromNumber(mac48), port, vlan };
    return life.answersFor(key) ? undefined : key;
  }

  /** One warning for all of a dump: a start after a crash can find thousands. */
  removeForeign(keys: readonly GrantKey[]): void {
    const [first, ...others] = keys;
    if (first === undefined) return;
    const { mac, port } = first;
    const more = others.length === 0 ? 'is' : `and ${others.length} more are`;
    const message = `an entry that nobody was given, of ${mac} on ${port}, ${more} removed`;
    this.core.repairs.add('foreign-entries-removed', keys.length);
    this.core.parts.reporter.warning('foreign-entry', message, { mac, port });
    for (const key of keys) this.core.parts.life.removeForeign(key);
  }
}
