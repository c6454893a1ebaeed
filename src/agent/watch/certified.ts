// The certified devices (policy/certified-devices.ts), carried: who passes comes onto the list, and whoever is taken off it is
// logged off. Fallback sessions are nobody's proof, and L3 sessions have no device.
//
// The list is read after the ports are locked; who passes before that waits for it.

import { assertNever } from '../../base/result.ts';
import { after, type Instant, millis, NEVER, rfc3339, seconds } from '../../base/time.ts';
import { CERTIFYING_METHODS, type CertifyingMethod } from '../../model/authorization.ts';
import { type DeviceSelector, namesEverybody } from '../../model/selector.ts';
import type { CertifiedContent, CertifiedDevice } from '../../policy/certified-codec.ts';
import {
  CertifiedDevices,
  type CertifiedEvent,
  type ClearReason,
  type Passed,
} from '../../policy/certified-devices.ts';
import type { ClearRule } from '../../policy/certified-rules.ts';
import type { Command } from '../../report/commands.ts';
import { CLEARED_PER_EVENT } from '../../report/event-payloads.ts';
import type { CertifiedDevicePayload, InfoPayload } from '../../report/payloads.ts';
import type { Core } from '../core.ts';
import { type Outcome, refused } from '../outcome.ts';
import type { Timed } from '../schedule.ts';
import { isL2, type SessionUnit } from '../session/session-unit.ts';

/** A clock that is set is noticed within this time. */
const LOOK_AGAIN = seconds(60);

type ListCommand = Extract<Command, { readonly verb: 'certified'; readonly action: 'list' }>;
type ClearCommand = Extract<Command, { readonly verb: 'certified'; readonly action: 'clear' }>;

export class Certified implements Timed {
  private readonly list: CertifiedDevices;
  /** Who has passed before the list was read; undefined since then. */
  private early: Passed[] | undefined = [];
  private lookAt: Instant = NEVER;

  constructor(private readonly core: Core) {
    const { certifiedDevices } = core.config;
    this.list = new CertifiedDevices(certifiedDevices, (mac) => this.sessionOf({ mac }) !== undefined);
  }

  private get isOn(): boolean {
    return this.core.config.certifiedDevices.enabled;
  }

  /** What an earlier run left. */
  opened(content: CertifiedContent): void {
    const { early } = this;
    if (!this.isOn || early === undefined) return;
    this.early = undefined;
    if (content.damaged > 0) {
      const message = `${content.damaged} damaged entries of the list of certified devices were passed over`;
      this.core.parts.reporter.warning('certified-devices', message, {});
    }
    this.tell({ type: 'loaded', content });
    for (const device of early) this.tell({ type: 'passed', device });
    this.core.parts.reporter.infoChanged();
  }

  /** A user was authenticated: the session begins, or goes on. */
  passed(unit: SessionUnit): void {
    const device = deviceOf(unit);
    if (!this.isOn || device === undefined) return;
    if (this.early === undefined) this.tell({ type: 'passed', device });
    else this.early.push(device);
  }

  /** Its session has another role or VLAN, by a server's word alone. */
  changed(unit: SessionUnit): void {
    const device = deviceOf(unit);
    if (this.isOn && device !== undefined && this.early === undefined) this.tell({ type: 'changed', device });
  }

  /** Another configuration is in force. */
  configure(): void {
    if (this.isOn && this.early === undefined)
      this.tell({ type: 'settings', settings: this.core.config.certifiedDevices });
  }

  perform(command: ListCommand | ClearCommand): Outcome<'certified'> {
    if (!this.isOn)
      return refused('refused', 'there is no list of certified devices: certified_devices.enabled is false');
    if (this.early !== undefined) return refused('busy', 'the list is still being read');
    return command.action === 'list' ? this.page(command) : this.clear(command);
  }

  view(): InfoPayload['certified_devices'] {
    if (!this.isOn || this.early !== undefined) return null;
    const { size, dueAt, counters } = this.list;
    return {
      devices: size,
      capacity: this.core.config.certifiedDevices.capacity,
      next_clearing: dueAt === undefined ? null : rfc3339(dueAt),
      counters: counters.snapshot(),
    };
  }

  pollAt(): Instant {
    return this.lookAt;
  }

  onTime(now: Instant): void {
    if (!this.core.parts.restoration.isUndecided) this.tell({ type: 'tick' });
    else {
      // A device that is taken off the list now would keep the session that is still to be found.
      this.lookAt = after(now, seconds(1));
      this.core.schedule.touch(this);
    }
  }

