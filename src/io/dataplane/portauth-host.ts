// What the host knows of those who speak to itself, through libportauth.so. A vendor's library may lack these functions, since
// only the login page asks: then nothing is known of anybody.

import { type Ip, ipv4ToBytes, ipv6ToBytes, isIpv4 } from '../../base/ip.ts';
import { type Mac, macFromBytes } from '../../base/mac.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Handle, Library } from './portauth-abi.ts';

type Native = ReturnType<Library['declare']>;

export class HostLookups {
  private readonly functions = new Map<string, Native | undefined>();

  constructor(
    private readonly native: Library,
    private readonly handle: Handle,
  ) {}

  /** The MAC of the host's own neighbour entry (ARP, ND) for an address, on one of its interfaces. */
  neighbour(interfaceName: string, ip: Ip): Mac | undefined {
    const find = this.find(
      'int pa_neighbour(void *handle, const char *interface, void *address, uint32_t length, void *mac)',
    );
    const octets = isIpv4(ip) ? ipv4ToBytes(ip) : ipv6ToBytes(ip);
    const mac = new Uint8Array(6);
    return find?.(this.handle, interfaceName, octets, octets.length, mac) === 0
      ? macFromBytes(mac, 0)
      : undefined;
  }

  /** From now on `caller` can tell of the connections to this listening socket. */
  keepCallers(listener: number): Result<void, string> {
    const keep = this.find('int pa_keep_callers(int listener)');
    if (keep === undefined) return err('the library has no pa_keep_callers');
    const result = Number(keep(listener));
    return result === 0 ? ok(undefined) : err(this.native.errnoText(result));
  }

  /** The Ethernet source of the frame that has opened a connection; to be asked once of each. */
  caller(connection: number): Mac | undefined {
    const mac = new Uint8Array(6);
    const find = this.find('int pa_caller(int connection, void *mac)');
    return find?.(connection, mac) === 0 ? macFromBytes(mac, 0) : undefined;
  }

  private find(declaration: string): Native | undefined {
    if (!this.functions.has(declaration)) this.functions.set(declaration, this.declared(declaration));
    return this.functions.get(declaration);
  }

  private declared(declaration: string): Native | undefined {
    try {
      return this.native.declare(declaration);
    } catch {
      return undefined;
    }
  }
}
