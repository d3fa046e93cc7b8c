import { pick, ToolbarButton, useGraphiQL } from '@graphiql/react';
import { useEffect, useState } from 'react';
import { CurlIcon, DoneIcon, FetchIcon } from '../icons';
import { copied } from './clipboard';
import { requestOf, type Request } from './request';
import { curl, fetching } from './texts';

const FORMS = { curl: [curl, CurlIcon], fetch: [fetching, FetchIcon] } as const;
const SHOWN = 2_000; // milliseconds

type Form = keyof typeof FORMS;

/** The operation in the editor with its variables and headers, for elsewhere. */
export function CopyAs() {
  const editors = useGraphiQL(pick('queryEditor', 'variableEditor', 'headerEditor', 'operationName'));
  const [told, setTold] = useState<{ form: Form | null; text: string }>({ form: null, text: '' });
  useEffect(() => {
    const timer = window.setTimeout(() => setTold({ form: null, text: '' }), SHOWN);
    return () => window.clearTimeout(timer);
  }, [told]);
  const copy = async (form: Form) => {
    const { queryEditor, variableEditor, headerEditor, operationName } = editors;
    const [query, variables, headers] = [queryEditor, variableEditor, headerEditor].map((one) => one?.getValue() ?? '');
    const request = attempt(() => requestOf(query!, variables!, headers!, operationName));
    if (!request) setTold({ form: null, text: 'Not copied: the operation, its variables or its headers have a mistake.' });
    else if (await copied(FORMS[form][0](request))) setTold({ form, text: `Copied as ${form}.` });
    else setTold({ form: null, text: 'Not copied: the browser does not allow it.' });
  };
  return (
    <>
      {(Object.keys(FORMS) as Form[]).map((form) => {
        const Icon = told.form === form ? DoneIcon : FORMS[form][1];
        return (
          <ToolbarButton key={form} className="hg-toolbar-icon" label={`Copy as ${form}`} onClick={() => void copy(form)}>
            <Icon />
          </ToolbarButton>
        );
      })}
      <span role="status" className={told.text && !told.form ? 'hg-not-copied' : 'hg-visually-hidden'}>
        {told.text}
      </span>
    </>
  );
}

function attempt(make: () => Request): Request | null {
  try {
    return make();
  } catch {
    return null;
  }
}
