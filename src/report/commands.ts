// Requests in, commands out. Whatever the octets are, the result is a command whose every field is valid, or an error
// that can be sent back as it is: nothing is thrown, nothing is half done.

import { Errors } from 'typebox/value';
import { type Ip, parseIp } from '../base/ip.ts';
import { type Mac, parseMac } from '../base/mac.ts';
import { present } from '../base/present.ts';
import { assertNever, err, ok, type Result } from '../base/result.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { PortName } from '../model/dataplane.ts';
import type { PortControl } from '../model/port.ts';
import type { ProbeWay } from '../model/probe.ts';
import type { DeviceSelector, SessionSelector } from '../model/selector.ts';
import { type ErrorCode, isVerb, MAX_COMMAND_OCTETS, REQUESTS, VERBS, type Verb } from './command-schemas.ts';

export type RequestIdentity = string | number;

export interface TimerChange {
  readonly period?: Millis;
  readonly times?: number;
  readonly keep?: boolean;
  readonly wake?: boolean;
  readonly probe?: ProbeWay;
  readonly session?: Millis;
  /** null = not set any more. */
  readonly heartbeat?: Millis | null;
}

export type Command = { readonly id?: RequestIdentity } & (
  | {
      readonly verb: 'sessions';
      readonly port?: PortName;
      readonly role?: string;
      readonly user?: string;
      readonly counters?: true;
    }
  | { readonly verb: 'ports'; readonly port?: PortName }
  | { readonly verb: 'info' | 'servers' | 'drain' }
  | { readonly verb: 'session'; readonly selector: SessionSelector }
  | { readonly verb: 'reauthenticate' | 'probe'; readonly selector: SessionSelector }
  | {
      readonly verb: 'disconnect';
      readonly selector: SessionSelector;
      /** The ports go down for some seconds, too. */
      readonly bounce: boolean;
      /** Say who would be cut. */
      readonly dryRun: boolean;
    }
  | { readonly verb: 'port'; readonly port: PortName; readonly control: PortControl }
  | { readonly verb: 'timers'; readonly target: TimerTarget; readonly change: TimerChange }
  | { readonly verb: 'config'; readonly action: 'get' }
  | { readonly verb: 'config'; readonly action: 'check' | 'apply'; readonly text: string }
  | {
      readonly verb: 'certified';
      readonly action: 'list';
      readonly selector: DeviceSelector;
      readonly limit: number;
      readonly after?: Mac;
    }
  | {
      readonly verb: 'certified';
      readonly action: 'clear';
      readonly selector: DeviceSelector;
      readonly dryRun: boolean;
    }
  | { readonly verb: 'explain'; readonly who: Mac | Ip }
  | { readonly verb: 'events'; readonly limit: number }
);

/** What a way in is good for: `read` takes requests that change nothing. */
export type Rights = 'read' | 'full';

/** Carried out, it changes something: who is in, what is asked of clients, settings, or a list. */
export function isChanging(command: Command): boolean {
  switch (command.verb) {
    case 'info':
    case 'servers':
    case 'sessions':
    case 'ports':
    case 'session':
    case 'explain':
    case 'events':
      return false;
    case 'config':
      return command.action === 'apply';
    case 'certified':
      return command.action === 'clear' && !command.dryRun;
    case 'disconnect':
      return !command.dryRun;
    case 'reauthenticate':
    case 'probe':
    case 'port':
    case 'timers':
    case 'drain':
      return true;
    default:
      return assertNever(command);
  }
}

export type TimerTarget = { readonly role: string } | { readonly port: PortName };

export interface CommandError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly path: string;
  /** Of a configuration: everything that is wrong with it. */
  readonly faults?: readonly { readonly path: string; readonly line?: number; readonly message: string }[];
  /** Of the request, where it could be read. */
  readonly id?: RequestIdentity;
}

/** `payload` is JSON in UTF-8; an empty one means `{}`. */
export function decodeCommand(verb: string, payload: Uint8Array): Result<Command, CommandError> {
  if (payload.length > MAX_COMMAND_OCTETS) {
    return fail('too-large', `a request has at most ${MAX_COMMAND_OCTETS} octets`);
  }
  const json = parseJson(payload);
  if (!json.ok) return json;
  return commandFrom(verb, json.value);
}

/** The same for a request that is parsed already, as the control socket has it. */
export function commandFrom(verb: string, request: unknown): Result<Command, CommandError> {
  const id = identityOf(request);
  const with_ = (error: CommandError): CommandError => (id === undefined ? error : { ...error, id });
  if (!isVerb(verb)) {
    return err(with_(fault('unknown-verb', `'${shown(verb)}' is no verb; there are: ${VERBS.join(', ')}`)));
  }
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    return err(with_(fault('bad-value', 'a request is a JSON object')));
  }
  const problem = schemaProblem(verb, request as Request);
  if (problem !== undefined) return err(with_(problem));
  const command = build(verb, request as Request);
  if (!command.ok) return err(with_(command.error));
  return ok((id === undefined ? command.value : { id, ...command.value }) as Command);
}

