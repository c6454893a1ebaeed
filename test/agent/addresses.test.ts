// A client that has several IPv6 addresses at the same time: a stable one and a temporary one (RFC 8981), as Windows and macOS do.

import { beforeEach, describe, expect, it } from 'vitest';
import type { Ip, Ipv4, Ipv6 } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import type { ProbePayload } from '../../src/report/event-payloads.ts';
import { ip } from '../../src/wire/radius-attributes.ts';
import { DYNAUTH_SECRET, dynamicRequest, readReply } from '../rigs/dynauth.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import { GATEWAY } from '../rigs/sim/simulated-switch.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const SERVER = '192.0.2.1';
const CONFIG = {
  radius: {
    servers: [{ address: SERVER, secret: 'testing123' }],
    dynamic_authorization: { clients: [{ address: SERVER, secret: DYNAUTH_SECRET }] },
    accounting: { interim_s: 60 },
  },
};
const STABLE = '2001:db8::aa' as Ipv6;
const TEMPORARY = '2001:db8::bb' as Ipv6;
const T = 15_000;
const MAC = '02:99:00:00:00:01' as Mac;

describe('a client with a stable and a temporary IPv6 address', () => {
  let stage: SimulatedStage;
  let client: SimClient;

  beforeEach(async () => {
    stage = new SimulatedStage({ machines: 1, config: CONFIG });
    client = stage.net.clients[0] as SimClient;
    await stage.login(stage.machine(1));
    client.ipv4 = undefined;
    await speaksFrom(STABLE);
    await speaksFrom(TEMPORARY);
  });

  async function speaksFrom(own: Ipv6): Promise<void> {
    client.ipv6 = own;
    client.ping(GATEWAY);
    await stage.pass(1_000);
  }

  const performed = (type: string): number =>
    stage.net.performed.filter(({ effect }) => effect.type === type).length;
  const sessionTopics = (): number =>
    stage.net.performed.filter(
      ({ effect }) => effect.type === 'publish' && effect.topic.includes('/session/'),
    ).length;

  function disconnect(address: Ip): string | number | undefined {
    const { net } = stage;
    const attributes = [ip('Framed-IPv6-Address', address)];
    const bytes = dynamicRequest({ code: 'Disconnect-Request', attributes, at: net.world.clocks.wall });
    net.dynamicReplies.length = 0;
    net.post({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port: 40_000, bytes }] });
    const [reply] = net.dynamicReplies;
    if (reply === undefined) return undefined;
    const { code, errorCause } = readReply(bytes, reply.bytes);
    return errorCause ?? code;
  }

  it('is told by one of them, and neither broker nor flash hears of the other', async () => {
    expect(await stage.retained(MAC)).toMatchObject({ ipv6: STABLE });
    const before = { topics: sessionTopics(), written: performed('session-store') };
    for (let n = 0; n < 20; n++) {
      await speaksFrom(STABLE);
      await speaksFrom(TEMPORARY);
    }
    expect({ topics: sessionTopics(), written: performed('session-store') }).toEqual(before);
    expect(await stage.retained(MAC)).toMatchObject({ ipv6: STABLE });
    await stage.pass(60_000);
    const { core } = stage.invariants;
    expect(core.sessions.ofMac(MAC)?.session.addresses.ipv6).toBe(STABLE);
  });

  it.each([STABLE, TEMPORARY])('is found by a Disconnect-Request with %s', async (address) => {
    expect(disconnect('2001:db8::cc' as Ip)).toBe(503);
    expect(disconnect(address)).toBe('Disconnect-ACK');
    expect(stage.events('session-end')).toMatchObject([{ cause: 'radius-disconnect' }]);
  });

  it.each([STABLE, TEMPORARY])('is found by an administrator with %s', async (address) => {
    expect(await stage.ask('disconnect', { ip: address })).toMatchObject({ disconnected: 1 });
  });

  it("is not found by the one that was not heard for an hour, which may be another host's by then", async () => {
    // Its traffic goes to others: the table tells of it, and it does not say its addresses anew.
    await stage.talk(stage.machine(1), T / 2);
    await stage.pass(3_601_000);
    expect(stage.events('session-end')).toEqual([]);
    expect(disconnect(TEMPORARY)).toBe(503);
    await expect(stage.ask('disconnect', { ip: TEMPORARY })).rejects.toThrow('no session fits');
    expect(disconnect(STABLE)).toBe('Disconnect-ACK');
  });

  it.each([STABLE, TEMPORARY])('is found with %s after a restart, too', async (address) => {
    await stage.killAgent();
    await stage.pass(2_000);
    expect(await stage.retained(MAC)).toMatchObject({ ipv6: STABLE });
    expect(disconnect(address)).toBe('Disconnect-ACK');
  });

  it('is asked where it was heard last, and is there', async () => {
    await stage.pass(600_000);
    expect(stage.events('session-end')).toEqual([]);
    const targets = stage
      .events('handshake-probe')
      .flatMap(({ probes }) => probes.map(({ target }) => target));
    expect(new Set(targets)).toEqual(new Set([TEMPORARY]));
  });

  const probes = (): readonly ProbePayload[] =>
    stage.events('handshake-probe').flatMap((event) => event.probes);
  const asked = { probe: 'nd', target: TEMPORARY };

  it.each([3, 5])('has given the stable one up, N = %i: a probe is lost, and it stays', async (times) => {
    await stage.ask('timers', { port: 'p1', times });
    client.silent = true;
    await stage.until('the first probe', () => probes().length > 0, 3 * T);
    await stage.pass(1_000);
    client.silent = false;
    await stage.pass(2 * times * T);
    expect(stage.events('session-end')).toEqual([]);
    expect(probes()[0]).not.toHaveProperty('other_targets');
    expect(probes().slice(0, 2)).toMatchObject([asked, { ...asked, other_targets: [STABLE] }]);
  });

  it('is dead: N - 1 probes, however many frames they were', async () => {
    await stage.ask('timers', { port: 'p1', times: 5 });
    client.silent = true;
    await stage.pass(6 * T);
    expect(stage.events('session-end')).toMatchObject([
      { cause: 'handshake-timeout', evidence: { probes_sent: 4, probes_answered: 0 } },
    ]);
    const both = { ...asked, other_targets: [STABLE] };
    expect(probes()).toMatchObject([asked, both, both, both]);
  });
});

