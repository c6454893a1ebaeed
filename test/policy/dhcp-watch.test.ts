import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { type Instant, instant, seconds } from '../../src/base/time.ts';
import { DHCP_WATCH_DEFAULTS, DhcpWatch, type Lease } from '../../src/policy/dhcp-watch.ts';

const HOUR = seconds(3600);

function lease(over: Partial<Lease> = {}): Lease {
  return { scope: '10.0.0.1 in 10.0.0.0/24', leaseS: 86_400, session: HOUR, ...over };
}

describe('leases against session timers', () => {
  const watch = (factor = 4) => new DhcpWatch({ ...DHCP_WATCH_DEFAULTS, factor });

  it('four times the timer is not too long; a second more is', () => {
    expect(watch().isNews(lease({ leaseS: 14_400 }))).toBe(false);
    expect(watch().isNews(lease({ leaseS: 14_401 }))).toBe(true);
    expect(watch(1).isNews(lease({ leaseS: 3_601 }))).toBe(true);
    expect(watch().isNews(lease({ leaseS: Number.POSITIVE_INFINITY }))).toBe(true);
  });

  it('one warning a scope, whoever gets the next lease there', () => {
    const machine = watch();
    expect(machine.isNews(lease())).toBe(true);
    for (let i = 0; i < 5; i++) expect(machine.isNews(lease())).toBe(false);
    expect(machine.isNews(lease({ scope: '10.0.0.1 in 10.0.1.0/24' }))).toBe(true);
  });

  it('again when the lease is longer, not when what is left of it is handed out', () => {
    const machine = watch();
    expect(machine.isNews(lease())).toBe(true);
    expect(machine.isNews(lease({ leaseS: 50_000 }))).toBe(false);
    expect(machine.isNews(lease())).toBe(false);
    expect(machine.isNews(lease({ leaseS: 100_000 }))).toBe(true);
    expect(machine.isNews(lease({ leaseS: Number.POSITIVE_INFINITY }))).toBe(true);
    expect(machine.isNews(lease({ leaseS: Number.POSITIVE_INFINITY }))).toBe(false);
  });

  it('again when the timer is another one; two roles in one scope do not take turns', () => {
    const machine = watch();
    const other = lease({ session: seconds(600) });
    expect([machine.isNews(lease()), machine.isNews(other)]).toEqual([true, true]);
    for (let i = 0; i < 5; i++)
      expect([machine.isNews(lease()), machine.isNews(other)]).toEqual([false, false]);
  });

  it('another factor holds at once, and does not repeat what was said', () => {
    const machine = watch();
    expect(machine.isNews(lease({ leaseS: 10_000 }))).toBe(false);
    machine.configure({ enabled: true, factor: 2 });
    expect(machine.isNews(lease({ leaseS: 10_000 }))).toBe(true);
    machine.configure({ enabled: true, factor: 1 });
    expect(machine.isNews(lease({ leaseS: 10_000 }))).toBe(false);
  });

  it('is bounded: of thousands of scopes those that are heard of are remembered', () => {
    const machine = watch();
    machine.isNews(lease());
    for (let i = 0; i < 10_000; i++) {
      machine.isNews(lease({ scope: `s${i}` }));
      if (i % 100 === 0) expect(machine.isNews(lease())).toBe(false);
    }
    expect(machine.isNews(lease({ scope: 's0' }))).toBe(true);
    expect(machine.isNews(lease({ scope: 's9999' }))).toBe(false);
  });
});

describe('leases that clients have', () => {
  const client = (n: number) =>
    `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac;
  const given = (scope: string, leaseS = 60) => ({ scope, leaseS });
  const START: Instant = instant(1_000);
  const after60s = instant(61_000);
  const machine = () => new DhcpWatch(DHCP_WATCH_DEFAULTS);
  const scopes = (watch: DhcpWatch, n: number, now = START) =>
    watch.leasesOf(client(n), now).map(({ scope }) => scope);

  it('each scope its last one, until it has run out or is given back', () => {
    const watch = machine();
    for (const lease of [given('a'), given('b', 90), given('a', 30)]) watch.given(client(1), lease, START);
    expect(watch.leasesOf(client(1), START)).toMatchObject([given('b', 90), given('a', 30)]);
    expect(scopes(watch, 1, after60s)).toEqual(['b']);
    expect(scopes(watch, 2)).toEqual([]);
    watch.given(client(1), given('b', 0), START);
    expect(scopes(watch, 1)).toEqual(['a']);
    watch.given(client(1), given('a', Number.POSITIVE_INFINITY), START);
    expect(scopes(watch, 1, instant(1e12))).toEqual(['a']);
  });

  it('bounded: four of a client, and 10,000 clients, of whom was heard last', () => {
    const watch = machine();
    for (const scope of ['a', 'b', 'c', 'd', 'e']) watch.given(client(0), given(scope), START);
    expect(scopes(watch, 0)).toEqual(['b', 'c', 'd', 'e']);
    for (let n = 1; n < 10_000; n++) watch.given(client(n), given('a'), START);
    watch.given(client(0), given('b'), START);
    watch.given(client(10_000), given('a'), START);
    expect([0, 1, 2, 10_000].map((n) => scopes(watch, n).length)).toEqual([4, 0, 1, 1]);
  });
});
