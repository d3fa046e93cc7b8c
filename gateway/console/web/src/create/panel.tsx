import type { FormEvent } from 'react';
import { useAccounts } from './accounts';
import { create, creation, draft, edit, isUnderWay, placeOf } from './creation';
import { DropZone } from './drop';
import type { Account } from './flow';
import { Flows } from './flows';
import { MediaList } from './list';
import { nameOf, type Medium } from './media';
import type { Mistake } from './mistakes';
import { Outcome } from './outcome';
import { TitleField } from './title';

export function CreatePanel() {
  const { known, problem } = useAccounts();
  const shown = creation.use().flow?.id ?? null;
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Create a highlight</h2>
      {problem && <p className="hg-problem">{problem}</p>}
      {known?.length === 0 && <NoAccount />}
      {known && known.length > 0 && (
        <>
          <Form accounts={known} />
          <Flows accounts={known} shown={shown} />
        </>
      )}
    </div>
  );
}

function NoAccount() {
  return (
    <p className="hg-quiet">
      There is no account that you may publish for. It takes the right <code>write</code>, and a gateway with a token of
      the publishing API.
    </p>
  );
}

function Form({ accounts: known }: { accounts: Account[] }) {
  const { account: chosen, title, media, cover } = draft.use();
  const current = creation.use();
  const { mistakes } = current;
  const account = known.find(({ id }) => id === chosen)?.id ?? known[0]!.id;
  const about = (field: Mistake['about']) => mistakes.find((mistake) => mistake.about === field)?.message;
  const ready = media.length > 0 && title.trim() !== '';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready && !isUnderWay(current)) void create(account);
  };
  return (
    <form className="hg-create" onSubmit={submit}>
      <label className="hg-field">
        Account
        <select value={account} onChange={(event) => edit({ account: event.target.value })}>
          {known.map(({ id, username }) => (
            <option key={id} value={id}>
              {username ?? id}
            </option>
          ))}
        </select>
      </label>
      <TitleField value={title} mistake={about('title')} onChange={(value) => edit({ title: value })} />
      <DropZone onAdd={(more) => edit({ media: [...draft.get().media, ...more] })} />
      <MediaList media={media} cover={placeOf(cover, media)} />
      <Mistakes mistakes={mistakes} media={media} />
      <Outcome account={account} ready={ready} />
    </form>
  );
}

/** Where to look, and in full what has no place of its own in the form. */
function Mistakes({ mistakes, media }: { mistakes: Mistake[]; media: Medium[] }) {
  if (mistakes.length === 0) return null;
  const names = media.filter(({ id }) => mistakes.some(({ about }) => about === id)).map(nameOf);
  const fields = mistakes.some(({ about }) => about === 'title') ? ['the title'] : [];
  const placed = [...fields, ...names];
  const others = mistakes.filter(({ about }) => typeof about !== 'number' && about !== 'title');
  return (
    <div className="hg-problem" role="alert">
      <p>
        Nothing was begun.
        {placed.length > 0 && ` See what is said of ${placed.join(', ')}.`}
      </p>
      {others.map(({ code, message }) => (
        <p key={code + message}>{message}</p>
      ))}
    </div>
  );
}
