// Who does not answer is asked again, with the same octets, at exact times.

import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { PAE_DEFAULTS } from '../../src/pae/settings.ts';
import { ALICE, identityResponse, md5Request, md5Response, PaeRig, success } from '../rigs/pae.ts';

describe('a client that never answers', () => {
  it('is asked at 0, 30, 60 s, once more from 90 s on, and is forgotten at 180 s', () => {
    const rig = new PaeRig();
    rig.give({ type: 'reauthenticate', by: 'sighting' });
    rig.pass(1000);
    expect(rig.frames()).toEqual([
      [0, '010a000501'],
      [30, '010a000501'],
      [60, '010a000501'],
      [90, '010b000501'],
      [120, '010b000501'],
      [150, '010b000501'],
    ]);
    expect(rig.last('rejected').reason).toBe('client-silent');
    expect(rig.seen.find((s) => s.effect.type === 'rejected')?.at).toBe(180_000);
    expect(rig.client.isForgettable()).toBe(true);
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
    expect(rig.counted('auth-timeouts-while-authenticating')).toBe(2);
    expect(rig.counted('eap-requests-retransmitted')).toBe(4);
  });

  it('is silent until it answers, and not afterwards', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    expect(rig.client.isSilent()).toBe(true);
    rig.identify();
    expect(rig.client.isSilent()).toBe(false);
  });
});

describe('a client that falls silent in the middle of its method', () => {
  it('gets the same request every suppTimeout, then the Identity again', () => {
    const rig = new PaeRig({ suppTimeout: seconds(7), txPeriod: seconds(5) });
    rig.identify();
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: md5Request(60) });
    rig.forget();
    rig.pass(25);
    expect(rig.frames()).toEqual([
      [7, '013c00080402cafe'],
      [14, '013c00080402cafe'],
      [21, '013d000501'],
    ]);
  });

  it('has the time that the Challenge allows for it (RFC 3580 §3.17), for that request alone', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({
      type: 'aaa-challenge',
      ref: rig.last('ask-server').ref,
      eap: md5Request(60),
      sessionTimeout: seconds(45),
    });
    rig.forget();
    rig.pass(50);
    expect(rig.frames().map(([at]) => at)).toEqual([45]);
    rig.give({ type: 'eap-response', packet: md5Response(60) });
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: md5Request(61) });
    rig.forget();
    rig.pass(31);
    expect(rig.frames().map(([at]) => at)).toEqual([80]);
  });

  it.each([
    [30, 120],
    [300, 300],
  ])(
    'has not the time of a session for one frame: with suppTimeout %i s it comes again after %i s',
    (own, at) => {
      const rig = new PaeRig({ suppTimeout: seconds(own) });
      rig.identify();
      const { ref } = rig.last('ask-server');
      rig.give({ type: 'aaa-challenge', ref, eap: md5Request(60), sessionTimeout: seconds(28_800) });
      rig.forget();
      rig.pass(at + 1);
      expect(rig.frames().map(([when]) => when)).toEqual([at]);
    },
  );

  it('gets what the server sent even if its buffer was used again since', () => {
    const rig = new PaeRig();
    rig.identify();
    const eap = md5Request(60);
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap });
    eap.fill(0);
    rig.pass(30);
    expect(rig.last('send-eapol').body).toEqual(md5Request(60));
  });

  it('may answer a retransmission late, and the exchange goes on', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: md5Request(60) });
    rig.pass(75);
    rig.give({ type: 'eap-response', packet: md5Response(60) });
    expect(rig.last('ask-server').eap).toEqual(md5Response(60));
  });
});

describe('settings that change during an exchange', () => {
  it('hold from the next timer on', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'settings', settings: { ...PAE_DEFAULTS, txPeriod: seconds(3), maxReq: 4 } });
    rig.pass(40);
    expect(rig.frames().map(([at]) => at)).toEqual([0, 30, 33, 36, 39]);
  });
});

describe('responses that nobody waits for', () => {
  it('with a wrong identifier are dropped and counted, and the timer runs on', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.pass(20);
    rig.give({ type: 'eap-response', packet: identityResponse(9) });
    rig.give({ type: 'eap-response', packet: identityResponse(11) });
    expect(rig.all('ask-server')).toEqual([]);
    expect(rig.counted('eap-wrong-identifier')).toBe(2);
    rig.pass(10);
    expect(rig.frames().map(([at]) => at)).toEqual([0, 30]);
  });

  it('twice: the server is asked once', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    expect(rig.all('ask-server')).toHaveLength(1);
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: md5Request(11) });
    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    rig.give({ type: 'eap-response', packet: md5Response(11) });
    rig.give({ type: 'eap-response', packet: md5Response(11) });
    expect(rig.all('ask-server')).toHaveLength(2);
    expect(rig.counted('eap-while-server-asked')).toBe(2);
    expect(rig.counted('eap-wrong-identifier')).toBe(1);
  });

  it('before any request, and after success, start nothing', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    expect(rig.counted('eap-unsolicited')).toBe(1);
    expect(rig.client.isForgettable()).toBe(true);
    rig.login();
    rig.give({ type: 'eap-response', packet: md5Response(11) });
    expect(rig.counted('eap-unsolicited')).toBe(1);
    expect(rig.all('ask-server')).toEqual([]);
  });

  it('that are no responses, or no answer to this question, are counted by reason', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'eap-response', packet: md5Request(10) });
    rig.give({ type: 'eap-response', packet: success(10) });
    rig.give({ type: 'eap-response', packet: Uint8Array.from([2, 10, 0]) });
    rig.give({ type: 'eap-response', packet: Uint8Array.from([2, 10, 0, 9, 1]) });
    rig.give({ type: 'eap-response', packet: md5Response(10) });
    rig.give({ type: 'eap-response', packet: identityResponse(10, 'x'.repeat(254)) });
    expect(rig.counted('eap-not-a-response')).toBe(2);
    expect(rig.counted('eap-malformed')).toBe(2);
    expect(rig.counted('eap-unexpected-type')).toBe(1);
    expect(rig.counted('eap-identity-too-long')).toBe(1);
    expect(rig.all('ask-server')).toEqual([]);
    rig.give({ type: 'eap-response', packet: identityResponse(10, 'x'.repeat(253)) });
    expect(rig.last('ask-server').identity).toHaveLength(253);
  });
});

describe('answers to a question that is no longer open', () => {
  it('from the server are counted and change nothing', () => {
    const rig = new PaeRig();
    rig.identify();
    const { ref } = rig.last('ask-server');
    rig.give({ type: 'eapol-logoff' });
    expect(rig.last('cancel-server').ref).toBe(ref);
    rig.give({ type: 'aaa-accept', ref, authorization: ALICE });
    expect(rig.all('accepted')).toEqual([]);
    expect(rig.counted('aaa-stale')).toBe(1);
  });

  it('from the table likewise', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'grant-done', ref: 3 });
    expect(rig.counted('grant-stale')).toBe(1);
    expect(rig.frames()).toEqual([]);
  });
});
