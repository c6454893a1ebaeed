// The embedded broker: aedes on loopback, for one switch that is used alone. MQTT 3.1.1 only, nothing survives the process.
// Loaded only when it is needed.
//
// It has no users: whoever is on this switch may connect, hear everything, and command. But only the agent, by a password that
// nobody else knows, speaks for the switch: others publish commands and queries, never retained, and nothing else.

import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Client } from 'aedes';
import { err, ok, type Result } from '../../base/result.ts';
import { parseTopic } from '../../report/topics.ts';

const LOOPBACK = '127.0.0.1';
const MAX_CONNECTIONS = 64;

export interface EmbeddedBroker {
  readonly port: number;
  readonly url: string;
  /** Of the agent itself. */
  readonly username: string;
  readonly password: string;
  close(): Promise<void>;
}

/** Port 0 = any free one. The error is a sentence that names the port. */
export async function startBroker(port: number): Promise<Result<EmbeddedBroker, string>> {
  const { Aedes } = await import('aedes');
  const password = randomBytes(16).toString('hex');
  const own = new WeakSet<Client>();
  const broker = await Aedes.createBroker({
    connectTimeout: 10_000,
    // A subscriber that reads nothing is waited for by everybody.
    drainTimeout: 5_000,
    authenticate: (client, _username, shown, done) => {
      if (shown?.toString() === password) own.add(client);
      // What comes while a client is away is kept for nobody: it would be in this process, without bound.
      client.clean = true;
      done(null, true);
    },
    authorizePublish: (client, { topic, retain }, done) => {
      const mayPublish = (client !== null && own.has(client)) || (!retain && isRequest(topic));
      done(mayPublish ? null : new Error('only the agent speaks for the switch'));
    },
  });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= MAX_CONNECTIONS) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    broker.handle(socket);
  });
  const problem = await listen(server, port);
  if (problem !== undefined) {
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    return err(`the embedded broker cannot listen on ${LOOPBACK}:${port}: ${problem}`);
  }
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return ok({
    port: actual,
    url: `mqtt://${LOOPBACK}:${actual}`,
    username: 'rollcall',
    password,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

function isRequest(topic: string): boolean {
  const parsed = parseTopic(topic);
  return parsed.ok && (parsed.value.topic.kind === 'command' || parsed.value.topic.kind === 'query');
}

function listen(server: Server, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, LOOPBACK, () => resolve(undefined));
  });
}
