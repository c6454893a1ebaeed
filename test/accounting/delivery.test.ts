import { describe, expect, it } from 'vitest';
import { attributeDate, attributeText, attributeU32 } from '../../src/wire/radius-attributes.ts';
import { AccountingPath } from '../rigs/accounting-path.ts';
import { radiusSettings } from '../rigs/radius-servers.ts';

const KINDS: Readonly<Record<number, string>> = { 1: 'start', 2: 'stop', 3: 'interim', 7: 'on', 8: 'off' };

/** What the servers heard while they were there, by session, in order. */
function heard(path: AccountingPath, from = 0): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const all = path.radius.servers.flatMap((server) => server.received);
  for (const { packet } of all.filter(({ at }) => at >= from).sort((a, b) => a.at - b.at)) {
    const id = attributeText(packet, 'Acct-Session-Id') ?? '';
    const kind = KINDS[attributeU32(packet, 'Acct-Status-Type') ?? 0] ?? '?';
    found.set(id, [...(found.get(id) ?? []), kind]);
  }
  return found;
}

describe('from the record to the answer', () => {
  it('a short life: Start, Interim and Stop, each once and in this order, then nothing is kept', () => {
    const path = new AccountingPath(radiusSettings(1));
    for (let i = 0; i < 200; i++) {
      path.start(`s${i}`);
      path.interim(`s${i}`);
      path.advance(50);
      path.stop(`s${i}`);
    }
    path.advance(5000);
    expect(path.journal.size).toBe(0);
    expect(path.disk.size).toBe(0);
    for (const kinds of heard(path).values()) expect(kinds).toEqual(['start', 'interim', 'stop']);
    expect(heard(path).size).toBe(200);
  });

  it('10,000 Stops in a blackout of ten minutes: each acknowledged once, its time and delay adding up', {
    timeout: 60_000,
  }, () => {
    const path = new AccountingPath(radiusSettings(2));
    for (let i = 0; i < 10_000; i++) {
      path.start(`s${i}`);
      if (i % 100 === 0) path.advance(10);
    }
    path.advance(30_000);
    expect(path.journal.size).toBe(0);
    for (const server of path.radius.servers) server.accounting = false;
    for (let i = 0; i < 10_000; i++) {
      path.interim(`s${i}`);
      path.stop(`s${i}`);
      path.stop(`s${i}`);
      if (i % 100 === 0) path.advance(100);
    }
    path.advance(600_000);
    expect(path.journal.size).toBe(10_000);
    expect(path.disk.size).toBe(10_000);

    const light = path.radius.now;
    for (const server of path.radius.servers) server.accounting = true;
    path.advance(60_000);
    expect(path.journal.size).toBe(0);
    expect(path.disk.size).toBe(0);
    const after = heard(path, light);
    expect(after.size).toBe(10_000);
    const repeated = [...after.values()].filter((kinds) => kinds.length > 1);
    for (const kinds of after.values()) expect(new Set(kinds)).toEqual(new Set(['stop']));
    // Only what was on the wire when the servers came back may have been heard twice.
    expect(repeated.length).toBeLessThanOrEqual(8);
    const acknowledged = path.effects.filter(({ type }) => type === 'erase').length;
    const superseded = path.journal.counters.get('interims_superseded');
    expect(acknowledged).toBe(20_000 + superseded);
    expect(path.journal.counters.snapshot()).toMatchObject({
      answered: 20_000,
      interims_superseded: 10_000,
      refused_after_stop: 10_000,
    });
    const wallOffset = path.now.wall - path.now.mono;
    for (const server of path.radius.servers) {
      for (const { at, packet } of server.received.filter(({ at }) => at >= light)) {
        const event = attributeDate(packet, 'Event-Timestamp')!;
        const delay = attributeU32(packet, 'Acct-Delay-Time')!;
        expect(Math.abs(at + wallOffset - event - 1000 * delay)).toBeLessThanOrEqual(2100);
      }
    }
    expect(path.radius.reused).toEqual([]);
  });

  it('10,000 sessions end in a blackout of ten minutes, the agent is killed in its middle: each Stop once, its time and delay adding up', {
    timeout: 60_000,
  }, () => {
    const settings = radiusSettings(1);
    const first = new AccountingPath(settings);
    for (let i = 0; i < 10_000; i++) {
      first.start(`s${i}`);
      if (i % 100 === 0) first.advance(10);
    }
    first.advance(30_000);
    expect(first.journal.size).toBe(0);
    for (const server of first.radius.servers) server.accounting = false;
    const dark = first.now.wall;
    for (let i = 0; i < 5_000; i++) {
      first.stop(`s${i}`);
      if (i % 100 === 0) first.advance(5_000);
    }
    first.advance(dark + 297_000 - first.now.wall);

    const second = new AccountingPath(settings, undefined, { path: first, pauseMs: 3_000 });
    const [server] = second.radius.servers;
    if (server === undefined) throw new Error('no server');
    server.accounting = false;
    second.recover();
    second.advance(dark + 600_000 - second.now.wall);
    expect(second.journal.size).toBe(10_000);
    expect(second.disk.size).toBe(10_000);
    const light = second.radius.now;
    server.accounting = true;
    second.advance(60_000);
    expect(second.journal.size).toBe(0);
    expect(second.disk.size).toBe(0);
    const stops = server.received.filter(({ at }) => at >= light);
    const causes = new Map(
      stops.map(({ packet }) => [
        attributeText(packet, 'Acct-Session-Id'),
        attributeU32(packet, 'Acct-Terminate-Cause'),
      ]),
    );
    expect(causes.size).toBe(10_000);
    const of = (wanted: number) => [...causes.values()].filter((cause) => cause === wanted).length;
    expect([of(2), of(11)]).toEqual([5_000, 5_000]);
    const wallOffset = second.now.wall - second.now.mono;
    for (const { at, packet } of stops) {
      const event = attributeDate(packet, 'Event-Timestamp') ?? 0;
      const delay = attributeU32(packet, 'Acct-Delay-Time') ?? 0;
      expect(Math.abs(at + wallOffset - event - 1000 * delay)).toBeLessThanOrEqual(2100);
      if (attributeU32(packet, 'Acct-Terminate-Cause') === 2) expect(delay).toBeGreaterThanOrEqual(340);
      else expect(delay).toBeGreaterThanOrEqual(600);
    }
    expect(second.radius.reused).toEqual([]);
  });

  it('a server that answers no interims still gets the Stop', () => {
    const path = new AccountingPath(radiusSettings(1));
    const server = path.radius.servers[0]!;
    const honest = path.radius.reply.bind(path.radius);
    path.radius.reply = (to, packet) =>
      attributeU32(packet, 'Acct-Status-Type') === 3 ? undefined : honest(to, packet);
    path.start('a');
    path.advance(100);
    path.interim('a');
    path.advance(10_000);
    path.interim('a');
    path.advance(10_000);
    path.stop('a');
    path.advance(10_000);
    expect(path.journal.size).toBe(0);
    expect(heard(path).get('a')?.at(-1)).toBe('stop');
    expect(server.received.at(-1)?.at).toBeGreaterThan(20_000);
  });
});
