export type Json = Record<string, unknown>;

export const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : null);
export const count = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** Only what a browser may follow: an answer must not bring in another scheme. */
export function web(url: string | null): URL | null {
  const found = url && URL.canParse(url) ? new URL(url) : null;
  return found && /^https?:$/.test(found.protocol) ? found : null;
}

/** The objects of a list, taken out of their edges. */
export function entries(value: unknown): Json[] {
  return list(value).filter(isJson).map((entry) => (isJson(entry['node']) ? entry['node'] : entry));
}
