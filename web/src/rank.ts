/** The rank of a waiting room's number, worked out by whoever holds it: docs/decisions/0010-waiting-room.md. */

const ROUNDS = 8;

/**
 * Where the draw puts a serial of before the opening: how many numbers are served before it.
 * `seed` is hexadecimal, `drawn` the count of serials drawn, as the status document has them.
 */
export async function rankOf(serial: number, seed: string, drawn: number): Promise<number> {
  if (!(serial >= 0 && serial < drawn)) throw new RangeError("the draw does not cover this serial");
  const message = new Uint8Array(32 + 1 + 4);
  for (let at = 0; at < 32; at++) message[at] = parseInt(seed.slice(2 * at, 2 * at + 2), 16);
  let half = 1;
  while (4 ** half < drawn) half += 1;
  const size = 2 ** half;
  let value = serial;
  do {
    // Divisions rather than shifts, because a serial may have more bits than JavaScript shifts.
    let left = Math.floor(value / size);
    let right = value % size;
    for (let round = 0; round < ROUNDS; round++) {
      message[32] = round;
      new DataView(message.buffer).setUint32(33, right);
      const digest = new DataView(await crypto.subtle.digest("SHA-256", message));
      const mixed = (left ^ digest.getUint32(0) % size) >>> 0;
      left = right;
      right = mixed;
    }
    value = left * size + right;
  } while (value >= drawn);
  return value;
}

/** The rank of a number as it was answered: of before the opening by the draw, of after it behind all of those. */
export async function rankOfNumber(
  number: { phase: "before" | "after"; serial: number },
  status: { seed: string | null; drawn: number | null },
): Promise<number | null> {
  if (status.seed === null || status.drawn === null) return null;
  return number.phase === "after" ? status.drawn + number.serial : rankOf(number.serial, status.seed, status.drawn);
}
