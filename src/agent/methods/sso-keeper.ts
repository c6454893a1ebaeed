// What of the concentrators' logins outlives the process: who is logged in, in the store, and who is barred, in a file. Written at
// the end of a turn, whatever changed in it.

import { present } from '../../base/present.ts';
import { fromMachineTime, machineTime } from '../../base/time.ts';
import {
  type KeptLogin,
  keepingLogin,
  type LoginChange,
  type StoredLogin,
} from '../../radius/sso-login-codec.ts';
import type { SsoLogins, TimedLogin } from '../../radius/sso-logins.ts';
import type { Core } from '../core.ts';

export class SsoKeeper {
  private areBarsChanged = false;
  /** The store is open: what becomes of the logins is kept. */
  private isOpen = false;

  constructor(
    private readonly core: Core,
    private readonly logins: SsoLogins,
  ) {}

  /** The store is open, and has these. Logins of an earlier boot of the machine are erased, and what cannot be read. */
  resume(stored: readonly StoredLogin[]): void {
    const { boot: machine, out } = this.core;
    const { clock } = machine;
    const over: LoginChange[] = [];
    for (const { key, login: kept } of stored) {
      if (kept?.boot !== clock.boot) {
        over.push({ key, value: null });
        continue;
      }
      const { boot: _, startedAt, heardAt, filterId, multiId, ...login } = kept;
      const times = {
        startedAt: fromMachineTime(clock, startedAt),
        heardAt: fromMachineTime(clock, heardAt),
      };
      this.logins.resume({ ...login, ...times, filterId, multiId });
    }
    if (over.length > 0) out.push({ type: 'session-store', changes: over });
    this.isOpen = true;
  }

  barsChanged(): void {
    this.areBarsChanged = true;
  }

  endTurn(): void {
    this.keepBars();
    if (this.isOpen) this.keepLogins();
  }

  private keepLogins(): void {
    const changes = [...this.logins.takeChanged()].map(([key, login]) =>
      keepingLogin(key, login && this.kept(login)),
    );
    if (changes.length > 0) this.core.out.push({ type: 'session-store', changes });
  }

  private kept(login: TimedLogin): KeptLogin {
    const { clock } = this.core.boot;
    return {
      boot: clock.boot,
      client: login.client,
      nas: login.nas,
      sessionId: login.sessionId,
      userName: login.userName,
      classes: login.classes,
      addresses: [...login.addresses.keys()],
      startedAt: machineTime(clock, login.startedAt),
      heardAt: machineTime(clock, login.heardAt),
      ...present({ filterId: login.filterId, multiId: login.multiId }),
    };
  }

  /** Once a turn, however many were barred in it. A Stop of one that is barred is no reason: it does not come back either. */
  private keepBars(): void {
    if (!this.areBarsChanged) return;
    this.areBarsChanged = false;
    this.core.out.push({ type: 'remember-bars', bars: this.logins.allBars() });
  }
}
