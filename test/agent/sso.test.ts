// Users of a concentrator on the simulated switch: in, out, and in again, and what the concentrator is answered, and when.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { ARP_REPLY, decodeArp, encodeArp } from '../../src/wire/arp.ts';
import { ETHERTYPE_ARP, encodeEthernet } from '../../src/wire/ethernet.ts';
import { text, u32 } from '../../src/wire/radius-attributes.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import { DYNAUTH_SECRET, dynamicRequest } from '../rigs/dynauth.ts';
import { SimulatedStage, simFile } from '../rigs/sim/stage.ts';
import { accountingRequest, type Said, SSO_SECRET } from '../rigs/sso.ts';

const VPN = '192.0.2.10';
const A = '10.0.0.1' as Ip;
const B = '2001:db8::1' as Ip;
const ALICE: Said = { session: 's1', user: 'alice', ips: [A] };
const CONFIG: ConfigPart = {
  l3: { ingress: ['vpn0'] },
  sso: { role: 'vpn', clients: [{ address: VPN, secret: SSO_SECRET }] },
  roles: { default: {}, vpn: { session_s: 60, heartbeat_s: 30 }, staff: {} },
};

let stage: SimulatedStage;
function open(config: ConfigPart = {}): void {
  stage = new SimulatedStage({ machines: 1, config: overlay(CONFIG, config) });
}
beforeEach(() => open());

type Status = Parameters<typeof accountingRequest>[0];

/** True if it is answered at once. */
function tell(status: Status, said: Said = {}): boolean {
  return send(accountingRequest(status, said));
}

function send(bytes: Uint8Array, address = VPN): boolean {
  const { routed } = stage.net;
  const before = routed.replies.length;
  stage.net.post({ type: 'sso-requests', datagrams: [{ address, port: 40_000, bytes }] });
  return routed.replies.length > before;
}

const passes = (...ips: readonly Ip[]): readonly boolean[] => ips.map((ip) => stage.net.routed.packet(ip));
const drops = async (): Promise<Readonly<Record<string, number>>> =>
  ((await stage.ask('info')) as { readonly counters: Record<string, number> }).counters;
const ends = () =>
  stage.events('session-end').map(({ key, cause, acct_terminate_cause: acct }) => `${key} ${cause} ${acct}`);
const retained = (ip: Ip) =>
  stage.net.retained.get(`rollcall/v1/sw1/session/ip-${ip}`) as Record<string, unknown> | undefined;
const records = async () =>
  (await stage.accounting())
    .filter(({ sessionId }) => !sessionId.startsWith('system'))
    .map(({ status, userName }) => `${status} ${userName}`);

