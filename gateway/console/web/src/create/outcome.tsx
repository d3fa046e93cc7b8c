import { useGraphiQLActions } from '@graphiql/react';
import TRAY from '../../../operations/new_tray.graphql?raw';
import { useOpenTab } from '../examples/open';
import { showNext } from '../shared/view';
import { again, cancel, creation, isUnderWay, startOver, type Creation } from './creation';
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

function Acts({ current, account, ready }: { current: Creation; account: string; ready: boolean }) {
  const show = useTray(account);
  const runs = isUnderWay(current);
  const { word, act } = next(current, show);
  const another = () => {
    document.getElementById('hg-title')?.focus();
    startOver();
  };
  return (
    <>
      {/* One button, whatever it says, and disabled by its role alone: so it keeps the focus. */}
      <button type={act ? 'button' : 'submit'} className="hg-primary" aria-disabled={runs || (!act && !ready)} onClick={act}>
        {word}
      </button>
      {runs && (
        <button type="button" onClick={() => void cancel()}>
          Cancel
        </button>
      )}
      {current.flow && (runs || act) && (
        <button type="button" onClick={another}>
          Make another
        </button>
      )}
    </>
  );
}

/** What the primary button says, and what it does if that is not to send the form. */
function next(current: Creation, show: () => void): { word: string; act?: () => void } {
  const { flow } = current;
  if (flow?.state === 'DONE') return { word: 'Show it in the tray', act: show };
  if (flow?.retryable) return { word: 'Try again', act: () => void again() };
  return { word: !isUnderWay(current) ? 'Create the highlight' : flow ? 'Creating…' : 'Sending…' };
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
