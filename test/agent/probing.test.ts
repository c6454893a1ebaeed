// What goes out to a client that has fallen silent, and what comes of it: the whole agent on the simulated switch.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ipv4 } from '../../src/base/ip.ts';
import type { Capabilities } from '../../src/model/dataplane.ts';
import { decodeEap, EAP_REQUEST, EAP_TYPE_IDENTITY } from '../../src/wire/eap.ts';
import { decodeEapol } from '../../src/wire/eapol.ts';
import {
  decodeEthernet,
  ETHERTYPE_ARP,
  ETHERTYPE_IPV6,
  ETHERTYPE_PAE,
  type EthernetFrame,
} from '../../src/wire/ethernet.ts';
import { type ConfigPart, overlay } from '../rigs/config-part.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import { GATEWAY, SIM_CAPABILITIES, SWITCH_IPV4 } from '../rigs/sim/simulated-switch.ts';
import { SIM_TIMING, SimulatedStage } from '../rigs/sim/stage.ts';
import { expectEnd, expectRecords, silentFor } from '../scenarios/expectations.ts';
import type { Machine, PortSession, Setting } from '../scenarios/stage.ts';

const T = 15_000;

interface Played {
  readonly stage: SimulatedStage;
  readonly machine: Machine;
  readonly client: SimClient;
  readonly session: PortSession;
  /** Of the effects, the first that counts. */
  since: number;
}

async function loggedIn(
  setting: Partial<Setting> = {},
  capabilities: Capabilities = SIM_CAPABILITIES,
): Promise<Played> {
  const stage = new SimulatedStage({ machines: 1, ...setting }, SIM_TIMING, capabilities);
  const machine = stage.machine(1);
  const session = await stage.login(machine);
  const client = stage.net.clients[0] as SimClient;
  return { stage, machine, client, session, since: stage.net.performed.length };
}

/** Frames to the client. */
function sent({ stage, since }: Played): readonly EthernetFrame[] {
  return stage.net.performed.slice(since).flatMap(({ effect }) => {
    if (effect.type !== 'inject') return [];
    const frame = decodeEthernet(effect.bytes);
    return frame.ok ? [frame.value] : [];
  });
}

const etherTypes = (played: Played): readonly number[] => sent(played).map(({ etherType }) => etherType);

function isIn({ stage, machine, session }: Played): Promise<boolean> {
  return stage.retained(machine.mac).then((retained) => retained?.session_id === session.session_id);
}

async function silentPeriods({ stage, machine }: Played): Promise<number> {
  const answer = (await stage.ask('session', { mac: machine.mac })) as { readonly session: PortSession };
  return answer.session.handshake?.silent_periods ?? 0;
}

/** It asks for the gateway by IPv4 and by IPv6, so that both addresses are learnt. */
async function knowBoth(played: Played): Promise<void> {
  const { stage, machine, client } = played;
  const { ipv4 } = client;
  await stage.passes(machine);
  client.ipv4 = undefined;
  await stage.passes(machine);
  client.ipv4 = ipv4;
  played.since = stage.net.performed.length;
}

