// What holds for one port, one role, one client: the file's layers merged, the nearest to the client last.

import { INTERIM_DEFAULTS, type InterimSettings } from '../accounting/interim.ts';
import { globMatches } from '../base/glob.ts';
import type { Mac } from '../base/mac.ts';
import { HANDSHAKE_DEFAULTS, type HandshakeSettings } from '../liveness/settings.ts';
import { MAB_DEFAULTS } from '../pae/mab-settings.ts';
import type { Config, PortConfig, RoleConfig } from './config.ts';
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
  };
  let ours = false;
  for (const { pattern, mab, linkCommands, fallbacks, handshake, pae, ...keys } of config.ports) {
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
    };
  }
  return ours && !isUplink(config, port) ? merged : { ...merged, control: 'off' };
}

/** The file names VLANs that clients may be put into. */
export function namesVlans(config: Config): boolean {
  return config.vlans.size > 0 || config.ports.some(({ fallbacks }) => Object.keys(fallbacks).length > 0);
}

/** The named role; `default` for a name that the file does not have. */
export function roleSettings(config: Config, name: string): RoleConfig {
  const role = config.roles.get(name) ?? config.roles.get('default');
  return (
    role ?? {
      name: 'default',
      timers: { session: 0 as RoleConfig['timers']['session'] },
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

/** Defaults, then the role, the port, and the device's own entry, key by key. */
export function handshakeSettings(config: Config, { role, port, mac }: HandshakeSubject): HandshakeSettings {
  return {
    ...HANDSHAKE_DEFAULTS,
    ...roleSettings(config, role).handshake,
    ...portSettings(config, port).handshake,
    ...config.silentDevices.get(mac),
  };
}

/** The same answers, each worked out once: asked for every login, and kept by every session. Of one configuration. */
export class EffectiveSettings {
  private readonly ports = new Map<string, PortConfig>();
  private readonly handshakes = new Map<string, HandshakeSettings>();
  readonly interim: InterimSettings;

  constructor(private readonly config: Config) {
    this.interim = { ...INTERIM_DEFAULTS, interval: config.accounting.interim };
  }

  port(name: string): PortConfig {
    const known = this.ports.get(name);
    if (known !== undefined) return known;
    const settings = portSettings(this.config, name);
    this.ports.set(name, settings);
    return settings;
  }

  /** One object for all sessions of a role on a port. */
  handshake(subject: HandshakeSubject): HandshakeSettings {
    const { role, port, mac } = subject;
    if (this.config.silentDevices.has(mac)) return handshakeSettings(this.config, subject);
    const key = `${port} ${role}`;
    const known = this.handshakes.get(key);
    if (known !== undefined) return known;
    const settings = handshakeSettings(this.config, subject);
    this.handshakes.set(key, settings);
    return settings;
  }
}
