// A server that sends Disconnect- and CoA-Requests to the simulated switch, and what it hears.

import { type OutgoingAttribute, text, tunnel } from '../../../src/wire/radius-attributes.ts';
import { DYNAUTH_SECRET, dynamicRequest, type Reply, readReply, type Wanted } from '../dynauth.ts';
import type { SimulatedStage } from './stage.ts';

const SERVER = '192.0.2.1';

/** The simulated server may send such requests. */
export const WITH_DYNAUTH = {
  radius: {
    servers: [{ address: SERVER, secret: 'testing123' }],
    dynamic_authorization: { clients: [{ address: SERVER, secret: DYNAUTH_SECRET }] },
  },
};

/** Sent; then what the answer is so far, undefined while there is none. */
export function sendDynamic(
  { net }: SimulatedStage,
  code: Wanted['code'],
  attributes: readonly OutgoingAttribute[],
): () => Reply | undefined {
  const bytes = dynamicRequest({ code, attributes, at: net.world.clocks.wall });
  const port = 40_000 + net.dynamicReplies.length;
  net.post({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port, bytes }] });
  return () => {
    const sent = net.dynamicReplies.find((reply) => reply.port === port);
    return sent === undefined ? undefined : readReply(bytes, sent.bytes);
  };
}

/** Another VLAN for this user. */
export function sendVlan(stage: SimulatedStage, user: string, vlan: string) {
  return sendDynamic(stage, 'CoA-Request', [
    text('User-Name', user),
    tunnel('Tunnel-Type', 1, 13),
    tunnel('Tunnel-Medium-Type', 1, 6),
    tunnel('Tunnel-Private-Group-Id', 1, vlan),
  ]);
}
