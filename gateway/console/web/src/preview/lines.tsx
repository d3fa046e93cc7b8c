import type { ReactNode } from 'react';
import { HashtagIcon, LocationIcon, LockIcon, PersonIcon } from '../icons';
import type { Listed, Person } from './find';
import { Heading } from './heading';
import { nameOf, profileOf } from './owner';
import { Picture } from './picture';
import type { Spot } from './spots';

interface Line {
  picture: string | null;
  /** Where there is no picture. */
  sign: ReactNode;
  isLive?: boolean;
  href?: string;
  name: string;
  note: string | null;
  mark?: ReactNode;
}

export function personLine(person: Person): Line {
  const { username, fullName, picture, isPrivate, hasLiveStories } = person;
  return {
    picture,
    sign: <PersonIcon />,
    isLive: hasLiveStories,
    href: profileOf(username),
    name: nameOf(person),
    note: username ? fullName : null,
    mark: isPrivate && (
      <span className="hg-mark" title="This account is private">
        <LockIcon /> private
      </span>
    ),
  };
}

export const spotLine = ({ kind, name, note, picture }: Spot): Line => ({
  picture,
  sign: kind === 'hashtag' ? <HashtagIcon /> : <LocationIcon />,
  name,
  note,
});

interface LinesProps<T> {
  listed: Listed<T>;
  line: (entry: T) => Line;
  isNested: boolean;
}

export function Lines<T>({ listed, line, isNested }: LinesProps<T>) {
  return (
    <div className="hg-list">
      <Heading listed={listed} instead="Accounts" isNested={isNested} />
      <ul className="hg-lines">
        {listed.entries.map((entry, index) => (
          <OneLine key={index} line={line(entry)} />
        ))}
      </ul>
    </div>
  );
}

function OneLine({ line: { picture, sign, isLive, href, name, note, mark } }: { line: Line }) {
  return (
    <li className="hg-line-of">
      <span className={isLive ? 'hg-face hg-face-live' : 'hg-face'}>
        <Picture url={picture} instead={<span className="hg-sign">{sign}</span>} />
      </span>
      <span className="hg-line-name" dir="auto">
        {href ? (
          <a href={href} target="_blank" rel="noreferrer">
            {name}
          </a>
        ) : (
          name
        )}
        {isLive && <span className="hg-visually-hidden"> has live stories</span>}
      </span>
      {note && <small dir="auto">{note}</small>}
      {mark}
    </li>
  );
}
