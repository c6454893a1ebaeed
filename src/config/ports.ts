// What holds for one port, one role, one client: the file's layers merged, the nearest to the client last.

import { INTERIM_DEFAULTS, type InterimSettings } from '../accounting/interim.ts';
import { globMatches } from '../base/glob.ts';
import type { Mac } from '../base/mac.ts';
import { MacPrefixTable } from '../base/mac-prefix.ts';
import { HANDSHAKE_DEFAULTS, type HandshakeSettings } from '../liveness/settings.ts';
import { PORT_LIMITS } from '../pae/limits.ts';
import { MAB_DEFAULTS } from '../pae/mab-settings.ts';
import type { Config, HandshakeOverride, PortConfig, RoleConfig } from './config.ts';
import { DYNAUTH_DEFAULTS, PORT_DEFAULTS } from './defaults.ts';

export function isUplink(config: Config, port: string): boolean {
  return config.switch.uplinks.some((pattern) => globMatches(pattern, port));
}

/**
 * All patterns that match, in the file's order, a later one winning key by key. `control` is `off` for an uplink and
 * for a port that no pattern matches: it is not ours.
 */
export function portSettings(config: Config, port: string): PortConfig {
  const { allowBounce, allowDisable } = config.dynamicAuthorization ?? DYNAUTH_DEFAULTS;
  const all = { allowBounce, allowDisable };
  let merged: PortConfig = {
    ...PORT_DEFAULTS,
    mab: MAB_DEFAULTS,
    linkCommands: all,
    fallbacks: {},
    handshake: {},
    pae: config.pae,
    limits: PORT_LIMITS,
  };
  let ours = false;
  for (const { pattern, mab, linkCommands, fallbacks, handshake, pae, limits, ...keys } of config.ports) {
    if (!globMatches(pattern, port)) continue;
    ours = true;
    merged = {
      ...merged,
      ...keys,
      mab: { ...merged.mab, ...mab },
      fallbacks: { ...merged.fallbacks, ...fallbacks },
      linkCommands: { ...merged.linkCommands, ...linkCommands },
      handshake: { ...merged.handshake, ...handshake },
      pae: { ...merged.pae, ...pae },
      limits: { ...merged.limits, ...limits },
    };
  }
  // The first stranger would open the port for all.
  if (merged.hostMode === 'multi-host') merged = { ...merged, portal: false };
  return ours && !isUplink(config, port) ? merged : { ...merged, control: 'off' };
}

/** The file names VLANs that clients may be put into. */
export function namesVlans(config: Config): boolean {
  return (
    config.vlans.size > 0 ||
    config.ports.some(({ fallbacks }) => Object.keys(fallbacks).length > 0) ||
    [...config.roles.values()].some(({ vlan }) => vlan !== undefined)
  );
}

/** The named role; `default` for a name that the file does not have. */
export function roleSettings(config: Config, name: string): RoleConfig {
  const role = config.roles.get(name) ?? config.roles.get('default');
  return (
    role ?? {
      name: 'default',
      timers: { session: 0 as RoleConfig['timers']['session'] },
      inBand: true,
      voice: false,
      handshake: {},
    }
  );
}

export interface HandshakeSubject {
  readonly role: string;
  readonly port: string;
  readonly mac: Mac;
}

/** The same answers, each worked out once: asked for every login, and kept by every session. Of one configuration. */
export class EffectiveSettings {
  private readonly ports = new Map<string, PortConfig>();
  /** By the device's own entry (undefined: it has none), then by port and role. */
  private readonly handshakes = new Map<HandshakeOverride | undefined, Map<string, HandshakeSettings>>();
  private readonly roleHandshakes = new Map<string, HandshakeSettings>();
  private readonly silentDevices: MacPrefixTable<HandshakeOverride>;
  /** By which of the rules hold on a port. */
  private readonly ruleSets = new Map<string, MacPrefixTable<string>>();
  private readonly portRules = new Map<string, MacPrefixTable<string>>();
  readonly interim: InterimSettings;
  /** Some port lets strangers in as far as the login page. */
  readonly anyPortal: boolean;

  constructor(private readonly config: Config) {
    this.interim = { ...INTERIM_DEFAULTS, interval: config.accounting.interim };
    this.anyPortal = config.ports.some(({ portal }) => portal === true);
    this.silentDevices = new MacPrefixTable(
      config.silentDevices.map(({ mac, handshake }) => [mac, handshake]),
    );
  }

  port(name: string): PortConfig {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const settings = portSettings(this.config, name);
    this.ports.set(name, settings);
    return settings;
  }

  /** The traffic of a role's users on this port comes by us: both say so. */
  inBand({ role, port }: { readonly role: string; readonly port: string }): boolean {
    return this.port(port).inBand && roleSettings(this.config, role).inBand;
  }

  /** The role that a rule gives this client on this port. */
  ruledRole(mac: Mac, port: string): string | undefined {
    if (this.config.roleRules.length === 0) return undefined;
    return this.rulesOn(port).find(mac);
  }

  /**
   * Defaults, then the role, the port, and the device's own entry, key by key. One object for all sessions of a role on a
   * port that have the same entry, or none.
   */
  handshake({ role, port, mac }: HandshakeSubject): HandshakeSettings {
    const device = this.silentDevices.find(mac);
    const known = this.handshakes.get(device) ?? new Map<string, HandshakeSettings>();
    this.handshakes.set(device, known);
    const key = `${port} ${role}`;
    const settings = known.get(key) ?? {
      ...HANDSHAKE_DEFAULTS,
      ...roleSettings(this.config, role).handshake,
      ...this.port(port).handshake,
      ...device,
    };
    known.set(key, settings);
    return settings;
  }

  /** Of a session that is on no port. */
  roleHandshake(role: string): HandshakeSettings {
    const known = this.roleHandshakes.get(role);
    const settings = known ?? { ...HANDSHAKE_DEFAULTS, ...roleSettings(this.config, role).handshake };
    this.roleHandshakes.set(role, settings);
    return settings;
  }

  /** Ports with the same rules share a table. */
  private rulesOn(port: string): MacPrefixTable<string> {
    const known = this.portRules.get(port);
    if (known !== undefined) return known;
    const { roleRules } = this.config;
    const holds = roleRules.map(({ ports = ['*'] }) => ports.some((pattern) => globMatches(pattern, port)));
    const rules = roleRules.filter((_, i) => holds[i]);
    const key = holds.map(Number).join('');
    const table = this.ruleSets.get(key) ?? new MacPrefixTable(rules.map(({ mac, role }) => [mac, role]));
    this.ruleSets.set(key, table);
    this.portRules.set(port, table);
    return table;
  }
}
