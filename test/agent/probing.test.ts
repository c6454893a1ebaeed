// What goes out to a client that has fallen silent, and what comes of it: the whole agent on the simulated switch.

import { beforeEach, describe, expect, it } from 'vitest';
import type { SessionPayload } from '../../src/report/payloads.ts';
import { decodeEthernet, ETHERTYPE_ARP, ETHERTYPE_IPV6 } from '../../src/wire/ethernet.ts';
import type { SimClient } from '../rigs/sim/client.ts';
import { SimulatedStage } from '../rigs/sim/stage.ts';
import type { Machine } from '../scenarios/stage.ts';

const T = 15_000;

interface Played {
  readonly stage: SimulatedStage;
  readonly machine: Machine;
  readonly client: SimClient;
  readonly session: SessionPayload;
}

async function loggedIn(
  setting: Partial<ConstructorParameters<typeof SimulatedStage>[0]> = {},
): Promise<Played> {
  const stage = new SimulatedStage({ machines: 1, ...setting });
  const machine = stage.machine(1);
  const session = await stage.login(machine);
  const client = stage.net.clients[0] as SimClient;
  stage.net.performed.length = 0;
  return { stage, machine, client, session };
}

/** EtherTypes of what was sent to the client since its login. */
function sent({ stage }: Played): readonly number[] {
  return stage.net.performed.flatMap(({ effect }) => {
    if (effect.type !== 'inject') return [];
    const frame = decodeEthernet(effect.bytes);
    return frame.ok ? [frame.value.etherType] : [];
  });
}

function isIn({ stage, machine, session }: Played): Promise<boolean> {
  return stage.retained(machine.mac).then((retained) => retained?.session_id === session.session_id);
}

describe('a client that has IPv4 and IPv6', () => {
  let played: Played;
  beforeEach(async () => {
    played = await loggedIn();
    const { client } = played;
    // Known by both: it asks for the gateway by each.
    const { ipv4 } = client;
    await played.stage.passes(played.machine);
    client.ipv4 = undefined;
    await played.stage.passes(played.machine);
    client.ipv4 = ipv4;
    played.stage.net.performed.length = 0;
  });

  it('answers ARP, and is asked by nothing else', async () => {
    await played.stage.pass(10 * T);
    expect(await isIn(played)).toBe(true);
    expect([...new Set(sent(played))]).toEqual([ETHERTYPE_ARP]);
  });

  it('loses IPv4: each unanswered request is followed by a solicitation, and it stays', async () => {
    played.client.ipv4 = undefined;
    await played.stage.pass(12 * T);
    expect(await isIn(played)).toBe(true);
    const asked = sent(played);
    expect(asked.slice(0, 4)).toEqual([ETHERTYPE_ARP, ETHERTYPE_IPV6, ETHERTYPE_ARP, ETHERTYPE_IPV6]);
    expect(asked.length).toBeGreaterThanOrEqual(6);
  });

  it('falls silent: one probe by each, and it is out', async () => {
    await played.stage.silence(played.machine);
    await played.stage.pass(4 * T + 1_000);
    expect(await isIn(played)).toBe(false);
    // The EAP-Failure of the logout comes after them.
    expect(sent(played).slice(0, 2)).toEqual([ETHERTYPE_ARP, ETHERTYPE_IPV6]);
    expect(sent(played)).toHaveLength(3);
  });
});
