import { hasEnded, type Account, type Flow } from './flow';
import { Progress } from './progress';
import { cancelled, refusals, retried, useRunning } from './running';

/** `CREATE_HIGHLIGHT` is `Create highlight`. */
const phrase = (kind: string): string => kind.charAt(0) + kind.slice(1).toLowerCase().replaceAll('_', ' ');

/** What was begun before or elsewhere, and goes on whether anybody looks or not. `shown` has a place of its own. */
export function Flows({ accounts, shown }: { accounts: Account[]; shown: string | null }) {
  const flows = useRunning().filter(({ id }) => id !== shown);
  const refused = refusals.use();
  if (flows.length === 0) return null;
  return (
    <section aria-labelledby="hg-flows">
      <h3 id="hg-flows">Under way, or to be tried again</h3>
      <ul className="hg-flows">
        {flows.map((flow) => (
          <li key={flow.id} data-testid="flow">
            <Heading flow={flow} accounts={accounts} />
            <Progress flow={flow} />
            {refused[flow.id] && (
              <p className="hg-problem" role="alert">
                {refused[flow.id]}
              </p>
            )}
            <Acts flow={flow} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Heading({ flow, accounts }: { flow: Flow; accounts: Account[] }) {
  const account = accounts.find(({ id }) => id === flow.account);
  return (
    <p>
      {phrase(flow.kind)}: <b>{account?.username ?? flow.account}</b>{' '}
      <small className="hg-quiet">{new Date(flow.createdAt).toLocaleString()}</small>
    </p>
  );
}

function Acts({ flow }: { flow: Flow }) {
  if (!hasEnded(flow)) {
    return (
      <button type="button" onClick={() => void cancelled(flow.id)}>
        Cancel
      </button>
    );
  }
  return (
    <button type="button" onClick={() => void retried(flow.id)}>
      Try again
    </button>
  );
}
