// What an earlier run has left, and what becomes of it. One way, for each session that is in the store:
//
//   stored ─▶ the table is read ─▶ session/restoring.ts judges ─▶ adopt: it goes on   end: life.end   lost: a Stop, no more
//
// Until that is done no entry of the table is taken for foreign. Ports are locked all the while, captures and the broker's
// link come after it: to a client, a server and upstream nothing has happened.
// A session of which accounting has kept something and the rest cannot be read has its Stop at once; its entries are foreign
// then, and its user comes in anew.

import type { SessionRecord } from '../../accounting/spool.ts';
import type { Ip } from '../../base/ip.ts';
import { type Mac, macToNumber } from '../../base/mac.ts';
import { present } from '../../base/present.ts';
import { assertNever } from '../../base/result.ts';
import {
  after,
  earliest,
  fromMachineTime,
  type Instant,
  latest,
  type MachineTime,
  millis,
} from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { PortName, TableDump } from '../../model/dataplane.ts';
import type { KeptAddress, KeptSession, KeptStation, Proof } from '../../model/kept.ts';
import type { L2Session, L3Session } from '../../model/session.ts';
import { l3SessionKey, sessionKey } from '../../report/topics.ts';
import { type Found, judgeKept, type Verdict } from '../../session/restoring.ts';
import { forEachEntry, isGrant } from '../../wire/fdb-table.ts';
import type { Core } from '../core.ts';
import type { Input } from '../ports.ts';
import { keysOf } from '../session/authorization-policy.ts';
import { Beginnings } from '../session/beginnings.ts';
import { sessionsFollow } from '../session/follow.ts';
import { type L2Unit, type L3Unit, type Resumed, SessionUnit } from '../session/session-unit.ts';

/** A session of an earlier run; what accounting has of it, unless it is of those that no server knows. */
interface Stored<Place = KeptSession['place']> {
  readonly kept: KeptSession & { readonly place: Place };
  readonly record: SessionRecord | undefined;
}

/** Entries of one client in the table, as `keyText` without the port's name: by its ifindex; when each was last heard, in ms. */
type Standing = ReadonlyMap<number, ReadonlyMap<string, number>>;

export class Restoration {
  private readonly beginnings: Beginnings;
  /** Undefined until the store is read; then those that wait for the table. */
  private stored: Stored<KeptStation>[] | undefined;
  private judged = false;
  /** Addresses behind the switch that wait for the sets of the routed path. */
  private readonly behind: Stored<KeptAddress>[] = [];
  private addressesJudged = false;

  constructor(private readonly core: Core) {
    this.beginnings = new Beginnings(core);
  }

  /** No session on a port is undecided: an entry of nobody's is foreign. */
  get settled(): boolean {
    return this.judged;
  }

  /** The same of addresses behind the switch. */
  get addressesSettled(): boolean {
    return this.addressesJudged;
  }

  get isOver(): boolean {
    return this.judged && this.addressesJudged;
  }

  /** There may be sessions that nobody sees yet: what is asked of all, or of one of them, would miss them. */
  get isUndecided(): boolean {
    if (this.stored === undefined) return true;
    return (!this.judged && this.stored.length > 0) || (!this.addressesJudged && this.behind.length > 0);
  }

  /** What is in the store; without one, nothing. */
  opened({ content, kept, logins, status }: Extract<Input, { readonly type: 'spool' }>): void {
    if (this.stored !== undefined) return;
    const { accountant, bridge, keptSessions, reporter, sso, watch } = this.core.parts;
    sso.resume(logins);
    const living = new Map(accountant.opened(content, status).map((record) => [idOf(record), record]));
    keptSessions.begin();
    if (kept.damaged.length > 0) {
      const message = `${kept.damaged.length} sessions of the store cannot be read: their users come in anew`;
      reporter.warning('spool', message, {});
      for (const key of kept.damaged) keptSessions.forget(key.slice(1));
    }
    const whole = new Set<string>();
    this.stored = [];
    for (const session of newestFirst(kept.sessions)) {
      const record = living.get(session.id);
      // Its Stop is made already, by a program that did not know of this.
      if (record === undefined && !isFallback(session.method)) keptSessions.forget(session.id);
      else {
        whole.add(session.id);
        this.take({ kept: session, record });
      }
    }
    for (const [id, record] of living) if (!whole.has(id)) accountant.lost(record, 'nas-reboot');
    // Without a bridge no port of theirs is there, and no entry.
    if (bridge.isThere) watch.readTable();
    else this.judge(new Uint8Array());
    // Without a routed path nobody is on it.
    if (this.core.config.l3 === undefined) this.addresses(new Set());
    else this.core.out.push({ type: 'read-addresses', granted: true });
  }

