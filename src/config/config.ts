// The configuration as everything else reads it: typed, complete, immutable; times already `Millis`. Made by parse.ts.

import type { VlanSettings } from '../authz/vlan-book.ts';
import type { VlanWord } from '../authz/vlan-plan.ts';
import type { Ip, Ipv4, Ipv6 } from '../base/ip.ts';
import type { Mac } from '../base/mac.ts';
import type { MacPrefix } from '../base/mac-prefix.ts';
import type { Millis } from '../base/time.ts';
import type { GuardSettings, HandshakeSettings, ProbeSettings } from '../liveness/settings.ts';
import type { VlanId } from '../model/dataplane.ts';
import type { NasIdentity } from '../model/nas.ts';
import type { HostMode, PortControl } from '../model/port.ts';
import type { PortLimits } from '../pae/limits.ts';
import type { MabSettings } from '../pae/mab-settings.ts';
import type { PacingSettings } from '../pae/reauth-pacing.ts';
import type { PaeSettings } from '../pae/settings.ts';
import type { CertifiedSettings } from '../policy/certified-rules.ts';
import type { DhcpWatchSettings } from '../policy/dhcp-watch.ts';
import type { RoleTimers } from '../policy/settings.ts';
import type { DynAuthSettings } from '../radius/dynauth.ts';
import type { ListedClient } from '../radius/listed-clients.ts';
import type { RoleAttribute } from '../radius/role-attribute.ts';
import type { RadiusSettings } from '../radius/settings.ts';
import type { WebSettings } from '../web/settings.ts';
import type { CriticalAction, LogLevel } from './defaults.ts';

export interface SwitchConfig {
  readonly id: string;
  readonly bridge: string;
  /** Names or globs; they win over every port pattern. */
  readonly uplinks: readonly string[];
}

/** What a port or a role says about the handshake; what it leaves out comes from the next one down. */
export type HandshakeOverride = Partial<HandshakeSettings>;

/** The settings of one pattern of `ports`: only what the file says. */
export interface PortRule {
  readonly pattern: string;
  readonly control?: PortControl;
  readonly hostMode?: HostMode;
  readonly role?: string;
  readonly inBand?: boolean;
  readonly mab: Partial<MabSettings>;
  readonly linkDownDelay?: Millis;
  readonly egress?: 'open' | 'closed';
  readonly critical?: CriticalAction;
  readonly portal?: boolean;
  readonly fallbacks: PortFallbacks;
  readonly linkCommands?: Partial<LinkCommands>;
  readonly handshake: HandshakeOverride;
  readonly pae: Partial<PaeSettings>;
  readonly limits: Partial<PortLimits>;
}

/** VLANs of a port for those who have none of a server. */
export interface PortFallbacks {
  readonly guestVlan?: VlanWord;
  readonly authFailVlan?: VlanWord;
  readonly criticalVlan?: VlanWord;
  readonly voiceVlan?: VlanWord;
}

/** The settings of one port, all patterns merged. */
export interface PortConfig {
  readonly control: PortControl;
  readonly hostMode: HostMode;
  readonly role: string;
  /** The traffic of its users comes by us. */
  readonly inBand: boolean;
  readonly mab: MabSettings;
  readonly linkDownDelay: Millis;
  readonly egress: 'open' | 'closed';
  readonly critical: CriticalAction;
  /** Whom nothing else lets in may reach the login page. */
  readonly portal: boolean;
  readonly fallbacks: PortFallbacks;
  readonly linkCommands: LinkCommands;
  /** Wins over the role's, key by key. */
  readonly handshake: HandshakeOverride;
  readonly pae: PaeSettings;
  /** What anybody on it may ask of us. */
  readonly limits: PortLimits;
}

export interface RoleConfig {
  readonly name: string;
  readonly timers: RoleTimers;
  /** False here or at the port: out of band. */
  readonly inBand: boolean;
  /** Of users to whom the server gives none. */
  readonly vlan?: VlanWord;
  /** Its users are voice devices. */
  readonly voice: boolean;
  /** Wins over the port's, for sessions that run. */
  readonly critical?: 'deny' | 'keep';
  readonly handshake: HandshakeOverride;
}

/** Who, by MAC, has which role where neither RADIUS nor anything longer says so. */
export interface RoleRule {
  readonly mac: MacPrefix;
  readonly role: string;
  /** Names or globs; absent: every port. */
  readonly ports?: readonly string[];
}

