import { useEffect, useMemo, useState } from 'react';
import { LockIcon } from '../icons';
import { answer } from '../shared/answer';
import { said } from '../shared/gateway';
import { Absences } from './absences';
import { played } from './fetch';
import { absencesIn, highlightsIn, type Highlight, type Owner } from './find';
import { Picture, reachable } from './picture';
import { Player } from './player';

interface Playing {
  highlight: Highlight;
  charged: number | null;
}

export function PreviewPanel() {
  const current = answer.use();
  const highlights = useMemo(() => highlightsIn(current?.data), [current]);
  const absences = useMemo(() => absencesIn(current?.data, current?.errors ?? []), [current]);
  return (
    <div className="hg-panel">
      <h2 className="graphiql-doc-explorer-title">Preview</h2>
      {highlights.length > 0 && <Trays highlights={highlights} />}
      <Absences absences={absences} />
      {highlights.length + absences.length === 0 && (
        <p className="hg-quiet">
          {current?.data ? 'No highlight is in this answer. ' : ''}
          Run an operation that selects the <code>id</code> of highlights: they are shown here, wherever they are in the
          answer.
        </p>
      )}
      {highlights.some(({ cover }) => cover && !reachable(cover)) && <Elsewhere />}
    </div>
  );
}

function Elsewhere() {
  return (
    <p className="hg-quiet">
      Covers without a picture are on servers that show them to Instagram alone. Ask for <code>url(proxied: true)</code>,
      and the gateway stands between.
    </p>
  );
}

function Trays({ highlights }: { highlights: Highlight[] }) {
  const [playing, setPlaying] = useState<Playing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // What was said of the answer before says nothing of this one.
  useEffect(() => setProblem(null), [highlights]);
  const play = async (highlight: Highlight) => {
    setProblem(null);
    if (highlight.items.some(({ picture, video }) => reachable(video ?? picture))) {
      setPlaying({ highlight, charged: null });
      return;
    }
    try {
      setPlaying(await played(highlight.id));
    } catch (error) {
      setProblem(said(error));
    }
  };
  return (
    <>
      {byOwner(highlights).map(([owner, own]) => (
        <Tray key={owner?.username ?? ''} owner={owner} highlights={own} onPlay={play} />
      ))}
      {problem && (
        <p className="hg-problem" role="alert">
          {problem}
        </p>
      )}
      {playing && <Player {...playing} onClose={() => setPlaying(null)} />}
    </>
  );
}

interface TrayProps {
  owner: Owner | null;
  highlights: Highlight[];
  onPlay: (highlight: Highlight) => void;
}

function Tray({ owner, highlights, onPlay }: TrayProps) {
  return (
    <section className="hg-tray">
      {owner && <Head owner={owner} count={highlights.length} />}
      <ul className="hg-rings" data-testid="tray">
        {highlights.map((one) => (
          <li key={one.id}>
            <Ring highlight={one} onPlay={onPlay} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Head({ owner, count }: { owner: Owner; count: number }) {
  return (
    <h3 className="hg-owner">
      <Picture url={owner.picture} />
      <span className="hg-owner-name" dir="auto">{owner.username ?? owner.fullName}</span>
      {owner.isPrivate && (
        <span className="hg-mark" title="This account is private">
          <LockIcon /> private
        </span>
      )}
      <small>
        {count} {count === 1 ? 'highlight' : 'highlights'}
      </small>
    </h3>
  );
}

function Ring({ highlight, onPlay }: { highlight: Highlight; onPlay: (highlight: Highlight) => void }) {
  const { title, cover, items, missing, mediaCount } = highlight;
  const known = items.length > 0 || missing.length > 0;
  const count = known && missing.length > 0 ? `${items.length}, ${missing.length} missing` : (mediaCount ?? '');
  const hint = items.length > 0 ? 'Play' : 'Play; its items are bought unless they are cached';
  return (
    <button type="button" className="hg-ring-button" onClick={() => onPlay(highlight)} title={hint}>
      <span className={missing.length > 0 ? 'hg-ring hg-ring-gaps' : 'hg-ring'}>
        <Picture url={cover} instead={<span className="hg-initial">{[...title][0] ?? '?'}</span>} />
      </span>
      <span className="hg-ring-title" dir="auto">{title || highlight.id.replace('highlight:', '')}</span>
      {count !== '' && <small>{count}</small>}
    </button>
  );
}

function byOwner(highlights: Highlight[]): [Owner | null, Highlight[]][] {
  const groups = new Map<string, [Owner | null, Highlight[]]>();
  for (const one of highlights) {
    const name = one.owner?.username ?? one.owner?.fullName ?? '';
    const group = groups.get(name) ?? [one.owner, []];
    group[1].push(one);
    groups.set(name, group);
  }
  return [...groups.values()];
}