describe('a user of the concentrator', () => {
  it('is in by its Start, with a session an address, and out by its Stop with the cause that it has', async () => {
    expect(passes(A, B)).toEqual([false, false]);
    expect(tell('start', { ...ALICE, ips: [A, B] })).toBe(true);
    expect(passes(A, B)).toEqual([true, true]);
    expect(retained(A)).toMatchObject({
      layer: 3,
      mac: null,
      port: null,
      ipv4: A,
      concentrator: VPN,
      user_name: 'alice',
      role: 'vpn',
      role_by: 'concentrator',
      method: 'sso',
      session_timeout_s: 60,
      heartbeat_s: null,
    });
    expect(retained(B)?.multi_session_id).toBe(retained(A)?.session_id);
    expect(tell('stop', { session: 's1', cause: 4 })).toBe(true);
    expect(passes(A, B)).toEqual([false, false]);
    expect(ends()).toEqual([`ip-${A} sso-stop 4`, `ip-${B} sso-stop 4`]);
    expect([retained(A), retained(B)]).toEqual([undefined, undefined]);
    await stage.pass(1000);
    expect(await records()).toEqual(['Start alice', 'Start alice', 'Stop alice', 'Stop alice']);
  });

  it('is answered when the address is in, or out, and not before', () => {
    const bytes = accountingRequest('start', ALICE);
    stage.net.faults.grants = 1;
    expect(send(bytes)).toBe(false);
    expect(passes(A)).toEqual([false]);
    // It is told again, with the delay in whole seconds.
    stage.net.advance(5600);
    expect(tell('start', { ...ALICE, delayS: 6 })).toBe(true);
    expect(passes(A)).toEqual([true]);
    stage.net.faults.revokes = 1;
    // Alarmed, and tried for ever: the concentrator can do nothing about it.
    expect(tell('stop', { session: 's1' })).toBe(true);
    expect(stage.events('warning').map(({ code }) => code)).toContain('relock-failed');
    stage.net.advance(2000);
    expect(passes(A)).toEqual([false]);
  });

  it('whom the session timer has dropped comes back by its next packet, without being asked anything', () => {
    tell('start', ALICE);
    stage.net.advance(61_000);
    expect(ends()).toEqual([`ip-${A} session-timeout 5`]);
    const first = stage.events('session-end')[0];
    stage.net.advance(10_000);
    expect(passes(A)).toEqual([false]);
    stage.net.advance(1000);
    expect(passes(A)).toEqual([true]);
    expect(retained(A)?.multi_session_id).toBe(first?.multi_session_id);
    expect(retained(A)?.session_id).not.toBe(first?.session_id);
  });

  it('or by its next Interim, and never after its Stop', () => {
    tell('start', ALICE);
    stage.net.advance(61_000);
    expect(passes(A)).toEqual([false]);
    stage.net.routed.heard.clear();
    expect(tell('interim', ALICE)).toBe(true);
    expect(passes(A)).toEqual([true]);
    stage.net.advance(61_000);
    passes(A);
    tell('stop', { session: 's1' });
    expect(stage.net.routed.awaited).toEqual(new Set());
    expect(tell('interim', ALICE)).toBe(true);
    stage.net.advance(5000);
    expect(passes(A)).toEqual([false]);
  });

  it.each<readonly [string, () => Promise<unknown>]>([
    ['an administrator', () => stage.ask('disconnect', { ip: A })],
    ['a name', () => stage.ask('disconnect', { user: 'alice' })],
  ])('whom %s has put out comes back by a new login only', async (_, cut) => {
    tell('start', ALICE);
    await cut();
    expect(ends()).toEqual([`ip-${A} admin-reset 6`]);
    passes(A);
    stage.net.advance(2000);
    expect(tell('interim', ALICE)).toBe(true);
    expect(passes(A)).toEqual([false]);
    expect(tell('start', { ...ALICE, session: 's2' })).toBe(true);
    expect(passes(A)).toEqual([true]);
  });

  it('whom somebody has put out does not come back by another address or name in the same login', async () => {
    const other = '10.0.0.2' as Ip;
    tell('start', ALICE);
    await stage.ask('disconnect', { user: 'alice' });
    expect(tell('interim', { ...ALICE, ips: [A, B] })).toBe(true);
    tell('interim', { ...ALICE, ips: [other] });
    tell('interim', { ...ALICE, user: 'alice@corp' });
    expect(passes(A, B, other)).toEqual([false, false, false]);
    expect((await drops())['sso-barred']).toBe(3);
  });

  it('whom somebody has put out is out after a restart of ours, too, until it logs in anew', async () => {
    tell('start', { ...ALICE, more: [text('NAS-Identifier', 'vpn-1')] });
    await stage.ask('disconnect', { user: 'alice' });
    await stage.pass(1000);
    stage.net.afterTurn = () => {};
    stage.net.killAgent();
    await stage.pass(1000);
    expect(tell('interim', { ...ALICE, more: [text('NAS-Identifier', 'vpn-1')] })).toBe(true);
    expect(passes(A)).toEqual([false]);
    // Which the start of the concentrator is.
    expect(tell('on')).toBe(true);
    expect(tell('start', { ...ALICE, more: [text('NAS-Identifier', 'vpn-1')] })).toBe(true);
    expect(passes(A)).toEqual([true]);
    expect(stage.net.ssoBars).toEqual([]);
  });

  it.each([{ all: true }, { ip: A }, { role: 'vpn' }, { user: 'alice' }])(
    'who is between two sessions is put out by %o',
    async (selector) => {
      tell('start', { ...ALICE, ips: [A, B] });
      stage.net.advance(61_000);
      expect(await stage.ask('disconnect', { port: 'p1' }).catch(() => 'nobody')).toBe('nobody');
      expect(await stage.ask('disconnect', { role: 'staff' }).catch(() => 'nobody')).toBe('nobody');
      expect(await stage.ask('disconnect', selector)).toMatchObject({ disconnected: 0, turned_back: 1 });
      expect(stage.net.routed.awaited).toEqual(new Set());
      passes(A, B);
      stage.net.advance(1500);
      tell('interim', { ...ALICE, ips: [A, B] });
      expect(passes(A, B)).toEqual([false, false]);
    },
  );

  it('has the role of its Filter-Id, or of a Class that is the name of one, and another one with the next word', () => {
    tell('start', { ...ALICE, className: 'OU=staff;' });
    expect(retained(A)).toMatchObject({ role: 'staff', session_timeout_s: null });
    tell('interim', { ...ALICE, filterId: 'vpn' });
    expect(retained(A)).toMatchObject({ role: 'vpn', role_by: 'filter-id', session_timeout_s: 60 });
    expect(ends()).toEqual([]);
  });

  it('whose Filter-Id names no role is not let in where that is a reason to refuse', async () => {
    open({ authorization: { unknown_filter_id: 'refuse' } });
    expect(tell('start', { ...ALICE, filterId: 'nobody' })).toBe(true);
    expect(passes(A)).toEqual([false]);
    expect(await stage.ask('explain', { ip: A })).toMatchObject({ ip: A, decisions: [{ what: 'refused' }] });
    expect(await stage.ask('info')).toMatchObject({ sso: { users: 1, awaited: 0 } });
  });

  it('who has moved to another address has another session; whoever gets the old one is not it', () => {
    tell('start', ALICE);
    tell('interim', { ...ALICE, ips: ['10.0.0.2'] });
    expect(ends()).toEqual([`ip-${A} moved 10`]);
    expect(passes(A, '10.0.0.2' as Ip)).toEqual([false, true]);
    tell('start', { session: 's2', user: 'bob', ips: ['10.0.0.2'] });
    expect(ends()).toEqual([`ip-${A} moved 10`, 'ip-10.0.0.2 authorization-changed 15']);
    expect(retained('10.0.0.2' as Ip)?.user_name).toBe('bob');
  });

  it('goes on over a restart of ours: in all the while, and known to what its concentrator says of it', async () => {
    tell('start', ALICE);
    await stage.pass(1000);
    const before = retained(A);
    await stage.killAgent();
    expect(passes(A)).toEqual([true]);
    await stage.pass(1000);
    expect(retained(A)).toMatchObject({ session_id: before?.session_id, started: before?.started });
    expect(tell('interim', ALICE)).toBe(true);
    expect(await records()).toEqual(['Start alice']);
    expect(tell('stop', ALICE)).toBe(true);
    await stage.pass(1000);
    expect(ends()).toEqual([`ip-${A} sso-stop 1`]);
    expect(await records()).toEqual(['Start alice', 'Stop alice']);
    expect([...stage.net.disk.keys()]).toEqual([]);
  });

  it('whose timer has run out comes back by its next packet after a restart of ours, too', async () => {
    tell('start', ALICE);
    stage.net.advance(61_000);
    expect(passes(A)).toEqual([false]);
    await stage.killAgent();
    await stage.pass(1000);
    passes(A);
    await stage.pass(1500);
    expect(passes(A)).toEqual([true]);
  });

  it('whose address somebody has taken out meanwhile has its Stop, and is in with the next Interim', async () => {
    tell('start', ALICE);
    await stage.pass(1000);
    stage.net.routed.granted.clear();
    await stage.killAgent();
    await stage.pass(1000);
    expect(passes(A)).toEqual([false]);
    expect(tell('interim', ALICE)).toBe(true);
    expect(passes(A)).toEqual([true]);
    await stage.pass(1000);
    expect(await records()).toEqual(['Start alice', 'Stop alice', 'Start alice']);
  });

  it('whose concentrator is not listed any more is out after a restart of ours', async () => {
    tell('start', ALICE);
    await stage.pass(1000);
    stage.net.file = simFile({ l3: { ingress: ['vpn0'] } });
    await stage.killAgent();
    await stage.pass(1000);
    expect(passes(A)).toEqual([false]);
    expect(ends()).toMatchObject([expect.stringContaining(`ip-${A} authorization-changed`)]);
  });

  it('is let in by a late word, too: there is no newer one that it is out', () => {
    tell('start', ALICE);
    stage.net.advance(61_000);
    expect(tell('interim', { ...ALICE, ips: [B], delayS: 70 })).toBe(true);
    expect(passes(A, B)).toEqual([true, false]);
  });

  it('is what a server has made it by a CoA-Request, in this session and the next one, until it logs in anew', () => {
    open({ radius: { dynamic_authorization: { clients: [{ address: VPN, secret: DYNAUTH_SECRET }] } } });
    const role = () => [retained(A)?.role, retained(A)?.session_timeout_s];
    tell('start', { ...ALICE, className: 'x1' });
    const bytes = dynamicRequest({
      code: 'CoA-Request',
      attributes: [text('User-Name', 'alice'), text('Filter-Id', 'staff'), u32('Session-Timeout', 120)],
    });
    stage.net.post({ type: 'dynamic-requests', datagrams: [{ address: VPN, port: 40_000, bytes }] });
    expect(role()).toEqual(['staff', 120]);
    tell('interim', { ...ALICE, className: 'x2' });
    expect(role()).toEqual(['staff', 120]);
    stage.net.advance(121_000);
    expect(role()).toEqual([undefined, undefined]);
    tell('interim', { ...ALICE, filterId: 'vpn' });
    expect(role()).toEqual(['staff', 120]);
    tell('stop', { session: 's1' });
    tell('start', { ...ALICE, session: 's2' });
    expect(role()).toEqual(['vpn', 60]);
  });

  it('is asked by a Disconnect-Request by its address, like others', async () => {
    tell('start', ALICE);
    const explained = (await stage.ask('explain', { ip: A })) as { decisions: readonly { what: string }[] };
    expect(explained.decisions.map(({ what }) => what)).toEqual(['session started']);
    expect(await stage.ask('session', { ip: A })).toMatchObject({ session: { user_name: 'alice' } });
    expect(await stage.ask('reauthenticate', { ip: A })).toEqual({ reauthenticating: 0, sessions: [] });
  });
});