/** A device that sleeps, or all of a maker's. */
export interface SilentDevice {
  readonly mac: MacPrefix;
  readonly handshake: HandshakeOverride;
}

/** `mac` absent: our own address in that VLAN, with our own MAC. */
export interface ProbeSourceConfig {
  readonly mac?: Mac;
  readonly ipv4?: Ipv4;
  readonly ipv6?: Ipv6;
}

/** What a CoA-Request may do to a port's link. */
export interface LinkCommands {
  readonly allowBounce: boolean;
  readonly allowDisable: boolean;
}

export interface DynAuthConfig extends DynAuthSettings, LinkCommands {
  readonly port: number;
  /** To listen at and to answer from; absent: every address, and the kernel chooses. */
  readonly listenAddress?: Ip;
  readonly bounce: Millis;
}

/** The routed path of users who are known by an address behind the switch. */
export interface L3Config {
  readonly ingress: readonly string[];
  readonly exempt: readonly Ip[];
  /** It answers ARP and neighbour discovery for those of its clients that are there. */
  readonly firstHop: boolean;
}

export interface ConcentratorConfig extends ListedClient {
  /** Wins over the one for all. */
  readonly role?: string;
}

export interface SsoConfig {
  readonly port: number;
  /** Absent: every address. */
  readonly listenAddress?: Ip;
  readonly role: string;
  readonly maxUsers: number;
  readonly clients: readonly ConcentratorConfig[];
}

/** What is taken of commands that come by the broker. */
export type MqttCommands = 'full' | 'read-only' | 'off';

/** PEM files by path. */
export interface MqttTls {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name in the broker's certificate, where it is not that of the URL. */
  readonly serverName?: string;
}

export interface MqttConfig {
  /** Absent: the embedded broker on loopback. */
  readonly url?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls: MqttTls;
  readonly commands: MqttCommands;
  readonly clientId: string;
  readonly willDelay: Millis;
  readonly embeddedPort: number;
}

/** The login page: where it is served. What is asked there is in `settings`. */
export interface WebConfig {
  /** Empty = all of this host. */
  readonly listenAddresses: readonly Ip[];
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Lower case. */
  readonly names: readonly string[];
  readonly dnsServers: readonly Ip[];
  readonly maxConnections: number;
  readonly settings: WebSettings;
}

/** What is done with words of a server that cannot be carried out, or need asking for. */
export interface AuthorizationConfig {
  readonly filterRules: 'refuse' | 'ignore';
  readonly unknownFilterId: 'port-role' | 'refuse';
  /** Vendors' attributes that name a role, in order of precedence. */
  readonly roleAttributes: readonly RoleAttribute[];
  readonly requestCui: boolean;
}

export interface AccountingConfig {
  readonly interim: Millis;
  readonly spool: {
    /** Records kept. */
    readonly capacity: number;
    /** Between two writings of what is known of living sessions. */
    readonly evidence: Millis;
  };
}

export interface Config {
  readonly switch: SwitchConfig;
  readonly backend: string;
  readonly stateDir: string;
  readonly controlSocket: string;
  /** That may open it beside the agent's own. */
  readonly controlSocketGroup?: string;
  /** Takes what changes nothing. */
  readonly readSocket?: string;
  readonly readSocketGroup?: string;
  /** In the order of the file; a later match wins, key by key: see ports.ts. */
  readonly ports: readonly PortRule[];
  /** Always has `default`. */
  readonly roles: ReadonlyMap<string, RoleConfig>;
  readonly roleRules: readonly RoleRule[];
  readonly vlans: ReadonlyMap<string, VlanId>;
  readonly vlan: VlanSettings;
  readonly authorization: AuthorizationConfig;
  readonly nas: NasIdentity;
  readonly radius: RadiusSettings;
  readonly reauthentication: PacingSettings;
  readonly accounting: AccountingConfig;
  readonly dynamicAuthorization?: DynAuthConfig;
  readonly l3?: L3Config;
  readonly sso?: SsoConfig;
  readonly mqtt: MqttConfig;
  readonly web?: WebConfig;
  readonly probe: ProbeSettings;
  readonly probeSources: ReadonlyMap<VlanId, ProbeSourceConfig>;
  readonly guard: GuardSettings;
  /** The global `dot1x`; a port's own keys win over it. */
  readonly pae: PaeSettings;
  readonly certifiedDevices: CertifiedSettings;
  readonly dhcpWatch: DhcpWatchSettings;
  readonly silentDevices: readonly SilentDevice[];
  readonly log: { readonly level: LogLevel };
}
