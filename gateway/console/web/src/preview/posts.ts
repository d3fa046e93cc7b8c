import { count, entries, isJson, list, text, web, type Json } from './json';
import { nameOf, ownerIn } from './owner';

export interface Comment {
  id: string | null;
  author: string | null;
  text: string;
  createdAt: string | null;
  likes: number | null;
  /** How many there are, of which `replies` may be some. */
  replyCount: number | null;
  replies: Comment[];
}

export interface Post {
  id: string | null;
  url: string | null;
  kind: string | null;
  caption: string | null;
  picture: string | null;
  takenAt: string | null;
  author: string | null;
  isPinned: boolean;
  likes: number | null;
  commentCount: number | null;
  comments: Comment[];
}

const POST = /^media:\d+$/;
const ADDRESS = /^https:\/\/www\.instagram\.com\/(p|reel|tv)\//;
// Fields that posts have, and nothing else.
const TELLING = ['caption', 'commentCount', 'commentsDisabled', 'coauthors', 'taggedUsers'];

/** Known by its id or its address; where neither was asked for, by what else it has. */
export function isPost(node: Json): boolean {
  const [id, url] = [text(node['id']), text(node['url'])];
  if (id && POST.test(id)) return true;
  // A link on a story may lead to a post; it has a place.
  if (url && ADDRESS.test(url) && !('x' in node)) return true;
  return TELLING.some((field) => field in node) || holdsComments(node);
}

export const isComment = (node: Json): boolean => typeof node['text'] === 'string' || node['text'] === null;

function holdsComments(node: Json): boolean {
  if (isComment(node)) return false;
  const connections = Object.values(node).filter(isJson);
  return connections.some((connection) => Object.values(connection).some((one) => entries(one).some(isComment)));
}

export function postOf(node: Json): Post {
  return {
    id: text(node['id']),
    url: web(text(node['url']))?.href ?? null,
    kind: text(node['kind']),
    caption: text(node['caption']),
    picture: pictureOf(node),
    takenAt: text(node['takenAt']),
    author: authorOf(node),
    isPinned: node['isPinned'] === true,
    likes: count(node['likeCount']),
    commentCount: count(node['commentCount']),
    comments: commentsIn(Object.values(node)),
  };
}

/** Of an album, that of its first part where its own was not asked for. */
function pictureOf(node: Json): string | null {
  const children = list(node['children']).filter(isJson);
  return [node, ...children].map((one) => text(one['thumbnailUrl'])).find((url) => url !== null) ?? null;
}

function authorOf(node: Json): string | null {
  const owner = isJson(node['user']) ? ownerIn(node['user']) : null;
  return owner && nameOf(owner);
}

/** Those of this post, not of others within it. */
function commentsIn(value: unknown): Comment[] {
  if (Array.isArray(value)) return value.flatMap(commentsIn);
  if (!isJson(value)) return [];
  if (isComment(value)) return [commentOf(value)];
  return isPost(value) ? [] : commentsIn(Object.values(value));
}

function commentOf(node: Json): Comment {
  return {
    id: text(node['id']),
    author: authorOf(node),
    text: text(node['text']) ?? '',
    createdAt: text(node['createdAt']),
    likes: count(node['likeCount']),
    replyCount: count(node['replyCount']),
    replies: commentsIn(Object.values(node)),
  };
}
