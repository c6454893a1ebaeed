// What a client has on the wire of a port that is not `auto`, and what becomes of one that is in the middle of a login.

import { expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';

it.each(['force-authorized', 'force-unauthorized', 'off'])(
  '%s: an EAPOL-Start is answered by nobody, and a login that runs is dropped with its question',
  async (control) => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    const { aaa } = stage.invariants.core.parts;
    const asked = () =>
      aaa.servers().reduce((sum, { kind, inFlight }) => sum + (kind === 'access' ? inFlight : 0), 0);
    const { supplicant } = stage.net.clients[0] ?? {};
    await stage.serverSilent(true);
    await stage.begin(machine);
    await stage.pass(500);
    expect(asked()).toBe(1);
    await stage.ask('port', { port: 'p1', control });
    expect(asked()).toBe(0);
    await stage.serverSilent(false);
    await stage.begin(machine);
    await stage.pass(20_000);
    expect(supplicant).toMatchObject({ authorized: false, successes: 0, failures: 0 });
    expect(stage.events('auth-failed')).toEqual([]);
    await stage.ask('port', { port: 'p1', control: 'auto' });
    await stage.login(machine);
  },
);