describe('a concentrator', () => {
  it.each<readonly [Status, Said, number]>([
    ['on', {}, 11],
    ['off', {}, 7],
    ['off', { cause: 8 }, 8],
  ])('that says Accounting-%s puts all its users out', (status, said, cause) => {
    tell('start', ALICE);
    tell('start', { session: 's2', user: 'bob', ips: [B] });
    expect(tell(status, said)).toBe(true);
    expect(ends()).toEqual([`ip-${A} sso-stop ${cause}`, `ip-${B} sso-stop ${cause}`]);
    expect(passes(A, B)).toEqual([false, false]);
  });

  it('that starts a second time may say it in the same octets', () => {
    const on = accountingRequest('on', { session: '00000000' });
    expect(send(on)).toBe(true);
    tell('start', ALICE);
    stage.net.advance(50_000);
    expect(send(on)).toBe(true);
    expect(passes(A)).toEqual([false]);
  });

  it.each(['on', 'off'] as const)(
    'whose Accounting-%s comes late ends nobody who logged in since',
    (status) => {
      stage.net.advance(20_000);
      tell('start', ALICE);
      stage.net.advance(10_000);
      expect(tell(status, { delayS: 15 })).toBe(true);
      expect(tell('interim', ALICE)).toBe(true);
      expect(passes(A)).toEqual([true]);
    },
  );

  it('whose Interim of before its start comes late has nobody let in by it', async () => {
    tell('start', ALICE);
    tell('on');
    stage.net.advance(3000);
    expect(tell('interim', { ...ALICE, delayS: 10, timeS: 100 })).toBe(true);
    expect(passes(A)).toEqual([false]);
    expect((await drops())['sso-before-on-or-off']).toBe(1);
  });

  it('that gives 0 for a cause has given none', () => {
    tell('start', ALICE);
    tell('stop', { session: 's1', cause: 0 });
    tell('start', { ...ALICE, session: 's2' });
    tell('on', { cause: 0 });
    expect(ends()).toEqual([`ip-${A} sso-stop 1`, `ip-${A} sso-stop 11`]);
  });

  it('that is listed no more loses its users', async () => {
    tell('start', ALICE);
    const other = { sso: { clients: [{ address: '192.0.2.99', secret: SSO_SECRET }] } };
    expect(await stage.ask('config', { apply: simFile(overlay(CONFIG, other)) })).toMatchObject({
      applied: true,
    });
    expect(ends()).toEqual([`ip-${A} authorization-changed 15`]);
    expect(tell('start', { ...ALICE, session: 's2' })).toBe(false);
  });

  it('is not answered where nothing proves who sent it, or it makes no sense: all is counted', async () => {
    expect(send(accountingRequest('start', ALICE), '192.0.2.66')).toBe(false);
    expect(tell('start', { ...ALICE, secret: 'wrong' })).toBe(false);
    expect(tell('start', { session: 's1' })).toBe(false);
    expect(tell('stop', { session: 'nobody' })).toBe(true);
    expect(tell(15)).toBe(true);
    expect(await drops()).toMatchObject({
      'sso-client': 1,
      'sso-request-authenticator': 1,
      'sso-user-name-missing': 1,
      'sso-stop-of-nobody': 1,
      'sso-status-ignored': 1,
    });
    expect(passes(A)).toEqual([false]);
  });

  it('whose users are forgotten for others has no addresses that are waited for', () => {
    open({ sso: { max_users: 1 } });
    for (let n = 1; n <= 3; n++) {
      tell('start', { session: `s${n}`, user: 'u', ips: [`10.0.0.${n}`] });
      stage.net.advance(61_000);
    }
    expect(stage.net.routed.awaited).toEqual(new Set(['10.0.0.3']));
  });

  it('that has logged in more than there is room for is not answered for those', async () => {
    open({ sso: { max_users: 1 } });
    expect(tell('start', ALICE)).toBe(true);
    expect(tell('start', { session: 's2', user: 'bob', ips: [B] })).toBe(false);
    expect((await drops())['sso-full']).toBe(1);
    expect(passes(A, B)).toEqual([true, false]);
  });
});

