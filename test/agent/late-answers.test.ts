// What happens to a client while the data plane takes its time: ours answers within the turn, a vendor's may not.

import { describe, expect, it } from 'vitest';
import type { Mac } from '../../src/base/mac.ts';
import { text } from '../../src/wire/radius-attributes.ts';
import { sendDynamic, WITH_DYNAUTH } from '../rigs/sim/dynamic-authorization.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import type { Machine } from '../scenarios/stage.ts';

const disconnect = (stage: SimulatedStage, user: string) =>
  sendDynamic(stage, 'Disconnect-Request', [text('User-Name', user)]);

describe('while a reauthentication moves its session to another VLAN', () => {
  async function moving(): Promise<{ stage: SimulatedStage; machine: Machine; mac: Mac }> {
    const stage = new SimulatedStage({
      machines: 1,
      vlans: { onUplink: [30, 40] },
      replies: { u1: { vlan: '30' } },
      config: WITH_DYNAUTH,
    });
    const machine = stage.machine(1);
    const mac = machine.mac as Mac;
    await stage.login(machine);
    stage.net.holdGrants(true);
    await stage.setReply('u1', { vlan: '40' });
    await stage.ask('reauthenticate', { mac });
    await stage.pass(500);
    expect(await stage.retained(mac)).toMatchObject({ vlan: 30 });
    return { stage, machine, mac };
  }

  const causes = (stage: SimulatedStage) => stage.events('session-end').map(({ cause }) => cause);

  async function expectGone(stage: SimulatedStage, mac: Mac): Promise<void> {
    stage.net.holdGrants(false);
    await stage.pass(1_000);
    expect(await stage.grantedVlans(mac)).toEqual([]);
    expect(stage.events('session-start')).toHaveLength(1);
    expect(stage.events('auth-failed')).toEqual([]);
  }

  it('EAPOL-Logoff ends it at once', async () => {
    const { stage, machine, mac } = await moving();
    await stage.logoff(machine);
    await stage.pass(100);
    expect(await stage.grantedVlans(mac)).not.toContain(30);
    expect(stage.invariants.core.sessions.ofMac(mac)).toBeUndefined();
    await expectGone(stage, mac);
    expect(causes(stage)).toEqual(['supplicant-logoff']);
  });

  it('a Disconnect-Request ends it, and nobody is refused or held for it', async () => {
    const { stage, machine, mac } = await moving();
    const { supplicant } = stage.net.clients[0] ?? {};
    const failures = supplicant?.failures;
    const answer = disconnect(stage, 'u1');
    await stage.pass(100);
    // Its entry is not proven gone yet.
    expect(supplicant?.failures).toBe(failures);
    await expectGone(stage, mac);
    expect(answer()?.code).toBe('Disconnect-ACK');
    expect(causes(stage)).toEqual(['radius-disconnect']);
    await stage.setReply('u1', { vlan: '30' });
    await stage.login(machine);
  });
});

describe('while an entry that somebody has deleted is written again', () => {
  it('whoever is disconnected and logs in anew has the entry; the session before has its end, its answer and its Stop', async () => {
    const stage = new SimulatedStage({ machines: 1, config: WITH_DYNAUTH });
    const machine = stage.machine(1);
    const first = await stage.login(machine);
    stage.net.holdGrants(true);
    await stage.deleteGrant(machine.mac);
    await stage.pass(100);
    const answer = disconnect(stage, 'u1');
    await stage.pass(2_000);
    expect(answer()).toBeUndefined();
    const { supplicant } = stage.net.clients[0] ?? {};
    const failures = supplicant?.failures;
    await stage.begin(machine);
    await stage.pass(2_000);
    stage.net.holdGrants(false);
    await stage.pass(2_000);
    expect(answer()?.code).toBe('Disconnect-ACK');
    expect(supplicant?.failures).toBe(failures);
    expect(stage.invariants.core.parts.life.closing).toBe(0);
    expect(stage.events('session-end')).toMatchObject([
      { session_id: first.session_id, cause: 'radius-disconnect' },
    ]);
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(true);
    const rows = (await stage.accounting()).map(({ status }) => status);
    expect(rows).toEqual(['Accounting-On', 'Start', 'Stop', 'Start']);
  });
});

describe('while the entry of somebody new is written', () => {
  it('a Disconnect-Request turns the user back: no session begins, and nothing of it is left', async () => {
    const stage = new SimulatedStage({ machines: 2, config: WITH_DYNAUTH });
    const [machine, other] = [stage.machine(1), stage.machine(2)];
    stage.net.holdGrants(true);
    await stage.begin(machine);
    await stage.begin(other);
    await stage.pass(1_000);
    const { life } = stage.invariants.core.parts;
    expect(life.entering({})).toHaveLength(2);
    expect(disconnect(stage, 'nobody')()?.errorCause).toBe(503);
    expect(disconnect(stage, 'u1')()?.code).toBe('Disconnect-ACK');
    stage.net.holdGrants(false);
    await stage.pass(2_000);
    expect(stage.events('session-start').map(({ session }) => session.mac)).toEqual([other.mac]);
    expect(await stage.isGranted(machine.mac, machine.port)).toBe(false);
    expect(stage.net.clients[0]?.supplicant.failures).toBe(1);
    expect(life.entriesLeaving).toBe(0);
  });
});
