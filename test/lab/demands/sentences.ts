// What is demanded of sessions and their ends, sentence by sentence. Each has at least one row, which is played on real parts:
// see ../demands.test.ts. A group of rows shares one stage, which is opened before the first and closed after the last.

export const SENTENCES = {
  'l2-session':
    'in band, a session stands on the MAC and IP address of its client, and goes on until something ends it',
  'logout-web': 'a user ends it by the logout page',
  'logout-agent': "a user ends it by the client's own software",
  'admin-removal': 'an administrator ends it by hand',
  'session-timer': "the session timer of the user's role ends it",
  'heartbeat-timer':
    'the heartbeat timer finds that the user is not connected any more, and the session ends',
  'certified-cleared':
    'clearing the list of certified devices, by hand or by itself, takes the user off the network',
  'session-timer-everywhere':
    'the session timer works in the same way for users several hops away as for those in band, and for those out of band',
  'l3-session': 'of users several hops away a session stands on the IP address, not on the MAC',
  'heartbeat-nowhere-else':
    'the heartbeat timer judges neither users several hops away nor those out of band',
  'heartbeat-first-hop':
    'the heartbeat timer does judge users behind a VPN concentrator that is the first hop: it answers ARP for those whose tunnel stands',
  'sso-return':
    'with single sign-on, who is dropped by a timer and still logged in at the concentrator comes back without credentials',
  'timers-neither': 'no session timer, no heartbeat timer: the user stays in, and need not log on again',
  'timers-heartbeat': 'no session timer, a heartbeat timer: the heartbeat timer decides',
  'timers-session': 'a session timer, no heartbeat timer: the session timer decides',
  'timers-both': 'both timers: the one that is reached first decides',
  'logoff-and-shutdown': 'who logs off and shuts the machine down is dropped, and has to log on again',
  'long-lease':
    'a DHCP lease that lasts much longer than the session timer is not reused efficiently: it is warned of',
} as const;

export type Sentence = keyof typeof SENTENCES;

export interface Group<S extends { close(): Promise<void> }> {
  readonly name: string;
  readonly open: () => Promise<S>;
  /** One that has several cases has one row, which plays all of them. */
  readonly rows: { readonly [id in Sentence]?: (stage: S) => Promise<void> };
}
