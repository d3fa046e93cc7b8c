import { element } from './element';

/** A picture, and what stands in for it where there is none or its link has died. */
export function picture(url: string | null | undefined, name: string): HTMLElement {
  const initial = element('span', { class: 'initial', 'aria-hidden': 'true' }, [...name][0]?.toUpperCase() ?? '?');
  if (!url) return initial;
  const image = element('img', { src: url, alt: '', loading: 'lazy', decoding: 'async', draggable: 'false' });
  image.addEventListener('error', () => image.replaceWith(initial), { once: true });
  return image;
}
