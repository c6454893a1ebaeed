// Reauthentication in all its outcomes, and the other ends of a session.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { instant, seconds } from '../../src/base/time.ts';
import { PAE_DEFAULTS } from '../../src/pae/settings.ts';
import { failure, identityResponse, PaeRig, success } from '../rigs/pae.ts';

describe('periodic reauthentication', () => {
  it('comes every reAuthPeriod after the last success', () => {
    const rig = new PaeRig({ reAuthPeriod: seconds(100) });
    rig.login();
    rig.pass(97.999);
    expect(rig.frames()).toEqual([]);
    rig.pass(0.001);
    expect(rig.frames().map(([at]) => at)).toEqual([100]);
    rig.identify();
    rig.accept();
    rig.grant();
    rig.forget();
    rig.pass(99.999);
    expect(rig.frames()).toEqual([]);
    rig.pass(0.001);
    expect(rig.frames()).toHaveLength(1);
    expect(rig.counted('auth-reauths-while-authenticated')).toBe(1);
  });

  it('is off by default, and follows a change of the setting from the last success on', () => {
    const rig = new PaeRig();
    rig.login();
    rig.pass(100_000);
    expect(rig.frames()).toEqual([]);
    rig.give({ type: 'settings', settings: { ...PAE_DEFAULTS, reAuthPeriod: seconds(200_000) } });
    expect(rig.client.pollAt()).toBe(200_000_000);
  });
});

describe('a reauthentication by whoever wants it', () => {
  for (const by of ['admin', 'timer', 'sighting'] as const) {
    it(`begins at once for ${by}, and only once`, () => {
      const rig = new PaeRig();
      rig.login();
      rig.give({ type: 'reauthenticate', by });
      rig.give({ type: 'reauthenticate', by });
      expect(rig.frames()).toHaveLength(1);
      expect(rig.client.authenticated).toBe(true);
    });
  }
});

describe('a reauthentication that succeeds', () => {
  it('is relayed after the grant is written anew, and says whether it is the same identity', () => {
    const rig = new PaeRig();
    rig.login('alice');
    rig.give({ type: 'eapol-start' });
    rig.identify('mallory');
    const id = rig.challenge();
    rig.accept();
    const renewed = rig.last('reauthenticated');
    expect(renewed.sameIdentity).toBe(false);
    expect(new TextDecoder().decode(renewed.identity)).toBe('mallory');
    expect(rig.frames().at(-1)?.[1]).not.toBe(`03${id.toString(16)}0004`);
    // The agent finds another user: the old session ends, the new one is granted.
    rig.give({ type: 'session-replaced' });
    expect(rig.client.authenticated).toBe(false);
    rig.grant();
    expect(rig.client.authenticated).toBe(true);
    expect(rig.last('send-eapol').body).toEqual(success(id));
    rig.pass(2);
    rig.give({ type: 'eapol-start' });
    rig.identify('mallory');
    rig.accept();
    expect(rig.last('reauthenticated').sameIdentity).toBe(true);
  });

  it('but whose grant cannot be written ends the session with nas-error', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.identify();
    rig.accept();
    const { ref } = rig.last('reauthenticated');
    rig.forget();
    rig.give({ type: 'grant-done', ref, error: 'EIO' });
    expect(rig.last('ended')).toMatchObject({ cause: 'nas-error', eapFailure: failure(12) });
    expect(rig.frames()).toEqual([]);
  });
});

describe('a reauthentication that the server refuses', () => {
  it('ends the session; the EAP-Failure is handed on, not sent; then the client is held', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.identify();
    const id = rig.challenge();
    const { ref } = rig.last('ask-server');
    rig.forget();
    rig.give({ type: 'aaa-reject', ref, eap: failure(id), replyMessage: 'expired' });
    expect(rig.all('ended')).toEqual([
      { type: 'ended', cause: 'reauth-failed', eapFailure: failure(id), replyMessage: 'expired' },
    ]);
    expect(rig.all('rejected')).toEqual([]);
    expect(rig.frames()).toEqual([]);
    expect(rig.client.authenticated).toBe(false);
    rig.give({ type: 'session-ended' });
    rig.give({ type: 'eapol-start' });
    expect(rig.counted('start-while-held')).toBe(1);
  });
});

describe('a reauthentication that the client does not answer', () => {
  it('ends the session after reAuthMax attempts of maxReq + 1 requests', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'reauthenticate', by: 'timer' });
    rig.pass(179.999);
    expect(rig.client.authenticated).toBe(true);
    expect(rig.frames()).toHaveLength(6);
    rig.pass(0.001);
    expect(rig.last('ended')).toEqual({ type: 'ended', cause: 'reauth-failed', eapFailure: failure(13) });
    expect(rig.client.authenticated).toBe(false);
    expect(rig.client.isForgettable()).toBe(true);
    expect(rig.frames()).toHaveLength(6);
  });
});

/** Accepted again, and not yet told what comes of it. */
function renewing(name = 'alice'): PaeRig {
  const rig = new PaeRig();
  rig.login();
  rig.give({ type: 'eapol-start' });
  rig.identify(name);
  rig.accept();
  const asked = rig.last('reauthenticated');
  rig.forget();
  rig.seen.push({ at: rig.now, effect: asked });
  return rig;
}

