import examples, { type Example } from 'virtual:examples';
import { standing } from '../key/standing';
import { store } from '../shared/store';
import { variablesOf } from './fill';
import { useOpenTab } from './open';

/** Kept while other panels are shown. */
const filter = store('');
/** The only group that is shown; null for all. */
const chosen = store<string | null>(null);
const GROUPS = [...new Set(examples.map(({ group }) => group))];

export function ExamplesPanel() {
  const access = standing.use();
  const wanted = filter.use();
  const only = chosen.use();
  const groups = grouped(examples.filter((example) => fits(example, wanted) && (only ?? example.group) === example.group));
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Examples</h2>
      <p className="hg-quiet">Each opens in a tab of its own, with variables that the sandbox answers.</p>
      {access === 'trusted' && (
        <p className="hg-quiet">
          This gateway runs the documents that it trusts and no others: these as they are, and those of its manifest. The
          editor knows no fields.
        </p>
      )}
      {access === 'samples' && (
        <p className="hg-quiet">
          Without the right <code>introspect</code> the editor knows no fields: it neither completes nor checks.
        </p>
      )}
      <input type="search" aria-label="Filter the examples" placeholder="Filter: a word, or a field" value={wanted}
        onChange={(event) => filter.set(event.target.value)} />
      <Choice only={only} />
      {groups.map(([group, members]) => (
        <Group key={group} name={group} examples={members} />
      ))}
      {groups.length === 0 && <p role="status">No example has all of this.</p>}
    </div>
  );
}

/** One group, or all of them. */
function Choice({ only }: { only: string | null }) {
  return (
    <div className="hg-groups" role="group" aria-label="Groups of examples">
      {[null, ...GROUPS].map((group) => (
        <button key={group} type="button" aria-pressed={only === group} onClick={() => chosen.set(group)}>
          {group ?? 'All'}
        </button>
      ))}
    </div>
  );
}

function Group({ name, examples: members }: { name: string; examples: Example[] }) {
  const open = useOpenTab();
  const id = `hg-group-${name.toLowerCase().replaceAll(' ', '-')}`;
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{name}</h3>
      <ul className="hg-examples">
        {members.map((example) => (
          <li key={example.name}>
            <button type="button" onClick={async () => open(example.query, await variablesOf(example))}>
              <b>{spoken(example.name)}</b>
              <span>{example.note}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** In the order they come in. */
function grouped(members: Example[]): [string, Example[]][] {
  const groups = new Map<string, Example[]>();
  for (const one of members) groups.set(one.group, [...(groups.get(one.group) ?? []), one]);
  return [...groups];
}

/** Whether each of the words is somewhere in it, in its name, its note or its text. */
function fits({ name, note, query, group }: Example, wanted: string): boolean {
  const text = `${spoken(name)} ${note} ${query} ${group}`.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

const spoken = (name: string) => name[0]!.toUpperCase() + name.slice(1).replaceAll('_', ' ');
