import type { BilledCall } from '../shared/answer';

/** The calls of each list together, in the order of their first; a call of another kind is alone. */
export function byList(calls: BilledCall[]): BilledCall[][] {
  const lists = new Map<string, BilledCall[]>();
  for (const call of calls) {
    const list = `${call.endpoint} ${call.key}`;
    lists.set(list, [...(lists.get(list) ?? []), call]);
  }
  return [...lists.values()];
}
