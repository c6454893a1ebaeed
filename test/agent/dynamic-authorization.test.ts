// What RADIUS servers ask of running sessions, on the simulated switch: what happens to the sessions, when the answer goes
// out, and that a request is for all that it names or for none.

import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Renewal } from '../../src/agent/session/renewals.ts';
import type { SessionUnit } from '../../src/agent/session/session-unit.ts';
import { utf8 } from '../../src/base/bytes.ts';
import { macFromNumber } from '../../src/base/mac.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { HoldKind } from '../../src/model/port.ts';
import { RADIUS_CODES } from '../../src/wire/radius.ts';
import {
  ip,
  type OutgoingAttribute,
  octets,
  text,
  tunnel,
  u32,
  vendor,
} from '../../src/wire/radius-attributes.ts';
import type { ConfigPart } from '../rigs/config-part.ts';
import { DYNAUTH_SECRET, dynamicRequest, type Reply, readReply } from '../rigs/dynauth.ts';
import { SimulatedSwitch } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { deviceName } from '../scenarios/stage.ts';

const SERVER = '192.0.2.1';
const CONFIG = {
  radius: {
    servers: [{ address: SERVER, secret: 'testing123' }],
    dynamic_authorization: {
      clients: [{ address: SERVER, secret: DYNAUTH_SECRET }],
      allow_disable: true,
    },
  },
  roles: { default: {}, staff: { session_s: 7200 } },
  ports: { p3: { dynamic_authorization: { allow_bounce: false } } },
};
const CISCO = (pair: string) => vendor(9, 1, utf8(pair));
const BOUNCE = CISCO('subscriber:command=bounce-host-port');
const DISABLE = CISCO('subscriber:command=disable-host-port');
const user = (n: number) => text('User-Name', `u${n}`);
const mac = (n: number) => text('Calling-Station-Id', `02-99-00-00-00-0${n}`);

type Code = 'Disconnect-Request' | 'CoA-Request';

/** Everything that was asked of it at one moment, and its answers in the order of the requests; undefined = none. */
function ask(net: SimulatedSwitch, requests: readonly Uint8Array[]): (Reply | undefined)[] {
  net.dynamicReplies.length = 0;
  const datagrams = requests.map((bytes, i) => ({ address: SERVER, port: 40_000 + i, bytes }));
  net.post({ type: 'dynamic-requests', datagrams });
  return answers(net, requests);
}

function answers(net: SimulatedSwitch, requests: readonly Uint8Array[]): (Reply | undefined)[] {
  return requests.map((bytes, i) => {
    const reply = net.dynamicReplies.find(({ port }) => port === 40_000 + i);
    return reply === undefined ? undefined : readReply(bytes, reply.bytes);
  });
}

