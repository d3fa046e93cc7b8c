import type { GatewayError } from './gateway';
import { store } from './store';

export interface BilledCall {
  path: string;
  endpoint: string;
  /** What it was about. The pages of one list have the same. */
  key: string;
  price: number;
  charged: number;
  state: 'BOUGHT' | 'SHARED' | 'STALE' | 'REFUSED';
  start: number;
  seconds: number;
  /** Seconds of these for which its requests were queued in the gateway. */
  waited: number;
  error: string | null;
}

export interface Billing {
  charged: number;
  expected: number;
  savedByCache: number;
  savedBySharing: number;
  budget: number | null;
  allowance: { limit: number | null; remaining: number | null; resetsAt: string | null } | null;
  calls?: BilledCall[];
}

interface Shown {
  data: unknown;
  errors: GatewayError[];
  billing: Billing | null;
}

/** The answer that the editor shows, its deferred parts merged; null while there is none. */
export const answer = store<Shown | null>(null);

export function read(text: string): void {
  try {
    const { data, errors, extensions } = JSON.parse(text) as {
      data?: unknown;
      errors?: GatewayError[];
      extensions?: { billing?: Billing };
    };
    answer.set({ data, errors: Array.isArray(errors) ? errors : [], billing: extensions?.billing ?? null });
  } catch {
    answer.set(null);
  }
}
