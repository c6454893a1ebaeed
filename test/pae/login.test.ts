// One login, octet by octet, and the ways in which it can fail.

import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { MOST_ROUNDS } from '../../src/pae/eap-passthrough.ts';
import {
  ALICE,
  eapPacket,
  failure,
  identityRequest,
  identityResponse,
  md5Request,
  md5Response,
  PaeRig,
  success,
} from '../rigs/pae.ts';

describe('a client that logs in', () => {
  it('is asked, relayed, granted, and only then told of its success', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    expect(rig.last('send-eapol')).toMatchObject({ version: 2, packetType: 0, body: identityRequest(10) });

    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    const first = rig.last('ask-server');
    expect(first).toMatchObject({ first: true, eap: identityResponse(10) });
    expect(new TextDecoder().decode(first.identity)).toBe('alice');

    rig.give({ type: 'aaa-challenge', ref: first.ref, eap: md5Request(77) });
    expect(rig.last('send-eapol').body).toEqual(md5Request(77));
    rig.give({ type: 'eap-response', packet: md5Response(77) });
    const second = rig.last('ask-server');
    expect(second).toMatchObject({ first: false, eap: md5Response(77), identity: first.identity });
    expect(second.ref).not.toBe(first.ref);

    rig.forget();
    rig.give({ type: 'aaa-accept', ref: second.ref, eap: success(77), authorization: ALICE });
    expect(rig.frames()).toEqual([]);
    expect(rig.client.authenticated).toBe(false);
    expect(rig.last('accepted')).toMatchObject({ authorization: ALICE, identity: first.identity });

    rig.give({ type: 'grant-done', ref: rig.last('accepted').ref });
    expect(rig.last('send-eapol').body).toEqual(success(77));
    expect(rig.client.authenticated).toBe(true);
    expect(rig.client.isForgettable()).toBe(false);
    expect(rig.counted('auth-successes-while-authenticating')).toBe(1);
  });

  it('gets the EAP-Success that the server sent, octet by octet', () => {
    const rig = new PaeRig();
    rig.identify();
    const padded = Uint8Array.from([3, 200, 0, 4, 0xee]);
    rig.give({ type: 'aaa-accept', ref: rig.last('ask-server').ref, eap: padded, authorization: ALICE });
    rig.grant();
    expect(rig.last('send-eapol').body).toEqual(padded);
  });

  it('gets a built EAP-Success where the server sent none', () => {
    const rig = new PaeRig();
    rig.identify();
    const id = rig.challenge();
    rig.give({ type: 'aaa-accept', ref: rig.last('ask-server').ref, authorization: ALICE });
    rig.grant();
    expect(rig.last('send-eapol').body).toEqual(success(id));
  });

  it('fails with EAP-Failure when the table cannot be written', () => {
    const rig = new PaeRig();
    rig.identify();
    const id = rig.challenge();
    rig.accept({ ...ALICE, replyMessage: 'welcome' });
    rig.grant('p1: fdb add: ENOSPC');
    expect(rig.last('send-eapol').body).toEqual(failure(id));
    expect(rig.last('rejected')).toEqual({ type: 'rejected', reason: 'grant-failed' });
    expect(rig.client.authenticated).toBe(false);
  });

  it('passes fragments of any method through untouched, however large', () => {
    const rig = new PaeRig();
    rig.identify();
    const large = (code: number, id: number) =>
      eapPacket(code, id, [13, 0x40, ...Array.from({ length: 3990 }, (_, i) => (i * 7 + id) & 0xff)]);
    for (let id = 20; id < 30; id++) {
      rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: large(1, id) });
      expect(rig.last('send-eapol').body).toEqual(large(1, id));
      rig.give({ type: 'eap-response', packet: large(2, id) });
      expect(rig.last('ask-server').eap).toEqual(large(2, id));
    }
  });

  it('has the padding of a short frame taken off before the server sees it', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    const packet = Uint8Array.from([...identityResponse(10, 'bob'), 0, 0, 0, 0, 0]);
    rig.give({ type: 'eap-response', packet });
    expect(rig.last('ask-server').eap).toEqual(identityResponse(10, 'bob'));
  });

  it('may keep its capture buffer: nothing that was relayed shares memory with it', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    const packet = identityResponse(10);
    rig.give({ type: 'eap-response', packet });
    packet.fill(0xaa);
    expect(rig.last('ask-server').eap).toEqual(identityResponse(10));
    expect(rig.last('ask-server').identity).toEqual(identityResponse(10).subarray(5));
  });
});

