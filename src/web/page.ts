// What a visitor is shown, as data; render.ts makes HTML of it. One variant is one page.

import { assertNever } from '../base/result.ts';
import type { WallTime } from '../base/time.ts';
import type { AuthMethod } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';

/** Why the form is shown, where somebody has not simply come to it. */
export type Notice =
  | { readonly type: 'wrong-password'; readonly replyMessage?: string }
  | { readonly type: 'incomplete' }
  | { readonly type: 'too-long' }
  | { readonly type: 'no-server' }
  | { readonly type: 'too-many'; readonly retryAfterS: number }
  /** A token that is too old, of somebody else, or none: nothing was done. */
  | { readonly type: 'form-expired' }
  /** The same client is being logged in already. */
  | { readonly type: 'under-way' }
  /** The server said yes, and the switch could not do it. */
  | { readonly type: 'not-possible'; readonly detail: string }
  | { readonly type: 'not-logged-in' }
  | {
      readonly type: 'ended';
      readonly cause: EndCause;
      readonly at: WallTime;
    };

export interface LoginPage {
  readonly kind: 'login';
  readonly formToken: string;
  readonly notice?: Notice;
  /** As the visitor wrote it: hostile. */
  readonly userName?: string;
}

export interface StatusPage {
  readonly kind: 'status';
  readonly formToken: string;
  readonly userName: string;
  readonly method: AuthMethod;
  readonly since: WallTime;
  readonly now: WallTime;
  readonly onlineS: number;
  /** Of the session timer; absent = there is none. */
  readonly remaining?: { readonly seconds: number; readonly atEnd: 'ends' | 'reauthenticates' };
  readonly notice?: 'form-expired' | 'already-in';
}

export type Page =
  | LoginPage
  | StatusPage
  | {
      readonly kind: 'logged-out';
      readonly userName: string;
      readonly onlineS: number;
      /** Whether the way back to the form is open: the port lets strangers to this page. */
      readonly again: boolean;
    }
  /** Not a client of a controlled port, so that there is nothing to show and nobody to let in. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'too-many'; readonly retryAfterS: number }
  | { readonly kind: 'problem'; readonly problem: Problem };

/** What HTTP has a word for, and nobody was asked about. */
export type Problem = keyof typeof PROBLEMS;

export const PROBLEMS = {
  'bad-request': { status: 400, text: 'The browser sent something that this page does not take.' },
  'cross-site': { status: 403, text: 'The form came from another site, so nothing was done.' },
  'not-found': { status: 404, text: 'There is no such page here.' },
  method: { status: 405, text: 'The browser asked for something that this page does not do.' },
  'address-changed': {
    status: 409,
    text: "The address of this device was another device's meanwhile, so nothing was done.",
  },
  'too-large': { status: 413, text: 'The browser sent more than this page takes.' },
  'media-type': { status: 415, text: 'The browser sent a form in a way that this page does not take.' },
  'wrong-host': { status: 421, text: 'This switch does not serve the site that was asked for.' },
} as const;

/** What a request is answered with. `see-status`: the browser is to look at the first page (HTTP 303), so that a reload sends no form again. */
export type Answer = { readonly type: 'page'; readonly page: Page } | { readonly type: 'see-status' };

/** HTTP's word for it. */
export function statusOf(page: Page): number {
  switch (page.kind) {
    case 'login':
      return page.notice === undefined ? 200 : statusOfNotice(page.notice);
    case 'status':
      return page.notice === 'form-expired' ? 400 : 200;
    case 'logged-out':
      return 200;
    case 'unknown':
      return 403;
    case 'too-many':
      return 429;
    case 'problem':
      return PROBLEMS[page.problem].status;
    default:
      return assertNever(page);
  }
}

function statusOfNotice({ type }: Notice): number {
  switch (type) {
    case 'ended':
      return 200;
    case 'incomplete':
    case 'too-long':
    case 'form-expired':
      return 400;
    case 'wrong-password':
    case 'not-possible':
      return 403;
    case 'under-way':
    case 'not-logged-in':
      return 409;
    case 'too-many':
      return 429;
    case 'no-server':
      return 503;
    default:
      return assertNever(type);
  }
}
