import { useEffect, useState } from 'react';
import { HashtagIcon, LocationIcon, LockIcon } from '../icons';
import { said } from '../shared/gateway';
import { played } from './fetch';
import type { Subject } from './find';
import { PostGrid } from './grid';
import { Lines, personLine, spotLine } from './lines';
import { nameOf, type Owner } from './owner';
import { Picture, reachable } from './picture';
import { Player } from './player';
import type { Reel } from './reels';
import { Rings } from './rings';
import type { Spot } from './spots';

interface Playing {
  reel: Reel;
  charged: number | null;
}

export function Subjects({ subjects }: { subjects: Subject[] }) {
  const [playing, setPlaying] = useState<Playing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  // What was said of the answer before says nothing of this one.
  useEffect(() => setProblem(null), [subjects]);
  const play = async (reel: Reel) => {
    setProblem(null);
    if (reel.items.some(({ picture, video }) => reachable(video ?? picture))) {
      setPlaying({ reel, charged: null });
      return;
    }
    try {
      setPlaying(await played(reel));
    } catch (error) {
      setProblem(said(error));
    }
  };
  return (
    <>
      {subjects.map((one, index) => (
        <Shown key={index} subject={one} onPlay={play} />
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

function Shown({ subject, onPlay }: { subject: Subject; onPlay: (reel: Reel) => void }) {
  const { owner, spot, reels, posts, people, spots } = subject;
  const highlights = reels.filter(({ kind }) => kind === 'highlight').length;
  const isNested = owner !== null || spot !== null;
  return (
    <section className="hg-subject">
      {owner && <OwnerHead owner={owner} highlights={highlights} />}
      {spot && <SpotHead spot={spot} />}
      {reels.length > 0 && <Rings reels={reels} onPlay={onPlay} />}
      {posts.map((one) => (
        <PostGrid key={one.field} posts={one} owner={owner && nameOf(owner)} isNested={isNested} />
      ))}
      {people.map((one) => (
        <Lines key={one.field} listed={one} line={personLine} isNested={isNested} />
      ))}
      {spots.map((one) => (
        <Lines key={one.field} listed={one} line={spotLine} isNested={isNested} />
      ))}
    </section>
  );
}

function OwnerHead({ owner, highlights }: { owner: Owner; highlights: number }) {
  return (
    <h3 className="hg-owner">
      <Picture url={owner.picture} />
      <span className="hg-owner-name" dir="auto">{nameOf(owner)}</span>
      {owner.isPrivate && (
        <span className="hg-mark" title="This account is private">
          <LockIcon /> private
        </span>
      )}
      {highlights > 0 && (
        <small>
          {highlights} {highlights === 1 ? 'highlight' : 'highlights'}
        </small>
      )}
    </h3>
  );
}

function SpotHead({ spot: { kind, name, picture, note } }: { spot: Spot }) {
  const Icon = kind === 'hashtag' ? HashtagIcon : LocationIcon;
  return (
    <h3 className="hg-owner hg-spot">
      <Picture url={picture} instead={<span className="hg-sign"><Icon /></span>} />
      <span className="hg-owner-name" dir="auto">{name}</span>
      {note && <small dir="auto">{note}</small>}
    </h3>
  );
}
