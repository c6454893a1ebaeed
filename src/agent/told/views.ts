// The agent's state as the payloads of the contract (report/payloads.ts): pure reading, nothing is changed here.

import { type SessionRecord, stopOfLost } from '../../accounting/spool.ts';
import { rfc3339, type WallTime } from '../../base/time.ts';
import { isUplink, namesVlans } from '../../config/ports.ts';
import type { TrafficCounters } from '../../model/acct.ts';
import { isFallback } from '../../model/authorization.ts';
import { AcctTerminateCause, acctTerminateCauseName, END_CAUSES, type EndCause } from '../../model/cause.ts';
import type { Capabilities } from '../../model/dataplane.ts';
import { type Session, sessionTimeS } from '../../model/session.ts';
import type { ServerStatistics } from '../../radius/server-link.ts';
import type { EventBody } from '../../report/event-payloads.ts';
import type {
  InfoPayload,
  PortPayload,
  RightsPayload,
  ServerPayload,
  SessionPayload,
  TrafficPayload,
} from '../../report/payloads.ts';
import { l3SessionKey, sessionKey } from '../../report/topics.ts';
import type { EndDecision, RelockProof } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import type { PortUnit } from '../port/port-desk.ts';
import { SessionUnit } from '../session/session-unit.ts';

/** More are not shown: a payload is to stay small. */
const MOST_VLANS = 64;
const MOST_RULES = 32;

const toSeconds = (ms: number): number => Math.round(ms) / 1000;
const orNull = (ms: number | undefined): number | null =>
  ms === undefined || ms === 0 ? null : toSeconds(ms);

/** As it stands on the retained topic: only what changes rarely. */
export function sessionPayload(unit: SessionUnit): SessionPayload {
  const { session } = unit;
  const { authorization, addresses } = session;
  const { settings } = unit.handshake;
  const { filterRules, others } = authorization;
  return {
    key: session.key,
    layer: session.layer,
    ...stationBody(session),
    ipv4: addresses.ipv4 ?? null,
    ipv6: addresses.ipv6 ?? null,
    ...placeBody(session),
    authenticated: !isFallback(session.method),
    in_band: unit.inBand,
    user_name: authorization.userName,
    role: session.role,
    role_by: unit.role.by,
    method: session.method,
    session_id: session.id,
    multi_session_id: session.multiId,
    server: authorization.server,
    started: rfc3339(session.startedWall),
    session_timeout_s: orNull(unit.sessionTimer),
    heartbeat_s: orNull(unit.heartbeat),
    idle_timeout_s: orNull(unit.idleTimeout),
    handshake: {
      period_s: toSeconds(settings.period),
      times: settings.times,
      keep: settings.keep,
      wake: settings.wake,
      probe: settings.probe,
      silent_periods: unit.handshake.view().silentPeriods,
    },
    ...(authorization.replyMessage === undefined ? {} : { reply_message: authorization.replyMessage }),
    ...(authorization.filterId === undefined ? {} : { filter_id: authorization.filterId }),
    ...(authorization.vendorRole === undefined ? {} : { vendor_role: authorization.vendorRole }),
    ...(filterRules === undefined ? {} : { filter_rules: filterRules.slice(0, MOST_RULES) }),
    ...(others === undefined ? {} : { attributes: others }),
  };
}

/** Where a session of layer 2 is; one of layer 3 is nowhere here. */
export function stationBody(session: Session): Pick<SessionPayload, 'mac' | 'port'> {
  return session.layer === 2 ? { mac: session.mac, port: session.grant.port } : { mac: null, port: null };
}

function placeBody(
  session: Session,
): Pick<SessionPayload, 'vlan' | 'tagged_vlans' | 'domain' | 'concentrator'> {
  if (session.layer === 3)
    return { vlan: null, tagged_vlans: [], domain: null, concentrator: session.concentrator };
  const { grant, vlans, domain } = session;
  return { vlan: grant.vlan, tagged_vlans: [...vlans.tagged], domain };
}

/** In an answer: with what changes by the second. */
export function sessionAnswer(unit: SessionUnit, core: Core): SessionPayload {
  const { lastSeen, lastSeenBy } = unit.evidence();
  return {
    ...sessionPayload(unit),
    last_seen: rfc3339(core.wall(lastSeen)),
    last_seen_by: lastSeenBy,
    session_time_s: sessionTimeS(unit.session, core.now.mono),
  };
}

/** The same, when the ports have been read for it. */
export function meteredAnswer(unit: SessionUnit, core: Core): SessionPayload {
  const traffic = core.parts.meter.trafficOf(unit);
  return {
    ...sessionAnswer(unit, core),
    ...(traffic === undefined ? {} : { counters: trafficBody(traffic) }),
  };
}

