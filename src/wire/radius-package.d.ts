// The part of the `radius` package (1.1.4, no types of its own) that this project uses.

declare module 'radius' {
  interface RadiusLibrary {
    /** Reads all dictionary files once; throws if they are not where the package expects them. */
    load_dictionaries(): void;
    /** Attribute number as a decimal text. `vendor` -1 or none: the standard space. */
    attr_name_to_id(name: string, vendor?: number): string | undefined;
    attr_id_to_name(id: number, vendor?: number): string | null | undefined;
    /** Writes the attributes into `packet`, returns the octets written; throws on what it cannot encode. */
    encode_attributes(packet: Buffer, attributes: readonly unknown[], vendor: number): number;
    /** Adds the attributes in `data` to `hash`, by name; throws on several kinds of short value. */
    decode_attributes(data: Buffer, hash: Record<string, unknown>, vendor: number): void;
  }
  const radius: RadiusLibrary;
  export default radius;
}
