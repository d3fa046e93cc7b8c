import type { Billing } from '../shared/answer';

/** What is left of the window with the least left. */
export function Allowance({ bill }: { bill: Billing }) {
  const { limit, remaining, resetsAt } = bill.allowance ?? {};
  if (limit == null || remaining == null) return <p className="hg-quiet">No allowance limits this client.</p>;
  const share = limit > 0 ? remaining / limit : 0;
  return (
    <div className="hg-allowance">
      <p>
        <b>{remaining}</b> of {limit} left
        {resetsAt && <span className="hg-quiet"> until {new Date(resetsAt).toLocaleString()}</span>}
      </p>
      <meter aria-label="Remaining allowance" min={0} max={1} low={0.2} high={0.5} optimum={1} value={share} />
    </div>
  );
}
