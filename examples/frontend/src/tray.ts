import { element } from './element';
import type { TrayRingsQuery } from './gql/graphql';
import { picture } from './picture';
import { telling, type Problem } from './problems';

type User = NonNullable<TrayRingsQuery['user']>;
export type Ring = NonNullable<User['highlights']>['nodes'][number];

export function head({ username, fullName, isVerified, profilePictureUrl, highlights }: User): HTMLElement {
  const name = username ?? '';
  const count = highlights && `${highlights.totalCount} ${highlights.totalCount === 1 ? 'highlight' : 'highlights'}`;
  return element(
    'div',
    { class: 'head' },
    element('span', { class: 'face' }, picture(profilePictureUrl, name)),
    element(
      'div',
      {},
      element('h1', {}, name, isVerified ? element('span', { class: 'verified', title: 'Verified' }, '✓') : null),
      element('p', {}, [fullName, count].filter(Boolean).join(' · ')),
    ),
  );
}

/** `play` is called with the ring that was chosen, and awaited: until then the ring turns. */
export function tray(rings: Ring[], play: (ring: Ring) => Promise<void>): HTMLElement {
  if (rings.length === 0) return notice('No highlights yet', 'That was an answer, too: it is cached like any other.');
  return element('ul', { class: 'tray' }, ...rings.map((ring) => element('li', {}, button(ring, play))));
}

function button(ring: Ring, play: (ring: Ring) => Promise<void>): HTMLElement {
  const items = ring.mediaCount === 1 ? '1 item' : `${ring.mediaCount ?? '?'} items`;
  const made = element(
    'button',
    { type: 'button', class: 'ring' },
    element('span', { class: 'hoop' }, element('span', { class: 'cover' }, picture(ring.cover?.url, ring.title))),
    element('span', { class: 'title' }, ring.title),
    element('small', {}, items),
  );
  made.addEventListener('click', async () => {
    made.setAttribute('aria-busy', 'true');
    await play(ring).finally(() => made.removeAttribute('aria-busy'));
  });
  return made;
}

export function notice(title: string, text: string): HTMLElement {
  return element('p', { class: 'notice' }, element('b', {}, title), text);
}

/** Rings without pictures, until those with pictures come. */
export function waiting(): HTMLElement {
  const blanks = Array.from({ length: 8 }, () => element('li', {}, element('span', { class: 'blank' })));
  return element('ul', { class: 'tray', 'aria-label': 'Loading', 'aria-busy': 'true' }, ...blanks);
}

export function trouble(problem: Problem, retry: () => Promise<void>): HTMLElement {
  const { title, advice, again } = telling(problem);
  const retrying = element('button', { type: 'button', class: 'plain' }, 'Try again');
  retrying.addEventListener('click', () => void retry());
  return element(
    'section',
    { class: 'trouble', role: 'alert', 'data-code': problem.extensions.code },
    element('h2', {}, title),
    element('p', {}, advice),
    again ? retrying : null,
  );
}
