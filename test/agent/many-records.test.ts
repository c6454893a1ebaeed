// Thousands of records: without a server for accounting they wait; what fits into no packet is given up.

import { describe, expect, it } from 'vitest';
import { storing } from '../../src/accounting/spool.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { WallTime } from '../../src/base/time.ts';
import { subject } from '../rigs/accounting-path.ts';
import { RadiusPeer } from '../rigs/sim/radius-peer.ts';
import { SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { simFile } from '../rigs/sim/stage.ts';

const RECORDS = 8_000;

/** Class: with all the rest of it a record of this session fits into no packet (RFC 2865 §3: 4,096 octets). */
const TOO_MUCH = Array.from({ length: 16 }, () => new Uint8Array(250));

/** Stops that an earlier run has left; `fits`: how many of them fit into a packet. */
function stops(fits = RECORDS): Map<string, Uint8Array> {
  const disk = new Map<string, Uint8Array>();
  const eventTime = Date.UTC(2026, 0, 1) as WallTime;
  for (let ref = 1; ref <= RECORDS; ref++) {
    const about = { ...subject(`s${ref}`), classes: ref <= fits ? [] : TOO_MUCH };
    const record = { kind: 'stop', eventTime, subject: about, sessionTimeS: 1, cause: 'port-down' } as const;
    for (const { key, value } of storing({ ref, record })) if (value !== null) disk.set(key, value);
  }
  return disk;
}

const fileFor = (use: 'both' | 'authentication'): string =>
  simFile({ radius: { servers: [{ address: '192.0.2.1', secret: 'testing123', use }] } });

function switchWith(disk: Map<string, Uint8Array>, use: 'both' | 'authentication'): SimulatedSwitch {
  return new SimulatedSwitch({ config: fileFor(use), ports: ['p1'], disk, bootId: 'b009' });
}

function pending(net: SimulatedSwitch): number {
  const info = net.command('info') as { result: { accounting: { pending: number } } };
  return info.result.accounting.pending;
}

describe('without a server for accounting', () => {
  it('thousands of records wait, and are sent when a configuration brings one', () => {
    const net = switchWith(stops(), 'authentication');
    net.boot();
    net.advance(600_000);
    expect(pending(net)).toBe(RECORDS);
    net.servers.push(new RadiusPeer(utf8('testing123')));
    net.post({ type: 'reload', text: fileFor('both') });
    net.advance(60_000);
    expect(pending(net)).toBe(0);
    expect(net.servers[1]?.rows).toHaveLength(RECORDS);
  });

  it('thousands of records wait on after a configuration has taken the last one away', () => {
    const net = switchWith(stops(), 'both');
    for (const server of net.servers) server.accounting = false;
    net.boot();
    net.advance(10_000);
    net.post({ type: 'reload', text: fileFor('authentication') });
    net.advance(600_000);
    expect(pending(net)).toBe(RECORDS);
  });
});

it('thousands of records that fit into no packet are given up, one after the other, behind some that wait for an answer', () => {
  const net = switchWith(stops(2_000), 'both');
  for (const server of net.servers) server.accounting = false;
  net.boot();
  net.advance(10_000);
  expect(pending(net)).toBe(RECORDS);
  for (const server of net.servers) server.accounting = true;
  net.advance(60_000);
  expect(pending(net)).toBe(0);
});
