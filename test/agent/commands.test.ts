// Each verb on a switch with one session, and what is refused. A refusal changes nothing.

import { beforeEach, describe, expect, it } from 'vitest';
import { VERBS } from '../../src/report/command-schemas.ts';
import type { InfoPayload, SessionPayload } from '../../src/report/payloads.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import type { PortSession } from '../scenarios/stage.ts';

interface Metered {
  readonly sessions: readonly Pick<SessionPayload, 'counters'>[];
}

const NOBODY = '02:66:00:00:00:01';

describe('a switch with one session', () => {
  let stage: SimulatedStage;
  let session: PortSession;
  const { stringify } = JSON;

  beforeEach(async () => {
    stage = new SimulatedStage({ machines: 2 });
    session = await stage.login(stage.machine(1));
    await stage.passes(stage.machine(1));
  });

  it.each(['sessions', 'ports', 'info', 'events'])('%s can be read and changes nothing', async (verb) => {
    expect(stringify(await stage.ask(verb))).toContain(verb === 'info' ? 'sw1' : 'p1');
    expect((await stage.retained(session.mac))?.session_id).toBe(session.session_id);
  });

  it.each([
    ['port', { port: 'p2' }, 0],
    ['port', { port: 'p1' }, 1],
    ['role', { role: 'default' }, 1],
    ['user', { user: 'u2' }, 0],
  ])('sessions by %s', async (_, filter, count) => {
    const { sessions } = (await stage.ask('sessions', filter)) as { readonly sessions: readonly unknown[] };
    expect(sessions).toHaveLength(count);
  });

  it.each([
    ['mac', () => ({ mac: session.mac })],
    ['ip', () => ({ ip: '10.99.0.11' })],
    ['session_id', () => ({ session_id: session.session_id })],
    ['user', () => ({ user: 'u1' })],
  ])('session by %s', async (_, selector) => {
    expect(await stage.ask('session', selector())).toMatchObject({ session: { mac: session.mac } });
  });

  it('sessions with what each has sent and received, as of now, where the port has nobody else on it', async () => {
    const metered = async () => (await stage.ask('sessions', { counters: true })) as Metered;
    const before = (await metered()).sessions[0]?.counters;
    expect(before).toMatchObject({ input_packets: expect.any(Number), output_octets: expect.any(Number) });
    for (let frame = 0; frame < 5; frame++) await stage.passes(stage.machine(1));
    const after = (await metered()).sessions[0]?.counters;
    expect(after?.input_packets).toBeGreaterThan(before?.input_packets ?? 0);
    expect(after?.input_octets).toBeGreaterThan(before?.input_octets ?? 0);
    expect(stringify(await stage.ask('sessions'))).not.toContain('input_octets');
  });

  it("the port's counters begin anew, by a reset or for want of bits: what was counted stays counted", async () => {
    const octets = async () =>
      ((await stage.ask('sessions', { counters: true })) as Metered).sessions[0]?.counters?.input_octets;
    const { counters } = stage.net.bridge.port('p1');
    counters.inputOctets += 5e9;
    expect(await octets()).toBeGreaterThanOrEqual(5e9);
    counters.inputOctets = 0;
    expect(await octets()).toBeGreaterThanOrEqual(5e9);
    counters.inputOctets += 1e9;
    expect(await octets()).toBeGreaterThanOrEqual(6e9);
    // Some drivers read a little less than before.
    counters.inputOctets -= 64;
    expect(await octets()).toBeLessThan(7e9);
  });

  it('info counts probes, how sessions have ended, and events on their way', async () => {
    const info = async () => (await stage.ask('info')) as InfoPayload;
    expect(await info()).toMatchObject({
      mqtt: { connected: true },
      events: { dropped: 0 },
      probes: { sent: 0, answered: 0 },
      sessions_ended: {},
    });
    await stage.pass(3_000);
    await stage.ask('probe', { mac: session.mac });
    await stage.pass(1_000);
    expect((await info()).probes).toEqual({ sent: 1, answered: 1 });
    await stage.ask('disconnect', { mac: session.mac });
    expect((await info()).sessions_ended).toEqual({ 'admin-reset': 1 });
  });

  it('probe asks now', async () => {
    const before = stage.askedFor(stage.machine(1));
    await stage.pass(3_000);
    expect(await stage.ask('probe', { mac: session.mac })).toMatchObject({ probed: 1 });
    await stage.pass(100);
    expect(stage.askedFor(stage.machine(1))).toBe(before + 1);
  });

  it('timers take effect on who is in already', async () => {
    const change = { role: 'default', period_s: 5, times: 2 };
    expect(await stage.ask('timers', change)).toEqual({ sessions: 1 });
    expect((await stage.retained(session.mac))?.handshake).toMatchObject({ period_s: 5, times: 2 });
    expect(await stage.ask('timers', change)).toEqual({ sessions: 0 });
  });

  it('explain tells the story of a MAC, and of one that was never seen none', async () => {
    const told = stringify(await stage.ask('explain', { mac: session.mac }));
    for (const what of ['identity', 'accepted', 'session started']) expect(told).toContain(what);
    expect(await stage.ask('explain', { mac: NOBODY })).toMatchObject({ decisions: [] });
  });

  it.each([
    ['an unknown verb', 'frobnicate', {}, 'unknown-verb'],
    ['an unknown key', 'info', { colour: 'red' }, 'unknown-key'],
    ['no selector', 'disconnect', {}, 'bad-value'],
    ['two selectors that do not fit together', 'disconnect', { user: 'u1', port: 'p2' }, 'not-found'],
    ['everybody, and somebody', 'disconnect', { all: true, port: 'p1' }, 'bad-value'],
    ['a MAC that is none', 'disconnect', { mac: 'zz' }, 'bad-value'],
    ['nobody by that MAC', 'disconnect', { mac: NOBODY }, 'not-found'],
    ['nobody to reauthenticate', 'reauthenticate', { user: 'u9' }, 'not-found'],
    ['nobody to probe', 'probe', { port: 'p2' }, 'not-found'],
    ['no such session', 'session', { session_id: 'x' }, 'not-found'],
    ['no such port', 'ports', { port: 'p9' }, 'not-found'],
    ['an uplink', 'port', { port: 'up0', control: 'auto' }, 'not-found'],
    ['a control that is none', 'port', { port: 'p1', control: 'ajar' }, 'bad-value'],
    ['no such role', 'timers', { role: 'guest', times: 2 }, 'not-found'],
  ])('%s is refused, and the session goes on', async (_, verb, request, code) => {
    expect(stage.net.command(verb, { id: 7, ...request })).toMatchObject({
      id: 7,
      ok: false,
      error: { code },
    });
    expect((await stage.retained(session.mac))?.session_id).toBe(session.session_id);
    expect(await stage.passes(stage.machine(1))).toBe(true);
  });

  it.each([
    ['disconnect', { all: true }],
    ['reauthenticate', { all: true }],
    ['probe', { all: true }],
    ['port', { port: 'p1', control: 'force-unauthorized' }],
    ['timers', { role: 'default', times: 9 }],
    ['config', { apply: 'x' }],
    ['certified', { clear: true, all: true }],
    ['drain', {}],
  ])('%s %j by a way that is for reading: forbidden, and nothing is changed', async (verb, request) => {
    const before = await stage.retained(session.mac);
    const answer = stage.net.command(verb, { id: 7, ...request }, 'read');
    expect(answer).toMatchObject({ id: 7, ok: false, error: { code: 'forbidden', path: '' } });
    await stage.pass(1_000);
    expect(await stage.passes(stage.machine(1))).toBe(true);
    expect((await stage.retained(session.mac))?.handshake).toEqual(before?.handshake);
  });

  it.each([
    ['sessions', {}],
    ['sessions', { counters: true }],
    ['ports', {}],
    ['session', { user: 'u1' }],
    ['info', {}],
    ['servers', {}],
    ['explain', { mac: NOBODY }],
    ['events', {}],
    ['config', { get: true }],
    ['certified', { list: true }],
    ['certified', { clear: true, all: true, dry_run: true }],
    ['disconnect', { all: true, dry_run: true }],
  ])('%s %j by a way that is for reading: as ever', (verb, request) => {
    expect(stage.net.command(verb, request, 'read')).toEqual(stage.net.command(verb, request));
  });

  it.each([...VERBS])('%s: what is no JSON object is refused', (verb) => {
    const octets = (text: string) => new TextEncoder().encode(text);
    for (const text of ['{', '[]', '3', 'null', '\u0000'])
      expect(stage.net.command(verb, octets(text))).toMatchObject({ ok: false });
    expect(stage.net.command(verb, Uint8Array.of(0xff, 0xfe))).toMatchObject({ ok: false });
  });
});

