// Somebody else changes the VLANs of a port while sessions are in one of the server's: it is set again, told and counted; and what
// the administrator has meant for the port itself is what it goes back to.

import { describe, expect, it } from 'vitest';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import { type HandSet, PASSWORD } from '../scenarios/stage.ts';
import { expectVlans, FOUND, only, UPLINK_VLANS } from '../scenarios/vlan-expectations.ts';

type Step = readonly [vlan: number, how: HandSet];

/** `u1` is in VLAN 30 on `p1`, whose own is 1; nobody is asked, and so nobody falls silent. */
async function inVlan(port: { readonly host_mode?: string } = {}): Promise<SimulatedStage> {
  const stage = new SimulatedStage({
    machines: 2,
    config: { roles: { default: { handshake: 'off' } }, ports: { 'p*': port } },
    vlans: UPLINK_VLANS,
    replies: { u1: { vlan: '30' } },
  });
  await stage.login(stage.machine(1));
  // Until it has been seen that what was told of was our own doing.
  await stage.pass(2_000);
  await expectVlans(stage, 'p1', only(30));
  expect(told(stage)).toEqual([]);
  return stage;
}

async function byHand(stage: SimulatedStage, steps: readonly Step[], port = 'p1'): Promise<void> {
  for (const [vlan, how] of steps) await stage.setVlan(port, vlan, how);
}

/** As `ifreload -a` does it, to whom the file says that this one is the port's own. */
const reloaded = (own: number): readonly Step[] => [
  [30, 'none'],
  [own, 'own'],
];

const told = (stage: SimulatedStage): readonly string[] =>
  stage
    .events('warning')
    .filter(({ code }) => code === 'vlan-changed')
    .map(({ message }) => message);

async function repaired(stage: SimulatedStage): Promise<number | undefined> {
  const { repairs } = (await stage.ask('info')) as { readonly repairs: Readonly<Record<string, number>> };
  return repairs['vlans-set-again'];
}

async function leaves(stage: SimulatedStage): Promise<void> {
  await stage.logoff(stage.machine(1));
  await stage.pass(2_000);
}

/** The kernel has told nobody. */
function untold(stage: SimulatedStage, own: number): void {
  const { vlans } = stage.net.bridge.port('p1');
  vlans.clear();
  vlans.set(own as never, { pvid: true, untagged: true });
}

