import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';
import { read } from '../shared/answer';
import { operationAt, parsed } from '../shared/documents';
import { fetchQuote, quote } from './quote';

const PAUSE = 300; // milliseconds without a keystroke

type Editor = NonNullable<ReturnType<typeof useEditors>['queryEditor']>;

export const useEditors = () => useGraphiQL(pick('queryEditor', 'variableEditor', 'responseEditor'));

/** Keeps `quote` and `answer` up to what the editors show. */
export function useWatch(): void {
  const { queryEditor, variableEditor, responseEditor } = useEditors();
  useEffect(() => {
    if (!responseEditor) return undefined;
    const show = () => read(responseEditor.getValue());
    show();
    const watch = responseEditor.onDidChangeModelContent(show);
    return () => watch.dispose();
  }, [responseEditor]);
  useEffect(
    () => (queryEditor && variableEditor ? watchPrice(queryEditor, variableEditor, responseEditor) : undefined),
    [queryEditor, variableEditor, responseEditor],
  );
}

/** Also asks again after each answer: what was bought is cached now. */
function watchPrice(query: Editor, variables: Editor, response?: Editor): () => void {
  query.updateOptions({ wordWrap: 'on' });
  let timer: number | undefined;
  let asking = new AbortController();
  let last = '';
  const price = (force: boolean) => {
    const wanted = subject(query, variables);
    const key = JSON.stringify(wanted);
    if (key === last && !force) return;
    last = key;
    asking.abort();
    asking = new AbortController();
    if (wanted) void fetchQuote(wanted.document, wanted.variables, wanted.operation, asking.signal);
    else quote.set(null);
  };
  const soon = (force: boolean) => () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => price(force), PAUSE);
  };
  const watches = [
    query.onDidChangeModelContent(soon(false)),
    query.onDidChangeCursorPosition(soon(false)),
    variables.onDidChangeModelContent(soon(false)),
    response?.onDidChangeModelContent(soon(true)),
  ];
  price(false);
  return () => {
    watches.forEach((watch) => watch?.dispose());
    window.clearTimeout(timer);
    asking.abort();
  };
}

/** What to price; null while the text is not a document yet. */
function subject(query: Editor, variables: Editor) {
  const text = query.getValue();
  const tree = parsed(text);
  const position = query.getPosition();
  const offset = position ? (query.getModel()?.getOffsetAt(position) ?? 0) : 0;
  const operation = tree && operationAt(tree, offset);
  if (!operation) return null;
  return { document: text, variables: values(variables.getValue()), operation: operation.name?.value ?? null };
}

function values(text: string): unknown {
  try {
    return text.trim() ? JSON.parse(text) : {};
  } catch {
    return {};
  }
}
