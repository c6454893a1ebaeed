// Why a session ended: our word for it, and the one RADIUS knows (RFC 2866 §5.10, RFC 3580 §2.1).

/** RFC 2866 §5.10 (1..18) and RFC 3580 §2.1 (19..22). */
export const AcctTerminateCause = {
  'User-Request': 1,
  'Lost-Carrier': 2,
  'Idle-Timeout': 4,
  'Session-Timeout': 5,
  'Admin-Reset': 6,
  'Admin-Reboot': 7,
  'Port-Error': 8,
  'NAS-Error': 9,
  'NAS-Request': 10,
  'NAS-Reboot': 11,
  'Service-Unavailable': 15,
  'Supplicant-Restart': 19,
  'Reauthentication-Failure': 20,
  'Port-Reinitialized': 21,
  'Port-Administratively-Disabled': 22,
} as const;

export type AcctTerminateCauseName = keyof typeof AcctTerminateCause;

/** Undefined for one that only others give. */
export function acctTerminateCauseName(cause: number): AcctTerminateCauseName | undefined {
  const names = Object.keys(AcctTerminateCause) as AcctTerminateCauseName[];
  return names.find((name) => AcctTerminateCause[name] === cause);
}

/** Every way out, with its Acct-Terminate-Cause. An SSO Stop carries the concentrator's own cause instead. */
export const END_CAUSES = {
  'supplicant-logoff': 'User-Request',
  'web-logout': 'User-Request',
  'handshake-timeout': 'Lost-Carrier',
  'port-down': 'Lost-Carrier',
  'heartbeat-timeout': 'Idle-Timeout',
  'idle-timeout': 'Idle-Timeout',
  'session-timeout': 'Session-Timeout',
  'admin-reset': 'Admin-Reset',
  'radius-disconnect': 'Admin-Reset',
  'certified-device-cleared': 'Admin-Reset',
  moved: 'NAS-Request',
  'nas-reboot': 'NAS-Reboot',
  'supplicant-restart': 'Supplicant-Restart',
  'authorization-changed': 'Service-Unavailable',
  drain: 'Admin-Reboot',
  'nas-error': 'NAS-Error',
  'port-removed': 'Port-Error',
  'reauth-failed': 'Reauthentication-Failure',
  'port-reinit': 'Port-Reinitialized',
  'force-unauthorized': 'Admin-Reset',
  'port-disabled': 'Port-Administratively-Disabled',
  'sso-stop': 'User-Request',
} as const satisfies Record<string, AcctTerminateCauseName>;

export type EndCause = keyof typeof END_CAUSES;
