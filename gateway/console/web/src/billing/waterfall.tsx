import type { BilledCall } from '../shared/answer';
import { byList } from './pages';

const MARKS = { BOUGHT: 'bought', SHARED: 'shared', STALE: 'stale', REFUSED: 'refused' };

/** The calls in the order of the answer, each with when it ran; the pages of a list in one row. */
export function Waterfall({ calls }: { calls: BilledCall[] }) {
  if (calls.length === 0) return <p className="hg-quiet">No call was needed.</p>;
  const end = Math.max(...calls.map((call) => call.start + call.seconds), 0.001);
  return (
    <table className="hg-table hg-waterfall">
      <caption>
        {calls.length} {calls.length === 1 ? 'call' : 'calls'} in {milliseconds(end)}
      </caption>
      <thead>
        <tr>
          <th scope="col">call</th>
          <th scope="col">when</th>
          <th scope="col">cost</th>
        </tr>
      </thead>
      <tbody>
        {byList(calls).map((pages, index) => (
          <Row key={index} pages={pages} end={end} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ pages, end }: { pages: BilledCall[]; end: number }) {
  // The first page may be asked for on behalf of a field that is further up.
  const { endpoint, path } = pages.at(-1)!;
  const waited = sum(pages.map((page) => page.waited));
  const others = [...new Set(pages.map(({ state }) => state))].filter((state) => state !== 'BOUGHT');
  return (
    <tr title={pages.map(told).join('\n')}>
      <th scope="row">
        <code>{endpoint}</code>
        {pages.length > 1 && `, ${pages.length} pages`}
        <small>{path}</small>
      </th>
      <td>
        <span className="hg-track">
          {pages.map((page, index) => (
            <Run key={index} call={page} end={end} />
          ))}
        </span>
        <small>
          {milliseconds(sum(pages.map(({ seconds }) => seconds)))}
          {waited > 0 && `, ${milliseconds(waited)} of them queued`}
        </small>
      </td>
      <td>
        {sum(pages.map(({ charged }) => charged))}
        {others.map((state) => (
          <small key={state}>{MARKS[state]}</small>
        ))}
      </td>
    </tr>
  );
}

function Run({ call, end }: { call: BilledCall; end: number }) {
  const percent = (seconds: number) => `${(100 * seconds) / end}%`;
  const bar = { left: percent(call.start), width: `max(3px, ${percent(call.seconds)})` };
  return <i className={`hg-run hg-${MARKS[call.state]}`} style={bar} />;
}

const told = ({ path, state, error }: BilledCall) => `${path}, ${MARKS[state]}${error ? `: ${error}` : ''}`;
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
const milliseconds = (seconds: number) => `${Math.max(1, Math.round(seconds * 1000))} ms`;
