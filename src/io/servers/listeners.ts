// Where others ask us: servers that change sessions (RFC 5176), concentrators that tell of their users (RFC 2866). One socket each
// for each address family; what comes in goes to the agent, which answers by the listener.

import type { Config } from '../../config/config.ts';
import type { Closer } from '../closing.ts';
import type { Logger } from '../log.ts';
import type { Shell } from '../shell.ts';
import { UdpListener } from './udp-listener.ts';

interface Listening {
  readonly config: Config;
  readonly shell: Pick<Shell, 'post'>;
  readonly log: Logger;
  readonly closers: Closer[];
}

/** Disconnect- and CoA-Requests; undefined if none are wanted. */
export function listenForRequests({ config, shell, log, closers }: Listening): UdpListener | undefined {
  const { dynamicAuthorization } = config;
  if (dynamicAuthorization === undefined) return undefined;
  const { port, listenAddress } = dynamicAuthorization;
  const listener = new UdpListener({
    port,
    ...(listenAddress === undefined ? {} : { address: listenAddress }),
    onDatagrams: (datagrams) => shell.post({ type: 'dynamic-requests', datagrams }),
    onError: (message) => log.log('warn', `dynamic authorization: ${message}`),
  });
  closers.push({ name: 'dynamic authorization', close: () => listener.close() });
  return listener;
}

/** Accounting-Requests of concentrators; undefined if none are wanted. */
export function listenForConcentrators({ config, shell, log, closers }: Listening): UdpListener | undefined {
  const { sso } = config;
  if (sso === undefined) return undefined;
  const listener = new UdpListener({
    port: sso.port,
    ...(sso.listenAddress === undefined ? {} : { address: sso.listenAddress }),
    onDatagrams: (datagrams) => shell.post({ type: 'sso-requests', datagrams }),
    onError: (message) => log.log('warn', `single sign-on: ${message}`),
  });
  closers.push({ name: 'single sign-on', close: () => listener.close() });
  return listener;
}
