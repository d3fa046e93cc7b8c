import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef, useState } from 'react';
import { useOpenTab } from '../examples/open';
import { DropZone } from './drop';
import { accounts, begin, follow, hasEnded, retry, TRAY, type Account, type Flow, type UserError } from './flow';
import { MediaList } from './list';
import type { Medium } from './media';
import { Progress } from './progress';
import { TitleField } from './title';

export function CreatePanel() {
  const { schema } = useGraphiQL(pick('schema'));
  const [own, setOwn] = useState<Account[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const writes = Boolean(schema?.getMutationType()?.getFields()['createHighlight']);
  useEffect(() => {
    if (writes) accounts().then(setOwn, (error: Error) => setProblem(error.message));
  }, [writes]);
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Create a highlight</h2>
      {problem && <p className="hg-problem">{problem}</p>}
      {own?.length === 0 && <p className="hg-quiet">There is no account that you may publish for.</p>}
      {own && own.length > 0 && <Form accounts={own} />}
    </div>
  );
}

function Form({ accounts: own }: { accounts: Account[] }) {
  const [account, setAccount] = useState(own[0]!.id);
  const [title, setTitle] = useState('');
  const [media, setMedia] = useState<Medium[]>([]);
  const [cover, setCover] = useState<number | null>(null);
  const creation = useCreation();
  const add = (more: Medium[]) => setMedia((known) => [...known, ...more]);
  const place = Math.max(0, media.findIndex((medium) => medium.id === cover));
  const submit = () => creation.create({ account, title: title.trim(), media, cover: place });
  return (
    <form className="hg-create" onSubmit={(event) => (event.preventDefault(), void submit())}>
      <label className="hg-field">
        Account
        <select value={account} onChange={(event) => setAccount(event.target.value)}>
          {own.map(({ id, username }) => (
            <option key={id} value={id}>
              {username ?? id}
            </option>
          ))}
        </select>
      </label>
      <TitleField value={title} onChange={setTitle} />
      <DropZone onAdd={add} />
      <MediaList media={media} cover={place} flow={creation.flow} onChange={setMedia} onCover={setCover} />
      <Problems errors={creation.errors} problem={creation.problem} />
      <button type="submit" className="hg-primary" disabled={!media.length || !title.trim() || creation.busy}>
        {creation.busy ? 'Creating…' : 'Create the highlight'}
      </button>
      {creation.flow && <Outcome flow={creation.flow} account={account} onRetry={() => void creation.again()} />}
    </form>
  );
}

function Problems({ errors, problem }: { errors: UserError[]; problem: string | null }) {
  if (!problem && errors.length === 0) return null;
  return (
    <ul className="hg-problem" role="alert">
      {problem && <li>{problem}</li>}
      {errors.map(({ field, code, message }) => (
        <li key={field.join('.') + code}>
          <code>{field.join('.')}</code> {message}
        </li>
      ))}
    </ul>
  );
}

function Outcome({ flow, account, onRetry }: { flow: Flow; account: string; onRetry: () => void }) {
  const open = useOpenTab();
  const { run, setVisiblePlugin } = useGraphiQLActions();
  const show = () => {
    open(TRAY, JSON.stringify({ account }, null, 2));
    setVisiblePlugin('Preview');
    run();
  };
  return (
    <section className="hg-outcome" aria-label="Progress">
      <Progress flow={flow} />
      {flow.state === 'DONE' && (
        <button type="button" className="hg-primary" onClick={show}>
          Show it in the tray
        </button>
      )}
      {flow.retryable && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </section>
  );
}

/** One creation at a time. Sending the same input again is the same request, so it carries the same key. */
function useCreation() {
  const [flow, setFlow] = useState<Flow | null>(null);
  const [errors, setErrors] = useState<UserError[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const sent = useRef({ input: '', idempotencyKey: '' });
  const leaving = useRef<AbortController>(null);
  useEffect(() => () => leaving.current?.abort(), []);

  const watch = async (start: () => ReturnType<typeof begin>) => {
    leaving.current = new AbortController();
    setBusy(true);
    setProblem(null);
    setErrors([]);
    try {
      const begun = await start();
      setErrors(begun.userErrors);
      setFlow(begun.flow);
      if (begun.flow && !hasEnded(begun.flow)) {
        for await (const next of follow(begun.flow.id, leaving.current.signal)) setFlow(next);
      }
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  const create = (order: Omit<Parameters<typeof begin>[0], 'idempotencyKey'>) => {
    const input = JSON.stringify({ ...order, media: order.media.map((medium) => medium.id) });
    if (sent.current.input !== input) sent.current = { input, idempotencyKey: freshKey() };
    return watch(() => begin({ ...order, idempotencyKey: sent.current.idempotencyKey }));
  };
  const again = () => watch(() => retry(flow!.id));
  return { flow, errors, problem, busy, create, again };
}

/** Not `randomUUID`, which pages from plain http on other machines have not got. */
function freshKey(): string {
  return `console-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
