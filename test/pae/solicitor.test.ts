// A port that asks who is there.

import { describe, expect, it } from 'vitest';
import { toHex } from '../../src/base/bytes.ts';
import { instant, seconds } from '../../src/base/time.ts';
import { Solicitor, type SolicitorEvent } from '../../src/pae/solicitor.ts';
import { identityRequest, identityResponse, md5Response, PaeRig } from '../rigs/pae.ts';

function port() {
  const solicitor = new Solicitor({ txPeriod: seconds(30), firstIdentifier: 0xff });
  let now = 0;
  const sent: [number, string][] = [];
  const give = (event: SolicitorEvent) => {
    for (const { body } of solicitor.handle(event, instant(now))) sent.push([now / 1000, toHex(body)]);
  };
  const pass = (s: number) => {
    const until = now + s * 1000;
    while (solicitor.pollAt() <= until) {
      now = Math.max(now, solicitor.pollAt());
      give({ type: 'tick' });
    }
    now = until;
  };
  return { solicitor, give, pass, sent };
}

describe('a port whose link comes up', () => {
  it('asks at once, again when the capture has opened, then every txPeriod, each time anew', () => {
    const { give, pass, sent } = port();
    pass(5);
    give({ type: 'link', up: true });
    pass(1);
    give({ type: 'capture-opened' });
    pass(60);
    expect(sent).toEqual([
      [5, '0100000501'],
      [6, '0101000501'],
      [36, '0102000501'],
      [66, '0103000501'],
    ]);
  });

  it('asks nobody while it is not auto, or its link is down', () => {
    const { give, pass, sent } = port();
    give({ type: 'port-control', control: 'force-authorized' });
    give({ type: 'link', up: true });
    give({ type: 'capture-opened' });
    pass(100);
    expect(sent).toEqual([]);
    give({ type: 'port-control', control: 'auto' });
    expect(sent).toHaveLength(1);
    give({ type: 'link', up: false });
    pass(100);
    give({ type: 'capture-opened' });
    expect(sent).toHaveLength(1);
  });
});

describe('a port with a session', () => {
  it('asks no more until the last one is gone, and then after a txPeriod', () => {
    const { solicitor, give, pass, sent } = port();
    give({ type: 'link', up: true });
    give({ type: 'sessions', count: 1 });
    give({ type: 'sessions', count: 2 });
    give({ type: 'capture-opened' });
    pass(1000);
    expect(sent).toHaveLength(1);
    expect(solicitor.pollAt()).toBe(Number.POSITIVE_INFINITY);
    give({ type: 'sessions', count: 0 });
    pass(30);
    expect(sent.map(([at]) => at)).toEqual([0, 1030]);
  });
});

describe('a shorter txPeriod', () => {
  it('holds at once', () => {
    const { give, pass, sent } = port();
    give({ type: 'link', up: true });
    give({ type: 'settings', txPeriod: seconds(4) });
    pass(9);
    expect(sent.map(([at]) => at)).toEqual([0, 4, 8]);
  });
});

describe('an answer to the port', () => {
  it('is a Response/Identity to the newest request, as long as that stands', () => {
    const { solicitor, give } = port();
    expect(solicitor.matches(identityResponse(0xff))).toBe(false);
    give({ type: 'link', up: true });
    expect(solicitor.matches(identityResponse(0))).toBe(true);
    expect(solicitor.matches(identityResponse(1))).toBe(false);
    expect(solicitor.matches(identityRequest(0))).toBe(false);
    expect(solicitor.matches(md5Response(0))).toBe(false);
    expect(solicitor.matches(Uint8Array.from([2, 0, 0]))).toBe(false);
    give({ type: 'capture-opened' });
    expect(solicitor.matches(identityResponse(0))).toBe(false);
    expect(solicitor.matches(identityResponse(1))).toBe(true);
    give({ type: 'link', up: false });
    expect(solicitor.matches(identityResponse(1))).toBe(false);
    give({ type: 'link', up: true });
    expect(solicitor.matches(identityResponse(2))).toBe(true);
    give({ type: 'port-control', control: 'force-unauthorized' });
    expect(solicitor.matches(identityResponse(2))).toBe(false);
  });

  it('begins a login without a second question, and the server names the next identifier', () => {
    const rig = new PaeRig();
    rig.give({ type: 'solicited-response', packet: identityResponse(200) });
    expect(rig.frames()).toEqual([]);
    expect(rig.last('ask-server')).toMatchObject({ first: true, eap: identityResponse(200) });
    rig.give({ type: 'aaa-reject', ref: rig.last('ask-server').ref });
    expect(rig.frames()).toEqual([[0, '04c80004']]);
  });

  it('counts for a question by name that is out at the same time', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'solicited-response', packet: identityResponse(200) });
    rig.give({ type: 'eap-response', packet: identityResponse(10) });
    expect(rig.all('ask-server')).toHaveLength(1);
    expect(rig.counted('eap-while-server-asked')).toBe(1);
  });

  it('by a client with a session becomes a whole reauthentication', () => {
    const rig = new PaeRig();
    rig.login();
    rig.give({ type: 'solicited-response', packet: identityResponse(200) });
    expect(rig.client.authenticated).toBe(true);
    rig.accept();
    expect(rig.all('reauthenticated')).toHaveLength(1);
  });

  it('that cannot be relayed has its sender asked by name', () => {
    const rig = new PaeRig();
    rig.give({ type: 'solicited-response', packet: identityResponse(200, 'x'.repeat(300)) });
    expect(rig.counted('eap-identity-too-long')).toBe(1);
    expect(rig.frames()).toEqual([[0, '010a000501']]);
  });
});
