import type { GraphiQLProps } from 'graphiql';
import examples from 'virtual:examples';

type Tabs = NonNullable<GraphiQLProps['defaultTabs']>;
type Opening = Pick<GraphiQLProps, 'defaultTabs' | 'initialQuery' | 'initialVariables'>;

/** What is open at the first visit. */
const FIRST = ['cover_gallery', 'complete_highlight', 'tray_with_items', 'missing_items'];

const tabs: Tabs = FIRST.map((name) => {
  const { query, variables } = examples.find((example) => example.name === name)!;
  return { query, variables, headers: null };
});

/** The tabs of last time, else the first ones; before both the operation that the page's address names. */
export function opening(): Opening {
  const named = new URLSearchParams(location.search);
  const query = named.get('query');
  const variables = named.get('variables') ?? '';
  if (query) return { defaultTabs: [{ query, variables, headers: null }, ...tabs], initialQuery: query, initialVariables: variables };
  const isFirst = localStorage.getItem('graphiql:tabState') === null;
  // GraphiQL takes the first tab's operation from the tab, but its variables from here.
  return { defaultTabs: tabs, initialVariables: isFirst ? tabs[0]!.variables! : undefined };
}
