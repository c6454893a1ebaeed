// From a valid file to the Config: defaults filled in from the machines' settings, seconds to `Millis`, text to addresses.
// Expects what validate.ts and rules.ts have passed; checks nothing again.

import type { Static } from 'typebox';
import { type Ip, parseIp, parseIpv4, parseIpv6 } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';
import { type MacPrefix, parseMacPrefix } from '../base/mac-prefix.ts';
import { type Millis, seconds } from '../base/time.ts';
import { GUARD_DEFAULTS, PROBE_DEFAULTS } from '../liveness/settings.ts';
import type { NasIdentity } from '../model/nas.ts';
import type { MabSettings } from '../pae/mab-settings.ts';
import { PACING_DEFAULTS } from '../pae/reauth-pacing.ts';
import { PAE_DEFAULTS, type PaeSettings } from '../pae/settings.ts';
import { CERTIFIED_DEFAULTS, type CertifiedSettings, type ClearRule } from '../policy/certified-rules.ts';
import { DHCP_WATCH_DEFAULTS } from '../policy/dhcp-watch.ts';
import { EVENT_TIMESTAMP_WINDOW } from '../radius/dynauth.ts';
import type { RequestKind } from '../radius/effects.ts';
import type { RoleAttribute } from '../radius/role-attribute.ts';
import {
  ACCESS_RETRANSMISSION,
  ACCOUNTING_RETRANSMISSION,
  type RadiusServer,
  type RadiusSettings,
  type RadSecSettings,
  type RetransmissionSettings,
} from '../radius/settings.ts';
import { WEB_DEFAULTS } from '../web/settings.ts';
import type {
  AccountingConfig,
  Config,
  DynAuthConfig,
  HandshakeOverride,
  L3Config,
  MqttConfig,
  PortRule,
  ProbeSourceConfig,
  RoleConfig,
  SsoConfig,
  WebConfig,
} from './config.ts';
import {
  ACCOUNTING_DEFAULTS,
  AUTHORIZATION_DEFAULTS,
  DYNAUTH_DEFAULTS,
  MQTT_DEFAULTS,
  RADIUS_DEFAULTS,
  SHELL_DEFAULTS,
  SSO_DEFAULTS,
  VLAN_DEFAULTS,
  WEB_LISTENER_DEFAULTS,
} from './defaults.ts';
import type { ConfigSchema } from './schema.ts';
import type { SERVER_USES } from './schema-radius.ts';

export type RawConfig = Static<typeof ConfigSchema>;
type RawPort = NonNullable<RawConfig['ports']>[string];
type RawRole = NonNullable<RawConfig['roles']>[string];
type RawHandshake = NonNullable<RawRole['handshake']>;
type RawDot1x = NonNullable<RawConfig['dot1x']>;
type RawServer = RawConfig['radius']['servers'][number];
type RawRetransmission = NonNullable<NonNullable<RawConfig['radius']['retransmission']>['access']>;

export interface Assembly {
  readonly raw: RawConfig;
  /** Keys of `ports` in the file's order. */
  readonly portOrder: readonly string[];
  /** The secret at `radius.servers[i]`, `...clients[i]` and `mqtt.password`, files already read. */
  readonly secret: (value: string | { readonly file: string }) => string;
}

