// The embedded broker: aedes on loopback, for one switch that is used alone. MQTT 3.1.1 only, nothing survives the process.
// Loaded only when it is needed.

import { createServer, type Server, type Socket } from 'node:net';
import { err, ok, type Result } from '../base/result.ts';

const LOOPBACK = '127.0.0.1';

export interface EmbeddedBroker {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** Port 0 = any free one. The error is a sentence that names the port. */
export async function startBroker(port: number): Promise<Result<EmbeddedBroker, string>> {
  const { Aedes } = await import('aedes');
  const broker = await Aedes.createBroker({ connectTimeout: 10_000 });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
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
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  });
}

function listen(server: Server, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, LOOPBACK, () => resolve(undefined));
  });
}
