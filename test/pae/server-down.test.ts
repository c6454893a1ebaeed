// No server's word is no reject.

import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { PAE_DEFAULTS } from '../../src/pae/settings.ts';
import { ALICE, eapPacket, failure, PaeRig } from '../rigs/pae.ts';

describe('no server answers a first authentication', () => {
  it('fails it, and tries again after 10, 20, 40, then every 60 s', () => {
    const rig = new PaeRig();
    const asked: number[] = [];
    rig.give({ type: 'eapol-start' });
    for (let i = 0; i < 6; i++) {
      rig.identify();
      rig.serverSilent();
      expect(rig.last('send-eapol').body).toEqual(failure(10 + i));
      expect(rig.last('rejected').reason).toBe('no-server');
      const wait = (rig.client.pollAt() - rig.now) / 1000;
      asked.push(wait);
      rig.pass(wait);
    }
    expect(asked).toEqual([10, 20, 40, 60, 60, 60]);
  });

  it('forgets the back-off once a server has spoken', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.serverSilent();
    rig.pass(10);
    rig.identify();
    rig.serverSilent();
    rig.pass(20);
    rig.identify();
    rig.reject();
    rig.pass(60);
    rig.identify();
    rig.serverSilent();
    expect(rig.client.pollAt() - rig.now).toBe(10_000);
  });

  it('is noticed by serverTimeout even if nobody says so', () => {
    const rig = new PaeRig({ serverTimeout: seconds(12) });
    rig.identify();
    const { ref } = rig.last('ask-server');
    rig.pass(11.999);
    expect(rig.all('cancel-server')).toEqual([]);
    rig.pass(0.001);
    expect(rig.last('cancel-server')).toMatchObject({ ref, reason: 'unanswered' });
    expect(rig.last('rejected').reason).toBe('no-server');
    rig.give({ type: 'aaa-accept', ref, authorization: ALICE });
    expect(rig.all('accepted')).toEqual([]);
  });
});

describe('no server answers a reauthentication', () => {
  it('keeps the session, sends nothing, and tries again after 10, 20, 40 … at most 300 s', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'reauthenticate', by: 'timer' });
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      rig.identify();
      const before = rig.frames().length;
      rig.serverSilent();
      expect(rig.frames()).toHaveLength(before);
      expect(rig.client.authenticated).toBe(true);
      const wait = (rig.client.pollAt() - rig.now) / 1000;
      waits.push(wait);
      rig.pass(wait);
    }
    expect(waits).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
    expect(rig.all('ended')).toEqual([]);
    expect(rig.all('rejected')).toEqual([]);
    rig.identify();
    rig.accept();
    rig.grant();
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
    rig.give({ type: 'reauthenticate', by: 'timer' });
    rig.identify();
    rig.serverSilent();
    expect(rig.client.pollAt() - rig.now).toBe(10_000);
  });

  for (const [change, period] of [
    ['a longer', seconds(7_200)],
    ['no', seconds(0)],
  ] as const) {
    it(`is not put off by ${change} reauthentication period`, () => {
      const rig = new PaeRig({ reAuthPeriod: seconds(3_600) });
      rig.login();
      rig.give({ type: 'reauthenticate', by: 'timer' });
      rig.identify();
      rig.serverSilent();
      rig.give({ type: 'settings', settings: { ...PAE_DEFAULTS, reAuthPeriod: period } });
      expect(rig.client.pollAt() - rig.now).toBe(10_000);
    });
  }

  it('comes sooner by a period that is shorter than the wait', () => {
    const rig = new PaeRig({ reAuthPeriod: seconds(3_600) });
    rig.login();
    rig.give({ type: 'reauthenticate', by: 'timer' });
    rig.identify();
    rig.serverSilent();
    rig.give({ type: 'settings', settings: { ...PAE_DEFAULTS, reAuthPeriod: seconds(4) } });
    expect(rig.client.pollAt() - rig.now).toBe(4_000);
  });

  it('still ends the session if the client stops answering meanwhile', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'reauthenticate', by: 'timer' });
    rig.identify();
    rig.serverSilent();
    rig.pass(10 + 180);
    expect(rig.last('ended').cause).toBe('reauth-failed');
  });
});

describe('a Challenge with nothing to relay', () => {
  for (const [what, eap] of [
    ['without EAP', undefined],
    ['with a Response in it', eapPacket(2, 5, [4, 0])],
    ['with an EAP-Success in it', eapPacket(3, 5)],
    ['with broken EAP', Uint8Array.from([1, 5, 0])],
  ] as const) {
    it(`${what} is no verdict`, () => {
      const rig = new PaeRig();
      rig.identify();
      const ref = rig.last('ask-server').ref;
      rig.give({ type: 'aaa-challenge', ref, ...(eap === undefined ? {} : { eap }) });
      expect(rig.counted('aaa-bad-challenge')).toBe(1);
      expect(rig.last('rejected').reason).toBe('no-server');
      expect(rig.last('send-eapol').body).toEqual(failure(10));
    });
  }
});