export function portPayload(unit: PortUnit, core: Core): PortPayload {
  const { machine, name } = unit;
  const { facts, config } = machine;
  const vlans = core.parts.vlans.of(name);
  return {
    port: name,
    index: facts.index,
    control: machine.control,
    host_mode: config.hostMode,
    role: config.role,
    link: facts.linkUp ? 'up' : 'down',
    admin: facts.adminUp ? 'up' : 'down',
    locked: facts.locked,
    egress: facts.unflooded ? 'closed' : 'open',
    mab: config.mab.enabled && machine.control === 'auto',
    mab_clients: core.parts.mab.standing(name),
    opened: machine.isOpened,
    vlan: core.parts.vlans.filtering ? (vlans.untagged ?? null) : 0,
    tagged_vlans: vlans.tagged.slice(0, MOST_VLANS),
    held_down: core.parts.links.kindOf(name) ?? null,
    sessions: core.sessions.onPort(name).map(({ session }) => session.key),
    counters: {
      ...core.parts.floods.counters(name),
      ...core.parts.supplicants.counters(name),
      ...core.parts.mab.counters(name),
    },
  };
}

/** What the shell knows and the core does not. */
export interface InfoContext {
  readonly capabilities: Capabilities;
  readonly kernel: string;
  readonly rights?: RightsPayload;
  readonly mqtt: Omit<InfoPayload['mqtt'], 'connected'>;
  readonly uplinkGuard: boolean;
}

export function infoPayload(core: Core, context: InfoContext): InfoPayload {
  const { capabilities, kernel, mqtt, rights } = context;
  const { config, boot } = core;
  const { bridge, ports } = core.parts;
  return {
    version: boot.version,
    switch: config.switch.id,
    boot_id: boot.bootId,
    started: rfc3339(boot.startedAt),
    bridge: config.switch.bridge,
    uplinks: bridge.names().filter((name) => isUplink(config, name)),
    kernel,
    backend: capabilities.backend,
    capabilities: {
      locked: capabilities.locked,
      mab: capabilities.mab,
      vlan_filtering: capabilities.vlanFiltering,
      activity_notify: capabilities.activityNotify,
      no_linklocal_learn: capabilities.noLinklocalLearn,
      last_seen: capabilities.lastSeen,
    },
    missing: [...missing(context, core), ...(rights?.missing ?? [])],
    ...(rights === undefined ? {} : { rights }),
    mqtt: { ...mqtt, connected: core.parts.reporter.isConnected },
    events: core.parts.reporter.events,
    counts: {
      ports: [...ports.all()].length,
      sessions: core.sessions.size,
      timers: core.schedule.count(),
      session_timers: core.schedule.count((timed) => timed instanceof SessionUnit),
    },
    accounting: core.parts.accountant.view(),
    ...(config.sso === undefined
      ? {}
      : { sso: { users: core.parts.sso.loggedIn, awaited: core.parts.routed.waiting } }),
    certified_devices: core.parts.certified.view(),
    sessions_ended: core.ends.snapshot(),
    probes: { sent: core.probes.get('sent'), answered: core.probes.get('answered') },
    counters: core.drops.snapshot(),
    repairs: core.repairs.snapshot(),
  };
}

export function serverPayload(server: ServerStatistics, core: Core): ServerPayload {
  const { roundTripMs, since } = server;
  return {
    server: server.name,
    use: server.kind === 'access' ? 'authentication' : 'accounting',
    transport: server.transport,
    state: server.up ? 'up' : 'down',
    since: rfc3339(since === undefined ? core.boot.startedAt : core.wall(since)),
    in_flight: server.inFlight,
    sockets: server.sockets,
    round_trip_ms: roundTripMs === undefined ? null : Math.round(roundTripMs * 10) / 10,
    counters: server.counters,
  };
}

