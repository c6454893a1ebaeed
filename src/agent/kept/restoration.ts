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
import type { Mac } from '../../base/mac.ts';
import { present } from '../../base/present.ts';
import { assertNever } from '../../base/result.ts';
import { isFallback } from '../../model/authorization.ts';
import type { PortName, TableDump } from '../../model/dataplane.ts';
import { addressesOf, type KeptAddress, type KeptSession, type KeptStation } from '../../model/kept.ts';
import { l3SessionKey } from '../../report/topics.ts';
import { type Found, judgeKept, type Verdict } from '../../session/restoring.ts';
import type { Core } from '../core.ts';
import type { Input } from '../ports.ts';
import { sessionsFollow } from '../session/follow.ts';
import { Adoption, type Stored } from './adoption.ts';
import { LeftEntries } from './left-entries.ts';

export class Restoration {
  private readonly adoption: Adoption;
  /** Undefined until the store is read; then those that wait for the table. */
  private stored: Stored<KeptStation>[] | undefined;
  private judged = false;
  /** Addresses behind the switch that wait for the sets of the routed path. */
  private readonly behind: Stored<KeptAddress>[] = [];
  private addressesJudged = false;

  constructor(private readonly core: Core) {
    this.adoption = new Adoption(core);
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
        const unit = this.adoption.address(stored);
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
   * A server has its word about the client by 802.1X, before the table could be read: what it has by that on this port, if that may go
   * on, is here from now on. An entry that is missing is written again when the table is read.
   */
  claim(mac: Mac, port: PortName): void {
    const claimed = this.stored?.find(
      ({ kept: { method, place } }) => place.mac === mac && place.port === port && method === 'dot1x',
    );
    if (claimed === undefined) return;
    const verdict = judgeKept(2, {
      ...this.found(claimed.kept, new LeftEntries([], new Uint8Array())),
      granted: true,
      replaced: false,
    });
    if (verdict.do !== 'adopt') return;
    this.stored = this.stored?.filter((stored) => stored !== claimed);
    this.goOn(claimed);
    this.core.parts.ports.sessionsChanged(port);
  }

  private judge(records: Uint8Array): void {
    if (this.judged || this.stored === undefined) return;
    const macs = this.stored.map(({ kept }) => kept.place.mac);
    const left = new LeftEntries(macs, records);
    const ended: (() => void)[] = [];
    let adopted = 0;
    for (const stored of this.stored) {
      const verdict = judgeKept(2, this.found(stored.kept, left));
      if (verdict.do === 'adopt') adopted++;
      const end = this.perform(stored, verdict);
      if (end !== undefined) ended.push(end);
      if (verdict.do === 'lost') this.clearRenamed(stored.kept, left);
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
    this.core.parts.ports.restored();
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

  private found({ boot, method, place }: Stored<KeptStation>['kept'], left: LeftEntries): Found {
    const { core } = this;
    const { mac, port: name, nasPort } = place;
    const { bridge, ports, life } = core.parts;
    const unit = ports.get(name)?.machine;
    const idle = left.idleTimes(place);
    const calledNow = bridge.nameOf(nasPort);
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
      port: calledNow === name ? port : undefined,
      ...(calledNow === undefined ? {} : { calledNow }),
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
        const unit = this.adoption.station(stored);
        const { cause, detail } = verdict;
        return () => life.end(unit, { cause, detail, at: this.adoption.knownUntil(stored, unit) });
      }
      case 'lost':
        this.lose(stored, verdict);
        return undefined;
      default:
        return assertNever(verdict);
    }
  }

  /**
   * Its port is there, by another name: what its client has on it is nobody's, and a port that was open for it is not to stay so.
   * Whatever the file says of that name: nobody else looks at the table of a port that is not ours. By its ifindex, which after a
   * boot of the machine is another port's.
   */
  private clearRenamed({ boot, place }: Stored<KeptStation>['kept'], left: LeftEntries): void {
    const { bridge, life, ports } = this.core.parts;
    if (boot !== this.core.boot.clock.boot) return;
    const name = bridge.nameOf(place.nasPort);
    if (name === undefined || name === place.port) return;
    if (place.opened === true) ports.shutLeftOpen(name);
    for (const vlan of left.vlans(place)) life.removeForeign({ mac: place.mac, port: name, vlan });
  }

  private lose(
    { kept, record }: Stored,
    { cause, detail }: Extract<Verdict, { readonly do: 'end' | 'lost' }>,
  ): void {
    const { accountant, keptSessions, reporter, watch } = this.core.parts;
    const { id, authorization, place } = kept;
    if (place.layer === 2) watch.remember(place.mac, place.port, addressesOf(kept, this.core.now.mono));
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

  private goOn(stored: Stored<KeptStation>): void {
    const { place } = stored.kept;
    this.adoption.station(stored);
    // Not by the file's word: others than its client were let in with it, if it was open, and by nobody if it was not.
    if (isStillOpen(place, this.core)) this.core.parts.ports.open(place.port);
  }
}

/** It was open for its client, and may be. */
function isStillOpen({ port, opened }: KeptStation, core: Core): boolean {
  return opened === true && core.settings.port(port).hostMode === 'multi-host';
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
