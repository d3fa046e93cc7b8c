import { count, text, type Json } from './json';

/** A hashtag or a location. */
export interface Spot {
  kind: 'hashtag' | 'location';
  name: string;
  picture: string | null;
  /** What else is known of it, in a line. */
  note: string;
}

// Fields that tell which of the two it is, where its id was not asked for.
const HASHTAG = ['mediaCount', 'isMediaCountLowerBound'];
const LOCATION = ['latitude', 'longitude', 'address', 'city', 'zip', 'category'];

/** `key` is the name of the field that it came by, the last hint. */
export function spotOf(node: Json, key: string): Spot | null {
  const id = text(node['id']) ?? '';
  const name = text(node['name']);
  const has = (fields: string[]) => fields.some((field) => field in node);
  if (id.startsWith('location:') || (name && (has(LOCATION) || /locations?$/i.test(key)))) return location(node, name ?? id);
  const isHashtag = id.startsWith('hashtag:') || (name && (has(HASHTAG) || /hashtags?$/i.test(key)));
  return isHashtag ? hashtag(node, name ?? id.replace('hashtag:', '')) : null;
}

function hashtag(node: Json, name: string): Spot {
  const posts = count(node['mediaCount']);
  const bound = node['isMediaCountLowerBound'] === true ? ' or more' : '';
  const note = posts === null ? '' : `${posts.toLocaleString()}${bound} ${posts === 1 ? 'post' : 'posts'}`;
  return { kind: 'hashtag', name: `#${name}`, picture: text(node['profilePictureUrl']), note };
}

function location(node: Json, name: string): Spot {
  const parts = ['category', 'address', 'city'].map((field) => text(node[field])).filter((part) => part !== null);
  return { kind: 'location', name, picture: null, note: parts.join(' · ') };
}
