// Is the agent there? What upstream is told when it is killed, restarted, stopped or drained: by mosquitto, which counts
// the will delay, with the agent itself.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker, type Subscriber } from '../rigs/lab/broker.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';

const WILL_DELAY_S = 5;
/** mosquitto counts whole seconds of its clock. */
const EARLY_MS = 1_000;
const LATE_MS = 3_000;

interface Availability {
  readonly state: string;
  readonly since: string;
  readonly reason?: string;
}

describe('availability, with a will delay of 5 s', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let broker: Broker;
  let upstream: Subscriber;
  let agent: Agent;

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 1 });
    radius = await FreeRadius.start(lab.netns, { users: [] });
    broker = await Broker.start(lab.netns);
    upstream = await broker.subscribe('#');
    agent = await Agent.start(lab.netns, { mqtt: { will_delay_s: WILL_DELAY_S } });
    await online(0);
  });

  afterAll(async () => {
    await agent?.close();
    await broker?.close();
    await radius?.close();
    lab?.close();
  });

  const said = (from: number): readonly Availability[] =>
    upstream
      .ofTopic('rollcall/v1/sw1/availability')
      .slice(from)
      .map(({ payload }) => JSON.parse(payload) as Availability);

  const heard = (from: number, state: string, timeoutMs = 10_000): Promise<unknown> =>
    upstream.waitFor(state, () => said(from).some((each) => each.state === state), timeoutMs);

  const online = (from: number): Promise<unknown> => heard(from, 'online');

  /** The agent is there again, whatever the test before has left. */
  async function present(): Promise<number> {
    if (!agent.isRunning) {
      const from = said(0).length;
      await agent.start();
      await online(from);
    }
    return said(0).length;
  }

  /** Waits until the broker has sent a will that was left now, with the same delay: ours would have come before. */
  async function delayPasses(): Promise<void> {
    const topic = `lab/will-${said(0).length}-${Date.now()}`;
    const witness = await broker.leaveWill(topic, WILL_DELAY_S);
    await witness.kill();
    await upstream.waitFor('the will of the witness', (message) => message.topic === topic, 20_000);
  }

  it('killed: online until the delay has passed, then offline', async () => {
    const from = await present();
    const killedAt = Date.now();
    await agent.kill();
    await heard(from, 'offline', WILL_DELAY_S * 1_000 + LATE_MS);
    const took = Date.now() - killedAt;
    expect(took).toBeGreaterThanOrEqual(WILL_DELAY_S * 1_000 - EARLY_MS);
    expect(said(from)).toMatchObject([{ state: 'offline', reason: 'connection-lost' }]);
    expect((await agent.rollcall('status', '--broker', broker.url, '--switch', 'sw1')).code).toBe(3);
  });

  it.each(['killed', 'stopped'] as const)('%s and back within the delay: nobody hears of it', async (how) => {
    const from = await present();
    if (how === 'killed') await agent.kill();
    else expect(await agent.stop()).toBe(0);
    await agent.start();
    // Killed after the agent, and with the same delay: what it leaves comes later.
    await delayPasses();
    expect(said(from).map(({ state }) => state)).toEqual(['online']);
  });

  it('stopped for good: offline after the delay', async () => {
    const from = await present();
    const stoppedAt = Date.now();
    await agent.stop();
    await heard(from, 'offline', WILL_DELAY_S * 1_000 + LATE_MS);
    expect(Date.now() - stoppedAt).toBeGreaterThanOrEqual(WILL_DELAY_S * 1_000 - EARLY_MS);
    expect(said(from)).toMatchObject([{ state: 'offline', reason: 'connection-lost' }]);
  });

  it('drained: offline at once, with the reason, and once', async () => {
    const from = await present();
    expect((await agent.cli('drain')).code).toBe(0);
    expect(await agent.exited).toBe(0);
    await heard(from, 'offline', 1_000);
    await delayPasses();
    expect(said(from)).toMatchObject([{ state: 'offline', reason: 'drained' }]);
  });
});
