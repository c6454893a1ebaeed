// How a client is asked for a sign of life.

/** By ARP or neighbour solicitation to its address, or by EAP Request/Identity. */
export const PROBE_WAYS = ['address', 'eap'] as const;
export type ProbeWay = (typeof PROBE_WAYS)[number];
