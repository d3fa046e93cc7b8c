const NARROW = window.matchMedia('(width < 820px)');

/** Where the parts of the page stand below each other, what was asked for may lie beyond the screen's edge. */
export function bringIntoView(selector: string): void {
  if (NARROW.matches) document.querySelector(selector)?.scrollIntoView({ block: 'start' });
}
