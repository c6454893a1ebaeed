// Whatever comes in on a port is understood, or counted by protocol and reason; nothing is thrown, nobody is let in.

import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex } from '../../src/base/bytes.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { FLOOD_LIMITS } from '../../src/pae/flood-gate.ts';
import { SeededRandom } from '../rigs/seeded-random.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

const SOURCE = '029900000001';
const DESTINATION = '0180c2000003';

function frame(etherType: string, payload: string, source = SOURCE): Uint8Array {
  return fromHex(DESTINATION + source + etherType + payload) as Uint8Array;
}

interface Info {
  readonly counters: Readonly<Record<string, number>>;
}

async function counted(bytes: Uint8Array, port = 'p1'): Promise<Info['counters']> {
  const stage = new SimulatedStage({ machines: 1 });
  stage.net.post({ type: 'frame', port: port as PortName, bytes });
  return ((await stage.ask('info')) as Info).counters;
}

describe('a frame that makes no sense', () => {
  it.each([
    ['too short for Ethernet', new Uint8Array(13), 'ethernet-short'],
    ['too short for addresses', new Uint8Array(11), 'ethernet-short'],
    ['of a VLAN that there cannot be', frame('8100', '0fff888e02010000'), 'ethernet-vlan'],
    ['of a length instead of a type', frame('0026', '424203'), 'ethernet-ether-type'],
    ['from a group address', frame('888e', '02010000', '030000000001'), 'ethernet-source'],
    ['EAPOL cut short', frame('888e', '0201'), 'eapol-short'],
    ['EAPOL that promises more than it has', frame('888e', '020000ff01'), 'eapol-body-length'],
    ['EAPOL of a type that is not ours', frame('888e', '02050000'), 'eapol-type'],
    ['an EAP answer that nobody asked for', frame('888e', '020000050201000501'), 'eap-unsolicited'],
    ['ARP cut short', frame('0806', '0001080006'), 'arp-short'],
    ['no IPv6', frame('86dd', '00'), 'nd-short'],
    ['a protocol that is not watched', frame('88b5', '00'), 'ethernet-ether-type'],
  ])('%s is counted', async (_, bytes, reason) => {
    expect(await counted(bytes)).toMatchObject({ [reason]: 1 });
  });

  it('on a port that is not ours is counted', async () => {
    expect(await counted(frame('888e', '02010000'), 'up0')).toMatchObject({ 'port-not-auto': 1 });
  });
});

describe('a flood of what makes no sense', () => {
  it.each([
    ['frames of VLAN 4095', (source: string) => frame('8100', '0fff888e02010000', source), 'ethernet-vlan'],
    ['frames of a length', (source: string) => frame('0026', '424203', source), 'ethernet-ether-type'],
    ['headers cut off', (source: string) => frame('', '', source), 'ethernet-short'],
  ])('%s: looked at as often as any frames, and the capture is told', (_, of, reason) => {
    const stage = new SimulatedStage({ machines: 1 });
    stage.net.record = false;
    const { framesBurst } = FLOOD_LIMITS;
    for (let n = 0; n < framesBurst + 500; n++) {
      const bytes = of(`06${n.toString(16).padStart(10, '0')}`);
      stage.net.post({ type: 'frame', port: 'p1' as PortName, bytes });
    }
    expect(stage.net.bridge.port('p1').heard).toEqual(new Set());
    const { counters } = (stage.net.command('info', {}) as { readonly result: Info }).result;
    expect(counters).toMatchObject({ [reason]: framesBurst, 'port-flooded': 500 });
  });
});

describe('garbage', () => {
  it.each([1, 2, 3])('20,000 frames, seed %i: none thrown at, nobody let in', async (seed) => {
    // Every one of them is looked at.
    const limits = { frames_per_s: 4_000, frames_burst: 100_000 };
    const stage = new SimulatedStage({ machines: 2, config: { ports: { 'p*': { limits } } } });
    const machine = stage.machine(2);
    const session = await stage.login(machine);
    const random = new SeededRandom(seed);
    const octets = (count: number) => Uint8Array.from({ length: count }, () => random.below(256));
    const types = ['888e', '0806', '86dd', '0800'].map((type) => fromHex(type) as Uint8Array);
    stage.net.record = false;
    for (let i = 0; i < 20_000; i++) {
      const mac = concatBytes([Uint8Array.of(0x02, 0x66), octets(4)]);
      const type = types[random.below(types.length)] as Uint8Array;
      const bytes = concatBytes([octets(6), mac, type, octets(random.below(100))]);
      stage.net.post({
        type: 'frame',
        port: 'p1' as PortName,
        bytes: random.below(20) === 0 ? octets(9) : bytes,
      });
      if (i % 1_000 === 0) stage.net.advance(100);
    }
    const info = (await stage.ask('info')) as {
      readonly counts: { readonly sessions: number };
      readonly counters: Readonly<Record<string, number>>;
    };
    expect(info.counts.sessions).toBe(1);
    const total = Object.values(info.counters).reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(15_000);
    expect((await stage.retained(machine.mac))?.session_id).toBe(session.session_id);
  });
});
