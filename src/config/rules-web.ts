// What the schema cannot say of the login page.

import { globMatches } from '../base/glob.ts';
import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';

type RawPort = NonNullable<RawConfig['ports']>[string];

export function webFindings(raw: RawConfig): Finding[] {
  const out: Finding[] = [];
  for (const [pattern, own] of Object.entries(raw.ports ?? {}))
    out.push(...portalFindings(raw, pattern, own));
  if (raw.web !== undefined && raw.web.tls === undefined)
    out.push(warning(['web'], 'without `tls` passwords go from the browser to this switch in clear'));
  return out;
}

/** Of what holds on such a port, at the keys of this pattern that have a part in it. */
function portalFindings(raw: RawConfig, pattern: string, own: RawPort): Finding[] {
  const out: Finding[] = [];
  const { portal, control = 'auto', host_mode, auth_fail_vlan } = settingsOf(raw, pattern);
  if (portal !== true) return out;
  const path = ['ports', pattern];
  /** Undefined: it is for another pattern to say. */
  const at = (key: 'host_mode' | 'auth_fail_vlan'): string[] | undefined => {
    if (own[key] !== undefined) return [...path, key];
    return own.portal === true ? [...path, 'portal'] : undefined;
  };
  if (own.portal === true && raw.web === undefined)
    out.push(fault([...path, 'portal'], 'needs the login page: add `web`'));
  if (control !== 'auto') {
    if (own.portal === true) out.push(fault([...path, 'portal'], `needs control: auto, not ${control}`));
    return out;
  }
  const shared = host_mode === 'multi-host' ? at('host_mode') : undefined;
  if (shared !== undefined)
    out.push(
      fault(
        shared,
        'a portal and host_mode: multi-host cannot be together: the first stranger would open the port for all',
      ),
    );
  const useless = auth_fail_vlan === undefined ? undefined : at('auth_fail_vlan');
  if (useless !== undefined)
    out.push(warning(useless, 'auth_fail_vlan does nothing with a portal, where the refused go, too'));
  return out;
}

/**
 * Of the ports that this pattern is written for: itself and every other that matches it, a later one winning. Two patterns that
 * have only some ports in common are not seen here; there a portal gives way to multi-host (`portSettings`).
 */
function settingsOf(raw: RawConfig, name: string): RawPort {
  const matching = Object.entries(raw.ports ?? {}).filter(
    ([pattern]) => pattern === name || globMatches(pattern, name),
  );
  return Object.assign({}, ...matching.map(([, port]) => port)) as RawPort;
}
