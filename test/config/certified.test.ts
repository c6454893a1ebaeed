import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { restartPaths } from '../../src/config/diff.ts';
import { describeFault } from '../../src/config/fault.ts';
import { parseConfig } from '../../src/config/parse.ts';

function parse(certified: string) {
  const text = `switch: {id: sw1, bridge: br0}
ports: {"p*": {}}
roles: {guest: {}}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: sixteen-characters}]}
certified_devices: ${certified}
`;
  const parsed = parseConfig(text, () => ok(''));
  return parsed.ok
    ? { config: parsed.value.config, warnings: parsed.value.warnings.map(describeFault) }
    : { faults: parsed.error.map(describeFault) };
}

describe('certified_devices', () => {
  it('times are read', () => {
    const rules = '[{every_s: 86400, first_at: "23:30Z", minimum_age_s: 60, oldest: 5, ports: ["p*"]}]';
    expect(parse(`{enabled: true, clear: ${rules}}`).config?.certifiedDevices).toEqual({
      enabled: true,
      capacity: 10_000,
      clear: [
        {
          every: 86_400_000,
          firstAt: 84_600_000,
          minimumAge: 60_000,
          oldest: 5,
          batchEvery: 600_000,
          keepOnline: false,
          roles: [],
          ports: ['p*'],
        },
      ],
    });
  });

  it.each([
    ['{clear: [{}]}', "the key 'every_s' is missing in a clearing rule"],
    ['{clear: [{every_s: 0}]}', "'0' is not 1..31622400 seconds"],
    ['{clear: [{every_s: 60, first_at: "3:00"}]}', "'3:00' is not a time of day in UTC, such as 03:00Z"],
    ['{clear: [{every_s: 60, roles: [gest]}]}', "there is no role 'gest'; did you mean 'guest'?"],
    [
      '{clear: [{every_s: 60, oldest: 1}, {oldest: 1, every_s: 60}]}',
      'the same rule is certified_devices.clear[0] already',
    ],
    ['{capacity: 10}', "'10' is not a whole number 100..1000000"],
  ])('%s', (certified, fault) => {
    expect(parse(certified).faults).toEqual([expect.stringContaining(fault)]);
  });

  it('what does nothing is said', () => {
    expect(parse('{clear: [{every_s: 60, batch_every_s: 5}]}').warnings).toEqual([
      expect.stringContaining('does nothing without certified_devices.enabled'),
      expect.stringContaining('does nothing without `oldest`'),
    ]);
  });

  it('rules can change while it runs, the list itself cannot', () => {
    const [off, on, more] = [
      '{}',
      '{enabled: true}',
      '{enabled: true, capacity: 100, clear: [{every_s: 60}]}',
    ].map((text) => parse(text).config);
    if (off === undefined || on === undefined || more === undefined) throw new Error('not read');
    expect(restartPaths(off, on)).toEqual(['certified_devices.enabled']);
    expect(restartPaths(on, more)).toEqual(['certified_devices.capacity']);
    expect(
      restartPaths(more, { ...more, certifiedDevices: { ...more.certifiedDevices, clear: [] } }),
    ).toEqual([]);
  });
});
