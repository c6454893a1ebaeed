// A borrowed MAC on a MAB port must not end its owner's session, whatever is in the way of the question meanwhile.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Core } from '../../src/agent/core.ts';
import type { Aaa } from '../../src/agent/methods/aaa.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const P2 = 'p2' as PortName;
const AUTHORIZATION = { userName: 'x', classes: [], reauthenticateAtTimeout: false, server: 's' };

describe('a borrowed MAC on a MAB port', () => {
  let stage: SimulatedStage;
  let core: Core;
  /** The server's Accept of the question by MAB that is held back, if one was asked. */
  let accept: (() => void) | undefined;

  beforeEach(() => {
    stage = new SimulatedStage({
      machines: 2,
      config: { ports: { p2: { mab: { enabled: true, delay_s: 0 } } } },
    });
    core = stage.invariants.core;
    accept = undefined;
    const ask = core.parts.aaa.ask.bind(core.parts.aaa);
    vi.spyOn(core.parts.aaa, 'ask').mockImplementation((...[applicant, question]: Parameters<Aaa['ask']>) => {
      if (applicant.method !== 'mab') ask(applicant, question);
      else
        accept = () =>
          applicant.verdict({ type: 'aaa-accept', ref: question.ref, authorization: AUTHORIZATION });
    });
  });

  function inAgent(act: () => void): void {
    core.now = stage.net.world.clocks;
    act();
    stage.net.post({ type: 'tick' });
    stage.net.advance(10);
  }

  function sessions(): readonly string[] {
    return [...core.sessions.onPorts()].map(({ session }) => `${session.grant.port} ${session.method}`);
  }

  it('an administrator who has everybody reauthenticated does not ask about it there', async () => {
    await stage.login(stage.machine(1));
    const { mac } = [...core.sessions.onPorts()][0]?.session ?? { mac: '' as Mac };
    inAgent(() => core.parts.mab.sighted(mac, P2));
    stage.net.command('reauthenticate', { all: true });
    await stage.pass(500);
    inAgent(() => accept?.());
    expect(sessions()).toEqual(['p1 dot1x']);
    expect(stage.events('session-end')).toEqual([]);
  });

  it('an Accept for a question of before does not move the session that has begun elsewhere meanwhile', async () => {
    await stage.login(stage.machine(1));
    const { mac } = [...core.sessions.onPorts()][0]?.session ?? { mac: '' as Mac };
    stage.net.command('disconnect', { port: 'p1' });
    await stage.until('out', () => sessions().length === 0, 5_000);
    inAgent(() => core.parts.mab.sighted(mac, P2));
    expect(accept).toBeDefined();
    await stage.login(stage.machine(1));
    inAgent(() => accept?.());
    expect(sessions()).toEqual(['p1 dot1x']);
    expect(stage.events('session-end').map(({ cause }) => cause)).toEqual(['admin-reset']);
  });
});
