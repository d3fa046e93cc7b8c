import { answer, type Billing } from '../shared/answer';
import { Allowance } from './allowance';
import { quote, type Price } from './quote';
import { range } from './range';
import { Waterfall } from './waterfall';

export function BillingPanel() {
  const bill = answer.use()?.billing;
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Billing</h2>
      <Before />
      <section aria-labelledby="hg-after">
        <h3 id="hg-after">After the last run</h3>
        {bill ? <After bill={bill} /> : <p className="hg-quiet">Run an operation to see its bill.</p>}
      </section>
    </div>
  );
}

function Before() {
  const current = quote.use();
  const name = current?.operation;
  return (
    <section aria-labelledby="hg-before">
      <h3 id="hg-before">Before you run {name ? <code>{name}</code> : 'it'}</h3>
      <div aria-live="polite">
        {current?.price && <PriceOf price={current.price} />}
        {current?.problem && <p className="hg-problem">{current.problem}</p>}
        {!current && <p className="hg-quiet">Put the cursor into an operation to see its price.</p>}
      </div>
    </section>
  );
}

function PriceOf({ price }: { price: Price }) {
  return (
    <>
      <p className="hg-price">
        <strong data-testid="price">{range(price)}</strong>
        <span>
          billed requests
          {price.lower !== price.upper && <>, {price.expected} expected</>}
        </span>
      </p>
      {price.lower < price.upper && <Bounds price={price} />}
      {price.savedByCache > 0 && <p className="hg-saved">{price.savedByCache} saved by the cache</p>}
      {!price.withinBudget && <p className="hg-problem">The upper bound is more than you may spend.</p>}
      {price.fields.length > 0 && <Fields price={price} />}
      <Calls calls={price.calls} />
    </>
  );
}

function Bounds({ price: { lower, expected, upper } }: { price: Price }) {
  const percent = (value: number) => `${(100 * value) / upper}%`;
  return (
    <div className="hg-bounds" aria-hidden="true">
      <i style={{ left: percent(lower), right: 0 }} />
      <b style={{ left: percent(expected) }} />
    </div>
  );
}

function Fields({ price }: { price: Price }) {
  const most = Math.max(...price.fields.map((field) => field.total));
  return (
    <table className="hg-table">
      <caption>What is wanted where, for the first time</caption>
      <tbody>
        {price.fields.map(({ path, total }) => (
          <tr key={path}>
            <th scope="row">
              <code>{path}</code>
            </th>
            <td className="hg-bar-cell" aria-hidden="true">
              <i className="hg-bar" style={{ width: `${(100 * total) / most}%` }} />
            </td>
            <td>{total}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What would be called how often. The pages of lists are calls of one endpoint. */
function Calls({ calls }: { calls: Price['calls'] }) {
  const expected = calls.filter(({ count }) => count > 0);
  if (expected.length === 0) return null;
  return (
    <table className="hg-table">
      <caption>Expected calls</caption>
      <tbody>
        {expected.map(({ endpoint, count, unit, total, cached }) => (
          <tr key={endpoint}>
            <th scope="row">
              <code>{endpoint}</code>
            </th>
            <td>
              {count} × {unit}
              {cached > 0 && <span className="hg-saved"> and {cached} cached</span>}
            </td>
            <td className="hg-total">{total}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function After({ bill }: { bill: Billing }) {
  return (
    <>
      <dl className="hg-figures">
        <Figure name="charged" value={bill.charged} />
        <Figure name="saved by cache" value={bill.savedByCache} good />
        <Figure name="saved by sharing" value={bill.savedBySharing} good />
      </dl>
      <Allowance bill={bill} />
      <Waterfall calls={bill.calls ?? []} />
    </>
  );
}

function Figure({ name, value, good = false }: { name: string; value: number; good?: boolean }) {
  return (
    <div className={good && value > 0 ? 'hg-figure hg-good' : 'hg-figure'}>
      <dt>{name}</dt>
      <dd data-testid={name.replaceAll(' ', '-')}>{value}</dd>
    </div>
  );
}
