/** What GraphiQL's elements say of themselves to a screen reader, where that is not what they are. */
const REPAIRS: [selector: string, repair: (element: Element) => void][] = [
  ['.graphiql-sessions', (main) => main.setAttribute('role', 'main')],
  ['.graphiql-plugin', (panel) => label(panel, 'complementary', 'Panel')],
  ['#graphiql-session', (session) => session.removeAttribute('role')],
  // A tab may hold no buttons, and these hold two: so they are a list of buttons.
  ['.graphiql-tabs', (list) => list.removeAttribute('role')],
  ['.graphiql-tab', plain],
  ['.graphiql-operation-title-bar select, .graphiql-explorer-root select', (select) => label(select, null, 'Kind of operation')],
  ['.graphiql-history-item-label', (item) => item.removeAttribute('aria-label')],
];

function plain(tab: Element): void {
  tab.removeAttribute('role');
  tab.removeAttribute('aria-selected');
  const button = tab.querySelector('.graphiql-tab-button');
  button?.removeAttribute('aria-controls');
  button?.setAttribute('aria-current', String(tab.classList.contains('graphiql-tab-active')));
}

function label(element: Element, role: string | null, name: string): void {
  if (role) element.setAttribute('role', role);
  element.setAttribute('aria-label', name);
}

function repair(): void {
  for (const [selector, mend] of REPAIRS) document.querySelectorAll(selector).forEach(mend);
}

/** Mends what is there, and what comes. */
export function keepAccessible(root: Element): void {
  let planned = 0;
  const soon = () => {
    cancelAnimationFrame(planned);
    planned = requestAnimationFrame(repair);
  };
  // Classes too, since a tab is known to be the active one by its class.
  new MutationObserver(soon).observe(root, { childList: true, subtree: true, attributeFilter: ['class'] });
}
