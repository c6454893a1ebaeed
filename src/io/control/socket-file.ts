// A Unix socket as a file: where it may stand, whose it is, and what a dead agent left behind.
//
// Nobody but root and the agent's own user can put another file in its place, or has put a link on the way to it: each folder
// down to it belongs to one of them and is not for others to write into, and links among them are followed once, before
// anything is done. So is a link in its own place, which only they can have laid: where the command line looks by itself, a
// package has one to the agent's own folder. In /tmp, where everybody may write, it is refused.

import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import type { Server } from 'node:net';
import { basename, dirname, join, resolve } from 'node:path';
import { err, ok, type Result } from '../../base/result.ts';
import { isSocketPath } from '../../config/formats.ts';
import { attempt } from '../files.ts';
import { isListening } from './unix-socket.ts';

const STICKY = 0o1000;
const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;

/** A group by its name in /etc/group, or by its number. The error is a sentence. */
export function groupId(name: string, file = '/etc/group'): Result<number, string> {
  if (/^[0-9]+$/.test(name)) return ok(Number(name));
  const text = attempt(() => ok(readFileSync(file, 'utf8')));
  if (!text.ok) return err(`the group ${name} cannot be looked up: ${text.error}`);
  const entry = text.value.split('\n').find((line) => line.startsWith(`${name}:`));
  const id = entry?.split(':')[2];
  return id === undefined ? err(`there is no group ${name} in ${file}`) : ok(Number(id));
}

/** Who else could put something into a folder, or another folder in its place: a sentence; undefined = nobody. */
export function folderFault(folder: string): string | undefined {
  const found = attempt(() => ok(realpathSync(folder)));
  if (!found.ok) return found.error;
  const own = [0, process.geteuid?.() ?? 0];
  const groups = [0, process.getegid?.() ?? 0];
  for (let at = found.value; ; at = dirname(at)) {
    const { mode, uid, gid } = statSync(at);
    if (!own.includes(uid))
      return `${at} belongs to the user ${uid}, who could put something else in its place`;
    // What is in a sticky folder is only its owner's to move; what comes into it is not.
    const isGuarded = (mode & STICKY) !== 0 && at !== found.value;
    if ((mode & OTHERS_WRITE) !== 0 && !isGuarded) return `everybody may write into ${at}`;
    if ((mode & GROUP_WRITES) !== 0 && !groups.includes(gid) && !isGuarded)
      return `the group ${gid} may write into ${at}`;
    if (at === dirname(at)) return undefined;
  }
}

export interface SocketFile {
  readonly path: string;
  /** Its group may open it, too; absent: the agent's own group. */
  readonly group?: string | undefined;
}

/** Listens on it, with mode 0660; its folder is made if need be. The error is a sentence that names the path. */
export async function listenOnFile(
  server: Server,
  { path, group }: SocketFile,
): Promise<Result<void, string>> {
  const gid = group === undefined ? ok(undefined) : groupId(group);
  if (!gid.ok) return err(`${path}: ${gid.error}`);
  const place = attempt(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    return realPlace(path);
  });
  if (!place.ok) return err(`cannot listen on ${path}: ${place.error}`);
  if (!isSocketPath(place.value))
    return err(`cannot listen on ${path}: ${place.value} is too long for a socket`);
  const occupied = await clearStale(place.value);
  if (occupied !== undefined) return err(occupied);
  // Bound with no rights for others, and widened afterwards: nobody can be faster.
  const before = process.umask(0o177);
  const listening = listen(server, place.value);
  process.umask(before);
  const problem = await listening;
  if (problem !== undefined) return err(`cannot listen on ${path}: ${problem}`);
  const given = attempt(() => {
    if (gid.value !== undefined) chownSync(place.value, -1, gid.value);
    chmodSync(place.value, 0o660);
    return ok(undefined);
  });
  if (given.ok) return given;
  server.close();
  return err(`${path} cannot be given to the group ${group ?? ''}: ${given.error}`);
}

/**
 * What would keep this process from listening on it, as far as that is seen without doing anything: a sentence; undefined = nothing.
 * A folder that is not there will be made.
 */
export function socketFault(path: string): string | undefined {
  if (![path, followed(path)].every((at) => existsSync(dirname(at)))) return undefined;
  const place = realPlace(path);
  if (!place.ok) return place.error;
  const folder = dirname(place.value);
  const writable = attempt(() => ok(accessSync(folder, constants.W_OK | constants.X_OK)));
  if (!writable.ok) return `this user may not write into ${folder}`;
  const found = lstatSync(place.value, { throwIfNoEntry: false });
  return found === undefined || found.isSocket() ? undefined : notOurs(place.value);
}

/** Where it truly is, if nobody else can change that. */
function realPlace(path: string): Result<string, string> {
  const named = placeInFolder(path);
  return named.ok ? placeInFolder(followed(named.value)) : named;
}

function placeInFolder(path: string): Result<string, string> {
  return attempt(() => {
    const folder = dirname(path);
    const fault = folderFault(folder);
    return fault === undefined ? ok(join(realpathSync(folder), basename(path))) : err(fault);
  });
}

/** What a link leads to, which may not be there yet; the path itself, if it is none. */
function followed(path: string): string {
  const target = attempt(() => ok(readlinkSync(path)));
  return target.ok ? resolve(dirname(path), target.value) : path;
}

function notOurs(path: string): string {
  return `${path} is there and is no socket; it is left alone`;
}

function listen(server: Server, path: string): Promise<string | undefined> {
  return new Promise((settle) => {
    server.once('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
    server.listen(path, () => settle(undefined));
  });
}

/** Removes a socket that nobody listens on. A sentence when the path is taken by a live agent or by something else. */
async function clearStale(path: string): Promise<string | undefined> {
  try {
    if (!lstatSync(path).isSocket()) return notOurs(path);
  } catch {
    return undefined;
  }
  if (await isListening(path)) return `another agent listens on ${path}`;
  const removed = attempt(() => ok(unlinkSync(path)));
  return removed.ok ? undefined : `cannot remove the stale socket ${path}: ${removed.error}`;
}
