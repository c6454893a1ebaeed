// What the authenticator counts. Names of IEEE 802.1X-2020 §12.8 as its YANG module spells them
// (`eapol-statistics`), then the transitions that the 2004 edition counts (§9.4.2, dot1xAuth… in its MIB), then ours:
// one name per reason for which something was dropped.

export type PaeCounter =
  | 'eapol-start-frames-rx'
  | 'eapol-logoff-frames-rx'
  | 'eapol-eap-frames-rx'
  | 'eapol-auth-eap-frames-tx'
  /** No room for another client on the port (§12.8.1). */
  | 'eapol-port-unavailable'
  | 'auth-enters-authenticating'
  | 'auth-successes-while-authenticating'
  | 'auth-timeouts-while-authenticating'
  | 'auth-fail-while-authenticating'
  | 'auth-eap-starts-while-authenticating'
  | 'auth-eap-logoff-while-authenticating'
  | 'auth-reauths-while-authenticated'
  | 'auth-eap-starts-while-authenticated'
  | 'auth-eap-logoff-while-authenticated'
  | 'auth-server-timeouts'
  | 'eap-requests-retransmitted'
  | PaeDrop;

/** Heard and not acted upon. */
export type PaeDrop =
  | 'start-duplicate'
  | 'start-while-held'
  | 'eap-malformed'
  | 'eap-not-a-response'
  | 'eap-unsolicited'
  | 'eap-wrong-identifier'
  | 'eap-unexpected-type'
  | 'eap-while-server-asked'
  | 'eap-identity-too-long'
  | 'aaa-stale'
  | 'aaa-bad-challenge'
  | 'grant-stale';