export function assemble({ raw, portOrder, secret }: Assembly): Config {
  const dynamicAuthorization = dynAuth(raw, secret);
  const signOn = sso(raw, secret);
  return {
    switch: { id: raw.switch.id, bridge: raw.switch.bridge, uplinks: raw.switch.uplinks ?? [] },
    backend: raw.backend ?? SHELL_DEFAULTS.backend,
    stateDir: raw.state_dir ?? SHELL_DEFAULTS.stateDir,
    controlSocket: raw.control_socket ?? SHELL_DEFAULTS.controlSocket,
    ports: portOrder.map((pattern) => portRule(pattern, raw.ports?.[pattern] ?? {}, secret)),
    roles: roles(raw),
    roleRules: (raw.role_rules ?? []).map(({ mac, role, ports }) => ({
      mac: parseMacPrefix(mac) as MacPrefix,
      role,
      ...given('ports', ports),
    })),
    vlans: new Map(Object.entries(raw.vlans ?? {})),
    vlan: {
      create: raw.vlan?.create ?? VLAN_DEFAULTS.create,
      uplinks: raw.vlan?.uplinks ?? VLAN_DEFAULTS.uplinks,
    },
    authorization: {
      filterRules: raw.authorization?.filter_rules ?? AUTHORIZATION_DEFAULTS.filterRules,
      unknownFilterId: raw.authorization?.unknown_filter_id ?? AUTHORIZATION_DEFAULTS.unknownFilterId,
      roleAttributes: roleAttributes(raw),
      requestCui: raw.authorization?.request_cui ?? AUTHORIZATION_DEFAULTS.requestCui,
    },
    nas: nas(raw),
    radius: radius(raw, secret),
    reauthentication: { perSecond: raw.radius.reauth_rate_per_s ?? PACING_DEFAULTS.perSecond },
    accounting: accounting(raw.radius.accounting),
    ...(dynamicAuthorization === undefined ? {} : { dynamicAuthorization }),
    ...given('l3', l3(raw.l3)),
    ...given('sso', signOn),
    mqtt: mqtt(raw, secret),
    ...given('web', web(raw.web)),
    probe: {
      holdAfterLinkUp: time(raw.handshake?.hold_after_link_up_s) ?? PROBE_DEFAULTS.holdAfterLinkUp,
      holdAfterAnnouncement:
        time(raw.handshake?.hold_after_announcement_s) ?? PROBE_DEFAULTS.holdAfterAnnouncement,
      allowUnspecifiedSource:
        raw.handshake?.allow_unspecified_source ?? PROBE_DEFAULTS.allowUnspecifiedSource,
      ratePerSecond: raw.handshake?.rate_per_s ?? PROBE_DEFAULTS.ratePerSecond,
    },
    probeSources: probeSources(raw),
    guard: {
      share: raw.guard?.share ?? GUARD_DEFAULTS.share,
      minimum: raw.guard?.minimum ?? GUARD_DEFAULTS.minimum,
    },
    pae: { ...PAE_DEFAULTS, ...pae(raw.dot1x) },
    certifiedDevices: certifiedDevices(raw),
    dhcpWatch: { ...DHCP_WATCH_DEFAULTS, ...raw.dhcp_watch },
    silentDevices: (raw.silent_devices ?? []).map((device) => ({
      mac: parseMacPrefix(device.mac) as MacPrefix,
      handshake: handshake(device.handshake),
    })),
    log: { level: raw.log?.level ?? SHELL_DEFAULTS.logLevel },
  };
}

function portRule(pattern: string, raw: RawPort, secret: Assembly['secret']): PortRule {
  const linkDownDelay = time(raw.link_down_delay_s);
  return {
    pattern,
    ...given('control', raw.control),
    ...given('hostMode', raw.host_mode),
    ...given('role', raw.role),
    ...given('inBand', raw.in_band),
    mab: mab(raw.mab, secret),
    ...given('linkDownDelay', linkDownDelay),
    ...given('egress', raw.egress),
    ...given('critical', raw.critical),
    ...given('portal', raw.portal),
    fallbacks: {
      ...given('guestVlan', word(raw.guest_vlan)),
      ...given('authFailVlan', word(raw.auth_fail_vlan)),
      ...given('criticalVlan', word(raw.critical_vlan)),
      ...given('voiceVlan', word(raw.voice_vlan)),
    },
    linkCommands: {
      ...given('allowBounce', raw.dynamic_authorization?.allow_bounce),
      ...given('allowDisable', raw.dynamic_authorization?.allow_disable),
    },
    handshake: handshake(raw.handshake),
    pae: pae(raw.dot1x),
  };
}

function mab(raw: RawPort['mab'], secret: Assembly['secret']): Partial<MabSettings> {
  const password = raw?.password === undefined ? undefined : secret(raw.password);
  return {
    ...given('enabled', raw?.enabled),
    ...given('delay', time(raw?.delay_s)),
    ...given('order', raw?.order),
    ...given('priority', raw?.priority),
    ...given('afterDot1xFailure', raw?.after_dot1x_failure),
    ...given('quietPeriod', time(raw?.quiet_s)),
    ...given('reAuthPeriod', time(raw?.reauth_period_s)),
    ...given('kernel', raw?.kernel),
    ...given('userName', raw?.user_name),
    ...given('password', password),
    ...given('authentication', raw?.authentication),
    ...given('maxClients', raw?.max_clients),
    ...given('ratePerSecond', raw?.rate_per_s),
  };
}

