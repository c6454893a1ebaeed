// What the schema cannot say of the login page.

import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';

export function webFindings(raw: RawConfig): Finding[] {
  const out: Finding[] = [];
  for (const [pattern, port] of Object.entries(raw.ports ?? {})) {
    if (port.portal !== true) continue;
    const path = ['ports', pattern];
    if (raw.web === undefined) out.push(fault([...path, 'portal'], 'needs the login page: add `web`'));
    if (port.control !== undefined && port.control !== 'auto')
      out.push(fault([...path, 'portal'], `needs control: auto, not ${port.control}`));
    if (port.host_mode === 'multi-host')
      out.push(
        fault(
          [...path, 'portal'],
          'cannot be with multi-host: the first stranger would open the port for all',
        ),
      );
    if (port.auth_fail_vlan !== undefined)
      out.push(warning([...path, 'auth_fail_vlan'], 'does nothing with a portal, where the refused go, too'));
  }
  if (raw.web !== undefined && raw.web.tls === undefined)
    out.push(warning(['web'], 'without `tls` passwords go from the browser to this switch in clear'));
  return out;
}
