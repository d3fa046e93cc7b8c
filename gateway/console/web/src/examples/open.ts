import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { bringIntoView } from '../shared/narrow';

/** Opens an operation in a tab of its own. */
export function useOpenTab(): (query: string, variables: string) => void {
  const { addTab } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(pick('queryEditor', 'variableEditor'));
  return (query, variables) => {
    addTab();
    queryEditor?.setValue(query);
    variableEditor?.setValue(variables);
    queryEditor?.focus();
    bringIntoView('.graphiql-sessions');
  };
}