function roles(raw: RawConfig): ReadonlyMap<string, RoleConfig> {
  const out = new Map<string, RoleConfig>();
  for (const [name, role] of Object.entries(raw.roles ?? {})) out.set(name, roleConfig(name, role));
  if (!out.has('default')) out.set('default', roleConfig('default', {}));
  return out;
}

function roleConfig(name: string, raw: RawRole): RoleConfig {
  const heartbeat = time(raw.heartbeat_s ?? undefined);
  return {
    name,
    timers: { session: time(raw.session_s) ?? seconds(0), ...given('heartbeat', heartbeat) },
    inBand: raw.in_band ?? true,
    ...given('vlan', word(raw.vlan)),
    voice: raw.voice ?? false,
    ...given('critical', raw.critical),
    handshake: handshake(raw.handshake),
  };
}

export function handshake(raw: RawHandshake | undefined): HandshakeOverride {
  if (raw === 'off') return { period: seconds(0) };
  return {
    ...given('period', time(raw?.period_s)),
    ...given('times', raw?.times),
    ...given('keep', raw?.keep),
    ...given('wake', raw?.wake),
    ...given('probe', raw?.probe),
  };
}

function pae(raw: RawDot1x | undefined): Partial<PaeSettings> {
  return {
    ...given('txPeriod', time(raw?.tx_period_s)),
    ...given('suppTimeout', time(raw?.supp_timeout_s)),
    ...given('serverTimeout', time(raw?.server_timeout_s)),
    ...given('quietPeriod', time(raw?.quiet_period_s)),
    ...given('maxReq', raw?.max_req),
    ...given('reAuthMax', raw?.reauth_max),
    ...given('reAuthPeriod', time(raw?.reauth_period_s)),
  };
}

function roleAttributes(raw: RawConfig): readonly RoleAttribute[] {
  return (raw.authorization?.role_attributes ?? []).map(({ vendor, type, key }) => ({
    vendor,
    type,
    ...given('key', key),
  }));
}

function nas(raw: RawConfig): NasIdentity {
  return {
    identifier: raw.radius.nas_identifier ?? raw.switch.id,
    ...given('ipv4', parseIpv4(raw.radius.nas_ip_address ?? '')),
    ...given('ipv6', parseIpv6(raw.radius.nas_ipv6_address ?? '')),
  };
}

function accounting(raw: RawConfig['radius']['accounting']): AccountingConfig {
  return {
    interim: time(raw?.interim_s) ?? ACCOUNTING_DEFAULTS.interim,
    spool: {
      capacity: raw?.spool?.capacity ?? ACCOUNTING_DEFAULTS.capacity,
      evidence: time(raw?.spool?.evidence_s) ?? ACCOUNTING_DEFAULTS.evidence,
    },
  };
}

function radius(raw: RawConfig, secret: Assembly['secret']): RadiusSettings {
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

function radiusServer(raw: RawServer, secret: Assembly['secret']): RadiusServer {
  return {
    address: raw.address,
    use: USES[raw.use ?? 'both'],
    authPort: raw.auth_port ?? RADIUS_DEFAULTS.authPort,
    acctPort: raw.acct_port ?? RADIUS_DEFAULTS.acctPort,
    ...given('tls', raw.tls === undefined ? undefined : radSec(raw.tls)),
    secret: octets(secret(raw.secret ?? RADIUS_DEFAULTS.radSecSecret)),
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

function dynAuth(raw: RawConfig, secret: Assembly['secret']): DynAuthConfig | undefined {
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
      secret: octets(secret(client.secret)),
      requireMessageAuthenticator: client.require_message_authenticator ?? false,
    })),
  };
}

function l3(raw: RawConfig['l3']): L3Config | undefined {
  if (raw === undefined) return undefined;
  const exempt = (raw.exempt ?? []).map((ip) => parseIp(ip) as Ip);
  return { ingress: raw.ingress, exempt, firstHop: raw.first_hop ?? false };
}

