import { text, type Json } from './json';

export interface Owner {
  username: string | null;
  fullName: string | null;
  picture: string | null;
  isPrivate: boolean;
}

/** The account that the object is, known by its names. */
export function ownerIn(node: Json): Owner | null {
  const [username, fullName] = [text(node['username']), text(node['fullName'])];
  if (!username && !fullName) return null;
  return { username, fullName, picture: text(node['profilePictureUrl']), isPrivate: node['isPrivate'] === true };
}

export const nameOf = (owner: Owner): string => owner.username ?? owner.fullName ?? '';
export const profileOf = (username: string | null): string => (username ? `https://www.instagram.com/${username}/` : '');
