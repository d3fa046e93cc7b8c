import type { GatewayError } from '../shared/gateway';

export interface Owner {
  username: string | null;
  fullName: string | null;
  picture: string | null;
  isPrivate: boolean;
}

export interface Overlay {
  kind: 'mention' | 'link';
  label: string;
  href: string;
  x: number;
  y: number;
  width: number;
  height: number;
  /** Turns, clockwise. */
  rotation: number;
}

export interface Item {
  id: string;
  picture: string | null;
  video: string | null;
  takenAt: string | null;
  overlays: Overlay[];
}

export interface Highlight {
  id: string;
  title: string;
  cover: string | null;
  mediaCount: number | null;
  owner: Owner | null;
  items: Item[];
  missing: string[];
}

type Json = Record<string, unknown>;

const HIGHLIGHT = /^highlight:\d+$/;
const ITEM = /^\d+_\d+$/;

/** Every highlight anywhere in an answer, once each, known by the shape of its id. Aliases do not matter. */
export function highlightsIn(data: unknown): Highlight[] {
  const found = new Map<string, Highlight>();
  walk(data, null, (node, owner) => {
    const id = node['id'];
    if (typeof id !== 'string' || !HIGHLIGHT.test(id)) return;
    const seen = highlight(id, node, owner);
    const known = found.get(id);
    found.set(id, known ? merged(known, seen) : seen);
  });
  return [...found.values()];
}

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

function walk(value: unknown, owner: Owner | null, visit: (node: Json, owner: Owner | null) => void): void {
  if (Array.isArray(value)) {
    value.forEach((entry) => walk(entry, owner, visit));
  } else if (isJson(value)) {
    const here = ownerIn(value) ?? owner;
    visit(value, here);
    Object.values(value).forEach((entry) => walk(entry, here, visit));
  }
}

function highlight(id: string, node: Json, owner: Owner | null): Highlight {
  const cover = isJson(node['cover']) ? node['cover'] : {};
  const images = [cover, cover['cropped'], cover['full']].filter(isJson);
  return {
    id,
    title: text(node['title']) ?? '',
    cover: images.map((image) => text(image['url'])).find((url) => url !== null) ?? null,
    mediaCount: typeof node['mediaCount'] === 'number' ? node['mediaCount'] : null,
    owner: (isJson(node['user']) ? ownerIn(node['user']) : null) ?? owner,
    items: itemsIn(node),
    missing: list(node['missingItemIds']).filter((one): one is string => typeof one === 'string'),
  };
}

function merged(one: Highlight, other: Highlight): Highlight {
  return {
    id: one.id,
    title: one.title || other.title,
    cover: one.cover ?? other.cover,
    mediaCount: one.mediaCount ?? other.mediaCount,
    owner: one.owner ?? other.owner,
    items: one.items.length > 0 ? one.items : other.items,
    missing: one.missing.length > 0 ? one.missing : other.missing,
  };
}

/** Those that can be shown: an item without a picture or video was asked for its other fields only. */
export function itemsIn(node: Json): Item[] {
  const found = new Map<string, Item>();
  Object.values(node).forEach((inside) =>
    walk(inside, null, (entry) => {
      const one = item(entry);
      if (one && !found.has(one.id)) found.set(one.id, one);
    }),
  );
  return [...found.values()];
}

function item(node: Json): Item | null {
  const id = node['id'];
  const picture = text(node['thumbnailUrl']);
  const video = text(node['videoUrl']);
  if (typeof id !== 'string' || !ITEM.test(id) || !(picture ?? video)) return null;
  return { id, picture, video, takenAt: text(node['takenAt']), overlays: overlaysIn(node) };
}

function overlaysIn(node: Json): Overlay[] {
  const mentions = list(node['mentions']).filter(isJson).map((one) => {
    const user = isJson(one['user']) ? one['user'] : {};
    const name = text(user['username']);
    return overlay('mention', `@${name ?? '?'}`, name ? `https://www.instagram.com/${name}/` : '', one);
  });
  const links = list(node['links']).filter(isJson).map((one) => {
    const url = web(text(one['url']));
    return overlay('link', url?.hostname ?? 'link', url?.href ?? '', one);
  });
  return [...mentions, ...links].filter((one) => one !== null);
}

function overlay(kind: Overlay['kind'], label: string, href: string, at: Json): Overlay | null {
  const [x, y] = [at['x'], at['y']];
  if (typeof x !== 'number' || typeof y !== 'number') return null;
  const [width, height, rotation] = [number(at['width']), number(at['height']), number(at['rotation'])];
  return { kind, label, href, x, y, width, height, rotation };
}

function ownerIn(node: Json): Owner | null {
  const [username, fullName] = [text(node['username']), text(node['fullName'])];
  if (!username && !fullName) return null;
  return { username, fullName, picture: text(node['profilePictureUrl']), isPrivate: node['isPrivate'] === true };
}

/** Only what a browser may follow: an answer must not bring in another scheme. */
function web(url: string | null): URL | null {
  const found = url && URL.canParse(url) ? new URL(url) : null;
  return found && /^https?:$/.test(found.protocol) ? found : null;
}

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : null);
const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
