import { useEffect, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from 'react';
import { createPortal } from 'react-dom';
import { CloseIcon, MutedIcon, PauseIcon, PlayIcon, SoundIcon } from '../icons';
import { Picture } from './picture';
import type { Reel } from './reels';
import { slidesOf, type Slide } from './slides';
import { Segments } from './segments';
import { Stage } from './stage';

interface PlayerProps {
  reel: Reel;
  /** Billed requests for what was fetched to play it; null where nothing was. */
  charged: number | null;
  onClose: () => void;
}

const nameOf = ({ kind, title }: Reel) => (kind === 'highlight' ? `Highlight ${title}` : title);
const stands = () => window.matchMedia('(prefers-reduced-motion: reduce)').matches;

/** Instagram's player: tap the sides or use the arrows, hold or press space to pause. */
export function Player({ reel, charged, onClose }: PlayerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const slides = slidesOf(reel);
  const [index, setIndex] = useState(0);
  const [paused, setPaused] = useState(stands);
  const [muted, setMuted] = useState(true);
  useEffect(() => dialog.current?.showModal(), []);
  const go = (by: number) => {
    const next = index + by;
    if (next >= slides.length) onClose();
    else setIndex(Math.max(0, next));
  };
  const keys: Record<string, () => void> = {
    ArrowRight: () => go(1),
    ArrowLeft: () => go(-1),
    Home: () => setIndex(0),
    End: () => setIndex(slides.length - 1),
    m: () => setMuted(!muted),
  };
  const press = (event: KeyboardEvent) => {
    const isOnControl = event.target instanceof HTMLElement && event.target.closest('button, a');
    const act = event.key === ' ' && !isOnControl ? () => setPaused(!paused) : keys[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  };
  const outside = (event: MouseEvent) => event.target === dialog.current && onClose();
  const slide = slides[index];
  return createPortal(
    <dialog ref={dialog} className="hg-player" aria-label={nameOf(reel)} onClose={onClose}
      onKeyDown={press} onClick={outside} data-testid="player">
      <div className="hg-phone">
        <header className="hg-player-head">
          <Segments slides={slides} index={index} paused={paused} still={stands()} onEnd={() => go(1)} />
          <div className="hg-player-bar">
            <Heading reel={reel} slide={slide} charged={charged} />
            <Tool name={paused ? 'Play' : 'Pause'} act={() => setPaused(!paused)}>
              {paused ? <PlayIcon /> : <PauseIcon />}
            </Tool>
            {slide?.item?.video && (
              <Tool name={muted ? 'Unmute' : 'Mute'} act={() => setMuted(!muted)}>
                {muted ? <MutedIcon /> : <SoundIcon />}
              </Tool>
            )}
            <Tool name="Close the player" act={onClose}>
              <CloseIcon />
            </Tool>
          </div>
        </header>
        {slide ? (
          <Stage key={slide.id} slide={slide} paused={paused} muted={muted} onPaused={setPaused} onEnd={() => go(1)} />
        ) : (
          <p className="hg-ghost">It has no items.</p>
        )}
        <button type="button" className="hg-side hg-back" onClick={() => go(-1)} aria-label="Previous item" />
        <button type="button" className="hg-side hg-next" onClick={() => go(1)} aria-label="Next item" />
        <p className="hg-visually-hidden" aria-live="polite">
          {slide && `Item ${index + 1} of ${slides.length}${slide.item ? '' : ', missing'}`}
        </p>
      </div>
    </dialog>,
    document.body,
  );
}

function Heading({ reel, slide, charged }: { reel: Reel; slide?: Slide; charged: number | null }) {
  const taken = slide?.item?.takenAt;
  return (
    <div className="hg-player-title">
      <Picture url={reel.cover} />
      <b dir="auto">{reel.title}</b>
      <small>
        {reel.owner?.username}
        {taken && ` · ${new Date(taken).toLocaleDateString()}`}
        {charged !== null && ` · charged ${charged}`}
      </small>
    </div>
  );
}

function Tool({ name, act, children }: { name: string; act: () => void; children: ReactNode }) {
  return (
    <button type="button" className="hg-tool" aria-label={name} title={name} onClick={act}>
      {children}
    </button>
  );
}
