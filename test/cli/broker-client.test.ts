// A broker that answers for the agent, and whose access list does not let everybody hear events.

import { createServer, type Server, type Socket } from 'node:net';
import { generate, type IPublishPacket, parser } from 'mqtt-packet';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BrokerClient } from '../../src/cli/broker-client.ts';

const NOT_AUTHORIZED = 0x87;
const V5 = { protocolVersion: 5 };

let server: Server;
let client: BrokerClient;

beforeEach(async () => {
  server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  client = new BrokerClient({ url: `mqtt://127.0.0.1:${port}`, switchId: 'sw1', timeoutMs: 5_000 });
});
afterEach(async () => {
  await client.close();
  await new Promise((resolve) => server.close(resolve));
});

function serve(socket: Socket): void {
  const packets = parser(V5);
  const send = (packet: Parameters<typeof generate>[0]) => socket.write(generate(packet, V5));
  packets.on('packet', (packet) => {
    if (packet.cmd === 'connect') send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
    else if (packet.cmd === 'subscribe') {
      const granted = packet.subscriptions.map(({ topic }) =>
        topic.includes('/event/') ? NOT_AUTHORIZED : 1,
      );
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    } else if (packet.cmd === 'publish') {
      send({ cmd: 'puback', messageId: packet.messageId ?? 0, reasonCode: 0 });
      send(answerTo(packet));
    }
  });
  socket.on('data', (bytes) => packets.parse(bytes));
  socket.on('error', () => undefined);
}

function answerTo({ properties }: IPublishPacket): IPublishPacket {
  const { responseTopic: topic = '', correlationData = Buffer.alloc(0) } = properties ?? {};
  const payload = JSON.stringify({ ok: true, result: {} });
  return {
    cmd: 'publish',
    topic,
    payload,
    qos: 0,
    dup: false,
    retain: false,
    properties: { correlationData },
  };
}

it('who may not hear events is told so, instead of hearing nothing for ever', async () => {
  expect(await client.listen(() => undefined, new AbortController().signal)).toEqual({
    ok: false,
    error: 'the broker refuses the subscription: Subscribe error: Not authorized',
  });
});
