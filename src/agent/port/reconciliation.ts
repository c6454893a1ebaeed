// Is the kernel as it is wanted? Notices tell of every change, so this finds what no notice told of: at the start, after
// notices were lost, and every minute. The table is read and the ports are, and what is otherwise is put right:
//
//   an entry that nobody was given       removed          (watch/table-reading.ts, at each dump)
//   an entry of a session that is gone   written again
//   a port that should be locked, open   locked, and what it has learnt meanwhile flushed
//   a port not in the VLANs of sessions  set again        (vlan-desk.ts, at each reading)
//
// Notices of VLANs say that there was a change, and ours are among them: VLANs are read soon after. Each repair is told upstream as
// a warning, and counted in `repairs` of `info`. A port that has come or gone untold is taken in or given up as by its notice.

import { macToNumber } from '../../base/mac.ts';
import { after, earliest, type Instant, latest, millis, NEVER, seconds } from '../../base/time.ts';
import type { GrantKey, PortFacts, PortName, TableDump } from '../../model/dataplane.ts';
import { forEachEntry, isGrant } from '../../wire/fdb-table.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';

const EVERY = seconds(60);
/** Of readings because notices were lost: a flood of notices loses some all the time. */
const OVERRUNS_APART = seconds(1);
/** Whoever changes VLANs takes several steps for it, each of which is told of. */
const VLANS_SETTLE = millis(200);
/** Of readings because VLANs were changed: somebody may set them otherwise again and again, and is answered once in that time. */
const VLANS_APART = seconds(1);

export class Reconciliation implements Timed {
  timer: Timed['timer'];
  private nextAt: Instant = NEVER;
  /** The next dump is to be compared with what is wanted. */
  private wanted = false;
  private lookedAt: Instant | undefined;
  private tellAt: Instant | undefined;
  private vlansAt: Instant = NEVER;
  private vlansLookedAt: Instant | undefined;

  constructor(private readonly core: Core) {}

  /** The ports were read a moment ago, and their VLANs. */
  boot(): void {
    this.wanted = true;
    this.vlansLookedAt = this.core.now.mono;
    this.plan();
  }

  /** Notices were lost: looked at now, or soon where it was a moment ago; told of once a minute at most, and counted. */
  overrun(): void {
    const { mono } = this.core.now;
    this.core.drops.add('dataplane-overrun');
    if (this.tellAt === undefined || this.tellAt <= mono) {
      this.tellAt = after(mono, EVERY);
      const message = 'notices of the data plane were lost; reading the table anew';
      this.core.parts.reporter.warning('overrun', message, {});
    }
    const due = this.lookedAt === undefined ? mono : after(this.lookedAt, OVERRUNS_APART);
    if (due <= mono) this.doubt();
    else this.nextAt = earliest(this.nextAt, due);
    this.core.schedule.touch(this);
  }

  /** By us, perhaps. */
  vlansChanged(port: PortName): void {
    if (this.vlansAt !== NEVER || !this.core.parts.vlans.concerns(port)) return;
    const settled = after(this.core.now.mono, VLANS_SETTLE);
    const { vlansLookedAt: last } = this;
    this.vlansAt = last === undefined ? settled : latest(settled, after(last, VLANS_APART));
    this.core.schedule.touch(this);
  }

  private lookAtVlans(): void {
    this.vlansAt = NEVER;
    this.vlansLookedAt = this.core.now.mono;
    this.core.parts.vlans.look();
    this.core.schedule.touch(this);
  }

  /** Something may have changed that nobody has told of. */
  doubt(): void {
    this.lookedAt = this.core.now.mono;
    this.wanted = true;
    this.core.out.push({ type: 'read-ports' });
    this.core.parts.watch.readTable();
    this.lookAtVlans();
    this.plan();
  }

  pollAt(): Instant {
    return earliest(this.nextAt, this.vlansAt);
  }

  onTime(now: Instant): void {
    if (this.nextAt <= now) this.doubt();
    else if (this.vlansAt <= now) this.lookAtVlans();
  }

  /** All ports of the bridge, as they are. */
  ports(found: readonly PortFacts[]): void {
    this.core.parts.bridge.compare(found);
  }

  /** The table was read, and whoever is in it by an earlier run is known. */
  table(dump: TableDump): void {
    if (!this.wanted) return;
    this.wanted = false;
    const standing = standingIn(dump.records);
    const { life, ports } = this.core.parts;
    const isMissing = ({ mac, port, vlan }: GrantKey): boolean => {
      const index = ports.get(port)?.machine.facts.index;
      return index !== undefined && !standing.has(textOf(macToNumber(mac), index, vlan));
    };
    const missing = life.grantedBefore(dump.at).filter(isMissing);
    if (missing.length > 0) life.grantsLost(missing);
  }

  private plan(): void {
    this.nextAt = after(this.core.now.mono, EVERY);
    this.core.schedule.touch(this);
  }
}

function standingIn(records: Uint8Array): ReadonlySet<string> {
  const standing = new Set<string>();
  forEachEntry(records, (mac48, vlan, ifindex, flags) => {
    if (isGrant(flags)) standing.add(textOf(mac48, ifindex, vlan));
  });
  return standing;
}

function textOf(mac48: number, ifindex: number, vlan: number): string {
  return `${mac48} ${ifindex} ${vlan}`;
}