  private page({ selector, limit, after: from }: ListCommand): Outcome<'certified'> {
    const all = this.list.select(selector);
    const rest = all
      .filter(({ mac }) => from === undefined || mac > from)
      .sort((a, b) => (a.mac < b.mac ? -1 : 1));
    const page = rest.slice(0, limit);
    const next = rest.length > page.length ? (page.at(-1)?.mac ?? null) : null;
    return { devices: page.map((device) => this.payload(device)), total: all.length, next };
  }

  private clear({ selector, dryRun }: ClearCommand): Outcome<'certified'> {
    const devices = this.list.select(selector);
    if (devices.length === 0 && !namesEverybody(selector))
      return refused('not-found', 'no certified device fits');
    const online = devices.filter((device) => this.sessionOf(device) !== undefined);
    const result = { cleared: devices.length, logged_off: online.length };
    if (dryRun) return { ...result, dry_run: true };
    this.tell({ type: 'clear', selector });
    return result;
  }

  private tell(event: CertifiedEvent): void {
    const { core } = this;
    for (const effect of this.list.handle(event, core.now)) {
      switch (effect.type) {
        case 'store':
          core.out.push({ type: 'certified-store', changes: effect.changes });
          break;
        case 'cleared':
          this.cleared(effect.devices, effect.why);
          break;
        default:
          assertNever(effect);
      }
    }
    this.plan();
  }

  private cleared(devices: readonly CertifiedDevice[], why: ClearReason): void {
    const { life, reporter } = this.core.parts;
    const detail =
      why.by === 'timer' ? ruleText(why.rule) : `by an administrator: ${selectorText(why.selector)}`;
    const all = devices.map((device) => ({ device, unit: this.sessionOf(device) }));
    for (let i = 0; i < all.length; i += CLEARED_PER_EVENT) {
      const some = all.slice(i, i + CLEARED_PER_EVENT).map(({ device: { mac, userName, port }, unit }) => ({
        mac,
        user_name: userName,
        port,
        logged_off: unit !== undefined,
      }));
      reporter.certifiedCleared({ by: why.by, detail, devices: some });
    }
    for (const { device, unit } of all) {
      this.core.decide(device.mac, device.port, 'no longer certified', detail);
      if (unit !== undefined) life.end(unit, { cause: 'certified-device-cleared', detail });
    }
    reporter.infoChanged();
  }

  /** The clock may be set meanwhile: that is looked for also where no rule waits. */
  private plan(): void {
    const { now, schedule } = this.core;
    const { dueAt } = this.list;
    const wait = dueAt === undefined ? LOOK_AGAIN : Math.min(Math.max(0, dueAt - now.wall), LOOK_AGAIN);
    this.lookAt = after(now.mono, millis(wait));
    schedule.touch(this);
  }

  /** Of an authenticated user, on this device. */
  private sessionOf({ mac }: Pick<CertifiedDevice, 'mac'>): SessionUnit | undefined {
    const unit = this.core.sessions.ofMac(mac);
    return unit !== undefined && methodOf(unit) !== undefined ? unit : undefined;
  }

  private payload(device: CertifiedDevice): CertifiedDevicePayload {
    const { mac, userName, port, vlan, role, method, first, last } = device;
    return {
      mac,
      user_name: userName,
      port,
      vlan,
      role,
      method,
      first_passed: rfc3339(first),
      last_passed: rfc3339(last),
      online: this.sessionOf(device) !== undefined,
    };
  }
}

function methodOf({ session }: SessionUnit): CertifyingMethod | undefined {
  return CERTIFYING_METHODS.find((method) => method === session.method);
}

/** Undefined for a session that is no proof, or of no device. */
function deviceOf(unit: SessionUnit): Passed | undefined {
  const method = methodOf(unit);
  if (method === undefined || !isL2(unit)) return undefined;
  const { mac, grant, authorization, role } = unit.session;
  return { mac, userName: authorization.userName, port: grant.port, vlan: grant.vlan, role, method };
}

function selectorText({ mac, user, port, role }: DeviceSelector): string {
  const parts = [
    ...(mac === undefined ? [] : [mac]),
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(port === undefined ? [] : [`port ${port}`]),
    ...(role === undefined ? [] : [`role ${role}`]),
  ];
  return parts.length === 0 ? 'all' : parts.join(', ');
}

function ruleText({ every, minimumAge, oldest, roles, ports }: ClearRule): string {
  const parts = [
    `every ${every / 1000} s`,
    ...(minimumAge > 0 ? [`after ${minimumAge / 1000} s on the list`] : []),
    ...(oldest > 0 ? [`the oldest ${oldest}`] : []),
    ...(roles.length > 0 ? [`roles ${roles.join(', ')}`] : []),
    ...(ports.length > 0 ? [`ports ${ports.join(', ')}`] : []),
  ];
  return parts.join(', ');
}
