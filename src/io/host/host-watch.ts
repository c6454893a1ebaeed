// What nobody tells this process of: its host's addresses, and how many file descriptors it has left. Both are looked at every few
// seconds, until the end; the agent hears of what has changed.

import type { Ip } from '../../base/ip.ts';
import { present } from '../../base/present.ts';
import type { Config } from '../../config/config.ts';
import type { Closer } from '../closing.ts';
import { type OwnAddresses, ownAddresses, sameAddresses } from '../dataplane/own-addresses.ts';
import type { Shell } from '../shell.ts';
import { Descriptors } from './descriptors.ts';

const OWN_ADDRESSES_EVERY_MS = 5000;
const DESCRIPTORS_EVERY_MS = 5000;

interface Looking {
  readonly config: Config;
  readonly shell: Pick<Shell, 'post'>;
  readonly closers: Closer[];
}

/** `onOwn` hears of all addresses first; they are looked at once before this returns. */
export function watchOwnAddresses(
  { config, shell, closers }: Looking,
  onOwn: (addresses: ReadonlySet<Ip>) => void,
): void {
  let known: OwnAddresses | undefined;
  const look = (): void => {
    const now = ownAddresses(config.switch.bridge, config.l3?.ingress);
    if (now === undefined || (known !== undefined && sameAddresses(known, now))) return;
    known = now;
    onOwn(known.addresses);
    shell.post({ type: 'own-addresses', ...known });
  };
  look();
  closers.push(every(OWN_ADDRESSES_EVERY_MS, 'own addresses', look));
}

/** Too few of them are told when that begins, and when it is over. */
export function watchDescriptors({ shell, closers }: Omit<Looking, 'config'>): void {
  const descriptors = new Descriptors();
  let before: string | undefined;
  const look = (): void => {
    const shortage = descriptors.shortage();
    if ((before === undefined) !== (shortage === undefined))
      shell.post({ type: 'descriptors', ...present({ shortage }) });
    before = shortage;
  };
  closers.push(every(DESCRIPTORS_EVERY_MS, 'file descriptors', look));
}

function every(ms: number, name: string, look: () => void): Closer {
  const timer = setInterval(look, ms);
  return { name, close: () => clearInterval(timer) };
}
