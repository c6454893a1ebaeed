import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { portSettings } from '../../src/config/ports.ts';

const parse = (ports: string, web = 'web: {}') =>
  parseConfig(
    `switch: {id: sw1, bridge: br0}
ports: ${ports}
${web}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: sixteen-characters}]}
`,
    () => ok('from the file\n'),
  );

const TOGETHER = /multi-host cannot be together/;

describe('a portal in the configuration', () => {
  it.each([
    ['{"p*": {portal: true, host_mode: multi-host}}', 'ports."p*".host_mode', TOGETHER],
    ['{"p*": {portal: true}, p1: {host_mode: multi-host}}', 'ports.p1.host_mode', TOGETHER],
    ['{p1: {host_mode: multi-host}, "p*": {portal: true}}', 'ports.p1.host_mode', TOGETHER],
    ['{"p*": {host_mode: multi-host}, p1: {portal: true}}', 'ports.p1.portal', TOGETHER],
    ['{"p*": {portal: true}, "p1*": {host_mode: multi-host}}', 'ports."p1*".host_mode', TOGETHER],
    ['{"p*": {control: off}, p1: {portal: true}}', 'ports.p1.portal', /needs control: auto, not off/],
  ])('%s: a fault', (ports, path, message) => {
    expect(parse(ports)).toMatchObject({
      ok: false,
      error: [{ path, message: expect.stringMatching(message) }],
    });
  });

  it('without a page: a fault', () => {
    expect(parse('{"p*": {portal: true}}', '')).toMatchObject({
      ok: false,
      error: [{ path: 'ports."p*".portal', message: 'needs the login page: add `web`' }],
    });
  });

  it.each([
    '{"p*": {portal: true}, p1: {portal: false, host_mode: multi-host}}',
    '{"p*": {portal: true}, p1: {control: force-authorized, host_mode: multi-host}}',
    '{"p*": {portal: true}, p1: {control: off}}',
  ])('%s: none', (ports) => expect(parse(ports)).toMatchObject({ ok: true }));

  it.each([
    ['{"p*": {portal: true, auth_fail_vlan: 30}}', 'ports."p*".auth_fail_vlan'],
    ['{"p*": {auth_fail_vlan: 30}, p1: {portal: true}}', 'ports.p1.portal'],
  ])('%s: a warning', (ports, path) => {
    const parsed = parse(ports);
    expect(parsed.ok ? parsed.value.warnings.map((warning) => warning.path) : parsed.error).toContain(path);
  });

  it('gives way to multi-host where two patterns meet on a port that neither is written for alone', () => {
    const parsed = parse('{"p1*": {portal: true}, "p*2": {host_mode: multi-host}}');
    const portalOf = (port: string) => parsed.ok && portSettings(parsed.value.config, port).portal;
    expect([portalOf('p11'), portalOf('p12')]).toEqual([true, false]);
  });
});
