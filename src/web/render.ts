// From a page to HTML. Works without scripts, cookies and a second request. WCAG 2.2 AA: a title that says the state, labels
// on fields, the text of an error tied to its field, what has happened as role=alert or role=status, focus where the
// visitor goes on.

import { assertNever } from '../base/result.ts';
import { rfc3339, type WallTime } from '../base/time.ts';
import type { AuthMethod } from '../model/authorization.ts';
import type { EndCause } from '../model/cause.ts';
import { type Html, html } from './html.ts';
import { type LoginPage, type Notice, type Page, PROBLEMS, type StatusPage } from './page.ts';
import { LONGEST_PASSWORD, LONGEST_USER_NAME } from './settings.ts';
import { STYLE } from './style.ts';

/** A whole document. `place`: the switch's id, so that a visitor can say where it was. */
export function render(page: Page, place: string): string {
  return String(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${titleOf(page)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<section>
${bodyOf(page)}
</section>
<footer>Network access, switch ${place}</footer>
</main>
</body>
</html>
`);
}

function titleOf(page: Page): string {
  switch (page.kind) {
    case 'login': {
      const bad = page.notice !== undefined && isBad(page.notice);
      return bad ? 'Not logged in: log in to the network' : 'Log in to the network';
    }
    case 'status':
      return 'You are logged in';
    case 'logged-out':
      return 'You are logged out';
    case 'unknown':
      return 'Nothing to log in to here';
    case 'too-many':
      return 'Too many requests';
    case 'problem':
      return 'Nothing was done';
    default:
      return assertNever(page);
  }
}

function bodyOf(page: Page): Html {
  switch (page.kind) {
    case 'login':
      return loginForm(page);
    case 'status':
      return status(page);
    case 'logged-out':
      return html`<h1>You are logged out</h1>
${good(`${page.userName} was logged in for ${duration(page.onlineS)}.`)}
${page.again ? html`<p><a href="/">Log in again</a></p>` : undefined}`;
    case 'unknown':
      return html`<h1>Nothing to log in to here</h1>
<p>This page is for devices that are plugged into this switch. Yours is not, or the switch does not know it.</p>`;
    case 'too-many':
      return html`<h1>Too many requests</h1>
${bad(`Please wait for ${duration(page.retryAfterS)} and try again.`)}
<p><a href="/">Try again</a></p>`;
    case 'problem':
      return html`<h1>Nothing was done</h1>
${bad(PROBLEMS[page.problem].text)}
<p><a href="/">To the first page</a></p>`;
    default:
      return assertNever(page);
  }
}

function loginForm({ formToken, notice, userName = '' }: LoginPage): Html {
  const wrong = notice?.type === 'wrong-password' || notice?.type === 'incomplete';
  const error = wrong
    ? html`<span class="error" id="password-error">${fieldText(notice.type)}</span>`
    : undefined;
  const tied = wrong ? html` aria-invalid="true" aria-describedby="password-error"` : undefined;
  return html`<h1>Log in to the network</h1>
${notice === undefined ? undefined : noticeText(notice)}
<form method="post" action="/login" autocomplete="on">
<input type="hidden" name="form" value="${formToken}">
<label for="user">User name</label>
<input id="user" name="user" type="text" value="${userName}" maxlength="${LONGEST_USER_NAME}" autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false" required${tied}>
<label for="password">Password</label>
<input id="password" name="password" type="password" maxlength="${LONGEST_PASSWORD}" autocomplete="current-password" required${tied}>
${error}
<button type="submit">Log in</button>
</form>`;
}

function fieldText(type: 'wrong-password' | 'incomplete'): string {
  return type === 'incomplete'
    ? 'Enter both a user name and a password.'
    : 'Check the user name and enter the password again.';
}

function status({ formToken, userName, method, since, now, onlineS, remaining, notice }: StatusPage): Html {
  return html`<h1>You are logged in</h1>
${notice === 'form-expired' ? bad('That form was too old, so nothing was done. Use the button below.') : undefined}
${notice === 'already-in' ? good('This device was logged in already.') : undefined}
<dl>
<dt>User</dt><dd>${userName}</dd>
<dt>Logged in by</dt><dd>${METHODS[method]}</dd>
<dt>Since</dt><dd>${timeText(since)}</dd>
<dt>Time online</dt><dd>${duration(onlineS)}</dd>
${remainingText(remaining)}
<dt>As of</dt><dd>${timeText(now)}</dd>
</dl>
<form method="post" action="/logout">
<input type="hidden" name="form" value="${formToken}">
<button type="submit">Log out</button>
</form>`;
}

function remainingText(remaining: StatusPage['remaining']): Html {
  if (remaining === undefined) return html`<dt>Time left</dt><dd>no limit</dd>`;
  const what = remaining.atEnd === 'ends' ? 'Time left' : 'Checked again in';
  return html`<dt>${what}</dt><dd>${duration(remaining.seconds)}</dd>`;
}

const METHODS = {
  dot1x: 'your device (802.1X)',
  mab: "your device's address",
  web: 'this page',
  sso: 'your VPN login',
  guest: 'nobody (guest)',
  'auth-fail': 'nobody (guest)',
  critical: 'nobody (guest)',
  portal: 'nobody',
} as const satisfies Record<AuthMethod, string>;

function isBad({ type }: Notice): boolean {
  return type !== 'ended';
}

function noticeText(notice: Notice): Html {
  switch (notice.type) {
    case 'wrong-password':
      return bad(
        'You are not logged in: the user name or the password is wrong.',
        notice.replyMessage === undefined ? undefined : html` The server says: ${notice.replyMessage}`,
      );
    case 'incomplete':
      return bad('You are not logged in: something is missing.');
    case 'too-long':
      return bad('You are not logged in: the user name or the password is too long.');
    case 'no-server':
      return bad('You are not logged in: the login server cannot be reached. Please try again in a minute.');
    case 'too-many':
      return bad(
        `You are not logged in: too many attempts. Please wait for ${duration(notice.retryAfterS)} and try again.`,
      );
    case 'form-expired':
      return bad(
        'Nothing was done: the form was too old, or not made for this device. Please fill it in again.',
      );
    case 'under-way':
      return bad('This device is being logged in already. Please wait a moment.');
    case 'not-possible':
      return bad(
        `You are not logged in: your password was not refused, but the switch cannot let you in. ${notice.detail}`,
      );
    case 'not-logged-in':
      return bad('Nobody is logged in on this device.');
    case 'ended':
      return html`<p class="note good" role="status">${ENDED[notice.cause] ?? 'You have been logged out.'} This was at ${timeText(notice.at)}.</p>`;
    default:
      return assertNever(notice);
  }
}

/** What a user understands of it; for the rest, that they are out. */
const ENDED: Partial<Record<EndCause, string>> = {
  'web-logout': 'You have logged out.',
  'session-timeout': 'Your session has expired: its time was up.',
  'admin-reset': 'An administrator has logged you out.',
  'radius-disconnect': 'An administrator has logged you out.',
  'certified-device-cleared': 'An administrator has logged you out.',
};

function bad(text: string, more?: Html): Html {
  return html`<p class="note bad" role="alert">${text}${more}</p>`;
}

function good(text: string): Html {
  return html`<p class="note good" role="status">${text}</p>`;
}

function timeText(wall: WallTime): Html {
  const text = rfc3339(wall);
  return html`<time datetime="${text}">${text.slice(0, 10)} ${text.slice(11, 19)} UTC</time>`;
}

/** `2 h 05 min`, `1 min 30 s`, `12 s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${String(minutes).padStart(2, '0')} min`;
  return minutes > 0 ? `${minutes} min ${String(whole % 60).padStart(2, '0')} s` : `${whole} s`;
}
