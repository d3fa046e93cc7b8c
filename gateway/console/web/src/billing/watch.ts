import { pick, useGraphiQL } from '@graphiql/react';
import { useEffect } from 'react';
import { read } from '../shared/answer';
import { operationAt, parsed } from '../shared/documents';
import { fetchQuote, quote } from './quote';

const PAUSE = 300; // milliseconds without a keystroke

type Editor = NonNullable<ReturnType<typeof useEditors>['queryEditor']>;

export const useEditors = () => 
  useGraphiQL(pick('queryEditor', 'variableEditor', 'headerEditor', 'responseEditor'));

/** Keeps `quote` and `answer` up to what the editors show. */
export function useWatch(): void {
  const { queryEditor, variableEditor, headerEditor, responseEditor } = useEditors();
  useEffect(() => {
    if (!responseEditor) return undefined;
    const show = () => read(responseEditor.getValue());
    show();
    const watch = responseEditor.onDidChangeModelContent(show);
    return () => watch.dispose();
  }, [responseEditor]);
  useEffect(() => {
    if (!queryEditor || !variableEditor || !headerEditor) return undefined;
    return watchPrice({ query: queryEditor, variables: variableEditor, headers: headerEditor, response: responseEditor });
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
}

interface Editors {
  query: Editor;
  variables: Editor;
  headers: Editor;
  response: Editor | undefined;
}

/** Also asks again after each answer: what was bought is cached now. */
function watchPrice(editors: Editors): () => void {
  const { query, variables, headers, response } = editors;
  query.updateOptions({ wordWrap: 'on' });
  let timer: number | undefined;
  let asking = new AbortController();
  let last = '';
  const price = (force: boolean) => {
    const wanted = subject(editors);
    const key = JSON.stringify(wanted);
    if (key === last && !force) return;
    last = key;
    asking.abort();
    asking = new AbortController();
    if (!wanted) return quote.set(null);
    const options = { headers: wanted.headers, signal: asking.signal };
    void fetchQuote(wanted.document, wanted.variables, wanted.operation, options).then((came) => {
      // The next movement asks again.
      if (!came && last === key) last = '';
    });
  };
  const soon = (force: boolean) => () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => price(force), PAUSE);
  };
  const watches = [
    query.onDidChangeModelContent(soon(false)),
    query.onDidChangeCursorPosition(soon(false)),
    variables.onDidChangeModelContent(soon(false)),
    headers.onDidChangeModelContent(soon(false)),
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
function subject({ query, variables, headers }: Editors) {
  const text = query.getValue();
  const tree = parsed(text);
  const position = query.getPosition();
  const offset = position ? (query.getModel()?.getOffsetAt(position) ?? 0) : 0;
  const operation = tree && operationAt(tree, offset);
  if (!operation) return null;
  const given = Object.entries(values(headers.getValue())).map(([name, value]) => [name.toLowerCase(), String(value)]);
  return {
    document: text,
    variables: values(variables.getValue()),
    headers: Object.fromEntries(given) as Record<string, string>,
    operation: operation.name?.value ?? null,
  };
}

/** Nothing while the text is no object yet. */
function values(text: string): object {
  try {
    const found: unknown = text.trim() ? JSON.parse(text) : {};
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}
