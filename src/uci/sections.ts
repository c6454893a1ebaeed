// Which section of /etc/config/rollcall holds what: UCI is two levels deep, the YAML file as deep as it likes. A section
// type stands for one place of the YAML file; its options are the keys from there on, levels joined by `_`:
//
//   config port              ports:
//     list name 'lan[1-4]'     "lan[1-4]":
//     option mab_delay_s '5'     mab:
//                                  delay_s: 5
//
// So a new key of the YAML file is an option here the day it is declared.

import type { KeyPath } from '../config/fault.ts';

export interface SectionKind {
  readonly type: string;
  /** Where it stands in the YAML file. */
  readonly at: KeyPath;
  /**
   * one: there is at most one such section, and it is that place. item: each is one more of the list at that place.
   * entry: each is a key of the mapping at that place, and the option `key` says which, or several.
   */
  readonly form: 'one' | 'item' | 'entry';
  /** Of an entry: the option that holds its key; without it the section's own name is the key. */
  readonly key?: string;
  /** Of an entry: its keys hold no blanks, so that several may stand in one option, as netifd takes it. */
  readonly severalInOne?: true;
  /** Of an entry whose value is no mapping: the option that holds the value. */
  readonly value?: string;
  /** The keys of the file's top level that hold a value stand in this section, too. */
  readonly topLevel?: true;
}

export const SECTIONS: readonly SectionKind[] = [
  { type: 'switch', at: ['switch'], form: 'one', topLevel: true },
  { type: 'port', at: ['ports'], form: 'entry', key: 'name', severalInOne: true },
  { type: 'role', at: ['roles'], form: 'entry', key: 'name' },
  { type: 'role_rule', at: ['role_rules'], form: 'item' },
  { type: 'vlan', at: ['vlans'], form: 'entry', key: 'name', value: 'id' },
  { type: 'vlan_policy', at: ['vlan'], form: 'one' },
  { type: 'authorization', at: ['authorization'], form: 'one' },
  { type: 'role_attribute', at: ['authorization', 'role_attributes'], form: 'item' },
  { type: 'radius', at: ['radius'], form: 'one' },
  { type: 'server', at: ['radius', 'servers'], form: 'item' },
  { type: 'dynamic_authorization', at: ['radius', 'dynamic_authorization'], form: 'one' },
  {
    type: 'dynamic_authorization_client',
    at: ['radius', 'dynamic_authorization', 'clients'],
    form: 'item',
  },
  { type: 'l3', at: ['l3'], form: 'one' },
  { type: 'sso', at: ['sso'], form: 'one' },
  { type: 'sso_client', at: ['sso', 'clients'], form: 'item' },
  { type: 'mqtt', at: ['mqtt'], form: 'one' },
  { type: 'web', at: ['web'], form: 'one' },
  { type: 'handshake', at: ['handshake'], form: 'one' },
  { type: 'probe_source', at: ['handshake', 'sources'], form: 'entry', key: 'vlan' },
  { type: 'guard', at: ['guard'], form: 'one' },
  { type: 'dot1x', at: ['dot1x'], form: 'one' },
  { type: 'certified_devices', at: ['certified_devices'], form: 'one' },
  { type: 'certified_clear', at: ['certified_devices', 'clear'], form: 'item' },
  { type: 'dhcp_watch', at: ['dhcp_watch'], form: 'one' },
  { type: 'silent_device', at: ['silent_devices'], form: 'item' },
  { type: 'log', at: ['log'], form: 'one' },
];

/** Options that every section may have, and that are no keys: this section counts as not there. */
export const DISABLED = 'disabled';

/** Whether the agent is to run: the init script asks, in the section `switch`. */
export const ENABLED = 'enabled';

/** Whether another section type stands for what is at this place. */
export function isOwnSection(path: KeyPath): boolean {
  return SECTIONS.some(({ at }) => at.length === path.length && at.every((key, i) => key === path[i]));
}