describe('a client that has IPv4 and IPv6', () => {
  let played: Played;
  beforeEach(async () => {
    played = await loggedIn();
    await knowBoth(played);
  });

  it('answers ARP, and is asked by nothing else', async () => {
    await played.stage.pass(10 * T);
    expect(await isIn(played)).toBe(true);
    expect([...new Set(etherTypes(played))]).toEqual([ETHERTYPE_ARP]);
  });

  it('loses IPv4: each unanswered request is followed by a solicitation, and it stays', async () => {
    played.client.ipv4 = undefined;
    await played.stage.pass(12 * T);
    expect(await isIn(played)).toBe(true);
    const asked = etherTypes(played);
    expect(asked.slice(0, 4)).toEqual([ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_IPV6]);
    expect(asked.length).toBeGreaterThanOrEqual(6);
  });

  it('loses IPv4 where only a heartbeat watches it: asked by each in turn too, and it stays', async () => {
    const heartbeat = { heartbeat_s: (3 * T) / 1000, handshake: { period_s: 0 } };
    const watched = await loggedIn({ config: { roles: { default: heartbeat } } });
    await knowBoth(watched);
    watched.client.ipv4 = undefined;
    await watched.stage.pass(20 * T);
    expect(await isIn(watched)).toBe(true);
    expect(etherTypes(watched).slice(0, 4)).toEqual([
      ETHERTYPE_ARP,
      ETHERTYPE_IPV6,
      ETHERTYPE_ARP,
      ETHERTYPE_IPV6,
    ]);
  });

  it('falls silent: one probe by each, and it is out', async () => {
    await played.stage.silence(played.machine);
    await played.stage.pass(4 * T + 1_000);
    expect(await isIn(played)).toBe(false);
    // The EAP-Failure of the logout comes after them.
    expect(etherTypes(played).slice(0, 2)).toEqual([ETHERTYPE_ARP, ETHERTYPE_IPV6]);
    expect(sent(played)).toHaveLength(3);
  });
});

describe('a client that is asked by EAP', () => {
  const EAP = { ports: { p1: { handshake: { probe: 'eap' } } } } as const;

  /** Identity requests since the login. */
  function identityRequests(played: Played): number {
    return sent(played).filter(({ etherType, payload }) => {
      const pdu = etherType === ETHERTYPE_PAE ? decodeEapol(payload) : undefined;
      const eap = pdu?.ok === true ? decodeEap(pdu.value.body) : undefined;
      return eap?.ok === true && eap.value.code === EAP_REQUEST && eap.value.type === EAP_TYPE_IDENTITY;
    }).length;
  }

  async function addressless(config: ConfigPart = {}): Promise<Played> {
    const played = await loggedIn({ config: overlay(EAP, config) });
    await played.stage.dropAddresses(played.machine);
    return played;
  }

  it('answers, is reauthenticated each time, and its session goes on', async () => {
    const played = await addressless();
    const { successes } = played.client.supplicant;
    await played.stage.pass(20 * T);
    expect(await isIn(played)).toBe(true);
    expect(identityRequests(played)).toBeGreaterThanOrEqual(9);
    expect(played.client.supplicant.successes - successes).toBe(identityRequests(played));
    expect(played.client.supplicant.failures).toBe(0);
    await expectRecords(played.stage, played.session, ['Start']);
  });

  it.each([
    [2, 1],
    [3, 2],
    [5, 4],
  ])(
    'is dead, N = %i: %i requests, then handshake-timeout, whatever the timers of 802.1X are',
    async (times, requests) => {
      // Its own retransmissions would come in between, and would end the session before its time.
      const dot1x = { tx_period_s: 3, supp_timeout_s: 3, max_req: 1, reauth_max: 1 };
      const played = await addressless({ dot1x, ports: { p1: { handshake: { times } } } });
      played.client.supplicant.kill();
      const end = await expectEnd(played.stage, played.session, {
        cause: 'handshake-timeout',
        withinMs: (times + 1) * T + 1_000,
      });
      expect(silentFor(end)).toBeGreaterThanOrEqual(times * T - 20);
      expect(identityRequests(played)).toBe(requests);
      expect(end.evidence).toMatchObject({ probes_sent: requests, probes_answered: 0 });
    },
  );

  it('while no server answers: it is not asked again until it can be, and stays', async () => {
    const played = await addressless({ dot1x: { server_timeout_s: 60 } });
    await played.stage.serverSilent(true);
    await played.stage.pass(2 * T + 1_000);
    expect(identityRequests(played)).toBe(1);
    await played.stage.pass(10 * T);
    expect(await isIn(played)).toBe(true);
    expect(played.client.supplicant.failures).toBe(0);
    await played.stage.serverSilent(false);
    await played.stage.pass(10 * T);
    expect(await isIn(played)).toBe(true);
  });

  it("its answers are no traffic of its own: RADIUS's Idle-Timeout ends it", async () => {
    const played = await loggedIn({ config: EAP, replies: { u1: { idleTimeoutS: (5 * T) / 1000 } } });
    await played.stage.dropAddresses(played.machine);
    const end = await expectEnd(played.stage, played.session, { cause: 'idle-timeout', withinMs: 6 * T });
    expect(end.evidence.probes_answered).toBeGreaterThanOrEqual(2);
  });

  it('the link was away for a moment, and with it the machine: it is asked all the same', async () => {
    const played = await addressless({ ports: { p1: { link_down_delay_s: 60 } } });
    await played.stage.unplug(played.machine);
    await played.stage.pass(1_000);
    await played.stage.plug(played.machine);
    await played.stage.pass(20 * T);
    expect(identityRequests(played)).toBeGreaterThanOrEqual(5);
    expect((await played.stage.retained(played.machine.mac))?.user_name).toBe('u1');
    expect(played.stage.events('session-end').filter(({ cause }) => cause === 'handshake-timeout')).toEqual(
      [],
    );
  });
});