  /** Who may pass the routed path, before it is compared with who is to. */
  addresses(granted: ReadonlySet<Ip>): void {
    const { core } = this;
    if (this.addressesJudged || this.stored === undefined) return;
    this.addressesJudged = true;
    for (const stored of this.behind.splice(0)) {
      const { kept } = stored;
      const { ip } = kept.place;
      const verdict = judgeKept(3, {
        sameBoot: kept.boot === core.boot.clock.boot,
        granted: granted.has(ip),
        replaced: core.sessions.get(l3SessionKey(ip)) !== undefined,
        methodOff: !core.parts.sso.knows(ip),
      });
      if (verdict.do === 'lost') this.lose(stored, verdict);
      else {
        const unit = this.adoptAddress(stored);
        if (verdict.do === 'end') core.parts.life.end(unit, verdict);
      }
    }
    core.parts.sso.allResumed();
    this.over();
  }

  /** A dump of the table is about to be looked at: whoever is adopted by it has its evidence from it, too. */
  table({ records }: TableDump): void {
    this.judge(records);
  }

  /** A session of this client waits for the table: it needs no other. */
  awaits(mac: Mac): boolean {
    return this.stored?.some(({ kept }) => kept.place.mac === mac) ?? false;
  }

  /**
   * The client has proven itself by 802.1X before the table could be read: what it has by that on this port is here from now on,
   * true if there is a session that may go on. An entry that is missing is written again when the table is read.
   */
  claim(mac: Mac, port: PortName): boolean {
    const claimed = this.stored?.find(
      ({ kept: { method, place } }) => place.mac === mac && place.port === port && method === 'dot1x',
    );
    if (claimed === undefined) return false;
    const verdict = judgeKept(2, {
      ...this.found(claimed.kept, new Map()),
      granted: true,
      replaced: false,
    });
    if (verdict.do !== 'adopt') return false;
    this.stored = this.stored?.filter((stored) => stored !== claimed);
    this.goOn(claimed, 'known');
    this.core.parts.ports.sessionsChanged(port);
    return true;
  }

  private judge(records: Uint8Array): void {
    if (this.judged || this.stored === undefined) return;
    const standing = this.standingIn(records);
    const ended: (() => void)[] = [];
    let adopted = 0;
    for (const stored of this.stored) {
      const verdict = judgeKept(2, this.found(stored.kept, standing));
      if (verdict.do === 'adopt') adopted++;
      const end = this.perform(stored, verdict);
      if (end !== undefined) ended.push(end);
    }
    this.judged = true;
    if (this.stored.length > 0)
      this.core.out.log('info', 'sessions of an earlier run go on', {
        kept: adopted,
        ended: this.stored.length - adopted,
      });
    const ports = new Set(this.stored.map(({ kept }) => kept.place.port));
    this.stored = [];
    for (const port of ports) this.core.parts.ports.sessionsChanged(port);
    // Last: they may make room that others of them must not take.
    for (const end of ended) end();
    this.over();
  }

  private over(): void {
    sessionsFollow(this.core);
    if (this.isOver) this.core.parts.reporter.restored();
  }

  private take({ kept, record }: Stored): void {
    const { place } = kept;
    if (place.layer === 2) this.stored?.push({ kept: { ...kept, place }, record });
    else this.behind.push({ kept: { ...kept, place }, record });
  }

  private standingIn(records: Uint8Array): Standing {
    const wanted = new Set(this.stored?.map(({ kept }) => macToNumber(kept.place.mac)));
    const standing = new Map<number, Map<string, number>>();
    forEachEntry(records, (mac48, vlan, ifindex, flags, idleMs) => {
      if (!isGrant(flags) || !wanted.has(mac48)) return;
      standing.set(mac48, (standing.get(mac48) ?? new Map()).set(`${ifindex} ${vlan}`, idleMs));
    });
    return standing;
  }

