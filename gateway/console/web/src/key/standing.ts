import { store } from '../shared/store';

/** `samples`: without the right to see the schema. `trusted`: nobody's documents are run but those that are trusted. */
export type Open = 'open' | 'samples' | 'trusted';

/** Why the console is not shown, and whether a key might change that. */
export interface Closed {
  told: string;
  takesKey: boolean;
}

/** How the gateway receives whoever opened the page; null while it is asked. */
export const standing = store<Open | Closed | null>(null);