describe('asked of running sessions', () => {
  let stage: SimulatedStage;
  let net: SimulatedSwitch;
  beforeEach(async () => {
    stage = new SimulatedStage({ machines: 3, config: CONFIG });
    ({ net } = stage);
    for (const n of [1, 2, 3]) await stage.login(stage.machine(n));
  });

  const one = (code: Code, ...attributes: readonly OutgoingAttribute[]) =>
    ask(net, [dynamicRequest({ code, attributes, at: net.world.clocks.wall })])[0];
  const sessions = () => stage.invariants.core.sessions;
  const session = (n: number) => [...sessions().onPort(`p${n}` as PortName)][0]?.session;
  const causes = () => stage.events('session-end').map(({ cause, port }) => `${port} ${cause}`);

  /** Machines 1 and 2 are both u1's. */
  const sameUser = async (): Promise<void> => {
    await stage.become(stage.machine(2), 'u1');
    await stage.until('u1 on p2', () => session(2)?.authorization.userName === 'u1', 10_000);
  };

  it('a Disconnect is acknowledged when the port is proven locked, and its Class is in the Stop', async () => {
    const reply = one('Disconnect-Request', user(1), octets('Class', utf8('late')));
    expect(reply).toMatchObject({ code: 'Disconnect-ACK', errorCause: undefined });
    const order = net.performed.map(({ effect: { type } }) => type);
    expect(order.lastIndexOf('send-dynamic-reply')).toBeGreaterThan(order.lastIndexOf('revoke'));
    expect(causes()).toEqual(['p1 radius-disconnect']);
    expect(one('Disconnect-Request', user(1))).toMatchObject({ code: 'Disconnect-NAK', errorCause: 503 });
    net.advance(1000);
    const stop = (await stage.accounting()).find(({ status }) => status === 'Stop');
    expect(stop).toMatchObject({ terminateCause: 6 });
  });

  describe('where the access cannot be taken away at once', () => {
    const request = () =>
      dynamicRequest({ code: 'Disconnect-Request', attributes: [mac(1)], at: net.world.clocks.wall });
    const answered = (bytes: Uint8Array) => answers(net, [bytes])[0];

    it('it is acknowledged as soon as it is, and whoever asked meanwhile hears that something was left', () => {
      net.faults.revokes = 1;
      const bytes = request();
      expect(ask(net, [bytes])).toEqual([undefined]);
      // The session is over, whatever comes of its entry.
      net.advance(500);
      expect(causes()).toEqual(['p1 radius-disconnect']);
      const again = request();
      net.post({
        type: 'dynamic-requests',
        datagrams: [{ address: SERVER, port: 40_009, bytes: again }],
      });
      net.advance(1_000);
      expect(answered(bytes)).toMatchObject({ code: 'Disconnect-ACK', errorCause: undefined });
      const other = net.dynamicReplies.find(({ port }) => port === 40_009);
      expect(other && readReply(again, other.bytes)).toMatchObject({
        code: 'Disconnect-ACK',
        errorCause: 201,
      });
      expect(one('Disconnect-Request', mac(1))?.errorCause).toBe(503);
    });

    it('504 after 5 s of tries: the session has ended with its Stop, and the next request is for what is left', async () => {
      net.faults.revokes = 3;
      const first = request();
      ask(net, [first]);
      net.advance(4_900);
      expect(answered(first)).toBeUndefined();
      const stops = (await stage.accounting()).filter(({ status }) => status === 'Stop');
      expect(stops).toMatchObject([{ userName: 'u1', terminateCause: 6 }]);
      net.advance(200);
      expect(answered(first)).toMatchObject({ code: 'Disconnect-NAK', errorCause: 504 });
      expect(sessions().size).toBe(2);
      expect(await stage.isGranted(stage.machine(1).mac, 'p1')).toBe(true);
      // There is no session that anything could be changed of.
      expect(one('CoA-Request', mac(1), u32('Idle-Timeout', 90))?.errorCause).toBe(503);
      const second = request();
      expect(ask(net, [second])).toEqual([undefined]);
      net.advance(2_500);
      expect(answered(second)).toMatchObject({ code: 'Disconnect-ACK', errorCause: 201 });
      expect(await stage.isGranted(stage.machine(1).mac, 'p1')).toBe(false);
    });

    it('504 for the next one, too, for as long as it lasts', () => {
      net.faults.revokes = 5;
      const first = request();
      ask(net, [first]);
      net.advance(6_000);
      expect(answered(first)?.errorCause).toBe(504);
      const second = request();
      ask(net, [second]);
      net.advance(5_100);
      expect(answered(second)?.errorCause).toBe(504);
    });
  });

  it('by every key, all of which must fit', () => {
    const { id = '', multiId = '', nasPort = 0, calledStation = '' } = session(2) ?? {};
    const keys = [
      user(2),
      mac(2),
      text('Called-Station-Id', calledStation.replaceAll(':', '-')),
      text('Acct-Session-Id', id),
      text('Acct-Multi-Session-Id', multiId),
      u32('NAS-Port', nasPort),
      text('NAS-Port-Id', 'p2'),
      u32('NAS-Port-Type', 15),
      octets('Framed-IP-Address', Uint8Array.of(10, 99, 0, 12)),
    ];
    net.clients[1]?.announce();
    net.advance(200);
    for (const key of keys) {
      const others = key === keys[6] ? mac(1) : text('NAS-Port-Id', 'p1');
      const wrong = one('CoA-Request', key, others, u32('Idle-Timeout', 500));
      // NAS-Port-Type fits everybody.
      expect(wrong?.errorCause).toBe(key === keys[7] ? undefined : 503);
      const also = key === keys[1] ? user(2) : mac(2);
      expect(one('CoA-Request', key, also, u32('Idle-Timeout', 600))?.code).toBe('CoA-ACK');
    }
    expect(one('Disconnect-Request', ...keys)?.code).toBe('Disconnect-ACK');
    expect(causes()).toEqual(['p2 radius-disconnect']);
  });

  it('several that fit are ended together, and nobody is without a name', async () => {
    await sameUser();
    expect(one('Disconnect-Request', text('NAS-Identifier', 'sw1'))?.errorCause).toBe(402);
    expect(one('Disconnect-Request', user(1))?.code).toBe('Disconnect-ACK');
    expect(causes().slice(-2).sort()).toEqual(['p1 radius-disconnect', 'p2 radius-disconnect']);
    expect(sessions().size).toBe(1);
  });

  it('nobody has the rights of another by saying its address', async () => {
    const [victim, thief] = net.clients;
    const address = victim?.ipv4;
    if (thief === undefined || address === undefined) throw new Error('there are two, with addresses');
    thief.ipv4 = address;
    for (const client of [victim, thief]) client?.announce();
    await stage.pass(500);
    const roles = () => [1, 2].map((n) => session(n)?.role);
    const raise = [ip('Framed-IP-Address', address), text('Filter-Id', 'staff')];
    expect([one('CoA-Request', ...raise)?.errorCause, roles()]).toEqual([508, ['default', 'default']]);
    const named = one('CoA-Request', ...raise, mac(1));
    expect([named?.code, roles()]).toEqual(['CoA-ACK', ['staff', 'default']]);
  });

  it('a burst is one batch of revocations', () => {
    const requests = [1, 2, 3].map((n) =>
      dynamicRequest({ code: 'Disconnect-Request', attributes: [user(n)] }),
    );
    expect(ask(net, requests).map((reply) => reply?.code)).toEqual(Array(3).fill('Disconnect-ACK'));
    const order = net.performed.map(({ effect: { type } }) => type);
    expect(order.filter((type) => type === 'revoke').length).toBe(3);
    expect(order.lastIndexOf('revoke')).toBeLessThan(order.indexOf('send-dynamic-reply'));
  });

  it('timers: what is named changes, what is not runs on', () => {
    net.advance(5000);
    const given = () => [...sessions().onPort('p1' as PortName)][0]?.authorizedAt;
    const before = given();
    expect(one('CoA-Request', user(1), u32('Idle-Timeout', 90))?.code).toBe('CoA-ACK');
    expect(given()).toBe(before);
    expect(one('CoA-Request', user(1), u32('Session-Timeout', 60))?.code).toBe('CoA-ACK');
    expect(session(1)?.authorization).toMatchObject({ idleTimeout: 90_000, sessionTimeout: 60_000 });
    for (let s = 0; s < 59; s++) {
      net.clients[0]?.talk(10);
      net.advance(1000);
    }
    expect(session(1)).toBeDefined();
    net.advance(2000);
    expect(causes()).toContain('p1 session-timeout');
  });

  describe('a change that the data plane has to make first', () => {
    const unit = (n: number) => [...sessions().onPort(`p${n}` as PortName)][0] as SessionUnit;
    const request = () =>
      dynamicRequest({ code: 'CoA-Request', attributes: [user(1), text('Filter-Id', 'staff')] });
    const roles = () => [1, 2].map((n) => session(n)?.authorization.filterId);

    /** As `Life.renew` does it, but each answers so. */
    function answering(...renewals: readonly Renewal[]): void {
      const { life } = stage.invariants.core.parts;
      const renew = life.renew.bind(life);
      let next = 0;
      vi.spyOn(life, 'renew').mockImplementation((...asked) => {
        const renewal = renewals[next++] ?? 'done';
        if (typeof renewal !== 'object') renew(...asked);
        return renewal;
      });
    }

    beforeEach(sameUser);

    it('is acknowledged when it is in force for all', () => {
      answering('pending', 'pending');
      const bytes = request();
      expect(ask(net, [bytes])).toEqual([undefined]);
      const { dynauth } = stage.invariants.core.parts;
      dynauth.renewed(unit(1));
      expect(answers(net, [bytes])).toEqual([undefined]);
      dynauth.renewed(unit(2));
      net.post({ type: 'tick' });
      expect(answers(net, [bytes])[0]?.code).toBe('CoA-ACK');
    });

    it('is put back everywhere if it fails anywhere: 506', () => {
      answering('pending', 'pending');
      const bytes = request();
      ask(net, [bytes]);
      expect(roles()).toEqual(['staff', 'staff']);
      const { dynauth } = stage.invariants.core.parts;
      dynauth.renewed(unit(2), 'no room in the table');
      dynauth.renewed(unit(1));
      net.post({ type: 'tick' });
      expect(answers(net, [bytes])[0]?.errorCause).toBe(506);
      expect(roles()).toEqual([undefined, undefined]);
    });

    it('gives way to a newer request for one of its sessions, which begins on what was before', () => {
      answering('done', 'pending');
      const bytes = request();
      expect(ask(net, [bytes])).toEqual([undefined]);
      const newer = dynamicRequest({
        code: 'CoA-Request',
        attributes: [mac(1), u32('Idle-Timeout', 90)],
        at: net.world.clocks.wall,
      });
      net.post({
        type: 'dynamic-requests',
        datagrams: [{ address: SERVER, port: 40_001, bytes: newer }],
      });
      expect(answers(net, [bytes, newer])).toMatchObject([
        { code: 'CoA-NAK', errorCause: 506 },
        { code: 'CoA-ACK' },
      ]);
      stage.invariants.core.parts.dynauth.renewed(unit(2), 'too late');
      net.post({ type: 'tick' });
      expect(roles()).toEqual([undefined, undefined]);
      expect(session(1)?.authorization.idleTimeout).toBe(90_000);
    });

    it('that fails, leaves alone who was reauthenticated meanwhile', () => {
      answering('done', 'pending');
      const bytes = request();
      expect(ask(net, [bytes])).toEqual([undefined]);
      const { dynauth, life } = stage.invariants.core.parts;
      const authorization = { ...unit(1).session.authorization, filterId: 'default' };
      expect(life.renew(unit(1), authorization)).toBe('done');
      dynauth.renewed(unit(2), 'no room in the table');
      net.post({ type: 'tick' });
      expect(answers(net, [bytes])[0]?.errorCause).toBe(506);
      expect(roles()).toEqual(['default', undefined]);
    });

    it('is put back if the second session refuses it: 407', () => {
      answering('done', { refused: 'there is no such VLAN' });
      const bytes = request();
      expect(ask(net, [bytes])[0]?.errorCause).toBe(407);
      expect(roles()).toEqual([undefined, undefined]);
    });

    it('is refused if the session ends meanwhile', () => {
      answering('done', 'pending');
      const bytes = request();
      ask(net, [bytes]);
      net.command('disconnect', { port: 'p2' });
      expect(answers(net, [bytes])[0]?.errorCause).toBe(506);
    });
  });

  it('a role, if there is one of that name', () => {
    expect(one('CoA-Request', user(1), text('Filter-Id', 'nobody'))).toMatchObject({ errorCause: 407 });
    expect(session(1)?.role).toBe('default');
    expect(one('CoA-Request', user(1), text('Filter-Id', 'staff'))?.code).toBe('CoA-ACK');
    expect(session(1)?.role).toBe('staff');
  });

  it('reauthentication goes on without interruption', () => {
    const cisco = CISCO('subscriber:command=reauthenticate');
    expect(one('CoA-Request', mac(1), cisco)?.code).toBe('CoA-ACK');
    const { id } = session(1) ?? {};
    net.advance(2000);
    expect(session(1)?.id).toBe(id);
    expect(causes()).toEqual([]);
  });

  it('506, and none begins, where one of two cannot be reauthenticated now', async () => {
    await sameUser();
    const { supplicants } = stage.invariants.core.parts;
    // The link was down for longer than the session minds, and the port is full of others meanwhile.
    supplicants.portClosed('p2' as PortName);
    for (let n = 0; n < 64; n++)
      supplicants.reauthenticate(macFromNumber(0x06_00_00_00_00_00 + n), 'p2' as PortName, 'sighting');
    const asked = vi.spyOn(supplicants, 'reauthenticate');
    const cisco = CISCO('subscriber:command=reauthenticate');
    expect(one('CoA-Request', user(1), cisco)).toMatchObject({ code: 'CoA-NAK', errorCause: 506 });
    expect(asked).not.toHaveBeenCalled();
    expect(stage.events('dynamic-authorization').at(-1)).toMatchObject({
      detail: expect.stringContaining('the port has no room'),
    });
    net.advance(1000);
    expect(one('CoA-Request', user(1), cisco)?.code).toBe('CoA-ACK');
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it('a bounce: down for ten seconds, everybody on the port out, and up again', async () => {
    expect(one('CoA-Request', user(1), BOUNCE)?.code).toBe('CoA-ACK');
    expect(causes()).toEqual(['p1 port-reinit']);
    expect(net.bridge.port('p1').adminUp).toBe(false);
    net.advance(9900);
    expect(net.bridge.port('p1').adminUp).toBe(false);
    net.advance(200);
    expect(net.bridge.port('p1').adminUp).toBe(true);
    await stage.until('u1 in again', () => session(1), 10_000);
    expect(causes()).toEqual(['p1 port-reinit']);
  });

  it('two bounces of one port at once are one', () => {
    const bounce = () => dynamicRequest({ code: 'CoA-Request', attributes: [user(1), BOUNCE] });
    expect(ask(net, [bounce(), bounce()]).map((reply) => reply?.code)).toEqual(['CoA-ACK', 'CoA-ACK']);
    expect(net.performed.filter(({ effect }) => effect.type === 'set-link')).toHaveLength(1);
  });

  it('501 where it is not allowed', () => {
    expect(one('CoA-Request', user(3), BOUNCE)).toMatchObject({ code: 'CoA-NAK', errorCause: 501 });
    expect(session(3)).toBeDefined();
  });

  it.each([1, 2])('506, and nothing changed, where port %i of two cannot be taken down', async (stuck) => {
    await sameUser();
    net.advance(1000);
    const before = causes();
    net.stuckLinks.add(`p${stuck}` as PortName);
    expect(one('CoA-Request', user(1), BOUNCE)).toMatchObject({ errorCause: 506 });
    const lowered = net.performed.filter(({ effect }) => effect.type === 'set-link' && !effect.up);
    expect(lowered).toHaveLength(2);
    // The kernel's word of the short admin-down comes after the answer.
    net.advance(10_000);
    expect(causes()).toEqual(before);
    expect(sessions().size).toBe(3);
    expect(net.bridge.port('p1').adminUp && net.bridge.port('p2').adminUp).toBe(true);
  });

  it('506 for a port that cannot be taken down, a little later: its topic says that it is not held any more', () => {
    const told = () => net.retained.get('rollcall/v1/sw1/port/p1');
    net.advance(1_000);
    net.stuckLinks.add('p1' as PortName);
    net.holdLinks(true);
    const bytes = dynamicRequest({
      code: 'CoA-Request',
      attributes: [user(1), BOUNCE],
      at: net.world.clocks.wall,
    });
    expect(ask(net, [bytes])).toEqual([undefined]);
    net.advance(1_000);
    expect(told()).toMatchObject({ held_down: 'bounce' });
    net.holdLinks(false);
    net.advance(2_000);
    expect(answers(net, [bytes])[0]).toMatchObject({ errorCause: 506 });
    expect(told()).toMatchObject({ held_down: null });
  });

  it('a disabled port stays down until the port command', async () => {
    expect(one('CoA-Request', user(1), DISABLE)?.code).toBe('CoA-ACK');
    net.advance(3_600_000);
    expect(causes()[0]).toBe('p1 port-disabled');
    expect(net.bridge.port('p1').adminUp).toBe(false);
    expect(JSON.stringify(net.command('ports', { port: 'p1' }))).toContain('"held_down":"disable"');
    net.command('port', { port: 'p1', control: 'auto' });
    expect(net.bridge.port('p1').adminUp).toBe(true);
  });

  describe('a port that leaves the bridge meanwhile', () => {
    const isUp = () => net.bridge.port('p1').adminUp;

    it('comes up with its return if it was bounced', async () => {
      expect(one('CoA-Request', user(1), BOUNCE)?.code).toBe('CoA-ACK');
      await stage.removePort('p1');
      net.advance(60_000);
      expect(isUp()).toBe(false);
      await stage.restorePort('p1');
      net.advance(1000);
      expect(isUp()).toBe(true);
      expect(JSON.stringify(net.command('ports', { port: 'p1' }))).toContain('"held_down":null');
    });

    it('stays down if it was disabled, until the port command', async () => {
      expect(one('CoA-Request', user(1), DISABLE)?.code).toBe('CoA-ACK');
      await stage.removePort('p1');
      net.advance(1000);
      await stage.restorePort('p1');
      net.advance(60_000);
      expect(isUp()).toBe(false);
      expect(JSON.stringify(net.command('ports', { port: 'p1' }))).toContain('"held_down":"disable"');
      net.command('port', { port: 'p1', control: 'auto' });
      expect(isUp()).toBe(true);
    });

    it('506 if it goes while it is being taken down, and comes up with its return', async () => {
      await sameUser();
      const setAdmin = net.bridge.setAdmin.bind(net.bridge);
      const spy = vi.spyOn(net.bridge, 'setAdmin').mockImplementation((name, up) => {
        setAdmin(name, up);
        // Before the answer, as from a thread of its own.
        if (name === 'p1' && !up)
          net.post({ type: 'dataplane', event: { type: 'port-gone', name: 'p1' as PortName } });
      });
      expect(one('CoA-Request', user(1), DISABLE)).toMatchObject({ errorCause: 506 });
      spy.mockRestore();
      net.bridge.port('p1').present = false;
      net.advance(10_000);
      expect([...sessions().onPorts()].map(({ session: { grant } }) => grant.port).sort()).toEqual([
        'p2',
        'p3',
      ]);
      expect(net.bridge.port('p2').adminUp).toBe(true);
      await stage.restorePort('p1');
      net.advance(1000);
      expect(isUp()).toBe(true);
      await stage.until('u1 in again', () => session(1), 10_000);
      expect(one('CoA-Request', mac(1), BOUNCE)?.code).toBe('CoA-ACK');
    });
  });

  it('a bounced port that cannot be set up is tried until it can', () => {
    one('CoA-Request', user(1), BOUNCE);
    net.faults.links = 2;
    net.advance(12_900);
    expect(net.bridge.port('p1').adminUp).toBe(false);
    net.advance(200);
    expect(net.bridge.port('p1').adminUp).toBe(true);
  });

  it('Authorize-Only: 507, and then the server that asked is asked', () => {
    const state = octets('State', utf8('a state'));
    const reply = one('CoA-Request', user(1), u32('Service-Type', 17), state);
    expect(reply).toMatchObject({ code: 'CoA-NAK', errorCause: 507 });
    const sent = net.performed.findLast(({ effect }) => effect.type === 'send-datagram')?.effect;
    if (sent?.type !== 'send-datagram') throw new Error('nobody was asked');
    expect(sent.bytes[0]).toBe(RADIUS_CODES['Access-Request']);
    expect(Buffer.from(sent.bytes).toString('latin1')).toContain('a state');
  });

  describe('Authorize-Only asks, after a reload as before it', () => {
    const OTHER = { address: '192.0.2.7', secret: 'testing123' };
    const OURS = { address: SERVER, secret: 'testing123' };
    const asked = async (servers: readonly ConfigPart[]): Promise<(string | undefined)[]> => {
      const radius = { ...CONFIG.radius, servers };
      await stage.ask('config', { apply: simFile({ ...CONFIG, radius }) });
      const before = net.performed.length;
      const state = `state ${before}`;
      one('CoA-Request', user(1), u32('Service-Type', 17), octets('State', utf8(state)));
      net.advance(20_000);
      return net.performed.slice(before).flatMap(({ effect }) => {
        if (effect.type !== 'send-datagram' || effect.socket.kind !== 'access') return [];
        return Buffer.from(effect.bytes).toString('latin1').includes(state) ? [effect.address] : [];
      });
    };

    it('the server that asked, wherever in the list it stands, and nobody else', async () => {
      expect(new Set(await asked([OTHER, OURS]))).toEqual(new Set([SERVER]));
    });

    it('that server by its new secret', async () => {
      expect((await asked([{ ...OURS, secret: 'another of sixteen' }]))[0]).toBe(SERVER);
    });

    it('the others in their order, where it is for accounting only, or none of ours', async () => {
      expect((await asked([{ ...OURS, use: 'accounting' }, OTHER]))[0]).toBe(OTHER.address);
      const others = ['192.0.2.8', '192.0.2.9'].map((address) => ({ ...OTHER, address }));
      expect((await asked(others)).slice(0, 3)).toEqual(['192.0.2.8', '192.0.2.8', '192.0.2.9']);
    });
  });

  it('what was captured is not done again, after a new login either', async () => {
    const attributes = [user(1)];
    const captured = dynamicRequest({ code: 'Disconnect-Request', attributes, at: net.world.clocks.wall });
    expect(ask(net, [captured])[0]?.code).toBe('Disconnect-ACK');
    await stage.login(stage.machine(1));
    expect(ask(net, [captured])[0]?.code).toBe('Disconnect-ACK');
    expect(session(1)).toBeDefined();
    net.advance(400_000);
    expect(ask(net, [captured])[0]).toBeUndefined();
    expect(causes().filter((cause) => cause === 'p1 radius-disconnect')).toHaveLength(1);
  });

  it('is told upstream, and refusals are counted', () => {
    one('CoA-Request', user(3), BOUNCE);
    one('Disconnect-Request', text('User-Name', 'nobody'));
    expect(stage.events('dynamic-authorization')).toMatchObject([
      { client: SERVER, request: 'coa', action: 'bounce', answer: 'nak', error_cause: 501 },
      { request: 'disconnect', action: 'disconnect', answer: 'nak', error_cause: 503, sessions: [] },
    ]);
    expect(stage.invariants.core.drops.snapshot()).toMatchObject({
      'dynauth-nak-501': 1,
      'dynauth-nak-503': 1,
    });
  });
});

describe('reauthenticate-type', () => {
  const opened = (mab: ConfigPart = {}): SimulatedStage => {
    const port = {
      mab: { enabled: true, delay_s: 0, authentication: 'eap-md5', ...mab },
      dot1x: { tx_period_s: 1 },
    };
    const handshake = { period_s: 0 };
    const config = { ...CONFIG, roles: { default: { handshake } }, ports: { 'p*': port } };
    return new SimulatedStage({ machines: 1, devices: [1], config });
  };
  const asked = (stage: SimulatedStage, type: string): Reply | undefined => {
    const attributes = [
      CISCO('subscriber:command=reauthenticate'),
      CISCO(`subscriber:reauthenticate-type=${type}`),
    ];
    return ask(stage.net, [dynamicRequest({ code: 'CoA-Request', attributes: [mac(1), ...attributes] })])[0];
  };
  const questions = (stage: SimulatedStage): number =>
    stage.net.servers.reduce((sum, server) => sum + server.questions, 0);
  /** EAP-MD5: an identity, and the answer to the challenge. */
  const ROUND = 2;
  const method = (stage: SimulatedStage) => [...stage.invariants.core.sessions.all()][0]?.session.method;
  const byMab = async (): Promise<SimulatedStage> => {
    const stage = opened();
    await stage.passes(stage.machine(1));
    await stage.until('in by MAB', () => method(stage) === 'mab', 10_000);
    // What 802.1X asked at the beginning is over.
    await stage.pass(60_000);
    return stage;
  };

  it('last: the server is asked about the MAC at once, and the client nothing', async () => {
    const stage = await byMab();
    stage.net.clients[0]?.supplicant.listen();
    const before = questions(stage);
    expect(asked(stage, 'last')?.code).toBe('CoA-ACK');
    await stage.pass(30_000);
    expect(questions(stage)).toBe(before + ROUND);
    expect(method(stage)).toBe('mab');
  });

  it('rerun: 802.1X is first, and a client that speaks it by now gets in by it', async () => {
    const stage = await byMab();
    stage.net.clients[0]?.supplicant.listen();
    expect(asked(stage, 'rerun')?.code).toBe('CoA-ACK');
    await stage.until('in by 802.1X', () => method(stage) === 'dot1x', 5_000);
  });

  it('rerun: MAB is next where nobody answers, once, and the session goes on', async () => {
    const stage = await byMab();
    const before = questions(stage);
    expect(asked(stage, 'rerun')?.code).toBe('CoA-ACK');
    await stage.pass(500);
    expect(questions(stage)).toBe(before);
    await stage.pass(60_000);
    expect(questions(stage)).toBe(before + ROUND);
    expect(method(stage)).toBe('mab');
    expect(stage.events('session-end')).toEqual([]);
  });

  it('rerun: 407 where MAB would come first for a client that is in by 802.1X', async () => {
    const stage = opened({ order: ['mab', 'dot1x'] });
    stage.net.servers.forEach(({ users }) => {
      users.delete(deviceName(1));
    });
    await stage.login(stage.machine(1));
    expect(asked(stage, 'rerun')).toMatchObject({ code: 'CoA-NAK', errorCause: 407 });
    expect(asked(stage, 'last')?.code).toBe('CoA-ACK');
    expect(method(stage)).toBe('dot1x');
  });
});

describe('VLANs', () => {
  const vlan = (id: string) => [
    tunnel('Tunnel-Type', 0, 13),
    tunnel('Tunnel-Medium-Type', 0, 6),
    tunnel('Tunnel-Private-Group-Id', 0, id),
  ];
  const asked = (stage: SimulatedStage, ...attributes: readonly OutgoingAttribute[]): Reply | undefined => {
    const bytes = dynamicRequest({ code: 'CoA-Request', attributes });
    const [at] = ask(stage.net, [bytes]);
    stage.net.advance(1000);
    return at ?? answers(stage.net, [bytes])[0];
  };

  it('another VLAN: the ACK comes when the client is in it, and the session goes on', async () => {
    const vlans = { onUplink: [30, 40] };
    const stage = new SimulatedStage({ machines: 2, vlans, config: CONFIG, replies: { u1: { vlan: '30' } } });
    const { session_id } = await stage.login(stage.machine(1));
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([30]);
    expect(asked(stage, user(1), ...vlan('40'))?.code).toBe('CoA-ACK');
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([40]);
    expect(await stage.vlansOf('p1')).toMatchObject({ pvid: 40 });
    expect(stage.events('session-end')).toEqual([]);
    expect([...stage.invariants.core.sessions.all()][0]?.session.id).toBe(session_id);
  });

  it('tagged VLANs of the port, by id and by name', async () => {
    const vlans = { onUplink: [30, 40, 50] };
    const stage = new SimulatedStage({ machines: 1, vlans, config: CONFIG, replies: { u1: { vlan: '30' } } });
    await stage.login(stage.machine(1));
    expect(asked(stage, user(1), u32('Egress-VLANID', 0x31_00_00_28))?.code).toBe('CoA-ACK');
    expect(await stage.vlansOf('p1')).toMatchObject({ pvid: 30, tagged: [40] });
    expect(asked(stage, user(1), text('Egress-VLAN-Name', '150'))?.code).toBe('CoA-ACK');
    expect(await stage.vlansOf('p1')).toMatchObject({ pvid: 30, tagged: [50] });
    expect(stage.events('session-end')).toEqual([]);
  });

  it('506, and the old one, where another session of the port wants another', async () => {
    const vlans = { onUplink: [30, 40] };
    const replies = { u1: { vlan: '30' }, u2: { vlan: '30' } };
    const stage = new SimulatedStage({ machines: 2, onePort: true, vlans, config: CONFIG, replies });
    for (const n of [1, 2]) await stage.login(stage.machine(n));
    expect(asked(stage, user(1), ...vlan('40'))).toMatchObject({ code: 'CoA-NAK', errorCause: 506 });
    for (const n of [1, 2]) expect(await stage.grantedVlans(stage.machine(n).mac)).toEqual([30]);
    expect(await stage.vlansOf('p1')).toMatchObject({ pvid: 30 });
  });

  it('407, and the old one, where there is no such VLAN', async () => {
    const vlans = { onUplink: [30, 40] };
    const stage = new SimulatedStage({ machines: 1, vlans, config: CONFIG, replies: { u1: { vlan: '30' } } });
    await stage.login(stage.machine(1));
    expect(asked(stage, user(1), ...vlan('guests'))).toMatchObject({ code: 'CoA-NAK', errorCause: 407 });
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([30]);
    expect(asked(stage, user(1), u32('Idle-Timeout', 600))?.code).toBe('CoA-ACK');
  });

  it('a guest, whom no server has authorized: 406 for a change, and it can be reauthenticated and ended', async () => {
    const vlans = { onUplink: [90] };
    const guests = { p1: { guest_vlan: 90, dot1x: { tx_period_s: 1 } } };
    const stage = new SimulatedStage({ machines: 1, vlans, config: { ...CONFIG, ports: guests } });
    await stage.announce(stage.machine(1));
    await stage.until('a guest', () => stage.retained(stage.machine(1).mac), 60_000);
    expect(asked(stage, mac(1), u32('Idle-Timeout', 60))).toMatchObject({ errorCause: 406 });
    const only = [u32('Service-Type', 17), octets('State', utf8('a state'))];
    expect(asked(stage, mac(1), ...only)).toMatchObject({ errorCause: 406 });
    expect(asked(stage, mac(1), CISCO('subscriber:command=reauthenticate'))?.code).toBe('CoA-ACK');
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes: [mac(1)] });
    expect(ask(stage.net, [bytes])[0]?.code).toBe('Disconnect-ACK');
    expect(stage.events('session-end')).toMatchObject([{ cause: 'radius-disconnect', method: 'guest' }]);
  });

  it('407 on a bridge that filters none', async () => {
    const stage = new SimulatedStage({ machines: 1, config: CONFIG });
    await stage.login(stage.machine(1));
    expect(asked(stage, user(1), ...vlan('30'))).toMatchObject({ code: 'CoA-NAK', errorCause: 407 });
  });

  it('a Disconnect-Request of a session in several VLANs waits for all of them', async () => {
    const vlans = { onUplink: [30, 40] };
    const stage = new SimulatedStage({ machines: 1, vlans, config: CONFIG, replies: { u1: { vlan: '30' } } });
    await stage.login(stage.machine(1));
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes: [user(1)] });
    expect(ask(stage.net, [bytes])[0]?.code).toBe('Disconnect-ACK');
    expect(await stage.grantedVlans(stage.machine(1).mac)).toEqual([]);
  });
});