describe('a port that was put back under its session', () => {
  it('is set again at once, told and counted, and the session goes on', async () => {
    const stage = await inVlan();
    const machine = stage.machine(1);
    await byHand(stage, reloaded(1));
    expect(await stage.passes(machine)).toBe(false);
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30));
    expect(await stage.passes(machine)).toBe(true);
    expect(told(stage)).toEqual([
      'somebody has changed the VLANs of the port: set again (in 30, untagged, its own, not in 1)',
    ]);
    expect(await repaired(stage)).toBe(1);
    expect(stage.events('session-end')).toEqual([]);
    await leaves(stage);
    await expectVlans(stage, 'p1', FOUND);
    expect(stage.net.foundVlans).toEqual([]);
  });

  it.each([
    ['within a minute, where nobody has told of it', (stage: SimulatedStage) => stage.pass(61_000)],
    [
      'at once, after notices were lost',
      async (stage: SimulatedStage) => {
        stage.net.post({ type: 'dataplane', event: { type: 'overrun' } });
        await stage.pass(200);
      },
    ],
  ])('is set again %s', async (_, passes) => {
    const stage = await inVlan();
    untold(stage, 1);
    await passes(stage);
    await expectVlans(stage, 'p1', only(30));
    expect(told(stage)).toHaveLength(1);
  });

  it('is set again, and told, where another login finds it so', async () => {
    const stage = await inVlan();
    untold(stage, 1);
    await stage.login(stage.machine(2));
    await stage.pass(100);
    await expectVlans(stage, 'p1', only(30));
    expect(told(stage)).toHaveLength(1);
  });

  it('and cannot be set at first: tried again until it is', async () => {
    const stage = await inVlan();
    stage.failVlans(2);
    await byHand(stage, reloaded(1));
    await stage.pass(6_000);
    await expectVlans(stage, 'p1', only(30));
    expect(stage.events('warning').map(({ code }) => code)).toEqual(['vlan-changed', 'vlan', 'vlan']);
  });

  it('and readings come to nothing: read again, and set again, a little later', async () => {
    const stage = await inVlan();
    stage.failVlanReads(2);
    await byHand(stage, reloaded(1));
    await stage.pass(3_500);
    await expectVlans(stage, 'p1', only(30));
    expect(told(stage)).toHaveLength(1);
  });

  it('or is in no VLAN any more: is set again', async () => {
    const stage = await inVlan();
    await byHand(stage, [[30, 'none']]);
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30));
    expect(told(stage)).toHaveLength(1);
    await leaves(stage);
    await expectVlans(stage, 'p1', FOUND);
  });

  it('is out of what was added to it, too', async () => {
    const stage = await inVlan();
    await byHand(stage, [[40, 'untagged']]);
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30));
    await leaves(stage);
    await expectVlans(stage, 'p1', { ...FOUND, untagged: [1, 40] });
  });

  it('keeps what was tagged, which is no business of the session', async () => {
    const stage = await inVlan();
    await byHand(stage, [[40, 'tagged']]);
    await stage.pass(61_000);
    await expectVlans(stage, 'p1', only(30, [40]));
    expect(told(stage)).toEqual([]);
  });
});

it('a VLAN that was made for a session, taken from the uplink: made there again', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    config: { vlan: { create: true } },
    vlans: { onUplink: [] },
    replies: { u1: { vlan: '77' } },
  });
  await stage.login(stage.machine(1));
  await stage.pass(2_000);
  await byHand(stage, [[77, 'none']], 'up0');
  await stage.pass(300);
  expect((await stage.vlansOf('up0')).tagged).toEqual([77]);
  expect(told(stage)).toEqual([
    'somebody has changed the VLANs of the port: set again (in 77 of up0, tagged)',
  ]);
});

it('what a change of ours has left half done on an uplink is no doing of somebody else', async () => {
  const stage = new SimulatedStage({
    machines: 2,
    config: { vlan: { create: true }, roles: { default: { handshake: 'off' } } },
    vlans: { onUplink: [] },
    replies: { u1: { vlan: '77' }, u2: { vlan: '78' } },
  });
  await stage.login(stage.machine(1));
  await stage.pass(2_000);
  const second = stage.machine(2);
  stage.net.faults.vlansUntold = 1;
  await stage.attempt(second, { user: 'u2', password: PASSWORD });
  await stage.pass(200);
  await stage.killSupplicant(second);
  await stage.pass(5_000);
  expect((await stage.vlansOf('up0')).tagged).toEqual([77]);
  expect(stage.events('auth-failed')).toMatchObject([{ reason: 'grant-failed' }]);
  expect(told(stage)).toEqual([]);
  expect(await repaired(stage)).toBeUndefined();
});

