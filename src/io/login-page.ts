// The login page, put together: its listener, and the guard of strangers who may see it and nothing else. Loaded only where
// the configuration has a page.

import type { Ip } from '../base/ip.ts';
import type { Config, WebConfig } from '../config/config.ts';
import type { PortName } from '../model/dataplane.ts';
import { callersOf } from './callers.ts';
import type { Logger } from './log.ts';
import { ownAddresses } from './own-addresses.ts';
import type { PortAuth } from './portauth.ts';
import type { Shell } from './shell.ts';
import { StrangerGuard } from './stranger-guard.ts';
import { WebServer } from './web-server.ts';

export interface LoginPage {
  /** The files of the certificate may have another one. */
  renewCertificate(): void;
  /** This host's addresses are others now. */
  setOwn(addresses: ReadonlySet<Ip>): void;
  setUplinks(uplinks: readonly PortName[]): void;
  close(): void;
}

export interface LoginPageOptions {
  readonly config: Config;
  readonly web: WebConfig;
  /** That there are by now. */
  readonly uplinks: readonly PortName[];
  readonly portauth: PortAuth;
  readonly shell: Shell;
  readonly log: Logger;
}

/**
 * Without a guard the page is served all the same, to those who are in; without a certificate that can be used there is
 * none until there is one, and the agent is told so.
 */
export function openLoginPage(options: LoginPageOptions): LoginPage {
  const { config, web, portauth, shell, log } = options;
  const { bridge, id } = config.switch;
  const server = new WebServer({
    config: web,
    place: id,
    callers: callersOf(portauth, bridge),
    standingOf: (visitor) => shell.standingOf(visitor),
    onVisit: (visit, answer) => shell.visit(visit, answer),
    onRefused: (reason) => shell.post({ type: 'web-refused', reason }),
    onError: (message) => log.log('warn', message),
  });
  const serve = (): void => {
    const served = server.serve();
    const { isServing } = server;
    shell.post({ type: 'login-page', isServing, ...(served.ok ? {} : { error: served.error }) });
  };
  serve();
  const guard = openGuard(options);
  return {
    renewCertificate: serve,
    setOwn: (addresses) => guard?.setOwn(addresses),
    setUplinks: (names) => guard?.setUplinks(names),
    close: () => {
      server.close();
      guard?.close();
    },
  };
}

function openGuard({ config, web, uplinks, shell }: LoginPageOptions): StrangerGuard | undefined {
  const { bridge } = config.switch;
  const opened = StrangerGuard.open({
    bridge,
    uplinks,
    port: web.port,
    dnsServers: web.dnsServers,
    own: ownAddresses(bridge).addresses,
    onLost: (error) =>
      shell.post(
        error === undefined ? { type: 'confinement-restored' } : { type: 'confinement', left: [], error },
      ),
  });
  if (!opened.ok) {
    shell.post({ type: 'confinement', left: [], error: opened.error });
    return undefined;
  }
  const { guard, left } = opened.value;
  shell.useStrangerGuard(guard);
  shell.post({ type: 'confinement', left });
  return guard;
}
