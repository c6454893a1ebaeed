import { describe, expect, it } from 'vitest';
import { planVlans, type VlanFacts, type VlanWish } from '../../src/authz/vlan-plan.ts';

const FACTS: VlanFacts = {
  filtering: true,
  names: new Map([
    ['staff', 30],
    ['2024', 31],
    ['phones', 40],
  ]),
  native: 1,
  voiceVlan: 'phones',
  exists: (vlan) => [1, 30, 31, 40, 50].includes(vlan),
};

function plan(wish: Partial<VlanWish>, facts: Partial<VlanFacts> = {}) {
  const planned = planVlans({ untagged: [], tagged: [], voice: false, ...wish }, { ...FACTS, ...facts });
  return planned.ok ? planned.value : planned.error;
}

describe('which VLANs a client is to be in', () => {
  it.each<[string, Partial<VlanWish>, object]>([
    ['nothing is said: the port’s own', {}, { untagged: 1, tagged: [] }],
    ['an id', { untagged: ['30'] }, { untagged: 30, tagged: [] }],
    ['a name', { untagged: ['staff'] }, { untagged: 30, tagged: [] }],
    ['a name that looks like an id wins over the id', { untagged: ['2024'] }, { untagged: 31, tagged: [] }],
    ['the same VLAN named twice', { untagged: ['staff', '30'] }, { untagged: 30, tagged: [] }],
    ['tagged ones beside', { tagged: ['40', 'phones', '50'] }, { untagged: 1, tagged: [40, 50] }],
    ['a phone, with nothing said', { voice: true }, { untagged: undefined, tagged: [40] }],
    [
      'a phone whom the server puts elsewhere',
      { voice: true, untagged: ['50'] },
      { untagged: undefined, tagged: [50] },
    ],
    ['a phone with a tagged VLAN', { voice: true, tagged: ['50'] }, { untagged: undefined, tagged: [50] }],
  ])('%s', (_, wish, expected) => {
    expect(plan(wish)).toEqual(expected);
  });

  it.each<[string, Partial<VlanWish>, Partial<VlanFacts>, string, RegExp]>([
    ['a name that nobody knows', { untagged: ['guests'] }, {}, 'vlan-unknown-name', /"guests"/],
    ['an empty name', { untagged: [''] }, {}, 'vlan-unknown-name', /""/],
    ['VLAN 0', { untagged: ['0'] }, {}, 'vlan-bad-id', /"0" is no VLAN/],
    ['VLAN 4095', { tagged: ['4095'] }, {}, 'vlan-bad-id', /"4095" is no VLAN/],
    ['an id of many digits', { untagged: ['9'.repeat(300)] }, {}, 'vlan-bad-id', /is no VLAN/],
    ['a VLAN that is not there', { untagged: ['77'] }, {}, 'vlan-absent', /VLAN 77/],
    ['two untagged ones', { untagged: ['30', '50'] }, {}, 'vlan-taken', /VLAN 30 and to VLAN 50/],
    ['tagged and untagged the same', { untagged: ['30'], tagged: ['30'] }, {}, 'vlan-taken', /VLAN 30/],
    ['tagged what the port has untagged', { tagged: ['1'] }, {}, 'vlan-taken', /VLAN 1 /],
    ['a port without a PVID', {}, { native: undefined }, 'vlan-no-native', /no VLAN for untagged/],
    ['a phone, and no voice VLAN', { voice: true }, { voiceVlan: undefined }, 'vlan-no-voice', /voice/],
    [
      'a bridge that does not filter',
      { untagged: ['30'] },
      { filtering: false },
      'vlan-not-filtering',
      /"30"/,
    ],
    ['the same, tagged', { tagged: ['30'] }, { filtering: false }, 'vlan-not-filtering', /"30"/],
  ])('%s is refused with the reason', (_, wish, facts, code, message) => {
    expect(plan(wish, facts)).toEqual({ code, message: expect.stringMatching(message) });
  });

  it('on a bridge that does not filter VLANs everybody without a wish is in the one that there is, phones too', () => {
    expect(plan({}, { filtering: false })).toEqual({ untagged: 0, tagged: [] });
    expect(plan({ voice: true }, { filtering: false })).toEqual({ untagged: 0, tagged: [] });
  });

  it('quotes a hostile name safely, and no more of it than a line has room for', () => {
    const refusal = plan({ untagged: [`\u0007\n${'x'.repeat(5_000)}`] });
    expect('message' in refusal && refusal.message).toMatch(/^[^\p{C}]{1,200}$/u);
  });
});
