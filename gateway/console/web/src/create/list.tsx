import { useState } from 'react';
import type { Flow } from './flow';
import { moved, nameOf, type Medium } from './media';
import { MediumState } from './progress';
import { Thumbnail } from './thumbnail';

interface ListProps {
  media: Medium[];
  cover: number;
  flow: Flow | null;
  onChange: (media: Medium[]) => void;
  onCover: (id: number) => void;
}

/** In the highlight's order: dragged, or moved by the buttons. */
export function MediaList({ media, cover, flow, onChange, onCover }: ListProps) {
  const [dragged, setDragged] = useState<number | null>(null);
  const enter = (place: number) => {
    if (dragged === null || dragged === place) return;
    onChange(moved(media, dragged, place));
    setDragged(place);
  };
  if (media.length === 0) return null;
  return (
    <ol className="hg-media" data-testid="media">
      {media.map((medium, place) => (
        <li key={medium.id} draggable onDragStart={() => setDragged(place)} onDragEnd={() => setDragged(null)}
          onDragEnter={() => enter(place)} className={dragged === place ? 'hg-dragged' : ''}>
          <Thumbnail medium={medium} />
          <span className="hg-medium-name">
            {nameOf(medium)}
            <MediumState flow={flow} medium={place} />
          </span>
          <label className="hg-cover">
            <input type="radio" name="cover" checked={place === cover} onChange={() => onCover(medium.id)} />
            Cover
          </label>
          <span className="hg-moves">
            <Act name="Move up" of={medium} sign="↑" disabled={place === 0} act={() => onChange(moved(media, place, place - 1))} />
            <Act name="Move down" of={medium} sign="↓" disabled={place === media.length - 1}
              act={() => onChange(moved(media, place, place + 1))} />
            <Act name="Remove" of={medium} sign="×" act={() => onChange(media.filter((one) => one !== medium))} />
          </span>
        </li>
      ))}
    </ol>
  );
}

interface ActProps {
  name: string;
  of: Medium;
  sign: string;
  disabled?: boolean;
  act: () => void;
}

function Act({ name, of, sign, disabled = false, act }: ActProps) {
  return (
    <button type="button" aria-label={`${name}: ${nameOf(of)}`} title={name} disabled={disabled} onClick={act}>
      {sign}
    </button>
  );
}