function missing({ capabilities, mqtt, uplinkGuard }: InfoContext, core: Core): string[] {
  const { config } = core;
  const confinement = core.parts.confinement.missing;
  const page = core.parts.web.missing;
  const absence = core.parts.bridge.missing;
  // Of a bridge that is still to come nothing is missing.
  const noBridge = absence !== undefined;
  const sentences: (readonly [boolean, string])[] = [
    [!noBridge, `${absence?.[0]?.toUpperCase()}${absence?.slice(1)}.`],
    [capabilities.locked, 'The kernel cannot lock bridge ports (5.18 and later can): nothing is kept out.'],
    [capabilities.mab, 'The kernel does not report unknown MACs (6.2 and later do).'],
    [
      noBridge || capabilities.noLinklocalLearn,
      'The bridge cannot be told not to learn from EAPOL frames: each login attempt leaves an entry to be deleted.',
    ],
    [
      noBridge || capabilities.lastSeen,
      'Entries do not tell when their client was last seen: silence is judged by captured frames and probes alone.',
    ],
    [
      noBridge || capabilities.vlanFiltering || !namesVlans(config),
      'The bridge does not filter VLANs: whoever is to be in one is refused.',
    ],
    [
      !mqtt.embedded,
      'The embedded broker speaks MQTT 3.1.1: answers go to response/<verb>, and the last will has no delay.',
    ],
    [
      uplinkGuard,
      'Frames that come in by an uplink with the MAC of a granted client are not dropped: they cannot move its entry, but they refresh its last-seen time.',
    ],
    [
      confinement === undefined || !core.settings.anyPortal,
      `Strangers cannot be held to the login page, so none is let in to see it: ${confinement}.`,
    ],
    [page === undefined, `There is no login page: ${page}.`],
  ];
  return sentences.filter(([has]) => !has).map(([, sentence]) => sentence);
}

export function sessionEndBody(
  unit: SessionUnit,
  decision: EndDecision,
  { proof, core }: { readonly proof: RelockProof; readonly core: Core },
): EventBody<'session-end'> {
  const { session } = unit;
  const { evidence } = decision;
  const acctCause = decision.foreignCause ?? AcctTerminateCause[END_CAUSES[decision.cause]];
  const causeName = acctTerminateCauseName(acctCause);
  return {
    key: session.key,
    ...stationBody(session),
    vlan: session.layer === 2 ? session.grant.vlan : null,
    user_name: session.authorization.userName,
    role: session.role,
    method: session.method,
    session_id: session.id,
    multi_session_id: session.multiId,
    started: rfc3339(session.startedWall),
    session_time_s: sessionTimeS(session, decision.at),
    cause: decision.cause,
    acct_terminate_cause: acctCause,
    ...(causeName === undefined ? {} : { acct_terminate_cause_name: causeName }),
    decided: rfc3339(core.wall(decision.at)),
    evidence: {
      last_seen: rfc3339(core.wall(evidence.lastSeen)),
      last_seen_by: evidence.lastSeenBy,
      probes_sent: evidence.probesSent,
      probes_answered: evidence.probesAnswered,
    },
    relock: {
      revoked_at: proof.verified ? rfc3339(core.wall(proof.at)) : null,
      verified: proof.verified,
      tries: proof.tries,
    },
    ...(unit.traffic === undefined ? {} : { counters: trafficBody(unit.traffic) }),
  };
}

/**
 * Of a session that a start has found dead, as of its last stored evidence. What was left of it in the table is removed by the
 * start itself, like every entry that nobody was granted. Undefined where too little was stored of it.
 */
export function lostEndBody(
  lost: SessionRecord,
  cause: EndCause,
  now: WallTime,
): EventBody<'session-end'> | undefined {
  const { subject, eventTime } = lost;
  const { station, story, ipv4, ipv6 } = subject;
  const ip = ipv4 ?? ipv6;
  const key = station !== undefined ? sessionKey(station.mac) : ip !== undefined && l3SessionKey(ip);
  if (story === undefined || key === false) return undefined;
  const { sessionTimeS, counters } = stopOfLost(lost, cause);
  return {
    key,
    mac: station?.mac ?? null,
    port: station?.port ?? null,
    vlan: story.vlan ?? null,
    user_name: subject.userName,
    role: story.role,
    method: story.method,
    session_id: subject.sessionId,
    multi_session_id: subject.multiSessionId,
    started: rfc3339(story.started),
    session_time_s: sessionTimeS,
    cause,
    acct_terminate_cause: AcctTerminateCause[END_CAUSES[cause]],
    acct_terminate_cause_name: END_CAUSES[cause],
    decided: rfc3339(now),
    evidence: {
      last_seen: rfc3339(eventTime),
      last_seen_by: story.lastSeenBy,
      probes_sent: story.probesSent,
      probes_answered: story.probesAnswered,
    },
    relock: { revoked_at: null, verified: false, tries: 0 },
    ...(counters === undefined ? {} : { counters: trafficBody(counters) }),
  };
}

function trafficBody(traffic: TrafficCounters): TrafficPayload {
  return {
    input_octets: traffic.inputOctets,
    output_octets: traffic.outputOctets,
    input_packets: traffic.inputPackets,
    output_packets: traffic.outputPackets,
  };
}
