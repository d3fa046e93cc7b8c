import { useGraphiQLActions } from '@graphiql/react';
import TRAY from '../../../operations/new_tray.graphql?raw';
import { useOpenTab } from '../examples/open';
import { showNext } from '../shared/view';
import { again, cancel, creation, startOver, type Creation } from './creation';
import { hasEnded } from './flow';
import { bytesOf, nameOf } from './media';
import { Bar, Progress } from './progress';

/** How far it is, and what can be done next: one thing above all, and what there is besides. */
export function Outcome({ account, ready }: { account: string; ready: boolean }) {
  const current = creation.use();
  return (
    <div className="hg-outcome">
      <Standing {...current} />
      <p className="hg-acts">
        <Acts current={current} account={account} ready={ready} />
      </p>
    </div>
  );
}

function Standing({ sent, flow, media, problem }: Creation) {
  const failed = flow?.error?.medium != null ? media[flow.error.medium] : undefined;
  const bytes = media.reduce((sum, medium) => sum + bytesOf(medium), 0);
  return (
    <>
      {problem && (
        <p className="hg-problem" role="alert">
          {problem}
        </p>
      )}
      {sent !== null && <Bar word="Sending" share={bytes > 0 ? Math.min(1, sent / bytes) : 0} />}
      {sent === null && flow && <Progress flow={flow} name={failed && nameOf(failed)} />}
    </>
  );
}

function Acts({ current: { sent, flow }, account, ready }: { current: Creation; account: string; ready: boolean }) {
  const show = useTray(account);
  const other = (
    <button type="button" onClick={startOver}>
      Make another
    </button>
  );
  if (flow?.state === 'DONE') return <><Primary act={show}>Show it in the tray</Primary>{other}</>;
  if (flow?.retryable) return <><Primary act={() => void again()}>Try again</Primary>{other}</>;
  if (sent !== null || (flow && !hasEnded(flow))) {
    return (
      <>
        <button type="submit" className="hg-primary" disabled>
          {flow ? 'Creating…' : 'Sending…'}
        </button>
        <button type="button" onClick={() => void cancel()}>
          Cancel
        </button>
        {flow && other}
      </>
    );
  }
  return (
    <button type="submit" className="hg-primary" disabled={!ready}>
      Create the highlight
    </button>
  );
}

function Primary({ act, children }: { act: () => void; children: string }) {
  return (
    <button type="button" className="hg-primary" onClick={act}>
      {children}
    </button>
  );
}

function useTray(account: string): () => void {
  const open = useOpenTab();
  const { run, setVisiblePlugin } = useGraphiQLActions();
  return () => {
    open(TRAY, JSON.stringify({ account }, null, 2));
    setVisiblePlugin('Preview');
    showNext('.graphiql-plugin');
    run();
  };
}
