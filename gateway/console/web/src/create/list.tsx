import { HandleIcon } from '../icons';
import { creation, edit, type Creation } from './creation';
import { useDrag } from './drag';
import { bytesOf, moved, nameOf, partsGone, sized, type Medium } from './media';
import { MediumState } from './progress';
import { Thumbnail } from './thumbnail';

/** In the highlight's order: dragged, or moved by the buttons. `cover` is the place of one. */
export function MediaList({ media, cover }: { media: Medium[]; cover: number }) {
  const current = creation.use();
  const gone = current.sent === null ? new Map<number, number>() : partsGone(current.media, current.sent);
  const { dragged, listening } = useDrag((from, to) => edit({ media: moved(media, from, to) }));
  if (media.length === 0) return null;
  return (
    <div>
      <ol className="hg-media" data-testid="media" {...listening}>
        {media.map((medium, place) => (
          <li key={medium.id} className={dragged === place ? 'hg-dragged' : ''}>
            <span className="hg-handle" data-handle aria-hidden="true">
              <HandleIcon />
            </span>
            <Thumbnail medium={medium} />
            <Told medium={medium} creation={current} gone={gone.get(medium.id)} />
            <label className="hg-cover">
              <input type="radio" name="cover" checked={place === cover} onChange={() => edit({ cover: medium.id })} />
              Cover
            </label>
            <Moves media={media} place={place} />
          </li>
        ))}
      </ol>
      <Total media={media} />
    </div>
  );
}

/** What is known of one medium: its name, its size, where it is, and what is wrong with it. */
function Told({ medium, creation: { media, flow, mistakes }, gone }: { medium: Medium; creation: Creation; gone: number | undefined }) {
  const place = media.findIndex(({ id }) => id === medium.id);
  const steps = flow?.steps.filter((step) => place >= 0 && step.medium === place) ?? [];
  return (
    <span className="hg-medium-name">
      <span className="hg-name" dir="auto">{nameOf(medium)}</span>
      {'file' in medium && <small className="hg-size">{sized(medium.file.size)}</small>}
      <MediumState steps={steps} gone={gone} />
      {mistakes
        .filter(({ about }) => about === medium.id)
        .map(({ code, message }) => (
          <small key={code} className="hg-mistake" data-testid="medium-mistake">
            {message}
          </small>
        ))}
    </span>
  );
}

function Total({ media }: { media: Medium[] }) {
  const bytes = media.reduce((sum, medium) => sum + bytesOf(medium), 0);
  return (
    <small className="hg-quiet" data-testid="total">
      {media.length} {media.length === 1 ? 'medium' : 'media'}
      {bytes > 0 && `, ${sized(bytes)}`}
    </small>
  );
}

function Moves({ media, place }: { media: Medium[]; place: number }) {
  const medium = media[place]!;
  const to = (other: number) => edit({ media: moved(media, place, other) });
  const remove = (button: HTMLElement) => {
    focusBeside(button.closest('li')!);
    edit({ media: media.filter((one) => one !== medium) });
  };
  return (
    <span className="hg-moves">
      <Act name="Move up" of={medium} sign="↑" disabled={place === 0} act={() => to(place - 1)} />
      <Act name="Move down" of={medium} sign="↓" disabled={place === media.length - 1} act={() => to(place + 1)} />
      <Act name="Remove" of={medium} sign="×" act={remove} />
    </span>
  );
}

/** What has the focus is about to go. */
function focusBeside(entry: Element): void {
  const beside = entry.nextElementSibling ?? entry.previousElementSibling;
  const next = beside?.querySelector<HTMLElement>('.hg-moves :last-child') ?? document.querySelector<HTMLElement>('.hg-browse input');
  next?.focus();
}

interface ActProps {
  name: string;
  of: Medium;
  sign: string;
  disabled?: boolean;
  act: (button: HTMLElement) => void;
}

/** Disabled by its role alone, so that it keeps the focus at the end of the way. */
function Act({ name, of, sign, disabled = false, act }: ActProps) {
  return (
    <button type="button" aria-label={`${name}: ${nameOf(of)}`} title={name} aria-disabled={disabled}
      onClick={(event) => !disabled && act(event.currentTarget)}>
      {sign}
    </button>
  );
}
