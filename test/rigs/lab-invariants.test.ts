// What is asked at the end of every run of the lab: a house in order passes, and each thing that is out of order is found.

import { describe, expect, it } from 'vitest';
import { INFO, SESSION } from '../report/samples.ts';
import { TOPIC_BASE } from './lab/agent.ts';
import type { FdbEntry } from './lab/bridge.ts';
import type { DetailRecord } from './lab/freeradius.ts';
import { assertInvariants, type Truth } from './lab/invariants.ts';

const T_MS = 1_000;
const NOW = Date.now();
const STARTED = NOW - 60_000;

const session = {
  ...SESSION,
  started: new Date(STARTED).toISOString(),
  handshake: { ...SESSION.handshake, period_s: T_MS / 1000, times: 3 },
};
const retained = (payload: object | '') => ({
  topic: `${TOPIC_BASE}/session/${session.key}`,
  payload: payload === '' ? '' : JSON.stringify(payload),
  retain: true,
});
const event = (type: string, at: number, payload: object) => ({
  topic: `${TOPIC_BASE}/event/${type}`,
  payload: JSON.stringify({ type, time: new Date(at).toISOString(), ...payload }),
  retain: false,
});
const record = (status: string, more: DetailRecord = {}): DetailRecord => ({
  'Acct-Status-Type': status,
  'Acct-Session-Id': session.session_id,
  'User-Name': session.user_name,
  'Event-Timestamp': new Date(STARTED).toISOString(),
  ...more,
});
const grant: FdbEntry = { mac: session.mac, ifname: 'p1', state: 'static', flags: ['sticky'] };

const inOrder = {
  entries: [grant, { ...grant, ifname: 'up0', mac: '02:00:00:00:00:01' }] as readonly FdbEntry[],
  sessions: [session] as readonly object[],
  counts: INFO.counts,
  pending: 0,
  rows: [record('Start')],
  messages: [retained(session)] as readonly object[],
  stored: [retained(session)] as readonly object[],
};

function judge(change: Partial<typeof inOrder>, truth: Truth = {}): Promise<void> {
  const { entries, sessions, counts, pending, rows, messages, stored } = { ...inOrder, ...change };
  const house = {
    lab: { fdb: async () => entries },
    radius: { accounting: () => rows },
    upstream: { messages },
    stored: async () => stored,
    agentEnded: async () => null,
    request: async (verb: string) =>
      verb === 'sessions' ? { sessions } : { ...INFO, counts, accounting: { ...INFO.accounting, pending } },
  };
  return assertInvariants(house as never, { settledWithinMs: 0, ...truth });
}

describe('the end of a run', () => {
  it('in order passes', () => judge({}));

  it("passes with the kernel's copy of a grant in a VLAN of its port", () =>
    judge({ entries: [grant, { ...grant, vlan: 1 }] }));

  it.each([
    ['a grant without a session', { entries: [grant, { ...grant, ifname: 'p2' }] }, 'nobody has a session'],
    ['a copy of no grant', { entries: [grant, { ...grant, ifname: 'p2', vlan: 1 }] }, 'nobody has a session'],
    ['a copy in place of a grant', { entries: [{ ...grant, vlan: 1 }] }, 'has a session and no grant'],
    ['a session without its grant', { entries: [] }, 'has a session and no grant'],
    ['an entry that is no grant in its place', { entries: [{ ...grant, flags: [] }] }, 'no grant'],
    ['a timer of the dead', { counts: { ...INFO.counts, session_timers: 2 } }, '2 timers of sessions'],
    ['a record that no server has', { pending: 1 }, '1 records are not acknowledged'],
    ['no Start', { rows: [] }, 'has no Start'],
    ['a Stop of the living', { rows: [record('Start'), record('Stop')] }, 'living, has 1 Starts and 1 Stops'],
    [
      'no Stop of the dead',
      { sessions: [], entries: [], counts: { ...INFO.counts, sessions: 0, session_timers: 0 }, stored: [] },
      'has 1 Starts and 0 Stops',
    ],
    ['a session that is not published', { stored: [] }, 'is not published'],
    [
      'one that is published otherwise',
      { stored: [retained({ ...session, role: 'guest' })] },
      'published is',
    ],
    [
      'one that is published and is not',
      { stored: [retained(session), { ...retained(session), topic: `${TOPIC_BASE}/session/x` }] },
      'x is published, and has no session',
    ],
  ])('with %s does not', async (_, change, what) => {
    await expect(judge(change)).rejects.toThrow(what);
  });

  it('passes with what the scenario has said that it breaks, and with nothing else', async () => {
    const excuses = { grants: 'on purpose' };
    await judge({ entries: [] }, { excuses });
    await expect(judge({ entries: [], pending: 1 }, { excuses })).rejects.toThrow('records:');
  });
});

describe('promptness: T = 1 s, N = 3', () => {
  const silentFor = (ms: number, truth: Truth = {}): Truth => ({
    silences: [{ mac: session.mac, from: NOW - 20_000, to: NOW - 20_000 + ms }],
    ...truth,
  });

  it('4 T and 1 s of silence are survived', () => judge({}, silentFor(5_000)));

  it('longer ones are not', async () => {
    await expect(judge({}, silentFor(5_100))).rejects.toThrow('was silent in its session for 5100 ms');
  });

  it('a session that has ended in time is judged to its end', async () => {
    const gone = {
      sessions: [],
      entries: [],
      counts: { ...INFO.counts, sessions: 0, session_timers: 0 },
      stored: [],
    };
    const ended = (ms: number) =>
      event('session-end', NOW - 20_000 + ms, {
        session_id: session.session_id,
        decided: new Date(NOW - 20_000 + ms).toISOString(),
      });
    const rows = [
      record('Start'),
      record('Stop', {
        'Event-Timestamp': new Date(STARTED + 45_000).toISOString(),
        'Acct-Session-Time': '45',
      }),
    ];
    const messages = (ms: number) => [retained(session), retained(''), ended(ms)];
    await judge({ ...gone, rows, messages: messages(4_500) }, silentFor(19_000));
    await expect(judge({ ...gone, rows, messages: messages(6_000) }, silentFor(19_000))).rejects.toThrow(
      'prompt:',
    );
  });

  it('a round more where the guard acted', async () => {
    const raised = event('guard', NOW - 18_000, { state: 'raised' });
    await judge({ messages: [retained(session), raised] }, silentFor(8_000));
    await expect(judge({ messages: [retained(session), raised] }, silentFor(8_100))).rejects.toThrow(
      'prompt:',
    );
  });

  it('an agent that did not run counts anew from the first whole period after', async () => {
    const pauses = [{ from: NOW - 19_000, to: NOW - 15_000 }];
    await judge({}, silentFor(13_000, { pauses }));
    await expect(judge({}, silentFor(19_000, { pauses }))).rejects.toThrow('prompt:');
  });

  it('`keep` and T = 0 have no bound', async () => {
    const kept = { ...session, handshake: { ...session.handshake, keep: true } };
    await judge(
      { sessions: [kept], messages: [retained(kept)], stored: [retained(kept)] },
      silentFor(19_000),
    );
  });
});
