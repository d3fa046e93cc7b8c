import type { Item } from './items';
import type { Reel } from './reels';

/** `item` is null for one that the platform names but does not hand out. */
export interface Slide {
  id: string;
  item: Item | null;
}

export function slidesOf({ items, missing }: Reel): Slide[] {
  return [...items.map((item) => ({ id: item.id, item })), ...missing.map((id) => ({ id, item: null }))];
}
