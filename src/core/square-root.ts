import { invariant } from "./invariant.ts";

/** Below it the square root of a double, rounded down, is that of the integer. */
const EXACT_BELOW = 2n ** 52n;

/** ⌊√n⌋ for n ≥ 0, exactly: Newton's method in integers from the double's root. */
export function squareRoot(n: bigint): bigint {
  invariant(n >= 0n, `no square root of ${n}`);
  const double = Math.sqrt(Number(n));
  if (n < EXACT_BELOW) return BigInt(Math.floor(double));
  // Beyond the doubles: a power of two that is not below the root.
  const start = Number.isFinite(double) ? BigInt(Math.ceil(double)) : 1n << BigInt(n.toString(16).length * 2);
  // One step from anywhere lands at the root or above; from there each step falls until it is reached.
  let root = (start + n / start) >> 1n;
  for (;;) {
    const next = (root + n / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** `(addend + √square) / divisor` rounded once, half to even. `square` ≥ 0, `divisor` > 0. */
export function divideRootSumHalfEven(addend: bigint, square: bigint, divisor: bigint): bigint {
  // ⌊(a + √b) / c⌋ = ⌊(a + ⌊√b⌋) / c⌋ for integers a and c.
  const floor = floorDivide(addend + squareRoot(square), divisor);
  // The value lies above floor + ½ when 2·√square > (2·floor + 1)·divisor − 2·addend.
  const half = (2n * floor + 1n) * divisor - 2n * addend;
  if (half < 0n) return floor + 1n;
  const over = 4n * square - half * half;
  if (over > 0n || (over === 0n && floor % 2n !== 0n)) return floor + 1n;
  return floor;
}

function floorDivide(numerator: bigint, divisor: bigint): bigint {
  const quotient = numerator / divisor;
  return numerator % divisor < 0n ? quotient - 1n : quotient;
}
