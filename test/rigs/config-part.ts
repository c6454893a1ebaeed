// Part of a configuration file (docs/rollcall.reference.yaml), to be laid over another one.

export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };

export type ConfigPart = { readonly [key: string]: ConfigValue };

/** `above` over `below`, key by key; lists are replaced. */
export function overlay(below: ConfigPart, above: ConfigPart): ConfigPart {
  const result: Record<string, ConfigValue> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    result[key] = isPart(under) && isPart(value) ? overlay(under, value) : value;
  }
  return result;
}

function isPart(value: ConfigValue | undefined): value is ConfigPart {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
