// What the login page shows to whom:
//
//   nobody's session: nothing ─ let in by a fallback: the form, and why an earlier session ended ─ logged in: who, since when
//
// and with it the tokens by which a form that comes back is known for one of these pages.

import type { Mac } from '../../base/mac.ts';
import { elapsed, type WallTime } from '../../base/time.ts';
import { isFallback } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import { l3SessionKey } from '../../report/topics.ts';
import { FormTokens } from '../../web/form-token.ts';
import type { Notice, Page } from '../../web/page.ts';
import { FORM_LIFETIME } from '../../web/settings.ts';
import type { Standing, Visitor } from '../../web/visit.ts';
import type { Core } from '../core.ts';
import { isL2, type SessionUnit } from '../session/session-unit.ts';

const KEY_OCTETS = 32;
/** Ends that are remembered for the page: of the newest so many clients. */
const MOST_ENDS = 1024;

export class WebPages {
  private readonly tokens: FormTokens;
  private readonly ends = new Map<Mac, { readonly cause: EndCause; readonly at: WallTime }>();

  constructor(private readonly core: Core) {
    this.tokens = new FormTokens(core.entropy.bytes(KEY_OCTETS), FORM_LIFETIME);
  }

  /**
   * By the MAC on the bridge; who comes by a routed path has at most a session of their address. A client of ours that passes
   * on what bears another one's address is no such path.
   */
  sessionOf({ mac, router, ip }: Visitor): SessionUnit | undefined {
    const { sessions } = this.core;
    if (mac !== undefined) return sessions.ofMac(mac);
    const isClient = router !== undefined && sessions.ofMac(router) !== undefined;
    return isClient ? undefined : sessions.get(l3SessionKey(ip));
  }

  standingOf(visitor: Visitor): Standing {
    const unit = this.sessionOf(visitor);
    if (unit === undefined) return { place: 'elsewhere', isIn: false };
    return {
      place: isL2(unit) ? unit.session.grant.port : 'elsewhere',
      isIn: !isFallback(unit.session.method),
    };
  }

  /** Of whoever they are: nobody's, the form, or who is in. */
  pageOf(visitor: Visitor, notice?: 'already-in'): Page {
    const unit = this.sessionOf(visitor);
    if (unit === undefined) {
      this.core.drops.add('web-unknown-client');
      return { kind: 'unknown' };
    }
    if (!isFallback(unit.session.method)) return this.statusOf(visitor, unit, notice);
    const end = visitor.mac === undefined ? undefined : this.ends.get(visitor.mac);
    return this.formOf(visitor, end === undefined ? undefined : { type: 'ended', ...end });
  }

  /** Also of a visitor whose fallback is not there any more: the notice says so. */
  formOf(visitor: Visitor, notice?: Notice, userName?: string): Page {
    const formToken = this.tokens.issue(loginPurpose(visitor), this.core.now.mono);
    return {
      kind: 'login',
      formToken,
      ...(notice === undefined ? {} : { notice }),
      ...(userName === undefined ? {} : { userName }),
    };
  }

  statusOf(visitor: Visitor, unit: SessionUnit, notice?: 'already-in' | 'form-expired'): Page {
    const { now } = this.core;
    const { session } = unit;
    const remaining = unit.remaining(now.mono);
    return {
      kind: 'status',
      formToken: this.tokens.issue(logoutPurpose(visitor, unit), now.mono),
      userName: session.authorization.userName,
      method: session.method,
      since: session.startedWall,
      now: now.wall,
      onlineS: elapsed(session.startedAt, now.mono) / 1000,
      ...(remaining === undefined ? {} : { remaining }),
      ...(notice === undefined ? {} : { notice }),
    };
  }

  isLoginForm(visitor: Visitor, formToken: string): boolean {
    return this.tokens.isValid(formToken, loginPurpose(visitor), this.core.now.mono);
  }

  isLogoutForm(visitor: Visitor, unit: SessionUnit, formToken: string): boolean {
    return this.tokens.isValid(formToken, logoutPurpose(visitor, unit), this.core.now.mono);
  }

  /** To be told to whoever comes back. */
  rememberEnd(mac: Mac, cause: EndCause): void {
    this.ends.delete(mac);
    this.ends.set(mac, { cause, at: this.core.now.wall });
    if (this.ends.size <= MOST_ENDS) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.ends.delete(oldest);
  }

  forgetEnd(mac: Mac): void {
    this.ends.delete(mac);
  }
}

/** For limits and forms: the client itself, not the address that it may change. */
export function nameOf({ ip, mac }: Visitor): string {
  return mac ?? `ip-${ip}`;
}

function loginPurpose(visitor: Visitor): string {
  return `login ${nameOf(visitor)}`;
}

/** Of this one session: a form of an older one logs nobody out. */
function logoutPurpose(visitor: Visitor, { session }: SessionUnit): string {
  return `logout ${nameOf(visitor)} ${session.id}`;
}
