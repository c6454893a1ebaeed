// MAC authentication bypass by the notices of the switch's own kernel, which are none of a captured frame.

import assert from 'node:assert/strict';
import type { PoweredScenario } from '../rigs/qemu/stage.ts';
import { expectEnd, expectIn } from '../scenarios/expectations.ts';
import { begunSessions } from '../scenarios/stage.ts';

const SOON_MS = 20_000;

const kernelMab: PoweredScenario = {
  name: "in by its MAC on the kernel's own notice; a MAC that the server does not know stays locked",
  setting: () => ({
    machines: 2,
    devices: [1],
    config: {
      ports: { 'p*': { mab: { enabled: true, delay_s: 1, kernel: true, authentication: 'eap-md5' } } },
    },
  }),
  play: async (stage) => {
    const [known, stranger] = [stage.machine(1), stage.machine(2)];
    const mab = async (port: string): Promise<unknown> => (await stage.house.lab.portFlags(port)).mab;
    assert.deepEqual([await mab(known.port), await mab(stranger.port)], [true, true]);
    await stage.passes(stranger);
    const session = await stage.until(
      'the device in',
      async () => {
        await stage.passes(known);
        return begunSessions(stage).find(({ mac }) => mac === known.mac);
      },
      SOON_MS,
    );
    assert.equal(session.method, 'mab');
    await expectIn(stage, known, session);
    await stage.until(
      'the refusal',
      () => stage.events('auth-failed').some(({ mac }) => mac === stranger.mac),
      SOON_MS,
    );
    assert.equal(await stage.passes(stranger), false);
    assert.equal(await stage.isGranted(stranger.mac, stranger.port), false);
    await stage.unplug(known);
    await expectEnd(stage, session, { cause: 'port-down', withinMs: SOON_MS });
    await stage.unplug(stranger);
    // What the kernel had noticed goes with its ageing, or with the link.
    await stage.until('an empty table', async () => (await stage.entries(stranger.mac)) === 0, SOON_MS);
  },
};

export const KERNEL_MAB: readonly PoweredScenario[] = [kernelMab];
