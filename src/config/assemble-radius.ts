// The RADIUS side of the Config: servers, accounting, dynamic authorization, single sign-on. See assemble.ts.

import { utf8 } from '../base/bytes.ts';
import { type Ip, parseIp, parseIpv4, parseIpv6 } from '../base/ip.ts';
import type { NasIdentity } from '../model/nas.ts';
import { EVENT_TIMESTAMP_WINDOW } from '../radius/dynauth.ts';
import type { RoleAttribute } from '../radius/role-attribute.ts';
import {
  ACCESS_RETRANSMISSION,
  ACCOUNTING_RETRANSMISSION,
  type RadiusServer,
  type RadiusSettings,
  type RadSecSettings,
  type RequestKind,
  type RetransmissionSettings,
} from '../radius/settings.ts';
import type { AccountingConfig, DynAuthConfig, SsoConfig } from './config.ts';
import { ACCOUNTING_DEFAULTS, DYNAUTH_DEFAULTS, RADIUS_DEFAULTS, SSO_DEFAULTS } from './defaults.ts';
import { given, type RawConfig, type SecretOf, time } from './raw.ts';
import type { SERVER_USES } from './schema-radius.ts';

type RawServer = RawConfig['radius']['servers'][number];
type RawRetransmission = NonNullable<NonNullable<RawConfig['radius']['retransmission']>['access']>;

export function roleAttributes(raw: RawConfig): readonly RoleAttribute[] {
  return (raw.authorization?.role_attributes ?? []).map(({ vendor, type, key }) => ({
    vendor,
    type,
    ...given('key', key),
  }));
}

export function nas(raw: RawConfig): NasIdentity {
  return {
    identifier: raw.radius.nas_identifier ?? raw.switch.id,
    ...given('ipv4', parseIpv4(raw.radius.nas_ip_address ?? '')),
    ...given('ipv6', parseIpv6(raw.radius.nas_ipv6_address ?? '')),
  };
}

export function accounting(raw: RawConfig['radius']['accounting']): AccountingConfig {
  return {
    interim: time(raw?.interim_s) ?? ACCOUNTING_DEFAULTS.interim,
    spool: {
      capacity: raw?.spool?.capacity ?? ACCOUNTING_DEFAULTS.capacity,
      evidence: time(raw?.spool?.evidence_s) ?? ACCOUNTING_DEFAULTS.evidence,
    },
  };
}

export function radius(raw: RawConfig, secret: SecretOf): RadiusSettings {
  return {
    servers: raw.radius.servers.map((server) => radiusServer(server, secret)),
    access: retransmission(raw.radius.retransmission?.access, ACCESS_RETRANSMISSION),
    accounting: retransmission(raw.radius.retransmission?.accounting, ACCOUNTING_RETRANSMISSION),
    deadTime: time(raw.radius.dead_time_s) ?? RADIUS_DEFAULTS.deadTime,
    statusInterval: time(raw.radius.status_interval_s) ?? RADIUS_DEFAULTS.statusInterval,
  };
}

const USES: Readonly<Record<(typeof SERVER_USES)[number], readonly RequestKind[]>> = {
  both: ['access', 'accounting'],
  authentication: ['access'],
  accounting: ['accounting'],
};

function radiusServer(raw: RawServer, secret: SecretOf): RadiusServer {
  return {
    address: raw.address,
    use: USES[raw.use ?? 'both'],
    authPort: raw.auth_port ?? RADIUS_DEFAULTS.authPort,
    acctPort: raw.acct_port ?? RADIUS_DEFAULTS.acctPort,
    ...given('tls', raw.tls === undefined ? undefined : radSec(raw.tls)),
    secret: utf8(secret(raw.secret ?? RADIUS_DEFAULTS.radSecSecret)),
    statusServer: raw.status_server ?? 'auto',
    requireMessageAuthenticator: raw.require_message_authenticator ?? true,
  };
}

function radSec(raw: NonNullable<RawServer['tls']>): RadSecSettings {
  return {
    port: raw.port ?? RADIUS_DEFAULTS.radSecPort,
    ...given('caFile', raw.ca_file),
    certFile: raw.cert_file,
    keyFile: raw.key_file,
    ...given('serverName', raw.server_name),
    ...given('fingerprint', raw.fingerprint?.replaceAll(':', '').toLowerCase()),
  };
}

function retransmission(
  raw: RawRetransmission | undefined,
  defaults: RetransmissionSettings,
): RetransmissionSettings {
  return {
    irt: time(raw?.irt_s) ?? defaults.irt,
    mrt: time(raw?.mrt_s) ?? defaults.mrt,
    mrc: raw?.mrc ?? defaults.mrc,
    mrd: time(raw?.mrd_s) ?? defaults.mrd,
  };
}

export function dynAuth(raw: RawConfig, secret: SecretOf): DynAuthConfig | undefined {
  const from = raw.radius.dynamic_authorization;
  if (from === undefined) return undefined;
  return {
    port: from.port ?? RADIUS_DEFAULTS.dynAuthPort,
    ...given('listenAddress', from.listen_address === undefined ? undefined : parseIp(from.listen_address)),
    eventTimestampWindow: time(from.event_timestamp_window_s) ?? EVENT_TIMESTAMP_WINDOW,
    roleAttributes: roleAttributes(raw),
    requireEventTimestamp: from.require_event_timestamp ?? false,
    allowBounce: from.allow_bounce ?? DYNAUTH_DEFAULTS.allowBounce,
    allowDisable: from.allow_disable ?? DYNAUTH_DEFAULTS.allowDisable,
    bounce: time(from.bounce_s) ?? DYNAUTH_DEFAULTS.bounce,
    clients: from.clients.map((client) => ({
      address: parseIp(client.address) as Ip,
      secret: utf8(secret(client.secret)),
      requireMessageAuthenticator: client.require_message_authenticator ?? false,
    })),
  };
}

export function sso(raw: RawConfig, secret: SecretOf): SsoConfig | undefined {
  const from = raw.sso;
  if (from === undefined) return undefined;
  return {
    port: from.port ?? SSO_DEFAULTS.port,
    ...given('listenAddress', from.listen_address === undefined ? undefined : parseIp(from.listen_address)),
    role: from.role ?? SSO_DEFAULTS.role,
    maxUsers: from.max_users ?? SSO_DEFAULTS.maxUsers,
    clients: from.clients.map((client) => ({
      address: parseIp(client.address) as Ip,
      secret: utf8(secret(client.secret)),
      requireMessageAuthenticator: client.require_message_authenticator ?? false,
      ...given('role', client.role),
    })),
  };
}
