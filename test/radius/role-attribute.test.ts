// Vendors' attributes that name a role, in an Access-Accept.

import { expect, it } from 'vitest';
import { utf8 } from '../../src/base/bytes.ts';
import { authorizationFrom } from '../../src/radius/accept.ts';
import { type OutgoingAttribute, vendor } from '../../src/wire/radius-attributes.ts';

const roleAttributes = [
  { vendor: 14_823, type: 1 },
  { vendor: 9, type: 1, key: 'role' },
];
const aruba = (name: string) => vendor(14_823, 1, utf8(name));
const cisco = (pair: string) => vendor(9, 1, utf8(pair));

it.each<readonly [string, readonly OutgoingAttribute[], string | undefined]>([
  ['none', [], undefined],
  ['Aruba-User-Role', [aruba('staff')], 'staff'],
  ['the first of two', [aruba('staff'), aruba('guest')], 'staff'],
  ['Cisco-AVPair', [cisco('device-traffic-class=voice'), cisco('role = staff')], 'staff'],
  ['a pair of another key', [cisco('roles=staff'), cisco('role')], undefined],
  ['the first that is configured, not the first that came', [cisco('role=guest'), aruba('staff')], 'staff'],
  ['an empty one counts for nothing', [aruba(''), cisco('role=guest')], 'guest'],
  ['another attribute of the vendor', [vendor(14_823, 2, utf8('staff'))], undefined],
])('%s', (_, attributes, role) => {
  const context = { identity: 'alice', server: '192.0.2.1:1812', roleAttributes };
  const { authorization, warnings } = authorizationFrom({ attributes: [...attributes] }, context);
  expect([authorization.vendorRole, warnings]).toEqual([role, []]);
});
