import type { Flow, Step } from './flow';

const WORDS: Record<string, string> = {
  RECEIVED: 'Received',
  UPLOADING: 'Uploading',
  PROCESSING: 'The platform is processing',
  PUBLISHING: 'Publishing',
  CREATING: 'Creating the highlight',
  DONE: 'Done',
  FAILED: 'Failed',
  CANCELLED: 'Cancelled',
};

const STEPS: Record<string, [doing: string, done: string]> = {
  upload: ['Uploading', 'Uploaded'],
  process: ['Processing', 'Processed'],
  publish: ['Publishing', 'Published'],
};

export function Progress({ flow }: { flow: Flow }) {
  const word = WORDS[flow.state] ?? flow.state;
  return (
    <>
      <p className="hg-flow-state" aria-live="polite" data-testid="flow-state">
        <b>{word}</b> <span>{Math.round(100 * flow.progress)} %</span>
      </p>
      <progress max={1} value={flow.progress} aria-label={word} className={flow.error ? 'hg-failed' : ''} />
      {flow.error && <p className="hg-problem">{flow.error.message}</p>}
    </>
  );
}

/** Where one medium is: the last thing done with it, and how often that was tried. */
export function MediumState({ flow, medium }: { flow: Flow | null; medium: number }) {
  const steps = flow?.steps.filter((step) => step.medium === medium) ?? [];
  const last = steps.at(-1);
  if (!last) return null;
  return (
    <small className={`hg-step hg-step-${last.state.toLowerCase()}`} data-testid="medium-state">
      {describe(last)}
    </small>
  );
}

function describe({ name, state, attempts, error }: Step): string {
  const [doing, done] = STEPS[name] ?? [name, name];
  const tries = attempts > 1 ? `, try ${attempts}` : '';
  if (state === 'FAILED') return `${doing} failed${tries}${error ? `: ${error.message}` : ''}`;
  return state === 'DONE' ? `${done}${tries}` : `${doing}…${tries}`;
}
