// Where something stands in the UCI configuration, and how a fault of the YAML file is told there.

import { type Fault, type KeyPath, pathText } from '../config/fault.ts';

export interface UciFault {
  /** As `uci set` names it: `rollcall.@server[0].secret`; or a section, or a line. */
  readonly place: string;
  readonly message: string;
}

export function describeUciFault({ place, message }: UciFault): string {
  return `${place}: ${message}`;
}

/** From the paths of the YAML file to the sections and options that they came from. */
export class Places {
  private readonly byPath = new Map<string, string>();
  private readonly sections = new Map<string, string>();

  set(path: KeyPath, place: string): void {
    this.byPath.set(pathText(path), place);
  }

  setSection(path: KeyPath, place: string): void {
    this.set(path, place);
    this.sections.set(pathText(path), place);
  }

  /** The section that begins at this path of the YAML file. */
  section(path: string): string | undefined {
    return this.sections.get(path);
  }

  /** Of what was not written, the section where it would stand, with the option's name. */
  translate({ path, message }: Fault): UciFault {
    const inFile = this.byPath.get(`${path}.file`);
    if (inFile !== undefined) return { place: inFile, message };
    for (let end = path.length; end > 0; end--) {
      const place = this.byPath.get(path.slice(0, end));
      const rest = path.slice(end);
      if (place === undefined || !/^([.[]|$)/.test(rest)) continue;
      return { place: place + rest.replace(/(?<=.)\./g, '_'), message };
    }
    return { place: path === '' ? 'rollcall' : `rollcall (${path})`, message };
  }
}
