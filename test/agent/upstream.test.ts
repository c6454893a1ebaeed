// What upstream is told, and when no more of it is to come.

import { describe, expect, it } from 'vitest';
import { answering } from '../../src/agent/told/standing.ts';
import { utf8 } from '../../src/base/bytes.ts';
import type { Mac } from '../../src/base/mac.ts';
import { macToKey } from '../../src/base/mac.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';

describe("a port's topic, told once a second at most", () => {
  it('leaves nothing to do behind it when the broker came back meanwhile', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.pass(2_000);
    await stage.unplug(machine);
    await stage.pass(200);
    await stage.plug(machine);
    await stage.brokerAway(true);
    await stage.brokerAway(false);
    await stage.pass(3_000);
    expect(stage.net.agent.pollAt() - stage.now()).toBeGreaterThan(1_000);
  });

  it('is told at last before a drain ends the agent', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await stage.pass(2_000);
    const session = await stage.login(stage.machine(1));
    await stage.pass(200);
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({ sessions: [session.key] });
    await stage.ask('drain');
    await stage.until('the end', () => stage.net.drained, 5_000);
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({ sessions: [] });
  });
});

describe('the topic `info`', () => {
  const infoOf = (stage: SimulatedStage) => stage.net.retained.get('rollcall/v1/sw1/info');

  it('says which ports there are, as they go and come', async () => {
    const stage = new SimulatedStage({ machines: 2 });
    expect(infoOf(stage)).toMatchObject({ uplinks: ['up0'], counts: { ports: 2 } });
    for (const port of ['up0', 'p1']) await stage.removePort(port);
    await stage.pass(100);
    expect(infoOf(stage)).toMatchObject({ uplinks: [], counts: { ports: 1 } });
    stage.rejoinUplink();
    await stage.restorePort('p1');
    expect(infoOf(stage)).toMatchObject({ uplinks: ['up0'], counts: { ports: 2 } });
  });

  it('says what a new configuration asks for, and what cannot be had', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    expect(infoOf(stage)).toMatchObject({ missing: [] });
    await stage.ask('config', { apply: simFile({ vlans: { staff: 30 } }) });
    expect(infoOf(stage)).toMatchObject({
      missing: ['The bridge does not filter VLANs: whoever is to be in one is refused.'],
    });
  });
});

describe('events that the broker does not have', () => {
  const arrived = ({ events }: SimulatedStage['net']): readonly string[] =>
    events.map(({ boot_id, seq }) => `${boot_id} ${seq}`);
  const happened = ({ performed }: SimulatedStage['net']): readonly string[] =>
    performed.flatMap(({ effect }) =>
      effect.type === 'event' ? [`${effect.payload.boot_id} ${effect.payload.seq}`] : [],
    );
  const written = ({ performed }: SimulatedStage['net']): number =>
    performed.filter(({ effect }) => effect.type === 'event-store').length;

  it('cost the disk nothing while it answers', async () => {
    const stage = new SimulatedStage({ machines: 2 });
    for (const n of [1, 2]) {
      await stage.login(stage.machine(n));
      await stage.pass(5_000);
      await stage.logoff(stage.machine(n));
    }
    await stage.pass(5_000);
    expect(arrived(stage.net)).toEqual(happened(stage.net));
    expect(written(stage.net)).toBe(0);
  });

  it.each([
    ['killed', false],
    ['stopped', true],
  ])(
    'the broker is away and the agent %s: the next one tells them, in their order, before its own',
    async (_, stopped) => {
      const stage = new SimulatedStage({ machines: 3 });
      const { net } = stage;
      await stage.login(stage.machine(1));
      await stage.login(stage.machine(2));
      await stage.brokerAway(true);
      await stage.logoff(stage.machine(1));
      await stage.begin(stage.machine(3));
      await stage.pass(1_100);
      const before = arrived(net).length;
      for (let life = 0; life < 2; life++) {
        if (stopped) net.post({ type: 'stopping' });
        await stage.killAgent('the broker is away');
        await stage.pass(2_000);
        await stage.logoff(stage.machine(2 + life));
        await stage.pass(stopped ? 100 : 1_100);
        expect(arrived(net)).toHaveLength(before);
      }
      await stage.brokerAway(false);
      expect(arrived(net)).toEqual(happened(net));
      expect(net.events.slice(-2)).toMatchObject([
        { boot_id: 'b0071', type: 'session-end' },
        { boot_id: 'b0072', type: 'session-end' },
      ]);
      await stage.pass(2_000);
      expect([...net.disk.keys()].filter((key) => key.startsWith('e'))).toEqual([]);
    },
  );

  it('a broker that hangs until the agent is killed: what was on the wire comes again, with its number', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const { net } = stage;
    await stage.login(stage.machine(1));
    net.hangEvents(true);
    await stage.logoff(stage.machine(1));
    await stage.pass(1_500);
    await stage.killAgent();
    expect(arrived(net)).not.toEqual(happened(net));
    net.hangEvents(false);
    await stage.pass(100);
    expect(arrived(net)).toEqual(happened(net));
  });

  it("the late end of a session does not take the topic of that client's session of now", async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.brokerAway(true);
    await stage.logoff(machine);
    await stage.pass(100);
    await stage.begin(machine);
    await stage.pass(1_100);
    const key = macToKey(machine.mac as Mac);
    const topic = `rollcall/v1/sw1/session/${key}`;
    await stage.killAgent();
    await stage.pass(5_000);
    expect(stage.net.events.filter(({ type }) => type === 'session-end')).toHaveLength(1);
    expect(stage.net.retained.get(topic)).toMatchObject({ key });
    const cleared = stage.net.performed.filter(
      ({ effect }) => effect.type === 'publish' && effect.topic === topic && effect.payload === null,
    );
    expect(cleared).toEqual([]);
  });

  it('10,000 at most are kept, and none beyond is on disk', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await stage.brokerAway(true);
    for (let i = 0; i < 10_300; i++)
      stage.net.post({ type: 'descriptors', ...(i % 2 === 0 ? { shortage: 'few' } : {}) });
    await stage.pass(1_100);
    expect([...stage.net.disk.keys()].filter((key) => key.startsWith('e'))).toHaveLength(10_000);
    await stage.killAgent();
    const { events } = stage.net;
    const first = events.findIndex(({ dropped }) => dropped !== undefined);
    expect(events[first]).toMatchObject({
      seq: (events[first - 1]?.seq ?? 0) + (events[first]?.dropped ?? 0) + 1,
    });
    expect(events.slice(first)).toHaveLength(10_000);
    expect(
      events
        .slice(first + 1)
        .every(({ dropped, seq }, i) => dropped === undefined && seq === (events[first + i]?.seq ?? 0) + 1),
    ).toBe(true);
  });

  it('an entry of the store that cannot be read is told of', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    await stage.brokerAway(true);
    stage.net.disk.set('e000000000001', Uint8Array.of(1, 2, 3));
    await stage.killAgent();
    await stage.pass(2_000);
    const [event] = stage.net.events.slice(-1);
    expect(event).toMatchObject({ type: 'warning', code: 'spool', dropped: 1 });
    expect(event).toMatchObject({ message: '1 events of the store cannot be read, and are lost' });
    expect(stage.net.disk.has('e000000000001')).toBe(false);
  });
});