describe('a port that an earlier run has taken down', () => {
  const started = (kind: HoldKind, up: boolean): SimulatedSwitch => {
    const heldDown = new Map([['p1' as PortName, kind]]);
    const net = new SimulatedSwitch({ config: simFile(CONFIG), ports: ['p1'], heldDown });
    net.bridge.port('p1').adminUp = up;
    net.boot();
    net.advance(1000);
    return net;
  };

  it('comes up at start if it was to be bounced', () => {
    expect(started('bounce', false).bridge.port('p1').adminUp).toBe(true);
  });

  it('comes up when it joins the bridge later', () => {
    const heldDown = new Map([['p1' as PortName, 'bounce' as const]]);
    const net = new SimulatedSwitch({ config: simFile(CONFIG), ports: ['p2'], heldDown });
    net.boot();
    net.advance(60_000);
    net.bridge.addPort('p1');
    Object.assign(net.bridge.port('p1'), { adminUp: false, present: false });
    net.bridge.restore('p1');
    net.advance(1000);
    expect(net.bridge.port('p1').adminUp).toBe(true);
  });

  it('stays down if it was disabled, until the port command', () => {
    const net = started('disable', false);
    expect(net.bridge.port('p1').adminUp).toBe(false);
    net.command('port', { port: 'p1', control: 'auto' });
    expect(net.bridge.port('p1').adminUp).toBe(true);
  });

  it('is let go of if somebody has set it up meanwhile', () => {
    const net = started('disable', true);
    expect(JSON.stringify(net.command('ports', {}))).toContain('"held_down":null');
  });
});