  private found({ boot, method, place }: Stored<KeptStation>['kept'], standing: Standing): Found {
    const { core } = this;
    const { mac, port: name, nasPort } = place;
    const { bridge, ports, life } = core.parts;
    const unit = ports.get(name)?.machine;
    const idle = idleTimesOf(place, standing);
    const { linkChanges = unit?.facts.linkChanges ?? 0 } = place;
    const port = {
      control: unit?.control,
      adminUp: unit?.facts.adminUp ?? true,
      linkUp: unit?.facts.linkUp ?? true,
      linkChanges: (unit?.facts.linkChanges ?? linkChanges) - linkChanges,
      heardLately: Math.min(...idle) < core.settings.port(name).linkDownDelay,
    };
    return {
      sameBoot: boot === core.boot.clock.boot,
      port: bridge.nameOf(nasPort) === name ? port : undefined,
      granted: idle.length > 0,
      replaced: core.sessions.ofMac(mac) !== undefined || life.isEntering(mac),
      methodOff: method === 'mab' && !core.settings.port(name).mab.enabled,
    };
  }

  /** What is still to be done when all have been judged. */
  private perform(stored: Stored<KeptStation>, verdict: Verdict): (() => void) | undefined {
    const { life } = this.core.parts;
    switch (verdict.do) {
      case 'adopt':
        this.goOn(stored);
        return undefined;
      case 'end': {
        const unit = this.adopt(stored);
        const { cause, detail } = verdict;
        return () => life.end(unit, { cause, detail, at: this.knownUntil(stored, unit) });
      }
      case 'lost':
        this.lose(stored, verdict);
        return undefined;
      default:
        return assertNever(verdict);
    }
  }

  private lose(
    { kept, record }: Stored,
    { cause, detail }: Extract<Verdict, { readonly do: 'end' | 'lost' }>,
  ): void {
    const { accountant, keptSessions, reporter, watch } = this.core.parts;
    const { id, authorization, place } = kept;
    if (place.layer === 2) watch.remember(place.mac, place.port, kept);
    this.core.out.log('info', 'session of an earlier run is over', {
      session: id,
      user: authorization.userName,
      ...(place.layer === 2 ? { mac: place.mac, port: place.port } : { ip: place.ip }),
      detail,
    });
    if (record !== undefined) accountant.lost(record, cause);
    else {
      keptSessions.forget(id);
      reporter.sessionLost(recordOf(kept), cause);
    }
  }

  private goOn(stored: Stored<KeptStation>, client?: 'known'): void {
    const { place } = stored.kept;
    this.adopt(stored, client);
    // Not by the file's word: others than its client were let in with it, if it was open, and by nobody if it was not.
    if (isStillOpen(place, this.core)) this.core.parts.ports.open(place.port);
  }

  /** `known`: its method has a machine of it. */
  private adopt(stored: Stored<KeptStation>, client?: 'known'): L2Unit {
    const { core } = this;
    const { accountant, confinement, fallback, keptSessions, life, meter, reporter, vlans } = core.parts;
    const { kept, record } = stored;
    const { place, method } = kept;
    const { mac, port, wish, domain } = place;
    const unit = new SessionUnit(this.sessionOf(stored), core, { wish, domain }, this.resumedOf(stored));
    keptSessions.resumed(unit);
    const keys = keysOf(mac, port, place.vlans);
    life.resume(keys);
    core.out.push({ type: 'adopted', keys });
    vlans.resume(unit, port, place.vlans);
    const { userName } = kept.authorization;
    const proof = this.proofOf(kept);
    if (client !== 'known')
      core.method(method)?.resume({ mac, port, userName, proof, authorizedAt: unit.authorizedAt });
    this.beginnings.resume(unit);
    meter.resume(unit, place.baseline);
    if (record !== undefined) accountant.resumed(unit, this.knownUntil(stored, unit));
    if (isFallback(method)) fallback.begin(unit);
    confinement.review(mac);
    reporter.sessionResumed(unit);
    return unit;
  }

  private adoptAddress(stored: Stored<KeptAddress>): L3Unit {
    const { core } = this;
    const { kept, record } = stored;
    const { ip, concentrator } = kept.place;
    const session: L3Session = {
      ...this.anySessionOf(kept),
      layer: 3,
      key: l3SessionKey(ip),
      grant: { ip },
      concentrator,
    };
    const unit: L3Unit = new SessionUnit(session, core, undefined, this.resumedOf(stored));
    core.parts.keptSessions.resumed(unit);
    core.parts.life.resume([{ ip }]);
    core.parts.sso.resumed(ip);
    this.beginnings.resume(unit);
    core.parts.routed.entered(unit);
    if (record !== undefined) core.parts.accountant.resumed(unit, this.knownUntil(stored, unit));
    core.parts.reporter.sessionResumed(unit);
    return unit;
  }

