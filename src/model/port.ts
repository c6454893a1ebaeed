// How a port is controlled: the administrator's wish, in the standard's words.

/** IEEE 802.1X-2020 §8.7 portControl; `off` = not ours. */
export type PortControl = 'auto' | 'force-authorized' | 'force-unauthorized' | 'off';
export const PORT_CONTROLS: readonly PortControl[] = [
  'auto',
  'force-authorized',
  'force-unauthorized',
  'off',
];

/** Who may pass: each MAC by itself, one only, the first for all, one data and one voice device. */
export type HostMode = 'multi-auth' | 'single-host' | 'multi-host' | 'multi-domain';
export const HOST_MODES: readonly HostMode[] = ['multi-auth', 'single-host', 'multi-host', 'multi-domain'];

/** Why a RADIUS server has taken a port's link down: for some seconds, or until an administrator acts. */
export type HoldKind = 'bounce' | 'disable';
export const HOLD_KINDS: readonly HoldKind[] = ['bounce', 'disable'];
