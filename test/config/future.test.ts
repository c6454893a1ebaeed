import { describe, expect, it } from 'vitest';
import { ok } from '../../src/base/result.ts';
import { parseConfig } from '../../src/config/parse.ts';

function parse(port: string) {
  const text = `switch: {id: sw1, bridge: br0}
ports: {"p*": ${port}}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: sixteen-characters}]}
`;
  return parseConfig(text, () => ok(''));
}

describe('what this version does not do yet', () => {
  it('closed egress is said to do nothing', () => {
    const parsed = parse('{egress: closed}');
    expect(parsed.ok && parsed.value.warnings.map(({ path }) => path).sort()).toEqual(['ports."p*".egress']);
  });

  it('what it does is not warned about', () => {
    expect(parse('{host_mode: single-host, mab: {enabled: true}}')).toMatchObject({
      ok: true,
      value: { warnings: [] },
    });
  });
});