function sso(raw: RawConfig, secret: Assembly['secret']): SsoConfig | undefined {
  const from = raw.sso;
  if (from === undefined) return undefined;
  return {
    port: from.port ?? SSO_DEFAULTS.port,
    ...given('listenAddress', from.listen_address === undefined ? undefined : parseIp(from.listen_address)),
    role: from.role ?? SSO_DEFAULTS.role,
    maxUsers: from.max_users ?? SSO_DEFAULTS.maxUsers,
    clients: from.clients.map((client) => ({
      address: parseIp(client.address) as Ip,
      secret: octets(secret(client.secret)),
      requireMessageAuthenticator: client.require_message_authenticator ?? false,
      ...given('role', client.role),
    })),
  };
}

function mqtt(raw: RawConfig, secret: Assembly['secret']): MqttConfig {
  const from = raw.mqtt ?? {};
  return {
    ...given('url', from.url),
    ...given('username', from.username),
    ...given('password', from.password === undefined ? undefined : secret(from.password)),
    tls: {
      ...given('ca', from.tls?.ca_file),
      ...given('cert', from.tls?.cert_file),
      ...given('key', from.tls?.key_file),
    },
    clientId: from.client_id ?? `rollcall-${raw.switch.id}`,
    willDelay: time(from.will_delay_s) ?? MQTT_DEFAULTS.willDelay,
    embeddedPort: from.embedded_port ?? MQTT_DEFAULTS.embeddedPort,
  };
}

function web(raw: RawConfig['web']): WebConfig | undefined {
  if (raw === undefined) return undefined;
  const addresses = (list: readonly string[] = []): readonly Ip[] => list.map((ip) => parseIp(ip) as Ip);
  return {
    listenAddresses: addresses(raw.listen_addresses),
    port: raw.port ?? WEB_LISTENER_DEFAULTS.port,
    ...given('tls', raw.tls === undefined ? undefined : { cert: raw.tls.cert_file, key: raw.tls.key_file }),
    names: (raw.names ?? []).map((name) => name.toLowerCase()),
    dnsServers: addresses(raw.dns_servers),
    maxConnections: raw.max_connections ?? WEB_LISTENER_DEFAULTS.maxConnections,
    settings: {
      authentication: raw.authentication ?? WEB_DEFAULTS.authentication,
      loginsPerMinute: raw.logins_per_minute ?? WEB_DEFAULTS.loginsPerMinute,
    },
  };
}

function probeSources(raw: RawConfig): Config['probeSources'] {
  const out = new Map<number, ProbeSourceConfig>();
  for (const [vlan, source] of Object.entries(raw.handshake?.sources ?? {})) {
    out.set(Number(vlan), {
      ...given('mac', parseMac(source.mac ?? '')),
      ...given('ipv4', parseIpv4(source.ip ?? '')),
      ...given('ipv6', source.ipv6 === undefined ? undefined : parseIpv6(source.ipv6)),
    });
  }
  return out;
}

function certifiedDevices({ certified_devices: raw = {} }: RawConfig): CertifiedSettings {
  return {
    enabled: raw.enabled ?? CERTIFIED_DEFAULTS.enabled,
    capacity: raw.capacity ?? CERTIFIED_DEFAULTS.capacity,
    clear: (raw.clear ?? []).map(clearRule),
  };
}

function clearRule(
  raw: NonNullable<NonNullable<RawConfig['certified_devices']>['clear']>[number],
): ClearRule {
  return {
    every: seconds(raw.every_s),
    ...given('firstAt', raw.first_at === undefined ? undefined : timeOfDay(raw.first_at)),
    minimumAge: time(raw.minimum_age_s) ?? CERTIFIED_DEFAULTS.minimumAge,
    oldest: raw.oldest ?? CERTIFIED_DEFAULTS.oldest,
    batchEvery: time(raw.batch_every_s) ?? CERTIFIED_DEFAULTS.batchEvery,
    keepOnline: raw.keep_online ?? CERTIFIED_DEFAULTS.keepOnline,
    roles: raw.roles ?? [],
    ports: raw.ports ?? [],
  };
}

/** `03:00Z`, since midnight. */
function timeOfDay(text: string): Millis {
  return seconds(Number(text.slice(0, 2)) * 3600 + Number(text.slice(3, 5)) * 60);
}

function word(vlan: string | number | undefined): string | undefined {
  return vlan === undefined ? undefined : String(vlan);
}

function time(inSeconds: number | undefined): Millis | undefined {
  return inSeconds === undefined ? undefined : seconds(inSeconds);
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `{key: value}`, or nothing where the value is undefined: an absent key is absent, not undefined. */
function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
}
