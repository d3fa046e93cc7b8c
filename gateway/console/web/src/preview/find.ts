import { isItem } from './items';
import { count, entries, isJson, text, type Json } from './json';
import { nameOf, ownerIn, type Owner } from './owner';
import { isComment, isPost, postOf, type Post } from './posts';
import { highlightOf, isHighlight, merged, storiesOf, type Reel } from './reels';
import { spotOf, type Spot } from './spots';

export interface Person extends Owner {
  hasLiveStories: boolean;
}

/** One list of the answer, of which there may be more than came. */
export interface Listed<T> {
  /** The name of the list in the answer. */
  field: string;
  total: number | null;
  hasMore: boolean;
  entries: T[];
}

/** What belongs under one head: an account, a hashtag, a location; or, for what belongs to none, nothing. */
export interface Subject {
  owner: Owner | null;
  spot: Spot | null;
  reels: Reel[];
  posts: Listed<Post>[];
  people: Listed<Person>[];
  spots: Listed<Spot>[];
}

/** Where in an answer something was found. */
interface Place {
  /** The innermost of both. */
  owner: Owner | null;
  spot: Spot | null;
  field: string;
  total: number | null;
  hasMore: boolean;
  /** Below a post, an item or a comment, to which what is named belongs. */
  isInside: boolean;
  /** Below something that has been shown as a ring. */
  isPlayed: boolean;
  /** As a field of an entity itself, not of a connection. */
  isOwnField: boolean;
}

const TOP: Place = {
  owner: null,
  spot: null,
  field: '',
  total: null,
  hasMore: false,
  isInside: false,
  isPlayed: false,
  isOwnField: false,
};
const USER = /^\d+$/;
const CONNECTION = new Set(['nodes', 'edges', 'node']);

/** What can be shown of an answer, wherever it is in there, each thing known by its shape. */
export function subjectsIn(data: unknown): Subject[] {
  const finder = new Finder();
  finder.visit(data, TOP);
  return finder.found();
}

export const highlightsIn = (data: unknown): Reel[] =>
  subjectsIn(data).flatMap(({ reels }) => reels.filter(({ kind }) => kind === 'highlight'));

class Finder {
  private readonly subjects = new Map<string, Subject>();
  private readonly highlights = new Map<string, Reel>();
  private readonly spots: [Spot, Place][] = [];

  visit(value: unknown, at: Place): void {
    if (Array.isArray(value)) this.list(value, at);
    else if (isJson(value)) this.node(value, at);
  }

  found(): Subject[] {
    for (const highlight of this.highlights.values()) this.subject(highlight.owner, null).reels.push(highlight);
    for (const [spot, at] of this.spots) {
      if (!this.subjects.has(keyOf(null, spot))) this.listed(this.subject(null, null).spots, at).entries.push(spot);
    }
    return [...this.subjects.values()].filter((one) => [one.reels, one.posts, one.people, one.spots].some((all) => all.length > 0));
  }

  private list(values: unknown[], at: Place): void {
    const nodes = entries(values);
    const isStories = nodes.length > 0 && nodes.every(isItem) && !at.isPlayed;
    if (isStories) this.stories(nodes, at);
    if (nodes.length > 0 && !at.isOwnField && nodes.every(isBare)) {
      this.listed(this.subject(at.owner, at.spot).people, at).entries.push(...nodes.map(personOf));
    } else {
      values.forEach((value) => this.visit(value, { ...at, isPlayed: at.isPlayed || isStories, isOwnField: false }));
    }
  }

  private node(node: Json, at: Place): void {
    const below = this.below(node, at);
    for (const [key, value] of Object.entries(node)) {
      this.visit(value, { ...below, field: CONNECTION.has(key) ? at.field : key });
    }
  }

  /** Takes in what the object is. Returns the place of what is in it. */
  private below(node: Json, at: Place): Place {
    const none = { ...at, total: null, hasMore: false, isOwnField: true };
    const inside = { ...none, owner: null, spot: null, isInside: true };
    if (isHighlight(node)) {
      this.highlight(node, at);
      return { ...none, isPlayed: true };
    }
    if (isItem(node)) {
      if (!at.isPlayed) this.stories([node], at);
      return { ...inside, isPlayed: true };
    }
    if (isComment(node)) return inside;
    if (isPost(node)) {
      this.post(node, at);
      return inside;
    }
    const owner = ownerIn(node) ?? unnamed(node);
    if (owner && isBare(node) && isAlone(at)) this.listed(this.subject(null, null).people, at).entries.push(personOf(node));
    if (owner) return { ...none, owner, spot: null, isPlayed: false };
    const spot = spotOf(node, at.field);
    if (spot && !at.isInside) this.spots.push([spot, at]);
    if (spot) return { ...none, owner: null, spot };
    return { ...at, total: count(node['totalCount']), hasMore: hasMore(node), isOwnField: false };
  }

  private highlight(node: Json, at: Place): void {
    const seen = highlightOf(node, at.owner);
    const known = this.highlights.get(seen.id);
    const highlight = known ? merged(known, seen) : seen;
    this.highlights.set(seen.id, highlight);
    // Its place among the others is that of where it is met first.
    this.subject(highlight.owner, null);
  }

  private stories(nodes: Json[], at: Place): void {
    const reel = storiesOf(nodes, at.owner);
    const isShown = at.field === 'stories' || reel.title === 'Live stories' || reel.items.length > 0;
    if (isShown) this.subject(at.owner, null).reels.push(reel);
  }

  private post(node: Json, at: Place): void {
    const posts = this.listed(this.subject(at.owner, at.spot).posts, at).entries;
    const post = postOf(node);
    if (!post.id || posts.every(({ id }) => id !== post.id)) posts.push(post);
  }

  private subject(owner: Owner | null, spot: Spot | null): Subject {
    const key = keyOf(owner, spot);
    const known = this.subjects.get(key);
    if (known) return known;
    const made: Subject = { owner, spot, reels: [], posts: [], people: [], spots: [] };
    this.subjects.set(key, made);
    return made;
  }

  private listed<T>(lists: Listed<T>[], { field, total, hasMore }: Place): Listed<T> {
    const known = lists.find((one) => one.field === field);
    if (known) return known;
    const made: Listed<T> = { field, total, hasMore, entries: [] };
    lists.push(made);
    return made;
  }
}

function keyOf(owner: Owner | null, spot: Spot | null): string {
  if (spot) return `${spot.kind} ${spot.name}`;
  return owner ? `user ${nameOf(owner)}` : '';
}

function hasMore(connection: Json): boolean {
  return isJson(connection['pageInfo']) && connection['pageInfo']['hasNextPage'] === true;
}

/** An account whose names were not asked for, but something that belongs to it. */
function unnamed(node: Json): Owner | null {
  const id = text(node['id']);
  return id && USER.test(id) && hasLists(node) ? { username: null, fullName: id, picture: null, isPrivate: false } : null;
}

/** Whether it is an account that was asked for no lists of its own: those are shown under its name. */
function isBare(node: Json): boolean {
  return ownerIn(node) !== null && !hasLists(node);
}

/** Whether it is a field of the answer itself: one account is a list of one. */
function isAlone({ owner, spot, isInside, isOwnField }: Place): boolean {
  return owner === null && spot === null && !isInside && !isOwnField;
}

function hasLists(node: Json): boolean {
  const values = Object.values(node);
  return [...values, ...values.filter(isJson).flatMap((value) => Object.values(value))].some(Array.isArray);
}

function personOf(node: Json): Person {
  return { ...ownerIn(node)!, hasLiveStories: node['hasLiveStories'] === true };
}
