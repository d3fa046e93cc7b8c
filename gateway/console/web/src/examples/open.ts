import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';

// Milliseconds until GraphiQL has read the operation's name and put it on the tab, which is wider then.
const NAMED = 400;

/** It may lie beyond the end of the strip. */
function showTab(): void {
  document.querySelector('.graphiql-tab-active')?.scrollIntoView({ inline: 'nearest', block: 'nearest' });
}

/** Opens an operation in a tab of its own. */
export function useOpenTab(): (query: string, variables: string) => void {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(pick('queryEditor', 'variableEditor'));
  return (query, variables) => {
    addTab();
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables);
    queryEditor?.focus();
    window.setTimeout(showTab, NAMED);
  };
}
