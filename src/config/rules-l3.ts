// Keys of `l3` and `sso` that must agree with each other and with the rest.

import { parseIp } from '../base/ip.ts';
import { RADIUS_DEFAULTS, SSO_DEFAULTS } from './defaults.ts';
import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';
import { unknownRole } from './rules-roles.ts';
import { noHost, shortSecret } from './rules-servers.ts';

export function l3Findings(raw: RawConfig): Finding[] {
  const { l3, sso } = raw;
  const out: Finding[] = [];
  if (l3?.ingress.includes(raw.switch.bridge) === true)
    out.push(
      warning(
        ['l3', 'ingress'],
        `'${raw.switch.bridge}' is the bridge: users of its ports need an L3 session, too`,
      ),
    );
  out.push(...bridgePorts(raw));
  if (sso === undefined) {
    if (l3 !== undefined)
      out.push(warning(['l3'], 'without `sso` nobody behind the ingress interfaces gets in'));
    return out;
  }
  if (l3 === undefined) out.push(fault(['sso'], 'needs `l3`: the interfaces behind which its users are'));
  out.push(...unknownRole(raw, ['sso', 'role'], sso.role), ...portFindings(raw), ...clientFindings(raw));
  return out;
}

/** Of globs the start tells, and `check` on the switch: they may match names that are no ports of the bridge. */
function bridgePorts({ l3, ports, switch: { uplinks = [] } }: RawConfig): Finding[] {
  const named = new Set([...uplinks, ...Object.keys(ports ?? {})]);
  return (l3?.ingress ?? []).flatMap((name, index) =>
    named.has(name)
      ? [
          fault(
            ['l3', 'ingress', index],
            `'${name}' is a port of the bridge: what it forwards comes in by the bridge, and would pass without a session`,
          ),
        ]
      : [],
  );
}

function portFindings({ sso, radius }: RawConfig): Finding[] {
  const { dynamic_authorization: dynAuth } = radius;
  const port = sso?.port ?? SSO_DEFAULTS.port;
  if (dynAuth === undefined || (dynAuth.port ?? RADIUS_DEFAULTS.dynAuthPort) !== port) return [];
  return [fault(['sso', 'port'], `${port} is the port of radius.dynamic_authorization`)];
}

function clientFindings(raw: RawConfig): Finding[] {
  const seen = new Set<string>();
  return (raw.sso?.clients ?? []).flatMap((client, index) => {
    const path = ['sso', 'clients', index];
    const address = parseIp(client.address) ?? client.address;
    const again = seen.has(address);
    seen.add(address);
    return [
      ...(again ? [fault(path, `${client.address} is in the list already`)] : []),
      ...unknownRole(raw, [...path, 'role'], client.role),
      ...noHost(client, path),
      ...shortSecret(client, path),
    ];
  });
}
