// Another list of servers while requests are under way: what the two lists have in common is not touched.

import { describe, expect, it } from 'vitest';
import type { RadiusServer } from '../../src/radius/settings.ts';
import { RadiusRig, radiusSettings, serverSettings } from '../rigs/radius-servers.ts';

const byAddress = (a: RadiusServer, b: RadiusServer): boolean => a.address === b.address;

/** The servers with these numbers, in this order. */
function take(
  rig: RadiusRig,
  numbers: readonly number[],
  changes: Parameters<typeof radiusSettings>[1] = {},
): void {
  const settings = { ...radiusSettings(0, changes), servers: numbers.map(serverSettings) };
  rig.reconfigure(settings, byAddress);
}

const sentTo = (rig: RadiusRig): string[] => rig.sends.map(({ send }) => send.address);

describe('another list of servers', () => {
  it('one that stays keeps its health and figures, and answers what it was asked before', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1);
    rig.advance(7_000);
    expect(rig.of('answer')).toHaveLength(1);
    rig.servers[1]!.latency = 500;
    rig.access(2);
    rig.advance(10);
    take(rig, [1, 2]);
    expect(
      rig.client
        .servers()
        .slice(0, 2)
        .map(({ name, up }) => [name, up]),
    ).toEqual([
      ['192.0.2.1:1812', false],
      ['192.0.2.2:1812', true],
    ]);
    expect(rig.client.servers()[1]?.counters).toMatchObject({ answers: 1, requests: 2 });
    rig.advance(2_000);
    expect(rig.answeredRefs()).toEqual([1, 2]);
    expect(rig.of('disconnect')).toEqual([]);
  });

  it('another order holds at once', () => {
    const rig = new RadiusRig(radiusSettings(2));
    take(rig, [2, 1]);
    rig.access(1);
    rig.advance(20);
    expect(sentTo(rig)).toEqual(['192.0.2.2']);
    expect(rig.answeredRefs()).toEqual([1]);
  });

  it('what waits for one that is gone is asked elsewhere at once, logins and records alike; its sockets are given up', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = rig.servers[0]!.accounting = false;
    for (let ref = 0; ref < 20; ref++) {
      if (ref % 2 === 0) rig.access(ref);
      else rig.accounting(ref);
    }
    rig.advance(100);
    take(rig, [2]);
    rig.advance(50);
    expect(new Set(rig.answeredRefs()).size).toBe(20);
    expect(rig.of('server-state')).toEqual([]);
    expect(rig.of('disconnect').map(({ socket }) => socket.server)).toContain(0);
    expect(rig.client.servers().map(({ name }) => name)).toEqual(['192.0.2.2:1812', '192.0.2.2:1813']);
  });

  it('an answer that comes from one that is gone answers nothing; a new server is never taken for it', () => {
    const rig = new RadiusRig(radiusSettings(1));
    rig.servers[0]!.latency = 500;
    rig.access(1);
    rig.advance(10);
    take(rig, [3]);
    expect(rig.sends.at(-1)?.send.socket.server).not.toBe(0);
    rig.advance(2_000);
    expect(rig.of('dropped')).toMatchObject([{ reason: 'socket' }]);
    expect(rig.of('answer')).toMatchObject([{ ref: 1, server: rig.sends.at(-1)?.send.socket.server }]);
  });

  it('a conversation with one that is gone is given up: nobody else knows its State', () => {
    const rig = new RadiusRig(radiusSettings(2));
    rig.servers[0]!.access = false;
    rig.access(1, 0);
    rig.advance(10);
    take(rig, [2]);
    expect(rig.of('no-answer')).toMatchObject([{ ref: 1 }]);
    rig.access(2, 0);
    expect(rig.of('no-answer')).toMatchObject([{ ref: 1 }, { ref: 2 }]);
    expect(rig.sends).toHaveLength(1);
  });
});
