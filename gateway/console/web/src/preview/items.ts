import { count, isJson, list, text, web, type Json } from './json';
import { profileOf } from './owner';

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

/** `<pk>_<user id>`. */
const ITEM = /^\d+_\d+$/;

export const isItem = (node: Json): boolean => typeof node['id'] === 'string' && ITEM.test(node['id']);

/** Those below that can be shown: an item without a picture or video was asked for its other fields only. */
export function itemsIn(value: unknown, found = new Map<string, Item>()): Item[] {
  if (Array.isArray(value)) {
    value.forEach((entry) => itemsIn(entry, found));
  } else if (isJson(value)) {
    const one = itemOf(value);
    if (one && !found.has(one.id)) found.set(one.id, one);
    Object.values(value).forEach((entry) => itemsIn(entry, found));
  }
  return [...found.values()];
}

export function itemOf(node: Json): Item | null {
  const picture = text(node['thumbnailUrl']);
  const video = text(node['videoUrl']);
  if (!isItem(node) || !(picture ?? video)) return null;
  return { id: node['id'] as string, picture, video, takenAt: text(node['takenAt']), overlays: overlaysIn(node) };
}

function overlaysIn(node: Json): Overlay[] {
  const mentions = list(node['mentions']).filter(isJson).map((one) => {
    const user = isJson(one['user']) ? one['user'] : {};
    const name = text(user['username']);
    return overlay('mention', `@${name ?? '?'}`, profileOf(name), one);
  });
  const links = list(node['links']).filter(isJson).map((one) => {
    const url = web(text(one['url']));
    return overlay('link', url?.hostname ?? 'link', url?.href ?? '', one);
  });
  return [...mentions, ...links].filter((one) => one !== null);
}

function overlay(kind: Overlay['kind'], label: string, href: string, at: Json): Overlay | null {
  const [x, y] = [count(at['x']), count(at['y'])];
  if (x === null || y === null) return null;
  const [width, height, rotation] = [count(at['width']) ?? 0, count(at['height']) ?? 0, count(at['rotation']) ?? 0];
  return { kind, label, href, x, y, width, height, rotation };
}
