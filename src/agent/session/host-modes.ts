// Who may be on a port beside whom: what a port's host mode says of one more client.
//
// Whoever is in by a fallback (guest, auth-fail, critical) counts for nothing here: an authenticated client takes its place.

import type { Mac } from '../../base/mac.ts';
import { roleSettings } from '../../config/ports.ts';
import { type Authorization, isFallback } from '../../model/authorization.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import type { L2Unit } from './session-unit.ts';

/** Of the host mode multi-domain. */
export type Domain = 'data' | 'voice';

/** A voice device: the server says so, or its role, or it is given tagged VLANs only on a port of two domains. */
export function domainOf(core: Core, authorization: Authorization, port: PortName, role: string): Domain {
  if (authorization.voice === true || roleSettings(core.config, role).voice) return 'voice';
  const { vlan, egress } = authorization;
  const taggedOnly =
    vlan === undefined && egress !== undefined && egress.tagged.length > 0 && egress.untagged.length === 0;
  return taggedOnly && core.settings.port(port).hostMode === 'multi-domain' ? 'voice' : 'data';
}

/** Why it makes no sense that this client tries; undefined = it may. */
export function refusedBeforehand(core: Core, port: PortName, mac: Mac): string | undefined {
  const { hostMode } = core.settings.port(port);
  const others = authenticatedOthers(core, port, mac);
  switch (hostMode) {
    case 'multi-auth':
      return undefined;
    case 'single-host':
    case 'multi-host':
      return others.length > 0 ? `${hostMode}: the port has its client` : undefined;
    case 'multi-domain':
      return others.length > 1 ? 'multi-domain: the port has its data and its voice device' : undefined;
  }
}

/** For `explain`, of who was refused beforehand; but whom an open port (multi-host) lets through is not out. */
export function noteTaken(core: Core, mac: Mac, port: PortName, detail: string): void {
  if (!core.parts.ports.isOpened(port))
    core.decisions.note(mac, { at: core.now.wall, port, what: 'refused', detail });
}

/** Why this client does not get in now that a server has accepted it; undefined = it does. */
export function refusedAtEntry(
  core: Core,
  port: PortName,
  { mac, domain }: { readonly mac: Mac; readonly domain: Domain },
): string | undefined {
  const { hostMode } = core.settings.port(port);
  if (hostMode !== 'multi-domain') return refusedBeforehand(core, port, mac);
  const taken = authenticatedOthers(core, port, mac).some(({ session }) => session.domain === domain);
  return taken ? `multi-domain: the port has its ${domain} device` : undefined;
}

/** Those in by a fallback whom this client's entry puts out, whatever VLAN they are in. */
export function displaced(core: Core, port: PortName, mac: Mac): readonly L2Unit[] {
  if (core.settings.port(port).hostMode === 'multi-auth') return [];
  return core.sessions
    .onPort(port)
    .filter(({ session }) => session.mac !== mac && isFallback(session.method));
}

function authenticatedOthers(core: Core, port: PortName, mac: Mac): readonly L2Unit[] {
  return core.sessions
    .onPort(port)
    .filter(({ session }) => session.mac !== mac && !isFallback(session.method));
}
