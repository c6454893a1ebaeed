// Ports whose link RADIUS servers, or an administrator's cut, have taken down. The machine of one is link-hold.ts; this file carries its effects, and
// knows which ports are held.

import { assertNever } from '../../base/result.ts';
import type { Instant } from '../../base/time.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { HoldKind } from '../../model/port.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import { type Hold, type HoldEffect, type HoldEvent, LinkHold } from './link-hold.ts';

class HeldPort implements Timed {
  readonly machine = new LinkHold();

  constructor(
    readonly name: PortName,
    private readonly links: Links,
  ) {}

  pollAt(): Instant {
    return this.machine.pollAt();
  }

  onTime(): void {
    this.links.tell(this, { type: 'tick' });
  }
}

export class Links {
  private readonly held = new Map<PortName, HeldPort>();
  /** Ports that were taken down and are not in the bridge. */
  private readonly away = new Map<PortName, HoldKind>();

  constructor(private readonly core: Core) {}

  /** Ports that an earlier run has taken down, and that it did not see up again. */
  boot(found: ReadonlyMap<PortName, HoldKind>): void {
    for (const [name, kind] of found) {
      this.core.out.log('warn', `an earlier run has taken the port down: ${kind}`, { port: name });
      this.away.set(name, kind);
      const port = this.core.parts.ports.get(name);
      if (port !== undefined) this.added(name, port.machine.facts.adminUp);
    }
  }

  /** A port is in the bridge, perhaps again. */
  added(name: PortName, adminUp: boolean): void {
    const kind = this.away.get(name);
    if (kind === undefined) return;
    this.away.delete(name);
    this.tell(this.portOf(name), { type: 'found', kind, adminUp });
  }

  kindOf(name: PortName): HoldKind | undefined {
    return this.held.get(name)?.machine.kind;
  }

  /** Whoever asked hears of it: `dynauth` or `cuts`. */
  takeDown(name: PortName, hold: Hold): void {
    this.core.parts.ports.lowering(name);
    this.tell(this.portOf(name), { type: 'take-down', hold });
  }

  /** Its sessions end. */
  keepDown(name: PortName): void {
    this.tellIfHeld(name, { type: 'keep-down' });
  }

  raise(name: PortName): void {
    // It comes up with its return.
    if (this.away.has(name)) this.away.set(name, 'bounce');
    this.tellIfHeld(name, { type: 'raise' });
  }

  facts(name: PortName, adminUp: boolean): void {
    this.tellIfHeld(name, { type: 'facts', adminUp });
  }

  linkSet(name: PortName, error: string | undefined): void {
    this.tellIfHeld(name, error === undefined ? { type: 'link-set' } : { type: 'link-set', error });
  }

  gone(name: PortName): void {
    const port = this.held.get(name);
    const kind = port?.machine.kind;
    if (port === undefined || kind === undefined) return;
    this.drop(port);
    this.away.set(name, kind);
    this.lowered(name, 'the port is gone');
  }

  tell(port: HeldPort, event: HoldEvent): void {
    const before = port.machine.kind;
    const effects = port.machine.handle(event, this.core.now.mono);
    if (port.machine.kind !== before) this.core.parts.reporter.portChanged(port.name);
    for (const effect of effects) this.apply(port.name, effect);
    // Whoever heard of it may have told it something in turn.
    if (this.held.get(port.name) !== port) return;
    if (port.machine.kind === undefined) this.drop(port);
    else this.core.schedule.touch(port);
  }

  private drop(port: HeldPort): void {
    this.core.schedule.forget(port);
    this.held.delete(port.name);
  }

  private lowered(port: PortName, error: string | undefined): void {
    this.core.parts.dynauth.lowered(port, error);
    this.core.parts.cuts.lowered(port, error);
  }

  private tellIfHeld(name: PortName, event: HoldEvent): void {
    const port = this.held.get(name);
    if (port !== undefined) this.tell(port, event);
  }

  private portOf(name: PortName): HeldPort {
    const known = this.held.get(name);
    if (known !== undefined) return known;
    const port = new HeldPort(name, this);
    this.held.set(name, port);
    return port;
  }

  private apply(port: PortName, effect: HoldEffect): void {
    const { out, parts } = this.core;
    switch (effect.type) {
      case 'set-link': {
        const { up, kind } = effect;
        out.ask({ about: 'link', port }, { type: 'set-link', port, up, kind });
        return;
      }
      case 'lowered':
        this.lowered(port, effect.error);
        return;
      case 'end-sessions':
        parts.ports.endSessions(port, effect.cause);
        return;
      case 'alarm':
        parts.reporter.warning('port', effect.message, { port });
        return;
      case 'alarm-over':
        out.log('info', `port ${effect.message}`, { port });
        return;
      default:
        assertNever(effect);
    }
  }
}