it('a link-local address beside another one costs nothing: a new address is learnt at once, and the client stays', async () => {
  const stage = new SimulatedStage({ machines: 1 });
  await stage.login(stage.machine(1));
  const [client] = stage.net.clients as [SimClient];
  client.announce();
  await stage.pass(1_000);
  for (let n = 0; n < 20; n++) {
    client.ipv4 = '169.254.7.7' as Ipv4;
    client.announce();
    await stage.pass(10_000);
  }
  client.ipv4 = '10.99.0.77' as Ipv4;
  client.announce();
  await stage.pass(300_000);
  expect((await stage.retained(MAC))?.ipv4).toBe('10.99.0.77');
  expect(stage.events('session-end')).toEqual([]);
});

it('a client that says another IPv4 address again and again: some are taken, the rest is counted', async () => {
  const stage = new SimulatedStage({ machines: 1 });
  await stage.login(stage.machine(1));
  const [client] = stage.net.clients as [SimClient];
  const performed = (type: string): number =>
    stage.net.performed.filter(({ effect }) => effect.type === type).length;
  const before = performed('session-store');
  for (let n = 0; n < 1_000; n++) {
    client.ipv4 = `10.99.${1 + (n >> 7)}.${1 + (n & 127)}` as Ipv4;
    client.announce();
    await stage.pass(10);
  }
  expect(performed('session-store') - before).toBeLessThan(20);
  expect(stage.invariants.core.drops.snapshot()['address-too-often']).toBeGreaterThan(900);
  await stage.pass(31_000);
  client.announce();
  await stage.pass(1_000);
  expect((await stage.retained(MAC))?.ipv4).toBe(client.ipv4);
});
