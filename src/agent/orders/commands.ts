// What an administrator or a program asks for, over MQTT or the control socket: decoded in report/commands.ts, done
// here. Every request gets exactly one answer, at once but for an administrator's cut (cuts.ts), which waits for its proof,
// and for traffic, which is read first; one that is refused has changed nothing.

import type { Ip } from '../../base/ip.ts';
import { isMac, type Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import { after, type Instant, NEVER, rfc3339, seconds } from '../../base/time.ts';
import { namesEverybody, type SessionSelector } from '../../model/selector.ts';
import { type Answer, type ResultOf, refusal, success } from '../../report/answers.ts';
import type { Verb } from '../../report/command-schemas.ts';
import { type Command, decodeCommand, isChanging, type Rights } from '../../report/commands.ts';
import type { Core } from '../core.ts';
import { isRefused, type Outcome, type Refused, refused } from '../outcome.ts';
import type { Ref } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import { isL2, type SessionUnit } from '../session/session-unit.ts';
import { meteredAnswer, portPayload, serverPayload, sessionAnswer } from '../told/views.ts';
import type { Reconfigure } from './reconfigure.ts';

/** How long a drain waits for the accounting servers. */
const DRAIN_PATIENCE = seconds(30);

interface Request {
  readonly ref: Ref;
  readonly verb: string;
  readonly payload: Uint8Array;
  readonly rights: Rights;
}

/** For a verb whose result comes in a later turn. */
type Later = (result: ResultOf<'disconnect'> | ResultOf<'sessions'>) => void;

export class Commands implements Timed {
  private drainUntil: Instant | undefined;
  /** Accounting-Off is still to be said: after the Stops, since it closes whatever a server has of us. */
  private offDue = false;

  constructor(
    private readonly core: Core,
    private readonly reconfigure: Reconfigure,
  ) {}

  execute({ ref, verb, payload, rights }: Request): void {
    const command = decodeCommand(verb, payload);
    if (!command.ok) {
      this.core.drops.add(`command-${command.error.code}`);
      this.answer(ref, refusal(command.error));
      return;
    }
    const { id } = command.value;
    if (rights === 'read' && isChanging(command.value)) {
      this.core.drops.add('command-forbidden');
      const message = 'this way takes requests that change nothing';
      const identity = id === undefined ? {} : { id };
      this.answer(ref, refusal({ ...identity, code: 'forbidden', message, path: '' }));
      return;
    }
    if (meansSessions(command.value) && this.core.parts.restoration.isUndecided) {
      const message = 'sessions of the earlier run are still being found: ask again in a moment';
      this.answer(ref, refusal({ ...(id === undefined ? {} : { id }), code: 'busy', message, path: '' }));
      return;
    }
    const later: Later = (result) => this.answer(ref, success(id, result));
    const outcome = this.perform(command.value, later);
    if (outcome === 'later') return;
    if (isRefused(outcome)) {
      const { refused: _, ...error } = outcome;
      this.answer(ref, refusal({ ...error, ...(id === undefined ? {} : { id }) }));
    } else this.answer(ref, success(id, outcome));
  }

  /** A drain is over when nobody has access any more and every Stop is acknowledged, or when that is not to be had in time. */
  endTurn(): void {
    if (this.drainUntil === undefined) return;
    const { now, out, parts } = this.core;
    if (this.offDue && (parts.life.closing === 0 || now.mono >= this.drainUntil)) {
      this.offDue = false;
      parts.accountant.off();
    }
    const records = parts.accountant.pending;
    const nobodyLeft = parts.life.closing + parts.life.entriesLeaving + parts.confinement.size === 0;
    const done = nobodyLeft && records === 0;
    if (!done && now.mono < this.drainUntil) return;
    this.drainUntil = undefined;
    this.core.schedule.touch(this);
    const entries = parts.life.entriesLeaving;
    if (entries > 0)
      out.log('error', 'drained, but entries could not be removed from the table', { entries });
    if (records > 0) out.log('warn', 'drained, but accounting is not acknowledged', { records });
    parts.reporter.portsNow();
    out.push({ type: 'drained' });
  }

  /** When a drain gives up waiting. */
  pollAt(): Instant {
    return this.drainUntil ?? NEVER;
  }

  onTime(): void {
    // `endTurn` looks at the clock, in every turn.
  }

  private perform(command: Command, later: Later): Outcome<Verb> | 'later' {
    switch (command.verb) {
      case 'sessions':
        if (command.counters !== true) return this.sessions(command, sessionAnswer);
        this.core.parts.meter.whenRead(() => later(this.sessions(command, meteredAnswer)));
        return 'later';
      case 'ports':
        return this.ports(command.port);
      case 'session':
        return this.session(command.selector);
      case 'info':
        return this.core.parts.reporter.info() ?? refused('busy', 'the agent is starting');
      case 'servers':
        return this.servers();
      case 'disconnect':
        return this.disconnect(command, later);
      case 'reauthenticate':
        return this.reauthenticate(command.selector);
      case 'probe':
        return this.probe(command.selector);
      case 'port': {
        const { port, control } = command;
        if (!this.core.parts.ports.control(port, control)) {
          return refused('not-found', `${port} is no controlled port of this switch`, 'port');
        }
        return { port, control };
      }
      case 'timers':
        return this.reconfigure.timers(command.target, command.change);
      case 'config':
        return this.reconfigure.perform(command);
      case 'drain':
        return this.drain();
      case 'certified':
        return this.core.parts.certified.perform(command);
      case 'explain':
        return this.explain(command.who);
      case 'events':
        return { events: this.core.parts.reporter.recent(command.limit) };
      default:
        return assertNever(command);
    }
  }

  private sessions(
    filter: Extract<Command, { readonly verb: 'sessions' }>,
    answer: typeof sessionAnswer,
  ): ResultOf<'sessions'> {
    const { core } = this;
    const units = core.sessions.select(filter, core.now.mono);
    return { sessions: units.map((unit) => answer(unit, core)) };
  }

  private ports(name: string | undefined): Outcome<'ports'> {
    const units = [...this.core.parts.ports.all()].filter((unit) => name === undefined || unit.name === name);
    if (name !== undefined && units.length === 0) {
      return refused('not-found', `${name} is no controlled port of this switch`, 'port');
    }
    return { ports: units.map((unit) => portPayload(unit, this.core)) };
  }

  private servers(): ResultOf<'servers'> {
    const { core } = this;
    const { aaa, reauthentication } = core.parts;
    return {
      servers: aaa.servers().map((server) => serverPayload(server, core)),
      reauthentications_waiting: reauthentication.waiting,
    };
  }

  private session(selector: SessionSelector): Outcome<'session'> {
    const [unit] = this.core.sessions.select(selector, this.core.now.mono);
    return unit === undefined ? nobody(selector) : { session: sessionAnswer(unit, this.core) };
  }

  private disconnect(
    { selector, bounce, dryRun }: Extract<Command, { readonly verb: 'disconnect' }>,
    later: Later,
  ): Outcome<'disconnect'> | 'later' {
    const { cuts } = this.core.parts;
    const meant = cuts.meant(selector);
    if (meant.count === 0 && !namesEverybody(selector)) return nobody(selector);
    if (dryRun) return cuts.foresee(meant, bounce);
    cuts.begin(meant, bounce, later);
    return 'later';
  }

  private reauthenticate(selector: SessionSelector): Outcome<'reauthenticate'> {
    // Who waits for MAB, or was refused by it, has no session and is meant all the same.
    const asked = this.core.parts.mab.askNow(selector);
    if (asked > 0 && this.core.sessions.select(selector, this.core.now.mono).length === 0)
      return { reauthenticating: asked, sessions: [] };
    return this.each(
      selector,
      (unit) => {
        if (!isL2(unit)) return false;
        const { mac, grant, method } = unit.session;
        return this.core.method(method)?.reauthenticate(mac, grant.port, 'admin') ?? false;
      },
      (count, sessions) => ({ reauthenticating: count + asked, sessions }),
    );
  }

  private probe(selector: SessionSelector): Outcome<'probe'> {
    return this.each(
      selector,
      (unit) => this.core.parts.watch.probe(unit),
      (count, sessions) => ({ probed: count, sessions }),
    );
  }

  private each<R>(
    selector: SessionSelector,
    act: (unit: SessionUnit) => boolean,
    result: (count: number, keys: readonly SessionUnit['session']['key'][]) => R,
  ): R | Refused {
    const units = this.core.sessions.select(selector, this.core.now.mono);
    if (units.length === 0 && !namesEverybody(selector)) return nobody(selector);
    const done = units.filter(act);
    return result(
      done.length,
      done.map(({ session }) => session.key),
    );
  }

  private drain(): ResultOf<'drain'> {
    const { core } = this;
    const { ports, supplicants } = core.parts;
    const draining = core.sessions.size;
    core.draining = true;
    supplicants.solicitNobody();
    // Also who is on the way in: what is under way would end in a session that nobody closes.
    for (const { name } of [...ports.all()]) ports.endSessions(name, 'drain');
    for (const unit of [...core.sessions.all()]) core.parts.life.end(unit, { cause: 'drain' });
    this.offDue = true;
    this.drainUntil = after(core.now.mono, DRAIN_PATIENCE);
    core.schedule.touch(this);
    return { draining };
  }

  private explain(who: Mac | Ip): ResultOf<'explain'> {
    const { decisions } = this.core;
    const told = decisions.about(who).map(({ at, ...decision }) => ({ time: rfc3339(at), ...decision }));
    return isMac(who)
      ? { mac: who, decisions: [...told, ...this.standingOf(who)] }
      : { ip: who, decisions: told };
  }

  private standingOf(mac: Mac): ResultOf<'explain'>['decisions'] {
    const { parts, now } = this.core;
    const standing = parts.supplicants.describe(mac);
    return [...(standing === undefined ? [] : [standing]), ...parts.mab.describe(mac)].map((detail) => ({
      time: rfc3339(now.wall),
      what: 'now',
      detail,
    }));
  }

  private answer(ref: Ref, payload: Answer): void {
    this.core.out.push({ type: 'answer', ref, payload });
  }
}

/** What is done to sessions, or foreseen of them: it must not miss those that an earlier run has left. */
function meansSessions(command: Command): boolean {
  switch (command.verb) {
    case 'disconnect':
    case 'reauthenticate':
    case 'probe':
    case 'drain':
      return true;
    case 'certified':
      return command.action === 'clear';
    default:
      return false;
  }
}

function nobody(selector: SessionSelector): Refused {
  const [key = ''] = Object.keys(selector);
  return refused('not-found', 'no session fits', key === 'sessionId' ? 'session_id' : key);
}
