// Timers that an administrator set while the agent runs. They lie over the configuration, and stay there until one says
// something else of that role or port than the one before, or until a restart. One entry a role or port, whatever is asked.

import { literalPattern } from '../../base/glob.ts';
import { present } from '../../base/present.ts';
import type { Config, PortRule, RoleConfig } from '../../config/config.ts';
import { same } from '../../config/diff.ts';
import { portSettings } from '../../config/ports.ts';
import type { TimerChange, TimerTarget } from '../../report/commands.ts';

export class TimerOverrides {
  private readonly roles = new Map<string, TimerChange>();
  private readonly ports = new Map<string, TimerChange>();

  /** What a change leaves out stays as it was set before. */
  set(target: TimerTarget, change: TimerChange): void {
    const [changes, name] = 'role' in target ? [this.roles, target.role] : [this.ports, target.port];
    changes.set(name, { ...changes.get(name), ...change });
  }

  copy(): TimerOverrides {
    const copy = new TimerOverrides();
    for (const [name, change] of this.roles) copy.roles.set(name, change);
    for (const [name, change] of this.ports) copy.ports.set(name, change);
    return copy;
  }

  /** A configuration with them over it. */
  over(config: Config): Config {
    const roles = new Map(config.roles);
    for (const [name, change] of this.roles) {
      const role = roles.get(name);
      if (role !== undefined) roles.set(name, withTimers(role, change));
    }
    const rules = [...this.ports].map(([name, change]) => ruleOf(name, change));
    return { ...config, roles, ports: [...config.ports, ...rules] };
  }

  /** Another configuration takes the place of the one below: what that one says anew is no longer overridden. */
  follow(before: Config, after: Config): void {
    for (const name of this.roles.keys()) {
      if (!same(before.roles.get(name), after.roles.get(name))) this.roles.delete(name);
    }
    for (const name of this.ports.keys()) {
      const { control, handshake } = portSettings(after, name);
      // A rule makes a port ours; what is off stays off.
      if (control === 'off' || !same(portSettings(before, name).handshake, handshake))
        this.ports.delete(name);
    }
  }
}

function withTimers(role: RoleConfig, change: TimerChange): RoleConfig {
  const { session = role.timers.session, heartbeat = role.timers.heartbeat } = change;
  const timers = heartbeat === null || heartbeat === undefined ? { session } : { session, heartbeat };
  return { ...role, timers, handshake: { ...role.handshake, ...handshakeChange(change) } };
}

/** It wins since it comes last. */
function ruleOf(port: string, change: TimerChange): PortRule {
  return {
    pattern: literalPattern(port),
    mab: {},
    fallbacks: {},
    handshake: handshakeChange(change),
    pae: {},
    limits: {},
  };
}

function handshakeChange({ period, times, keep, wake, probe }: TimerChange): PortRule['handshake'] {
  return present({ period, times, keep, wake, probe });
}
