// Two switches on one broker: the other one is played by what it would publish.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker, type Subscriber } from '../rigs/lab/broker.ts';
import { fallSilent } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch } from '../rigs/lab/netns.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

describe('a MAC that starts a session on another switch', () => {
  let lab: LabSwitch;
  let radius: FreeRadius;
  let broker: Broker;
  let agent: Agent;
  let upstream: Subscriber;
  const supplicants: Supplicant[] = [];

  beforeAll(async () => {
    lab = await LabSwitch.create({ ports: 2 });
    radius = await FreeRadius.start(lab.netns, { users: [{ name: 'alice', password: 'wonder' }] });
    broker = await Broker.start(lab.netns);
    upstream = await broker.subscribe('rollcall/v1/sw1/#');
    // No handshake: only the news from elsewhere may end anybody here.
    agent = await Agent.start(lab.netns, {
      handshake: { hold_after_link_up_s: 0 },
      roles: { default: { handshake: { period_s: 0 } } },
    });
    for (const n of [1, 2]) {
      const credentials = { method: 'MD5', identity: 'alice', password: 'wonder' } as const;
      const supplicant = await Supplicant.start(lab.client(n), credentials);
      supplicants.push(supplicant);
      await supplicant.waitFor('authorized');
      // Its address is learnt from the ARP that this takes.
      await lab.client(n).netns.must(['ping', '-c1', '-W2', '10.99.0.254']);
    }
  });

  afterAll(async () => {
    for (const supplicant of supplicants) await supplicant.close();
    await agent?.close();
    await broker?.close();
    await radius?.close();
    lab?.close();
  });

  /** What another switch says of a client of ours. */
  async function elsewhere(switchId: string, mac: string, startedMs: number): Promise<void> {
    const key = mac.replaceAll(':', '-');
    const payload = JSON.stringify({ key, mac, started: new Date(startedMs).toISOString() });
    await broker.publish({ topic: `rollcall/v1/${switchId}/session/${key}`, payload, retain: true });
  }

  const available = (switchId: string, state: 'online' | 'offline'): Promise<void> =>
    broker.publish({
      topic: `rollcall/v1/${switchId}/availability`,
      payload: JSON.stringify({ state, since: new Date().toISOString() }),
      retain: true,
    });

  it('an older session elsewhere, or one of a switch that is offline, says nothing', async () => {
    const { mac } = lab.client(1);
    await available('sw2', 'online');
    await available('sw3', 'offline');
    await elsewhere('sw2', mac, Date.now() - 3_600_000);
    await elsewhere('sw3', mac, Date.now() + 1_000);
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(JSON.stringify(await agent.ask('sessions'))).toContain(mac);
    expect(upstream.ofTopic('rollcall/v1/sw1/event/warning')).toEqual([]);
  });

  it('a client that answers here stays, and the operator hears of two with one MAC', async () => {
    const { mac } = lab.client(1);
    await elsewhere('sw2', mac, Date.now() + 1_000);
    const warning = await upstream.waitFor('the warning', ({ topic, payload }) => {
      return topic.endsWith('/event/warning') && JSON.stringify(payload).includes('mac-elsewhere');
    });
    expect(JSON.stringify(warning.payload)).toContain('sw2');
    expect(JSON.stringify(await agent.ask('sessions'))).toContain(mac);
  });

  it('a client that is silent here has moved: its session ends so', async () => {
    const { mac } = lab.client(2);
    await fallSilent(lab.client(2));
    await new Promise((resolve) => setTimeout(resolve, 500));
    await elsewhere('sw2', mac, Date.now() + 1_000);
    const end = await upstream.waitFor('the end', ({ topic }) => topic.endsWith('/event/session-end'));
    expect(JSON.parse(end.payload)).toMatchObject({ cause: 'moved' });
    expect(await lab.fdb(mac)).toEqual([]);
    const stop = await radius.waitForAccounting({ 'Acct-Status-Type': 'Stop' });
    expect(stop['Acct-Terminate-Cause']).toBe('NAS-Request');
  });
});
