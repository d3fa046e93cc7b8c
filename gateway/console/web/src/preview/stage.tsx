import { useEffect, useRef, useState } from 'react';
import type { Item, Overlay } from './items';
import { Picture, reachable } from './picture';
import type { Slide } from './slides';

interface StageProps {
  slide: Slide;
  paused: boolean;
  muted: boolean;
  onPaused: (paused: boolean) => void;
  onEnd: () => void;
}

/** The 9:16 frame: the whole medium, on itself blurred where it has another shape, and what is placed on it. */
export function Stage({ slide, ...rest }: StageProps) {
  const { item } = slide;
  if (!item) return <Missing id={slide.id} />;
  return (
    <figure className="hg-stage">
      <div className="hg-ground" aria-hidden="true">
        <Picture url={item.picture} />
      </div>
      {item.video ? <Video item={item} {...rest} /> : <Photo item={item} />}
      {item.overlays.map((overlay, index) => (
        <Sticker key={index} overlay={overlay} />
      ))}
    </figure>
  );
}

function Missing({ id }: { id: string }) {
  return (
    <div className="hg-ghost">
      <b>Not handed out any more</b>
      <p>The platform still counts this item, but it was deleted or made private.</p>
      <code>{id}</code>
    </div>
  );
}

function Photo({ item }: { item: Item }) {
  return <Picture url={item.picture} alt={`Photo ${item.id}`} instead={<Dead />} />;
}

function Video({ item, paused, muted, onPaused, onEnd }: Omit<StageProps, 'slide'> & { item: Item }) {
  const video = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const element = video.current;
    if (paused) element?.pause();
    // A browser that does not let it start says so by refusing: then it stands, and the button says "Play".
    else element?.play().catch((reason: Error) => reason.name === 'NotAllowedError' && onPaused(true));
  }, [paused, onPaused]);
  const url = reachable(item.video);
  if (failed || !url) return <Dead />;
  return (
    <video ref={video} src={url} poster={reachable(item.picture) ?? undefined} muted={muted} playsInline
      aria-label={`Video ${item.id}`} onEnded={onEnd} onError={() => setFailed(true)} onTimeUpdate={progress} />
  );
}

/** Written to the element: ten renders a second would be too many for a bar. */
function progress({ currentTarget: { currentTime, duration } }: { currentTarget: HTMLVideoElement }) {
  const bar = document.getElementById('hg-now');
  if (bar && duration > 0) bar.style.width = `${(100 * currentTime) / duration}%`;
}

function Dead() {
  return (
    <div className="hg-ghost">
      <b>Cannot be shown</b>
      <p>
        Its URL has died, or its server shows it to Instagram alone. In the second case the gateway can stand between: ask
        for <code>proxied: true</code>.
      </p>
    </div>
  );
}

function Sticker({ overlay: { kind, label, href, x, y, width, height, rotation } }: { overlay: Overlay }) {
  const place = {
    left: `${100 * x}%`,
    top: `${100 * y}%`,
    width: width > 0 ? `${100 * width}%` : undefined,
    height: height > 0 ? `${100 * height}%` : undefined,
    transform: `translate(-50%, -50%) rotate(${rotation}turn)`,
  };
  return (
    <a className={`hg-sticker hg-${kind}`} style={place} href={href || undefined} target="_blank" rel="noreferrer">
      <span>{label}</span>
    </a>
  );
}