describe('the routed path', () => {
  it('that somebody has changed is put right, and told of', async () => {
    tell('start', ALICE);
    stage.net.routed.takeOut([A]);
    stage.net.routed.letIn(B);
    stage.net.advance(11_000);
    expect(passes(A, B)).toEqual([true, false]);
    expect(
      stage
        .events('warning')
        .map(({ code, ip }) => `${code} ${ip}`)
        .sort(),
    ).toEqual([`foreign-entry ${B}`, `grant-lost ${A}`]);
  });

  it('is emptied by a drain', async () => {
    tell('start', ALICE);
    await stage.ask('drain');
    stage.net.advance(1000);
    expect(ends()).toEqual([`ip-${A} drain 7`]);
    expect(passes(A)).toEqual([false]);
    expect(tell('start', { ...ALICE, session: 's2' })).toBe(false);
  });
});

describe('a first hop that answers for its clients', () => {
  const MAC = '02:00:00:00:00:01' as Mac;
  const OWN = {
    mac: '02:00:00:00:00:fe' as Mac,
    addresses: [{ ip: '10.0.0.254' as Ip, prefixLength: 24 }],
  };

  beforeEach(() => begin({ roles: { vpn: { handshake: 'off' } } }));

  function begin(config: ConfigPart): void {
    open(overlay({ l3: { first_hop: true } }, config));
    const ingress = new Map([['vpn0', OWN]]);
    stage.net.post({
      type: 'own-addresses',
      sources: new Map(),
      addresses: new Set(),
      ingress,
      enslaved: new Map(),
    });
    tell('start', ALICE);
  }

  /** Answers everything that was asked since the last time; what it was asked for. */
  function answer(reply: boolean): readonly string[] {
    return stage.net.routed.injected.splice(0).map((bytes) => {
      const asked = decodeArp(bytes.subarray(14));
      if (!asked.ok) throw new Error(asked.error.detail);
      const { targetIp, senderIp, senderMac } = asked.value;
      if (reply) {
        const packet = {
          operation: ARP_REPLY,
          senderMac: MAC,
          senderIp: targetIp,
          targetMac: senderMac,
          targetIp: senderIp,
        };
        stage.net.post({
          type: 'routed-frame',
          interface: 'vpn0',
          bytes: encodeEthernet({
            destination: senderMac,
            source: MAC,
            etherType: ETHERTYPE_ARP,
            payload: encodeArp(packet),
          }),
        });
      }
      return targetIp;
    });
  }

  it('keeps its user in by its answers, and is asked once per third of the heartbeat', () => {
    const asked: string[] = [];
    for (let s = 0; s < 45; s++) {
      stage.net.advance(1000);
      asked.push(...answer(true));
    }
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(new Set(asked)).toEqual(new Set([A]));
    expect(ends()).toEqual([]);
  });

  it('is asked by the handshake, too, where that is on: two probes, and a logout between 3T and 4T', () => {
    begin({ roles: { vpn: { heartbeat_s: null, handshake: { period_s: 5, times: 3 } } } });
    for (let s = 0; s < 30; s++) {
      stage.net.advance(1000);
      answer(true);
    }
    expect(ends()).toEqual([]);
    let asked = 0;
    const since = stage.now();
    while (ends().length === 0 && stage.now() - since < 30_000) {
      stage.net.advance(500);
      asked += answer(false).length;
    }
    expect(ends()).toEqual([`ip-${A} handshake-timeout 2`]);
    expect(asked).toBe(2);
    expect(stage.now() - since).toBeLessThanOrEqual(20_000);
  });

  it('loses it when it does not answer, and its next packet brings it back', () => {
    for (let s = 0; s < 61; s++) {
      stage.net.advance(1000);
      answer(s < 25);
    }
    expect(ends()).toEqual([`ip-${A} heartbeat-timeout 4`]);
    expect(stage.events('session-end')[0]?.evidence).toMatchObject({
      last_seen_by: 'arp',
      probes_answered: 2,
    });
    passes(A);
    stage.net.advance(1000);
    expect(passes(A)).toEqual([true]);
  });
});