describe('a table that does not tell when its entries were last used', () => {
  const capabilities = { ...SIM_CAPABILITIES, lastSeen: false, activityNotify: false };

  it("the port's counter keeps a client that cannot be asked, also after a pause", async () => {
    const played = await loggedIn({}, capabilities);
    const { stage, machine } = played;
    await stage.dropAddresses(machine);
    await stage.talk(machine, T / 2);
    await stage.pass(5 * T);
    expect(await isIn(played)).toBe(true);
    expect(await stage.ask('session', { mac: machine.mac })).toMatchObject({
      session: { last_seen_by: 'counter' },
    });
    // One silent period, then a word again: nobody has asked, so nothing speaks against it.
    await stage.talk(machine, 0);
    await stage.until('a silent period', async () => (await silentPeriods(played)) === 1, 3 * T);
    await stage.talk(machine, T / 2);
    await stage.pass(5 * T);
    expect(await isIn(played)).toBe(true);
    await stage.talk(machine, 0);
    const end = await expectEnd(stage, played.session, {
      cause: 'handshake-timeout',
      withinMs: 4 * T + 1_000,
    });
    expect(silentFor(end)).toBeGreaterThanOrEqual(3 * T - 20);
  });

  it('the counter does not outweigh a probe that was not answered', async () => {
    const played = await loggedIn({}, capabilities);
    const { stage, machine, client } = played;
    await stage.passes(machine);
    client.ipv4 = undefined;
    await stage.until('a probe', () => etherTypes(played).includes(ETHERTYPE_ARP), 3 * T);
    // Frames that anybody could have sent.
    await stage.talk(machine, T / 4);
    const end = await expectEnd(stage, played.session, { cause: 'handshake-timeout', withinMs: 3 * T });
    expect(end.evidence).toMatchObject({ probes_sent: 2, probes_answered: 0 });
  });
});

describe('probes that bear the address of a gateway', () => {
  const foreign = { ip: GATEWAY.ipv4, mac: '02:99:00:00:00:fd', ipv6: GATEWAY.ipv6 };

  it.each([
    ['ours', SWITCH_IPV4, null],
    ["the gateway's", GATEWAY.ipv4, null],
    ['its own', '10.99.0.11', '10.99.0.11'],
  ])('a client that announces an address that is %s', async (_, announced, learnt) => {
    const { stage, machine, client } = await loggedIn({ config: { handshake: { sources: { 0: foreign } } } });
    client.ipv4 = announced as Ipv4;
    client.announce();
    await stage.pass(100);
    expect(await stage.ask('session', { mac: machine.mac })).toMatchObject({ session: { ipv4: learnt } });
  });
});

