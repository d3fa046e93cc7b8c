import { element } from '../element';
import type { Item } from './slides';

const PHOTO_MS = 5_000;

/** One medium. It stands until it is told to run, fills its bar meanwhile, and says when it has ended. */
export interface Stage {
  node: HTMLElement;
  run(running: boolean): void;
  mute(muted: boolean): void;
  leave(): void;
}

export interface Events {
  ended(): void;
  /** The browser does not let it run by itself. */
  refused(): void;
}

export function stage(item: Item, bar: HTMLElement, events: Events): Stage {
  return item.videoUrl ? video(item.videoUrl, item, bar, events) : photo(item, bar, events);
}

/** Shown for five seconds, from the moment it is there. */
function photo({ thumbnailUrl }: Item, bar: HTMLElement, { ended }: Events): Stage {
  const node = element('div', { class: 'medium' });
  const clock = countdown(bar, ended);
  let there = false;
  let wanted = false;
  const tick = () => (there && wanted ? clock.play() : clock.pause());
  const arrive = (shown: HTMLElement) => {
    there = true;
    node.replaceChildren(shown);
    tick();
  };
  const image = element('img', { alt: 'Photo', draggable: 'false' });
  image.onload = () => arrive(image);
  image.onerror = () => arrive(dead());
  if (thumbnailUrl) image.src = thumbnailUrl;
  else arrive(dead());
  return {
    node,
    run: (running) => {
      wanted = running;
      tick();
    },
    mute: () => {},
    leave: () => clock.cancel(),
  };
}

function video(url: string, { thumbnailUrl }: Item, bar: HTMLElement, { ended, refused }: Events): Stage {
  const player = element('video', { src: url, poster: thumbnailUrl, playsinline: true, 'aria-label': 'Video' });
  player.preload = 'auto';
  // Of what is shown instead, if the video does not come.
  let clock: Animation | null = null;
  let wanted = false;
  const node = element('div', { class: 'medium' }, player);
  player.onended = ended;
  player.onerror = () => {
    node.replaceChildren(dead());
    clock = countdown(bar, ended);
    if (wanted) clock.play();
  };
  player.ontimeupdate = () => {
    if (player.duration > 0) bar.style.transform = `scaleX(${player.currentTime / player.duration})`;
  };
  return {
    node,
    run: (running) => {
      wanted = running;
      if (clock) running ? clock.play() : clock.pause();
      else if (!running) player.pause();
      else player.play().catch((error: Error) => error.name === 'NotAllowedError' && refused());
    },
    mute: (muted) => {
      player.muted = muted;
    },
    leave: () => {
      clock?.cancel();
      player.onerror = null;
      player.pause();
      bar.style.removeProperty('transform');
      // Lets go of the connection.
      player.removeAttribute('src');
      player.load();
    },
  };
}

/** Fills the bar once it is told to play; not before. */
function countdown(bar: HTMLElement, ended: () => void): Animation {
  const clock = bar.animate({ transform: ['scaleX(0)', 'scaleX(1)'] }, { duration: PHOTO_MS, fill: 'forwards' });
  clock.pause();
  clock.onfinish = ended;
  return clock;
}

function dead(): HTMLElement {
  return element('p', { class: 'dead' }, 'This item cannot be shown: its link has died.');
}
