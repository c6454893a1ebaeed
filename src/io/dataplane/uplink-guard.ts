// Frames that come in by an uplink, or by another port that is open to all, with the MAC of a granted client are dropped
// (nftables, bridge family). The sticky entry forbids them to move it, but they would refresh its last-seen time, so that anybody
// there could keep a dead session alive. On a locked port the bridge drops them before that.
//
// Trade: nft is a program, and running it stops us for some milliseconds. So it is run at most once a second with all that
// has changed since, and a new grant is guarded up to a second late: no session falls silent that fast. Like locks
// and grants the table stays when we stop; the next start makes it anew. Where a run fails (no memory, no file descriptor, a
// table that somebody has flushed) nobody knows what the kernel has, and the whole is made anew every few seconds until it is done.

import type { Mac } from '../../base/mac.ts';
import { ok, type Result } from '../../base/result.ts';
import type { PortName } from '../../model/dataplane.ts';
import { nft, nftNow } from './nft.ts';
import { tableName } from './table-name.ts';

/** After the first change of a burst, and between two runs. */
const GATHER_MS = 100;
const SPACING_MS = 1000;
const RETRY_MS = 5000;

export class UplinkGuard {
  private readonly granted = new Set<Mac>();
  private added = new Set<Mac>();
  private removed = new Set<Mac>();
  private uplinks: readonly PortName[];
  private uplinksChanged = false;
  /** Ports that are open to all (force-authorized, or opened by a user of multi-host), with the clients that are granted there. */
  private readonly open = new Map<PortName, readonly Mac[]>();
  private openChanged = false;
  /** Nobody knows what of it the kernel has. */
  private failing = false;
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private ranAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly table: string,
    uplinks: readonly PortName[],
    private readonly onError: (message: string) => void,
  ) {
    this.uplinks = uplinks;
  }

  /** The error is a sentence: no nft, or a kernel without nftables for bridges. */
  static open(
    bridge: string,
    uplinks: readonly PortName[],
    onError: (message: string) => void,
  ): Result<UplinkGuard, string> {
    const guard = new UplinkGuard(tableName(bridge), uplinks, onError);
    const made = nftNow(['-f', '-'], guard.whole());
    return made.ok ? ok(guard) : made;
  }

  grant(mac: Mac): void {
    if (this.granted.has(mac)) return;
    this.granted.add(mac);
    if (!this.removed.delete(mac)) this.added.add(mac);
    this.arm();
  }

  revoke(mac: Mac): void {
    if (!this.granted.delete(mac)) return;
    if (!this.added.delete(mac)) this.removed.add(mac);
    this.arm();
  }

  setUplinks(uplinks: readonly PortName[]): void {
    this.uplinks = uplinks;
    this.uplinksChanged = true;
    this.arm();
  }

  /** `own`: whose MACs may be heard there, of those who are granted anywhere; undefined: it is not open any more. */
  setOpen(port: PortName, own: readonly Mac[] | undefined): void {
    if (own === undefined ? !this.open.delete(port) : this.open.get(port)?.join() === own.join()) return;
    if (own !== undefined) this.open.set(port, own);
    this.openChanged = true;
    this.arm();
  }

  /** Those that there are: one that has left may be another bridge's by now. */
  setPorts(present: readonly PortName[]): void {
    for (const port of [...this.open.keys()]) if (!present.includes(port)) this.setOpen(port, undefined);
  }

  close(): void {
    clearTimeout(this.timer);
  }

  private arm(): void {
    if (this.running || this.timer !== undefined) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.apply();
      },
      Math.max(GATHER_MS, this.ranAt + (this.failing ? RETRY_MS : SPACING_MS) - performance.now()),
    );
    this.timer.unref();
  }

  private apply(): void {
    const { table, uplinks } = this;
    const changes = [
      ...change('add', table, this.added),
      ...change('delete', table, this.removed),
      ...(this.uplinksChanged ? replaceUplinks(table, uplinks) : []),
      ...(this.openChanged ? replaceOpen(table, this.open) : []),
    ];
    this.added = new Set();
    this.removed = new Set();
    this.uplinksChanged = false;
    this.openChanged = false;
    const script = this.failing ? this.whole() : changes.join('\n');
    if (script === '') return;
    this.running = true;
    this.ranAt = performance.now();
    nft(['-f', '-'], script, (result) => this.finished(result));
  }

  private finished(result: Result<string, string>): void {
    this.running = false;
    if (!result.ok && !this.failing) this.onError(`uplink guard, tried again: ${result.error}`);
    this.failing = !result.ok;
    if (this.failing || this.uplinksChanged || this.openChanged || this.added.size + this.removed.size > 0)
      this.arm();
  }

  /** The table anew, with everybody who is in it. */
  private whole(): string {
    const { table } = this;
    const uplinks = this.uplinks.map((name) => `"${name}"`);
    return `
      table bridge ${table} {}
      delete table bridge ${table}
      table bridge ${table} {
        set granted { type ether_addr; ${elements([...this.granted])} }
        set uplinks { type ifname; ${elements(uplinks)} }
        set open { type ifname; ${elements(namesOf(this.open))} }
        set own { type ether_addr . ifname; ${elements(ownOf(this.open))} }
        chain prerouting {
          type filter hook prerouting priority -300; policy accept;
          iifname @uplinks ether saddr @granted counter drop
          iifname @open ether saddr @granted ether saddr . iifname != @own counter drop
        }
      }`;
  }
}

function elements(all: readonly string[]): string {
  return all.length === 0 ? '' : `elements = { ${all.join(', ')} }`;
}

type Open = ReadonlyMap<PortName, readonly Mac[]>;

const namesOf = (open: Open): readonly string[] => [...open.keys()].map((name) => `"${name}"`);
const ownOf = (open: Open): readonly string[] =>
  [...open].flatMap(([name, macs]) => macs.map((mac) => `${mac} . "${name}"`));

function replaceOpen(table: string, open: Open): readonly string[] {
  const fill = (set: string, all: readonly string[]) =>
    all.length === 0 ? [] : [`add element bridge ${table} ${set} { ${all.join(', ')} }`];
  const flush = [`flush set bridge ${table} open`, `flush set bridge ${table} own`];
  return [...flush, ...fill('open', namesOf(open)), ...fill('own', ownOf(open))];
}

function replaceUplinks(table: string, uplinks: readonly PortName[]): readonly string[] {
  const names = uplinks.map((name) => `"${name}"`).join(', ');
  const flush = `flush set bridge ${table} uplinks`;
  return names === '' ? [flush] : [flush, `add element bridge ${table} uplinks { ${names} }`];
}

function change(verb: 'add' | 'delete', table: string, macs: ReadonlySet<Mac>): readonly string[] {
  return macs.size === 0 ? [] : [`${verb} element bridge ${table} granted { ${[...macs].join(', ')} }`];
}
