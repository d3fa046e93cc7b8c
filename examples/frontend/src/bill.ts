import { element } from './element';

const SHOWN = 4;

/** The page's footer: what each request was billed, newest first, and all of them together. */
export class Bill {
  #total = 0;
  readonly #sum = element('output', { class: 'sum', 'aria-live': 'polite' });
  readonly #list = element('ol', { class: 'charges' });

  constructor(place: HTMLElement) {
    place.append(this.#sum, this.#list);
    this.#tell();
  }

  readonly add = (label: string, billed: number): void => {
    this.#total += billed;
    this.#list.prepend(
      element('li', { class: billed ? 'charge' : 'charge free' }, element('b', {}, String(billed)), ` ${label}`),
    );
    while (this.#list.children.length > SHOWN) this.#list.lastElementChild?.remove();
    this.#tell();
  };

  #tell(): void {
    const unit = this.#total === 1 ? 'billed request' : 'billed requests';
    this.#sum.replaceChildren(element('b', {}, String(this.#total)), ` ${unit}`);
  }
}