  private sessionOf({ kept }: Stored<KeptStation>): L2Session {
    const { mac, port, vlan, vlans, domain, nasPort, calledStation } = kept.place;
    return {
      ...this.anySessionOf(kept),
      layer: 2,
      key: sessionKey(mac),
      mac,
      grant: { mac, port, vlan },
      vlans,
      domain,
      nasPort,
      calledStation,
    };
  }

  private anySessionOf(kept: KeptSession) {
    const { id, multiId, method, startedWall, authorization, role, ipv4, ipv6 } = kept;
    return {
      id,
      multiId,
      method,
      startedAt: this.past(kept.startedAt),
      startedWall,
      authorization,
      role,
      addresses: present({ ipv4, ipv6 }),
    };
  }

  private resumedOf({ kept, record }: Stored): Resumed {
    const story = record?.subject.story;
    const startedAt = this.past(kept.startedAt);
    const time = (at: MachineTime | undefined): Instant => (at === undefined ? startedAt : this.past(at));
    return {
      authorizedAt: this.past(kept.authorizedAt),
      evidence: {
        lastSeen: time(story?.seenAt),
        lastSeenBy: story?.lastSeenBy ?? 'login',
        probesSent: story?.probesSent ?? 0,
        probesAnswered: story?.probesAnswered ?? 0,
      },
      lastOwn: time(story?.ownAt),
      ...(story?.interimAt === undefined ? {} : { interimAt: this.at(story.interimAt) }),
    };
  }

  /** No later record of it may say less: its last evidence, or the time of which the servers were told, if that is later. */
  private knownUntil({ record }: Stored, unit: SessionUnit): Instant {
    // Whole seconds of it are told, and instants have fractions.
    const told = millis(record?.kind === 'interim' ? record.sessionTimeS * 1000 + 1 : 0);
    const toldAt = earliest(after(unit.session.startedAt, told), this.core.now.mono);
    return latest(unit.evidence().lastSeen, toldAt);
  }

  private proofOf({ proof }: KeptSession): Proof | undefined {
    if (proof === undefined) return undefined;
    const { since, due, ...others } = proof;
    return { ...others, since: this.past(since), ...(due === undefined ? {} : { due: this.at(due) }) };
  }

  private at(time: MachineTime): Instant {
    return fromMachineTime(this.core.boot.clock, time);
  }

  /** Nothing that has happened is later than now. */
  private past(time: MachineTime): Instant {
    return earliest(this.at(time), this.core.now.mono);
  }
}

/** It was open for its client, and may be. */
function isStillOpen({ port, opened }: KeptStation, core: Core): boolean {
  return opened === true && core.settings.port(port).hostMode === 'multi-host';
}

/** How long each of its entries that stand has not been heard, in ms. Those that are missing are written again (reconciliation.ts). */
function idleTimesOf({ mac, port, nasPort, vlans }: KeptStation, standing: Standing): readonly number[] {
  const there = standing.get(macToNumber(mac));
  return keysOf(mac, port, vlans).flatMap(({ vlan }) => there?.get(`${nasPort} ${vlan}`) ?? []);
}

function idOf({ subject }: SessionRecord): string {
  return subject.sessionId;
}

/** Of two of one client the newer one stands. */
function newestFirst(sessions: readonly KeptSession[]): readonly KeptSession[] {
  return [...sessions].sort((a, b) => b.startedAt - a.startedAt);
}

/** What would be known of a session of which no server knows, if it were accounted for. */
function recordOf({ place, ...kept }: KeptSession): SessionRecord {
  const { ipv4, ipv6, method, role, startedWall: started } = kept;
  const here = place.layer === 2 ? place : undefined;
  const story = { method, role, started, lastSeenBy: 'login', probesSent: 0, probesAnswered: 0 } as const;
  return {
    kind: 'start',
    eventTime: started,
    subject: {
      sessionId: kept.id,
      multiSessionId: kept.multiId,
      userName: kept.authorization.userName,
      classes: [],
      ...present({ ipv4, ipv6, station: here }),
      story: here === undefined ? story : { ...story, vlan: here.vlan },
    },
  };
}
