import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { portSettings } from '../../src/config/ports.ts';
import { withoutSecrets } from '../../src/config/secrets.ts';

function text(port: string): string {
  return `switch: {id: sw1, bridge: br0}
ports: {"p*": ${port}}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: sixteen-characters}]}
`;
}

const parse = (port: string) => parseConfig(text(port), () => ok('from the file\n'));

describe('MAC authentication bypass in the configuration', () => {
  it.each(['force-authorized', 'force-unauthorized', 'off'])(
    'mab with control %s is a fault: nobody is asked there',
    (control) => {
      expect(parse(`{control: ${control}, mab: {enabled: true}}`)).toMatchObject({
        ok: false,
        error: [{ path: 'ports."p*".mab.enabled', message: `needs control: auto, not ${control}` }],
      });
    },
  );

  it.each([
    ['order: [mab, mab]', 'order'],
    ['priority: [dot1x]', 'priority'],
    ['user_name: aabbccddeef', 'user_name'],
    ['authentication: eap-tls', 'authentication'],
    ['rate_per_s: 0', 'rate_per_s'],
  ])('mab: {%s} is a fault that names the key', (settings, key) => {
    const parsed = parse(`{mab: {enabled: true, ${settings}}}`);
    expect(!parsed.ok && parsed.error[0]?.path).toMatch(new RegExp(`ports."p\\*".mab.${key}`));
  });

  it.each([
    ['a'.repeat(128), undefined],
    ['a'.repeat(129), 'has 129 octets; this one has at most 128'],
    ['é'.repeat(65), 'has 130 octets; this one has at most 128'],
  ])('a password has at most the 128 octets of User-Password, in a file too: %#', (password, message) => {
    const inFile = parseConfig(text('{mab: {password: {file: /etc/mab}}}'), () => ok(password));
    for (const parsed of [parse(`{mab: {password: ${password}}}`), inFile]) {
      const fault = parsed.ok ? undefined : parsed.error[0];
      expect(fault?.message).toBe(message);
      if (fault !== undefined) expect(fault).toMatchObject({ path: 'ports."p*".mab.password', line: 2 });
    }
  });

  it('a password in a file is read, and one in the text is not shown', () => {
    const parsed = parse('{mab: {password: {file: /etc/mab}}}');
    expect(parsed.ok && portSettings(parsed.value.config, 'p1').mab.password).toBe('from the file');
    expect(withoutSecrets(text('{mab: {password: hush}}'))).toMatch(/password: <hidden>/);
  });
});
