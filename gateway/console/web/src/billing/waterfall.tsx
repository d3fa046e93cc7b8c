import type { BilledCall } from '../shared/answer';

const MARKS = { BOUGHT: 'bought', SHARED: 'shared', STALE: 'stale', REFUSED: 'refused' };

/** The calls in the order of the answer, each with when it ran. */
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
        {calls.map((call, index) => (
          <Row key={index} call={call} end={end} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ call, end }: { call: BilledCall; end: number }) {
  const percent = (seconds: number) => `${(100 * seconds) / end}%`;
  const bar = { left: percent(call.start), width: `max(3px, ${percent(call.seconds)})` };
  return (
    <tr title={`${call.path}, ${MARKS[call.state]}${call.error ? `: ${call.error}` : ''}`}>
      <th scope="row">
        <code>{call.endpoint}</code>
        <small>{call.path}</small>
      </th>
      <td>
        <span className="hg-track">
          <i className={`hg-run hg-${MARKS[call.state]}`} style={bar} />
        </span>
        <small>{milliseconds(call.seconds)}</small>
      </td>
      <td>
        {call.charged}
        {call.state !== 'BOUGHT' && <small>{MARKS[call.state]}</small>}
      </td>
    </tr>
  );
}

const milliseconds = (seconds: number) => `${Math.max(1, Math.round(seconds * 1000))} ms`;