describe('a port that is open for all (multi-host)', () => {
  const inOpenVlan = async (): Promise<SimulatedStage> => {
    const stage = await inVlan({ host_mode: 'multi-host' });
    expect(stage.net.bridge.port('p1').locked).toBe(false);
    return stage;
  };

  it('and cannot be set again: shut at once, since it leads anybody into its own VLAN', async () => {
    const stage = await inOpenVlan();
    stage.failVlans(1_000);
    await byHand(stage, reloaded(1));
    await stage.pass(300);
    expect(stage.net.bridge.port('p1').locked).toBe(true);
    expect(stage.events('session-end')).toMatchObject([
      { mac: stage.machine(1).mac, cause: 'nas-error', acct_terminate_cause: 9 },
    ]);
    await stage.pass(60_000);
    expect(stage.net.bridge.port('p1').locked).toBe(true);
    stage.failVlans(0);
    // The client tries by itself, from time to time.
    await stage.pass(120_000);
    await expectVlans(stage, 'p1', only(30));
    expect(await stage.retained(stage.machine(1).mac)).toBeDefined();
    await leaves(stage);
    await expectVlans(stage, 'p1', FOUND);
  });

  it('is set again: its session goes on, and it stays open', async () => {
    const stage = await inOpenVlan();
    await byHand(stage, reloaded(1));
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30));
    expect(stage.net.bridge.port('p1').locked).toBe(false);
    expect(stage.events('session-end')).toEqual([]);
  });

  it('and is in its VLAN, and an uplink cannot be put into that: stays open, and is tried again', async () => {
    const stage = new SimulatedStage({
      machines: 1,
      config: {
        vlan: { create: true },
        roles: { default: { handshake: 'off' } },
        ports: { 'p*': { host_mode: 'multi-host' } },
      },
      vlans: { onUplink: [] },
      replies: { u1: { vlan: '77' } },
    });
    await stage.login(stage.machine(1));
    await stage.pass(2_000);
    stage.failVlans(1);
    await byHand(stage, [[77, 'none']], 'up0');
    await stage.pass(300);
    expect(stage.events('warning').map(({ code }) => code)).toContain('vlan');
    expect(stage.net.bridge.port('p1').locked).toBe(false);
    await stage.pass(2_000);
    expect((await stage.vlansOf('up0')).tagged).toEqual([77]);
    expect(stage.events('session-end')).toEqual([]);
  });
});

describe("a port whose own VLAN is another one by the administrator's hand", () => {
  it.each([
    ['of a file that is loaded anew', reloaded(40)],
    ['on the command line', [[40, 'own']] satisfies Step[]],
  ])('%s: goes back to that one, and not to the former', async (_, steps) => {
    const stage = await inVlan();
    await byHand(stage, steps);
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30));
    await leaves(stage);
    await expectVlans(stage, 'p1', only(40));
    expect(stage.net.foundVlans).toEqual([]);
  });

  it.each([1, 40])('%d, step by step as ifreload was seen to go, at whatever pace', async (own) => {
    for (const apart of [0, 1, 90, 199, 210, 700, 1_300]) {
      const stage = await inVlan();
      for (const step of [
        [30, 'none'],
        [own, 'tagged'],
        [own, 'own'],
      ] satisfies Step[]) {
        await byHand(stage, [step]);
        await stage.pass(apart);
      }
      await stage.pass(2_000);
      await expectVlans(stage, 'p1', only(30));
      expect(await stage.passes(stage.machine(1))).toBe(true);
      await leaves(stage);
      await expectVlans(stage, 'p1', only(own));
      expect(stage.net.foundVlans).toEqual([]);
    }
  });

  it('goes back to it after a restart, too, and also where it was changed while no agent ran', async () => {
    for (const when of ['before', 'while']) {
      const stage = await inVlan();
      if (when === 'before') await byHand(stage, reloaded(40));
      await stage.pass(300);
      stage.net.dead = true;
      if (when === 'while') await byHand(stage, reloaded(40));
      stage.invariants.restarted();
      stage.net.killAgent(1_000);
      await stage.pass(2_000);
      await expectVlans(stage, 'p1', only(30));
      await leaves(stage);
      await expectVlans(stage, 'p1', only(40));
    }
  });

  it('of which a session is that was given none: it stays in the one that it was let into, over a reauthentication, too', async () => {
    const stage = await inVlan();
    const second = stage.machine(2);
    const session = await stage.login(second);
    await stage.pass(2_000);
    await byHand(
      stage,
      [
        [1, 'none'],
        [40, 'own'],
      ],
      'p2',
    );
    await stage.pass(300);
    await expectVlans(stage, 'p2', only(1));
    await stage.ask('reauthenticate', { mac: second.mac });
    await stage.pass(5_000);
    await expectVlans(stage, 'p2', only(1));
    expect(await stage.passes(second)).toBe(true);
    expect((await stage.retained(second.mac))?.session_id).toBe(session.session_id);
    await stage.logoff(second);
    await stage.pass(2_000);
    await expectVlans(stage, 'p2', only(40));
  });

  it.each([0, 90, 210, 700])(
    'and which is away for %d ms under a session in it: goes back to it',
    async (apart) => {
      const stage = await inVlan();
      const second = stage.machine(2);
      const session = await stage.login(second);
      await stage.pass(2_000);
      for (const step of [
        [1, 'none'],
        [1, 'tagged'],
        [1, 'own'],
      ] satisfies Step[]) {
        await byHand(stage, [step], 'p2');
        await stage.pass(apart);
      }
      await stage.pass(2_000);
      await expectVlans(stage, 'p2', FOUND);
      expect((await stage.retained(second.mac))?.session_id).toBe(session.session_id);
      await stage.logoff(second);
      await stage.pass(65_000);
      await expectVlans(stage, 'p2', FOUND);
      await stage.login(second);
    },
  );

  it('is in no VLAN at all: a session of the server is let in, and there is none again after it', async () => {
    const stage = await inVlan();
    await leaves(stage);
    await byHand(stage, [[1, 'none']]);
    await stage.pass(2_000);
    await stage.login(stage.machine(1));
    await expectVlans(stage, 'p1', only(30));
    await leaves(stage);
    await expectVlans(stage, 'p1', { pvid: undefined, untagged: [], tagged: [] });
  });

  it('is in the former one tagged now: goes back to that', async () => {
    const stage = await inVlan();
    await byHand(stage, [
      [1, 'tagged'],
      [40, 'own'],
    ]);
    await stage.pass(300);
    await expectVlans(stage, 'p1', only(30, [1]));
    await leaves(stage);
    await expectVlans(stage, 'p1', only(40, [1]));
  });
});

