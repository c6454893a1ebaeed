// Which VLANs a client is to be in: what the server (or a setting) says, by id or name, against what the bridge has.
// What cannot be had is a refusal with its reason, never another VLAN (RFC 2865 §1.1: an Accept for a service that is
// not there is to be treated as a Reject).

import { err, ok, type Result } from '../base/result.ts';
import type { SessionVlans, VlanId } from '../model/dataplane.ts';
import { HIGHEST_VLAN_ID } from '../wire/ethernet.ts';

/** A VLAN as it was written: an id in digits, or a name. */
export type VlanWord = string;

export interface VlanWish {
  /** Of untagged frames: one VLAN, however often it is named; empty = the port's own. */
  readonly untagged: readonly VlanWord[];
  /** RFC 4675 Egress-VLANID or Egress-VLAN-Name, tagged. */
  readonly tagged: readonly VlanWord[];
  /** A voice device: its frames are tagged, and belong into the voice VLAN. */
  readonly voice: boolean;
}

export interface VlanFacts {
  /** The bridge filters VLANs. */
  readonly filtering: boolean;
  /** Names of the configuration. */
  readonly names: ReadonlyMap<string, VlanId>;
  /** The port's own VLAN of untagged frames, as it was found. */
  readonly native: VlanId | undefined;
  /** The port's setting. */
  readonly voiceVlan: VlanWord | undefined;
  /** The bridge has it, or it may be made. */
  readonly exists: (vlan: VlanId) => boolean;
}

export const VLAN_REFUSALS = [
  'vlan-not-filtering',
  'vlan-unknown-name',
  'vlan-bad-id',
  'vlan-absent',
  'vlan-no-native',
  'vlan-no-voice',
  'vlan-taken',
] as const;
export type VlanRefusalCode = (typeof VLAN_REFUSALS)[number];

export interface VlanRefusal {
  /** Under which it is counted. */
  readonly code: VlanRefusalCode;
  /** For people. May quote hostile text, in JSON's quotes. */
  readonly message: string;
}

export function planVlans(wish: VlanWish, facts: VlanFacts): Result<SessionVlans, VlanRefusal> {
  const words = [...wish.untagged, ...wish.tagged];
  if (!facts.filtering) {
    const [word] = words;
    // A setting for voice devices is of no use here, and of no harm: they are in the one VLAN that there is.
    if (word === undefined) return ok({ untagged: 0, tagged: [] });
    return refuse(
      'vlan-not-filtering',
      `VLAN ${quote(word)} is wanted, and the bridge does not filter VLANs`,
    );
  }
  return wish.voice ? planVoice(wish, facts) : planData(wish, facts);
}

function planData(wish: VlanWish, facts: VlanFacts): Result<SessionVlans, VlanRefusal> {
  const tagged = resolveAll(wish.tagged, facts);
  if (!tagged.ok) return tagged;
  const untagged = resolveAll(wish.untagged, facts);
  if (!untagged.ok) return untagged;
  const [vlan = facts.native, another] = untagged.value;
  if (another !== undefined)
    return refuse('vlan-taken', `untagged frames cannot belong to VLAN ${vlan} and to VLAN ${another}`);
  if (vlan === undefined)
    return refuse('vlan-no-native', 'the port has no VLAN for untagged frames, and none was given');
  return consistent(vlan, tagged.value);
}

function planVoice(wish: VlanWish, facts: VlanFacts): Result<SessionVlans, VlanRefusal> {
  const given = [...wish.untagged, ...wish.tagged];
  const words = given.length > 0 ? given : facts.voiceVlan === undefined ? [] : [facts.voiceVlan];
  if (words.length === 0)
    return refuse('vlan-no-voice', 'a voice device, and neither the server nor the port has a voice VLAN');
  const tagged = resolveAll(words, facts);
  return tagged.ok ? ok({ untagged: undefined, tagged: tagged.value }) : tagged;
}

/** On the wire of a port a VLAN is tagged or untagged, not both. */
function consistent(untagged: VlanId, tagged: readonly VlanId[]): Result<SessionVlans, VlanRefusal> {
  if (tagged.includes(untagged))
    return refuse('vlan-taken', `VLAN ${untagged} is wanted tagged, and is the untagged one`);
  return ok({ untagged, tagged });
}

function resolveAll(words: readonly VlanWord[], facts: VlanFacts): Result<readonly VlanId[], VlanRefusal> {
  const ids: VlanId[] = [];
  for (const word of words) {
    const id = resolve(word, facts);
    if (!id.ok) return id;
    if (!ids.includes(id.value)) ids.push(id.value);
  }
  return ok(ids);
}

/** A name wins: the file may call a VLAN `2024`. Undefined = a name that nobody knows. */
export function vlanOfWord(word: VlanWord, names: VlanFacts['names']): VlanId | undefined {
  return names.get(word) ?? (/^[0-9]+$/.test(word) ? Number(word) : undefined);
}

function resolve(word: VlanWord, { names, exists }: VlanFacts): Result<VlanId, VlanRefusal> {
  const id = vlanOfWord(word, names);
  if (id === undefined)
    return refuse(
      'vlan-unknown-name',
      `no VLAN is called ${quote(word)} here (\`vlans\` in the configuration)`,
    );
  if (id < 1 || id > HIGHEST_VLAN_ID)
    return refuse('vlan-bad-id', `${quote(word)} is no VLAN: ids are 1 to ${HIGHEST_VLAN_ID}`);
  if (!exists(id))
    return refuse('vlan-absent', `VLAN ${id} is not on the bridge, and \`vlan: {create: false}\` holds`);
  return ok(id);
}

/** Bounded, and safe to print. */
function quote(word: VlanWord): string {
  return JSON.stringify(word.slice(0, 64));
}

function refuse(code: VlanRefusalCode, message: string): Result<never, VlanRefusal> {
  return err({ code, message });
}

/** VLANs of a session, the one of its untagged frames first: each has an entry of its own in the table. */
export function vlansOf({ untagged, tagged }: SessionVlans): readonly VlanId[] {
  return untagged === undefined ? tagged : [untagged, ...tagged];
}
