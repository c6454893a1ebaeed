// From a valid file to the Config: defaults filled in from the machines' settings, seconds to `Millis`, text to addresses.
// Expects what validate.ts and rules.ts have passed; checks nothing again.

import { type Ip, parseIp, parseIpv4, parseIpv6 } from '../base/ip.ts';
import { parseMac } from '../base/mac.ts';
import { type MacPrefix, parseMacPrefix } from '../base/mac-prefix.ts';
import { type Millis, seconds } from '../base/time.ts';
import { GUARD_DEFAULTS, PROBE_DEFAULTS } from '../liveness/settings.ts';
import type { PortLimits } from '../pae/limits.ts';
import type { MabSettings } from '../pae/mab-settings.ts';
import { PACING_DEFAULTS } from '../pae/reauth-pacing.ts';
import { PAE_DEFAULTS, type PaeSettings } from '../pae/settings.ts';
import { CERTIFIED_DEFAULTS, type CertifiedSettings, type ClearRule } from '../policy/certified-rules.ts';
import { DHCP_WATCH_DEFAULTS } from '../policy/dhcp-watch.ts';
import { WEB_DEFAULTS } from '../web/settings.ts';
import { accounting, dynAuth, nas, radius, roleAttributes, sso } from './assemble-radius.ts';
import type {
  Config,
  HandshakeOverride,
  L3Config,
  MqttConfig,
  PortRule,
  ProbeSourceConfig,
  RoleConfig,
  WebConfig,
} from './config.ts';
import {
  AUTHORIZATION_DEFAULTS,
  MQTT_DEFAULTS,
  SHELL_DEFAULTS,
  VLAN_DEFAULTS,
  WEB_LISTENER_DEFAULTS,
} from './defaults.ts';
import { given, type RawConfig, type SecretOf, time } from './raw.ts';

type RawPort = NonNullable<RawConfig['ports']>[string];
type RawRole = NonNullable<RawConfig['roles']>[string];
type RawHandshake = NonNullable<RawRole['handshake']>;
type RawDot1x = NonNullable<RawConfig['dot1x']>;

export interface Assembly {
  readonly raw: RawConfig;
  /** Keys of `ports` in the file's order. */
  readonly portOrder: readonly string[];
  /** The secret at `radius.servers[i]`, `...clients[i]` and `mqtt.password`, files already read. */
  readonly secret: SecretOf;
}

export function assemble({ raw, portOrder, secret }: Assembly): Config {
  const dynamicAuthorization = dynAuth(raw, secret);
  const signOn = sso(raw, secret);
  return {
    switch: { id: raw.switch.id, bridge: raw.switch.bridge, uplinks: raw.switch.uplinks ?? [] },
    backend: raw.backend ?? SHELL_DEFAULTS.backend,
    stateDir: raw.state_dir ?? SHELL_DEFAULTS.stateDir,
    controlSocket: raw.control_socket ?? SHELL_DEFAULTS.controlSocket,
    ...given('controlSocketGroup', raw.control_socket_group?.toString()),
    ...given('readSocket', raw.read_socket),
    ...given('readSocketGroup', raw.read_socket_group?.toString()),
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

function portRule(pattern: string, raw: RawPort, secret: SecretOf): PortRule {
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
    limits: limits(raw.limits),
  };
}

function limits(raw: RawPort['limits']): Partial<PortLimits> {
  return {
    ...given('framesPerSecond', raw?.frames_per_s),
    ...given('framesBurst', raw?.frames_burst),
    ...given('macFramesPerSecond', raw?.mac_frames_per_s),
    ...given('clientsInProgress', raw?.clients),
    ...given('newPerSecond', raw?.new_clients_per_s),
    ...given('newBurst', raw?.new_clients_burst),
    ...given('responsesPerSecond', raw?.client_responses_per_s),
  };
}

function mab(raw: RawPort['mab'], secret: SecretOf): Partial<MabSettings> {
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

function l3(raw: RawConfig['l3']): L3Config | undefined {
  if (raw === undefined) return undefined;
  const exempt = (raw.exempt ?? []).map((ip) => parseIp(ip) as Ip);
  return { ingress: raw.ingress, exempt, firstHop: raw.first_hop ?? false };
}

function mqtt(raw: RawConfig, secret: SecretOf): MqttConfig {
  const from = raw.mqtt ?? {};
  return {
    ...given('url', from.url),
    ...given('username', from.username),
    ...given('password', from.password === undefined ? undefined : secret(from.password)),
    tls: {
      ...given('caFile', from.tls?.ca_file),
      ...given('certFile', from.tls?.cert_file),
      ...given('keyFile', from.tls?.key_file),
      ...given('serverName', from.tls?.server_name),
    },
    commands: from.commands ?? MQTT_DEFAULTS.commands,
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
