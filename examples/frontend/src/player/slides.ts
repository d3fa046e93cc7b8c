import type { PlayHighlightQuery } from '../gql/graphql';

export type Highlight = NonNullable<PlayHighlightQuery['highlight']>;
export type Item = NonNullable<Highlight['items']>['nodes'][number];

/** Something that lies on an item: its centre and its size as fractions of the frame, `rotation` in turns. */
export interface Overlay {
  label: string;
  /** Whose tray it opens; null where it leads out of here. */
  username: string | null;
  href: string;
  x: number;
  y: number;
  width: number;
  height: number;
  rotation: number;
}

export function overlays({ mentions, links }: Item): Overlay[] {
  return [...mentions.flatMap(mention), ...links.flatMap(link)];
}

function mention({ user, x, y, width, height }: Item['mentions'][number]): Overlay[] {
  const username = user?.username;
  if (!username || x === null || y === null) return [];
  const href = `?${new URLSearchParams({ user: username })}`;
  return [{ label: `@${username}`, username, href, x, y, width: width ?? 0, height: height ?? 0, rotation: 0 }];
}

function link({ url, ...box }: Item['links'][number]): Overlay[] {
  const target = URL.canParse(url) ? new URL(url) : null;
  // Whoever posts the item chooses the link: no `javascript:`.
  if (!target || !/^https?:$/.test(target.protocol)) return [];
  return [{ label: target.hostname.replace(/^www\./, ''), username: null, href: target.href, ...box }];
}