it('a fight: answered once a second, each time counted, told once a minute with how often', async () => {
  const stage = await inVlan();
  const from = stage.net.performed.length;
  for (let turn = 0; turn < 7_000; turn++) {
    await byHand(stage, [[1, 'own']]);
    await stage.pass(10);
  }
  const sets = stage.net.performed.slice(from).filter(({ effect }) => effect.type === 'set-vlans').length;
  expect(sets).toBeGreaterThan(60);
  expect(sets).toBeLessThanOrEqual(75);
  const warnings = told(stage);
  expect(warnings).toHaveLength(2);
  expect(warnings[1]).toMatch(/; \d\d times more since the last warning$/);
  await stage.pass(2_000);
  await expectVlans(stage, 'p1', only(30));
});

it('our own changes are looked at once more, and nobody hears of that', async () => {
  const stage = await inVlan();
  const from = stage.net.performed.length;
  await leaves(stage);
  await stage.login(stage.machine(1));
  await stage.pass(10_000);
  const types = stage.net.performed.slice(from).map(({ effect }) => effect.type);
  expect(types.filter((type) => type === 'set-vlans')).toHaveLength(2);
  expect(types.filter((type) => type === 'read-vlans').length).toBeLessThanOrEqual(4);
  expect(told(stage)).toEqual([]);
  expect(await repaired(stage)).toBeUndefined();
});

it('a port of nobody is left alone', async () => {
  const stage = await inVlan();
  const from = stage.net.performed.length;
  await byHand(stage, [[40, 'own']], 'p2');
  await stage.pass(10_000);
  const types = stage.net.performed.slice(from).map(({ effect }) => effect.type);
  expect(types).not.toContain('set-vlans');
  expect((await stage.vlansOf('p2')).pvid).toBe(40);
});
