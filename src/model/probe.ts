// How a client is asked for a sign of life.

/** By ARP or neighbour solicitation to its address, or by EAP Request/Identity. */
export const PROBE_WAYS = ['address', 'eap'] as const;
export type ProbeWay = (typeof PROBE_WAYS)[number];

/** Largest N, silent periods in a row until a session ends: its machine has a bit for each (liveness/handshake.ts). */
export const HANDSHAKE_TIMES_MAX = 32;
