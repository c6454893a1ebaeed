// Who is judged by silence, and by which timers (docs/roles.md). The one place that says so.
//
//   where the user is                                     handshake   heartbeat   Idle-Timeout
//   in band: on a port of ours                               yes         yes          yes
//   in band, and to be kept: a device that sleeps            counts      no           yes
//   out of band: the traffic does not come by us             no          no           no
//   L3: behind a router                                      no          no           no
//   L3, and the first hop answers ARP for its clients       yes          yes          no
//
// Whose frames are not seen here says nothing by silence. The session timer is no timer of silence: it runs for everybody.

export type Standing =
  /** `kept`: never to be ended for silence, unless a RADIUS server says so. */
  | { readonly layer: 2; readonly inBand: boolean; readonly kept: boolean }
  /** `firstHop`: it answers ARP for the addresses of its clients that are there, and for no others, and can be asked. */
  | { readonly layer: 3; readonly firstHop: boolean };

export interface SilenceTimers {
  readonly handshake: boolean;
  readonly heartbeat: boolean;
  /** RADIUS Idle-Timeout: since the client's own traffic. */
  readonly idle: boolean;
}

const ALL: SilenceTimers = { handshake: true, heartbeat: true, idle: true };
const NONE: SilenceTimers = { handshake: false, heartbeat: false, idle: false };
const KEPT: SilenceTimers = { handshake: true, heartbeat: false, idle: true };
/** What is seen of it are answers to probes: no traffic of its own. */
const ASKED: SilenceTimers = { handshake: true, heartbeat: true, idle: false };

export function judgedBySilence(standing: Standing): SilenceTimers {
  if (standing.layer === 3) return standing.firstHop ? ASKED : NONE;
  if (!standing.inBand) return NONE;
  return standing.kept ? KEPT : ALL;
}
