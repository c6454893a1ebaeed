// Frames that come in by an uplink with the MAC of a granted client are dropped (nftables, bridge family). The sticky
// entry forbids them to move it, but they would refresh its last-seen time, so that anybody behind the uplink could keep
// a dead session alive.
//
// Trade: nft is a program, and running it stops us for some milliseconds. So it is run at most once a second with all that
// has changed since, and a new grant is guarded up to a second late: no session falls silent that fast. Like locks
// and grants the table stays when we stop; the next start makes it anew.

import { spawn, spawnSync } from 'node:child_process';
import type { Mac } from '../base/mac.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { PortName } from '../model/dataplane.ts';
import { tableName } from './table-name.ts';

/** After the first change of a burst, and between two runs. */
const GATHER_MS = 100;
const SPACING_MS = 1000;

export class UplinkGuard {
  private readonly granted = new Set<Mac>();
  private added = new Set<Mac>();
  private removed = new Set<Mac>();
  /** As they are to be, where the kernel does not have them yet. */
  private uplinks: readonly PortName[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  private running = false;
  private ranAt = Number.NEGATIVE_INFINITY;

  private constructor(
    private readonly table: string,
    private readonly onError: (message: string) => void,
  ) {}

  /** The error is a sentence: no nft, or a kernel without nftables for bridges. */
  static open(
    bridge: string,
    uplinks: readonly PortName[],
    onError: (message: string) => void,
  ): Result<UplinkGuard, string> {
    const table = tableName(bridge);
    const names = uplinks.map((name) => `"${name}"`).join(', ');
    const script = `
      table bridge ${table} {}
      delete table bridge ${table}
      table bridge ${table} {
        set granted { type ether_addr; }
        set uplinks { type ifname; ${names === '' ? '' : `elements = { ${names} }`} }
        chain prerouting {
          type filter hook prerouting priority -300; policy accept;
          iifname @uplinks ether saddr @granted counter drop
        }
      }`;
    const made = spawnSync('nft', ['-f', '-'], { input: script, encoding: 'utf8', timeout: 5000 });
    if (made.error !== undefined) return err(`nft: ${made.error.message}`);
    if (made.status !== 0) return err(`nft: ${made.stderr.trim().split('\n')[0] ?? `exit ${made.status}`}`);
    return ok(new UplinkGuard(table, onError));
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
    this.arm();
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
      Math.max(GATHER_MS, this.ranAt + SPACING_MS - performance.now()),
    );
    this.timer.unref();
  }

  private apply(): void {
    const { table, uplinks } = this;
    const lines = [
      ...change('add', table, this.added),
      ...change('delete', table, this.removed),
      ...(uplinks === undefined ? [] : replaceUplinks(table, uplinks)),
    ];
    this.uplinks = undefined;
    this.added = new Set();
    this.removed = new Set();
    if (lines.length === 0) return;
    this.running = true;
    this.ranAt = performance.now();
    const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    let complaint = '';
    nft.stderr.on('data', (chunk: Uint8Array) => {
      complaint += String(chunk);
    });
    nft.on('error', (error) => this.finished(error.message));
    nft.on('close', (code) => this.finished(code === 0 ? '' : complaint.trim()));
    nft.stdin.on('error', () => undefined);
    nft.stdin.end(lines.join('\n'));
  }

  private finished(problem: string): void {
    if (!this.running) return;
    this.running = false;
    if (problem !== '') this.onError(`uplink guard: nft: ${problem.split('\n')[0]}`);
    if (this.added.size + this.removed.size > 0 || this.uplinks !== undefined) this.arm();
  }
}

function replaceUplinks(table: string, uplinks: readonly PortName[]): readonly string[] {
  const names = uplinks.map((name) => `"${name}"`).join(', ');
  const flush = `flush set bridge ${table} uplinks`;
  return names === '' ? [flush] : [flush, `add element bridge ${table} uplinks { ${names} }`];
}

function change(verb: 'add' | 'delete', table: string, macs: ReadonlySet<Mac>): readonly string[] {
  return macs.size === 0 ? [] : [`${verb} element bridge ${table} granted { ${[...macs].join(', ')} }`];
}
