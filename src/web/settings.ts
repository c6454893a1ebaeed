// What the web pages are to be like: who is asked how, and how much one visitor, and all together, may ask for.

import { type Millis, seconds } from '../base/time.ts';
import type { Pace } from '../base/token-bucket.ts';

/** How the RADIUS server is given a password (RFC 2865 §5.2, §5.3). */
export const WEB_AUTHENTICATIONS = ['pap', 'chap'] as const;
export type WebAuthentication = (typeof WEB_AUTHENTICATIONS)[number];

/** Of one visitor, of all of one place (a port), and of all together. */
export interface Paces {
  readonly ofOne: Pace;
  readonly ofPlace: Pace;
  readonly ofAll: Pace;
}

export interface WebSettings {
  readonly authentication: WebAuthentication;
  /** Passwords that one client may try in a minute; a port LOGINS_OF_PLACE, all LOGINS_OF_ALL times as many. */
  readonly loginsPerMinute: number;
}

export const WEB_DEFAULTS: WebSettings = { authentication: 'pap', loginsPerMinute: 5 };

/** Four ports of strangers who guess leave nothing to the others: fewer do. */
export const LOGINS_OF_PLACE = 5;

/** A switch's worth of clients who come in on a Monday morning, and few enough for a server to bear. */
export const LOGINS_OF_ALL = 20;

/** Pages, those that refuse included. A person who reloads as fast as they can stays below the first. */
export const PAGES: Paces = {
  ofOne: { burst: 30, perSecond: 1 },
  ofPlace: { burst: 60, perSecond: 25 },
  ofAll: { burst: 200, perSecond: 100 },
};

/** How long a form may lie on a screen before it is sent. */
export const FORM_LIFETIME: Millis = seconds(3600);

/** RFC 2865 §5.1 and §5.2: no attribute holds more. */
export const LONGEST_USER_NAME = 253;
export const LONGEST_PASSWORD = 128;