function parseJson(payload: Uint8Array): Result<unknown, CommandError> {
  if (payload.length === 0) return ok({});
  try {
    return ok(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)));
  } catch (error) {
    const reason = error instanceof SyntaxError ? shown(error.message) : 'not UTF-8';
    return fail('bad-json', `the request is not JSON: ${reason}`);
  }
}

/** A request that fits its schema: unknown keys are gone, types are right; addresses are still text. */
interface Request {
  readonly id?: RequestIdentity;
  readonly mac?: string;
  readonly ip?: string;
  readonly session_id?: string;
  readonly user?: string;
  readonly port?: string;
  readonly role?: string;
  readonly all?: true;
  readonly bounce?: boolean;
  readonly dry_run?: boolean;
  readonly control?: PortControl;
  readonly period_s?: number;
  readonly times?: number;
  readonly keep?: boolean;
  readonly wake?: boolean;
  readonly probe?: ProbeWay;
  readonly session_s?: number;
  readonly heartbeat_s?: number | null;
  readonly get?: true;
  readonly check?: string;
  readonly apply?: string;
  readonly limit?: number;
  readonly list?: true;
  readonly clear?: true;
  readonly after?: string;
  readonly counters?: true;
}

function schemaProblem(verb: Verb, request: Request): CommandError | undefined {
  const schema = REQUESTS[verb];
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(request).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    return fault(
      'unknown-key',
      `'${shown(unknown)}' is no key of ${verb}; there are: ${known.join(', ')}`,
      shown(unknown),
    );
  }
  const [first] = Errors(schema, request);
  if (first === undefined) return undefined;
  if (first.keyword === 'required') {
    const missing =
      (first.params as { readonly requiredProperties?: readonly string[] }).requiredProperties?.[0] ?? '';
    return fault('bad-value', `the key '${missing}' is missing`, missing);
  }
  const key = first.instancePath.split('/')[1] ?? '';
  const about = Object.entries(schema.properties).find(([name]) => name === key)?.[1] as
    | { readonly enum?: readonly string[] }
    | undefined;
  const right =
    about?.enum !== undefined
      ? `must be one of ${about.enum.join(', ')}`
      : first.keyword === 'const'
        ? `must be ${JSON.stringify(first.params.allowedValue)}`
        : first.message;
  return fault('bad-value', `${key} ${right}`, key);
}

type Built = Result<CommandBody, CommandError>;
type CommandBody = Command extends infer C ? (C extends Command ? Omit<C, 'id'> : never) : never;

function build(verb: Verb, request: Request): Built {
  switch (verb) {
    case 'info':
    case 'servers':
    case 'drain':
      return ok({ verb });
    case 'sessions':
      return ok({
        verb,
        ...portOf(request),
        ...pick(request, 'role'),
        ...pick(request, 'user'),
        ...pick(request, 'counters'),
      });
    case 'ports':
      return ok({ verb, ...portOf(request) });
    case 'session':
    case 'reauthenticate':
    case 'probe': {
      const selector = selectorOf(request);
      return selector.ok ? ok({ verb, selector: selector.value }) : selector;
    }
    case 'disconnect': {
      const { bounce = false, dry_run: dryRun = false } = request;
      const selector = selectorOf(request);
      return selector.ok ? ok({ verb, selector: selector.value, bounce, dryRun }) : selector;
    }
    case 'port':
      return ok({ verb, port: (request.port ?? '') as PortName, control: request.control ?? 'auto' });
    case 'timers':
      return timers(request);
    case 'config':
      return config(request);
    case 'certified':
      return certified(request);
    case 'explain': {
      const { mac, ip, id: _ } = request;
      if ((mac === undefined) === (ip === undefined))
        return fail('bad-value', 'exactly one of mac and ip must be given');
      const who = mac === undefined ? parseIp(ip ?? '') : parseMac(mac);
      if (who !== undefined) return ok({ verb, who });
      return mac === undefined
        ? fail('bad-value', `'${shown(ip ?? '')}' is no IP address`, 'ip')
        : fail('bad-value', `'${shown(mac)}' is no MAC address`, 'mac');
    }
    case 'events':
      return ok({ verb, limit: request.limit ?? 100 });
    default:
      return assertNever(verb);
  }
}

const SELECTOR_KEYS = ['mac', 'ip', 'session_id', 'user', 'port', 'role', 'all'] as const;

/** Several together: all must fit. `all` is said, so that nobody is meant by leaving something out. */
function selectorOf(
  request: Request,
  keys: readonly (typeof SELECTOR_KEYS)[number][] = SELECTOR_KEYS,
): Result<SessionSelector, CommandError> {
  const given = keys.filter((key) => request[key] !== undefined);
  if (given.length === 0) return fail('bad-value', `one of ${keys.join(', ')} is needed`);
  if (request.all === true && given.length > 1)
    return fail('bad-value', 'all is everything: no other key goes with it', 'all');
  const { session_id: sessionId, user, port, role } = request;
  const mac = parseMac(request.mac ?? '');
  if (request.mac !== undefined && mac === undefined)
    return fail('bad-value', `'${shown(request.mac)}' is no MAC address`, 'mac');
  const ip = parseIp(request.ip ?? '');
  if (request.ip !== undefined && ip === undefined)
    return fail('bad-value', `'${shown(request.ip)}' is no IP address`, 'ip');
  return ok(present({ mac, ip, sessionId, user, port: port as PortName | undefined, role }));
}

