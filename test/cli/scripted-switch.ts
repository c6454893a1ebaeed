// A control socket that answers what it is told to, for views that are made of several answers.

import type { CommandRequest } from '../../src/io/command-request.ts';
import { openControlSocket } from '../../src/io/control/control-socket.ts';
import { type ResultOf, refusal } from '../../src/report/answers.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import { INFO, PORT, SESSION } from '../report/samples.ts';

export const SERVERS: ResultOf<'servers'> = {
  servers: [
    {
      server: '[2001:db8::1]:1812',
      use: 'authentication',
      transport: 'udp',
      state: 'up',
      since: '2025-01-31T11:00:00.000Z',
      in_flight: 2,
      sockets: 1,
      round_trip_ms: 1.5,
      counters: { requests: 7, answers: 5, access_accepts: 2, dropped_bad_authenticator: 1 },
    },
    {
      server: '192.0.2.1:2083',
      use: 'accounting',
      transport: 'tls',
      state: 'down',
      since: '2025-01-31T11:59:30.000Z',
      in_flight: 0,
      sockets: 1,
      round_trip_ms: null,
      counters: { connection_certificate: 3 },
    },
  ],
  reauthentications_waiting: 12,
};

/** Who is on, by number: p1 and 02:99:00:00:00:01, and so on. `octets`: in and out. */
export function sessionOf(n: number, octets?: readonly [number, number]): SessionPayload {
  return {
    ...SESSION,
    key: `02-99-00-00-00-0${n}`,
    mac: `02:99:00:00:00:0${n}`,
    port: `p${n}`,
    user_name: `user${n}`,
    session_id: `s${n}`,
    ...(octets === undefined
      ? {}
      : {
          counters: {
            input_octets: octets[0],
            output_octets: octets[1],
            input_packets: 1,
            output_packets: 1,
          },
        }),
  };
}

export class ScriptedSwitch {
  readonly asked: unknown[] = [];
  sessions: readonly SessionPayload[] = [SESSION];
  /** Every question is refused, in these words. */
  refuses: string | undefined;
  private close: (() => Promise<void>) | undefined;

  constructor(readonly path: string) {}

  async open(): Promise<void> {
    const control = await openControlSocket({ path: this.path, rights: 'full', onRequest: this.answer });
    if (!control.ok) throw new Error(control.error);
    this.close = () => control.value.close();
  }

  async leave(): Promise<void> {
    await this.close?.();
    this.close = undefined;
  }

  private readonly answer = ({ verb, payload, reply }: CommandRequest): void => {
    this.asked.push({ verb, ...JSON.parse(new TextDecoder().decode(payload) || '{}') });
    if (this.refuses !== undefined) {
      reply(refusal({ code: 'busy', message: this.refuses, path: '' }));
      return;
    }
    const results: Readonly<Record<string, unknown>> = {
      info: INFO,
      servers: SERVERS,
      ports: { ports: [PORT, { ...PORT, port: 'p2', link: 'down', locked: false, mab: true }] },
      sessions: { sessions: this.sessions },
    };
    reply({ ok: true, result: results[verb] as ResultOf<'sessions'> });
  };
}
