import type { Flow, Step } from './flow';

const WORDS: Record<string, string> = {
  RECEIVED: 'Received',
  UPLOADING: 'Uploading',
  PROCESSING: 'The platform is processing',
  PUBLISHING: 'Publishing',
  APPLYING: 'Applying',
  DONE: 'Done',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
};

const STEPS: Record<string, [doing: string, done: string]> = {
  upload: ['Uploading', 'Uploaded'],
  process: ['Processing', 'Processed'],
  publish: ['Publishing', 'Published'],
};

/** `name` is that of the medium which the flow failed for, if it failed for one. */
export function Progress({ flow, name }: { flow: Flow; name?: string | undefined }) {
  const word = WORDS[flow.state] ?? flow.state;
  const reason = reasonToWait(flow);
  return (
    <>
      <Bar word={word} share={flow.progress} failed={flow.error !== null} />
      {reason && (
        <p className="hg-quiet" role="status" data-testid="flow-reason">
          {reason}
        </p>
      )}
      {flow.error && (
        <p className="hg-problem">
          {name && <b>{name}: </b>}
          {flow.error.message}
        </p>
      )}
    </>
  );
}

/** Why a step that is of no medium is tried again. */
function reasonToWait({ steps }: Flow): string | undefined {
  return steps.filter(({ medium, state }) => medium === null && state === 'RUNNING').at(-1)?.error?.message;
}

export function Bar({ word, share, failed = false }: { word: string; share: number; failed?: boolean }) {
  return (
    <>
      <p className="hg-flow-state" data-testid="flow-state">
        <b aria-live="polite">{word}</b> <span>{Math.round(100 * share)} %</span>
      </p>
      <progress max={1} value={share} aria-label={word} className={failed ? 'hg-failed' : ''} />
    </>
  );
}

/** Where one medium is: how much of it has gone, else the last thing done with it and how often that was tried. */
export function MediumState({ steps, gone }: { steps: Step[]; gone: number | undefined }) {
  const last = steps.at(-1);
  if (!last && gone === undefined) return null;
  const state = last?.state.toLowerCase() ?? 'running';
  return (
    <small className={`hg-step hg-step-${state}`} data-testid="medium-state">
      {last ? describe(last) : `Sent ${Math.floor(100 * gone!)} %`}
    </small>
  );
}

function describe({ name, state, attempts, error }: Step): string {
  const [doing, done] = STEPS[name] ?? [name, name];
  const tries = attempts > 1 ? `, try ${attempts}` : '';
  if (state === 'FAILED') return `${doing} failed${tries}${error ? `: ${error.message}` : ''}`;
  return state === 'DONE' ? `${done}${tries}` : `${doing}…${tries}${error ? `: ${error.message}` : ''}`;
}
