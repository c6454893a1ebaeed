// How long the lab waits before it gives up. Its limits are for machines like the CI's; one that is slower, as an emulated
// one is (test/other-kernel.sh), says by how much: ROLLCALL_LAB_SLOWER. No time that a test measures is stretched.

const SLOWER = Number(process.env.ROLLCALL_LAB_SLOWER ?? 1);

/** A limit of a wait, in any unit, on this machine. */
export function patience(limit: number): number {
  return limit * SLOWER;
}
