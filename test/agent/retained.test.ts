// After a connect: which retained topics at the broker have no state behind them any more.

import { describe, expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';

describe('what the broker kept from an earlier life', () => {
  it('only our own sessions and ports without a state are stale', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const { key } = await stage.login(stage.machine(1));
    const { agent } = stage.net;
    const live = `rollcall/v1/sw1/session/${key}`;
    expect(agent.isStaleTopic(live, 10)).toBe(false);
    expect(agent.isStaleTopic('rollcall/v1/sw1/port/p1', 10)).toBe(false);
    expect(agent.isStaleTopic('rollcall/v1/sw1/session/00-00-00-00-00-01', 10)).toBe(true);
    expect(agent.isStaleTopic('rollcall/v1/sw1/session/00-00-00-00-00-01', 0)).toBe(false);
    expect(agent.isStaleTopic('rollcall/v1/sw1/port/p9', 10)).toBe(true);
    expect(agent.isStaleTopic('rollcall/v1/sw2/session/00-00-00-00-00-01', 10)).toBe(false);
    expect(agent.isStaleTopic('rollcall/v1/sw1/info', 10)).toBe(false);
    await stage.logoff(stage.machine(1));
    await stage.until('the end', () => stage.events('session-end').length === 1, 5_000);
    expect(agent.isStaleTopic(live, 10)).toBe(true);
  });
});