describe('sessions of other switches', () => {
  it('are followed no more when nobody here has that MAC: the broker remembers what we forgot', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const key = macToKey('02:99:00:00:00:77' as Mac);
    const topic = `rollcall/v1/sw2/session/${key}`;
    stage.net.post({ type: 'followed', topic, payload: utf8('{"started":"2025-01-31T00:00:00.000Z"}') });
    expect(stage.net.performed.map(({ effect }) => effect)).toContainEqual({
      type: 'unfollow',
      topic: `rollcall/v1/+/session/${key}`,
    });
  });

  it.each([
    ['a user', true, 0],
    ['a stranger at its login page, whose MAC anybody may bear,', false, 1],
  ])('%s elsewhere: a session here whose client is silent goes, or stays', async (_, authenticated, left) => {
    const stage = new SimulatedStage({ machines: 1 });
    const machine = stage.machine(1);
    await stage.login(machine);
    await stage.silence(machine);
    await stage.pass(1_000);
    const tell = (what: string, body: object) =>
      stage.net.post({
        type: 'followed',
        topic: `rollcall/v1/sw2/${what}`,
        payload: utf8(JSON.stringify(body)),
      });
    tell('availability', { state: 'online' });
    const started = new Date(Date.parse('2100-01-01')).toISOString();
    tell(`session/${macToKey(machine.mac as Mac)}`, { started, authenticated });
    await stage.pass(5_000);
    expect(await stage.ask('sessions')).toMatchObject({ sessions: Array(left).fill({}) });
  });
});

describe('how things stand, in one sentence', () => {
  const WATCHED = '1 of 1 controlled ports set and watched';

  it('says of RADIUS that it answers, and that it does not', async () => {
    const stage = new SimulatedStage({ machines: 1 });
    const stands = () => stage.net.agent.standing();
    await stage.login(stage.machine(1));
    expect(stands()).toBe(`${WATCHED}, 1 session, RADIUS answers, broker connected`);
    await stage.serverSilent(true);
    await stage.ask('reauthenticate', { all: true });
    await stage.until('it to be missed', () => stands().includes('no RADIUS server answers'), 300_000);
  });

  it.each([
    ['nobody has answered yet', [{ up: true }, { up: false }], 'RADIUS has not answered yet'],
    ['one has, and was lost', [{ up: false, roundTripMs: 3 }, { up: true }], 'RADIUS has not answered yet'],
    ['one does', [{ up: false }, { up: true, roundTripMs: 3 }], 'RADIUS answers'],
    ['none', [{ up: false, roundTripMs: 3 }], 'no RADIUS server answers'],
  ])('%s', (_, servers, said) => expect(answering(servers)).toBe(said));
});
