import { useEffect, useState } from 'react';
import { connect, connections, disconnect, load, outcome, trouble, type Connection, type Scope, type State } from './connections';

const STATES: Record<State, string> = {
  CONNECTED: 'Connected',
  EXPIRING: 'Expires soon',
  RECONNECT_REQUIRED: 'Must be connected again: its flows wait',
  RESTRICTED: 'Rests: the platform restricts its actions',
  DISCONNECTED: 'Disconnected',
};
const SCOPES: Record<Scope, string> = {
  PUBLISH: 'Publish',
  COMMENTS: 'Manage comments',
  INSIGHTS: 'Read insights',
};

export function AccountsPanel() {
  const known = connections.use();
  const problem = trouble.use();
  useEffect(() => void load(), []);
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Accounts</h2>
      {outcome && <p role="status">{outcome}</p>}
      {problem && (
        <p className="hg-problem" role="alert">
          {problem}
        </p>
      )}
      {known?.length === 0 && <p className="hg-quiet">No account is connected that you may use.</p>}
      {known && known.length > 0 && (
        <ul className="hg-flows" aria-label="Accounts">
          {known.map((account) => (
            <Account key={account.id} account={account} />
          ))}
        </ul>
      )}
      <Connect />
    </div>
  );
}

/** The permissions that it had, so that connecting it again takes none away. */
const given = (names: string[]): Scope[] =>
  (Object.keys(SCOPES) as Scope[]).filter((scope) => names.some((name) => name.toUpperCase().includes(scope)));

function Account({ account }: { account: Connection }) {
  const { id, state, scopes, tokenExpiresAt, user } = account;
  // The operator's own token has no permissions that are known, and no end.
  const isConnected = scopes.length > 0;
  const name = user.username ?? id;
  return (
    <li data-testid="account">
      <p>
        <b>{name}</b> <small className="hg-quiet">{id}</small>
      </p>
      <p data-testid="account-state">{STATES[state]}</p>
      {isConnected && <p className="hg-quiet">Permissions: {scopes.join(', ')}</p>}
      {tokenExpiresAt && <p className="hg-quiet">Until {new Date(tokenExpiresAt).toLocaleString()}, refreshed before</p>}
      {isConnected ? (
        <div className="hg-acts">
          <button type="button" aria-label={`Connect ${name} again`} onClick={() => void connect(given(scopes), id)}>
            Connect again
          </button>
          <button type="button" aria-label={`Disconnect ${name}`} onClick={() => void disconnect(id)}>
            Disconnect
          </button>
        </div>
      ) : (
        <p className="hg-quiet">By the token of the operator</p>
      )}
    </li>
  );
}

function Connect() {
  const [chosen, setChosen] = useState<Scope[]>(['PUBLISH']);
  const toggle = (scope: Scope) =>
    setChosen((before) => (before.includes(scope) ? before.filter((each) => each !== scope) : [...before, scope]));
  return (
    <form
      className="hg-create"
      onSubmit={(event) => {
        event.preventDefault();
        void connect(chosen);
      }}
    >
      <fieldset className="hg-permissions">
        <legend>Permissions to ask for</legend>
        {(Object.keys(SCOPES) as Scope[]).map((scope) => (
          <label key={scope}>
            <input type="checkbox" checked={chosen.includes(scope)} onChange={() => toggle(scope)} /> {SCOPES[scope]}
          </label>
        ))}
      </fieldset>
      <button type="submit" className="hg-primary">
        Connect an account
      </button>
    </form>
  );
}
