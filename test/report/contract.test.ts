// The lab's judge of messages (test/rigs/lab/contract.ts) finds what is wrong.

import { describe, expect, test } from 'vitest';
import { EventLog } from '../../src/report/events.ts';
import type { MqttMessage } from '../rigs/lab/broker.ts';
import { Contract } from '../rigs/lab/contract.ts';
import { EVENTS, INFO, NOW, PORT, SESSION } from './samples.ts';

const contract = new Contract();

const said = (topic: string, payload: object | '', rest: Partial<MqttMessage> = {}): MqttMessage => ({
  topic: `rollcall/v1/sw1/${topic}`,
  payload: payload === '' ? '' : JSON.stringify(payload),
  retain: /^(availability|info|port|session)/.test(topic),
  qos: 1,
  contentType: 'application/json',
  isText: true,
  ...rest,
});

const faultsOf = (...messages: readonly MqttMessage[]): readonly string[] =>
  contract.judge(messages.map((message) => ({ message, own: message.topic.includes('/command/') }))).faults;

const KEY = SESSION.key;

describe('messages that are as described', () => {
  test.each<readonly [string, MqttMessage]>([
    ['info', said('info', INFO)],
    ['a port', said('port/p1', PORT)],
    ['a port that is gone', said('port/p1', '')],
    ['a session', said(`session/${KEY}`, SESSION)],
    ['a session that has ended', said(`session/${KEY}`, '')],
    ['a refusal', said('response/port', { ok: false, error: { code: 'bad-value', message: 'm', path: '' } })],
    ...EVENTS.map((event) => {
      const message = said(`event/${event.type}`, new EventLog({ bootId: 'b' }).record(event, NOW));
      return [`event ${event.type}`, message] as const;
    }),
  ])('%s', (_, message) => {
    expect(faultsOf(message)).toEqual([]);
  });

  test('an answer on the topic that its question named', () => {
    const question = said('command/probe', {}, { responseTopic: 'here/please' });
    const answer = said('', { ok: true, result: { probed: 0, sessions: [] } }, { topic: 'here/please' });
    expect(faultsOf(question, answer)).toEqual([]);
    expect(faultsOf(answer)).toHaveLength(1);
    expect(faultsOf(question, { ...answer, payload: '{"ok":true,"result":{}}' })).toHaveLength(1);
  });
});

describe('what is not', () => {
  test.each([
    ['an unknown topic', said('weather', INFO), /no such topic/],
    ['another switch is as good', said('info', INFO, { topic: 'rollcall/v2/sw1/info' }), /no such topic/],
    ['a key too many', said('info', { ...INFO, colour: 'red' }), /additional properties/],
    ['a key too few', said('port/p1', { ...PORT, locked: undefined }), /required property 'locked'/],
    ['a number that is text', said(`session/${KEY}`, { ...SESSION, vlan: '1' }), /\/vlan must be integer/],
    ['no JSON', said('info', INFO, { payload: '{' }), /not JSON/],
    ['empty info', said('info', ''), /not JSON|content type/],
    ['state that is not retained', said('info', INFO, { retain: false }), /not retained/],
    ['an answer that is', said('response/info', { ok: true, result: INFO }, { retain: true }), /retained/],
    ['QoS 0', said('info', INFO, { qos: 0 }), /QoS 0/],
    ['octets', said('info', INFO, { isText: false }), /not marked as text/],
  ])('%s', (_, message, says) => {
    expect(faultsOf(message)).toEqual([expect.stringMatching(says)]);
  });
});
