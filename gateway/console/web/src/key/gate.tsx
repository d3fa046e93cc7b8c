import { useEffect, type FormEvent, type ReactNode } from 'react';
import ACCOUNTS from '../../../operations/accounts.graphql?raw';
import { ask, key, said, type GatewayError } from '../shared/gateway';
import { standing, type Closed, type Open } from './standing';

const PROBE = '{ __schema { queryType { name } } }';

/** Shows the console to whoever may read, with what the schema makes possible or without, and asks others for a key. */
export function Gate({ children }: { children: (hasSchema: boolean) => ReactNode }) {
  const current = standing.use();
  const look = () => void probe().then(standing.set);
  useEffect(look, []);
  if (current === null) return null;
  if (typeof current === 'string') return children(current === 'open');
  return <Ask {...current} onAgain={look} />;
}

async function probe(): Promise<Open | Closed> {
  try {
    const { data, errors } = await ask(PROBE);
    if (data) return 'open';
    // Nobody's rights were asked for then, so they are here: by a document that is trusted.
    if (errors?.[0]?.extensions?.code === 'DOCUMENT_NOT_TRUSTED') return await trusted();
    return refusal(errors?.[0]);
  } catch (error) {
    return { told: said(error), takesKey: false };
  }
}

async function trusted(): Promise<Open | Closed> {
  const { data, errors } = await ask(ACCOUNTS);
  return data ? 'trusted' : refusal(errors?.[0]);
}

const WANTED = 'This gateway knows its clients by their keys. Yours is kept in this tab, until you close it.';
const MUTE = 'This key lacks the right `read`, without which nothing can be asked. Ask for the right, or enter another key.';

function refusal(error: GatewayError | undefined): Open | Closed {
  const { code, right } = error?.extensions ?? {};
  // The right `read` is asked for before this one, so it is there.
  if (right === 'introspect') return 'samples';
  if (right === 'read') return { told: MUTE, takesKey: true };
  if (code !== 'UNAUTHENTICATED') return { told: error?.message ?? 'No answer came.', takesKey: false };
  const isUnknown = key.get() !== null;
  key.forget();
  return { told: isUnknown ? 'The gateway does not know this key.' : WANTED, takesKey: true };
}

function Ask({ told, takesKey, onAgain }: Closed & { onAgain: () => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = new FormData(event.currentTarget).get('key');
    if (typeof value === 'string' && value.trim()) key.set(value.trim());
    onAgain();
  };
  return (
    <main className="first hg-gate">
      <p className="first-ring" />
      <h1>Highlights Gateway</h1>
      <p role={told === WANTED ? undefined : 'alert'}>{told}</p>
      <form onSubmit={submit}>
        {takesKey && (
          <>
            <label htmlFor="hg-key">Key</label>
            <input id="hg-key" name="key" type="password" autoComplete="off" autoFocus required />
          </>
        )}
        <button type="submit" className="hg-primary">{takesKey ? 'Open the console' : 'Try again'}</button>
      </form>
    </main>
  );
}
