import type { GatewayError } from '../shared/gateway';
import { isJson, type Json } from './json';
import { ownerIn, type Owner } from './owner';

/** What an operation asked for and did not get, because it is private or is not there. */
export interface Absence {
  kind: 'private' | 'missing' | 'renamed';
  /** Who it is of, as far as the answer says so. */
  owner: Owner | null;
  message: string;
}

const ABSENT: Record<string, Absence['kind']> = { PRIVATE_ACCOUNT: 'private', NOT_FOUND: 'missing', RENAMED: 'renamed' };

/** In the order of the errors; what is told in the same words is told once. */
export function absencesIn(data: unknown, errors: GatewayError[]): Absence[] {
  const found = new Map<string, Absence>();
  for (const { message, path, extensions } of errors) {
    const kind = ABSENT[extensions?.code ?? ''];
    if (kind && !found.has(message)) found.set(message, { kind, owner: ownerAt(data, path ?? []), message });
  }
  return [...found.values()];
}

/** Of the innermost user on the way. */
function ownerAt(data: unknown, path: (string | number)[]): Owner | null {
  let [node, owner]: [unknown, Owner | null] = [data, null];
  for (const key of path) {
    if (typeof node !== 'object' || node === null) break;
    node = (node as Json)[key];
    owner = (isJson(node) ? ownerIn(node) : null) ?? owner;
  }
  return owner;
}