const DEVICE_KEYS = ['mac', 'user', 'port', 'role', 'all'] as const;
const LIST_ONLY = ['limit', 'after'] as const;
const CLEAR_ONLY = ['all', 'dry_run'] as const;
const DEVICES_PER_ANSWER = 500;

function certified(request: Request): Built {
  const { list, clear, limit = DEVICES_PER_ANSWER, dry_run: dryRun = false } = request;
  if ((list === undefined) === (clear === undefined))
    return fail('bad-value', 'exactly one of list and clear is needed');
  const [action, foreign] =
    list === undefined ? (['clear', LIST_ONLY] as const) : (['list', CLEAR_ONLY] as const);
  const wrong = foreign.find((key) => request[key] !== undefined);
  if (wrong !== undefined) return fail('bad-value', `${wrong} is no key of ${action}`, wrong);
  const isNamed = DEVICE_KEYS.some((key) => request[key] !== undefined);
  const selector = action === 'list' && !isNamed ? ok({}) : selectorOf(request, DEVICE_KEYS);
  if (!selector.ok) return selector;
  if (action === 'clear') return ok({ verb: 'certified', action, selector: selector.value, dryRun });
  const after = parseMac(request.after ?? '');
  if (request.after !== undefined && after === undefined)
    return fail('bad-value', `'${shown(request.after)}' is no MAC address`, 'after');
  return ok({ verb: 'certified', action, selector: selector.value, limit, ...present({ after }) });
}

function timers(request: Request): Built {
  const { role, port, period_s: period, session_s: session, heartbeat_s: heartbeat } = request;
  if ((role === undefined) === (port === undefined))
    return fail('bad-value', 'exactly one of role and port is needed');
  for (const [key, value] of Object.entries({
    period_s: period,
    session_s: session,
    heartbeat_s: heartbeat,
  })) {
    if (typeof value === 'number' && value < 1 && (value !== 0 || key === 'heartbeat_s')) {
      return fail('bad-value', `${key} must be ${key === 'heartbeat_s' ? 'null' : '0'}, or 1 and more`, key);
    }
  }
  if (port !== undefined && session !== undefined)
    return fail('bad-value', 'session_s is a timer of roles', 'session_s');
  if (port !== undefined && heartbeat !== undefined)
    return fail('bad-value', 'heartbeat_s is a timer of roles', 'heartbeat_s');
  const { times, keep, wake, probe } = request;
  const change: TimerChange = {
    ...(period === undefined ? {} : { period: seconds(period) }),
    ...present({ times, keep, wake, probe }),
    ...(session === undefined ? {} : { session: seconds(session) }),
    ...(heartbeat === undefined ? {} : { heartbeat: heartbeat === null ? null : seconds(heartbeat) }),
  };
  if (Object.keys(change).length === 0) return fail('bad-value', 'there is no timer to set');
  const target = role === undefined ? { port: (port ?? '') as PortName } : { role };
  return ok({ verb: 'timers', target, change });
}

function config({ get, check, apply }: Request): Built {
  const given = [get, check, apply].filter((value) => value !== undefined);
  if (given.length !== 1) return fail('bad-value', 'exactly one of get, check and apply is needed');
  if (check !== undefined) return ok({ verb: 'config', action: 'check', text: check });
  if (apply !== undefined) return ok({ verb: 'config', action: 'apply', text: apply });
  return ok({ verb: 'config', action: 'get' });
}

function portOf(request: Request): { readonly port?: PortName } {
  return request.port === undefined ? {} : { port: request.port as PortName };
}

function pick<K extends 'role' | 'user' | 'counters'>(
  request: Request,
  key: K,
): { readonly [P in K]?: NonNullable<Request[P]> } {
  const value = request[key];
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: NonNullable<Request[P]> });
}

function identityOf(request: unknown): RequestIdentity | undefined {
  if (typeof request !== 'object' || request === null || !Object.hasOwn(request, 'id')) return undefined;
  const { id } = request as { readonly id: unknown };
  if (typeof id === 'string') return id.length <= 128 ? id : undefined;
  return Number.isSafeInteger(id) ? (id as number) : undefined;
}

/** Hostile text in a message: short, and without controls. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64)).slice(1, -1);
}

function fault(code: ErrorCode, message: string, path = ''): CommandError {
  return { code, message, path };
}

function fail(
  code: ErrorCode,
  message: string,
  path = '',
): { readonly ok: false; readonly error: CommandError } {
  return err(fault(code, message, path));
}
