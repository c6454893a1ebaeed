// A blackout of the authentication server while the reauthentications of 500 sessions come due: the whole agent on the
// simulated switch.

import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { PASSWORD } from '../scenarios/stage.ts';

const PORTS = 50;
const SESSIONS = 500;
const PERIOD_S = 600;
const RATE = 25;

/** 500 sessions on 50 ports, logged in over a minute. */
function house(config: ConfigPart): SimulatedStage {
  const stage = new SimulatedStage({
    machines: PORTS,
    config: { roles: { default: { handshake: { period_s: 0 } } }, ...config },
  });
  const { net } = stage;
  // What must hold after each turn is looked at by the scenarios; with 500 clients it would take most of this test's time.
  net.afterTurn = () => undefined;
  for (let n = 0; n < SESSIONS; n++) {
    const user = { identity: `user${n}`, password: PASSWORD };
    for (const { users } of net.servers) users.set(user.identity, { password: PASSWORD, reply: {} });
    const client = net.addClient({
      mac: `02:77:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 0xff).toString(16).padStart(2, '0')}` as Mac,
      port: `p${(n % PORTS) + 1}` as PortName,
      ipv4: `10.98.${n >> 8}.${n & 0xff}` as Ipv4,
      user,
    });
    client.supplicant.start();
    net.advance(120);
  }
  net.advance(5_000);
  return stage;
}

/** Access-Requests that left since, by tenths of a second of the stage's clock. */
function perTenth(stage: SimulatedStage, from: number, to = Number.POSITIVE_INFINITY): Map<number, number> {
  const tenths = new Map<number, number>();
  for (const { at, effect } of stage.net.performed) {
    if (effect.type !== 'send-datagram' || effect.socket.kind !== 'access' || at < from || at >= to) continue;
    const tenth = Math.floor((at - from) / 100);
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
  }
  return tenths;
}

const sum = (tenths: Map<number, number>): number => [...tenths.values()].reduce((a, b) => a + b, 0);

describe('500 reauthentications come due while no server answers', () => {
  it('all sessions are kept, next to nothing is asked meanwhile, and the return is no storm', async () => {
    const stage = house({
      ports: { 'p*': { control: 'auto', dot1x: { reauth_period_s: PERIOD_S } } },
      radius: {
        servers: [{ address: '192.0.2.1', secret: 'testing123' }],
        reauth_rate_per_s: RATE,
      },
    });
    const { net } = stage;
    expect(net.retained.size).toBeGreaterThan(SESSIONS);
    // The first is due 600 s after its login, which is 65 s ago by now.
    await stage.pass((PERIOD_S - 70) * 1000);
    await stage.serverSilent(true);
    const darkAt = stage.now();
    await stage.pass(300_000);
    expect(stage.events('session-end')).toEqual([]);
    const dark = perTenth(stage, darkAt);
    // Those that came due before the server was found to be dead, and a canary now and then. A storm would be 500 of them, each asked four times.
    expect(sum(dark)).toBeLessThan(300);

    await stage.serverSilent(false);
    const backAt = stage.now();
    await stage.until(
      'everybody to be through',
      () => stage.events('radius-server').some(({ state }) => state === 'up'),
      120_000,
    );
    const upAt = stage.now();
    const questions = net.servers[0]?.questions ?? 0;
    await stage.pass(40_000);
    const back = perTenth(stage, upAt);
    expect(sum(back)).toBeGreaterThanOrEqual(2 * (SESSIONS - 100));
    expect((net.servers[0]?.questions ?? 0) - questions).toBeGreaterThanOrEqual(2 * (SESSIONS - 100));
    // EAP-MD5 asks twice; 25 a second are 2.5 in a tenth.
    expect(Math.max(...back.values())).toBeLessThanOrEqual(8);
    const last = Math.max(...back.keys()) / 10;
    expect(last).toBeGreaterThan((SESSIONS - 100) / RATE);
    expect(stage.events('session-end')).toEqual([]);
    expect(backAt).toBeGreaterThan(darkAt);
    // In their next period everybody comes due once, none twice.
    net.record = false;
    await stage.pass(20_000);
    expect(net.servers[0]?.questions).toBe(questions + sum(back));
  }, 60_000);
});
