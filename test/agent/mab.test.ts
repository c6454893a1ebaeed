// MAB in the whole agent, on the simulated switch: bounds, and what the administrator changes meanwhile.

import { describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import { type Mac, macFromNumber } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { PortPayload } from '../../src/report/payloads.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { overlay } from '../rigs/config-part.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { deviceName } from '../scenarios/stage.ts';

const P1 = 'p1' as PortName;

function config(mab: ConfigPart = {}, port: ConfigPart = {}): ConfigPart {
  return {
    ports: {
      'p*': {
        control: 'auto',
        mab: { enabled: true, delay_s: 0, authentication: 'eap-md5', ...mab },
        ...port,
      },
    },
    roles: { default: { handshake: { period_s: 0 } } },
  };
}

function open(mab: ConfigPart = {}, port: ConfigPart = {}): SimulatedStage {
  return new SimulatedStage({ machines: 3, onePort: true, devices: [1, 2, 3], config: config(mab, port) });
}

function questions(stage: SimulatedStage): number {
  return stage.net.servers.reduce((sum, { questions }) => sum + questions, 0);
}

async function port(stage: SimulatedStage): Promise<PortPayload> {
  return ((await stage.ask('ports')) as { readonly ports: readonly [PortPayload] }).ports[0];
}

/** Random MACs that each say something once. */
function flood(stage: SimulatedStage, first: number, count: number): void {
  for (let n = 0; n < count; n++) {
    const low = (first + n) % 250;
    const client = stage.net.addClient({
      mac: macFromNumber(0x06_00_00_00_00_00 + first + n),
      port: P1,
      ipv4: `10.99.1.${low}` as Ipv4,
      user: { identity: 'nobody', password: '' },
    });
    client.announce();
    client.silent = true;
  }
}

describe('a port full of strangers', () => {
  it('3,000 random MACs: so many are remembered, so many asked about', async () => {
    const stage = open();
    flood(stage, 1, 3_000);
    await stage.pass(1_000);
    const { mab_clients: known, counters } = await port(stage);
    expect(known.waiting + known.asking + known.quiet).toBeLessThanOrEqual(256);
    // Three seconds' worth at once, and one second more.
    expect(counters['mab-asked']).toBeLessThanOrEqual(41);
  });

  it('a device that goes on sending is in among them, however long it lasts', async () => {
    const stage = open();
    const device = stage.machine(1);
    for (let n = 0; n < 30; n++) {
      flood(stage, 1 + 100 * n, 100);
      await stage.passes(device);
      await stage.pass(100);
      if (await stage.isGranted(device.mac, device.port)) break;
    }
    expect(await stage.isGranted(device.mac, device.port)).toBe(true);
  });

  it('max_clients and rate_per_s say how many', async () => {
    const stage = open({ max_clients: 8, rate_per_s: 1 });
    flood(stage, 1, 100);
    await stage.pass(1_000);
    const { mab_clients: known, counters } = await port(stage);
    expect(known.waiting + known.asking + known.quiet).toBeLessThanOrEqual(8);
    expect(counters['mab-asked']).toBeLessThanOrEqual(4);
  });
});

describe('what the port is set to', () => {
  it('single-host: the second one is not asked about while the first is in', async () => {
    const stage = open({}, { host_mode: 'single-host' });
    await stage.passes(stage.machine(1));
    await stage.pass(500);
    expect(await stage.isGranted(stage.machine(1).mac, P1)).toBe(true);
    const before = questions(stage);
    await stage.passes(stage.machine(2));
    await stage.pass(2_000);
    expect(questions(stage)).toBe(before);
    expect(await stage.isGranted(stage.machine(2).mac, P1)).toBe(false);
  });

  it('single-host: of two that are asked about at the same time one gets in', async () => {
    const stage = open({}, { host_mode: 'single-host' });
    for (const n of [1, 2, 3]) await stage.say(stage.machine(n));
    for (const client of stage.net.clients) client.announce();
    await stage.pass(2_000);
    const granted = [...stage.net.bridge.table.values()].filter(({ mac }) =>
      mac.startsWith('02:99:00:00:00:0'),
    );
    expect(granted).toHaveLength(1);
    expect(stage.events('session-start')).toHaveLength(1);
  });

  it('MAB switched off by a configuration: whoever is in by it is out, a user of 802.1X is not touched', async () => {
    const stage = open();
    await stage.passes(stage.machine(1));
    await stage.pass(500);
    const alice = await stage.login(stage.machine(2));
    const off = simFile(overlay(config(), { ports: { 'p*': { mab: { enabled: false } } } }));
    await stage.ask('config', { apply: off });
    await stage.pass(500);
    expect(stage.events('session-end').map(({ cause, method }) => `${method} ${cause}`)).toEqual([
      'mab port-reinit',
    ]);
    expect((await stage.retained(alice.mac))?.session_id).toBe(alice.session_id);
    const before = questions(stage);
    await stage.passes(stage.machine(1));
    await stage.pass(5_000);
    expect(questions(stage)).toBe(before);
  });

  it('another delay or spelling touches no session', async () => {
    const stage = open();
    await stage.passes(stage.machine(1));
    await stage.pass(500);
    const applied = await stage.ask('config', {
      apply: simFile(config({ delay_s: 5, user_name: 'AA-BB-CC-DD-EE-FF' })),
    });
    expect(applied).toMatchObject({ applied: true, ports: ['p1'] });
    expect(stage.events('session-end')).toEqual([]);
  });

  it('a drain refuses newcomers', async () => {
    const stage = open();
    await stage.ask('drain');
    await stage.passes(stage.machine(1));
    await stage.pass(3_000);
    expect(questions(stage)).toBe(0);
  });

  it('the link goes: nobody is remembered', async () => {
    const stage = new SimulatedStage({ machines: 1, config: config({ quiet_s: 600 }) });
    await stage.passes(stage.machine(1));
    await stage.pass(500);
    expect((await port(stage)).mab_clients.quiet).toBe(1);
    await stage.unplug(stage.machine(1));
    await stage.pass(100);
    expect((await port(stage)).mab_clients).toEqual({ waiting: 0, asking: 0, quiet: 0 });
  });
});

describe('the administrator', () => {
  it('has a quiet MAC asked about: by its MAC, and by its port', async () => {
    const stage = new SimulatedStage({ machines: 1, config: config({ quiet_s: 600 }) });
    const machine = stage.machine(1);
    await stage.passes(machine);
    await stage.pass(500);
    const before = questions(stage);
    expect(await stage.ask('reauthenticate', { mac: machine.mac })).toMatchObject({ reauthenticating: 1 });
    await stage.pass(500);
    expect(questions(stage)).toBeGreaterThan(before);
    for (const { users } of stage.net.servers)
      users.set(deviceName(1), { password: deviceName(1), reply: {} });
    expect(await stage.ask('reauthenticate', { port: 'p1' })).toMatchObject({ reauthenticating: 1 });
    await stage.pass(500);
    expect(await stage.isGranted(machine.mac, 'p1')).toBe(true);
  });

  it('sees where a MAC stands', async () => {
    const stage = open({ delay_s: 20 });
    const { mac } = stage.machine(1);
    await stage.passes(stage.machine(1));
    const { decisions } = (await stage.ask('explain', { mac: mac as Mac })) as {
      readonly decisions: readonly { readonly detail: string }[];
    };
    expect(decisions.map(({ detail }) => detail).join('\n')).toMatch(/p1: MAB WAITING, next step in \d+ s/);
  });
});

it.each([
  ['single-host', [{ what: 'refused', detail: 'single-host: the port has its client' }]],
  // It passes by the port that is open.
  ['multi-host', []],
])(
  '%s: a second MAC is not asked about, counted by the mode, and explained if it is out',
  async (mode, decisions) => {
    const stage = open({ kernel: false }, { host_mode: mode });
    stage.net.clients[0]?.announce();
    await stage.until('the first to be in', () => stage.retained(stage.machine(1).mac), 60_000);
    const { core } = stage.invariants;
    const mac = stage.machine(2).mac as Mac;
    core.now = stage.net.world.clocks;
    core.parts.mab.sighted(mac, P1);
    expect(core.drops.snapshot()).toMatchObject({ [`mab-${mode}-taken`]: 1 });
    expect(core.decisions.about(mac)).toMatchObject(decisions);
  },
);
