// Keys of `radius.servers`, and of how long they are waited for, that must agree with each other.

import { isHostAddress, isIpv4, isLinkLocal, parseIp } from '../base/ip.ts';
import { PAE_DEFAULTS } from '../pae/settings.ts';
import { ACCESS_RETRANSMISSION, LONGEST_VISIT_IRTS } from '../radius/settings.ts';
import { RADIUS_DEFAULTS } from './defaults.ts';
import type { KeyPath } from './fault.ts';
import { type Finding, fault, warning } from './findings.ts';
import type { RawConfig } from './raw.ts';

type RawServer = RawConfig['radius']['servers'][number];

export function serverFindings(raw: RawConfig): Finding[] {
  const { servers } = raw.radius;
  const seen = new Map<string, number>();
  const out = servers.flatMap((server, index) => {
    const path = ['radius', 'servers', index];
    const place = placeOf(server);
    const first = seen.get(place);
    if (first === undefined) seen.set(place, index);
    return [
      ...(first === undefined ? [] : [fault(path, `${place} is servers[${first}] already`)]),
      ...(server.tls === undefined ? udpFindings(server, path) : tlsFindings(server, path)),
      ...noHost(server, path),
      ...linkLocal(server, path),
      ...proofFindings(server, path),
      ...shortSecret(server, path),
    ];
  });
  const whole = ['radius', 'servers'];
  if (servers.every(({ use }) => use === 'accounting'))
    out.push(fault(whole, 'no server is there for authentication'));
  if (servers.every(({ use }) => use === 'authentication'))
    out.push(warning(whole, 'no server is there for accounting: records are kept, and never sent'));
  return out;
}

/** A client's patience that does not reach the second server, or proves nothing: said of each key that makes it so. */
export function patienceFindings(raw: RawConfig): Finding[] {
  const irtS = raw.radius.retransmission?.access?.irt_s ?? ACCESS_RETRANSMISSION.irt / 1000;
  const visitS = irtS * LONGEST_VISIT_IRTS;
  const several = raw.radius.servers.filter(({ use }) => use !== 'accounting').length > 1;
  const faultsOf = (patienceS: number): readonly string[] => [
    ...(several && patienceS < visitS
      ? [
          `one server is asked for up to ${visitS.toFixed(1)} s, and an attempt that ends before that asks no other`,
        ]
      : []),
    ...(patienceS < irtS
      ? [`silence that is shorter than irt_s (${irtS} s) brings nobody to 'critical'`]
      : []),
  ];
  const patiences: readonly (readonly [KeyPath, number | undefined])[] = [
    [['dot1x'], raw.dot1x?.server_timeout_s],
    ...Object.entries(raw.ports ?? {}).map(
      ([pattern, { dot1x }]) => [['ports', pattern, 'dot1x'], dot1x?.server_timeout_s] as const,
    ),
  ];
  const out = patiences.flatMap(([path, patienceS]) =>
    patienceS === undefined
      ? []
      : faultsOf(patienceS).map((why) => warning([...path, 'server_timeout_s'], `is short: ${why}`)),
  );
  if (raw.dot1x?.server_timeout_s !== undefined) return out;
  const general = PAE_DEFAULTS.serverTimeout / 1000;
  const irt = ['radius', 'retransmission', 'access', 'irt_s'];
  return [
    ...out,
    ...faultsOf(general).map((why) => warning(irt, `is long for a server_timeout_s of ${general}: ${why}`)),
  ];
}

function placeOf({ address, tls, use, auth_port, acct_port }: RawServer): string {
  const host = parseIp(address) ?? address;
  if (tls !== undefined) return `${host} TCP port ${tls.port ?? RADIUS_DEFAULTS.radSecPort}`;
  const port =
    use === 'accounting' ? (acct_port ?? RADIUS_DEFAULTS.acctPort) : (auth_port ?? RADIUS_DEFAULTS.authPort);
  return `${host} port ${port}`;
}

function udpFindings(server: RawServer, path: KeyPath): Finding[] {
  const auth = server.auth_port ?? RADIUS_DEFAULTS.authPort;
  const out: Finding[] = [];
  if (server.secret === undefined) out.push(fault(path, "the key 'secret' is missing in a RADIUS server"));
  if ((server.use ?? 'both') === 'both' && server.acct_port === auth)
    out.push(fault([...path, 'acct_port'], `authentication and accounting cannot share port ${auth}`));
  for (const [key, use] of [
    ['auth_port', 'accounting'],
    ['acct_port', 'authentication'],
  ] as const) {
    if (server[key] !== undefined && server.use === use)
      out.push(warning([...path, key], `does nothing with use: ${use}`));
  }
  return out;
}

function tlsFindings(server: RawServer, path: KeyPath): Finding[] {
  const out: Finding[] = [];
  for (const key of ['auth_port', 'acct_port'] as const) {
    if (server[key] !== undefined)
      out.push(fault([...path, key], 'means nothing over TLS: the port is tls.port'));
  }
  const { ca_file, fingerprint, server_name } = server.tls ?? {};
  const tls = [...path, 'tls'];
  if (ca_file === undefined && fingerprint === undefined) {
    out.push(fault(tls, 'needs ca_file, fingerprint or both: else any server would be believed'));
  }
  if (fingerprint !== undefined && server_name !== undefined) {
    out.push(
      warning([...tls, 'server_name'], 'does nothing: the fingerprint says which certificate it must be'),
    );
  }
  return out;
}

function proofFindings(server: RawServer, path: KeyPath): Finding[] {
  if (server.require_message_authenticator !== false || server.tls !== undefined) return [];
  const message = 'replies without a Message-Authenticator can be forged (CVE-2024-3596)';
  return [warning([...path, 'require_message_authenticator'], message)];
}

/** Nobody is there who would ask, or could be asked. */
export function noHost({ address }: Peer, path: KeyPath): Finding[] {
  return isHost(address) ? [] : [fault([...path, 'address'], `${address} is no host's address`)];
}

export function isHost(address: string): boolean {
  const ip = parseIp(address);
  return ip === undefined || isOwn(address) || isHostAddress(ip);
}

/** There is no place for its zone, so the kernel takes the first interface that has such a route. */
function linkLocal({ address }: RawServer, path: KeyPath): Finding[] {
  const ip = parseIp(address);
  if (ip === undefined || isIpv4(ip) || !isLinkLocal(ip)) return [];
  return [
    warning(
      [...path, 'address'],
      `${address} is link-local: the kernel chooses the interface, and it may be the wrong one`,
    ),
  ];
}

function isOwn(address: string): boolean {
  return address.startsWith('127.') || parseIp(address) === '::1';
}

interface Peer {
  readonly address: string;
  readonly secret?: unknown;
  readonly tls?: unknown;
}

/** RFC 2865 §3: a secret of at least 16 octets. Not said of a server on this switch itself, nor where TLS protects. */
export function shortSecret(peer: Peer, path: KeyPath): Finding[] {
  if (typeof peer.secret !== 'string' || peer.secret.length >= 16 || peer.tls !== undefined) return [];
  if (isOwn(peer.address)) return [];
  return [warning([...path, 'secret'], 'has fewer than 16 characters (RFC 2865 section 3)')];
}
