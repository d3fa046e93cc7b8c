import type { UserError } from './flow';
import { nameOf, type Medium } from './media';

/** `about` is the id of a medium, a field of the form, or null for what is neither. */
export interface Mistake {
  about: number | 'account' | 'title' | 'media' | null;
  code: string;
  message: string;
}

const FIELDS = ['account', 'title', 'media'] as const;

/** What the gateway says of places in the input, as mistakes of the media and fields that were sent. */
export function mistakesOf(errors: UserError[], media: Medium[]): Mistake[] {
  return errors.map(({ field, code, message }) => {
    const [first, second] = field[0] === 'input' ? field.slice(1) : field;
    const medium = first === 'media' && second !== undefined ? media[Number(second)] : undefined;
    const about = medium?.id ?? FIELDS.find((name) => name === first) ?? null;
    return { about, code, message: named(message, media) };
  });
}

/** Positions count from 0, and nobody knows his files by them. */
function named(message: string, media: Medium[]): string {
  return message.replace(/\bmedia\.(\d+)(\.\w+)?/g, (place, position: string) => {
    const medium = media[Number(position)];
    return medium ? nameOf(medium) : place;
  });
}

/** Those that still hold after a change of the form: nothing is left that speaks of what is gone or was changed. */
export function remaining(mistakes: Mistake[], changed: Set<string>, media: Medium[]): Mistake[] {
  const there = new Set(media.map(({ id }) => id));
  return mistakes.filter(({ about, code }) => {
    if (typeof about === 'number') return there.has(about) && !(code === 'DUPLICATE' && changed.has('media'));
    return about !== null && !changed.has(about);
  });
}
