// The agent before everything else: bridge, broker and RADIUS server come after it, in any order, as at the boot of a switch.

import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker } from '../rigs/lab/broker.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { giveAddress, LabSwitch, SWITCH_IPV4, SWITCH_IPV6, SWITCH_MAC } from '../rigs/lab/netns.ts';
import { patience } from '../rigs/lab/patience.ts';
import { until } from '../rigs/lab/process.ts';
import { TOPIC_BASE } from '../rigs/lab/scene.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

const PASSWORD = 'wonder';
/** The agent tries the broker again after half a minute at most. */
const BROKER_WITHIN_MS = 40_000;

let undoings: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of undoings.reverse()) await undo();
  undoings = [];
});

function closing<T extends { close(): unknown }>(part: T): T {
  undoings.push(() => part.close());
  return part;
}

/** Its ports are there, and no bridge. */
async function switchWithoutBridge(): Promise<LabSwitch> {
  const lab = closing(await LabSwitch.create({ ports: 2 }));
  await lab.netns.ip('link del br0');
  return lab;
}

async function makeBridge({ netns }: LabSwitch, ...options: readonly string[]): Promise<void> {
  const words = ['forward_delay', '0', 'stp_state', '0', 'mcast_snooping', '0', ...options].join(' ');
  await netns.ip(`link add br0 address ${SWITCH_MAC} type bridge ${words}`);
  await netns.ip('link set up0 master br0');
  await netns.ip('link set p1 master br0');
  await netns.ip('link set br0 up');
  await giveAddress(netns, 'br0', { ipv4: SWITCH_IPV4, ipv6: SWITCH_IPV6 });
}

function lockedSoon(lab: LabSwitch, port: string): Promise<boolean> {
  return until(
    `${port} to be locked`,
    async () => (await lab.portFlags(port)).locked === true || null,
    patience(3000),
  );
}

interface Info {
  readonly missing: readonly string[];
  readonly counts: { readonly ports: number };
}

async function infoOf(agent: Agent): Promise<Info> {
  return ((await agent.ask('status')) as { readonly result: Info }).result;
}

test('bridge, broker and RADIUS server come after the agent: it says what is missing, and goes on when it is there', async () => {
  const lab = await switchWithoutBridge();
  const agent = closing(await Agent.start(lab.netns));
  const absence = /he bridge br0 is not there, and is waited for: nothing has made it yet/;
  expect((await infoOf(agent)).missing[0]).toMatch(absence);
  await agent.waitForLog(absence);
  await agent.waitForLog(/MQTT.*(ECONNREFUSED|refused)/i);

  const broker = closing(await Broker.start(lab.netns));
  const upstream = await broker.subscribe(`${TOPIC_BASE}/#`, { asPublished: true });
  const info = await upstream.waitFor('info', ({ topic }) => topic.endsWith('/info'), BROKER_WITHIN_MS);
  expect(info.retain).toBe(true);
  expect((JSON.parse(info.payload) as Info).missing[0]).toMatch(absence);
  await upstream.waitFor('the warning', ({ payload }) => payload.includes('"bridge-absent"'));

  await makeBridge(lab);
  await lockedSoon(lab, 'p1');
  const later = upstream.waitFor(
    'info of the switch with its bridge',
    ({ topic, payload }) => topic.endsWith('/info') && !absence.test(payload),
  );
  expect(JSON.parse((await later).payload)).toMatchObject({ capabilities: { last_seen: true } });
  await upstream.waitFor('the port', ({ topic, retain }) => topic.endsWith('/port/p1') && retain);

  const supplicant = closing(
    await Supplicant.start(lab.client(1), { method: 'MD5', identity: 'u1', password: PASSWORD }),
  );
  await upstream.waitFor('no server', ({ payload }) => /"state":"down"/.test(payload), patience(30_000));
  const user = { name: 'u1', password: PASSWORD };
  const radius = closing(await FreeRadius.start(lab.netns, { users: [user] }));
  await supplicant.waitFor('authorized', patience(90_000));
  await upstream.waitFor('the session', ({ topic, payload }) => /\/session\//.test(topic) && payload !== '');
  await until('its Start', () => radius.accounting()[0] ?? null, patience(15_000));

  await lab.netns.ip('link set p2 master br0');
  await lockedSoon(lab, 'p2');
  expect((await infoOf(agent)).counts.ports).toBe(2);
}, 240_000);

test('a bridge that comes late with ageing_time 0 is refused as at start, and its ports are locked', async () => {
  const lab = await switchWithoutBridge();
  const agent = closing(await Agent.start(lab.netns));
  await makeBridge(lab, 'ageing_time', '0');
  await agent.waitForLog(/bridge br0 has ageing_time 0/);
  await lockedSoon(lab, 'p1');
  expect((await infoOf(agent)).missing.join()).toMatch(/Entries do not tell/);
  await lab.netns.ip('link set br0 type bridge ageing_time 30000');
  await agent.waitForLog(/port set at try/, { timeoutMs: 40_000 });
}, 120_000);

test('a bridge whose name is taken at first, then made, deleted and made anew: its ports are locked each time', async () => {
  const lab = await switchWithoutBridge();
  await lab.netns.ip('link add br0 type veth peer name nothing');
  const agent = closing(await Agent.start(lab.netns));
  expect((await infoOf(agent)).missing[0]).toMatch(/br0 is no bridge but another kind of interface/);
  await lab.netns.ip('link del br0');
  for (let round = 0; round < 3; round++) {
    await makeBridge(lab);
    await lockedSoon(lab, 'p1');
    expect((await infoOf(agent)).counts.ports).toBe(1);
    await lab.netns.ip('link del br0');
    await until(
      'the bridge to be missed',
      async () => /^The bridge br0 is gone/.test((await infoOf(agent)).missing[0] ?? '') || null,
      patience(5000),
    );
  }
  const lines = agent.lines.filter((line) => /find bridge br0|dump/.test(line));
  expect(lines).toEqual([]);
}, 120_000);

test('stopped at any moment of its start it ends in order, with its store closed', async () => {
  const lab = closing(await LabSwitch.create({ ports: 1 }));
  const agent = closing(await Agent.start(lab.netns));
  await agent.stop();
  for (let round = 0; round < 12; round++) {
    const started = agent.launch();
    await started.waitForLine(/ports are set/, { timeoutMs: patience(10_000) });
    await setTimeout(10 * round);
    expect(await agent.stop(), started.output).toBe(0);
    expect(started.output).toContain('the store is read');
  }
}, 120_000);
