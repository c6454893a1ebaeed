// EAPOL-Start in every state: asked for once, heard often.

import { describe, expect, it } from 'vitest';
import { identityResponse, md5Request, PaeRig } from '../rigs/pae.ts';

describe('EAPOL-Start from a client that is unknown', () => {
  it('has it asked at once', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([[0, '010a000501']]);
  });
});

describe('EAPOL-Start while the Identity is asked', () => {
  it('repeats the very same request, and restarts nothing', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.pass(5);
    rig.give({ type: 'eapol-start' });
    rig.pass(30);
    expect(rig.frames()).toEqual([
      [0, '010a000501'],
      [5, '010a000501'],
      [30, '010a000501'],
    ]);
  });

  it('is answered although the question has only just gone out: nobody was there to hear it', () => {
    const rig = new PaeRig();
    rig.give({ type: 'reauthenticate', by: 'sighting' });
    rig.pass(0.5);
    rig.give({ type: 'eapol-start' });
    rig.pass(0.5);
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([
      [0, '010a000501'],
      [0.5, '010a000501'],
    ]);
    expect(rig.counted('start-duplicate')).toBe(1);
  });

  it('three at once, as Windows sends them, have one request for an answer', () => {
    const rig = new PaeRig();
    for (let i = 0; i < 3; i++) {
      rig.give({ type: 'eapol-start' });
      rig.pass(0.1);
    }
    expect(rig.frames()).toHaveLength(1);
    expect(rig.counted('start-duplicate')).toBe(2);
  });

  it('a storm of 100 a second for a minute costs at most one frame a second', () => {
    const rig = new PaeRig();
    for (let i = 0; i < 6000; i++) {
      rig.give({ type: 'eapol-start' });
      rig.pass(0.01);
    }
    expect(rig.frames().length).toBeLessThanOrEqual(62);
    expect(rig.counted('eapol-start-frames-rx')).toBe(6000);
  });
});

describe('EAPOL-Start in the middle of a method', () => {
  it('within a second of the exchange is the echo of the Start that began it', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.pass(0.2);
    rig.identify();
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'aaa-challenge', ref: rig.last('ask-server').ref, eap: md5Request(11) });
    rig.give({ type: 'eapol-start' });
    expect(rig.all('cancel-server')).toEqual([]);
    expect(rig.frames().map(([, hex]) => hex)).toEqual(['010a000501', '010b00080402cafe']);
  });

  it('later restarts it once, with a new identifier, and takes the question to the server back', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.pass(3);
    rig.give({ type: 'eapol-start' });
    expect(rig.last('cancel-server')).toMatchObject({ ref: rig.last('ask-server').ref, reason: 'void' });
    expect(rig.frames().at(-1)).toEqual([3, '010b000501']);
    rig.identify();
    rig.pass(3);
    rig.give({ type: 'eapol-start' });
    rig.pass(3);
    rig.give({ type: 'eapol-start' });
    expect(rig.all('cancel-server')).toHaveLength(1);
    expect(rig.counted('auth-eap-starts-while-authenticating')).toBe(3);
    rig.accept();
    rig.grant();
    expect(rig.client.authenticated).toBe(true);
  });

  it('while the grant is written changes nothing', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    rig.pass(3);
    rig.give({ type: 'eapol-start' });
    rig.grant();
    expect(rig.client.authenticated).toBe(true);
    expect(rig.frames().at(-1)?.[1]).toBe('030a0004');
  });
});

describe('EAPOL-Start from a client with a session', () => {
  it('reauthenticates it, and the session stays', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toHaveLength(1);
    expect(rig.client.authenticated).toBe(true);
    expect(rig.counted('auth-eap-starts-while-authenticated')).toBe(1);
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    rig.challenge();
    rig.accept();
    expect(rig.client.authenticated).toBe(true);
    rig.grant();
    expect(rig.all('accepted')).toEqual([]);
    expect(rig.all('ended')).toEqual([]);
    expect(rig.last('reauthenticated').sameIdentity).toBe(true);
  });

  it('right behind a success that took its time likewise', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.pass(5);
    rig.accept();
    rig.grant();
    rig.forget();
    rig.pass(0.5);
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([]);
    rig.pass(1);
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toHaveLength(1);
  });

  it('right behind its success is the echo of the Start that led there', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    rig.grant();
    rig.forget();
    rig.pass(0.5);
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([]);
    expect(rig.counted('start-duplicate')).toBe(1);
  });
});