describe('EAPOL-Logoff', () => {
  it('ends a session at once and asks nothing more', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.all('ended')).toEqual([
      { type: 'ended', cause: 'supplicant-logoff', eapFailure: failure(11) },
    ]);
    expect(rig.client.authenticated).toBe(false);
    rig.pass(1000);
    expect(rig.frames()).toEqual([]);
    expect(rig.client.isForgettable()).toBe(true);
  });

  it('during a reauthentication ends the session and the exchange', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.identify();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.last('cancel-server').ref).toBe(rig.last('ask-server').ref);
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['supplicant-logoff']);
  });

  it('during a first authentication ends that, and no session is said to end', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.all('ended')).toEqual([]);
    expect(rig.all('rejected')).toEqual([]);
    expect(rig.client.isForgettable()).toBe(true);
  });

  it('while the grant is written lets it stand first, then ends it, and no success is sent', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.all('ended')).toEqual([]);
    rig.grant();
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['supplicant-logoff']);
    expect(rig.frames().map(([, hex]) => hex.slice(0, 2))).toEqual(['01']);
    expect(rig.client.authenticated).toBe(false);
  });

  it('while a grant is written that fails is no refusal: the client may come back at once', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    const { ref } = rig.last('accepted');
    rig.forget();
    rig.give({ type: 'eapol-logoff' });
    rig.give({ type: 'grant-done', ref, error: 'EIO' });
    expect(rig.all('ended')).toEqual([]);
    expect(rig.all('rejected')).toEqual([]);
    expect(rig.frames()).toEqual([]);
    expect(rig.client.isForgettable()).toBe(true);
  });

  it('while another word for the session is carried out ends it at once, and what comes of the word is void', () => {
    const rig = renewing();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['supplicant-logoff']);
    rig.give({ type: 'session-ended' });
    expect(rig.client.isForgettable()).toBe(true);
    rig.grant();
    expect(rig.counted('grant-stale')).toBe(1);
    expect(rig.all('ended')).toHaveLength(1);
    expect(rig.frames()).toEqual([]);
  });

  it('while another user of the client is let in ends both, the one that there is at once', () => {
    const rig = renewing('mallory');
    rig.give({ type: 'eapol-logoff' });
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['supplicant-logoff']);
    rig.give({ type: 'session-replaced' });
    rig.grant();
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['supplicant-logoff', 'supplicant-logoff']);
    expect(rig.client.authenticated).toBe(false);
    expect(rig.frames()).toEqual([]);
  });

  it('of a client that has nothing changes nothing', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-logoff' });
    expect(rig.seen.map((s) => s.effect.type)).toEqual(['counted']);
  });
});

describe('a session of an earlier run that is found late', () => {
  const proof = { since: instant(0), failures: 0, identity: utf8('alice') };

  it('makes a reauthentication of the attempt that runs', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'session-found', proof });
    expect(rig.client.authenticated).toBe(true);
    expect(rig.client.proof?.since).toBe(proof.since);
    rig.accept();
    expect(rig.last('reauthenticated').sameIdentity).toBe(true);
    rig.grant();
    rig.pass(2);
    rig.give({ type: 'eapol-start' });
    rig.identify();
    rig.reject();
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['reauth-failed']);
  });

  it('ends the quiet period of one that no server answered', () => {
    const rig = new PaeRig({ reAuthPeriod: seconds(100) });
    rig.identify();
    rig.serverSilent();
    rig.give({ type: 'session-found', proof });
    expect(rig.client.describe(rig.now)).toBe(
      'AUTHENTICATED (EAP TIMEOUT_FAILURE), has a session, next step in 100 s',
    );
    rig.pass(100);
    expect(rig.all('reauthentication-due')).toHaveLength(1);
  });
});

describe('a session that the agent ends for its own reasons', () => {
  it('leaves the client unknown, says nothing, and takes its next Start as a first one', () => {
    const rig = new PaeRig();
    rig.login();
    expect(rig.client.buildFailure()).toEqual(failure(11));
    rig.give({ type: 'session-ended' });
    expect(rig.seen).toEqual([]);
    expect(rig.client.isForgettable()).toBe(true);
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    rig.accept();
    expect(rig.all('accepted')).toHaveLength(1);
  });

  it('stops a reauthentication that runs', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.identify();
    rig.give({ type: 'session-ended' });
    expect(rig.all('cancel-server')).toHaveLength(1);
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('while another word for it is carried out: nobody is refused or held, and what comes of the word is void', () => {
    for (const error of [undefined, 'the session has ended']) {
      const rig = renewing();
      rig.give({ type: 'session-ended' });
      expect(rig.client.isForgettable()).toBe(true);
      rig.grant(error);
      expect(rig.counted('grant-stale')).toBe(1);
      expect(rig.all('rejected')).toEqual([]);
      expect(rig.frames()).toEqual([]);
      expect(rig.client.authenticated).toBe(false);
    }
  });
});
