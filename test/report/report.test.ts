// Topics, event numbers and retained state.

import { Check } from 'typebox/value';
import { describe, expect, test } from 'vitest';
import type { Ip } from '../../src/base/ip.ts';
import type { Mac } from '../../src/base/mac.ts';
import { answerSchema, refusal, success } from '../../src/report/answers.ts';
import { NO_EVENTS, type QueuedEvent } from '../../src/report/event-codec.ts';
import { EVENT_TYPES, eventSchema } from '../../src/report/event-payloads.ts';
import { EventLog, type EventLogOptions } from '../../src/report/events.ts';
import { InfoSchema, PortSchema, SessionSchema } from '../../src/report/payloads.ts';
import {
  baseTopic,
  buildTopic,
  l3SessionKey,
  parseTopic,
  sessionKey,
  type Topic,
} from '../../src/report/topics.ts';
import { EVENTS, INFO, NOW, PORT, SESSION } from './samples.ts';

const KEY = sessionKey('aa:bb:cc:dd:ee:ff' as Mac);

describe('topics', () => {
  const TOPICS: readonly Topic[] = [
    { kind: 'availability' },
    { kind: 'info' },
    { kind: 'port', port: 'p1' },
    { kind: 'port', port: 'a/b+#%$é\u0001' },
    { kind: 'port', port: 'lan\u0084\u007f' },
    { kind: 'session', key: KEY },
    { kind: 'session', key: l3SessionKey('2001:db8::1' as Ip) },
    { kind: 'event', type: 'session-end' },
    { kind: 'command', verb: 'info' },
    { kind: 'response', verb: 'info' },
  ];

  test.each(TOPICS)('built and parsed: %j', (topic) => {
    const text = buildTopic('sw1', topic);
    expect(parseTopic(text)).toEqual({ ok: true, value: { switchId: 'sw1', topic } });
  });

  test('a name cannot add a level or a wildcard', () => {
    expect(buildTopic('sw1', { kind: 'port', port: 'a/+/#' })).toBe('rollcall/v1/sw1/port/a%2F%2B%2F%23');
    expect(buildTopic('sw1', { kind: 'port', port: 'lan\u0085' })).toBe('rollcall/v1/sw1/port/lan%85');
    expect(baseTopic('a/#')).toBe('rollcall/v1/a%2F%23/');
  });

  test.each([
    'rollcall/v1',
    'rollcall/v1/',
    'rollcall/v1/sw1',
    'rollcall/v1//info',
    'rollcall/v2/sw1/info',
    'rollcall/v1/sw1/port',
    'rollcall/v1/sw1/port/',
    'rollcall/v1/sw1/port/a/b',
    'rollcall/v1/sw1/session/AA-BB-CC-DD-EE-FF',
    'rollcall/v1/sw1/session/aa:bb:cc:dd:ee:ff',
    'rollcall/v1/sw1/session/ip-2001:0db8::1',
    'rollcall/v1/sw1/other/x',
    'else',
  ])('not ours: %s', (text) => {
    expect(parseTopic(text).ok).toBe(false);
  });
});

function opened(options: EventLogOptions): EventLog {
  const log = new EventLog(options);
  log.open(NO_EVENTS, NOW.mono);
  return log;
}

describe('the event log', () => {
  const event = EVENTS.at(-1) as (typeof EVENTS)[number];

  test('numbers without gaps, and gives what waits in order', () => {
    const log = opened({ bootId: 'b' });
    for (let i = 0; i < 3; i++) log.record(event, NOW);
    expect([log.take(), log.take(), log.take(), log.take()].map((taken) => taken?.event.seq)).toEqual([
      1,
      2,
      3,
      undefined,
    ]);
    expect(log.record(event, NOW)).toMatchObject({
      seq: 4,
      boot_id: 'b',
      time: '2025-01-31T12:00:00.000Z',
      type: 'warning',
    });
  });

  test('overflow: the oldest go, and the next event says how many', () => {
    const log = opened({ bootId: 'b', limit: 3 });
    for (let i = 0; i < 10; i++) log.record(event, NOW);
    expect(log.size).toBe(3);
    expect(log.take()?.event).toMatchObject({ seq: 8, dropped: 7 });
    expect(log.take()?.event).not.toHaveProperty('dropped');
    expect(log.droppedTotal).toBe(7);
    for (let i = 0; i < 4; i++) log.record(event, NOW);
    expect(log.take()?.event).toMatchObject({ seq: 12, dropped: 2 });
  });

  test('a long life keeps the bounds and the order', () => {
    const log = opened({ bootId: 'b', limit: 50, history: 20 });
    let next = 1;
    for (let i = 0; i < 20_000; i++) {
      log.record(event, NOW);
      if (i % 3 !== 0) continue;
      const taken = log.take() as QueuedEvent;
      expect(taken.event.seq).toBe(next + (taken.event.dropped ?? 0));
      next = taken.event.seq + 1;
      log.acknowledged([taken.ref], NOW.mono);
    }
    expect(log.size).toBeLessThanOrEqual(50);
    expect(log.recent(5).map(({ seq }) => seq)).toEqual([19_996, 19_997, 19_998, 19_999, 20_000]);
    expect(log.recent(100)).toHaveLength(20);
  });
});

describe('what the agent builds fits its schema', () => {
  test.each(EVENTS)('$type', (event) => {
    const payload = new EventLog({ bootId: 'b' }).record(event, NOW);
    expect(Check(eventSchema(event.type), JSON.parse(JSON.stringify(payload)))).toBe(true);
    expect(Check(eventSchema(event.type), { ...payload, extra: 1 })).toBe(false);
  });

  test('there is a sample of every event', () => {
    expect(EVENTS.map(({ type }) => type)).toEqual(EVENT_TYPES);
  });

  test('state and answers', () => {
    expect(Check(SessionSchema, SESSION) && Check(PortSchema, PORT) && Check(InfoSchema, INFO)).toBe(true);
    expect(Check(answerSchema('sessions'), success('7', { sessions: [SESSION] }))).toBe(true);
    expect(Check(answerSchema('drain'), success(undefined, { draining: 2 }))).toBe(true);
    const refused = refusal({ id: 7, code: 'not-found', message: 'no such session', path: 'mac' });
    expect(refused).toEqual({
      id: 7,
      ok: false,
      error: { code: 'not-found', message: 'no such session', path: 'mac' },
    });
    expect(Check(answerSchema('session'), refused)).toBe(true);
  });
});
