// What an operator is warned of: the `code` of the MQTT event `warning` and of the log's lines. docs/warnings.md is made of this.

/** Code: what has happened, and what is to be done about it if the switch does not do it by itself. */
export const WARNINGS = {
  authorization:
    'A server asked for by Authorize-Only accepted a session with something that cannot be done; the session stays as it was.',
  'bridge-absent': 'The bridge is not there at the start. It is waited for.',
  'bridge-back': 'The bridge is there again, or for the first time: its ports are locked as they join it.',
  'bridge-gone': 'The bridge is gone, or was renamed: every session on it is over.',
  'certified-devices': 'Entries of the list of certified devices were damaged and are passed over.',
  config: 'A reload (SIGHUP) was refused for its faults; the configuration in force stays.',
  confinement:
    'Strangers cannot be held to the login page, or not be let out of that again, or the rules for it were not whole and are again.',
  descriptors: 'Too few file descriptors: what is open goes on, what is new waits.',
  'descriptors-recovered': 'There are file descriptors again.',
  'dhcp-lease': 'Leases last longer than sessions: addresses stay taken when their users are gone.',
  flapping: 'The link of a port goes up and down too often: nobody new gets in there until it is quiet.',
  'flapping-over': 'The link is quiet again.',
  'foreign-entry':
    'An entry that nobody was given stood in the table, or in the routed path; it is being removed.',
  'former-bridge':
    'The configuration names another bridge than before: what stays locked on the old one, and what opens it.',
  'grant-failed':
    'Somebody who has logged in cannot be let in: the kernel or the switch chip refuses the entry.',
  'grant-lost': 'Somebody has removed the entry of a session; it is written again.',
  'login-page': 'The login page is not there, or keeps the certificate that it had.',
  'mab-flooded':
    'A port has more unknown MACs than it may have: the kernel reports none of them until it is calm.',
  'mac-elsewhere':
    'A client that answers here has a newer session on another switch: two clients with one MAC?',
  'open-entry': 'An entry that opens a locked port was found, and is being removed.',
  overrun: 'Notices of the kernel were lost: ports and table are read anew. Once a minute at most.',
  port: 'A port cannot be set as it should be (tried again), or has come locked and is none of ours.',
  'port-flood-over': 'A port that was flooded is calm.',
  'port-flooded': 'A port sends more than its limit: strangers on it are heard in part until it is calm.',
  'port-open': 'A port that must be locked was found unlocked, and is locked again.',
  'relock-failed':
    'A session is over, and its entry cannot be removed: somebody may still have access. Tried until it can.',
  'relock-recovered': 'What could not be removed is gone.',
  'routed-path':
    'The routed path was open and is shut again, cannot be read, can be passed round, or its users cannot be asked for.',
  spool: 'Records, sessions or events cannot be stored, or what was stored cannot be read.',
  'spool-recovered': 'Accounting records are stored again.',
  table:
    'The table of the bridge cannot be read; tried again. What only the table tells is not known meanwhile.',
  vlan: 'The VLANs of a port cannot be set (tried again), or a session stays in its VLAN.',
  'vlan-changed': 'Somebody has changed the VLANs of a port; they are set again.',
} as const;

export type WarningCode = keyof typeof WARNINGS;

export const WARNING_CODES = Object.keys(WARNINGS) as readonly WarningCode[];
