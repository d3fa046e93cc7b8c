import { Picture } from './picture';
import type { Reel } from './reels';

interface RingsProps {
  reels: Reel[];
  onPlay: (reel: Reel) => void;
}

export function Rings({ reels, onPlay }: RingsProps) {
  return (
    <ul className="hg-rings" data-testid="tray">
      {reels.map((one, index) => (
        <li key={index}>
          <Ring reel={one} onPlay={onPlay} />
        </li>
      ))}
    </ul>
  );
}

function Ring({ reel, onPlay }: { reel: Reel; onPlay: (reel: Reel) => void }) {
  const { title, cover, items, missing, mediaCount } = reel;
  const known = items.length > 0 || missing.length > 0;
  const count = known && missing.length > 0 ? `${items.length}, ${missing.length} missing` : (mediaCount ?? '');
  const hint = items.length > 0 ? 'Play' : 'Play; its items are bought unless they are cached';
  return (
    <button type="button" className="hg-ring-button" onClick={() => onPlay(reel)} title={hint}>
      <span className={missing.length > 0 ? 'hg-ring hg-ring-gaps' : 'hg-ring'}>
        <Picture url={cover} instead={<span className="hg-initial">{[...title][0] ?? '?'}</span>} />
      </span>
      <span className="hg-ring-title" dir="auto">{title || reel.id.replace('highlight:', '')}</span>
      {count !== '' && <small>{count}</small>}
    </button>
  );
}
