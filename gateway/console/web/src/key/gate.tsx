import { useEffect, useState, type FormEvent, type ReactNode } from 'react';
import { ask, key, type GatewayError } from '../shared/gateway';

/** `samples`: the console without the schema. */
type Standing = 'asking' | 'open' | 'samples' | 'key' | 'unknown key' | 'no right' | 'unreachable';

const PROBE = '{ __schema { queryType { name } } }';

/** Shows the console to whoever may read, with what the schema makes possible or without, and asks others for a key. */
export function Gate({ children }: { children: (hasSchema: boolean) => ReactNode }) {
  const [standing, setStanding] = useState<Standing>('asking');
  const look = () => void probe().then(setStanding);
  useEffect(look, []);
  if (standing === 'open' || standing === 'samples') return children(standing === 'open');
  if (standing === 'asking') return null;
  const enter = (value: string) => {
    key.set(value);
    look();
  };
  return <Ask standing={standing} onKey={enter} />;
}

async function probe(): Promise<Standing> {
  try {
    const { data, errors } = await ask(PROBE);
    return data ? 'open' : refusal(errors?.[0]);
  } catch {
    return 'unreachable';
  }
}

function refusal(error: GatewayError | undefined): Standing {
  const { code, right } = error?.extensions ?? {};
  // The right `read` is asked for before this one, so it is there.
  if (right === 'introspect') return 'samples';
  if (code !== 'UNAUTHENTICATED') return 'no right';
  const standing = key.get() ? 'unknown key' : 'key';
  key.forget();
  return standing;
}

const TOLD: Record<Exclude<Standing, 'asking' | 'open' | 'samples'>, string> = {
  key: 'This gateway knows its clients by their keys. Yours is kept in this tab, until you close it.',
  'unknown key': 'The gateway does not know this key.',
  'no right': 'This key lacks the right `read`, without which nothing can be asked. Ask for the right, or enter another key.',
  unreachable: 'The gateway does not answer. Reload the page to try again.',
};

function Ask({ standing, onKey }: { standing: keyof typeof TOLD; onKey: (key: string) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = new FormData(event.currentTarget).get('key');
    if (typeof value === 'string' && value.trim()) onKey(value.trim());
  };
  return (
    <main className="first hg-gate">
      <p className="first-ring" />
      <h1>Highlights Gateway</h1>
      <p role={standing === 'key' ? undefined : 'alert'}>{TOLD[standing]}</p>
      <form onSubmit={submit}>
        <label htmlFor="hg-key">Key</label>
        <input id="hg-key" name="key" type="password" autoComplete="off" autoFocus required />
        <button type="submit" className="hg-primary">Open the console</button>
      </form>
    </main>
  );
}
