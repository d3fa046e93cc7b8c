import PRICE from '../../../operations/price.graphql?raw';
import { ask, said } from '../shared/gateway';
import { store } from '../shared/store';

export interface Price {
  lower: number;
  expected: number;
  upper: number;
  savedByCache: number;
  withinBudget: boolean;
  calls: { endpoint: string; count: number; unit: number; total: number; cached: number }[];
  fields: { path: string; total: number }[];
}

export interface Quote {
  /** The operation that is priced; null where it has no name. */
  operation: string | null;
  price: Price | null;
  /** Why there is no price. */
  problem: string | null;
}

/** The price of the operation under the cursor; null until there is one. */
export const quote = store<Quote | null>(null);

/**
 * With the headers that the operation would be run with: they may limit what it may spend. Says whether the gateway
 * answered.
 */
export async function fetchQuote(
  document: string,
  variables: unknown,
  operation: string | null,
  options: { signal: AbortSignal; headers: Record<string, string> },
): Promise<boolean> {
  try {
    const asked = { document, variables, operationName: operation };
    const { data, errors } = await ask<{ price: Price | null }>(PRICE, asked, options);
    const price = data?.price ?? null;
    quote.set({ operation, price, problem: price ? null : (errors?.[0]?.message ?? 'No price came.') });
    return true;
  } catch (error) {
    if (!options.signal.aborted) quote.set({ operation, price: null, problem: said(error) });
    return false;
  }
}
