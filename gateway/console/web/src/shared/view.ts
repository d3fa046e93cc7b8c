import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import { bringIntoView } from './narrow';

/** Keeps the active tab within the strip, which scrolls: as it is chosen, as its name grows, as the strip shrinks. */
export function useTabInView(): void {
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  useEffect(() => {
    const strip = document.querySelector<HTMLElement>('.graphiql-tabs');
    const tab = strip?.querySelector<HTMLElement>('.graphiql-tab-active');
    if (!strip || !tab) return undefined;
    const sizes = new ResizeObserver(() => scroll(strip, tab));
    sizes.observe(strip);
    sizes.observe(tab);
    return () => sizes.disconnect();
  }, [tabs, activeTabIndex]);
}

/** By offsets, since tabs on their way are drawn elsewhere. The start matters most, where not all of it fits. */
function scroll(strip: HTMLElement, { offsetLeft, offsetWidth }: HTMLElement): void {
  const furthest = offsetLeft + offsetWidth - strip.clientWidth;
  strip.scrollLeft = Math.min(Math.max(strip.scrollLeft, furthest), offsetLeft);
}

const ANSWER = '.graphiql-response';
let next = ANSWER;

/** What is brought into view once the next answer is there, in place of the answer itself. */
export function showNext(selector: string): void {
  next = selector;
}

export function useAnswerInView(): void {
  const { isFetching } = useGraphiQL(pick('isFetching'));
  const was = useRef(false);
  useEffect(() => {
    if (was.current && !isFetching) {
      bringIntoView(next);
      next = ANSWER;
    }
    was.current = isFetching;
  }, [isFetching]);
}

/** A panel that is chosen stands at the top, wherever the page is scrolled to. */
export function usePanelInView(): void {
  const { visiblePlugin } = useGraphiQL(pick('visiblePlugin'));
  const was = useRef(visiblePlugin);
  useEffect(() => {
    if (was.current !== visiblePlugin && visiblePlugin) bringIntoView('.graphiql-plugin');
    was.current = visiblePlugin;
  }, [visiblePlugin]);
}
