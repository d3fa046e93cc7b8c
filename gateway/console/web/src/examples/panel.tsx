import examples from 'virtual:examples';
import { useOpenTab } from './open';

export function ExamplesPanel() {
  const open = useOpenTab();
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Examples</h2>
      <p className="hg-quiet">Each opens in a tab of its own, with variables that the sandbox answers.</p>
      <ul className="hg-examples">
        {examples.map(({ name, note, query, variables }) => (
          <li key={name}>
            <button type="button" onClick={() => open(query, variables)}>
              <b>{spoken(name)}</b>
              <span>{note}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

const spoken = (name: string) => name[0]!.toUpperCase() + name.slice(1).replaceAll('_', ' ');
