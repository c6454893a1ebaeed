// Disconnect-Requests at 1,000 sessions, Rollcall and stock hostapd in turn: the time until the port is locked and until the
// ACK, and a burst of a thousand. hostapd has no entries, so of it there is the ACK alone; it has all its clients on one port,
// since it opens one socket a port.

import path from 'node:path';
import { RADIUS_SECRET } from '../rigs/lab/freeradius.ts';
import { type Authenticator, hostapd, rollcall } from './authenticators.ts';
import { Clients } from './clients.ts';
import type { Row } from './row.ts';
import { PORTS, ROOT, Stage } from './stage.ts';

const SINGLE = 400;
const BURST = 1000;
const GOAL_MS = 10;

interface Figures {
  readonly lock50: number;
  readonly lock99: number;
  readonly ack50: number;
  readonly ack99: number;
  /** Not an ACK. */
  readonly refused: number;
  /** Of the burst. */
  readonly answers: number;
  readonly burstMs: number;
}

async function measure(
  stage: Stage,
  authenticator: Authenticator,
  setting: { readonly ports: number; readonly entries: boolean },
): Promise<Figures> {
  const { ports, entries } = setting;
  const load = { first: 1, count: SINGLE + BURST, window: 10, seconds: 60, ports };
  const clients = await Clients.logIn(stage, load);
  if (clients.logins.in < SINGLE + BURST) throw new Error(`only ${clients.logins.in} are in`);
  const script = path.join(ROOT, 'test/bench/disconnects.py');
  const numbers = [1, SINGLE, BURST, entries ? 1 : 0].map(String);
  const said = await stage.netns.must(['python3', script, RADIUS_SECRET, ...numbers], { timeoutMs: 60_000 });
  await clients.close();
  await authenticator.close();
  return JSON.parse(said) as Figures;
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const rate = (figures: Figures): string => {
  const lost = figures.refused > 0 ? `, ${figures.refused} refused` : '';
  return `${figures.answers} answered in ${figures.burstMs.toFixed(0)} ms${lost}`;
};

export async function disconnectRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    const us = await measure(stage, await rollcall(stage, { periodS: 0 }), { ports: PORTS, entries: true });
    const peer = await hostapd(stage, { ports: 1, disconnects: true });
    const them = await measure(stage, peer, { ports: 1, entries: false });
    return [
      {
        what: `Disconnect-Request at ${BURST} sessions, until the port is locked`,
        ours: `p50 ${ms(us.lock50)}, p99 ${ms(us.lock99)}; ACK p50 ${ms(us.ack50)}, p99 ${ms(us.ack99)}`,
        against: `hostapd on 1 port, ACK alone: p50 ${ms(them.ack50)}, p99 ${ms(them.ack99)}`,
        ratio: us.lock99 / them.ack99,
        goal: `p99 under ${GOAL_MS} ms, and no more than hostapd's ACK`,
        reached: us.lock99 < GOAL_MS && us.lock99 <= them.ack99,
      },
      {
        what: `${BURST} Disconnect-Requests at once`,
        ours: rate(us),
        against: `hostapd on 1 port: ${rate(them)}`,
        goal: 'all answered',
        reached: us.answers === BURST && us.refused === 0,
      },
    ];
  } finally {
    await stage.close();
  }
}
