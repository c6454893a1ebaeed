// The login page, put together: its listener, and the guard of strangers who may see it and nothing else. Loaded only where
// the configuration has a page.

import { type Ip, parseIp } from '../../base/ip.ts';
import { type Mac, macToNumber } from '../../base/mac.ts';
import type { Instant } from '../../base/time.ts';
import type { Config, WebConfig } from '../../config/config.ts';
import type { PortName } from '../../model/dataplane.ts';
import { forEachEntry } from '../../wire/fdb-table.ts';
import { callersOf } from '../dataplane/callers.ts';
import { gateways } from '../dataplane/gateways.ts';
import { ownAddresses } from '../dataplane/own-addresses.ts';
import type { PortAuth } from '../dataplane/portauth.ts';
import { StrangerGuard } from '../dataplane/stranger-guard.ts';
import type { Logger } from '../log.ts';
import type { Shell } from '../shell.ts';
import { WebServer } from './web-server.ts';

/** Whom an uplink has not heard for so long may have moved here. */
const MOVED_MS = 60_000;

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

/** Addresses of RADIUS servers, broker and routers. A broker by name is not looked up. */
function neededBy({ radius, mqtt }: Config): readonly Ip[] {
  const broker = mqtt.url === undefined ? '' : new URL(mqtt.url).hostname.replace(/^\[(.*)\]$/, '$1');
  const words = [...radius.servers.map(({ address }) => address), broker];
  return [...gateways(), ...words.flatMap((word) => parseIp(word) ?? [])];
}

/** Who is of the network, and not of an access port: to let that MAC in there would take it away from everybody. */
function objectionTo(
  mac: Mac,
  uplinks: readonly PortName[],
  { config, portauth }: LoginPageOptions,
): string | undefined {
  const { neighboursOf } = callersOf(portauth, config.switch.bridge);
  const needed = neededBy(config).find((ip) => neighboursOf(ip).has(mac));
  if (needed !== undefined) return `${mac} has ${needed}, which the switch cannot do without`;
  const dump = portauth.dump(() => performance.now() as Instant);
  if (!dump.ok) return dump.error;
  const wanted = macToNumber(mac);
  const ports = portauth.ports().filter(({ name }) => uplinks.includes(name));
  let found: string | undefined;
  forEachEntry(dump.value.records, (mac48, _vlan, ifindex, _flags, idleMs) => {
    if (mac48 === wanted && idleMs < MOVED_MS) found ??= ports.find(({ index }) => index === ifindex)?.name;
  });
  return found === undefined ? undefined : `${mac} is behind the uplink ${found}`;
}

function openGuard(options: LoginPageOptions): StrangerGuard | undefined {
  const { config, web, uplinks, shell } = options;
  const { bridge } = config.switch;
  const opened = StrangerGuard.open({
    bridge,
    uplinks,
    port: web.port,
    dnsServers: web.dnsServers,
    own: ownAddresses(bridge)?.addresses ?? new Set(),
    needed: () => neededBy(config),
    objection: (mac, behind) => objectionTo(mac, behind, options),
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
