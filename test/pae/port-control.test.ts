// What the administrator's wish for the port does to the clients on it.

import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { failure, identityResponse, PaeRig, success } from '../rigs/pae.ts';

describe('a port that is force-authorized', () => {
  it('tells who asks that it is in, without a server', () => {
    const rig = new PaeRig({}, { control: 'force-authorized' });
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([[0, '03090004']]);
    rig.give({ type: 'eap-response', packet: identityResponse(9) });
    rig.give({ type: 'solicited-response', packet: identityResponse(9) });
    rig.give({ type: 'reauthenticate', by: 'admin' });
    expect(rig.all('ask-server')).toEqual([]);
    expect(rig.client.authenticated).toBe(false);
    expect(rig.client.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('lets an exchange that ran go, with success', () => {
    const rig = new PaeRig();
    rig.identify();
    const { ref } = rig.last('ask-server');
    rig.give({ type: 'port-control', control: 'force-authorized' });
    expect(rig.last('cancel-server').ref).toBe(ref);
    expect(rig.last('send-eapol').body).toEqual(success(10));
    expect(rig.client.isForgettable()).toBe(true);
  });

  it('keeps sessions, does not reauthenticate them, and resumes when it is auto again', () => {
    const rig = new PaeRig({ reAuthPeriod: seconds(100) });
    rig.login();
    rig.give({ type: 'port-control', control: 'force-authorized' });
    rig.pass(500);
    expect(rig.frames()).toEqual([]);
    expect(rig.client.authenticated).toBe(true);
    rig.give({ type: 'port-control', control: 'auto' });
    rig.pass(0);
    expect(rig.frames()).toHaveLength(1);
  });

  it('interrupts a reauthentication and keeps its session', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'eapol-start' });
    rig.forget();
    rig.give({ type: 'port-control', control: 'force-authorized' });
    expect(rig.client.authenticated).toBe(true);
    expect(rig.all('ended')).toEqual([]);
    expect(rig.frames()).toEqual([]);
  });
});

describe('a port that is force-unauthorized', () => {
  it('ends a session with that cause', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'port-control', control: 'force-unauthorized' });
    expect(rig.all('ended')).toEqual([
      { type: 'ended', cause: 'force-unauthorized', eapFailure: failure(11) },
    ]);
    expect(rig.frames()).toEqual([]);
  });

  it('refuses an exchange that runs, and every Start', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.give({ type: 'port-control', control: 'force-unauthorized' });
    expect(rig.all('cancel-server')).toHaveLength(1);
    expect(rig.last('send-eapol').body).toEqual(failure(10));
    expect(rig.all('ended')).toEqual([]);
    rig.pass(5);
    rig.give({ type: 'eapol-start' });
    expect(rig.frames().filter(([, hex]) => hex === '040a0004')).toHaveLength(2);
  });

  it('ends a session that came into being at that moment', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    rig.give({ type: 'port-control', control: 'force-unauthorized' });
    rig.grant();
    expect(rig.all('ended').map((e) => e.cause)).toEqual(['force-unauthorized']);
    expect(rig.client.authenticated).toBe(false);
  });

  it('makes no session of a grant that failed, and forgets the quiet period of one that was refused', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.accept();
    rig.give({ type: 'port-control', control: 'force-unauthorized' });
    rig.grant('EIO');
    expect(rig.all('ended')).toEqual([]);
    expect(rig.last('rejected').reason).toBe('grant-failed');
    rig.give({ type: 'port-control', control: 'off' });
    expect(rig.client.isForgettable()).toBe(true);
  });
});

describe('a port that is off', () => {
  it('says nothing at all, and takes back what it asked', () => {
    const rig = new PaeRig();
    rig.identify();
    rig.forget();
    rig.give({ type: 'port-control', control: 'off' });
    rig.give({ type: 'eapol-start' });
    expect(rig.frames()).toEqual([]);
    expect(rig.all('cancel-server')).toHaveLength(1);
  });
});
