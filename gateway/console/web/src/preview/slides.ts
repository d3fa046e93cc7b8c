import type { Highlight, Item } from './find';

/** `item` is null for one that the platform names but does not hand out. */
export interface Slide {
  id: string;
  item: Item | null;
}

export function slidesOf({ items, missing }: Highlight): Slide[] {
  return [...items.map((item) => ({ id: item.id, item })), ...missing.map((id) => ({ id, item: null }))];
}
