import type { Price } from './quote';

/** The bounds of a price; one figure where they meet. */
export function range({ lower, upper }: Pick<Price, 'lower' | 'upper'>): string {
  return lower === upper ? String(lower) : `${lower} to ${upper}`;
}
