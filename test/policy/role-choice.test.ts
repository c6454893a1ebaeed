import { describe, expect, it } from 'vitest';
import { chooseRole, type RoleNames, unknownRole } from '../../src/policy/role-choice.ts';

const exists = (role: string): boolean => ['staff', 'guest', 'phone', 'default'].includes(role);

describe('the first that names a role', () => {
  it.each<readonly [string, RoleNames, string, string]>([
    ['nothing but the port', { port: 'default' }, 'default', 'port'],
    ['a rule', { rule: 'phone', port: 'default' }, 'phone', 'rule'],
    ['the vendor', { vendorRole: 'guest', rule: 'phone', port: 'default' }, 'guest', 'vendor-attribute'],
    [
      'Filter-Id',
      { filterId: 'staff', vendorRole: 'guest', rule: 'phone', port: 'default' },
      'staff',
      'filter-id',
    ],
    [
      'an unknown Filter-Id',
      { filterId: 'x', vendorRole: 'guest', rule: 'phone', port: 'default' },
      'guest',
      'vendor-attribute',
    ],
    ['both unknown', { filterId: 'x', vendorRole: 'y', rule: 'phone', port: 'default' }, 'phone', 'rule'],
  ])('%s', (_, names, role, by) => {
    expect(chooseRole(names, exists)).toEqual({ role, by });
  });
});

describe('what is no role, and comes before all that is one', () => {
  it.each<readonly [Partial<RoleNames>, string | undefined]>([
    [{}, undefined],
    [{ filterId: 'staff', vendorRole: 'y' }, undefined],
    [{ filterId: 'x', vendorRole: 'staff' }, 'x'],
    [{ vendorRole: 'y' }, 'y'],
  ])('%j: %s', (names, role) => {
    expect(unknownRole(names, exists)?.role).toBe(role);
  });
});
