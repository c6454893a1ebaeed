// Files that are right.

/** The smallest useful file of the documentation: every key with its default. */
export const SMALLEST = `switch: {id: sw1, bridge: br0, uplinks: [up0]}
backend: switchdev                      # or sim, or the path of a vendor's library
state_dir: /var/lib/rollcall
control_socket: /run/rollcall.sock
ports:                                  # by name or glob; a later match wins, key by key
  "p*": {control: auto, host_mode: multi-auth, role: default, mab: {enabled: false, delay_s: 30}}
roles:
  default: {session_s: 0, heartbeat_s: null, handshake: {period_s: 15, times: 3}}
radius:
  nas_identifier: sw1
  nas_ip_address: 192.0.2.1
  servers:                              # in order of preference
    - {address: 127.0.0.1, auth_port: 1812, acct_port: 1813, secret: testing123}
  accounting: {interim_s: 0}
  dynamic_authorization: {port: 3799, clients: [{address: 127.0.0.1, secret: testing123}]}
mqtt: {url: "mqtt://127.0.0.1:1883"}    # left out: the embedded broker on loopback
`;

/** Nothing but what must be there. */
export const MINIMAL = `switch: {id: sw1, bridge: br0}
radius: {servers: [{address: 127.0.0.1, secret: testing123}]}
`;