describe('exactly N - 1 probes, also where a slow dump makes old news look newer', () => {
  const known = { replies: { u1: { framedIp: '10.99.0.11' } } };

  /** Returns how long it was silent. */
  async function expectTwoProbes(played: Played): Promise<number> {
    const { stage, session } = played;
    await stage.until('the first probe', () => etherTypes(played).includes(ETHERTYPE_ARP), 3 * T);
    stage.net.dumpMs = 300;
    const end = await expectEnd(stage, session, { cause: 'handshake-timeout', withinMs: 3 * T });
    expect(etherTypes(played).filter((type) => type === ETHERTYPE_ARP)).toHaveLength(2);
    return silentFor(end);
  }

  it('for a client that is not heard after its login', async () => {
    const played = await loggedIn(known);
    await played.stage.silence(played.machine);
    // The writing of its grant is no sign of life.
    const silent = await expectTwoProbes(played);
    expect(silent).toBeGreaterThanOrEqual(3 * T);
    expect(silent).toBeLessThan(3.5 * T);
  });

  it("for a client whose last frame came just before a period's end", async () => {
    const played = await loggedIn(known);
    const { stage, machine, session } = played;
    const start = Date.parse(session.started) - stage.net.world.wallOffset;
    await stage.pass(start + T - 100 - stage.now());
    await stage.say(machine);
    await stage.silence(machine);
    expect(await expectTwoProbes(played)).toBeGreaterThanOrEqual(3 * T);
  });

  it('a slow dump that tells of a new frame is believed', async () => {
    const played = await loggedIn(known);
    const { stage, machine } = played;
    stage.net.dumpMs = 300;
    await stage.dropAddresses(machine);
    await stage.talk(machine, T / 2);
    await stage.pass(8 * T);
    expect(await isIn(played)).toBe(true);
    expect(etherTypes(played)).toEqual([]);
  });
});

describe('a client that comes in anew and says nothing of its address', () => {
  /** It was let in again behind a link that had not gone down for it, and announced nothing. */
  async function backIn(played: Played): Promise<PortSession> {
    const { stage, machine } = played;
    await stage.ask('disconnect', { mac: machine.mac });
    // It has one, and does not say so unless it is asked.
    played.client.announce = () => {};
    const session = await stage.login(machine);
    expect((await stage.retained(machine.mac))?.ipv4).toBeNull();
    played.since = stage.net.performed.length;
    return session;
  }

  it('is asked where it was, answers, and stays: the answer is proof of the address', async () => {
    const played = await loggedIn();
    await played.stage.passes(played.machine);
    const session = await backIn(played);
    await played.stage.pass(10 * T);
    expect(await isIn({ ...played, session })).toBe(true);
    expect((await played.stage.retained(played.machine.mac))?.ipv4).toBe(played.client.ipv4);
    const [told] = played.stage
      .events('handshake-probe')
      .flatMap(({ probes }) => probes)
      .filter(({ session_id }) => session_id === session.session_id);
    expect(told).toMatchObject({ probe: 'arp', target: played.client.ipv4 });
  });

  it('has another address by then: it is out as any that does not answer', async () => {
    const played = await loggedIn();
    await played.stage.passes(played.machine);
    const session = await backIn(played);
    played.client.ipv4 = '10.99.0.99' as Ipv4;
    const { evidence } = await expectEnd(played.stage, session, {
      cause: 'handshake-timeout',
      withinMs: 4 * T + 1_000,
    });
    expect(evidence).toMatchObject({ probes_sent: 2, probes_answered: 0 });
  });

  it("has another address by then, and the port's counter tells of it: it stays", async () => {
    const played = await loggedIn({}, { ...SIM_CAPABILITIES, lastSeen: false, activityNotify: false });
    const { stage, machine } = played;
    await stage.passes(machine);
    const session = await backIn(played);
    played.client.ipv4 = '10.99.0.99' as Ipv4;
    await stage.until('a probe', () => etherTypes(played).includes(ETHERTYPE_ARP), 3 * T);
    await stage.talk(machine, T / 4);
    await stage.pass(5 * T);
    expect(await isIn({ ...played, session })).toBe(true);
  });
});
