// An identity is whatever a stranger likes it to be.

import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { printable } from '../../src/pae/identity.ts';
import { ALICE, eapPacket, PaeRig } from '../rigs/pae.ts';

describe('hostile text on its way to a log', () => {
  it.each([
    ['alice@example.org', '"alice@example.org"'],
    ['Ünïcødé 名前', '"Ünïcødé 名前"'],
    ['a\nb\r\x1b[2J\0', '"a\\u000ab\\u000d\\u001b[2J\\u0000"'],
    ['x"y\\z', '"x\\u0022y\\u005cz"'],
    ['\u202eevil\u2028', '"\\u202eevil\\u2028"'],
    ['', '""'],
    ['x'.repeat(65), `"${'x'.repeat(64)}"…`],
    ['\u{e0041}', '"\\udb40\\udc41"'],
  ])('%j becomes %s', (text, shown) => {
    expect(printable(utf8(text))).toBe(shown);
  });

  it('that is no UTF-8 is shown as such', () => {
    expect(printable(Uint8Array.from([0xff, 0xfe, 0x41]))).toBe('"\ufffd\ufffdA"');
  });
});

describe('an identity of arbitrary octets', () => {
  it('reaches the server as it came, and every decision about it is printable', () => {
    for (let octet = 0; octet < 256; octet++) {
      const rig = new PaeRig();
      const identity = Uint8Array.from([octet, 0x0a, octet]);
      rig.give({ type: 'eapol-start' });
      rig.give({ type: 'eap-response', packet: eapPacket(2, 10, [1, ...identity]) });
      expect(rig.last('ask-server').identity).toEqual(identity);
      rig.reject('no\nway');
      for (const { detail } of rig.all('decision')) expect(detail).not.toMatch(/\p{C}/u);
    }
  });

  it('that is empty is asked about nevertheless', () => {
    const rig = new PaeRig();
    rig.give({ type: 'eapol-start' });
    rig.give({ type: 'eap-response', packet: eapPacket(2, 10, [1]) });
    expect(rig.last('ask-server')).toMatchObject({ first: true, identity: new Uint8Array(0) });
    const ref = rig.last('ask-server').ref;
    rig.give({ type: 'aaa-accept', ref, authorization: ALICE });
    expect(rig.last('accepted').identity).toHaveLength(0);
  });
});
