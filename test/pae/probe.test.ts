// The handshake's EAP probe: one question, no timer, and a whole reauthentication if it is answered.

import { describe, expect, it } from 'vitest';
import { seconds } from '../../src/base/time.ts';
import { eapPacket, identityResponse, md5Response, PaeRig, success } from '../rigs/pae.ts';

const HOURS = 10_000;

function probed(settings: ConstructorParameters<typeof PaeRig>[0] = {}): PaeRig {
  const rig = new PaeRig(settings);
  rig.login();
  rig.give({ type: 'probe' });
  return rig;
}

describe('a probe of a client with a session', () => {
  it('is one Request/Identity, with a new identifier each time', () => {
    const rig = probed();
    const first = rig.requestId;
    expect(rig.last('send-eapol').body).toEqual(eapPacket(1, first, [1]));
    rig.pass(15);
    rig.give({ type: 'probe' });
    expect(rig.requestId).toBe((first + 1) & 0xff);
    expect(rig.frames()).toHaveLength(2);
  });

  it('that is not answered is never sent again, and ends nothing', () => {
    const rig = probed();
    rig.pass(HOURS);
    expect(rig.frames()).toHaveLength(1);
    expect(rig.all('ended')).toEqual([]);
    expect(rig.client.authenticated).toBe(true);
  });

  it('that is answered becomes a reauthentication, without asking again', () => {
    const rig = probed();
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    expect(rig.last('ask-server')).toMatchObject({ first: true });
    const id = rig.challenge();
    rig.accept();
    expect(rig.last('reauthenticated').sameIdentity).toBe(true);
    rig.grant();
    // The probe, the server's challenge, and its success.
    expect(rig.frames()).toHaveLength(3);
    expect(rig.last('send-eapol').body).toEqual(success(id));
    expect(rig.client.authenticated).toBe(true);
  });

  it.each([
    ['to an older request', (id: number) => identityResponse((id - 1) & 0xff), 'eap-wrong-identifier'],
    ['of another type', (id: number) => md5Response(id), 'eap-unexpected-type'],
    ['that is no response', (id: number) => eapPacket(1, id, [1]), 'eap-not-a-response'],
  ])('takes no answer %s', (_, answer, counter) => {
    const rig = probed();
    rig.give({ type: 'eap-response', packet: answer(rig.requestId) });
    expect(rig.all('ask-server')).toEqual([]);
    expect(rig.counted(counter)).toBe(1);
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    expect(rig.all('ask-server')).toHaveLength(1);
  });

  it('does not put off the periodic reauthentication', () => {
    const rig = probed({ reAuthPeriod: seconds(100) });
    rig.pass(98);
    expect(rig.frames().map(([at]) => at)).toEqual([2, 100]);
    expect(rig.counted('auth-reauths-while-authenticated')).toBe(1);
  });
});

describe('a probe in the middle of an exchange', () => {
  it('is the outstanding request once more, octet by octet, and moves no timer', () => {
    const rig = new PaeRig({ reAuthPeriod: seconds(100) });
    rig.login();
    rig.pass(98);
    rig.pass(10);
    rig.give({ type: 'probe' });
    rig.pass(20);
    const [asked, again, retransmitted] = rig.frames();
    expect(again).toEqual([110, asked?.[1]]);
    expect(retransmitted).toEqual([130, asked?.[1]]);
  });

  it('is not sent while the server is asked', () => {
    const rig = probed();
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    expect(rig.client.canBeProbed).toBe(false);
    rig.forget();
    expect(rig.give({ type: 'probe' })).toEqual([]);
  });

  it('is sent again once no server has answered: the session goes on, and so does the asking', () => {
    const rig = probed();
    rig.give({ type: 'eap-response', packet: identityResponse(rig.requestId) });
    rig.serverSilent();
    rig.forget();
    rig.give({ type: 'probe' });
    expect(rig.frames()).toHaveLength(1);
    expect(rig.client.authenticated).toBe(true);
  });
});

it('nobody is probed without a session', () => {
  const rig = new PaeRig();
  expect(rig.client.canBeProbed).toBe(false);
  expect(rig.give({ type: 'probe' })).toEqual([]);
});
