// Attributes that go back to the server: what it gave, and what it is asked for.

import { expect, it } from 'vitest';
import { fromUtf8 } from '../../src/base/bytes.ts';
import { decodeRadius, type RadiusPacket } from '../../src/wire/radius.ts';
import { attributeOctets, attributeText, attributeU32 } from '../../src/wire/radius-attributes.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';

/** What has been sent, of one kind, in order. */
function sent(stage: SimulatedStage, kind: 'access' | 'accounting'): readonly RadiusPacket[] {
  return stage.net.performed.flatMap(({ effect }) => {
    if (effect.type !== 'send-datagram' || effect.socket.kind !== kind) return [];
    const packet = decodeRadius(effect.bytes);
    return packet.ok ? [packet.value] : [];
  });
}

const CUI = 'Chargeable-User-Identity';
const REPLY = { sessionTimeoutS: 30, terminationAction: 1, cui: 'someone', state: 'kept' } as const;

it('RFC 4372 §2.1: asks for a CUI with one NUL where that is wanted, gives it back, and has it in accounting', async () => {
  const stage = new SimulatedStage({
    machines: 1,
    config: { authorization: { request_cui: true } },
    replies: { u1: REPLY },
  });
  await stage.login(stage.machine(1));
  const first = sent(stage, 'access');
  expect(first.map((packet) => attributeOctets(packet, CUI))).toEqual(first.map(() => Uint8Array.of(0)));
  await stage.pass(35_000);
  const later = sent(stage, 'access').slice(first.length);
  expect(later.length).toBeGreaterThan(0);
  for (const packet of later) expect(attributeText(packet, CUI)).toBe('someone');
  const start = sent(stage, 'accounting').find((packet) => attributeU32(packet, 'Acct-Status-Type') === 1);
  expect(start && attributeText(start, CUI)).toBe('someone');
});

it('asks for none by itself', async () => {
  const stage = new SimulatedStage({ machines: 1 });
  await stage.login(stage.machine(1));
  for (const packet of sent(stage, 'access')) expect(attributeOctets(packet, CUI)).toBeUndefined();
});

it('RFC 2865 §5.24: State of an Accept with Termination-Action 1 comes back with the reauthentication', async () => {
  const stage = new SimulatedStage({ machines: 1, replies: { u1: REPLY } });
  await stage.login(stage.machine(1));
  const before = sent(stage, 'access').length;
  await stage.pass(35_000);
  const [next] = sent(stage, 'access').slice(before);
  expect(next && fromUtf8(attributeOctets(next, 'State') ?? new Uint8Array(0))).toBe('kept');
});
