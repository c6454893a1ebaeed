import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import { UdpListener } from '../../src/io/servers/udp-listener.ts';

const PORT = 39_799;

describe('the listener for dynamic authorization', () => {
  const closers: (() => void)[] = [];

  afterEach(() => {
    for (const close of closers.splice(0)) close();
  });

  /** An echo; where its answer came from. */
  async function answerFrom(address: string, asked: string): Promise<string> {
    const complaints: string[] = [];
    const listener: UdpListener = new UdpListener({
      port: PORT,
      address,
      onDatagrams: (datagrams) => {
        for (const { address: to, port, bytes } of datagrams) listener.send(to, port, bytes);
      },
      onError: (message) => complaints.push(message),
    });
    const socket = createSocket('udp4');
    closers.push(
      () => listener.close(),
      () => socket.close(),
    );
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const answered = new Promise<string>((resolve) =>
      socket.on('message', (_, from) => resolve(from.address)),
    );
    // Until it listens.
    const asking = setInterval(() => socket.send('x', PORT, asked), 20);
    closers.push(() => clearInterval(asking));
    const from = await answered;
    clearInterval(asking);
    expect(complaints).toEqual([]);
    return from;
  }

  it('answers from the address that it was told to listen at', async () => {
    expect(await answerFrom('127.0.0.2', '127.0.0.2')).toBe('127.0.0.2');
  });
});
