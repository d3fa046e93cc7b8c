import './style.css';
import './player/player.css';
import { Bill } from './bill';
import { connect } from './gateway';
import { PlayHighlightDocument, TrayRingsDocument } from './gql/graphql';
import { open } from './player/player';
import { head, notice, tray, trouble, waiting, type Ring } from './tray';

const place = <Found extends HTMLElement>(selector: string) => document.querySelector<Found>(selector)!;
const main = place('main');
const form = place<HTMLFormElement>('form');
const input = place<HTMLInputElement>('#username');
const gateway = connect('/graphql', new Bill(place('footer')).add);

let latest = new AbortController();

/** Shows whom the address names. Nothing is asked for, and so nothing is billed, before somebody is named. */
async function show(): Promise<void> {
  // Whoever was being asked for is not wanted any more.
  latest.abort();
  latest = new AbortController();
  const { signal } = latest;
  const username = new URLSearchParams(location.search).get('user')?.replace(/^@/, '');
  document.title = username ? `${username} · Highlights` : 'Highlights';
  input.value = username ?? '';
  if (!username) {
    const text = 'Name somebody above. Until then nothing is asked, and nothing is billed.';
    main.replaceChildren(notice('Whose highlights?', text));
    input.focus();
    return;
  }
  main.replaceChildren(waiting());
  const about = { label: `tray of ${username}`, signal };
  const { data, problems } = await gateway.ask(TrayRingsDocument, { username }, about);
  if (signal.aborted) return;
  const troubles = problems.map((problem) => trouble(problem, show));
  const user = data?.user;
  const rings = user?.highlights && tray(user.highlights.nodes, (ring) => play(ring, signal));
  main.replaceChildren(...(user ? [head(user)] : []), ...troubles, ...(rings ? [rings] : []));
}

async function play(ring: Ring, signal: AbortSignal): Promise<void> {
  main.querySelector('.trouble')?.remove();
  const about = { label: ring.title, signal };
  const { data, problems } = await gateway.ask(PlayHighlightDocument, { highlightId: ring.id }, about);
  if (signal.aborted) return;
  if (data?.highlight) open(data.highlight, { visit: go, signal });
  else main.querySelector('.head')?.after(...problems.map((problem) => trouble(problem, () => play(ring, signal))));
}

function go(username: string): void {
  history.pushState(null, '', `?${new URLSearchParams({ user: username })}`);
  void show();
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  input.blur();
  go(input.value.trim().replace(/^@/, ''));
});
addEventListener('popstate', () => void show());
void show();
