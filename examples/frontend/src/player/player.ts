import { element } from '../element';
import { rename, sticker, tool, zone } from './controls';
import { overlays, type Highlight, type Item } from './slides';
import { stage, type Stage } from './stage';

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

interface Surroundings {
  /** Goes to another user's tray. */
  visit(username: string): void;
  /** Aborted when the page shows something else. */
  signal: AbortSignal;
}

/** Plays a highlight in front of the page, from its first item to its last. */
export function open(highlight: Highlight, surroundings: Surroundings): void {
  new Player(highlight, surroundings).show();
}

class Player {
  readonly #items: Item[];
  readonly #visit: (username: string) => void;
  readonly #bars: HTMLElement[];
  readonly #dialog: HTMLDialogElement;
  readonly #frame = element('div', { class: 'frame' });
  readonly #told = element('p', { class: 'hidden', 'aria-live': 'polite' });
  readonly #date = element('time');
  readonly #pausing = tool('Pause', () => this.#pause(!this.#paused));
  readonly #muting = tool('Sound on', () => this.#mute(!this.#muted));
  readonly #gone = new AbortController();
  #stage: Stage | null = null;
  #index = 0;
  #held = false;
  #muted = true;
  // Nothing moves by itself for who asked for that.
  #paused = matchMedia('(prefers-reduced-motion: reduce)').matches;

  constructor(highlight: Highlight, { visit, signal }: Surroundings) {
    this.#items = highlight.items?.nodes ?? [];
    this.#visit = visit;
    this.#bars = this.#items.map(() => element('i'));
    this.#dialog = element(
      'dialog',
      { class: 'player', 'aria-label': `Highlight ${highlight.title}` },
      element('div', { class: 'phone' }, this.#frame, ...this.#zones(), this.#bar(highlight), this.#told),
    );
    this.#listen(signal);
  }

  show(): void {
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    this.#pausing.focus({ preventScroll: true });
    this.#pause(this.#paused);
    this.#turn(0);
  }

  #bar({ title, user, missingItemIds }: Highlight): HTMLElement {
    const missing = missingItemIds?.length ?? 0;
    const segments = this.#bars.map((bar) => element('span', { class: 'segment' }, bar));
    const what = missing === 1 ? '1 item is missing' : `${missing} items are missing`;
    return element(
      'header',
      {},
      element('div', { class: 'segments', 'aria-hidden': 'true' }, ...segments),
      element('h2', {}, title, element('small', {}, user?.username ?? '', ' ', this.#date)),
      this.#pausing,
      this.#muting,
      tool('Close', () => this.#dialog.close()),
      missing ? element('p', { class: 'missing' }, `${what}: deleted, or private by now`) : null,
    );
  }

  #zones(): HTMLElement[] {
    const hold = (held: boolean) => {
      this.#held = held;
      this.#dialog.classList.toggle('held', held);
      this.#run();
    };
    return [
      zone('back', 'Previous item', { hold, tap: () => this.#turn(this.#index - 1) }),
      zone('next', 'Next item', { hold, tap: () => this.#turn(this.#index + 1) }),
    ];
  }

  #listen(signal: AbortSignal): void {
    const heard = { signal: this.#gone.signal };
    signal.addEventListener('abort', () => this.#dialog.close(), heard);
    document.addEventListener('visibilitychange', () => this.#run(), heard);
    this.#dialog.addEventListener('keydown', (event) => this.#press(event));
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close());
    this.#dialog.addEventListener('close', () => {
      this.#gone.abort();
      this.#stage?.leave();
      this.#dialog.remove();
    });
  }

  #press(event: KeyboardEvent): void {
    const isOnControl = event.target instanceof Element && event.target.closest('button, a') !== null;
    const keys: Record<string, () => void> = {
      ArrowRight: () => this.#turn(this.#index + 1),
      ArrowLeft: () => this.#turn(this.#index - 1),
      Home: () => this.#turn(0),
      End: () => this.#turn(this.#items.length - 1),
      m: () => this.#mute(!this.#muted),
    };
    if (!isOnControl) keys[' '] = () => this.#pause(!this.#paused);
    const act = event.ctrlKey || event.altKey || event.metaKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** To the item at `index`. After the last one it is over: the next highlight would cost another request. */
  #turn(index: number): void {
    const total = this.#items.length;
    if (total > 0 && index >= total) return this.#dialog.close();
    this.#index = Math.max(0, index);
    const [item, bar] = [this.#items[this.#index], this.#bars[this.#index]];
    this.#stage?.leave();
    if (!item || !bar) return this.#frame.replaceChildren(element('p', { class: 'dead' }, 'There is nothing to show.'));
    this.#bars.forEach((one, place) => one.classList.toggle('full', place < this.#index));
    this.#stage = stage(item, bar, { ended: () => this.#turn(this.#index + 1), refused: () => this.#pause(true) });
    this.#frame.replaceChildren(this.#stage.node, ...overlays(item).map((one) => sticker(one, this.#visit)));
    this.#muting.hidden = item.videoUrl === null;
    this.#date.textContent = item.takenAt && DATE.format(new Date(item.takenAt));
    this.#told.textContent = `Item ${this.#index + 1} of ${total}`;
    this.#mute(this.#muted);
    this.#run();
    this.#foresee();
  }

  /** The next picture is fetched while this one is looked at. */
  #foresee(): void {
    const url = this.#items[this.#index + 1]?.thumbnailUrl;
    if (url) new Image().src = url;
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    rename(this.#pausing, paused ? 'Play' : 'Pause');
    this.#run();
  }

  #mute(muted: boolean): void {
    this.#muted = muted;
    rename(this.#muting, muted ? 'Sound on' : 'Sound off');
    this.#stage?.mute(muted);
  }

  #run(): void {
    this.#stage?.run(!this.#paused && !this.#held && !document.hidden);
  }
}
