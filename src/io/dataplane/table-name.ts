// Names of nftables made of a bridge's, as native/src/nft.c makes them.

import { utf8 } from '../../base/bytes.ts';

/**
 * `rollcall_br0`: of no two bridges the same. What nftables takes in no name is `/` and two hexadecimal digits, since no
 * interface has a `/` in its name.
 */
export function tableName(bridge: string): string {
  return `rollcall_${inNftables(bridge)}`;
}

/** Of rollcall-lock (native/lock/lock-table.c). */
export function lockTable(bridge: string): string {
  return `rollcall_lock_${inNftables(bridge)}`;
}

function inNftables(bridge: string): string {
  const octets = [...utf8(bridge)];
  const escaped = octets.map((octet) => {
    const character = String.fromCharCode(octet);
    return /[A-Za-z0-9._-]/.test(character) ? character : `/${octet.toString(16).padStart(2, '0')}`;
  });
  return escaped.join('');
}

export function strangersTable(bridge: string): string {
  return `${tableName(bridge)}_strangers`;
}