describe('a port that a command has closed', () => {
  let stage: SimulatedStage;
  const controlOf = async (): Promise<unknown> =>
    (
      (await stage.ask('ports', { port: 'p1' })) as {
        readonly ports: readonly { readonly control: string }[];
      }
    ).ports[0]?.control;
  const config = (control: string) => simFile({ ports: { 'p*': { control } } });

  beforeEach(async () => {
    stage = new SimulatedStage({ machines: 1 });
    await stage.login(stage.machine(1));
    await stage.ask('port', { port: 'p1', control: 'force-unauthorized' });
    await stage.pass(1_000);
  });

  it.each<readonly [string, () => Promise<void>]>([
    [
      'the port leaves the bridge and comes back',
      async () => {
        await stage.removePort('p1');
        await stage.pass(1_000);
        await stage.restorePort('p1');
      },
    ],
    [
      'the bridge is made anew',
      async () => {
        stage.loseBridge();
        await stage.pass(1_000);
        stage.restoreBridge();
      },
    ],
  ])('%s: it is closed still, until a command opens it', async (_, happens) => {
    await happens();
    await stage.begin(stage.machine(1));
    await stage.pass(60_000);
    expect(await controlOf()).toBe('force-unauthorized');
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({
      control: 'force-unauthorized',
    });
    expect(await stage.passes(stage.machine(1))).toBe(false);
    await stage.ask('port', { port: 'p1', control: 'auto' });
    await stage.login(stage.machine(1));
  });

  it('the configuration says something else of it while it is away: that holds, and what is said later, too', async () => {
    await stage.removePort('p1');
    for (const control of ['force-authorized', 'auto']) await stage.ask('config', { apply: config(control) });
    await stage.restorePort('p1');
    expect(await controlOf()).toBe('auto');
  });

  it('a configuration that says the same of it as before: it is closed still', async () => {
    await stage.removePort('p1');
    await stage.ask('config', { apply: simFile({ roles: { default: { session_s: 77 } } }) });
    await stage.restorePort('p1');
    expect(await controlOf()).toBe('force-unauthorized');
  });

  it('by the configuration none of ours: one that comes back locked is not told of as left to itself', async () => {
    await stage.ask('config', { apply: config('off') });
    await stage.ask('port', { port: 'p1', control: 'force-unauthorized' });
    await stage.removePort('p1');
    await stage.pass(1_000);
    const before = stage.events('warning').length;
    stage.net.bridge.port('p1').locked = true;
    await stage.restorePort('p1');
    await stage.pass(1_000);
    expect(await controlOf()).toBe('force-unauthorized');
    expect(stage.events('warning').slice(before)).toEqual([]);
  });

  it('by a command none of ours: one that comes back locked is told of', async () => {
    await stage.ask('port', { port: 'p1', control: 'off' });
    await stage.removePort('p1');
    stage.net.bridge.port('p1').locked = true;
    await stage.restorePort('p1');
    await stage.pass(1_000);
    expect(await controlOf()).toBe('off');
    expect(stage.events('warning').at(-1)?.message).toMatch(
      /^p1 has come locked, and by a command it is none of ours/,
    );
  });

  it.each(['off', 'force-authorized', 'auto'])('%s: its topic says so', async (control) => {
    await stage.ask('port', { port: 'p1', control });
    await stage.pass(5_000);
    expect(stage.net.retained.get('rollcall/v1/sw1/port/p1')).toMatchObject({ control });
  });
});
