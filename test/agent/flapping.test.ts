// Who came while a port flapped was not listened to: five seconds after the last change it is asked, or looked for.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import type { VlanId } from '../../src/model/dataplane.ts';
import { ENTRY_DYNAMIC, ENTRY_LOCKED } from '../../src/wire/fdb-table.ts';
import { keyOf } from '../rigs/sim/bridge.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { begunSessions } from '../scenarios/stage.ts';

const SETTLED_AFTER_MS = 5_000;
/** For a login, and for the reading of the table. */
const SOON_MS = 500;

/** At 10 Hz, for longer than any port may; its link is up at the end. */
async function flap(stage: SimulatedStage): Promise<void> {
  for (let n = 1; n <= 24; n++) {
    stage.net.bridge.setCable('p1', n % 2 === 0);
    await stage.pass(100);
  }
}

function logins(stage: SimulatedStage): number {
  return begunSessions(stage).length;
}

async function counters(stage: SimulatedStage): Promise<Readonly<Record<string, number>>> {
  return ((await stage.ask('info')) as { readonly counters: Readonly<Record<string, number>> }).counters;
}

describe('a port that has flapped', () => {
  it('asks its supplicants, whose answers nobody took', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    stage.net.clients[0]?.supplicant.listen();
    await flap(stage);
    const before = logins(stage);
    expect((await counters(stage))['eapol-flapping']).toBeGreaterThan(0);
    await stage.pass(SETTLED_AFTER_MS - 200);
    expect(logins(stage)).toBe(before);
    await stage.pass(200 + SOON_MS);
    expect(logins(stage)).toBe(before + 1);
    expect(stage.net.clients[0]?.supplicant.authorized).toBe(true);
  });

  it('finds in the table whoever is quiet', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      devices: [1],
      config: {
        ports: { 'p*': { mab: { enabled: true, delay_s: 0, authentication: 'eap-md5' } } },
        roles: { default: { handshake: { period_s: 0 } } },
      },
    });
    await flap(stage);
    const mac = stage.machine(1).mac as Mac;
    const { bridge, world } = stage.net;
    const vlan = 0 as VlanId;
    // What the kernel keeps of a frame that it did not let through; its report of that was passed over.
    const flags = ENTRY_DYNAMIC | ENTRY_LOCKED;
    const entry = { mac, vlan, port: bridge.port('p1'), flags, updatedAt: world.now, usedAt: world.now };
    bridge.table.set(keyOf(mac, vlan), entry);
    stage.net.post({
      type: 'dataplane',
      event: { type: 'mab-candidate', key: { mac, port: bridge.port('p1').name, vlan } },
    });
    expect((await counters(stage))['mab-flapping']).toBe(1);
    await stage.pass(SETTLED_AFTER_MS - 200);
    expect(logins(stage)).toBe(0);
    await stage.pass(200 + SOON_MS);
    expect(begunSessions(stage)).toMatchObject([{ mac, method: 'mab' }]);
  });

  it('and whose link is down is asked nothing', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await flap(stage);
    stage.net.bridge.setCable('p1', false);
    const before = stage.net.performed.length;
    await stage.pass(SETTLED_AFTER_MS + SOON_MS);
    const done = stage.net.performed.slice(before).map(({ effect }) => effect.type);
    expect(done).not.toContain('inject');
    expect(done).not.toContain('dump-table');
  });
});
