import { store } from './store';

export interface BilledCall {
  path: string;
  endpoint: string;
  price: number;
  charged: number;
  state: 'BOUGHT' | 'SHARED' | 'STALE' | 'REFUSED';
  start: number;
  seconds: number;
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

/** The answer that the editor shows, its deferred parts merged; null while there is none. */
export const answer = store<{ data: unknown; billing: Billing | null } | null>(null);

export function read(text: string): void {
  try {
    const parsed = JSON.parse(text) as { data?: unknown; extensions?: { billing?: Billing } };
    answer.set({ data: parsed.data, billing: parsed.extensions?.billing ?? null });
  } catch {
    answer.set(null);
  }
}