describe('a server that says no', () => {
  it('has its EAP-Failure relayed, and the client held', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.challenge();
    rig.reject('account locked');
    expect(rig.last('send-eapol').body).toEqual(failure(11));
    expect(rig.last('rejected')).toEqual({
      type: 'rejected',
      reason: 'access-reject',
      replyMessage: 'account locked',
    });
    expect(rig.all('accepted')).toEqual([]);
    expect(rig.all('ended')).toEqual([]);
  });

  it('has an EAP-Failure built where it sent none', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'aaa-reject', ref: rig.last('ask-server').ref });
    expect(rig.last('send-eapol').body).toEqual(failure(10));
  });

  it('is believed when its Reject carries an EAP-Success (RFC 3579 §2.6.3)', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'aaa-reject', ref: rig.last('ask-server').ref, eap: success(10) });
    expect(rig.frames().at(-1)).toEqual([0, '040a0004']);
  });

  it('is believed when its Accept carries an EAP-Failure', () => {
    const rig = new PaeRig();
    rig.identify();
    const ref = rig.last('ask-server').ref;
    rig.give({ type: 'aaa-accept', ref, eap: failure(10), authorization: ALICE });
    expect(rig.all('accepted')).toEqual([]);
    expect(rig.last('rejected').reason).toBe('contradictory-accept');
    expect(rig.last('send-eapol').body).toEqual(failure(10));
  });
});

describe('the quiet period after a reject', () => {
  it('ignores and counts Starts for exactly 60 s, then asks by itself', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.reject();
    rig.forget();
    for (let s = 0; s < 59; s++) {
      rig.give({ type: 'eapol-start' });
      rig.pass(1);
    }
    expect(rig.frames()).toEqual([]);
    expect(rig.counted('start-while-held')).toBe(59);
    expect(rig.client.describe(rig.now)).toBe('HELD (EAP FAILURE2), next step in 1 s');
    expect(rig.client.isForgettable()).toBe(false);
    rig.pass(0.999);
    expect(rig.frames()).toEqual([]);
    rig.pass(0.001);
    expect(rig.frames()).toEqual([[60, '010b000501']]);
  });

  it('leaves the client with all its attempts', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.reject();
    rig.forget();
    rig.pass(1000);
    expect(rig.frames().map(([at]) => at)).toEqual([60, 90, 120, 150, 180, 210]);
  });

  it('ignores responses, logoffs and mere sightings, but not an administrator', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.reject();
    rig.forget();
    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    rig.give({ type: 'solicited-response', packet: identityResponse(1) });
    rig.give({ type: 'eapol-logoff' });
    rig.give({ type: 'reauthenticate', by: 'sighting' });
    rig.give({ type: 'reauthenticate', by: 'timer' });
    expect(rig.frames()).toEqual([]);
    expect(rig.all('ask-server')).toEqual([]);
    expect(rig.counted('eap-unsolicited')).toBe(2);
    rig.give({ type: 'reauthenticate', by: 'admin' });
    expect(rig.frames()).toHaveLength(1);
  });

  it('follows its setting', () => {
    const rig = new PaeRig({ quietPeriod: seconds(5) });
    rig.identify();
    rig.reject();
    rig.forget();
    rig.pass(5);
    expect(rig.frames()).toEqual([[5, '010b000501']]);
  });
});

describe('an exchange that comes to no end', () => {
  /** Fragments without end, each acknowledged by the server (RFC 5216 §2.1.5). */
  const rounds = (rig: PaeRig, count: number): void => {
    for (let n = 0; n < count && rig.all('rejected').length === 0; n++) rig.challenge();
  };

  it('is given up after as many rounds as no method needs, with an EAP-Failure and a quiet period', () => {
    const rig = new PaeRig();
    rig.identify();
    rounds(rig, MOST_ROUNDS);
    expect(rig.all('rejected')).toEqual([]);
    expect(rig.all('ask-server')).toHaveLength(MOST_ROUNDS + 1);
    rounds(rig, 1);
    expect(rig.all('ask-server')).toHaveLength(MOST_ROUNDS + 1);
    expect(rig.all('rejected')).toEqual([{ type: 'rejected', reason: 'too-many-rounds' }]);
    expect(rig.last('send-eapol').body[0]).toBe(4);
    rig.forget();
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([]);
  });

  it('of somebody who is in ends the session', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.identify();
    rounds(rig, MOST_ROUNDS + 1);
    expect(rig.all('ended')).toMatchObject([{ cause: 'reauth-failed' }]);
  });
});
