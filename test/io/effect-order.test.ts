import { describe, expect, it } from 'vitest';
import type { Effect } from '../../src/agent/ports.ts';
import type { Mac } from '../../src/base/mac.ts';
import { inOrder } from '../../src/io/effect-order.ts';
import type { PortName } from '../../src/model/dataplane.ts';

const port = 'p1' as PortName;
const mac = '02:00:00:00:00:01' as Mac;
const lock: Effect = {
  type: 'set-port',
  ref: 1,
  port,
  setting: { locked: true, mab: false, unflooded: false },
};
const revoke: Effect = { type: 'revoke', ref: 2, key: { mac, port, vlan: 0 } };
const tell: Effect = { type: 'publish', topic: 't', payload: {}, retain: false };
const failure: Effect = { type: 'inject', port, bytes: new Uint8Array(60) };

describe('the order of effects', () => {
  it('a port that stood open is locked before its entries are taken away', () => {
    expect(inOrder([lock, revoke])).toEqual([lock, revoke]);
    expect(inOrder([failure, lock, tell, revoke])).toEqual([lock, revoke, tell, failure]);
  });

  it('what is adopted and taken away in one turn is taken away last', () => {
    const adopted: Effect = { type: 'adopted', keys: [{ mac, port, vlan: 0 }] };
    expect(inOrder([tell, adopted, revoke])).toEqual([adopted, revoke, tell]);
  });

  it('what a server is answered comes after what it waits for', () => {
    const keep: Effect = { type: 'session-store', changes: [] };
    const reply: Effect = {
      type: 'send-dynamic-reply',
      address: '192.0.2.1',
      port: 1,
      bytes: new Uint8Array(20),
      ack: true,
    };
    expect(inOrder([reply, keep, tell, revoke])).toEqual([revoke, tell, keep, reply]);
  });

  it('doors are shut before anything is told of it, and what is told parts no neighbours', () => {
    expect(inOrder([tell, revoke, tell, revoke, failure])).toEqual([revoke, revoke, tell, tell, failure]);
  });
});
