import type { Listed } from './find';

/** A list's name in words. Posts are `media` in the graph, and `node` is a name for anything. */
export function labelOf(field: string, instead: string): string {
  const words = field.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
  const spoken = words.replace(/^nodes?$/, instead).replace(/\bmedias?\b/, 'posts');
  return spoken ? spoken[0]!.toUpperCase() + spoken.slice(1) : instead;
}

/** How many of it came, of how many. */
export function countOf({ entries, total, hasMore }: Listed<unknown>): string {
  if (total !== null && total !== entries.length) return `${entries.length} of ${total.toLocaleString()}`;
  return hasMore ? `${entries.length}, more follow` : String(entries.length);
}
