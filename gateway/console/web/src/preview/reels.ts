import { itemsIn, type Item } from './items';
import { count, isJson, list, text, type Json } from './json';
import { ownerIn, type Owner } from './owner';

/** What a ring stands for and the player plays: a highlight, or the stories of an account. */
export interface Reel {
  /** Of a highlight, its id; of stories, that of their account. */
  id: string;
  kind: 'highlight' | 'stories';
  title: string;
  cover: string | null;
  mediaCount: number | null;
  owner: Owner | null;
  items: Item[];
  missing: string[];
}

const HIGHLIGHT = /^highlight:\d+$/;

export const isHighlight = (node: Json): boolean => typeof node['id'] === 'string' && HIGHLIGHT.test(node['id']);

export function highlightOf(node: Json, owner: Owner | null): Reel {
  const cover = isJson(node['cover']) ? node['cover'] : {};
  const images = [cover, cover['cropped'], cover['full']].filter(isJson);
  return {
    id: node['id'] as string,
    kind: 'highlight',
    title: text(node['title']) ?? '',
    cover: images.map((image) => text(image['url'])).find((url) => url !== null) ?? null,
    mediaCount: count(node['mediaCount']),
    owner: (isJson(node['user']) ? ownerIn(node['user']) : null) ?? owner,
    items: itemsIn(Object.values(node)),
    missing: list(node['missingItemIds']).filter((one): one is string => typeof one === 'string'),
  };
}

/** `nodes` are its stories, in their order, whether they have pictures or not. */
export function storiesOf(nodes: Json[], owner: Owner | null): Reel {
  const items = itemsIn(nodes);
  const live = nodes.every((node) => text(node['expiresAt']) !== null);
  return {
    id: (nodes[0]!['id'] as string).split('_')[1]!,
    kind: 'stories',
    title: live ? 'Live stories' : 'Stories',
    cover: items[0]?.picture ?? owner?.picture ?? null,
    mediaCount: nodes.length,
    owner,
    items,
    missing: [],
  };
}

export function merged(one: Reel, other: Reel): Reel {
  return {
    ...one,
    title: one.title || other.title,
    cover: one.cover ?? other.cover,
    mediaCount: one.mediaCount ?? other.mediaCount,
    owner: one.owner ?? other.owner,
    items: one.items.length > 0 ? one.items : other.items,
    missing: one.missing.length > 0 ? one.missing : other.missing,
  };
}
