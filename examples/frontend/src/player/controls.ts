import { element } from '../element';
import type { Overlay } from './slides';

const HOLD_MS = 300;

const SPEAKER = 'M4 9v6h4l5 5V4L8 9z';
const SHAPES = {
  Pause: 'M8 6h1v12H8zM15 6h1v12h-1z',
  Play: 'M8 5v14l11-7z',
  'Sound on': `${SPEAKER}M16 9l6 6m0-6l-6 6`,
  'Sound off': `${SPEAKER}M16 8a6 6 0 0 1 0 8m3-11a10 10 0 0 1 0 14`,
  Close: 'M6 6l12 12M18 6L6 18',
};

export function tool(name: keyof typeof SHAPES, act: () => void): HTMLButtonElement {
  const made = element('button', { type: 'button', class: 'tool' });
  made.addEventListener('click', act);
  rename(made, name);
  return made;
}

/** A tool is named by what it does next. */
export function rename(button: HTMLButtonElement, name: keyof typeof SHAPES): void {
  button.setAttribute('aria-label', name);
  button.title = name;
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', SHAPES[name]);
  svg.append(path);
  button.replaceChildren(svg);
}

interface Zone {
  tap(): void;
  hold(held: boolean): void;
}

/** A side of the frame: a tap goes on or back, a finger that stays makes the item stand. */
export function zone(side: 'back' | 'next', name: string, { tap, hold }: Zone): HTMLButtonElement {
  const made = element('button', { type: 'button', class: `zone ${side}`, 'aria-label': name });
  let since = 0;
  made.addEventListener('pointerdown', (event) => {
    made.setPointerCapture(event.pointerId);
    since = event.timeStamp;
    hold(true);
  });
  for (const end of ['pointerup', 'pointercancel'] as const) made.addEventListener(end, () => hold(false));
  made.addEventListener('contextmenu', (event) => event.preventDefault());
  made.addEventListener('click', (event) => {
    // A key clicks, too, without holding anything.
    if (event.detail === 0 || event.timeStamp - since < HOLD_MS) tap();
  });
  return made;
}

export function sticker(overlay: Overlay, visit: (username: string) => void): HTMLAnchorElement {
  const { label, username, href, x, y, width, height, rotation } = overlay;
  const kind = username ? 'mention' : 'link';
  const elsewhere = username ? {} : { target: '_blank', rel: 'noopener noreferrer' };
  const made = element('a', { class: `sticker ${kind}`, href, ...elsewhere }, element('span', {}, label));
  made.style.cssText = `left: ${100 * x}%; top: ${100 * y}%; rotate: ${rotation}turn;
    min-width: ${100 * width}%; min-height: ${100 * height}%`;
  made.addEventListener('click', (event) => {
    if (!username || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    visit(username);
  });
  return made;
}
